"""Answers of Gemini, read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from plcli.errorbodies import bounded
from plcli.failures import failed
from plcli.media import Json, encode
from plcli.providers.gemini_pictures import picture_of
from plcli.providers.reading import answered, count, failed_state, failure_of, native, rows, table, words
from plcli.response import (
    Failure,
    ImagePart,
    Part,
    ReasoningPart,
    Response,
    State,
    TextPart,
    ToolCallPart,
    Usage,
    join,
)

_ROOT = "check base_url: it must be the root of the api, without v1beta"
_AGAIN = "run it again"

_BLOCKS = frozenset((
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION", "MODEL_ARMOR", "JAILBREAK", "ESCALATION",
))  # fmt: skip
_WITHOUT_IMAGE = ("NO_IMAGE", "IMAGE_OTHER")
_DONE = ("STOP", "FUNCTION_CALL")
"""Reasons of an answer that came to its end; the second is what some gateways say of calls."""

_UNDECLARED = "UNEXPECTED_TOOL_CALL"
"""The reason where the model calls a tool that it was not given; told so, it mends its call."""

_UNFINISHED = ("MAX_TOKENS", "CONTINUATION")

_TROUBLES: Mapping[str, tuple[str, str, str]] = {
    "MALFORMED_FUNCTION_CALL": ("protocol", "the model wrote a call that cannot be read",
                                "run it again, or make the tool's parameters simpler"),
    "MALFORMED_RESPONSE": ("protocol", "the model wrote an answer that cannot be read", _AGAIN),
    _UNDECLARED: ("protocol", "the model called a tool that it was not given",
                  "give it the tool, or write `tool_choice: none`"),
    "TOO_MANY_TOOL_CALLS": ("server", "the model called the provider's own tools too often",
                            "ask for less, or drop a built-in tool"),
    "MISSING_THOUGHT_SIGNATURE": ("invalid", "a call in the conversation has lost its thoughtSignature",
                                  "send the model's turns back as they came"),
    "LANGUAGE": ("invalid", "the model does not support the language", "ask in another language"),
    "PUP_LIMITED_DISABLED": ("permission", "the account is limited for violations of the usage policy",
                             "see the provider's console"),
}  # fmt: skip
"""Reasons of an answer that failed: the kind of failure, what happened, what to do."""

_TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}
"""What Vertex calls the classes of service that a request asks for."""

_METADATA = ("groundingMetadata", "citationMetadata", "urlContextMetadata")


def read(wire_response: Json) -> Response:
    """The answer in plcli's words. Raises `CallFailed` of kind protocol where nothing usable is there.

    Of several candidates the first is read; the others are native parts.
    """
    body = table(wire_response)
    if not body.keys() & {"candidates", "promptFeedback", "usageMetadata", "error"}:
        raise failed("protocol", "the answer is none of generateContent: it has no candidates", _ROOT)
    first, *others = rows(body.get("candidates")) or [None]
    candidate, usage = table(first), table(body.get("usageMetadata"))
    said = _joined(_parts(rows(table(candidate.get("content")).get("parts"))))
    metadata = (native({name: candidate[name]}) for name in _METADATA if _says(candidate.get(name)))
    parts = (*said, *metadata, *map(native, others))
    tier = words(usage.get("serviceTier")) or words(usage.get("trafficType"))
    state, failure = _state(body, candidate, parts)
    return Response(
        state=state,
        parts=parts,
        finish_reason=_blocked(body) or words(candidate.get("finishReason")) or None,
        usage=_usage(usage, sum(isinstance(part, ImagePart) for part in parts)),
        served_model=words(body.get("modelVersion")),
        service_tier=_TIERS.get(tier, tier) if tier else None,
        failure=failure,
    )


def call_part(call: Mapping[str, Json]) -> ToolCallPart:
    """A `functionCall`; arguments that are missing are none."""
    arguments = call.get("args")
    return ToolCallPart(
        id=words(call.get("id")),
        name=words(call.get("name")) or "",
        arguments={} if arguments is None else encode(arguments),
    )


def _parts(items: list[Json]) -> Iterator[Part]:
    for item in items:
        stated = table(item)
        text, thought = words(stated.get("text")), stated.get("thought") is True
        if isinstance(stated.get("functionCall"), dict):
            yield call_part(stated["functionCall"])
        elif text is not None:
            # A signature may come with no words.
            if text:
                yield ReasoningPart(text=text) if thought else TextPart(text=text)
        elif (picture := picture_of(stated)) is not None:
            yield picture
        else:
            yield native(item)


def _joined(parts: Iterator[Part]) -> Iterator[Part]:
    """Adjacent words of one kind as one part: where the provider cuts them says nothing."""
    for kind, group in groupby(parts, type):
        if kind is TextPart or kind is ReasoningPart:
            yield kind(text=join(part.text for part in group if isinstance(part, TextPart | ReasoningPart)))
        else:
            yield from group


def _says(value: Json) -> bool:
    """Whether metadata says anything; some servers send every field with nothing in it."""
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _blocked(body: Mapping[str, Json]) -> str | None:
    """Why the prompt was blocked, or None."""
    reason = words(table(body.get("promptFeedback")).get("blockReason"))
    return None if reason == "BLOCKED_REASON_UNSPECIFIED" else reason or None


def _state(
    body: Mapping[str, Json], candidate: Mapping[str, Json], parts: tuple[Part, ...]
) -> tuple[State, Failure | None]:
    if body.get("error"):
        failure = failure_of(body["error"])
        return failed_state(failure), failure
    if reason := _blocked(body):
        return "blocked", _filtered("the prompt was blocked", reason, table(body["promptFeedback"]))
    if not candidate:
        return "error", failed("protocol", "the answer has no candidate", _AGAIN).failure
    reason = words(candidate.get("finishReason"))
    if reason in _UNFINISHED:
        return "incomplete", None
    if reason in _BLOCKS:
        return "blocked", _filtered("the answer was blocked", reason, candidate)
    if reason in _WITHOUT_IMAGE:
        message = words(candidate.get("finishMessage")) or "the model made no picture"
        hint = "say clearly that a picture is wanted, and of what"
        return "no_image", _coded("invalid", message, hint, reason)
    if not reason:
        return "error", failed("protocol", "the answer is not complete: it has no finishReason", _AGAIN).failure
    if reason not in _DONE and not (reason == _UNDECLARED and any(isinstance(part, ToolCallPart) for part in parts)):
        return "error", _trouble(reason, candidate)
    if any(_is_open(item) for item in rows(table(candidate.get("content")).get("parts"))):
        return "error", failed("protocol", "a call in the answer is not complete", _AGAIN).failure
    return answered(parts), None


def _is_open(item: Json) -> bool:
    """Whether a part is a call whose arguments came in pieces that do not add up."""
    call = table(table(item).get("functionCall"))
    return bool(call.get("willContinue") or call.get("partialArgs"))


def _filtered(what: str, reason: str, said: Mapping[str, Json]) -> Failure:
    """What a filter of the provider stopped; the categories that it names are told."""
    ratings = [table(rating) for rating in rows(said.get("safetyRatings"))]
    named = [words(rating.get("category")) or "" for rating in ratings if rating.get("blocked") is True]
    message = words(said.get("blockReasonMessage")) or words(said.get("finishMessage"))
    told = ": ".join(filter(None, (what, " ".join((reason, *named)), message)))
    hint = "change the words or the pictures of the request, or `body.safetySettings` where the category allows it"
    return _coded("safety", told, hint, reason)


def _trouble(reason: str, candidate: Mapping[str, Json]) -> Failure:
    kind, what, hint = _TROUBLES.get(reason, ("server", f"the model stopped for another reason: {reason}", _AGAIN))
    message = words(candidate.get("finishMessage"))
    return _coded(kind, f"{what}: {message}" if message else what, hint, reason)


def _coded(kind: str, message: str, hint: str, code: str) -> Failure:
    return failed(kind, message, hint).failure.model_copy(update={"code": bounded(code)})


def _usage(usage: Mapping[str, Json], images: int) -> Usage | None:
    if not (usage or images):
        return None
    return Usage(
        input_tokens=_sum(usage, "promptTokenCount", "toolUsePromptTokenCount"),
        cached_input_tokens=count(usage.get("cachedContentTokenCount")),
        image_input_tokens=_of_images(usage, "promptTokensDetails", "toolUsePromptTokensDetails"),
        output_tokens=_sum(usage, "candidatesTokenCount", "thoughtsTokenCount"),
        reasoning_tokens=count(usage.get("thoughtsTokenCount")),
        image_output_tokens=_of_images(usage, "candidatesTokensDetails"),
        total_tokens=count(usage.get("totalTokenCount")),
        images=images or None,
    )


def _sum(usage: Mapping[str, Json], *names: str) -> int | None:
    return _total(usage.get(name) for name in names)


def _of_images(usage: Mapping[str, Json], *names: str) -> int | None:
    """The tokens of pictures; a modality may stand in several rows."""
    details = (table(detail) for name in names for detail in rows(usage.get(name)))
    return _total(detail.get("tokenCount") for detail in details if detail.get("modality") == "IMAGE")


def _total(numbers: Iterable[Json]) -> int | None:
    known = [number for number in map(count, numbers) if number is not None]
    return sum(known) if known else None
