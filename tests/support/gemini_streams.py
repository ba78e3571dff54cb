"""Turns an unstreamed answer of Gemini into the server-sent events that it sends for it."""

from __future__ import annotations

from typing import Any

from tests.support.openai_streams import pieces

Json = Any

_OF_THE_LAST = ("finishReason", "finishMessage", "groundingMetadata", "citationMetadata", "safetyRatings")


def gemini_events(body: dict[str, Json], chunk: int = 4) -> list[dict[str, Json]]:
    """The chunks of a stream; texts are cut, and a signature comes with the last piece of its text."""
    common = {key: body[key] for key in ("modelVersion", "responseId") if key in body}
    usage = body.get("usageMetadata", {})
    early = {key: usage[key] for key in ("promptTokenCount", "trafficType") if key in usage}
    events: list[dict[str, Json]] = []
    for candidate in body.get("candidates", []):
        content = candidate.get("content", {})
        cut = [piece for part in content.get("parts", []) for piece in _pieces(part, chunk)]
        rest = {key: value for key, value in candidate.items() if key not in ("content", *_OF_THE_LAST)}
        for piece in cut:
            said = {**rest, "content": {**content, "parts": [piece]}}
            events.append({"candidates": [said], "usageMetadata": early, **common})
        last = {key: value for key, value in candidate.items() if key in _OF_THE_LAST}
        events.append({"candidates": [{**rest, **last}], **common})
    first = {key: body[key] for key in ("promptFeedback",) if key in body}
    events = events or [dict(common)]
    events[0] = {**first, **events[0]}
    events[-1] = {**events[-1], "usageMetadata": usage}
    return events


def _pieces(part: dict[str, Json], chunk: int) -> list[dict[str, Json]]:
    if "text" not in part:
        return [part]
    *early, last = pieces(part["text"], chunk)
    plain = {key: value for key, value in part.items() if key in ("text", "thought")}
    return [*({**plain, "text": piece} for piece in early), {**part, "text": last}]
