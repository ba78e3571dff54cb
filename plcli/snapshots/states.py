"""Workspaces of then: an older state of a workspace, its files laid out in a folder of their own.

What they refer to is read as it was; messages and records name them by the places where they stood.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from plcli.documents import FORMATS, Document
from plcli.fence import TEXT_LIMIT, BadReference, Opened, is_path
from plcli.git import Commit
from plcli.snapshots.committed import CommittedFiles
from plcli.snapshots.mirror import Mirror
from plcli.workspace import Kind, Workspace


@dataclass(frozen=True, kw_only=True)
class Past(Workspace, ABC):
    """An older state of the workspace `now`."""

    now: Workspace
    mirror: Mirror

    @property
    def today(self) -> Workspace:
        """The workspace as it stands now."""
        return self.now

    def document(self, path: Path) -> Document:
        """A spec file of then; one that does not lie here is of today. Raises `SpecError`."""
        return self.now.document(path) if self.mirror.then(path) is None else super().document(path)

    def read(self, source: str, beside: Path, limit: int = TEXT_LIMIT) -> Opened:
        """The file that a path of the spec file `beside` leads to. Raises `BadReference`."""
        then = self.mirror.then(beside)
        if then is None:
            return self.now.read(source, beside, limit)
        return self._read(self._here(source), beside, limit, source, then)

    def shown(self, path: Path) -> str:
        """How records name a path: as where it stood."""
        return self.now.shown(self.mirror.then(path) or path)

    def label(self, path: Path) -> str:
        """How messages name a path: as where it stood."""
        return self.now.label(self.mirror.then(path) or path)

    @abstractmethod
    def _read(self, here: str, beside: Path, limit: int, source: str, then: Path) -> Opened:
        """Read `here`; in the spec it is `source`, and that stood at `then`."""

    @abstractmethod
    def _holds(self, here: Path) -> bool:
        """Whether there is a file of then at a place here."""

    def _here(self, source: str) -> str:
        """A path that a spec holds; one from the root of the file system leads to what lies here of it."""
        if not os.path.isabs(source):
            return source
        try:
            here = self.mirror.place(Path(os.path.normpath(source)))
        except ValueError:
            return source
        return str(here) if here.is_relative_to(self.root) or self._holds(here) else source


@dataclass(frozen=True, kw_only=True)
class LoggedState(Past):
    """The files that a logged run was made of, over those of today: what it did not name then is of today."""

    laid: tuple[Path, ...] = ()
    of: Commit | None = None

    @property
    def handling(self) -> Workspace:
        """Handlers run where their programs are: a log keeps none."""
        return self.now

    def commit(self, path: Path) -> Commit | None:
        """The commit that the log names."""
        return self.of

    def lookup(self, kind: Kind, name: str) -> Path | None:
        """The file that a name stands for. Raises `BadReference`."""
        return super().lookup(kind, name) or self.now.lookup(kind, name)

    def _below(self, kind: Kind) -> Iterable[Path]:
        named = (path for path in self.laid if path.suffix.lower() in FORMATS and path.is_relative_to(self.root))
        return [path for path in named if self._may_be(kind, path)]

    def _holds(self, here: Path) -> bool:
        return os.path.lexists(here)

    def _read(self, here: str, beside: Path, limit: int, source: str, then: Path) -> Opened:
        if is_path(here) and os.path.lexists(beside.parent / here):
            return Workspace.read(self, here, beside, limit)
        return self.now.read(source, then, limit)


@dataclass(frozen=True, kw_only=True)
class CommittedState(Past):
    """The workspace as git has it at a revision; its files are laid out when they are asked for."""

    rev: str
    of: Commit
    files: CommittedFiles = field(repr=False, compare=False)

    def commit(self, path: Path) -> Commit | None:
        """The commit of the revision."""
        return self.of

    def lookup(self, kind: Kind, name: str) -> Path | None:
        """The file that a name stands for; a model may be of today. Raises `BadReference`."""
        found = super().lookup(kind, name)
        return self.now.lookup(kind, name) if found is None and kind == "model" else found

    def document(self, path: Path) -> Document:
        """A spec file of then, or one of today. Raises `SpecError`."""
        self.files.bring(Path(os.path.realpath(path)))
        return super().document(path)

    def label(self, path: Path) -> str:
        """How messages name a path: as where it stood, and when."""
        return super().label(path) + (f"@{self.rev}" if self.mirror.then(path) is not None else "")

    def specs(self) -> Iterator[Path]:
        """Where all files stood that may be specs."""
        found = (path for path in self.files.below(self.root) if path.suffix.lower() in FORMATS)
        return filter(None, map(self.mirror.then, found))

    def readable(self) -> Iterator[Path]:
        """All its files that may be read, but not the recordings."""
        for path in self.files.below(self.root):
            with suppress(BadReference):
                if not path.is_relative_to(self.recordings):
                    yield self.fence.place(path.name, beside=path)

    def _holds(self, here: Path) -> bool:
        return self.files.has(here)

    def _below(self, kind: Kind) -> Iterable[Path]:
        folder = self.folder(kind)
        return (path for path in self.files.below(folder) if _named(path, folder))

    def _read(self, here: str, beside: Path, limit: int, source: str, then: Path) -> Opened:
        self.files.bring(self.fence.place(here, beside))
        return Workspace.read(self, here, beside, limit)


def _named(path: Path, folder: Path) -> bool:
    """Whether a file may have a name: as `fence.walk` has it."""
    above = path.relative_to(folder).parts[:-1]
    return not any(step.startswith(".") or step == "node_modules" for step in above)
