"""A request as JSON that reads like its spec, media by digest alone: what it is compared by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plcli.exchange import canonical
from plcli.media import Json, encode
from plcli.request import (
    Audio,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Message,
    Output,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)


def outline(request: Request) -> dict[str, Json]:
    """The fields of a request in the order of the format, its tools apart (`tools_by_name`)."""
    fields: dict[str, Json] = {
        "provider": request.provider,
        "api": request.api,
        "model": request.model,
        "messages": [_message(turn) for turn in request.messages],
        "tool_choice": _choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "chain": "server" if request.chain == "server" else None,
        "output": _output(request.output),
        "params": plain(dict(request.params)),
        "image": None if request.image is None else plain(dict(request.image)),
        "omit": list(request.omit),
        "body": plain(dict(request.body)),
        "script": plain(request.script),
    }
    return {name: value for name, value in fields.items() if value is not None}


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


def _message(turn: Message) -> Json:
    match turn.parts:
        case (Text(text, None),):
            return {"role": turn.role, "content": text}
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: Part) -> Json:
    match part:
        case Text(text, phase):
            return _said(type="text", text=text, phase=phase)
        case Image(source, detail):
            return _said(type="image", source=plain(source), detail=detail)
        case File(source, filename):
            return _said(type="file", source=plain(source), filename=filename)
        case Audio(source, form):
            return _said(type="audio", source=plain(source), format=form)
        case ToolCall(call, name, arguments):
            return {**_said(type="tool_call", id=call, name=name), "arguments": plain(arguments)}
        case ToolResult(call, content, name):
            told = content if isinstance(content, str) else [_part(inner) for inner in content]
            return _said(type="tool_result", id=call, name=name, content=told)
    return {"type": "native", "item": plain(part.item)}


def _tool(tool: Tool) -> Json:
    match tool:
        case FunctionTool(_, description, parameters, strict):
            return _said(description=description, parameters=plain(parameters), strict=strict)
        case CustomTool(_, description, syntax, definition, explicit):
            form = _said(type=syntax or "text", definition=definition, explicit=explicit or None)
            return {**_said(description=description), "format": form}
    return plain(tool.item)


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None or not choice.tools:
        return choice.mode if choice else None
    return {"tool": choice.tools[0]} if choice.forced else {"tools": list(choice.tools), "mode": choice.mode}


def _output(output: Output | None) -> Json:
    if output is None:
        return None
    told = _said(strict=output.strict, description=output.description)
    return {"name": output.name, "schema": plain(output.schema), **told}


def _said(**fields: Json) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}
