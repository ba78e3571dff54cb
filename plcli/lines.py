"""Lines of a run log, in both directions, before anybody parses them.

A line says its id by its first bytes, so that a long log can be searched without parsing it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, FileIO

from plcli import disk
from plcli.records import VERSION, Note, Record, UnknownVersion, parse

BLOCK = 1 << 18
"""Bytes that are read at once, where much is read."""

SMALL_BLOCK = 1 << 13
"""Bytes that are read first, where perhaps a line is enough."""

_HEAD = re.compile(rb'\{"v":([0-9]+),"id":"([0-9]{8}T[0-9]{9}-[0-9a-z]{5})"')
_REPLAY = re.compile(rb',"time":"[^"]{0,40}","command":"replay"')
_NOTE = b',"kind":"note"'
_WHOLE = (b"}\n", b"}\r\n", b"}")
_CONFLICT = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, not parsed yet.

    `offset` counts bytes from the start of the log; `raw` holds the line end, if it has one.
    """

    offset: int
    raw: bytes

    @property
    def id(self) -> str | None:
        """The id that the first bytes of a whole line show; None where only parsing tells."""
        head = _HEAD.match(self.raw)
        if head is None or head[1] != b"%d" % VERSION or not self.raw.endswith(_WHOLE):
            return None
        return head[2].decode("ascii")

    @property
    def is_note(self) -> bool:
        """Whether the first bytes show a note; only of a line with an `id`."""
        head = _HEAD.match(self.raw)
        return head is not None and self.raw.startswith(_NOTE, head.end())

    @property
    def is_replay(self) -> bool:
        """Whether the first bytes show a replay; only of a line with an `id`."""
        head = _HEAD.match(self.raw)
        return head is not None and _REPLAY.match(self.raw, head.end()) is not None

    @property
    def minted_id(self) -> str | None:
        """The id in the line, even in a torn one or one of another version; None where there is none."""
        head = _HEAD.match(self.raw)
        if head is not None:
            return head[2].decode("ascii")
        try:
            return self.entry().id
        except ValueError:
            return None

    @property
    def whole_id(self) -> str | None:
        """The id of a line that can be read; None for damage, and for a version that is not known."""
        try:
            return self.entry().id
        except ValueError:
            return None

    def entry(self) -> Record | Note:
        """What the line says. Raises `records.UnknownVersion`, and `ValueError` for damage."""
        try:
            return parse(self.raw)
        except UnknownVersion:
            raise
        except ValueError as error:
            raise ValueError(self._reason() or str(error)) from None

    def _reason(self) -> str | None:
        if self.raw.startswith(_CONFLICT):
            return "a merge conflict was left in the file"
        if b"\0" in self.raw:
            return "it holds NUL bytes, as a crash of the machine leaves them"
        if not self.raw.endswith(b"\n"):
            return "it breaks off: whoever wrote it was stopped"
        return None


def settled_end(file: FileIO) -> int:
    """Where the log ends; a line that is being written at this moment is waited for."""
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            with contextlib.suppress(OSError), disk.locked(file.fileno(), shared=True, wait=1.0):
                end = os.fstat(file.fileno()).st_size
    return end


def forward(file: FileIO, end: int, start: int = 0, block: int = BLOCK) -> Iterator[Line]:
    """The lines from `start`, where one begins, to `end`, the oldest first; reads `block` bytes at once."""
    offset = file.seek(start)
    reader = BufferedReader(file, block)
    try:
        while offset < end and (raw := reader.readline(end - offset)):
            found = Line(offset, raw)
            offset += len(raw)
            yield found
    finally:
        reader.detach()


def backward(file: FileIO, end: int) -> Iterator[Line]:
    """The lines before `end`, the newest first; reads only as far as is asked for."""
    pieces: list[bytes] = []  # of the line whose start is not reached yet, the last piece first
    size = SMALL_BLOCK
    while end > 0:
        start = max(0, end - size)
        size = min(2 * size, BLOCK)
        file.seek(start)
        block = file.read(end - start)
        until = before = len(block)
        while (newline := block.rfind(b"\n", 0, before)) >= 0:
            pieces.append(block[newline + 1 : until])
            raw = b"".join(reversed(pieces))
            pieces.clear()
            if raw:
                yield Line(start + newline + 1, raw)
            until, before = newline + 1, newline
        pieces.append(block[:until])
        end = start
    raw = b"".join(reversed(pieces))
    if raw:
        yield Line(0, raw)
