"""What a log holds already, so that an exchange that is imported again is not written twice.

An exchange is the same where its key, its time and its answer are; where nobody says when it was, key and answer
decide, and where nothing was exchanged, the id of the record. Of the log only keys and places are held until a key
comes again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from plcli.exchange import canonical
from plcli.imports.imported import FIELD
from plcli.media import Json
from plcli.providers.reading import table
from plcli.records import Record
from plcli.runlog import RunLog

_KEY = re.compile(rb'\{"key":"sha256:([0-9a-f]{64})","operation":')


class Known:
    """The exchanges of a log, and those that were taken since."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._places: dict[bytes, list[int]] = {}
        self._seen: set[bytes] = set()
        for line in log.scan():
            keys = _KEY.findall(line.raw)
            for key in keys:
                self._places.setdefault(bytes.fromhex(key.decode()), []).append(line.offset)
            if not keys and isinstance(entry := log.read(line), Record):
                self._seen.update(_identities(entry))

    def take(self, record: Record) -> bool:
        """Whether a record is new; from now on it is not."""
        for exchange in record.exchanges:
            for offset in self._places.pop(_digest(exchange.key), ()):
                held = self._log.record_at(offset)
                if held is not None:
                    self._seen.update(_identities(held))
        new = set(_identities(record))
        if new <= self._seen:
            return False
        self._seen |= new
        return True


def _digest(key: str) -> bytes:
    try:
        return bytes.fromhex(key.removeprefix("sha256:"))
    except ValueError:
        return b""


def _identities(record: Record) -> Iterator[bytes]:
    """What the exchanges of a record are known by; a record without any by the id that it had first."""
    origin = table(table(record.metadata).get(FIELD))
    undated = origin.get("undated") is True
    for exchange in record.exchanges:
        yield _identity([exchange.key, None if undated else exchange.started, exchange.response])
    if not record.exchanges:
        yield _identity(origin.get("id", record.id))


def _identity(value: Json) -> bytes:
    return hashlib.blake2b(canonical(value).encode("ascii"), digest_size=16).digest()
