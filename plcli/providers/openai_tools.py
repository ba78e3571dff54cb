"""Tools and tool choice, as far as Responses and Chat Completions write them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from plcli.media import Json
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Request, Tool, ToolChoice

Kind = Literal["function", "custom", "builtin"]


def custom_names(tools: Iterable[Tool]) -> frozenset[str]:
    """The names of the tools that take free text."""
    return frozenset(tool.name for tool in tools if isinstance(tool, CustomTool))


def builtin_types(request: Request) -> frozenset[str]:
    """The types of the provider's own tools in a request; making pictures is one."""
    items = [tool.item for tool in request.tools if isinstance(tool, BuiltinTool)]
    types = [item.get("type") for item in items if isinstance(item, dict)]
    pictures = ["image_generation"] if request.image is not None else []
    return frozenset(kind for kind in types + pictures if isinstance(kind, str))


def entry_of(tool: FunctionTool | CustomTool) -> dict[str, Json]:
    """The fields of a tool that both apis write alike."""
    entry: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        entry["description"] = tool.description
    if isinstance(tool, FunctionTool):
        if tool.parameters is not None:
            entry["parameters"] = tool.parameters
        if tool.strict is not None:
            entry["strict"] = tool.strict
    return entry


def grammar_of(tool: CustomTool) -> dict[str, Json]:
    """What restricts the text of a free-form tool."""
    definition = {} if tool.definition is None else {"definition": tool.definition}
    return {"syntax": tool.syntax, **definition}


def read_function(entry: Json) -> FunctionTool | None:
    """The tool of an entry, or None where the types are others."""
    if not isinstance(entry, dict) or not _typed(entry, name=str, description=str, strict=bool):
        return None
    return FunctionTool(entry["name"], entry.get("description"), entry.get("parameters"), entry.get("strict"))


def read_custom(entry: Json, grammar: Callable[[dict[str, Json]], Json]) -> CustomTool | None:
    """The free-form tool of an entry, or None where the types are others; `grammar` finds it in the format."""
    if not isinstance(entry, dict) or not _typed(entry, name=str, description=str):
        return None
    tool, form = CustomTool(entry["name"], entry.get("description")), entry.get("format")
    if not isinstance(form, dict):
        return tool
    if form.get("type") == "text":
        return tool._replace(explicit_text=True)
    limits = grammar(form)
    if not isinstance(limits, dict) or not _typed(limits, syntax=str, definition=str):
        return None
    if limits["syntax"] not in ("regex", "lark"):
        return None
    return tool._replace(syntax=limits["syntax"], definition=limits.get("definition"))


def _typed(entry: Mapping[str, Json], **types: type) -> bool:
    """Whether the fields have these types; the first one must be there."""
    first = next(iter(types))
    return first in entry and all(type(entry[name]) is kind for name, kind in types.items() if name in entry)


def write_choice(
    request: Request, entry: Callable[[Kind, str], Json], subset: Callable[[str, list[Json]], Json]
) -> Json:
    """The `tool_choice` of a wire, or None; `entry` writes one tool, `subset` a mode with several."""
    choice = request.tool_choice
    if choice is None or choice.mode == "none" or not choice.tools:
        return choice and choice.mode
    entries = [entry(_kind(request, name), name) for name in choice.tools]
    return entries[0] if choice.forced and len(entries) == 1 else subset(choice.mode, entries)


def _kind(request: Request, name: str) -> Kind:
    if name in custom_names(request.tools):
        return "custom"
    ours = any(isinstance(tool, FunctionTool) and tool.name == name for tool in request.tools)
    return "builtin" if not ours and name in builtin_types(request) else "function"


def read_choice(value: Json, subset: Json, name_of: Callable[[dict[str, Json]], Json]) -> ToolChoice | None:
    """The choice that `write_choice` could have written so; `subset` is what holds a mode and several tools."""
    if value in ("auto", "none", "required"):
        return ToolChoice(value)
    entries = subset.get("tools") if isinstance(subset, dict) else [value]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return None
    names = [name_of(entry) for entry in entries]
    if not all(isinstance(name, str) for name in names):
        return None
    if not isinstance(subset, dict):
        return ToolChoice("required", tuple(names), forced=True)
    mode = subset.get("mode")
    return ToolChoice(mode, tuple(names)) if mode in ("auto", "required") else None
