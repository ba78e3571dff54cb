"""The files that a spec names for its media: those of a workspace that hold the bytes, else new ones beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from plcli import copies
from plcli.fence import BadReference, walk
from plcli.media import MediaReader, MediaRef
from plcli.workspace import Workspace

FOLDER = ".media"
"""What the folder of new files is called after the stem of the spec."""

_SHOWN = 12
"""Digits of a digest that make the name of a file."""


class MediaFiles:
    """Names files for media. `source_of` is a `drafts.SourceOf`; nothing is written for a spec without a file.

    `file` is where the spec will stand (None: nowhere; its paths are relative to the current folder), `known` are
    files by the digests of the bytes that they hold, before all others; `read` gives the bytes.
    """

    def __init__(self, workspace: Workspace, file: Path | None, known: Mapping[str, Path], read: MediaReader) -> None:
        self.file = file
        self.folder = (file or workspace.start / "-").parent
        self._workspace = workspace
        self._known = known
        self._read = read
        self._made: dict[str, Path] = {}

    def source_of(self, ref: MediaRef) -> str | None:
        """The path of a file with these bytes, relative to the spec; None where there is none.

        Raises `MediaMissing` for bytes that are gone, `UsageError` where no file can be written.
        """
        path = self._known.get(ref.digest) or self._made.get(ref.digest) or self._elsewhere(ref.digest)
        if path is None and self.file is not None and self._may_write(self.file):
            folder = self.file.with_name(self.file.stem + FOLDER)
            path = copies.write(folder, ref.digest[7:][:_SHOWN], self._read(ref.digest), ref.mime)
            self._made[ref.digest] = path
        return self.relative(path) if path is not None else None

    def relative(self, path: Path) -> str:
        """How the spec names a file."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def tidy(self, text: str) -> None:
        """Take away the files that were written and that the text of the spec does not name."""
        for path in self._made.values():
            if self.relative(path) not in text:
                path.unlink(missing_ok=True)
                with suppress(OSError):
                    path.parent.rmdir()

    def _elsewhere(self, digest: str) -> Path | None:
        """A file of the workspace that holds these bytes, and that a spec may read."""
        fence, data = self._workspace.fence, self._read(digest)
        for path in self._sizes.get(len(data), ()):
            with suppress(BadReference):
                if fence.read(path.name, path, len(data)).data == data:
                    return path
        return None

    @cached_property
    def _sizes(self) -> dict[int, list[Path]]:
        """The files of a person by how many bytes they have, as far as there are not too many."""
        found: dict[int, list[Path]] = {}
        with suppress(BadReference, OSError):
            for path in walk(self._workspace.root):
                if path.is_relative_to(self._workspace.recordings):
                    continue
                found.setdefault(os.path.getsize(path), []).append(path)
        return found

    def _may_write(self, file: Path) -> bool:
        """Whether a spec there could read the files beside it."""
        try:
            self._workspace.fence.place(f"{file.stem}{FOLDER}/x", beside=file)
        except BadReference:
            return False
        return True
