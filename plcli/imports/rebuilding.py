"""Wires made anew from what a blueprint says: the conversation in the words of Chat Completions, moved where it went.

What a blueprint says in a way of its own does not come along; the note names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from plcli.errors import PlcliError
from plcli.exchange import Target
from plcli.failures import CallFailed
from plcli.media import Json
from plcli.moving import move
from plcli.providers.reading import rows, table
from plcli.providers.registry import PROVIDERS, adapter
from plcli.response import Response, ToolCallPart

_CHAT = Target("chat.completions.create", "")
_SITES = {
    ("openai", None): ("openai", "chat"),
    ("openai", "chat-completions"): ("openai", "chat"),
    ("openai", "responses"): ("openai", "responses"),
    ("openai", "images"): ("openai", "images"),
    ("google", None): ("gemini", "generate_content"),
    ("vertexai", None): ("gemini", "generate_content"),
}
"""Provider and api by PromptLayer's words."""

_OF_GEMINI = frozenset({"cachedContent", "generationConfig", "labels", "safetySettings", "serviceTier", "store"})
"""Parameters of Gemini that stand beside its `generationConfig`."""

_PICTURE = "output_media"
_TEMPLATE = ("tools", "tool_choice")
_LEFT = ("functions", "function_call")
_OF_CALL = ("id", "type", "function")


class Blueprint(NamedTuple):
    """What PromptLayer keeps of a request; without `output` the answer is the last message, where a model said it."""

    provider: str
    model: str
    api: str | None
    template: Mapping[str, Json]
    parameters: Mapping[str, Json]
    output: Json
    usage: Mapping[str, Json]


class Rebuilt(NamedTuple):
    """The wires of a blueprint: whose they are, the request, the answer (None where there is none), and a note."""

    provider: str
    api: str
    model: str
    wire: Json
    answer: Json
    note: str


def rebuilt(blueprint: Blueprint) -> Rebuilt:
    """The wires that a blueprint stands for. Raises `ValueError` for a provider or an api that plcli does not know."""
    provider = blueprint.provider.removesuffix(".azure")
    site = _SITES.get((provider, blueprint.api if provider == "openai" else None))
    if site is None:
        what = " ".join(filter(None, (blueprint.provider, blueprint.api)))
        raise ValueError(f"{what[:80]!r} is no provider and api that plcli knows")
    lost: dict[str, None] = {}
    messages = list(_messages(blueprint.template, lost))
    said = list(_messages(table(blueprint.output), lost))
    if blueprint.output is None and messages and messages[-1]["role"] == "assistant":
        said = [messages.pop()]
    chat = {"model": blueprint.model, "messages": messages}
    chat |= {name: blueprint.template[name] for name in _TEMPLATE if blueprint.template.get(name)}
    lost |= {name: None for name in _LEFT if blueprint.template.get(name)}
    answer = _chat_answer(blueprint, said[-1]) if said else None
    wire: dict[str, Json] = chat
    if site != ("openai", "chat"):
        wire, answer, losses = _moved(chat, answer, *site, blueprint.model)
        lost |= dict.fromkeys(losses)
    if site == ("openai", "images"):
        answer = _drawn(table(blueprint.output)) or None
        lost.pop(_PICTURE, None)
    wire = _with_parameters(wire, blueprint.parameters, gemini=site[0] == "gemini")
    note = "its wires are made anew from a blueprint" + (f", without {', '.join(lost)}" if lost else "")
    return Rebuilt(*site, blueprint.model, wire, answer, note)


def _with_parameters(wire: dict[str, Json], parameters: Mapping[str, Json], *, gemini: bool) -> dict[str, Json]:
    """The wire with the parameters, which a blueprint keeps in the words of its api."""
    if not gemini:
        return {**wire, **parameters}
    beside = {name: item for name, item in parameters.items() if name in _OF_GEMINI}
    config = {name: item for name, item in parameters.items() if name not in _OF_GEMINI}
    config = {**table(wire.get("generationConfig")), **table(beside.get("generationConfig")), **config}
    return {**wire, **beside, **({"generationConfig": config} if config else {})}


