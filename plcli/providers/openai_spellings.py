"""OpenAI's requests as older clients, compatible servers and short forms spell them."""

from __future__ import annotations

from collections.abc import Mapping

from plcli.media import Json

_SWITCHES = {"stream": (True, False), "stream_options": ({"include_usage": True}, {"include_usage": False}, {})}
"""Of the transport, and no part of what is asked."""

_TEXT = {"type": "text"}


def respell_chat(wire: Json) -> Json:
    """The wire of Chat Completions as `compile` writes it, as far as it says the same."""
    body = _said(wire)
    if body.get("n") == 1:
        del body["n"]
    if body.get("response_format") == _TEXT:
        del body["response_format"]
    if isinstance(body.get("max_tokens"), int) and "max_completion_tokens" not in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
    if isinstance(body.get("functions"), list) and "tools" not in body:
        body["tools"] = [{"function": function} for function in body.pop("functions")]
    if "function_call" in body and "tool_choice" not in body:
        named = body.pop("function_call")
        body["tool_choice"] = {"function": named} if isinstance(named, dict) else named
    if isinstance(body.get("tools"), list):
        body["tools"] = list(map(_typed, body["tools"]))
    if "tool_choice" in body:
        body["tool_choice"] = "required" if body["tool_choice"] == "any" else _typed(body["tool_choice"])
    return body


def respell_responses(wire: Json) -> Json:
    """The wire of Responses as `compile` writes it, as far as it says the same."""
    body = _said(wire)
    if isinstance(body.get("input"), str):
        body["input"] = [{"role": "user", "content": body["input"]}]
    if isinstance(body.get("instructions"), str) and isinstance(body.get("input", []), list):
        body["input"] = [{"role": "system", "content": body.pop("instructions")}, *body.get("input", [])]
    if body.get("text") == {"format": _TEXT}:
        del body["text"]
    if isinstance(body.get("tools"), list):
        body["tools"] = list(map(_function, body["tools"]))
    return body


def respell_images(wire: Json) -> Json:
    """The wire of the Images api without the transport switches; what else others write there is no other word."""
    return _asked(wire)


def _said(wire: Json) -> dict[str, Json]:
    """What a wire asks for, without what holds nothing."""
    said = _asked(_full(wire))
    return {key: value for key, value in said.items() if key not in ("tools", "functions", "instructions") or value}


def _asked(wire: Mapping[str, Json]) -> dict[str, Json]:
    """The wire without the transport switches."""
    return {key: value for key, value in wire.items() if value not in _SWITCHES.get(key, ())}


def _full(fields: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if value is not None}


def _typed(entry: Json) -> Json:
    """A function, or the choice of one, with the type that some servers leave out."""
    if not isinstance(entry, dict) or not isinstance(entry.get("function"), dict):
        return entry
    return {"type": "function", **entry, "function": _full(entry["function"])}


def _function(tool: Json) -> Json:
    return _full(tool) if isinstance(tool, dict) and tool.get("type") == "function" else tool
