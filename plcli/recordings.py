"""Recordings: exchanges of logged runs that can answer again, found by their keys.

Files of recordings are looked in first, then the log. A file is read once, and of each line only the keys are
remembered; a line is read again when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from plcli.exchangerecords import ExchangeRecord
from plcli.records import Record
from plcli.runlog import RunLog

_KEY = re.compile(rb'"key"\s{0,8}:\s{0,8}"sha256:([0-9a-f]{64})"')
_SHA256 = "sha256:"


class _Place(NamedTuple):
    """A line that names a key: the id of its run, and where it begins."""

    id: str
    log: RunLog
    offset: int


_Places = dict[bytes, list[_Place]]


class Recorded(NamedTuple):
    """An exchange that can answer: the run that it belongs to, and its number there, from 0."""

    record: Record
    at: int

    @property
    def exchange(self) -> ExchangeRecord:
        """The exchange."""
        return self.record.exchanges[self.at]


def can_answer(exchange: ExchangeRecord) -> bool:
    """Whether an exchange came to its end: what the provider refused did, what the connection lost did not."""
    error = exchange.attempts[-1].error if exchange.attempts else None
    if error is not None:
        return error.kind == "safety"
    return exchange.response is not None and (exchange.status is None or 200 <= exchange.status < 300)


def answer_in(record: Record, key: str) -> Recorded | None:
    """The last exchange of a run that answers a key."""
    places = range(len(record.exchanges) - 1, -1, -1)
    found = (at for at in places if record.exchanges[at].key == key and can_answer(record.exchanges[at]))
    return next((Recorded(record, at) for at in found), None)


class Recordings:
    """What can answer without a connection: the files of recordings, then the history, each read when it is needed.

    Raises `LogError` for a file that cannot be read, or is of a version that is not known.
    """

    def __init__(self, files: Sequence[RunLog], history: RunLog | None = None) -> None:
        self._files = files
        self._history = history
        self._places: _Places | None = None
        self._earlier: _Places | None = None

    def find(self, key: str) -> Recorded | None:
        """The newest complete exchange with this key."""
        if self._places is None:
            self._places = _index(self._files)
        found = self._newest(self._places, key)
        if found is None and self._history is not None:
            if self._earlier is None:
                self._earlier = _index([self._history])
            found = self._newest(self._earlier, key)
        return found

    def newest(self) -> Iterator[Record]:
        """All runs, those of the files first, and the newest of each file first."""
        for log in (*self._files, *([self._history] if self._history is not None else ())):
            yield from log.records(reverse=True)

    def _newest(self, places: _Places, key: str) -> Recorded | None:
        candidates = places.get(bytes.fromhex(key.removeprefix(_SHA256)), [])
        newest_first = sorted(candidates, key=lambda place: place.id)[::-1]
        records = (place.log.record_at(place.offset) for place in newest_first)
        found = (recorded for record in records if record is not None and (recorded := answer_in(record, key)))
        return next(found, None)


def _index(logs: Sequence[RunLog]) -> _Places:
    """The lines that name each key."""
    places: _Places = {}
    for log in logs:
        for line in log.scan():
            for key in set(_KEY.findall(line.raw)):
                place = _Place(line.minted_id or "", log, line.offset)
                places.setdefault(bytes.fromhex(key.decode("ascii")), []).append(place)
    return places
