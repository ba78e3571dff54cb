"""Answers of the Images api, read: OpenAI's, and those of servers that are compatible with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plcli.failures import CHECK_BASE_URL, failed
from plcli.media import LIFT_FROM, Json, MediaRef, encode, lift
from plcli.providers.openai_reading import picture_type
from plcli.providers.reading import count, failed_state, failure_of, rows, table, words
from plcli.response import Failure, ImagePart, Response, State, Usage
from plcli.safety import filtered

DRAFT = "partial_image_index"
"""The field of a draft's event that tells its number; `fold` leaves it on the last draft of a cut stream."""

_NO_PARAMETER = (
    "b64_json", "created", "id", "image_index", "index", "model", "object", "request_id", "revised_prompt",
    "safety_identifier", "type", "url", DRAFT,
)  # fmt: skip
"""Fields of an answer, and of a picture in it, that say nothing of how it was made."""


def read(wire_response: Json) -> Response:
    """The answer in plcli's words. Raises `CallFailed` of kind protocol where nothing usable is there."""
    body = table(wire_response)
    known = isinstance(body.get("data"), list) or ("created" in body and body.get("data") is None)
    if not known and not body.get("error"):
        raise failed("protocol", "the answer is none of the images api: it has neither data nor error", CHECK_BASE_URL)
    items = [table(item) for item in rows(body.get("data"))]
    parts = tuple(part for item in items if (part := _picture(item, body)) is not None)
    state, failure = _state(body, items, parts)
    return Response(
        state=state,
        parts=parts,
        usage=_usage(body, len(parts)),
        served_model=words(body.get("model")),
        failure=failure,
    )


def _picture(item: Mapping[str, Json], body: Mapping[str, Json]) -> ImagePart | None:
    """The picture of an item, by its bytes or its address; None where it has neither.

    Bytes are in the place of an address too: a data URL, and what is long and base64.
    """
    source = item.get("b64_json") or item.get("url")
    inline = isinstance(source, str) and source.startswith("data:")
    if isinstance(source, str):
        source = lift(source)[0]
    if not source or not isinstance(source, MediaRef | str):
        return None
    held = source if isinstance(source, MediaRef) else None
    served = {key: value for key, value in {**body, **item}.items() if key not in _NO_PARAMETER and _is_plain(value)}
    return ImagePart(
        media=held.digest if held else None,
        mime=picture_type(served.get("output_format")) or (held.mime if held else None),
        served=served or None,
        revised_prompt=words(item.get("revised_prompt")) or None,
        url=None if held or inline or item.get("b64_json") else words(source),
        faults=["it is a draft: the picture did not come"] if DRAFT in item else None,
    )


def _is_plain(value: Json) -> bool:
    """Whether a value is one that a parameter can have; the rest tells of usage, and of what filters found."""
    return len(value) < LIFT_FROM if isinstance(value, str) else isinstance(value, int | float)


def _state(
    body: Mapping[str, Json], items: Sequence[Mapping[str, Json]], parts: Sequence[ImagePart]
) -> tuple[State, Failure | None]:
    if error := body.get("error"):
        failure = failure_of(error)
        return failed_state(failure), failure
    if any(DRAFT in item for item in items):
        return "error", failed("protocol", "the answer is not complete: the stream was cut", "try again").failure
    reasons = [failure_of(error) for error in map(_error_of, items) if error]
    if not parts and reasons:
        return "blocked" if reasons[0].kind == "safety" else "no_image", reasons[0]
    if not parts:
        return "no_image", failed("invalid", "the answer holds no picture", "change the words, or try again").failure
    return "ok", None


def _error_of(item: Mapping[str, Json]) -> Json:
    """Why an item has no picture: what it says itself, or what Azure's filter found in it."""
    if found := filtered(item.get("content_filter_results")):
        return {"code": "content_filter", "message": f"the content filter withheld the picture{found}"}
    return item.get("error")


def _usage(body: Mapping[str, Json], images: int) -> Usage | None:
    usage, drawn = table(body.get("usage")), table(body.get("svg_usage"))
    if not (usage or drawn or images):
        return None
    given, made = table(usage.get("input_tokens_details")), table(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        cached_input_tokens=count(given.get("cached_tokens")),
        image_input_tokens=count(given.get("image_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        # Nothing but pictures is made here, and streams give no details.
        image_output_tokens=count(made.get("image_tokens") if made else usage.get("output_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        images=images or None,
        tools={"svg_usage": encode(drawn)} if drawn else None,
    )
