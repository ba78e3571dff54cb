"""The recording that comes nearest to a request which none answers."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from plcli.diffing.causes import located
from plcli.diffing.drift import differences
from plcli.errors import NotReplayable
from plcli.mediastore import MediaStore
from plcli.recordings import Recordings, can_answer
from plcli.records import Record
from plcli.replayrecords import Difference
from plcli.resolve import Resolved

CANDIDATES = 200
"""Runs that are looked at, the newest."""


class Near(NamedTuple):
    """A recorded run, and how the request differs from its own."""

    record: Record
    differences: tuple[Difference, ...]


def nearest(recordings: Recordings, resolved: Resolved, spec: str | None, at: int, media: MediaStore) -> Near | None:
    """The run whose request number `at` (from 0) differs in the fewest places; of `spec`, where there is one of it.

    None where no recording has such a request.
    """
    found: list[tuple[bool, int, int, Near]] = []
    for n, record in enumerate(islice(recordings.newest(), CANDIDATES)):
        differing = _differences(resolved, record, at)
        if differing is not None:
            own = spec is not None and record.spec is not None and record.spec.path == spec
            found.append((not own, len(differing), n, Near(record, differing)))
    if not found:
        return None
    near = min(found, key=lambda each: each[:3])[3]
    return near._replace(differences=located(near.differences, resolved, near.record, media) if at == 0 else near[1])


def _differences(resolved: Resolved, record: Record, at: int) -> tuple[Difference, ...] | None:
    if at >= len(record.exchanges) or not can_answer(record.exchanges[at]):
        return None
    try:
        return differences(record, resolved, at)
    except NotReplayable:
        return None
