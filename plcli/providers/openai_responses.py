"""The Responses api: requests to and from its JSON, sending, and the next turn.

Its streams are gathered in `openai_responses_stream`, its answers read in `openai_responses_answer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from plcli.exchange import Target, WireEvent
from plcli.failures import failed
from plcli.media import Json, lower
from plcli.providers import openai_drawing, openai_header, openai_tools, own_tools, params
from plcli.providers.openai_client import post
from plcli.providers.openai_drawing import wanted
from plcli.providers.openai_responses_answer import read
from plcli.providers.openai_responses_items import items_of, loosen, messages_of, unfit
from plcli.providers.openai_responses_stream import fold, progress
from plcli.providers.openai_spellings import respell_responses as respell
from plcli.providers.reading import rows, table
from plcli.providers.registry import Call, Compiled
from plcli.providers.roundtrip import finish, same
from plcli.providers.turns import turn_losses, unforced
from plcli.request import BuiltinTool, FunctionTool, Loss, Message, Part, Request, Tool
from plcli.specs import ModelSpec

__all__ = [
    "BUILTINS", "MEDIA", "cannot_return", "compile", "defaults", "fold", "loosen", "next_turn", "progress", "read",
    "respell", "send", "target_of", "uncompile", "wanted",
]  # fmt: skip

OPERATION = "responses.create"

MEDIA: tuple[tuple[str | None, ...], ...] = (("output", None, "result"), ("input", None, "result"))
"""Places of a wire that hold base64, however short."""

BUILTINS: Mapping[str, Mapping[str, Json]] = {
    "web_search": {"type": "web_search"},
    "code_execution": {"type": "code_interpreter", "container": {"type": "auto"}},
}
"""Tools that other apis have too."""

_CLOSEST = {
    "code_execution": "code_interpreter",
    "enterprise_web_search": "web_search",
    "google_search": "web_search",
    "google_search_retrieval": "web_search",
    "mcp_servers": "mcp",
}

_NOTHING: Json = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

_ENCRYPTED_REASONING = "reasoning.encrypted_content"

_WITHOUT_PARAM = dict.fromkeys(("stop", "seed", "presence_penalty", "frequency_penalty"), "drop it, or use `api: chat`")

_PARAMS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "service_tier": "service_tier",
}


def defaults(request: Request, model: ModelSpec | None = None) -> Request:
    """The request with `strict` and parameters explicit, and not stored unless it says otherwise, or omits `store`.

    An answer that is not stored brings its reasoning along encrypted, so that the next turn has it.
    """
    request = openai_header.explicit_strict(request._replace(tools=tuple(map(_with_parameters, request.tools))))
    if request.chain == "server" or "store" in request.body or "store" in request.omit:
        return request
    body: dict[str, Json] = {**request.body, "store": False}
    include = body.get("include", [])
    if isinstance(include, list) and _ENCRYPTED_REASONING not in include:
        body["include"] = [*include, _ENCRYPTED_REASONING]
    return request._replace(body=body)


def _with_parameters(tool: Tool) -> Tool:
    """A function that takes nothing says so: the api wants `parameters` of every function."""
    if isinstance(tool, FunctionTool) and tool.parameters is None:
        return tool._replace(parameters=_NOTHING)
    return tool


def compile(request: Request) -> Compiled:
    """Neutral to native; adds nothing that the request does not say."""
    wire, unknown_paths = finish({"model": request.model, **_header(request)}, request)
    return Compiled(wire, target_of(wire, request.model), (*_losses(request), *unknown_paths))


def target_of(wire: Json, model: str) -> Target:
    """Where a wire goes."""
    return Target(OPERATION, model)


def uncompile(wire: Json, target: Target) -> Request:
    """Native to neutral; what is not understood stays in `body` or in native parts.

    An `input` that is a string stays in `body`. Raises `SpecError` for a wire that is no object.
    """
    readers = (_read_chain, params.params_reader(_PARAMS), openai_header.read_parallel, _read_output,
               _read_tools, _read_choice, openai_drawing.read_image, _read_messages)  # fmt: skip
    return openai_header.uncompile("responses", wire, target, _header, readers)


def send(wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
    """Send the wire; raises `CallFailed`, and `MediaMissing` for bytes that are gone."""
    body = {**lower(wire, call.read_media)}
    body.pop("stream", None)
    if call.stream:
        body["stream"] = True
    return post("/responses", body, call)


def cannot_return(part: Part) -> str | None:
    """Why a part cannot stand in the result of a tool, or None."""
    return unfit("tool", part)


def next_turn(wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
    """The wire of the next turn.

    `echo` sends the input again with all items of the answer after it; an input that is a string
    becomes a user message first. `server` sends the new turns only. Where these answer calls, none is forced
    any more. Raises `CallFailed` for an answer without an id to chain to.
    """
    wire = unforced(wire, turns)
    answer = table(wire_response)
    output = rows(answer.get("output"))
    custom = openai_tools.custom_names(_tools(wire))
    if chain == "server":
        if "conversation" in wire:
            return {**wire, "input": items_of(turns, custom, output)}
        if not isinstance(answer.get("id"), str):
            raise failed("protocol", "the answer has no id that the next turn could name", "write `chain: echo`")
        return {**wire, "previous_response_id": answer["id"], "input": items_of(turns, custom, output)}
    old = wire.get("input", [])
    if isinstance(old, str):
        old = [{"role": "user", "content": old}]
    before = [*rows(old), *output]
    return {**wire, "input": [*before, *items_of(turns, custom, before)]}


def _header(request: Request) -> dict[str, Json]:
    header: dict[str, Json] = {}
    if request.messages:
        header["input"] = items_of(request.messages, openai_tools.custom_names(request.tools))
    tools = [_tool(tool) for tool in request.tools if not _geminis(tool)]
    if request.image is not None:
        tools.append(openai_drawing.tool_of(request.image))
    if tools:
        header["tools"] = tools
    choice = openai_tools.write_choice(request, partial(_choice_entry, request.tools), _choice_subset)
    if choice is None and request.image is not None:
        choice = openai_drawing.FORCED
    if choice is not None:
        header["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        header["parallel_tool_calls"] = request.parallel_tool_calls
    if request.output is not None:
        header["text"] = {"format": {"type": "json_schema", **openai_header.structure(request.output)}}
    return params.put_params(header, request, _PARAMS)


def _losses(request: Request) -> list[Loss]:
    losses = [
        Loss(f"params.{name}", f"the responses api has no {name}", _WITHOUT_PARAM.get(name, "drop it"))
        for name in request.params
        if name not in _PARAMS
    ]
    losses += openai_drawing.losses(request.image or {})
    for index, tool in enumerate(request.tools):
        if kind := _geminis(tool):
            hint = own_tools.closest(kind, _CLOSEST)
            losses.append(Loss(f"tools[{index}]", f"the responses api has no {kind}", hint))
    if len(_servers(request.tools)) > 1 and request.tool_choice is not None and "mcp" in request.tool_choice.tools:
        hint = "write body.tool_choice: {type: mcp, server_label: …}"
        losses.append(Loss("tool_choice", "there are several mcp servers to choose from", hint))
    return [*turn_losses(request.messages, unfit, phases=("assistant",)), *losses, *openai_header.body_losses(request)]


def _geminis(tool: Tool) -> str | None:
    """The type of a tool that only Gemini has."""
    kind = own_tools.snake(own_tools.kind_of(tool) or "")
    return kind if kind in own_tools.OF_GEMINI else None


def _servers(tools: Iterable[Tool]) -> list[str]:
    """The labels of the MCP servers among the tools."""
    servers = (tool.item for tool in tools if isinstance(tool, BuiltinTool) and own_tools.kind_of(tool) == "mcp")
    return [item["server_label"] for item in servers if isinstance(item.get("server_label"), str)]


def _tool(tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return tool.item
    if isinstance(tool, FunctionTool):
        return {"type": "function", **openai_tools.entry_of(tool)}
    entry = {"type": "custom", **openai_tools.entry_of(tool)}
    if tool.syntax is not None:
        entry["format"] = {"type": "grammar", **openai_tools.grammar_of(tool)}
    elif tool.explicit_text:
        entry["format"] = {"type": "text"}
    return entry


def _tools(wire: Json) -> list[Tool]:
    """The tools of a wire; what is none of ours is the provider's own, as it is."""
    found: list[Tool] = []
    for item in rows(wire.get("tools")):
        kind = table(item).get("type")
        tool: Tool | None = None
        if kind == "function":
            tool = openai_tools.read_function(item)
        elif kind == "custom":
            tool = openai_tools.read_custom(item, lambda form: form)
        found.append(tool if tool is not None and same(_tool(tool), item) else BuiltinTool(item))
    return found


