"""Which tools a workspace has, and which requests use them: tool files, tools written in requests, built-in ones.

A file that is wrong is told and hides no other. Nothing is sent, and nothing is run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from plcli.documents import Document
from plcli.errors import Problem, SpecError
from plcli.fence import BadReference
from plcli.schemas import load_spec
from plcli.specs import InlineTool, RequestSpec
from plcli.specs.request import BuiltinTool
from plcli.toolbox import Tool, load_tool, read_tool
from plcli.workspace import Kind, Workspace

Origin = Literal["file", "inline", "built-in", "missing", "broken"]
"""Where a tool is written: in a file of its own, in a request, by the provider, nowhere, or in a file that is wrong."""


class Use(NamedTuple):
    """A place in a request that names a tool; `line` and `column` count from 1 and are None in TOML."""

    file: str
    line: int | None
    column: int | None

    @property
    def where(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join(str(part) for part in self if part is not None)


class UsedTool(NamedTuple):
    """A tool of a workspace with every place that uses it; `inline` is one that stands in a request."""

    name: str
    origin: Origin
    file: str | None = None
    tool: Tool | None = None
    inline: InlineTool | None = None
    uses: tuple[Use, ...] = ()


class Survey(NamedTuple):
    """The tools of a workspace, those with files first, in order of their names; and what is wrong with specs."""

    tools: tuple[UsedTool, ...]
    problems: tuple[Problem, ...]

    def uses(self, name: str) -> tuple[Use, ...]:
        """Every place that names the tool of a file."""
        return next((used.uses for used in self.tools if used.name == name and used.origin in ("file", "broken")), ())


def survey(workspace: Workspace) -> Survey:
    """Read every tool file and every request of a workspace."""
    surveying = _Surveying(workspace)
    for path in surveying.files("tool"):
        surveying.tell(surveying.read_tool, path)
    for path in surveying.files("request"):
        surveying.tell(surveying.read_request, path)
    tools = [used._replace(uses=tuple(surveying.uses.get(key, ()))) for key, used in surveying.tools.items()]
    ranks = {"file": 0, "broken": 0, "missing": 1, "inline": 2, "built-in": 3}
    tools.sort(key=lambda used: (ranks[used.origin], used.name))
    return Survey(tuple(tools), tuple(dict.fromkeys(surveying.problems)))


class _Surveying:
    """A workspace as it is read."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.tools: dict[tuple[str, ...], UsedTool] = {}
        """Tools by what tells them apart: name, and where several requests write one of a name, its place."""
        self.uses: dict[tuple[str, ...], list[Use]] = {}
        self.problems: list[Problem] = []

    def files(self, kind: Kind) -> list[Path]:
        """The files of a kind, in order."""
        try:
            return [path for paths in self.workspace.names(kind).values() for path in paths]
        except BadReference as error:
            folder = self.workspace.label(self.workspace.folder(kind))
            self.problems.append(Problem(folder, error.message, hint=error.hint))
            return []

    def tell(self, read: Callable[[Path], None], path: Path) -> None:
        """Read a file; what is wrong with it is told."""
        try:
            read(path)
        except SpecError as error:
            self.problems += error.problems

    def read_tool(self, path: Path) -> None:
        """A tool file; one that is wrong is there all the same."""
        name, label = path.stem, self.workspace.label(path)
        self.tools["file", name] = UsedTool(name, "broken", label)
        try:
            self.workspace.lookup("tool", name)
        except BadReference as error:
            self.problems.append(Problem(label, error.message, hint=error.hint))
        else:
            self.tools["file", name] = UsedTool(name, "file", label, read_tool(self.workspace, path))

    def read_request(self, path: Path) -> None:
        """The tools that a request names or holds."""
        document = self.workspace.document(path)
        if document.value.get("kind") != "request":
            return
        for n, item in enumerate(load_spec(document, RequestSpec).tools):
            use = Use(document.file, *document.position(("tools", n)))
            if isinstance(item, BuiltinTool):
                self._add(("built-in", item.type), UsedTool(item.type, "built-in"), use)
            elif isinstance(item, InlineTool):
                self._add(("inline", item.name, use.where), UsedTool(item.name, "inline", use.where, inline=item), use)
            else:
                self._name(item, document, n, use)

    def _name(self, name: str, document: Document, n: int, use: Use) -> None:
        if ("file", name) not in self.tools:
            try:
                load_tool(self.workspace, name)
            except BadReference as error:
                self.problems.append(document.problem(("tools", n), error.message, error.hint))
        self._add(("file", name), UsedTool(name, "missing"), use)

    def _add(self, key: tuple[str, ...], used: UsedTool, use: Use) -> None:
        self.tools.setdefault(key, used)
        self.uses.setdefault(key, []).append(use)
