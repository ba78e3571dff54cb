"""What a batch has left to do, by what the log says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from plcli.errors import UsageError
from plcli.exchange import key_of
from plcli.records import Record
from plcli.resolve import Resolved
from plcli.runlog import RunLog


class Same(NamedTuple):
    """What makes two runs of a batch the same: what is sent, and to which model."""

    key: str
    model_spec: str | None


def what(resolved: Resolved) -> Same:
    """What a request will be known by in the log."""
    request, compiled = resolved.request, resolved.compiled
    return Same(key_of(request.provider, request.api, compiled.target, compiled.wire), resolved.model.name)


def left(batch: str, wanted: Sequence[Resolved], log: RunLog) -> list[int]:
    """Which of the wanted requests the batch has not got an answer to, by their places.

    Runs that failed or were interrupted count as left. Raises `UsageError` for a batch that the log
    does not hold.
    """
    known, done = _answered(batch, log.records())
    if not known:
        raise UsageError(f"there is no batch {batch!r} in {log.path}", hint="`batch.id` of its records is its name")
    places = []
    for place, resolved in enumerate(wanted):
        same = what(resolved)
        if done[same] > 0:
            done[same] -= 1
        else:
            places.append(place)
    return places


def _answered(batch: str, records: Iterable[Record]) -> tuple[bool, Counter[Same]]:
    known, done = False, Counter[Same]()
    for record in records:
        if record.batch is None or record.batch.id != batch:
            continue
        known = True
        if record.exchanges and record.response is not None and (record.error is None or _refusal(record)):
            done[Same(record.exchanges[0].key, record.model_spec)] += 1
    return known, done


def _refusal(record: Record) -> bool:
    """Whether the provider answered, and said no: asking again would not change that."""
    return record.response is not None and record.response.state in ("refused", "blocked", "no_image")
