"""Pictures as files of a person: named copies in a folder beside the media store's own, and the system's viewer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from plcli import copies
from plcli.errors import PlcliError
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.openers import NoViewer, open_file
from plcli.records import Record
from plcli.redact import Redactor
from plcli.request import Text
from plcli.resolve import Resolved
from plcli.response import ImagePart
from plcli.signatures import sniff

_WORD = re.compile(r"[^\s!-/:-@\[-`{-~]+")
"""What stands between blanks and marks; whatever else a name cannot hold falls out where it is written."""

VIEWED = 8
"""Pictures of one command that are opened."""


class CopiedMedia(MediaStore):
    """The media store as a person sees it who asked for copies: what has one is there."""

    def __init__(self, store: MediaStore, copies: Mapping[str, Path]) -> None:
        super().__init__(store.folder)
        self.store = store
        self.copies = copies

    def path(self, digest: str) -> Path | None:
        """The copy, else the store's own file."""
        return self.copies.get(digest) or self.store.path(digest)

    def get(self, digest: str) -> bytes:
        """The store's own bytes, which were checked; of a run that is not logged those of the copy."""
        try:
            return self.store.get(digest)
        except MediaMissing:
            with suppress(KeyError, OSError):
                return self.copies[digest].read_bytes()
            raise


@dataclass(slots=True)
class PictureFiles:
    """Where the pictures of this command's runs are for a person; `folder` None: nowhere but in the store."""

    store: MediaStore
    folder: Path | None
    copies: dict[str, dict[str, Path]] = field(default_factory=dict)
    """The copies of each run, by the digests of their bytes."""
    viewed: list[Path] = field(default_factory=list)
    trouble: PlcliError | None = None

    def ready(self) -> None:
        """Find out whether copies can be made, before anything is spent. Raises `UsageError`."""
        if self.folder is not None:
            copies.ready(self.folder)

    def of(self, record: Record) -> CopiedMedia:
        """The media of a run, as a person sees them."""
        return CopiedMedia(self.store, self.copies.get(record.id, {}))

    def take(self, resolved: Resolved, record: Record, media: Mapping[str, bytes], redactor: Redactor) -> None:
        """Copy the pictures of a run, whose bytes are in `media`, else in the store.

        What stands against it is kept in `trouble`. Bytes that hold a secret are copied nowhere.
        """
        made = self.copies.setdefault(record.id, {})
        named = dict.fromkeys(part.media for part in _pictures(record) if part.media is not None)
        found = {digest: data for digest in named if (data := self._bytes(digest, media)) is not None}
        digests = [digest for digest, data in found.items() if redactor.bytes(data) is data]
        for number, digest in enumerate(digests, 1):
            stem = _stem(resolved, record) + (f"-{number}" if len(digests) > 1 else "")
            if self.folder is not None and self.trouble is None:
                try:
                    made[digest] = copies.write(self.folder, stem, found[digest], sniff(found[digest]))
                except PlcliError as error:
                    self.trouble = error
            if (path := made.get(digest) or self.store.path(digest)) is not None:
                self.viewed.append(path)

    def _bytes(self, digest: str, media: Mapping[str, bytes]) -> bytes | None:
        """The bytes of a picture; those of a recorded answer are in the store alone."""
        try:
            return media[digest] if digest in media else self.store.get(digest)
        except MediaMissing:
            return None

    def view(self, warn: Callable[[str], None]) -> None:
        """Open the pictures in the system's viewer."""
        for path in self.viewed[:VIEWED]:
            try:
                open_file(path)
            except NoViewer as error:
                warn(error.message)
                return
            except PlcliError as error:
                warn(error.message)
        if len(self.viewed) > VIEWED:
            warn(f"--open shows {VIEWED} pictures; {len(self.viewed) - VIEWED} more were made")


def _pictures(record: Record) -> Sequence[ImagePart]:
    parts = record.response.parts if record.response else ()
    return [part for part in parts if isinstance(part, ImagePart)]


def _stem(resolved: Resolved, record: Record) -> str:
    """`logo-k3x9p`: the spec, else the first words of what was said last, and the run."""
    name = resolved.file.stem.split(".")[0] if resolved.file is not None else _first_words(resolved)
    return "-".join(filter(None, (name or "picture", record.tail)))


def _first_words(resolved: Resolved) -> str:
    said = (
        part.text for message in reversed(resolved.request.messages) for part in message.parts if isinstance(part, Text)
    )
    return "-".join(_WORD.findall(next(said, "").lower())[:5])
