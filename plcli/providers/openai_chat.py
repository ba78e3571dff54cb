"""Chat Completions: requests to and from its JSON, sending, and the next turn.

Its streams are gathered in `openai_chat_stream`, its answers read in `openai_chat_answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plcli.exchange import Target, WireEvent
from plcli.media import Json, lower
from plcli.providers import openai_header, openai_tools, own_tools, params
from plcli.providers.openai_chat_answer import read
from plcli.providers.openai_chat_messages import chat_of, loosen, messages_of, unfit, without_id
from plcli.providers.openai_chat_stream import fold, progress
from plcli.providers.openai_client import post
from plcli.providers.openai_spellings import respell_chat as respell
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

_OTHER_API = "drop it, or use `api: responses`"
_OTHER_WAY = "use `api: responses`, or `api: images`; for a server that draws here, write body.modalities"
_OTHER_TOOL = f"{_OTHER_API}; for a server that has it, write it under `body.tools`"

_OF_OTHERS = own_tools.OF_OPENAI | own_tools.OF_GEMINI | {"file_search"}
"""Types of tools that only other apis have. Compatible servers have their own types, or nest the fields of a
tool under its type as chat does."""

OPERATION = "chat.completions.create"

_IN_MESSAGES: tuple[tuple[str | None, ...], ...] = (
    ("audio", "data"),
    ("images", None, "image_url"),
    ("images", None, "image_url", "url"),
    ("content", None, "image_url"),
    ("content", None, "image_url", "url"),
    ("content", None, "input_audio", "data"),
)

MEDIA: tuple[tuple[str | None, ...], ...] = tuple(
    (*message, *place) for message in (("choices", None, "message"), ("messages", None)) for place in _IN_MESSAGES
)
"""Places of a wire that hold base64, however short."""

BUILTINS: Mapping[str, Mapping[str, Json]] = {"web_search": {"type": "web_search"}}
"""Tools that other apis have too."""

_PARAMS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_completion_tokens",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "reasoning_effort": "reasoning_effort",
    "verbosity": "verbosity",
    "service_tier": "service_tier",
}


def defaults(request: Request, model: ModelSpec | None = None) -> Request:
    """The request with `strict` explicit."""
    return openai_header.explicit_strict(request)


def compile(request: Request) -> Compiled:
    """Neutral to native; adds nothing that the request does not say."""
    wire, unknown_paths = finish({"model": request.model, **_header(request)}, request)
    return Compiled(wire, target_of(wire, request.model), (*_losses(request), *unknown_paths))


def target_of(wire: Json, model: str) -> Target:
    """Where a wire goes."""
    return Target(OPERATION, model)


def wanted(wire: Json) -> int:
    """How many pictures a wire asks for: some servers draw on this api, where `modalities` says so."""
    return int("image" in rows(table(wire).get("modalities")))


def uncompile(wire: Json, target: Target) -> Request:
    """Native to neutral; what is not understood stays in `body` or in native parts.

    Raises `SpecError` for a wire that is no object.
    """
    readers = (params.params_reader(_PARAMS), openai_header.read_parallel, _read_output,
               _read_tools, _read_search, _read_choice, _read_messages)  # fmt: skip
    return openai_header.uncompile("chat", wire, target, _header, readers)


def send(wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
    """Send the wire; raises `CallFailed`, and `MediaMissing` for bytes that are gone."""
    body = {key: item for key, item in lower(wire, call.read_media).items() if key not in ("stream", "stream_options")}
    if call.stream:
        body["stream"] = True
        if call.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return post("/chat/completions", body, call)


def cannot_return(part: Part) -> str | None:
    """Why a part cannot stand in the result of a tool, or None."""
    return unfit("tool", part)


def next_turn(wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
    """The wire of the next turn: the old messages, the answer's first one as it came, and the new turns.

    Where these answer calls, none is forced any more.
    """
    choices = rows(table(wire_response).get("choices"))[:1]
    said = [choice["message"] for choice in choices if isinstance(table(choice).get("message"), dict)]
    if said and said[0].get("function_call") and not rows(said[0].get("tool_calls")):
        turns = [turn._replace(parts=tuple(map(without_id, turn.parts))) for turn in turns]
    added = chat_of(turns, openai_tools.custom_names(_tools(wire)))
    return {**unforced(wire, turns), "messages": [*rows(wire.get("messages")), *said, *added]}


def _header(request: Request) -> dict[str, Json]:
    header: dict[str, Json] = {}
    if request.messages:
        header["messages"] = chat_of(request.messages, openai_tools.custom_names(request.tools))
    if tools := [_tool(tool) for tool in request.tools if _native(tool) and _search_options(tool) is None]:
        header["tools"] = tools
    for tool in request.tools:
        if (options := _search_options(tool)) is not None:
            header["web_search_options"] = options
    choice = openai_tools.write_choice(_choosing(request), _choice_entry, _choice_subset)
    if choice is not None:
        header["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        header["parallel_tool_calls"] = request.parallel_tool_calls
    if request.output is not None:
        header["response_format"] = {"type": "json_schema", "json_schema": openai_header.structure(request.output)}
    return params.put_params(header, request, _PARAMS)


def _choosing(request: Request) -> Request:
    """The request without the choice of built-in tools, which the api does not offer for choice."""
    choice = request.tool_choice
    builtin = openai_tools.builtin_types(request)
    if choice is None or builtin.isdisjoint(choice.tools):
        return request
    left = tuple(name for name in choice.tools if name not in builtin)
    return request._replace(tool_choice=choice._replace(tools=left) if left else None)


def _losses(request: Request) -> list[Loss]:
    losses = [
        Loss(f"params.{name}", f"the chat api has no {name}", f"write it as body.{name} for a server that takes it")
        for name in request.params
        if name not in _PARAMS
    ]
    losses += (
        Loss(f"tools[{index}]", "the chat api does not have this tool", _OTHER_TOOL)
        for index, tool in enumerate(request.tools)
        if not _native(tool)
    )
    if request.image is not None:
        losses.append(Loss("image", "the chat api makes no pictures", _OTHER_WAY))
    chosen = request.tool_choice.tools if request.tool_choice is not None else ()
    if builtin := openai_tools.builtin_types(request).intersection(chosen):
        losses.append(Loss("tool_choice", f"the chat api cannot choose {', '.join(sorted(builtin))}", _OTHER_API))
    if request.chain == "server":
        losses.append(Loss("chain", "the chat api keeps no conversation", _OTHER_API))
    several = request.body.get("n")
    if isinstance(several, int) and several > 1:
        losses.append(Loss("body.n", "n above 1 is not supported", "drop it, and run the request several times"))
    return [*turn_losses(request.messages, unfit), *losses, *openai_header.body_losses(request)]


def _native(tool: Tool) -> bool:
    """Whether the api, or a server that is compatible with it, has such a tool."""
    if not isinstance(tool, BuiltinTool) or _search_options(tool) is not None:
        return True
    kind = own_tools.kind_of(tool)
    return kind is not None and (own_tools.snake(kind) not in _OF_OTHERS or kind in tool.item)


def _tool(tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return tool.item
    entry = openai_tools.entry_of(tool)
    if isinstance(tool, FunctionTool):
        return {"type": "function", "function": entry}
    if tool.syntax is not None:
        entry["format"] = {"type": "grammar", "grammar": openai_tools.grammar_of(tool)}
    elif tool.explicit_text:
        entry["format"] = {"type": "text"}
    return {"type": "custom", "custom": entry}


def _tools(wire: Json) -> list[Tool]:
    """The tools of a wire; what is none of ours is the server's own, as it is."""
    found: list[Tool] = []
    for item in rows(wire.get("tools")):
        stated = table(item)
        tool: Tool | None = openai_tools.read_function(stated.get("function")) or openai_tools.read_custom(
            stated.get("custom"), lambda form: form.get("grammar")
        )
        found.append(tool if tool is not None and same(_tool(tool), item) else BuiltinTool(item))
    return found


