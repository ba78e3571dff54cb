"""Stubs written from what tools really answered, into the file beside the tool."""

from __future__ import annotations

import os
from pathlib import Path

from plcli import disk
from plcli.documents import parse
from plcli.errors import SpecError, UsageError
from plcli.fence import BadReference
from plcli.insertion import insert, written
from plcli.matchers import equal
from plcli.media import Json
from plcli.regexes import Undecided, within
from plcli.schemas import load_spec
from plcli.specs import StubsSpec, ToolSpec, is_matcher
from plcli.specs.tool import Stub
from plcli.stubs import SECONDS, NoStub, Stubs, holds
from plcli.toolbox import Tool, stubs_file
from plcli.workspace import Workspace


def record_stub(workspace: Workspace, tool: Tool, arguments: Json, result: Json) -> Path | None:
    """Write down that a tool answers these arguments, and no others, with this result; gives the file.

    The stub stands last, or above the first one that would answer instead; None says that this one answers the
    same already, so nothing is written. Writers wait for each other. Raises `SpecError` where the file is wrong
    or cannot hold the stub, `BadReference` where it leads out of the workspace, `UsageError` where it cannot be
    written.
    """
    if tool.spec.stubs:
        hint = f"move them to {tool.path.stem}.stubs.yaml (kind: stubs)"
        message = "stubs are recorded beside the tool, and these stand in its own file"
        raise SpecError([tool.document.problem(("stubs",), message, hint, of="key")])
    try:
        # The tool's own file is the lock: that of the stubs is replaced, or not there yet.
        fd = disk.open_plain(tool.path, os.O_RDONLY)
        try:
            with disk.locked(fd):
                return _record(workspace, tool, arguments, result)
        finally:
            os.close(fd)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "give yourself the right to write there, or record no stubs"
        raise UsageError(f"the stubs of {tool.spec.name} cannot be written: {reason}", hint=hint) from None


def _record(workspace: Workspace, tool: Tool, arguments: Json, result: Json) -> Path | None:
    beside = stubs_file(tool.path)
    path = beside or tool.path.with_name(f"{tool.path.stem}.stubs.yaml")
    stub = {**_condition(tool.spec, arguments), "return": result}
    place = workspace.fence.place(path.name, beside=path)
    if beside is None and os.path.lexists(path):
        # Whoever wrote the link chose the file, which may not exist so that others take it for theirs.
        raise BadReference(f"{workspace.label(path)} is there, and is no file", hint="move it away")
    if beside is None:
        label = workspace.label(path)
        document = parse(written({"kind": "stubs", "stubs": [stub]}, label, "yaml"), file=label, format="yaml")
    else:
        document = workspace.document(beside)
        stubs = load_spec(document, StubsSpec).stubs
        index = _first(stubs, arguments)
        if index < len(stubs) and _answers(stubs[index], arguments, result):
            return None
        document = insert(document, "stubs", index, stub)
    load_spec(document, StubsSpec)
    disk.replace(place, document.text)
    return path


def _condition(tool: ToolSpec, arguments: Json) -> dict[str, Json]:
    """The condition that these arguments fulfil, and no others that the tool takes."""
    if not isinstance(arguments, dict):
        return {"when_schema": {"const": arguments}}
    when = {name: {"equals": value} if is_matcher(value) else value for name, value in arguments.items()}
    parameters = tool.parameters or {}
    named = parameters.get("properties") or {}
    closed = parameters.get("additionalProperties") is False and "patternProperties" not in parameters
    if closed and isinstance(named, dict) and named.keys() <= arguments.keys():
        return {"when": when}
    return {"when": when, "when_schema": {"maxProperties": len(arguments)}}


def _first(stubs: tuple[Stub, ...], arguments: Json) -> int:
    """The number of the first stub that answers a call, or may answer it; that of the stubs where none does."""
    with within(SECONDS):
        for index, stub in enumerate(stubs):
            try:
                if holds(stub, arguments):
                    return index
            except Undecided:
                return index
    return len(stubs)


def _answers(stub: Stub, arguments: Json, result: Json) -> bool:
    """Whether a stub answers a call with this result."""
    try:
        answer = Stubs([stub], str).answer(arguments)
    except NoStub:
        return False
    return answer.error is None and equal(answer.result, result)
