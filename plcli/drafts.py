"""Drafts of a request spec: what its header says, in the ways that each item of it can be said in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from plcli.errors import SpecError
from plcli.fence import BadReference
from plcli.media import Json, MediaReader, MediaRef, lower
from plcli.modelrefs import ModelRef
from plcli.outlines import choice, message, stated
from plcli.paths import Parts
from plcli.providers.registry import Adapter
from plcli.request import BuiltinTool, FunctionTool, Native, Output, Part, Request, Tool
from plcli.toolbox import load_tool
from plcli.workspace import Workspace

SourceOf = Callable[[MediaRef], str | None]
"""The path, relative to the spec, of a file that holds the bytes of a reference; None where there is none."""

WAYS = {"messages": 3, "tools": 2, "params": 2, "image": 2}
"""Fields that are said item by item, and in how many ways an item can be: a message with paths, with data URLs,
or as the provider's own items; a tool by its name, or here; a param, or not at all; a mask by its path, or here."""

MASKS = ("mask", "markup")
"""What of a picture to make is a picture itself."""

_TEMPLATE_MARKS = ("{{", "{%", "{#")


class Draft(NamedTuple):
    """What is to be said, and how: `tried` counts the ways that a place has been said in without success."""

    workspace: Workspace
    file: Path | None
    model: ModelRef
    made: Adapter
    request: Request
    read: MediaReader
    source_of: SourceOf
    tried: Counter[Parts]


def header(draft: Draft) -> dict[str, Json]:
    """The document without `omit` and `body`."""
    request, model = draft.request, draft.model
    messages = [_message(draft, at) for at in range(len(request.messages))]
    marked = any(mark in json.dumps(messages) for mark in _TEMPLATE_MARKS)
    fields: dict[str, Json] = {
        "messages": messages or None,
        "tools": [_tool(draft, at, tool) for at, tool in enumerate(request.tools)] or None,
        "tool_choice": choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "chain": "server" if request.chain == "server" else None,
        "output": _output(request.output),
        "params": {name: item for name, item in request.params.items() if not draft.tried["params", name]} or None,
        "image": _picture(draft),
    }
    return {
        "kind": "request",
        "model": model.name or f"{model.provider.name}/{model.model}",
        **({"api": request.api} if request.api != model.api(None) else {}),
        **({"template": "none"} if marked else {}),
        **{name: item for name, item in fields.items() if item is not None and not draft.tried[(name,)]},
    }


def _message(draft: Draft, at: int) -> Json:
    turn, tried = draft.request.messages[at], draft.tried["messages", at]
    parts = turn.parts if tried < 2 else _items(draft, at)
    return message(turn.role, parts, partial(_source, draft, by_path=tried == 0), partial(lower, read=draft.read))


def _items(draft: Draft, at: int) -> tuple[Part, ...]:
    """A turn as the provider's own items: those that it adds to the wire of the turns before it."""
    before, after = (
        draft.made.compile(draft.request._replace(messages=draft.request.messages[:end], body={}, omit=())).wire
        for end in (at, at + 1)
    )
    for name, items in after.items():
        known = before.get(name, [])
        if isinstance(items, list) and isinstance(known, list) and len(items) > len(known):
            return tuple(map(Native, items[len(known) :]))
    return draft.request.messages[at].parts


def _source(draft: Draft, given: MediaRef | str, *, by_path: bool) -> str:
    if isinstance(given, str):
        return given
    known = draft.source_of(given) if by_path else None
    return known or replace(given, encoding="data-url").text(draft.read(given.digest))


def _tool(draft: Draft, at: int, tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return lower(tool.item, draft.read)
    if not draft.tried["tools", at] and _has_file(draft.workspace, tool.name):
        return tool.name
    entry = stated(name=tool.name, description=tool.description)
    if isinstance(tool, FunctionTool):
        return {**entry, "parameters": tool.parameters, **stated(strict=tool.strict)}
    return {**entry, "format": stated(type=tool.syntax or "text", definition=tool.definition)}


def _has_file(workspace: Workspace, name: str) -> bool:
    try:
        load_tool(workspace, name)
    except (BadReference, SpecError):
        return False
    return True


def _output(output: Output | None) -> Json:
    if output is None:
        return None
    named = output.name if output.name != "answer" else None
    return {"schema": output.schema, **stated(strict=output.strict, name=named, description=output.description)}


def _picture(draft: Draft) -> Json:
    image = draft.request.image
    if image is None:
        return None
    found = {name: given for name in MASKS if isinstance(given := image.get(name), MediaRef)}
    masks = {name: _source(draft, given, by_path=not draft.tried["image", name]) for name, given in found.items()}
    return lower({**image, **masks}, draft.read)
