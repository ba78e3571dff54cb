"""A request as JSON that reads like its spec.

With media by digest alone it is what requests are compared by; its turns and parts are also what a spec is written of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from plcli.exchange import canonical
from plcli.media import Json, MediaRef, encode
from plcli.request import (
    Audio,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Native,
    Output,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

SayMedium = Callable[[MediaRef | str], Json]
"""How the source of a medium is said."""

SayNative = Callable[[Json], Json]
"""How JSON of the provider is said, in which media may stand."""


def outline(request: Request) -> dict[str, Json]:
    """The fields of a request in the order of the format, its tools apart (`tools_by_name`)."""
    fields: dict[str, Json] = {
        "provider": request.provider,
        "api": request.api,
        "model": request.model,
        "messages": [message(turn.role, turn.parts, plain, plain) for turn in request.messages],
        "tool_choice": choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "chain": "server" if request.chain == "server" else None,
        "output": _output(request.output),
        "params": plain(dict(request.params)),
        "image": None if request.image is None else plain(dict(request.image)),
        "omit": list(request.omit),
        "body": plain(dict(request.body)),
        "script": plain(request.script),
    }
    return stated(**fields)


def tools_by_name(tools: Iterable[Tool]) -> dict[str, list[Json]]:
    """What a request says of each tool but its name; a built-in one is known by its type."""
    named: dict[str, list[Json]] = {}
    for tool in tools:
        named.setdefault(tool_name(tool), []).append(_tool(tool))
    return named


def tool_name(tool: Tool) -> str:
    """What a tool is known by."""
    if isinstance(tool, FunctionTool | CustomTool):
        return tool.name
    kind = tool.item.get("type") if isinstance(tool.item, Mapping) else None
    return kind if isinstance(kind, str) else canonical(plain(kind))


def plain(wire: Json) -> Json:
    """A wire as JSON, its media by digest alone, as the key of a recording counts them."""
    return encode(wire, describe=lambda ref: {"$media": ref.digest})


def message(role: str, parts: Sequence[Part], source: SayMedium, native: SayNative) -> Json:
    """A turn of these parts; words alone are its content."""
    match parts:
        case (Text(text, None),):
            return {"role": role, "content": text}
    return {"role": role, "content": [_part(part, source, native) for part in parts]}


def choice(choice: ToolChoice | None) -> Json:
    """Which tools may, or must, be called."""
    if choice is None or not choice.tools:
        return choice.mode if choice else None
    return {"tool": choice.tools[0]} if choice.forced else {"tools": list(choice.tools), "mode": choice.mode}


def stated(**fields: Json) -> dict[str, Json]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _part(part: Part, source: SayMedium, native: SayNative) -> Json:
    match part:
        case Text(text, phase):
            return stated(type="text", text=text, phase=phase)
        case Image(given, detail):
            return stated(type="image", source=source(given), detail=detail)
        case File(given, filename):
            return stated(type="file", source=source(given), filename=filename)
        case Audio(given, form):
            return stated(type="audio", source=source(given), format=form)
        case ToolCall(call, name, arguments):
            return stated(type="tool_call", id=call, name=name, arguments=native(arguments))
        case ToolResult(call, content, name):
            told = content if isinstance(content, str) else [_part(inner, source, native) for inner in content]
            return stated(type="tool_result", id=call, name=name, content=told)
        case Native(item):
            return {"type": "native", "item": native(item)}


def _tool(tool: Tool) -> Json:
    match tool:
        case FunctionTool(_, description, parameters, strict):
            return stated(description=description, parameters=plain(parameters), strict=strict)
        case CustomTool(_, description, syntax, definition, explicit):
            form = stated(type=syntax or "text", definition=definition, explicit=explicit or None)
            return {**stated(description=description), "format": form}
    return plain(tool.item)


def _output(output: Output | None) -> Json:
    if output is None:
        return None
    told = stated(strict=output.strict, description=output.description)
    return {"name": output.name, "schema": plain(output.schema), **told}
