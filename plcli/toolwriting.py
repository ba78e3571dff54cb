"""Tool files written for a person: where they go, what they say, and that nothing of a person is lost.

All is planned and held against the rules of tool specs before anything is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from plcli import disk, writing
from plcli.brevity import counted
from plcli.comments import comments, schema_of
from plcli.documents import FORMATS, Document, parse
from plcli.errors import Problem, SpecError, UsageError
from plcli.fence import BadReference
from plcli.media import Json
from plcli.scaffold import make_folder
from plcli.schemalines import line_for
from plcli.schemas import load_spec
from plcli.spec_rules import tool_problems
from plcli.specs import ToolSpec
from plcli.workspace import Workspace

ORDER = tuple(field.alias or name for name, field in ToolSpec.model_fields.items())
"""The keys of a tool file, as it is written."""

KEPT = ("returns", "env", "stubs")
"""What stays of a file that is written over, where the new tool does not say it; so does a handler."""

HANDLERS = ("command", "python", "mcp")


class ToolDraft(NamedTuple):
    """A tool to be written: the fields of its spec without kind and name, and what there is to tell of it.

    `called` is its name where it comes from.
    """

    name: str
    fields: dict[str, Json]
    changes: tuple[str, ...] = ()
    called: str | None = None


class Planned(NamedTuple):
    """A tool file as it will be; with problems it will not be written."""

    name: str
    path: Path
    text: str
    action: Literal["created", "replaced", "kept"]
    changes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether a problem keeps the file from being written."""
        return any(problem.severity == "error" for problem in self.problems)


def plan(workspace: Workspace, drafts: Sequence[ToolDraft], folder: Path | None) -> list[Planned]:
    """The files of tools, in a folder (default: that of the workspace's tools); nothing is written yet.

    Raises `UsageError` where a tool cannot have a file there.
    """
    return [_planned(workspace, draft, _path(workspace, draft.name, folder)) for draft in drafts]


def forbid_replacing(workspace: Workspace, planned: Sequence[Planned], hint: str) -> None:
    """Raise `UsageError` where a file is there that says something else."""
    there = [workspace.label(one.path) for one in planned if one.action == "replaced"]
    if there:
        names = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
        raise UsageError(f"there already, and different: {names}", hint=hint)


def write(planned: Sequence[Planned]) -> None:
    """Write the files that are new or different, each as a whole. Raises `UsageError`."""
    for one in planned:
        if one.wrong or one.action == "kept":
            continue
        make_folder(one.path.parent)
        try:
            (disk.replace if one.action == "replaced" else disk.create)(one.path, one.text.encode())
        except FileExistsError:
            raise UsageError(f"{one.path} is there already", hint="move it away") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"{one.path} cannot be written: {reason}", hint="name a folder: --out DIR") from None


def _path(workspace: Workspace, name: str, folder: Path | None) -> Path:
    """The file of a tool: the one that has its name, wherever it stands among the tools, else a new one."""
    home = workspace.folder("tool")
    if folder is None and not Path(os.path.realpath(home)).is_relative_to(workspace.root):
        raise UsageError(f"{home} leads out of the workspace", hint="name a folder: --out DIR")
    place = home if folder is None else Path(os.path.realpath(workspace.start / folder))
    if place.is_relative_to(home):
        try:
            found = workspace.lookup("tool", name)
        except BadReference as error:
            raise UsageError(error.message, hint=error.hint) from None
        if found is not None:
            return found
    there = (place / f"{name}{suffix}" for suffix in FORMATS)
    return next((path for path in there if os.path.lexists(path)), place / f"{name}.yaml")


def _planned(workspace: Workspace, draft: ToolDraft, path: Path) -> Planned:
    old = _document(workspace, path)
    value = {"kind": "tool", "name": draft.name, **draft.fields}
    if old is not None:
        value = {**_kept(old.value, value), **value}
    value = {key: value[key] for key in ORDER if key in value}
    if old is not None and old.value == value:
        return Planned(draft.name, path, old.text.decode("utf-8-sig"), "kept")
    changes = (*draft.changes, *(_lost(old, value) if old else ()))
    action: Literal["created", "replaced"] = "replaced" if os.path.lexists(path) else "created"
    try:
        # What comes from elsewhere may hold anything; read as a file it is bounded, and its places are known.
        label, format = workspace.label(path), FORMATS[path.suffix.lower()]
        source = parse(writing.write(value, "json"), file=label, format="json")
        text = line_for(workspace, path, "tool", old) + writing.rewrite(source, format).text
        document = parse(text, file=label, format=format)
        problems = tuple(tool_problems(document, load_spec(document, ToolSpec)))
    except SpecError as error:
        text, problems = "", tuple(error.problems)
    planned = Planned(draft.name, path, text, action, changes, problems)
    # In a file that will not be there no problem has a place.
    return planned._replace(problems=tuple(one.at(None, None) for one in problems)) if planned.wrong else planned


def _lost(old: Document, new: dict[str, Json]) -> Iterator[str]:
    """What a file said that the one in its place will not."""
    if gone := [key for key in old.value if key not in new]:
        yield f"no longer said: {', '.join(gone)}"
    if lost := [comment for comment in comments(old) if not schema_of(comment, old.format)]:
        yield f"{counted(len(lost), 'comment')} left out"


def _document(workspace: Workspace, path: Path) -> Document | None:
    """The file that is there, where it is a sound document."""
    if not os.path.lexists(path):
        return None
    try:
        return workspace.document(path)
    except SpecError:
        return None


def _kept(old: dict[str, Json], new: dict[str, Json]) -> dict[str, Json]:
    """What a person has added to a tool that comes from elsewhere."""
    handled = any(key in new for key in HANDLERS)
    return {key: old[key] for key in (*KEPT, *(() if handled else HANDLERS)) if key in old}
