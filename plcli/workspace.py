"""The workspace: where specs, log and media are, which file a name stands for, and what a spec may read.

What the files say is the business of `schemas`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from plcli import git
from plcli.documents import FORMATS, Document, load, parse
from plcli.errors import Problem, SpecError, UsageError
from plcli.fence import TEXT_LIMIT, BadReference, Fence, Opened, walk
from plcli.places import Step
from plcli.schemas import load_spec
from plcli.specs import WorkspaceSpec
from plcli.spelling import did_you_mean

T = TypeVar("T")

FILE = "plcli.toml"
"""Name of the file that makes a folder a workspace."""

MEDIA = "media"
"""Name of the folder beside the log that holds its media."""

Kind = Literal["request", "tool", "model"]
"""The specs that have names."""

_NOT_NAMED = (".stubs", ".schema")
"""Endings of stems of files that stand beside specs and are none."""


@dataclass(frozen=True)
class Workspace:
    """A workspace as found. All paths are absolute and resolved.

    `start` is the folder from which paths in messages are shown; `file` is None where no `plcli.toml`
    was found; `allowed` are paths outside that the command line opened to specs.
    """

    root: Path
    start: Path
    log: Path
    spec: WorkspaceSpec = field(default_factory=WorkspaceSpec)
    file: Path | None = None
    allowed: tuple[Path, ...] = ()
    _named: dict[Kind, dict[str, tuple[Path, ...]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def today(self) -> Workspace:
        """The workspace as it stands now; another one only where this is an older state of it."""
        return self

    @property
    def handling(self) -> Workspace:
        """The workspace in which handlers of tools run."""
        return self

    @property
    def media(self) -> Path:
        """The folder of the log's media."""
        return self.log.parent / MEDIA

    @property
    def recordings(self) -> Path:
        """The folder of recordings that CI commits."""
        return self.root / self.spec.folders.recordings

    @cached_property
    def fence(self) -> Fence:
        """What specs may read."""
        return Fence(self.root, self.log, self.media, self.allowed)

    def folder(self, kind: Kind) -> Path:
        """Where specs of a kind are looked up by name."""
        folders = self.spec.folders
        return self.root / {"request": folders.prompts, "tool": folders.tools, "model": folders.models}[kind]

    def names(self, kind: Kind) -> Mapping[str, tuple[Path, ...]]:
        """The files of each name, both sorted. Raises `BadReference` when there are too many."""
        if kind not in self._named:
            found: dict[str, tuple[Path, ...]] = {}
            for path in self._below(kind):
                if path.suffix.lower() in FORMATS and not path.stem.endswith(_NOT_NAMED):
                    found[path.stem] = (*found.get(path.stem, ()), path)
            self._named[kind] = dict(sorted(found.items()))
        return self._named[kind]

    def lookup(self, kind: Kind, name: str) -> Path | None:
        """The file that a name stands for, or None.

        Raises `BadReference` where two files could be meant, or where a link leads out of the workspace.
        """
        paths = self.names(kind).get(name, ())
        if len(paths) > 1:
            paths = tuple(path for path in paths if self._may_be(kind, path))
        if len(paths) > 1:
            both = " and ".join(self.label(path) for path in paths[:2])
            raise BadReference(f"two files are named {name!r}: {both}", hint="rename one of them")
        if not paths:
            return None
        self.fence.place(paths[0].name, beside=paths[0])
        return paths[0]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for a key, made once: the many rows of a batch are of one state of the files."""
        if key not in self._made:
            self._made[key] = make()
        return cast(T, self._made[key])

    def suggestion(self, kind: Kind, name: str) -> str | None:
        """The name that was probably meant."""
        return did_you_mean(name, self.names(kind))

    def read(self, source: str, beside: Path, limit: int = TEXT_LIMIT) -> Opened:
        """The file that a path of the spec file `beside` leads to. Raises `BadReference`."""
        return self.fence.read(source, beside, limit)

    def document(self, path: Path) -> Document:
        """A spec file that the user or the workspace names. Raises `SpecError`.

        A link in the workspace that leads out of it is refused, because what a file holds shows in problems.
        """
        shown = self.label(path)
        if path.is_relative_to(self.root):
            try:
                self.fence.place(path.name, beside=path)
            except BadReference as error:
                raise SpecError([Problem(shown, error.message, hint=error.hint)]) from None
        if path.name == FILE and os.path.isfile(path) and not os.path.getsize(path):
            # An empty file is TOML, and says that everything is as usual.
            return parse("#", file=shown, format="toml")
        return load(path, shown=shown, kind=self._kind(path))

    def parsed(self, opened: Opened) -> Document:
        """A file that was read, parsed by its suffix; without a known one it is JSON or YAML. Raises `SpecError`."""
        known = FORMATS.get(opened.path.suffix.lower())
        json_like = opened.data.lstrip()[:1] in (b"{", b"[")
        return parse(opened.data, file=self.label(opened.path), format=known or ("json" if json_like else "yaml"))

    def inner(self, path: Path) -> Path | None:
        """The workspace below this one that a file belongs to, or None."""
        below = (folder for folder in path.parents if folder != self.root and folder.is_relative_to(self.root))
        return next((folder for folder in below if os.path.isfile(folder / FILE)), None)

    def commit(self, path: Path) -> git.Commit | None:
        """The commit that a file stands on, where that is known."""
        return git.commit(path)

    def shown(self, path: Path) -> str:
        """How records name a path: relative to the workspace, else absolute; with `/`."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def label(self, path: Path) -> str:
        """How messages name a path: relative to the current folder where both are in the workspace."""
        near = path.is_relative_to(self.start) or (
            path.is_relative_to(self.root) and self.start.is_relative_to(self.root)
        )
        return os.path.relpath(path, self.start) if near else str(path)

    def _below(self, kind: Kind) -> Iterable[Path]:
        """The files among which those of a kind are."""
        return walk(self.folder(kind))

    def _kind(self, path: Path) -> str:
        """What a spec in a file is, as far as its name and its folder tell."""
        if path.name == FILE:
            return "workspace"
        if path.stem.endswith(".stubs"):
            return "stubs"
        kinds: tuple[Kind, ...] = ("tool", "model")
        return next((kind for kind in kinds if path.is_relative_to(self.folder(kind))), "request")

    def _may_be(self, kind: Kind, path: Path) -> bool:
        """Whether a file could be of the kind: other files may share the name of a spec."""
        try:
            value = self.document(path).value
        except SpecError:
            return True
        return isinstance(value, dict) and value.get("kind") == kind


