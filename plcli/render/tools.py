"""Tools on the screen: lists of them, everything about one, and what became of tool files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from plcli.brevity import counted, cut
from plcli.declarations import Skipped
from plcli.render.problems import problem_fields
from plcli.render.screen import Screen
from plcli.render.table import show_table
from plcli.toolwriting import Planned
from plcli.yamltext import written

_LISTED = ("tool", "kind", "handler", "stubs", "strict", "requests", "file", "description")

LONGEST = 200
"""Characters of a line that shows one stub, or names what was skipped."""


class Imported(NamedTuple):
    """Tool files, each with how messages name it; how many stubs each tool got, and what is no tool file."""

    rows: Sequence[tuple[Planned, str]]
    stubs: Mapping[str, int] = MappingProxyType({})
    skipped: Sequence[Skipped] = ()


def show_tools(tools: Sequence[Mapping[str, Any]], screen: Screen) -> None:
    """What `toolfacts.brief` says of tools: a table, or JSON."""
    if screen.shape == "jsonl":
        for tool in tools:
            screen.print(json.dumps(tool))
    elif screen.machine:
        screen.print(json.dumps(list(tools), indent=2))
    else:
        show_table(_LISTED, map(_listed, tools), screen)


def show_tool(facts: Mapping[str, Any], screen: Screen) -> None:
    """What `toolfacts.facts` says of one tool: lines for each fact, or JSON."""
    if screen.machine:
        screen.print(json.dumps(facts, indent=2 if screen.shape == "json" else None))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        for n, line in enumerate(_lines(name, value)):
            screen.print((("" if n else name).ljust(width), "dim"), f"  {line}")


def show_written(imported: Imported, screen: Screen) -> None:
    """What became of tool files: a line for each, and what was changed and skipped; or JSON."""
    if screen.machine:
        tools = [_written_fields(one, label, imported.stubs.get(one.name, 0)) for one, label in imported.rows]
        told = {"tools": tools, "skipped": [one._asdict() for one in imported.skipped]}
        screen.print(json.dumps(told, indent=2 if screen.shape == "json" else None))
        return
    for one, label in imported.rows:
        action = "left out" if one.wrong else one.action
        screen.print(f"{action:<8}  {_one_line(label)}{_count(imported.stubs.get(one.name, 0))}")
    _tell_changes(imported, screen)


def show_drafts(imported: Imported, screen: Screen) -> None:
    """The text of the files that would be written, each under its name as a comment; or JSON, as of those written."""
    if screen.machine:
        show_written(imported, screen)
        return
    for one, label in imported.rows:
        if not one.wrong:
            screen.print((f"# {_one_line(label)}{_count(imported.stubs.get(one.name, 0))}", "dim"))
            screen.print(one.text.rstrip("\n"))
    _tell_changes(imported, screen)


def _tell_changes(imported: Imported, screen: Screen) -> None:
    for one, label in imported.rows:
        for change in one.changes:
            screen.say(f"{_one_line(label)}: {_one_line(change)}")
    for skip in imported.skipped:
        screen.warn(f"{_one_line(skip.what)}: {_one_line(skip.reason)}")


def _listed(tool: Mapping[str, Any]) -> tuple[str, ...]:
    own = tool["origin"] == "file"
    return (
        tool["name"],
        tool["kind"] if own else tool["origin"],
        tool.get("handler", ""),
        str(tool["stubs"]) if tool.get("stubs") else "",
        {True: "yes", False: "no", None: ""}[tool.get("strict")],
        str(len(tool["requests"])),
        tool.get("file") or _first(tool["requests"]),
        tool.get("description", ""),
    )


def _first(uses: Sequence[str]) -> str:
    return uses[0] + (f" and {len(uses) - 1} more" if len(uses) > 1 else "") if uses else ""


def _lines(name: str, value: Any) -> Iterator[str]:
    """A fact in words, line by line."""
    match name, value:
        case "parameters" | "format" | "returns" | "handler", dict():
            yield from written(value).rstrip("\n").splitlines()
        case "env", list():
            for variable in value:
                yield f"{variable['name']}{'' if variable['set'] else ' (not set)'}"
        case "stubs", dict():
            yield f"{value['count']} in {value['file']}"
            for stub in value["first"]:
                yield f"- {_one_line(json.dumps(stub, ensure_ascii=False))}"
            if value["count"] > len(value["first"]):
                yield f"and {value['count'] - len(value['first'])} more"
        case "permission", dict():
            yield "your side lets it run" if value["allowed"] else "runs with --tools run only"
            for named in value["digests"]:
                yield f"{named['digest']}  {named['file']}{'' if named['allowed'] else ' (not allowed)'}"
            if "hint" in value:
                yield f"hint: {value['hint']}"
        case _, list():
            yield from map(str, value or ["none"])
        case _, bool():
            yield "yes" if value else "no"
        case _:
            yield from str(value).splitlines() or [""]


def _written_fields(one: Planned, label: str, stubs: int) -> dict[str, Any]:
    fields = {
        "name": one.name,
        "file": label,
        "action": "left out" if one.wrong else one.action,
        "stubs": stubs,
        "changes": list(one.changes),
        "problems": [problem_fields(problem) for problem in one.problems],
    }
    return {key: value for key, value in fields.items() if value}


def _count(stubs: int) -> str:
    return f" ({counted(stubs, 'stub')})" if stubs else ""


def _one_line(text: str) -> str:
    return cut(" ".join(text.split()), LONGEST)
