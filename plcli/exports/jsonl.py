"""Runs as the lines of the log that they are, for another log or another program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plcli.brevity import counted
from plcli.exports.connections import Surroundings
from plcli.exports.losses import Losses
from plcli.media import Json, Redacted, mapped
from plcli.record_secrets import without_secrets
from plcli.records import Record, line
from plcli.redact import Redactor

_MEDIA = ('"$media":"sha256:', '"media":"sha256:')


def jsonl(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The lines, whole runs whatever `which` says. Media stay in their store, which is told.

    A secret that is known by now is taken out as it is from a run that is logged today.
    """
    drawn = 0
    for record in records:
        clean = _clean(record, around.redactor)
        if clean is not record:
            losses.lost(record, "a secret in it was taken out")
        text = line(clean)
        drawn += any(mark in text for mark in _MEDIA)
        losses.exported += 1
        yield f"{text}\n"
    if drawn:
        runs = counted(drawn, "run")
        losses.of_all(f"the media of {runs} stay in {around.store.folder}: plcli log keep copies runs with theirs")


def _clean(record: Record, redactor: Redactor) -> Record:
    if not redactor.finds(record.model_dump(exclude_none=True)):
        return record
    clean = without_secrets(record, redactor)
    return clean.model_copy(
        update={
            "exchanges": [
                each.model_copy(
                    update={
                        "request": _marked(redactor.json(each.request)),
                        "response": _marked(redactor.json(each.response)),
                    }
                )
                for each in clean.exchanges
            ]
        }
    )


def _marked(wire: Json) -> Json:
    """A wire as it is written down, with marks in the places that secrets were taken from."""
    return mapped(wire, lambda leaf: {"$redacted": leaf.digest} if isinstance(leaf, Redacted) else leaf)
