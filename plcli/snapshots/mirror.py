"""Mirrors: temporary folders in which files are laid out at the paths where they stood elsewhere."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Hashable
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple, TypeVar, cast

from plcli.errors import SetupError

T = TypeVar("T")

KEPT = 64
"""What was laid out and is kept for those to come, whether anybody uses it still or not."""


class Mirror(NamedTuple):
    """A folder that stands for the root of the file system. It is absolute and resolved; nothing leads out of it."""

    folder: Path

    def place(self, then: Path) -> Path:
        """Where the file of an absolute path lies. Raises `ValueError` for a path that leads upwards."""
        steps = then.parts[1:]
        if ".." in steps or any("\0" in step for step in steps):
            raise ValueError("it is no path of a file")
        return self.folder.joinpath(*steps)

    def then(self, path: Path) -> Path | None:
        """Where a file stood that lies here; None for one that does not."""
        return Path(path.anchor, path.relative_to(self.folder)) if path.is_relative_to(self.folder) else None

    def write(self, then: Path, data: bytes) -> None:
        """Lay out a file where nothing lies yet. Raises `OSError` and `ValueError`."""
        with open(self._free(then), "xb") as file:
            file.write(data)

    def link(self, then: Path, target: str) -> None:
        """Lay out a symbolic link. Raises `OSError` and `ValueError`."""
        os.symlink(target, self._free(then))

    def _free(self, then: Path) -> Path:
        """The place of a file; the folders above it are there then, and no link is among them."""
        place = self.place(then)
        if any(step.lower() == ".git" for step in place.relative_to(self.folder).parts):
            raise ValueError("git would take it for its own")
        # Before any folder is made: a link above it could lead out of here.
        if os.path.realpath(place.parent) != str(place.parent):
            raise ValueError("a link stands in its path")
        os.makedirs(place.parent, exist_ok=True)
        return place


class Mirrors:
    """What is laid out in mirrors, each once. Close it at the end: they all go then.

    The mirror of what nobody uses any more goes with it, unless it is among the newest.
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
        self._newest: dict[Hashable, Any] = {}
        self._lock = RLock()

    def once(self, key: Hashable, make: Callable[[Mirror], T]) -> T:
        """What `make` lays out for a key, made once. Raises `SetupError` where there is no room for it."""
        with self._lock:
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = self._laid_out(make)
            self._newest.pop(key, None)
            self._newest[key] = made
            if len(self._newest) > KEPT:
                del self._newest[next(iter(self._newest))]
            return cast(T, made)

    def close(self) -> None:
        """Remove all folders."""
        self._newest.clear()
        if self._folder is not None:
            self._folder.cleanup()

    def _laid_out(self, make: Callable[[Mirror], T]) -> T:
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="plcli-", ignore_cleanup_errors=True)
            folder = Path(os.path.realpath(tempfile.mkdtemp(dir=self._folder.name)))
            try:
                made = make(Mirror(folder))
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SetupError(
                f"temporary files cannot be written: {reason}", hint="TMPDIR=DIR names their place"
            ) from None
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True).atexit = False
        return made