def here() -> Path:
    """The current folder. Raises `UsageError` where it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", hint="go to one that exists: cd ~") from None


def find(
    start: Path, override: Path | None = None, *, log: Path | None = None, allowed: tuple[Path, ...] = ()
) -> Workspace:
    """The workspace of a folder.

    It is `override` where given, else the nearest folder upwards that holds `plcli.toml`, else the root
    of the git repository, else `start` itself. `log` and `allowed` come from the user's side and may
    be anywhere; what `plcli.toml` names must be inside.

    Raises `UsageError` where `override` is no folder, `SpecError` where `plcli.toml` is wrong.
    """
    start = Path(os.path.realpath(start))
    if override is not None:
        root = Path(os.path.realpath(start / override))
        if not os.path.isdir(root):
            raise UsageError(f"the workspace {override} is no folder", hint="name a folder that exists: --workspace .")
    else:
        upwards = (start, *start.parents)
        root = next((folder for folder in upwards if os.path.isfile(folder / FILE)), None) or git.root(start) or start
    bare = Workspace(root, start, log=root / WorkspaceSpec().log, allowed=tuple(_resolved(start, allowed)))
    file = root / FILE
    found = os.path.isfile(file)
    spec = settings(bare, file) if found else bare.spec
    return Workspace(
        root=root,
        start=start,
        log=Path(os.path.abspath(start / log)) if log is not None else root / spec.log,
        spec=spec,
        file=file if found else None,
        allowed=bare.allowed,
    )


def _resolved(start: Path, paths: tuple[Path, ...]) -> list[Path]:
    return [Path(os.path.realpath(start / path)) for path in paths]


def settings(workspace: Workspace, file: Path) -> WorkspaceSpec:
    """What `plcli.toml` says. Its paths come with the repository, so they must stay in the workspace.

    Raises `SpecError`.
    """
    document = workspace.document(file)
    spec = load_spec(document, WorkspaceSpec)
    problems = []
    places: list[tuple[tuple[Step, ...], str]] = [(("log",), spec.log)]
    places += [(("folders", name), path) for name, path in spec.folders]
    for path, value in places:
        try:
            workspace.fence.inside(value, beside=file)
        except BadReference as error:
            problems.append(document.problem(path, error.message, error.hint))
    if problems:
        raise SpecError(problems)
    return spec
