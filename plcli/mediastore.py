"""The media store: image and file bytes beside the log, each kept once under its digest.

Digests come from logs that anyone may have written: they name a file of the store's folder, or
nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from plcli import disk
from plcli.errors import LogError
from plcli.extensions import EXTENSIONS, OTHER, extension
from plcli.media import MediaMissing, digest_of, is_digest


class MediaStore:
    """A folder of bytes by digest; it need not exist. `get` is a `media.MediaReader`.

    What it does not hold is looked for in the stores `beside` it, which are only read.
    """

    def __init__(self, folder: Path, beside: Sequence[MediaStore] = ()) -> None:
        self.folder = folder
        self.beside = tuple(beside)

    def put(self, data: bytes, mime: str) -> str:
        """Keep the bytes, and return their digest; when this returns, they are on the disk.

        The same bytes are kept once, whatever their mime type; a copy that was altered is replaced.
        Raises `LogError` where the folder cannot be written.
        """
        digest = digest_of(data)
        try:
            kept = self._listed(_stem(digest))
            if kept is None or _content(kept) != data:
                self._write(data, kept or self.folder / f"{_stem(digest)}.{extension(mime)}")
        except (OSError, ValueError) as error:
            raise disk.refusal(self.folder, error) from None
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest.

        Raises `MediaMissing` where there are none, and `LogError` where they are not those of the digest.
        """
        path = self.path(digest)
        if path is None:
            raise MediaMissing(digest)
        try:
            data = _content(path)
        except FileNotFoundError:
            raise MediaMissing(digest) from None
        except (OSError, ValueError) as error:
            raise disk.refusal(path, error) from None
        if data is None or digest_of(data) != digest:
            raise LogError(
                f"{path} does not hold the bytes that its name says",
                where=str(path),
                hint="restore it (git lfs pull, git restore, a backup), or delete it",
            )
        return data

    def path(self, digest: str) -> Path | None:
        """The file that keeps the bytes of a digest, unread; None for what is no digest or is not there."""
        if not is_digest(digest):
            return None
        stem = _stem(digest)
        try:
            found = self._listed(stem) or next(self.folder.glob(f"{stem}.*"), None)
        except OSError as error:
            raise disk.refusal(self.folder, error) from None
        return found or next(filter(None, (store.path(digest) for store in self.beside)), None)

    def _listed(self, stem: str) -> Path | None:
        """The file under one of the extensions that plcli gives; finds it without reading the folder."""
        named = (self.folder / f"{stem}.{ending}" for ending in (*EXTENSIONS.values(), OTHER))
        return next((path for path in named if os.path.lexists(path)), None)

    def _write(self, data: bytes, path: Path) -> None:
        if self.folder.is_symlink():
            raise disk.NotAPlainFile("is a symbolic link, which may lead anywhere")
        disk.make_folder(self.folder)
        draft = self.folder / f".{path.name}.{os.urandom(6).hex()}"
        fd = disk.open_plain(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | disk.NOFOLLOW)
        try:
            try:
                disk.write_all(fd, data)
                disk.sync(fd)
            finally:
                os.close(fd)
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        disk.sync_folder(self.folder)


def _stem(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _content(path: Path) -> bytes | None:
    """The bytes of a plain file; None where a link or something else stands in its place."""
    try:
        fd = disk.open_plain(path, os.O_RDONLY | disk.NOFOLLOW)
    except (disk.NotAPlainFile, IsADirectoryError):
        return None
    with open(fd, "rb") as file:
        return file.read()
