"""Turns an unstreamed answer into the server-sent events that the real apis send for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = Any


def pieces(text: str, chunk: int) -> list[str]:
    """The text cut into pieces of `chunk` UTF-16 units, so that surrogate pairs get split as servers split them."""
    units = text.encode("utf-16-le", "surrogatepass")
    step = 2 * chunk
    cut = [units[at : at + step] for at in range(0, len(units), step)] or [b""]
    return [piece.decode("utf-16-le", "surrogatepass") for piece in cut]


def responses_events(body: dict[str, Json], chunk: int = 4) -> list[dict[str, Json]]:
    """The events of a Responses stream, `data` only; the last one holds the body."""
    status = body.get("status", "completed")
    begun = {**body, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None, "error": None}
    events: list[dict[str, Json]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(body.get("output", [])):
        events += ({**event, "output_index": index} for event in _item_events(item, chunk))
    end = "failed" if status in ("failed", "cancelled") else status
    events.append({"type": f"response.{end}", "response": body})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _item_events(item: dict[str, Json], chunk: int) -> Iterator[dict[str, Json]]:
    kind, identity = item.get("type"), item.get("id")
    streamed: list[dict[str, Json]] = []
    begun = {**item, "status": "in_progress"} if "status" in item else dict(item)
    if kind == "message":
        begun["content"] = []
        streamed = [e for at, part in enumerate(item["content"]) for e in _content_events(part, at, chunk)]
    elif kind == "function_call":
        begun["arguments"] = ""
        streamed = _deltas("response.function_call_arguments", item["arguments"], chunk, "arguments")
    elif kind == "custom_tool_call":
        begun["input"] = ""
        streamed = _deltas("response.custom_tool_call_input", item["input"], chunk, "input")
    elif kind == "reasoning":
        begun["summary"] = []
        for at, part in enumerate(item.get("summary", [])):
            inner = _deltas("response.reasoning_summary_text", part["text"], chunk, "text")
            added = {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}}
            done = {"type": "response.reasoning_summary_part.done", "part": part}
            streamed += ({**event, "summary_index": at} for event in (added, *inner, done))
    elif kind == "image_generation_call":
        begun["result"] = None
        call = "response.image_generation_call"
        partial = {"type": f"{call}.partial_image", "partial_image_index": 0, "partial_image_b64": item.get("result")}
        streamed = [{"type": f"{call}.in_progress"}, {"type": f"{call}.generating"}, partial,
                    {"type": f"{call}.completed"}]  # fmt: skip
    yield {"type": "response.output_item.added", "item": begun}
    yield from ({**event, "item_id": identity} for event in streamed)
    yield {"type": "response.output_item.done", "item": item}


def _content_events(part: dict[str, Json], at: int, chunk: int) -> Iterator[dict[str, Json]]:
    field = "refusal" if part.get("type") == "refusal" else "text"
    begun = {**part, field: ""}
    for event in (
        {"type": "response.content_part.added", "part": begun},
        *_deltas("response.refusal" if field == "refusal" else "response.output_text", part[field], chunk, field),
        {"type": "response.content_part.done", "part": part},
    ):
        yield {**event, "content_index": at}


def _deltas(name: str, text: str, chunk: int, field: str) -> list[dict[str, Json]]:
    more: dict[str, Json] = {"logprobs": []} if name == "response.output_text" else {}
    deltas = [{"type": f"{name}.delta", "delta": piece, **more} for piece in pieces(text, chunk) if piece]
    return [*deltas, {"type": f"{name}.done", field: text, **more}]


def chat_events(body: dict[str, Json], chunk: int = 4, usage: bool = True) -> list[dict[str, Json] | str]:
    """The chunks of a Chat Completions stream, ended by `[DONE]`; `usage` sends the usage chunk."""
    common = {key: value for key, value in body.items() if key not in ("choices", "usage", "object")}
    common["object"] = "chat.completion.chunk"
    events: list[dict[str, Json] | str] = []
    for choice in body.get("choices", []):
        index = choice.get("index", 0)
        for delta in _chat_deltas(choice.get("message", {}), chunk):
            events.append({**common, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        rest = {key: value for key, value in choice.items() if key != "message"}
        events.append({**common, "choices": [{**rest, "index": index, "delta": {}}]})
    if usage and body.get("usage") is not None:
        events.append({**common, "choices": [], "usage": body["usage"]})
    return [*events, "[DONE]"]


_STREAMED_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


def _chat_deltas(message: dict[str, Json], chunk: int) -> Iterator[dict[str, Json]]:
    if not message:
        return
    whole = {key: value for key, value in message.items() if key not in (*_STREAMED_TEXTS, "role", "tool_calls")}
    empty = {key: None for key in _STREAMED_TEXTS if key in message}
    yield {"role": message.get("role", "assistant"), **empty, **whole}
    for key in ("reasoning_content", "reasoning", "content", "refusal"):
        if isinstance(message.get(key), str):
            yield from ({key: piece} for piece in pieces(message[key], chunk))
    for index, call in enumerate(message.get("tool_calls") or []):
        kind = "custom" if call.get("type") == "custom" else "function"
        field = "input" if kind == "custom" else "arguments"
        yield {"tool_calls": [{**call, "index": index, kind: {**call[kind], field: ""}}]}
        for piece in pieces(call[kind][field], chunk):
            yield {"tool_calls": [{"index": index, kind: {field: piece}}]}
