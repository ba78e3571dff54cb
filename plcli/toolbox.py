"""Tool specs by name, and the stubs that stand beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from plcli.documents import FORMATS, Document
from plcli.errors import Problem, SpecError, UsageError
from plcli.fence import BadReference
from plcli.schemas import load_spec
from plcli.specs import StubsSpec, ToolSpec
from plcli.specs.tool import Stub
from plcli.workspace import Workspace


class Tool(NamedTuple):
    """A tool spec, with its document and the file it stands in, and its stubs wherever they stand."""

    spec: ToolSpec
    document: Document
    path: Path
    stubs: tuple[Stub, ...] = ()
    stubs_document: Document | None = None
    """The file of stubs beside it, where there is one."""
    stubs_path: Path | None = None

    @property
    def files(self) -> tuple[tuple[Path, Document], ...]:
        """The file of the tool, and that of its stubs."""
        beside = (self.stubs_path, self.stubs_document) if self.stubs_path and self.stubs_document else None
        return ((self.path, self.document), *([beside] if beside else []))

    @property
    def handled(self) -> bool:
        """Whether it has a handler."""
        return self.spec.command is not None or self.spec.python is not None or self.spec.mcp is not None


def load_tool(workspace: Workspace, name: str) -> Tool:
    """The tool of a name, its stubs file held against its format too.

    Raises `BadReference` where there is no such tool, `SpecError` where its files are wrong.
    """
    return read_tool(workspace, tool_file(workspace, name))


def named_tool(workspace: Workspace, text: str) -> Tool:
    """The tool that the command line means, by its name or its file. Raises `UsageError` and `SpecError`."""
    return read_tool(workspace, named_file(workspace, text))


def named_file(workspace: Workspace, text: str) -> Path:
    """The file of the tool that the command line means, by its name or its file. Raises `UsageError`."""
    if Path(text).suffix.lower() in FORMATS:
        return Path(os.path.realpath(workspace.start / text))
    try:
        return tool_file(workspace, text)
    except BadReference as error:
        raise UsageError(error.message, hint=error.hint) from None


def tool_file(workspace: Workspace, name: str) -> Path:
    """The file of the tool of a name. Raises `BadReference` where there is none."""
    path = workspace.lookup("tool", name)
    if path is None:
        meant = workspace.suggestion("tool", name)
        folder = workspace.shown(workspace.folder("tool"))
        add = f"add {folder}/{name}.yaml; a tool of the provider is written {{type: {name}}}"
        raise BadReference(f"there is no tool {name!r}", hint=f"did you mean {meant!r}?" if meant else add)
    return path


def read_tool(workspace: Workspace, path: Path) -> Tool:
    """The tool in a file. Raises `SpecError` with the problems of the tool and of its stubs."""
    document = workspace.document(path)
    problems: list[Problem] = []
    beside = stubs_file(path)
    written: Document | None = None
    stubs: tuple[Stub, ...] = ()
    if beside is not None:
        try:
            written = workspace.document(beside)
            stubs = load_spec(written, StubsSpec).stubs
        except SpecError as error:
            problems.extend(error.problems)
    try:
        spec = load_spec(document, ToolSpec)
    except SpecError as error:
        raise SpecError([*error.problems, *problems]) from None
    problems += placing_problems(workspace, document, spec, path)
    if problems:
        raise SpecError(problems)
    return Tool(spec, document, path, stubs or spec.stubs, written, beside)


def stubs_file(tool: Path) -> Path | None:
    """The file `NAME.stubs.yaml` (or of another format) beside a tool's file."""
    beside = (tool.with_name(f"{tool.stem}.stubs{suffix}") for suffix in FORMATS)
    return next((path for path in beside if os.path.isfile(path)), None)


def placing_problems(workspace: Workspace, document: Document, spec: ToolSpec, path: Path) -> list[Problem]:
    """Whether a tool stands in the file of its name, and its stubs in one place."""
    found = []
    if spec.name != path.stem:
        message = f"the tool is named {spec.name!r}, and its file {path.stem!r}"
        hint = f"write name: {path.stem}, or rename the file to {spec.name}{path.suffix}"
        found.append(document.problem(("name",), message, hint))
    beside = stubs_file(path)
    if beside is not None and spec.stubs:
        message = f"stubs stand here and in {workspace.label(beside)}"
        found.append(document.problem(("stubs",), message, "keep them in one of the two", of="key"))
    return found


def lonely_stubs(document: Document, path: Path | None) -> list[Problem]:
    """Whether a tool stands beside a file of stubs; without it nothing reads them."""
    if path is None:
        return []
    name = path.stem.removesuffix(".stubs")
    if any(os.path.isfile(path.with_name(f"{name}{suffix}")) for suffix in FORMATS):
        return []
    hint = f"name the file after the tool that they answer for, or write {name}.yaml beside it"
    return [document.problem((), f"there is no tool {name!r} beside these stubs", hint, severity="warning")]