def _drawn(output: Mapping[str, Json]) -> dict[str, Json]:
    """The body of an answer with the pictures of a blueprint; empty where there are none."""
    parts = (part for turn in rows(output.get("messages")) for part in rows(table(turn).get("content")))
    urls = (table(part).get("url") for part in parts if table(part).get("type") == _PICTURE)
    data: list[Json] = []
    for url in urls:
        head, _, code = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
        if head:
            data.append({"b64_json": code} if head.startswith("data:") else {"url": url})
    return {"data": data} if data else {}


def _messages(template: Mapping[str, Json], lost: dict[str, None]) -> Iterator[dict[str, Json]]:
    """The turns in the words of Chat Completions; `lost` gets the names of what they cannot say."""
    turns = rows(template.get("messages"))
    if template.get("type") == "completion":
        turns = [{"role": "user", "content": template.get("content")}]
    for turn in map(table, turns):
        role = turn.get("role")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            lost[f"a {role} message" if isinstance(role, str) else "a message"] = None
            continue
        made: dict[str, Json] = {"role": role, "content": _content(turn.get("content"), lost)}
        calls = [
            {name: call[name] for name in _OF_CALL if name in call} for call in map(table, rows(turn.get("tool_calls")))
        ]
        if calls:
            made["tool_calls"] = calls
        made |= {name: turn[name] for name in ("tool_call_id", "name") if isinstance(turn.get(name), str)}
        yield made


def _content(content: Json, lost: dict[str, None]) -> Json:
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts: list[dict[str, Json]] = []
    for part in map(table, content):
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            parts.append({"type": "text", "text": part["text"]})
        elif kind == "image_url" and isinstance(part.get("image_url"), dict):
            parts.append({"type": "image_url", "image_url": part["image_url"]})
        else:
            lost[kind if isinstance(kind, str) else "a part"] = None
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts or None


def _chat_answer(blueprint: Blueprint, message: dict[str, Json]) -> Json:
    reason = "tool_calls" if "tool_calls" in message else "stop"
    body: dict[str, Json] = {
        "object": "chat.completion",
        "model": blueprint.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
    }
    counts = {"prompt_tokens": blueprint.usage.get("input"), "completion_tokens": blueprint.usage.get("output")}
    usage = {name: count for name, count in counts.items() if isinstance(count, int)}
    return {**body, "usage": usage} if usage else body


def _moved(chat: Json, answer: Json, provider: str, api: str, model: str) -> tuple[dict[str, Json], Json, list[str]]:
    """The wires in the words of another api, and what these could not say. Raises `ValueError`."""
    old = adapter(PROVIDERS["openai"], "chat")
    try:
        request = old.uncompile(chat, _CHAT._replace(model=model))
        moved = move(request, PROVIDERS[provider], api, model)
        compiled = adapter(PROVIDERS[provider], api).compile(moved.request)
        losses = [loss.path for loss in moved.report(compiled.losses)]
        said = old.read(answer) if answer else None
    except (PlcliError, CallFailed) as error:
        raise ValueError(f"its blueprint cannot be read: {error}") from None
    if said is None or api == "images":
        return compiled.wire, None, losses
    return compiled.wire, (_gemini if provider == "gemini" else _responses)(said, model), losses


def _responses(said: Response, model: str) -> Json:
    output: list[Json] = []
    if said.text:
        content = [{"type": "output_text", "text": said.text, "annotations": []}]
        output.append({"type": "message", "role": "assistant", "status": "completed", "content": content})
    output += ({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": _arguments(call)}
               for call in said.tool_calls)  # fmt: skip
    body: dict[str, Json] = {"object": "response", "status": "completed", "model": model, "output": output}
    if said.usage is not None:
        body["usage"] = {"input_tokens": said.usage.input_tokens, "output_tokens": said.usage.output_tokens}
    return body


def _gemini(said: Response, model: str) -> Json:
    parts: list[Json] = [{"text": said.text}] if said.text else []
    parts += ({"functionCall": {"name": call.name, "args": call.arguments}} for call in said.tool_calls)
    body: dict[str, Json] = {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "modelVersion": model,
    }
    if said.usage is not None:
        counts = {"promptTokenCount": said.usage.input_tokens, "candidatesTokenCount": said.usage.output_tokens}
        body["usageMetadata"] = counts
    return body


def _arguments(call: ToolCallPart) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
