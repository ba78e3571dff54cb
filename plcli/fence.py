"""The fence around the files that a spec may read: the workspace, less what holds secrets or history.

Specs come with a repository, and whoever opens a pull request can write them; so every path in a spec
is read through here, is opened once, and is checked as opened.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from plcli.brevity import cut
from plcli.errors import Exit, PlcliError
from plcli.spelling import did_you_mean

LONGEST_SHOWN = 80
"""Characters of a source that messages show."""

TEXT_LIMIT = 8 * 1024 * 1024
"""Bytes of the longest text file that a spec may name."""

MEDIA_LIMIT = 64 * 1024 * 1024
"""Bytes of the longest picture, document or sound that a spec may name."""

WALK_DEPTH = 16
"""Folders below the start that a walk goes into."""

WALK_ENTRIES = 20_000
"""Names that a walk looks at before it gives up."""

_LOG_LINE = re.compile(rb'\s*\{"v":[0-9]+,"id":"[0-9]{8}T[0-9]{9}-')
_SCHEME = re.compile(r"data:|[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.ELOOP: "is a loop of symbolic links",
    errno.EACCES: "may not be read",
    errno.EPERM: "may not be read",
    errno.EISDIR: "is a folder",
    errno.ENXIO: "is no regular file",
    errno.ENAMETOOLONG: "is no path: too long",
}


class BadReference(PlcliError):
    """A path or a name in a file leads nowhere, or where it must not.

    Whoever knows the place in the file makes a problem of it.
    """

    exit = Exit.FILE
    kind = "file"


class Opened(NamedTuple):
    """A file that was read: its place, symbolic links resolved, and its bytes."""

    path: Path
    data: bytes

    @property
    def text(self) -> str:
        """The bytes as UTF-8, a byte order mark dropped. Raises `BadReference`."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadReference(
                f"{self.path.name} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8"
            ) from None


def is_path(source: str) -> bool:
    """Whether a `source` of a spec is a path, and no URL (`https://…`, `data:…`)."""
    return _SCHEME.match(source) is None


def read_regular(path: Path, shown: str, limit: int = TEXT_LIMIT) -> bytes:
    """The bytes of a regular file, for a path that is already resolved; `shown` names it in messages.

    Raises `BadReference` for what is absent, unreadable, a folder, a pipe, a device, or too large.
    """
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(limit + 1) if regular else b""
    except (OSError, ValueError) as error:
        raise BadReference(f"{shown} {_reason(error)}") from None
    if not regular:
        raise BadReference(f"{shown} is no regular file")
    if len(data) > limit:
        raise BadReference(f"{shown} is larger than {limit // 1024 // 1024} MB")
    return data


def walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, sorted; not below dot-folders, `node_modules` and linked folders.

    Raises `BadReference` when there are too many.
    """
    left = WALK_ENTRIES
    folders = [(folder, 0)]
    while folders:
        here, depth = folders.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            continue
        left -= len(entries)
        if left < 0:
            raise BadReference(f"more than {WALK_ENTRIES:,} files below {folder.name}", hint="name the files")
        below = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < WALK_DEPTH and not entry.name.startswith(".") and entry.name != "node_modules":
                    below.append((here / entry.name, depth + 1))
            elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and os.path.isfile(entry)):
                yield here / entry.name
        folders.extend(reversed(below))


class Fence(NamedTuple):
    """Which files specs may read: those below `root` or `allowed`, except secrets and the log.

    All paths are absolute and resolved. `log` is the run log: it, what is named after it (its lock,
    what was rotated) and the folder `media` are never readable.
    """

    root: Path
    log: Path
    media: Path
    allowed: tuple[Path, ...] = ()

    def inside(self, source: str, beside: Path) -> Path:
        """Where a path of the file `beside` leads, symbolic links resolved; the log may be there.

        Raises `BadReference` for what lies outside or may hold secrets.
        """
        shown = cut(source, LONGEST_SHOWN)
        if not is_path(source):
            raise BadReference(f"{shown} is a URL, and a path is wanted here")
        try:
            path = Path(os.path.realpath(beside.parent / source))
        except (OSError, ValueError) as error:
            raise BadReference(f"{shown} {_reason(error)}") from None
        gate = next((gate for gate in (self.root, *self.allowed) if path.is_relative_to(gate)), None)
        if gate is None:
            raise BadReference(
                f"{shown} leads out of the workspace",
                hint=f"move the file into the workspace, or allow it: --allow-path {path}",
            )
        below = path.relative_to(gate).parts
        for part in below if gate == self.root else (gate.name, *below):
            if part.lower() == ".git" or part.lower().startswith(".env"):
                raise BadReference(f"{shown} is not readable by a spec: {part} may hold secrets")
        return path

    def place(self, source: str, beside: Path) -> Path:
        """Where a path of the file `beside` leads, as `inside`, and not to the log. Raises `BadReference`."""
        path = self.inside(source, beside)
        named_as_log = path.name.lower().lstrip(".").startswith(self.log.name.lower())
        if named_as_log and _same(path.parent, self.log.parent):
            raise BadReference(f"{cut(source, LONGEST_SHOWN)} is not readable by a spec: it is the run log")
        # Looking at each folder of a path takes longer than all the rest, and hardly one has the name.
        named = self.media.name.lower() in map(str.lower, path.parts)
        if named and any(_same(parent, self.media) for parent in path.parents):
            raise BadReference(f"{cut(source, LONGEST_SHOWN)} is not readable by a spec: it belongs to the run log")
        return path

    def read(self, source: str, beside: Path, limit: int = TEXT_LIMIT) -> Opened:
        """The file that a path of the file `beside` leads to. Raises `BadReference`."""
        path = self.place(source, beside)
        try:
            opened = Opened(path, read_regular(path, cut(source, LONGEST_SHOWN), limit))
        except BadReference as error:
            if not os.path.lexists(path) and (meant := did_you_mean(path.name, _names(path.parent))):
                error.hint = f"did you mean {meant}?"
            raise
        # `plcli.toml` may name another log than the one that the runs of this machine are in.
        if _LOG_LINE.match(opened.data):
            raise BadReference(f"{cut(source, LONGEST_SHOWN)} is not readable by a spec: it is a run log")
        return opened


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one folder, also where the file system does not tell upper from lower case."""
    if one == other:
        return True
    try:
        return one.name.lower() == other.name.lower() and os.path.samefile(one, other)
    except OSError:
        return False


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0) or f"cannot be read: {(error.strerror or 'unknown reason').lower()}"
    return "is no path"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:WALK_ENTRIES]
    except OSError:
        return []