def _choice_entry(tools: Iterable[Tool], kind: openai_tools.Kind, name: str) -> Json:
    if kind != "builtin":
        return {"type": kind, "name": name}
    labels = _servers(tools) if name == "mcp" else []
    return {"type": name, **({"server_label": labels[0]} if labels else {})}


def _choice_subset(mode: str, entries: list[Json]) -> Json:
    return {"type": "allowed_tools", "mode": mode, "tools": entries}


def _read_chain(wire: Mapping[str, Json], request: Request) -> Request | None:
    return request._replace(chain="server") if isinstance(wire.get("previous_response_id"), str) else None


def _read_output(wire: Mapping[str, Json], request: Request) -> Request | None:
    return openai_header.read_structure(table(wire.get("text")).get("format"), request)


def _read_tools(wire: Mapping[str, Json], request: Request) -> Request | None:
    tools = tuple(_tools(wire))
    return None if any(map(_geminis, tools)) else request._replace(tools=tools)


def _read_choice(wire: Mapping[str, Json], request: Request) -> Request | None:
    value = wire.get("tool_choice")
    subset = value if isinstance(value, dict) and value.get("type") == "allowed_tools" else None
    choice = openai_tools.read_choice(value, subset, lambda entry: entry.get("name", entry.get("type")))
    return None if choice is None else request._replace(tool_choice=choice)


def _read_messages(wire: Mapping[str, Json], request: Request) -> Request | None:
    items = wire.get("input")
    if not isinstance(items, list):
        return None
    return request._replace(messages=messages_of(items, openai_tools.custom_names(request.tools)))
