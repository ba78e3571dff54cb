"""Tools from elsewhere as drafts of tool files: JSON of other clients, logged runs, Python functions, MCP servers.

Everything read here is data, whoever wrote it: nothing is run, and no name in it decides a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from plcli import jsontext, yaml12
from plcli.declarations import LONGEST_NAME, NOTHING, Declared, Skipped, declarations, neutral_name
from plcli.documents import parse
from plcli.errors import Problem, SpecError, UsageError
from plcli.fence import BadReference, Opened
from plcli.functions.signatures import NoFunction, read_function
from plcli.handling.mcp_answers import McpTool
from plcli.media import Json, MediaRef, Redacted, decode
from plcli.records import Record
from plcli.toolwriting import ToolDraft
from plcli.traffic import wire_requests
from plcli.workspace import Workspace

MOST = 1000
"""Tools that are imported at once."""

_MODULE = re.compile(r"[A-Za-z_]\w*")


class Answered(NamedTuple):
    """A call of a logged run with the result that it got."""

    tool: str
    arguments: Json
    result: Json


class Gathered(NamedTuple):
    """What a source holds: tools to be written, answers that may become stubs, and what is no tool of ours."""

    drafts: tuple[ToolDraft, ...]
    skipped: tuple[Skipped, ...] = ()
    answers: tuple[Answered, ...] = ()


def from_list(opened: Opened, file: str) -> Gathered:
    """The tools of a JSON or YAML file: a list of them, one of them, or a request body.

    Raises `SpecError` where the file cannot be read, or holds nothing of the kind, `UsageError` for too many.
    """
    try:
        text = opened.text
    except BadReference as error:
        raise SpecError([Problem(file, error.message, hint=error.hint)]) from None
    is_json = text.lstrip()[:1] in ("[", "{")
    value = jsontext.read(text, file) if is_json else yaml12.read(text, file)[0]
    gathered = _gathered(_bounded(value, file), {})
    if not gathered.drafts and set(gathered.skipped) <= {NOTHING}:
        hint = "it should be a list of tools, one tool, or a request body that has tools"
        raise SpecError([Problem(file, "there is no tool in it", hint=hint)])
    return gathered


def from_run(record: Record) -> Gathered:
    """The tools that the requests of a logged run declare, and the answers that its calls got.

    Raises `ValueError` for a damaged record, `SpecError` for one that no tool could be read from.
    """
    tools: dict[str, Json] = {}
    for wire in wire_requests(record.exchanges):
        held = wire.get("tools") if isinstance(wire, dict) else None
        tools |= {json.dumps(tool, default=_mark): tool for tool in (held if isinstance(held, list) else [])}
    gathered = _gathered(_bounded(list(tools.values()), f"run {record.id}"), {})
    if not gathered.drafts and not gathered.skipped:
        raise SpecError([Problem(f"run {record.id}", "its requests declare no tools", hint="plcli log list")])
    found = list(_answers(record, {draft.called: draft.name for draft in gathered.drafts}))
    skipped = dict.fromkeys(one for one in found if isinstance(one, Skipped))
    answers = tuple(one for one in found if isinstance(one, Answered))
    return gathered._replace(skipped=(*gathered.skipped, *skipped), answers=answers)


def from_function(workspace: Workspace, path: Path, function: str, env: Sequence[str] = ()) -> Gathered:
    """A function of a Python file of the workspace, with itself as handler; the file is read, never run.

    Raises `SpecError` where it cannot be a tool, `UsageError` for a file that Python could not import.
    """
    label, module = workspace.label(path), _module(workspace, path)
    try:
        opened = workspace.read(path.name, beside=path)
        made = read_function(opened.text, function)
    except (BadReference, NoFunction) as error:
        raise SpecError([Problem(label, error.message, hint=error.hint)]) from None
    fields: dict[str, Json] = {
        "description": made.description,
        "parameters": made.parameters,
        "returns": made.returns,
        "env": list(env) or None,
        "python": f"{module}:{function}",
    }
    declared = Declared(made.name, {key: value for key, value in fields.items() if value is not None}, made.unknown)
    return Gathered(*_drafts([declared], {}))


def from_server(listing: Iterable[McpTool], handler: dict[str, Json], env: Sequence[str] = ()) -> Gathered:
    """The tools that an MCP server lists, with that server as their handler (`command` or `url`)."""
    entries: list[Json] = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "outputSchema": tool.returns,
        }
        for tool in listing
    ]
    return _gathered(_bounded(entries, "the server"), handler, env)


def _bounded(value: Json, file: str) -> Json:
    """Foreign JSON that is no deeper and no larger than a spec may be. Raises `SpecError`."""
    try:
        text = json.dumps({"tools": value}, default=_mark)
    except RecursionError:
        raise SpecError([Problem(file, "nested too deeply")]) from None
    return parse(text, file=file, format="json").value["tools"]


def _mark(leaf: MediaRef | Redacted) -> Json:
    """What stands for bytes and secrets that a log keeps elsewhere, or not at all."""
    return f"({'redacted' if isinstance(leaf, Redacted) else leaf.mime})"


def _gathered(value: Json, server: dict[str, Json], env: Sequence[str] = ()) -> Gathered:
    found = list(islice(declarations(value), MOST + 1))
    if len(found) > MOST:
        raise UsageError(f"more than {MOST:,} tools", hint="import a part of them; no api takes so many")
    drafts, skipped = _drafts([one for one in found if isinstance(one, Declared)], server, env)
    return Gathered(drafts, (*(one for one in found if isinstance(one, Skipped)), *skipped))


def _drafts(
    declared: Iterable[Declared], server: dict[str, Json], env: Sequence[str] = ()
) -> tuple[tuple[ToolDraft, ...], tuple[Skipped, ...]]:
    """Drafts under names that every provider accepts, each once."""
    drafts: dict[str, ToolDraft] = {}
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for one in declared:
        name = neutral_name(one.name)
        if not name or one.name in seen:
            reason = "another one before it has this name" if name else "nothing of its name can be kept"
            skipped.append(Skipped(one.name, reason))
            continue
        seen.add(one.name)
        name = _free(name, drafts)
        fields = one.fields
        if server:
            fields = {**fields, "mcp": {**server, "tool": one.name}, **({"env": list(env)} if env else {})}
        renamed = (f"named {name}: providers would refuse {one.name}",) if name != one.name else ()
        drafts[name] = ToolDraft(name, fields, (*renamed, *one.changes), one.name)
    return tuple(drafts.values()), tuple(skipped)


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or where it is taken the first with a number behind it that is not."""
    free, number = name, 2
    while free in taken:
        free = f"{name[: LONGEST_NAME - len(str(number)) - 1]}_{number}"
        number += 1
    return free


def _answers(record: Record, names: Mapping[str | None, str]) -> Iterator[Answered | Skipped]:
    """The results of a run, each once, that can be written down as stubs of the tools by their `names` here."""
    seen: set[str] = set()
    for kept in record.tool_results or ():
        if kept.name not in names:
            continue
        if kept.error is not None:
            yield Skipped(kept.name, "it failed once, which makes no stub")
            continue
        try:
            answer = Answered(names[kept.name], decode(kept.arguments), decode(kept.result))
            text = json.dumps(answer, sort_keys=True)
        except (ValueError, TypeError):
            yield Skipped(kept.name, "an answer with media or secrets in it makes no stub")
            continue
        if text not in seen:
            yield answer
        seen.add(text)


def _module(workspace: Workspace, path: Path) -> str:
    """The name by which Python imports a file of the workspace. Raises `UsageError`."""
    parts = path.relative_to(workspace.root).with_suffix("").parts if path.is_relative_to(workspace.root) else ("",)
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if not parts or not all(_MODULE.fullmatch(part) for part in parts):
        hint = f"put it into {workspace.root}, in folders and a file whose names are words"
        raise UsageError(f"Python cannot import {workspace.label(path)} from the workspace", hint=hint)
    return ".".join(parts)
