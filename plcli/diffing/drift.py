"""How a request differs from the one that a logged run sent, and what makes it differ."""

from __future__ import annotations

import json

from plcli.brevity import around, cut
from plcli.diffing.causes import located
from plcli.diffing.differing import Asked, of_requests
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.redact import Redactor
from plcli.replayrecords import Difference
from plcli.resending import wire_of
from plcli.resolve import Resolved

MOST = 100
"""Differences that a record keeps."""

LONGEST = 4_000
"""Characters of either side of a difference that a record keeps."""


def differences(then: Record, resolved: Resolved, at: int = 0) -> tuple[Difference, ...]:
    """The differences between the request of the exchange `at` (from 0) and a request that is made now.

    Raises `NotReplayable` where the run has no such exchange, or it is damaged.
    """
    return of_requests(Asked.of_run(then, at, wire_of(then, at)), Asked.of_plan(resolved))


def to_keep(
    found: tuple[Difference, ...], then: Record, resolved: Resolved, media: MediaStore, redactor: Redactor
) -> list[Difference]:
    """The first differences as a record keeps them: with what makes them, short, and without secrets."""
    return [_short(one, redactor) for one in located(found[:MOST], resolved, then, media)]


def _short(one: Difference, redactor: Redactor) -> Difference:
    old, new = (redactor.plain(side) for side in (one.old, one.new))
    if isinstance(old, str) and isinstance(new, str):
        old, new = around(old, new, LONGEST)
    return one.model_copy(update={"old": _cut(old), "new": _cut(new)})


def _cut(value: Json) -> Json:
    if isinstance(value, str):
        return cut(value, LONGEST)
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LONGEST else cut(text, LONGEST)
