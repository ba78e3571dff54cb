"""A file as it was and as it is: which of its lines have changed, and which of those a value stands on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import PurePath

from plcli import paths
from plcli.diffing.alignment import Stretch, stretches
from plcli.documents import FORMATS, Document, parse
from plcli.errors import SpecError
from plcli.paths import Parts
from plcli.places import NOWHERE, Place, Position
from plcli.redact import MARK

_GONE = object()


class Changed:
    """A file of today, and the bytes that it had (None: not known).

    `path` is the name that tells its format. What is no spec is lines only.
    """

    def __init__(self, path: str, new: bytes, old: bytes | None) -> None:
        self.path = path
        self._new = new
        self._old = old

    @property
    def known(self) -> bool:
        """Whether it is known what has changed."""
        return self._old is not None

    @cached_property
    def document(self) -> Document | None:
        """The file of today as a document; None where it is none."""
        return _document(self.path, self._new)

    @cached_property
    def before(self) -> Document | None:
        """The file of then as a document; None where it is none, or not known."""
        return _document(self.path, self._old) if self._old is not None else None

    @cached_property
    def changes(self) -> tuple[Stretch, ...]:
        """The lines that are not as they were, counted from 0; of lines that are gone, where they stood."""
        if self._old is None or self._old == self._new:
            return ()
        old, new = self._old.split(b"\n"), self._new.split(b"\n")
        return tuple(part for one in stretches(old, new) if not one.same for part in _seen(old, new, one))

    @property
    def lines(self) -> tuple[int, ...]:
        """Where each change begins, a line of today's file from 1; of lines that are gone, the one that follows."""
        last = self._new.rstrip(b"\n").count(b"\n") + 1
        return tuple(min(change.new.start + 1, last) for change in self.changes)

    @property
    def starts(self) -> tuple[Position, ...]:
        """Where each change begins; what is no text has no lines, and has changed or not."""
        if b"\0" in self._new:
            return (NOWHERE,) if self.changes else ()
        return tuple((line, None) for line in self.lines)

    def depth(self, place: Parts, *, then: bool = False) -> int:
        """How many steps of a place there are in today's file, or in that of then; all, of what is no document."""
        document = self.before if then else self.document
        if document is None:
            return len(place)
        steps = reversed(range(len(place) + 1))
        return next(n for n in steps if paths.find(document.value, place[:n], _GONE) is not _GONE)

    def text(self, place: Parts) -> str:
        """What today's file says at a place, as text; empty where nothing stands there."""
        if self.document is None:
            return self._new.decode("utf-8", "replace")
        value = paths.find(self.document.value, place, "")
        return value if isinstance(value, str) else json.dumps(value)

    def changed(self, place: Parts) -> Position | None:
        """The first changed line of what stands at a place of today's file, or of its nearest parent.

        None where no line of it has changed, or where that is not known.
        """
        if self.document is None:
            return self._whole() if self.changes else None
        root = self.document.places()
        if root is None:
            return self._named(place)
        at, lines = _span(root, place, self._new.count(b"\n") + 1)
        line = _first(self.changes, lines)
        if line is None:
            return None
        return (at.line, at.column) if line + 1 <= at.line else (line + 1, None)

    def gone(self, place: Parts) -> Position | None:
        """Today's line where once stood what the file of then had at a place; None where that is not known."""
        root = self.before.places() if self.before is not None else None
        if root is None:
            return self._named(place[:-1])
        _, lines = _span(root, place, (self._old or b"").count(b"\n") + 1)
        for change, line in zip(self.changes, self.lines, strict=True):
            if change.old.start < lines.stop and lines.start < change.old.stop:
                return line, None
        return None

    def position(self, place: Parts) -> Position:
        """Where a value, or its nearest parent, stands today."""
        return self.document.position(place) if self.document is not None else self._whole()

    def _whole(self) -> Position:
        """The first changed line of a text; the first one where none is known; of other bytes none."""
        if b"\0" in self._new:
            return NOWHERE
        return (self.lines[0] if self.changes else 1), None

    def _named(self, place: Parts) -> Position | None:
        """The changed line of a format without places that names the last key of a place, or the only change."""
        lines = self._new.split(b"\n")
        for key in reversed([step for step in place if isinstance(step, str)]):
            for change in self.changes:
                for line in change.new:
                    if lines[line].lstrip().startswith(key.encode("utf-8", "replace")):
                        return line + 1, None
        if len(self.changes) == 1:
            return self.lines[0], None
        return NOWHERE if self.changes else None


@lru_cache(maxsize=16)
def _document(path: str, data: bytes) -> Document | None:
    # The rows of a batch are of the same few files.
    format = FORMATS.get(PurePath(path).suffix.lower(), "yaml" if path == "-" else None)
    if format is None:
        return None
    try:
        return parse(data, file=path, format="json" if path == "-" and data.lstrip()[:1] == b"{" else format)
    except SpecError:
        return None


def _span(root: Place, place: Parts, end: int) -> tuple[Place, range]:
    """The place of a value, or of its nearest parent, and its lines, counted from 0; they end where the next begins."""
    here, stop = root, end
    for step in place:
        child = here.children.get(step)
        if child is None:
            break
        following = [start for other in here.children.values() if (start := _start(other)) > _start(child)]
        stop = min((line - 1 for line, _ in following), default=stop)
        here = child
    first = _start(here)[0] - 1 if here is not root else 0
    return here, range(first, max(stop, first + 1))


def _start(place: Place) -> tuple[int, int]:
    return min(place.key or (place.line, place.column), (place.line, place.column))


def _first(changes: Sequence[Stretch], lines: range) -> int | None:
    """The first of these lines that has changed, else the one behind which some are gone."""
    for change in changes:
        if change.new and change.new.start < lines.stop and lines.start < change.new.stop:
            return max(change.new.start, lines.start)
    for change in changes:
        if not change.new and lines.start < change.new.start <= lines.stop:
            return min(change.new.start, lines.stop - 1)
    return None


def _seen(old: Sequence[bytes], new: Sequence[bytes], change: Stretch) -> Iterator[Stretch]:
    """The parts of a change beside lines of which it is not known whether only a secret was taken out of them."""
    if len(change.old) != len(change.new) or not any(MARK.encode() in old[i] for i in change.old):
        yield change
        return
    for i, j in zip(change.old, change.new, strict=True):
        before, mark, _ = old[i].partition(MARK.encode())
        if not (mark and new[j].startswith(before)):
            yield Stretch(False, range(i, i + 1), range(j, j + 1))
