"""The run log: one record a line, appended durably, read forwards or newest first.

A line that cannot be read is damage: it is reported with its offset, and every other line reads.
Setting damage aside, rotating and copying to recordings are left to others.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import TypeVar

from plcli import disk, lines, runids
from plcli.brevity import counted
from plcli.errors import LogError, UsageError
from plcli.lines import Line
from plcli.records import Note, Record, UnknownVersion, line

Entry = TypeVar("Entry", Record, Note)

CANDIDATES = 5
"""Runs that the message about an ambiguous reference lists."""

_ID_PLACE = len('{"v":1,"id":"')
_LAST = re.compile(r"last(?:~([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is no record. `offset` counts bytes from the start of the log."""

    offset: int
    reason: str


class RunLog:
    """A log file; it need not exist. Errors are `LogError`, with a hint.

    `on_damage` hears once of each line that cannot be read.
    """

    def __init__(self, path: Path, on_damage: Callable[[Damage], object] | None = None) -> None:
        self.path = path
        self.before: str | None = None
        """The id of an entry: readers see only what was there before it."""
        self._on_damage = on_damage
        self._reported: set[int] = set()

    @property
    def damaged(self) -> int:
        """How many lines that were asked for could not be read, as far as `on_damage` heard of them."""
        return len(self._reported)

    def append(self, entry: Entry) -> Entry:
        """Write the record or note at the end, and return it with its new id; see `append_all`."""
        return self.append_all([entry])[0]

    def append_all(self, entries: Sequence[Entry]) -> list[Entry]:
        """Write records and notes at the end, in one piece; they come back with new ids for those they had.

        When this returns, the lines are on the disk. Many threads and processes may append at once: ids
        rise strictly, and no line is lost or torn. What cannot be written whole is not written at all.
        """
        blank = "0" * runids.LENGTH
        try:
            data = [line(entry.model_copy(update={"id": blank})).encode() for entry in entries]
        except ValueError as error:
            raise LogError(f"the run cannot be written down: {error}", where=str(self.path)) from None
        try:
            disk.make_folder(self.path.parent)
            ids = self._write(lambda file: _put(file, data))
        except (OSError, ValueError) as error:
            raise disk.refusal(self.path, error) from None
        except OverflowError:
            raise LogError(
                f"the last run of {self.path} is of the year 9999, and ids must rise",
                where=str(self.path),
                hint="move the log away, or name another with --log",
            ) from None
        return [entry.model_copy(update={"id": id}) for entry, id in zip(entries, ids, strict=True)]

    def copy_in(self, entries: Sequence[Record]) -> list[Record]:
        """Write records of another log at the end, in one piece and durably, with the ids that they have.

        Those that are there already are left out; gives the others.
        """
        fresh = {entry.id: entry for entry in entries}
        data = {id: line(entry).encode() for id, entry in fresh.items()}
        try:
            disk.make_folder(self.path.parent)
            return [fresh[id] for id in self._write(lambda file: _copy(file, data))]
        except (OSError, ValueError) as error:
            raise disk.refusal(self.path, error) from None

    def _write(self, put: Callable[[FileIO], list[str]]) -> list[str]:
        """Have `put` write lines behind all others, durably; gives what it gives, their ids."""
        while True:
            fd = disk.open_plain(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | disk.NOFOLLOW)
            with FileIO(fd) as file:
                with disk.locked(fd):
                    if not disk.is_at(fd, self.path):
                        continue
                    first = os.fstat(fd).st_size == 0
                    ids = put(file)
                # Outside the lock nobody waits for the disk of others, and it groups what comes together.
                disk.sync(fd)
            if first:
                disk.sync_folder(self.path.parent)
            return ids

    def ready(self) -> None:
        """Raise the `LogError` that appending would, before anything is spent on what is to be logged."""
        try:
            disk.make_folder(self.path.parent)
            os.close(disk.open_plain(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | disk.NOFOLLOW))
        except (OSError, ValueError) as error:
            raise disk.refusal(self.path, error) from None

    def scan(self, reverse: bool = False) -> Iterator[Line]:
        """Every line that is not blank, unparsed, as the log stands now; `reverse` gives the newest first.

        An absent log has none. Newest first reads only as much of the file as is asked for.
        """
        try:
            with FileIO(disk.open_plain(self.path, os.O_RDONLY)) as file:
                end = lines.settled_end(file)
                for found in lines.backward(file, end) if reverse else lines.forward(file, end):
                    if not found.raw.isspace() and (self.before is None or (found.id or "") < self.before):
                        yield found
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise disk.refusal(self.path, error) from None

    def entries(self, reverse: bool = False) -> Iterator[Record | Note]:
        """Every record and note; damage is reported and left out.

        Raises `LogError` at a line of an unknown version, naming version and offset.
        """
        for found in self.scan(reverse):
            entry = self.read(found)
            if entry is not None:
                yield entry

    def records(self, reverse: bool = False) -> Iterator[Record]:
        """Every record; as `entries`, without the notes."""
        return (entry for entry in self.entries(reverse) if isinstance(entry, Record))

    def read(self, found: Line) -> Record | Note | None:
        """What a line of this log says; None for damage, which is reported.

        Raises `LogError` for an unknown version, naming version and offset.
        """
        try:
            return found.entry()
        except UnknownVersion as error:
            raise LogError(
                f"{self.path}: {error}",
                where=f"{self.path}, offset {found.offset}",
                hint="upgrade plcli, or name another log with --log",
            ) from None
        except ValueError as error:
            if self._on_damage is not None and found.offset not in self._reported:
                self._reported.add(found.offset)
                self._on_damage(Damage(found.offset, str(error)))
            return None

    def record_at(self, offset: int) -> Record | None:
        """The run whose line begins at an offset that `scan` gave; None for damage, which is reported."""
        try:
            with FileIO(disk.open_plain(self.path, os.O_RDONLY)) as file:
                found = next(lines.forward(file, file.seek(0, os.SEEK_END), offset, lines.SMALL_BLOCK), None)
        except (OSError, ValueError) as error:
            raise disk.refusal(self.path, error) from None
        entry = self.read(found) if found is not None else None
        return entry if isinstance(entry, Record) else None

    def find(self, ref: str) -> Record:
        """The run that a person means: an id, the start of one, its last five characters, `last`, `last~N`.

        Of several lines with one id the newest counts. Raises `UsageError` where no run fits, or more
        than one, which it lists.
        """
        match = _LAST.fullmatch(ref)
        if match is not None:
            return self._recent(ref, int(match[1] or 0))
        found: dict[str, Record] = {}
        for record in self._matching(ref):
            if record.id == ref:
                return record
            found.setdefault(record.id, record)
            if len(found) > CANDIDATES:
                break
        if not found:
            raise self._absent(ref)
        if len(found) > 1:
            raise _ambiguous(ref, list(found.values()))
        return next(iter(found.values()))

    def _recent(self, ref: str, back: int) -> Record:
        count = 0
        for record in self.records(reverse=True):
            if count == back:
                return record
            count += 1
        if count:
            raise UsageError(f"no run {ref!r}: {self.path} holds {counted(count, 'run')}", hint="plcli log list")
        raise self._absent(ref)

    def _matching(self, ref: str) -> Iterator[Record]:
        for found in self.scan(reverse=True):
            entry = None
            id = found.id
            if id is None:
                entry = self.read(found)
                id = entry.id if entry is not None else None
            if ref and id is not None and (id.startswith(ref) or id.rpartition("-")[2] == ref):
                entry = entry or self.read(found)
                if isinstance(entry, Record):
                    yield entry

    def _absent(self, ref: str) -> UsageError:
        if not os.path.exists(self.path):
            return UsageError(
                f"no run {ref!r}: there is no log at {self.path} yet",
                hint="plcli run SPEC writes it; --log names another",
            )
        return UsageError(f"no run {ref!r} in {self.path}", hint="plcli log list")


