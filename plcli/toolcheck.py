"""Whether tools are fit to use: what each api makes of them, and their strict versions.

Nothing is sent. What is wrong with a tool whatever the api is the business of `validate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from plcli.documents import parse
from plcli.errors import Problem, SpecError
from plcli.inplace import amend
from plcli.providers.registry import PROVIDERS
from plcli.request import Loss
from plcli.schemas import load_spec
from plcli.specs import ToolSpec
from plcli.strictness.keywords import OTHER, RULES, Note
from plcli.strictness.strictly import Change, Strict, strictly
from plcli.toolbox import Tool, read_tool
from plcli.toolfacts import compiled, takes_tools
from plcli.validate import problems_of
from plcli.workspace import Workspace

MOST = 100
"""Notes on one tool that are worth a reader's time."""

_FIRST = ("kind", "name", "description", "parameters", "strict")
_BY_HAND = "change it by hand, or leave out strict: true"


class Fitness(NamedTuple):
    """What an api makes of a tool. Paths begin at the tool.

    `strict` says whether its calls can be held to its parameters, None where there are none to hold to: of a
    free-form tool. `obstacles` are what is in the way; `ignored` is read past; for what is `refused` the api
    refuses every request with the tool; `losses` are what stands for a field that the api has not.
    """

    strict: bool | None
    obstacles: tuple[Note, ...]
    ignored: tuple[Note, ...]
    refused: tuple[Note, ...]
    losses: tuple[Loss, ...]


class CheckedTool(NamedTuple):
    """A tool, what each api makes of it, and what of this is a finding (errors) or worth knowing (warnings)."""

    tool: Tool
    apis: Mapping[str, Fitness]
    problems: tuple[Problem, ...]

    @property
    def obstacles(self) -> tuple[Problem, ...]:
        """What is in the way of strict mode, worth knowing of a tool that does not ask for it."""
        problem = self.tool.document.problem
        notes = _in_the_way(self.apis)
        return _in_order(problem(note.path, f"not strict: {note.message}", severity="warning") for note in notes)


class FixedTool(NamedTuple):
    """The strict version of a tool's file.

    `text` is None where nothing is to be written: the tool qualifies, or wants no strict mode, or it has parts with
    no strict form, which `left` names. `lost` are the comments that do not stay; `warnings` are of what only the
    strict version has.
    """

    tool: Tool
    text: str | None = None
    changes: tuple[Change, ...] = ()
    lost: tuple[str, ...] = ()
    left: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def sound_tool(workspace: Workspace, path: Path) -> Tool:
    """The tool in a file that validation has nothing against. Raises `SpecError` with every error."""
    document = workspace.document(path)
    errors = [one for one in problems_of(workspace, document, path) if one.severity == "error"]
    if errors:
        raise SpecError(errors)
    return read_tool(workspace, path)


def check_tool(tool: Tool) -> CheckedTool:
    """What every api that takes tools makes of one that is sound."""
    able = (api for of in PROVIDERS.values() if not of.local for api in of.apis if takes_tools(of, api))
    apis = {api: _fitness(tool, api) for api in able}
    return CheckedTool(tool, apis, _in_order(_problems(tool, apis)))


def fix_tool(workspace: Workspace, tool: Tool) -> FixedTool:
    """The strict version of a tool that is sound. A tool that says `strict: false` stays as it is.

    Raises `SpecError` for what the format of the file cannot hold.
    """
    spec, document = tool.spec, tool.document
    made = Strict(spec.parameters) if spec.format is not None or spec.strict is False else strictly(spec.parameters)
    if made.left:
        return FixedTool(tool, left=_in_order(_at(tool, note) for note in made.left[:MOST]))
    if not made.changes:
        return FixedTool(tool)
    fields = {**document.value, "parameters": made.schema, "strict": True}
    value = {key: fields[key] for key in (*_FIRST, *fields) if key in fields}
    written = amend(document, value)
    # What is written must be right before it is written.
    new = parse(written.text, file=document.file, format=document.format)
    errors = [one for one in problems_of(workspace, new, tool.path) if one.severity == "error"]
    if errors:
        raise SpecError(errors)
    strict = check_tool(tool._replace(document=new, spec=load_spec(new, ToolSpec)))
    known = {(problem.message, problem.path) for problem in check_tool(tool).problems}
    added = tuple(problem for problem in strict.problems if (problem.message, problem.path) not in known)
    return FixedTool(tool, written.text, made.changes, written.lost, warnings=added)


def _fitness(tool: Tool, api: str) -> Fitness:
    rules, losses = RULES.get(api, OTHER), compiled(tool, api).losses
    schema, form = tool.spec.parameters, tool.spec.format
    if form is not None:
        wrong = rules.grammar(form.definition or "") if not losses else []
        return Fitness(None, (), (), tuple(Note(("format", "definition"), message) for message in wrong), losses)
    obstacles = rules.obstacles(schema)
    refused = rules.refused(schema) + (rules.refused_strictly(schema) if tool.spec.strict else ())
    return Fitness(not obstacles, _below(obstacles), _below(rules.ignored(schema)), _below(refused), losses)


def _below(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return tuple(note._replace(path=("parameters", *note.path)) for note in notes)


def _problems(tool: Tool, apis: Mapping[str, Fitness]) -> Iterator[Problem]:
    document, strict = tool.document, bool(tool.spec.strict)
    if not tool.spec.description:
        hint = "say in description what it does and when to call it"
        yield document.problem(("name",), "the model is not told what the tool does", hint, severity="warning")
    in_the_way = _in_the_way(apis) if strict else []
    fixable = in_the_way and not strictly(tool.spec.parameters).left
    hint = f"plcli tools check {tool.spec.name} --fix" if fixable else _BY_HAND
    for note in in_the_way:
        yield document.problem(note.path, f"keeps the tool from strict mode: {note.message}", hint)
    places = {note.path for fitness in apis.values() for note in fitness.obstacles if strict}
    refusing: dict[Note, list[str]] = {}
    for api, fitness in apis.items():
        for note in fitness.refused:
            if note.path not in places:
                refusing.setdefault(note, []).append(api)
    for note, names in islice(refusing.items(), MOST):
        message = f"requests with it are refused by {' and '.join(names)}: {note.message}"
        yield document.problem(note.path, message, severity="warning")


def _in_the_way(apis: Mapping[str, Fitness]) -> list[Note]:
    """What is in the way of strict mode on any api, as far as it is worth reading."""
    notes = list(dict.fromkeys(note for fitness in apis.values() for note in fitness.obstacles))
    more = [Note(("parameters",), f"{len(notes) - MOST} more, which are not shown")] if len(notes) > MOST else []
    return notes[:MOST] + more


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def _at(tool: Tool, note: Note) -> Problem:
    hint = _BY_HAND if tool.spec.strict else "change it by hand"
    return tool.document.problem(("parameters", *note.path), note.message, hint)
