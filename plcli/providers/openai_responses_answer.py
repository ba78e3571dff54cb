"""Answers of the Responses api, read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from plcli.failures import CHECK_BASE_URL, failed
from plcli.media import Json, MediaRef, encode, lift
from plcli.providers import openai_responses_waiting
from plcli.providers.openai_reading import function_call, picture_type
from plcli.providers.reading import answered, count, failed_state, failure_of, native, rows, table, words
from plcli.response import (
    Failure,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Response,
    State,
    TextPart,
    ToolCallPart,
    Usage,
    join,
)

_AGAIN = "try again"
_CALL = "image_generation_call"
_OWN_PICTURE_FIELDS = ("type", "id", "status", "result", "revised_prompt", "error", "svg_usage")


def read(wire_response: Json) -> Response:
    """The answer in plcli's words. Raises `CallFailed` of kind protocol where nothing usable is there."""
    body = table(wire_response)
    if not isinstance(body.get("output"), list) and not body.get("error"):
        raise failed("protocol", "the answer is no response: it has neither output nor error", CHECK_BASE_URL)
    output = rows(body.get("output"))
    closed = openai_responses_waiting.answered(output)
    parts = tuple(part for item in output for part in _parts(table(item), item, closed))
    drawing = [item for item in map(table, output) if item.get("type") == _CALL]
    drawn = sum(isinstance(part, ImagePart) for part in parts)
    state, failure = _state(body, drawing, parts)
    reason = words(table(body.get("incomplete_details")).get("reason"))
    return Response(
        state=state,
        parts=parts,
        finish_reason=reason or words(body.get("status")),
        usage=_usage(body, drawing, drawn),
        served_model=words(body.get("model")),
        service_tier=words(body.get("service_tier")),
        missing=(len(drawing) - drawn or None) if drawn else None,
        failure=failure,
    )


def _parts(item: Mapping[str, Json], foreign: Json, closed: AbstractSet[str]) -> Iterator[Part]:
    kind = item.get("type")
    if kind == "message" and isinstance(item.get("content"), list):
        yield from _message_parts(item)
    elif kind == "reasoning":
        pieces = [table(piece).get("text") for place in ("summary", "content") for piece in rows(item.get(place))]
        if text := "\n\n".join(piece for piece in pieces if isinstance(piece, str) and piece):
            yield ReasoningPart(text=join((text,)))
    elif kind == "function_call":
        yield function_call(item.get("call_id"), item.get("name"), item.get("arguments"))
    elif kind == "custom_tool_call":
        yield ToolCallPart(
            id=words(item.get("call_id")), name=words(item.get("name")) or "", arguments=words(item.get("input"))
        )
    elif kind == _CALL and isinstance(item.get("result"), str | MediaRef) and item["result"]:
        yield _picture(item)
    elif (call := openai_responses_waiting.call_part(item)) is not None and call.id not in closed:
        yield call
    else:
        yield native(foreign)


def _message_parts(item: Mapping[str, Json]) -> Iterator[Part]:
    for piece in item["content"]:
        kind = table(piece).get("type")
        text = words(table(piece).get("refusal" if kind == "refusal" else "text"))
        if kind not in ("output_text", "refusal") or text is None:
            yield native(piece)
        elif text:
            yield RefusalPart(text=text) if kind == "refusal" else TextPart(text=text, phase=words(item.get("phase")))


def _picture(item: Mapping[str, Json]) -> ImagePart:
    stated = {key: value for key, value in item.items() if key not in _OWN_PICTURE_FIELDS and value is not None}
    served: Json = encode(lift(stated)[0])
    return ImagePart(
        media=item["result"].digest if isinstance(item["result"], MediaRef) else None,
        mime=picture_type(item.get("output_format")),
        id=words(item.get("id")),
        served=served or None,
        revised_prompt=words(item.get("revised_prompt")),
    )


def _state(
    body: Mapping[str, Json], drawing: Sequence[Mapping[str, Json]], parts: Sequence[Part]
) -> tuple[State, Failure | None]:
    status = body.get("status")
    if body.get("error") or status in ("failed", "cancelled"):
        failure = failure_of(body.get("error") or {"message": f"the answer is {status}"})
        return failed_state(failure), failure
    if status in ("in_progress", "queued"):
        told = failed(
            "protocol",
            f"the answer is not complete: its status is {status}",
            f"{_AGAIN}; an answer in the background (`body.background`) is not waited for",
        )
        return "error", told.failure
    if status == "incomplete":
        if table(body.get("incomplete_details")).get("reason") == "content_filter":
            return "blocked", failure_of({"message": "the content filter cut the answer", "code": "content_filter"})
        return "incomplete", None
    if drawing and not any(isinstance(part, ImagePart | ToolCallPart) for part in parts):
        reason = _undrawn(drawing)
        return "blocked" if reason.kind == "safety" else "no_image", reason
    return answered(parts), None


def _undrawn(drawing: Sequence[Mapping[str, Json]]) -> Failure:
    """Why none of the calls to draw has brought a picture: what the safety filter says goes before anything else."""
    reasons = [failure_of(call["error"]) for call in drawing if call.get("error")]
    reasons.sort(key=lambda reason: reason.kind != "safety")
    return reasons[0] if reasons else failed("server", "the model drew, but no picture came of it", _AGAIN).failure


def _usage(body: Mapping[str, Json], drawing: Sequence[Mapping[str, Json]], images: int) -> Usage | None:
    usage, tools = table(body.get("usage")), {**table(body.get("tool_usage")), **_svg_usage(drawing)}
    if not (usage or tools or images):
        return None
    given, made = table(usage.get("input_tokens_details")), table(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        cached_input_tokens=count(given.get("cached_tokens")),
        cache_write_tokens=count(given.get("cache_write_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        images=images or None,
        tools=encode(tools) if tools else None,
    )


def _svg_usage(drawing: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """What the authors of vector drawings used, all calls together."""
    told: dict[str, Json] = {}
    for name, value in (pair for call in drawing for pair in table(call.get("svg_usage")).items()):
        both = [number for number in (count(told.get(name)), count(value)) if number is not None]
        told[name] = sum(both) if both else value
    return {"svg_usage": told} if told else {}
