"""Selecting runs: those that a command line names, else the newest, as far as its filter lets them through."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from plcli import conditions
from plcli.brevity import cut
from plcli.documents import FORMATS
from plcli.errors import UsageError
from plcli.filters import Filter, moment
from plcli.lines import Line
from plcli.records import Record
from plcli.regexes import Undecided
from plcli.response import STATES
from plcli.runlog import RunLog
from plcli.session import Session
from plcli.spelling import did_you_mean
from plcli.workspace import Workspace

NEWEST = 20
"""Runs that a command takes where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs of the log, and at most how many of them, the newest; None is all."""

    filter: Filter = field(default_factory=Filter)
    count: int | None = NEWEST


def selection(workspace: Workspace, given: Mapping[str, Any]) -> Selection:
    """What a command line selects, of whose parameters `given` are the values. Raises `UsageError`.

    They are those by which commands name runs: `runs`, `spec`, `model`, `tag`, `state`, `since`, `where`, `count` and
    `everything`; one that a command does not have selects nothing.
    """
    count, everything, since = given.get("count"), given.get("everything"), given.get("since")
    if everything and count is not None:
        raise UsageError("--all and -n exclude each other", hint="leave one of them out")
    for state in given.get("state") or ():
        if state not in STATES:
            meant = did_you_mean(state, STATES)
            hint = f"did you mean {meant}?" if meant else f"it is one of: {', '.join(STATES)}"
            raise UsageError(f"--state {cut(state, 40)!r} is no state of an answer", hint=hint)
    return Selection(
        Filter(
            spec=tuple(_as_recorded(workspace, spec) for spec in given.get("spec") or ()),
            model=tuple(given.get("model") or ()),
            tags=tuple(given.get("tag") or ()),
            state=tuple(given.get("state") or ()),
            since=moment(since, datetime.now(UTC)) if since is not None else None,
            where=tuple(map(conditions.parse, given.get("where") or ())),
        ),
        None if everything or (given.get("runs") and count is None) else min(count or NEWEST, sys.maxsize),
    )


def selected(
    session: Session, runs: Sequence[str], selection: Selection, *, newest_first: bool = False
) -> Iterator[Record]:
    """The runs that are named, else all, as far as they are selected; in the order of the log, or newest first.

    A run is named as for `RunLog.find`; `A..B` names both and all between them, `A..` up to the newest.
    Memory holds the selected lines where the oldest of them comes first and not all runs are asked for.
    Raises `UsageError` for a run that is not there, `LogError` as `RunLog.records` does.
    """
    log, most = session.log, selection.count
    lines, backward = _lines(log, runs, selection, newest_first=newest_first)
    hits: Iterator[tuple[Line, Record]] = islice(_hits(session, log, lines, selection.filter), most)
    if backward and not newest_first:
        chosen = [found for found, _ in hits]
        hits = ((found, record) for found in reversed(chosen) if isinstance(record := log.read(found), Record))
    return _told(session, selection.filter, (record for _, record in hits))


def places(session: Session, log: RunLog, runs: Sequence[str], selection: Selection) -> list[int]:
    """Where the lines of the runs that `selected` gives begin, in the order of the log; for `RunLog.record_at`.

    Replays in the log of the session are left out unless they are named: in a file of recordings each run is there
    on purpose. Lines are not read as records where their first bytes say enough; raises what `selected` raises.
    """
    lines, backward = _lines(log, runs, selection)
    meant = _meant(session, log, lines, selection.filter)
    found = (line.offset for line in meant if runs or log is not session.log or not line.is_replay)
    chosen = list(islice(found, selection.count))
    return chosen[::-1] if backward else chosen


def _lines(
    log: RunLog, runs: Sequence[str], selection: Selection, *, newest_first: bool = False
) -> tuple[Iterator[Line], bool]:
    """The lines that may be meant, and whether they come newest first."""
    spans = [_span(log, run) for run in runs]
    backward = newest_first or selection.count is not None or bool(spans)
    return (_named(log, spans) if spans else log.scan(reverse=backward)), backward


def _told(session: Session, filter: Filter, records: Iterator[Record]) -> Iterator[Record]:
    """The records; why there are none is said."""
    none = True
    for record in records:
        none = False
        yield record
    if none and not os.path.exists(session.log.path):
        session.screen.say(f"no runs yet: {session.workspace.label(session.log.path)} is written by plcli run")
    elif none and filter.asks:
        session.screen.say("no run matches")


def _span(log: RunLog, run: str) -> tuple[str, str]:
    """The ids of the first and the last run that a RUN names, which are the same without `..`."""
    first, dots, last = run.partition("..")
    ends = sorted(log.find(end).id for end in ((first, last or "last") if dots else (run,)))
    return ends[0], ends[-1]


def _named(log: RunLog, spans: Sequence[tuple[str, str]]) -> Iterator[Line]:
    """The lines of the spans, newest first, each run once; nothing is read behind the last of them."""
    ends = frozenset(id for span in spans for id in span)
    ranges = [(first, last) for first, last in spans if first != last]
    awaited, seen = set(ends), set[str]()
    for found in log.scan(reverse=True):
        id = found.id or _id(log, found)
        if id is None or id in seen:
            continue
        if id in ends or any(first <= id <= last for first, last in ranges):
            seen.add(id)
            yield found
        awaited.discard(id)
        if not awaited:
            return


def _id(log: RunLog, found: Line) -> str | None:
    entry = log.read(found)
    return entry.id if entry is not None else None


def _hits(session: Session, log: RunLog, lines: Iterator[Line], filter: Filter) -> Iterator[tuple[Line, Record]]:
    """The lines that hold runs the filter lets through, read; damage is left out."""
    for found in _meant(session, log, lines, filter):
        if isinstance(record := log.read(found), Record):
            yield found, record


def _meant(session: Session, log: RunLog, lines: Iterator[Line], filter: Filter) -> Iterator[Line]:
    """The lines of runs that the filter lets through. Lines that do not show what they are always report damage."""
    asks, may_match = filter.asks, filter.sieve()
    for found in lines:
        id = found.id
        if id is None:
            if not isinstance(log.read(found), Record):
                continue
        elif found.is_note or not may_match(id, found.raw):
            continue
        if not asks or _matches(session, filter, found):
            yield found


def _matches(session: Session, filter: Filter, found: Line) -> bool:
    """Whether a line is meant, before it is read as a record; damage passes, because reading reports it."""
    try:
        value = json.loads(found.raw)
    except (ValueError, RecursionError):
        return True
    try:
        return not isinstance(value, dict) or filter.matches(value)
    except Undecided as error:
        session.screen.warn(f"run {value.get('id')} is left out: {error}")
        return False


def _as_recorded(workspace: Workspace, spec: str) -> str:
    """A spec as records name it; paths are told from names as `run` does."""
    path = workspace.start / spec
    if spec != "-" and (os.path.isfile(path) or path.suffix.lower() in FORMATS or "/" in spec):
        return workspace.shown(Path(os.path.realpath(path)))
    return spec
