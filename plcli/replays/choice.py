"""Which runs are replayed: those that a command line names or selects, of the log, of recordings, or of files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from plcli.archives import archives
from plcli.errors import UsageError
from plcli.replays.tasks import Place
from plcli.runlog import RunLog
from plcli.selecting import Selection, places
from plcli.session import Session

_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_RELATIVE = re.compile(r"last(?:~[0-9]*)?|.*\.\..*")


class Choice(NamedTuple):
    """The runs to replay, and the files of recordings that were looked through for them."""

    places: list[Place]
    recordings: list[RunLog]

    @property
    def damaged(self) -> bool:
        """Whether lines of the recordings could not be read."""
        return any(log.damaged for log in self.recordings)


def choose(
    session: Session,
    runs: Sequence[str],
    selection: Selection,
    *,
    files: Sequence[Path] | None,
    kept: bool,
    update: bool,
    shard: str | None,
) -> Choice:
    """The runs that a command line means: of `files`, of the recordings where these are meant (`kept`), of the log.

    Raises `UsageError` for a run that is in none of them, and where `update` would replace what happened.
    """
    logs = archives(session, files) if files is not None or kept else [session.log]
    if update and session.log in logs:
        raise UsageError(
            f"{session.workspace.label(session.log.path)} is the log, in which nothing is replaced",
            hint="make recordings of its runs, and name their file: plcli log keep RUN --to FILE",
        )
    recordings = [log for log in logs if log is not session.log]
    if runs and kept and files is None and not update:
        logs = [*logs, session.log]
    if runs and len(logs) > 1:
        found = [place for run in runs for place in _named(session, run, logs, selection)]
    else:
        found = [Place(log, offset) for log in logs for offset in places(session, log, runs, selection)]
    return Choice(_part(found, shard), recordings)


def _named(session: Session, run: str, logs: Sequence[RunLog], selection: Selection) -> list[Place]:
    """The run of that name in the first of these logs that has it."""
    if _RELATIVE.fullmatch(run):
        if session.log not in logs:
            hint = "name the file with --from, or the run by its id"
            raise UsageError(f"{run!r} is of one file, and there are {len(logs)}", hint=hint)
        logs = [session.log]
    for log in logs[:-1]:
        try:
            return [Place(log, offset) for offset in places(session, log, [run], selection)]
        except UsageError:
            continue
    return [Place(logs[-1], offset) for offset in places(session, logs[-1], [run], selection)]


def _part(found: Sequence[Place], shard: str | None) -> list[Place]:
    """The places of one of several equal parts. Raises `UsageError`."""
    if shard is None:
        return list(found)
    match = _SHARD.fullmatch(shard)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 0 < number <= of:
        raise UsageError(f"--shard {shard[:40]!r} is no part", hint="write --shard 1/4 to --shard 4/4")
    return list(found[number - 1 :: of])