def _put(file: FileIO, texts: Sequence[bytes]) -> list[str]:
    """Write the lines behind all others, with new ids in their places; the lock is held. Returns the ids."""
    last = _last_moment(file, os.fstat(file.fileno()).st_size)
    ids: list[str] = []
    pieces: list[bytes] = []
    for data in texts:
        ids.append(runids.mint(last))
        last = runids.moment_of(ids[-1])
        pieces += (data[:_ID_PLACE], ids[-1].encode("ascii"), data[_ID_PLACE + runids.LENGTH :], b"\n")
    _put_behind(file, pieces)
    return ids


def _copy(file: FileIO, texts: Mapping[str, bytes]) -> list[str]:
    """Write the lines behind all others whose ids are not there yet; the lock is held. Returns these ids."""
    there = lines.forward(file, os.fstat(file.fileno()).st_size)
    known = {found.whole_id for found in there if found.minted_id in texts}
    fresh = [id for id in texts if id not in known]
    if fresh:
        _put_behind(file, [piece for id in fresh for piece in (texts[id], b"\n")])
    return fresh


def _put_behind(file: FileIO, pieces: list[bytes]) -> None:
    """Write the pieces at once, or nothing of them, behind a last line that is ended where it was not."""
    fd = file.fileno()
    size = os.fstat(fd).st_size
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            pieces.insert(0, b"\n")
    try:
        disk.write_all(fd, b"".join(pieces))
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, size)
        raise


def _last_moment(file: FileIO, end: int) -> datetime | None:
    """The time in the last id; lines without one are passed over."""
    for found in lines.backward(file, end):
        moment = runids.moment_of(found.minted_id or "")
        if moment is not None:
            return moment
    return None


def _ambiguous(ref: str, runs: list[Record]) -> UsageError:
    shown = [f"{run.id} ({run.spec.path if run.spec else run.command}, {run.time})" for run in runs[:CANDIDATES]]
    more = ["…"] if len(runs) > CANDIDATES else []
    return UsageError(f"{ref!r} may be any of: {', '.join(shown + more)}", hint=f"type more of it: {runs[0].id}")
