"""What a request says, piece by piece, and whether each arrived where it moved or was told to be lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from plcli import paths
from plcli.media import Json, MediaRef
from plcli.providers.turns import parse_object
from plcli.request import Audio, File, Image, Loss, Native, Request, Text, ToolCall, ToolResult

STRUCTURE = {"type", "role", "id", "call_id", "tool_call_id", "status", "index", "object", "phase", "model"}
"""Keys of wires whose values say nothing by themselves."""


def unaccounted(request: Request, wire: Json, losses: Iterable[Loss]) -> list[tuple[str, str]]:
    """The texts of a request, with their paths, that are not in the wire of another api and that no loss tells of.

    What a file is called is no part of what is said, nor the name of a tool in its result, which its id tells.
    Case does not count: apis write the same words of their own in small or in capital letters.
    """
    arrived = json.dumps(wire, default=repr, ensure_ascii=False).casefold()
    told = [paths.parse(loss.path) for loss in losses]
    return [
        (paths.show(path), text)
        for path, value in _stated(request)
        for text in _texts(value)
        if json.dumps(text, ensure_ascii=False)[1:-1].casefold() not in arrived
        and not any(_related(path, lost) for lost in told)
    ]


def _stated(request: Request) -> Iterator[tuple[paths.Parts, Json]]:
    for at, message in enumerate(request.messages):
        for index, part in enumerate(message.parts):
            yield ("messages", at, "content", index), _said(part)
    for at, tool in enumerate(request.tools):
        yield ("tools", at), list(tool)
    for name, value in request.params.items():
        yield ("params", name), value
    for name, value in request.body.items():
        yield ("body", name), value
    if request.output is not None:
        yield ("output",), [request.output.schema, request.output.description]


def _said(part: Any) -> Json:
    match part:
        case Native(item):
            return item
        case Text(text, phase):
            return [text, phase]
        case Image(source, detail):
            return [source, detail]
        case File(source):
            return source
        case Audio(source, form):
            return [source, form]
        case ToolCall(_, name, arguments):
            return [name, arguments]
        case ToolResult(_, told, _):
            return told if isinstance(told, str) else [_said(inner) for inner in told]


def _texts(value: Json) -> Iterator[str]:
    """The texts in a value, and the digests of its media; of the arguments of a call the texts in them."""
    if isinstance(value, dict):
        for key, item in value.items():
            known = key in STRUCTURE or (key == "name" and "response" in value)
            yield from () if known else _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, MediaRef):
        yield value.digest
    elif isinstance(value, str):
        inner = parse_object(value)
        yield from [value] if inner is None else _texts(inner)


def _related(path: paths.Parts, lost: paths.Parts) -> bool:
    """Whether one of the two lies in the other."""
    return path[: len(lost)] == lost or lost[: len(path)] == path
