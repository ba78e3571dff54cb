"""The files of a commit, laid out in a mirror as far as they are asked for."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from plcli import git, revisions
from plcli.documents import FORMATS
from plcli.errors import UsageError
from plcli.fence import MEDIA_LIMIT, WALK_ENTRIES, BadReference, read_regular
from plcli.revisions import Committed
from plcli.snapshots.mirror import Mirror

LAID_LIMIT = 256 * 1024 * 1024
"""Bytes of a commit that are laid out; more is no workspace of prompts."""

LINKS = 5_000
"""Symbolic links of a commit that are laid out."""

LONGEST_PATH = 4096
"""Bytes of the longest path that a link may hold."""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-.{1,200}\n){0,9}oid sha256:([0-9a-f]{64})\nsize \d{1,20}\n"
)
"""What git has of a file that git lfs keeps."""


class CommittedFiles:
    """The files at or below some places of a repository, as a commit has them, in a mirror.

    Links lie there from the beginning, those only that stay below `root`. Raises `UsageError` as `revisions.files`.
    """

    def __init__(self, mirror: Mirror, repository: Path, commit: str, root: Path, beside: Iterable[Path] = ()) -> None:
        self._mirror = mirror
        self._repository = repository
        self._commit = commit
        self._lock = Lock()
        self._bytes = 0
        self._listed: dict[str, Committed] = {}
        self._laid: set[str] = set()
        for place in (root, *beside):
            below = place.relative_to(repository).as_posix()
            listed = revisions.files(repository, commit, "" if below == "." else below)
            self._listed |= {file.path: file for file in listed}
        self._link(mirror.place(root))

    def below(self, folder: Path) -> Iterator[Path]:
        """The places of the files below a folder of the mirror, sorted."""
        start = f"{self._key(folder)}/".removeprefix("./")
        for path in sorted(path for path in self._listed if path.startswith(start)):
            with suppress(ValueError):
                yield self._mirror.place(self._repository / path)

    def has(self, path: Path) -> bool:
        """Whether the commit has a file at a place of the mirror."""
        return self._key(path) in self._listed

    def bring(self, *paths: Path, whole: bool = False) -> None:
        """Lay out the files of these places, as far as the commit has them, with the stubs beside a tool.

        Raises `UsageError` where their bytes are not here, and where they are too many; of a `whole` workspace what is
        too large is left out, and what git lfs has elsewhere is what git has of it.
        """
        stubs = (path.with_name(f"{path.stem}.stubs{suffix}") for path in paths for suffix in FORMATS if path.name)
        with self._lock:
            named = (self._listed.get(self._key(path)) for path in dict.fromkeys((*paths, *stubs)))
            wanted = [file for file in named if file is not None and not file.link and file.path not in self._laid]
            if wanted:
                self._lay(wanted, whole)

    def _key(self, path: Path) -> str:
        """How the commit names what lies at a place; nothing of it where it names nothing there."""
        then = self._mirror.then(path)
        inside = then is not None and then.is_relative_to(self._repository)
        return then.relative_to(self._repository).as_posix() if then is not None and inside else ""

    def _lay(self, wanted: Sequence[Committed], whole: bool) -> None:
        sizes = revisions.sizes(self._repository, [file.blob for file in wanted])
        fitting = [file for file in wanted if sizes.get(file.blob, 0) <= MEDIA_LIMIT]
        if fitting != wanted and not whole:
            large = next(file for file in wanted if file not in fitting)
            raise UsageError(f"{self._told(large)} is larger than {MEDIA_LIMIT // 1024 // 1024} MB", hint=self._apart)
        self._bytes += sum(sizes.get(file.blob, 0) for file in fitting)
        if self._bytes > LAID_LIMIT or len(self._laid) + len(fitting) > WALK_ENTRIES:
            most = f"{LAID_LIMIT // 1024 // 1024} MB in {WALK_ENTRIES:,} files"
            raise UsageError(f"at {self._commit[:12]} there is more than {most}", hint=self._apart)
        given = revisions.contents(self._repository, [file.blob for file in fitting])
        for file in fitting:
            if file.blob not in given:
                hint = f"let git fetch it: git show {self._commit}:{shlex.quote(file.path)}"
                raise UsageError(f"git does not have the bytes of {self._told(file)} here", hint=hint)
            data = _stored(self._repository, given[file.blob])
            if data is None and not whole:
                hint = f"git lfs fetch origin {self._commit}"
                raise UsageError(f"git lfs does not have the bytes of {self._told(file)} here", hint=hint)
            self._laid.add(file.path)
            self._write(file, given[file.blob] if data is None else data)

    def _told(self, file: Committed) -> str:
        return f"{file.path} at {self._commit[:12]}"

    @property
    def _apart(self) -> str:
        return f"check it out in a folder of its own: git worktree add DIR {self._commit[:12]}"

    def _write(self, file: Committed, data: bytes) -> None:
        try:
            self._mirror.write(self._repository / file.path, data)
        except (ValueError, FileExistsError):
            # What a crafted commit names so, git would not check out either.
            return
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(
                f"{self._told(file)} cannot be laid out: {reason}", hint="TMPDIR=DIR names its place"
            ) from None

    def _link(self, root: Path) -> None:
        """Lay out the links, less those that lead out of `root`."""
        links = [file for file in self._listed.values() if file.link][:LINKS]
        if not links:
            return
        sizes = revisions.sizes(self._repository, [file.blob for file in links])
        links = [file for file in links if sizes.get(file.blob, LONGEST_PATH + 1) <= LONGEST_PATH]
        targets = revisions.contents(self._repository, [file.blob for file in links])
        laid = []
        for file in links:
            with suppress(OSError, ValueError, KeyError):
                self._mirror.link(self._repository / file.path, os.fsdecode(targets[file.blob]))
                laid.append(self._mirror.place(self._repository / file.path))
        for link in laid:
            if not Path(os.path.realpath(link)).is_relative_to(root):
                link.unlink()


def _stored(folder: Path, data: bytes) -> bytes | None:
    """The bytes of a file that git lfs keeps, where `data` says that it does; None where they are not here."""
    pointer = _POINTER.fullmatch(data)
    if pointer is None:
        return data
    oid = pointer[1].decode()
    common = git.ask(folder, "rev-parse", "--git-common-dir")
    path = Path(folder, os.fsdecode((common or b".git").rstrip(b"\n")), "lfs", "objects", oid[:2], oid[2:4], oid)
    try:
        kept = read_regular(Path(os.path.realpath(path)), "", MEDIA_LIMIT)
    except BadReference:
        return None
    return kept if hashlib.sha256(kept).hexdigest() == oid else None
