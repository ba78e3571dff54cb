"""Echo's answers: shown while they stream, folded to one body, and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from plcli.exchange import Folded, WireEvent
from plcli.failures import classify, failed
from plcli.media import Json, MediaRef, encode
from plcli.response import (
    Event,
    Failure,
    ImagePart,
    NativePart,
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


def progress(event: WireEvent) -> Event | None:
    """What a person sees while it streams."""
    match event.data:
        case {"type": "delta", "kind": "text" | "reasoning" | "refusal" as kind, "text": str(text)}:
            return Event(cast(Literal["text", "reasoning", "refusal"], kind), text)
        case {"type": "part", "part": {"type": "text", "phase": str(phase)}}:
            return Event("phase", phase)
        case {"type": "part", "part": {"type": "text"}}:
            return Event("phase")
        case {"type": "part", "part": {"type": "tool_call", "name": str(name)}}:
            return Event("tool_call", name)
        case {"type": "part", "part": {"type": "image"}}:
            return Event("image")
    return None


def fold(events: Iterable[WireEvent]) -> Folded:
    """The body that the same call would have returned unstreamed; whole after `end` or `error`."""
    start: dict[str, Json] = {}
    end: dict[str, Json] = {}
    parts: list[tuple[Json, list[str]]] = []
    for event in events:
        if event.whole:
            return Folded(event.data, complete=True)
        match event.data:
            case {"type": "start", "model": model}:
                start = {"model": model}
            case {"type": "part", "part": part}:
                parts.append((part, []))
            case {"type": "delta", "text": str(text)} if parts:
                parts[-1][1].append(text)
            case {"type": "end", "finish_reason": reason, "usage": usage}:
                end = {"finish_reason": reason, "usage": usage}
            case {"type": "error", "error": error}:
                end = {"error": error}
    body = {**start, "parts": [_joined(part, pieces) for part, pieces in parts], **end}
    return Folded(body, complete=bool(end))


def read(wire_response: Json) -> Response:
    """Native answer to neutral answer. Raises `CallFailed` (protocol) for what is none of echo's."""
    if not isinstance(wire_response, dict) or not isinstance(wire_response.get("parts"), list):
        raise failed("protocol", "the answer is not in echo's format: it has no list of parts")
    parts = tuple(_answer_part(item) for item in wire_response["parts"])
    reason, model = wire_response.get("finish_reason"), wire_response.get("model")
    state, failure = _outcome(wire_response, parts)
    return Response(
        state=state,
        parts=parts,
        finish_reason=reason if isinstance(reason, str) else None,
        usage=_usage(wire_response.get("usage"), sum(isinstance(part, ImagePart) for part in parts)),
        served_model=model if isinstance(model, str) else None,
        failure=failure,
    )


def _joined(part: Json, pieces: list[str]) -> Json:
    match part:
        case {"text": str(text)} if pieces:
            return {**part, "text": join([text, *pieces])}
    return part


def _answer_part(item: Json) -> Part:
    match item:
        case {"type": "text", "text": str(text)}:
            phase = item.get("phase")
            return TextPart(text=text, phase=phase if isinstance(phase, str) else None)
        case {"type": "reasoning", "text": str(text)}:
            return ReasoningPart(text=text)
        case {"type": "refusal", "text": str(text)}:
            return RefusalPart(text=text)
        case {"type": "tool_call", "name": str(name), "arguments": arguments}:
            call = item.get("id")
            return ToolCallPart(id=call if isinstance(call, str) else None, name=name, arguments=arguments)
        case {"type": "image", "source": MediaRef() | str() as source}:
            prompt, served = item.get("revised_prompt"), item.get("served")
            return ImagePart(
                media=source.digest if isinstance(source, MediaRef) else None,
                mime=source.mime if isinstance(source, MediaRef) else None,
                url=None if isinstance(source, MediaRef) else source,
                served=encode(served) if isinstance(served, dict) else None,
                revised_prompt=prompt if isinstance(prompt, str) else None,
            )
    return NativePart(item=encode(item))


def _outcome(body: Mapping[str, Json], parts: Sequence[Part]) -> tuple[State, Failure | None]:
    error = body.get("error")
    if error is not None:
        status = error.get("status") if isinstance(error, dict) else None
        status = status if isinstance(status, int) and 400 <= status <= 599 else 500
        return "error", classify(status, {"error": encode(error)}, {}).failure
    reason = body.get("finish_reason")
    if not isinstance(reason, str):
        return "error", failed("protocol", "the answer ended before it was complete").failure
    if reason == "length":
        return "incomplete", None
    if reason == "content_filter":
        return "blocked", failed("safety", "the answer was withheld: content_filter").failure
    if any(isinstance(part, ToolCallPart) for part in parts):
        return "tool_calls", None
    spoken = any(isinstance(part, TextPart) for part in parts)
    return ("refused" if not spoken and any(isinstance(part, RefusalPart) for part in parts) else "ok"), None


def _usage(usage: Json, images: int) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    counts = {
        name: value for name, value in usage.items() if name in Usage.model_fields and type(value) is int and value >= 0
    }
    return Usage.model_validate({"images": images or None, **counts})
