"""Tool specs by name, and the stubs that stand beside them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from plcli.documents import FORMATS, Document
from plcli.errors import Problem, SpecError
from plcli.fence import BadReference
from plcli.schemas import load_spec
from plcli.specs import StubsSpec, ToolSpec
from plcli.workspace import Workspace


class Tool(NamedTuple):
    """A tool spec, with its document and the file it stands in."""

    spec: ToolSpec
    document: Document
    path: Path


class Stubs(NamedTuple):
    """Stubs in a file of their own, with its document and path."""

    spec: StubsSpec
    document: Document
    path: Path


def load_tool(workspace: Workspace, name: str) -> Tool:
    """The tool of a name, its stubs file held against its format too.

    Raises `BadReference` where there is no such tool, `SpecError` where its files are wrong.
    """
    path = workspace.lookup("tool", name)
    if path is None:
        meant = workspace.suggestion("tool", name)
        folder = workspace.shown(workspace.folder("tool"))
        raise BadReference(
            f"there is no tool {name!r}", hint=f"did you mean {meant!r}?" if meant else f"add {folder}/{name}.yaml"
        )
    return read_tool(workspace, path)


def read_tool(workspace: Workspace, path: Path) -> Tool:
    """The tool in a file. Raises `SpecError` with the problems of the tool and of its stubs."""
    document = workspace.document(path)
    problems: list[Problem] = []
    spec = None
    try:
        spec = load_spec(document, ToolSpec)
        if spec.name != path.stem:
            problems.append(
                document.problem(
                    ("name",),
                    f"the tool is named {spec.name!r}, and its file {path.stem!r}",
                    f"write name: {path.stem}, or rename the file to {spec.name}{path.suffix}",
                )
            )
    except SpecError as error:
        problems.extend(error.problems)
    try:
        stubs = read_stubs(workspace, path)
        if stubs is not None and spec is not None and spec.stubs:
            problems.append(
                document.problem(
                    ("stubs",),
                    f"stubs stand here and in {workspace.label(stubs.path)}",
                    "keep them in one of the two",
                    of="key",
                )
            )
    except SpecError as error:
        problems.extend(error.problems)
    if problems or spec is None:
        raise SpecError(problems)
    return Tool(spec, document, path)


def read_stubs(workspace: Workspace, tool: Path) -> Stubs | None:
    """The stubs in `NAME.stubs.yaml` (or another format) beside a tool's file. Raises `SpecError`."""
    beside = [tool.with_name(f"{tool.stem}.stubs{suffix}") for suffix in FORMATS]
    found = [path for path in beside if path.is_file()]
    if not found:
        return None
    document = workspace.document(found[0])
    if len(found) > 1:
        raise SpecError(
            [document.problem((), f"the same stubs stand in {workspace.label(found[1])}", "remove one of the two")]
        )
    return Stubs(load_spec(document, StubsSpec), document, found[0])
