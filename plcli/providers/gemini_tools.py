"""Tools and tool choice as Gemini writes them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from plcli.media import Json
from plcli.paths import find, place
from plcli.providers import own_tools
from plcli.providers.gemini_contents import FREE_TEXT
from plcli.providers.reading import rows, table
from plcli.providers.roundtrip import same
from plcli.providers.turns import answer_calls
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Loss, Message, Request, Tool, ToolChoice

BUILTINS: Mapping[str, Mapping[str, Json]] = {
    "web_search": {"type": "google_search"},
    "url_context": {"type": "url_context"},
    "code_execution": {"type": "code_execution"},
    "file_search": {"type": "file_search"},
    "computer_use": {"type": "computer_use"},
}
"""Tools that other apis have too."""

_DECLARATIONS = "functionDeclarations"
_CHOICE = "toolConfig.functionCallingConfig"

_FOREIGN = own_tools.OF_OPENAI | {"custom", "function"}

_CLOSEST = {
    "web_search": "google_search",
    "web_search_preview": "google_search",
    "code_interpreter": "code_execution",
    "computer": "computer_use",
    "computer_use_preview": "computer_use",
}

_FREE_TEXT: Json = {"type": "object", "properties": {FREE_TEXT: {"type": "string"}}, "required": [FREE_TEXT]}

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def write_tools(tools: Iterable[Tool]) -> list[Json]:
    """The tools of a wire: one list of all functions where the first one stands, and the built-in tools."""
    entries: list[Json] = []
    declarations: list[Json] = []
    for tool in tools:
        if isinstance(tool, BuiltinTool):
            if not _foreign(tool):
                entries.append(_builtin(tool.item))
            continue
        if not declarations:
            entries.append({_DECLARATIONS: declarations})
        declarations.append(_declaration(tool))
    return entries


def read_tools(entries: Iterable[Json]) -> tuple[Tool, ...]:
    """The tools that are written so; an entry that is none of ours is a built-in tool as it stands."""
    tools: list[Tool] = []
    declared = False
    for entry in entries:
        functions = None if declared else _read_functions(entry)
        declared = declared or functions is not None
        tools += [_read_builtin(entry)] if functions is None else functions
    return tuple(tools)


def write_choice(request: Request) -> dict[str, Json] | None:
    """The `functionCallingConfig` of a wire, or None; VALIDATED is what holds calls to their schemas."""
    choice = request.tool_choice or ToolChoice("auto")
    strict = any(isinstance(tool, FunctionTool) and tool.strict for tool in request.tools)
    names = [] if choice.mode == "none" else [name for name in choice.tools if name not in builtin_types(request)]
    if (request.tool_choice is None and not strict) or (choice.mode != "none" and choice.tools and not names):
        return None
    mode = "VALIDATED" if choice.mode == "auto" and (strict or names) else _MODES[choice.mode]
    return {"mode": mode, "allowedFunctionNames": names} if names else {"mode": mode}


def read_choice(config: Mapping[str, Json], request: Request) -> Request | None:
    """The request with the choice that is written so; the caller holds it against the wire."""
    mode, named = config.get("mode"), config.get("allowedFunctionNames")
    names = tuple(name for name in rows(named) if isinstance(name, str))
    if mode == "VALIDATED" and not names:
        tools = (tool._replace(strict=True) if isinstance(tool, FunctionTool) else tool for tool in request.tools)
        return request._replace(tools=tuple(tools))
    if mode == "VALIDATED":
        return request._replace(tool_choice=ToolChoice("auto", names))
    if mode == "ANY":
        return request._replace(tool_choice=ToolChoice("required", names, forced=len(names) == 1))
    if mode in ("AUTO", "NONE"):
        return request._replace(tool_choice=ToolChoice("auto" if mode == "AUTO" else "none"))
    return None


def unforced(wire: Json, turns: Iterable[Message]) -> Json:
    """The wire without a choice that forces calls, where turns answer some: such a run would never end."""
    choice = table(find(wire, _CHOICE))
    if choice.get("mode") != "ANY" or not answer_calls(turns):
        return wire
    return place(wire, f"{_CHOICE}.mode", "VALIDATED" if choice.get("allowedFunctionNames") else "AUTO")


def tool_losses(request: Request) -> Iterator[Loss]:
    """What of the tools and their choice Gemini cannot carry."""
    for index, tool in enumerate(request.tools):
        if isinstance(tool, CustomTool):
            hint = "give it `parameters` with one string"
            yield Loss(f"tools[{index}]", "the gemini api has no free-form tools", hint, "approximated")
        elif isinstance(tool, BuiltinTool) and _foreign(tool):
            kind = tool.item["type"]
            yield Loss(f"tools[{index}]", f"the gemini api has no {kind}", own_tools.closest(kind, _CLOSEST))
    if request.tool_choice is not None and request.tool_choice.mode != "none":
        chosen = sorted(builtin_types(request).intersection(request.tool_choice.tools))
        if chosen:
            yield Loss("tool_choice", f"the gemini api cannot choose {', '.join(chosen)}", "choose functions only")
    if request.parallel_tool_calls is False:
        yield Loss("parallel_tool_calls", "the gemini api has no switch for parallel calls", "drop it")


def are_mixed(tools: Sequence[Tool]) -> bool:
    """Whether there are functions beside Gemini's own tools."""
    own = any(isinstance(tool, BuiltinTool) and "type" in table(tool.item) and not _foreign(tool) for tool in tools)
    return own and any(not isinstance(tool, BuiltinTool) for tool in tools)


def builtin_types(request: Request) -> frozenset[str]:
    """The types of the provider's own tools in a request."""
    return frozenset(filter(None, map(own_tools.kind_of, request.tools)))


def _foreign(tool: BuiltinTool) -> bool:
    return own_tools.kind_of(tool) in _FOREIGN


def _declaration(tool: FunctionTool | CustomTool) -> Json:
    described = {} if tool.description is None else {"description": tool.description}
    parameters = _FREE_TEXT if isinstance(tool, CustomTool) else tool.parameters
    schema = {} if parameters is None else {"parametersJsonSchema": parameters}
    return {"name": tool.name, **described, **schema}


def _read_functions(entry: Json) -> list[Tool] | None:
    """The functions of an entry that is nothing but a list of them, all of our kind."""
    functions: list[Tool] = []
    for stated in map(table, rows(table(entry).get(_DECLARATIONS))):
        name, description = stated.get("name"), stated.get("description")
        if not isinstance(name, str) or not isinstance(description, str | None):
            return None
        functions.append(FunctionTool(name, description, stated.get("parametersJsonSchema")))
    return functions if functions and same(write_tools(functions), [entry]) else None


def _builtin(item: Json) -> Json:
    """`{type: google_search, …}` as `{"googleSearch": {…}}`; without a type the entry as it stands."""
    kind = table(item).get("type")
    if not isinstance(kind, str):
        return item
    return {own_tools.camel(kind): {key: value for key, value in item.items() if key != "type"}}


def _read_builtin(entry: Json) -> BuiltinTool:
    if isinstance(entry, dict) and len(entry) == 1:
        name, fields = next(iter(entry.items()))
        item = {"type": own_tools.snake(name), **table(fields)}
        if same(_builtin(item), entry) and not _foreign(BuiltinTool(item)):
            return BuiltinTool(item)
    return BuiltinTool(entry)