def _search_options(tool: Tool) -> dict[str, Json] | None:
    """The `web_search_options` that say the same as a built-in `web_search`, or None.

    The place of the user, flat in the tool, is nested in the options.
    """
    item = tool.item if isinstance(tool, BuiltinTool) else None
    if not isinstance(item, dict) or item.get("type") != "web_search":
        return None
    options = {key: value for key, value in item.items() if key != "type"}
    if options.keys() - {"search_context_size", "user_location"}:
        return None
    place = table(options.get("user_location"))
    if place.get("type") == "approximate":
        flat = {key: value for key, value in place.items() if key != "type"}
        options["user_location"] = {"type": "approximate", "approximate": flat}
    return options


def _choice_entry(kind: openai_tools.Kind, name: str) -> Json:
    written = "custom" if kind == "custom" else "function"
    return {"type": written, written: {"name": name}}


def _choice_subset(mode: str, entries: list[Json]) -> Json:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": entries}}


def _read_output(wire: Mapping[str, Json], request: Request) -> Request | None:
    return openai_header.read_structure(table(wire.get("response_format")).get("json_schema"), request)


def _read_tools(wire: Mapping[str, Json], request: Request) -> Request | None:
    tools = tuple(_tools(wire))
    return request._replace(tools=tools) if all(map(_native, tools)) else None


def _read_search(wire: Mapping[str, Json], request: Request) -> Request | None:
    options = wire.get("web_search_options")
    if not isinstance(options, dict):
        return None
    item = {"type": "web_search", **options}
    place = table(options.get("user_location"))
    if isinstance(place.get("approximate"), dict):
        item["user_location"] = {"type": "approximate", **place["approximate"]}
    tool = BuiltinTool(item)
    return request._replace(tools=(*request.tools, tool)) if _search_options(tool) is not None else None


def _read_choice(wire: Mapping[str, Json], request: Request) -> Request | None:
    value = wire.get("tool_choice")
    choice = openai_tools.read_choice(value, table(value).get("allowed_tools"), _name_of)
    return None if choice is None else request._replace(tool_choice=choice)


def _name_of(entry: Mapping[str, Json]) -> Json:
    return table(entry.get("function", entry.get("custom"))).get("name")


def _read_messages(wire: Mapping[str, Json], request: Request) -> Request | None:
    chat = wire.get("messages")
    if not isinstance(chat, list):
        return None
    return request._replace(messages=messages_of(chat, openai_tools.custom_names(request.tools)))
