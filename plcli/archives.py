"""Files of recordings, opened for a session: those that a command line names, else those of the workspace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plcli.diffing.nearest import Near, nearest
from plcli.errors import UsageError
from plcli.mediastore import MediaStore
from plcli.recordings import Recordings
from plcli.records import Record
from plcli.render.differences import told
from plcli.render.runfacts import run_name
from plcli.render.screen import Screen
from plcli.resolve import Resolved
from plcli.runlog import RunLog
from plcli.running import Running
from plcli.session import Session, opened_log
from plcli.workspace import MEDIA, Workspace

SHOWN = 10
"""Differences from the nearest recording that are told."""


def archives(session: Session, files: Sequence[Path] | None) -> list[RunLog]:
    """The files as logs, each once; the session reads the media beside them too.

    Without any named, those in the folder of recordings. Raises `UsageError` for a file that is not there, and
    `BadReference` for a link that leads out of the workspace.
    """
    workspace = session.workspace
    paths = [_named(workspace.start, path) for path in files] if files is not None else _kept(workspace)
    logs = [
        session.log if _same(path, session.log.path) else opened_log(session.screen, workspace, path)
        for path in dict.fromkeys(paths)
    ]
    folders = dict.fromkeys(log.path.parent / MEDIA for log in logs)
    beside = [MediaStore(folder) for folder in folders if folder != session.store.folder]
    session.store = MediaStore(session.store.folder, beside)
    return logs


def recordings(session: Session, files: Sequence[Path] | None) -> Recordings:
    """What answers without a connection: these files, else those of the workspace and then the log."""
    return Recordings(archives(session, files), session.log if files is None else None)


def recorded(running: Running, files: Sequence[Path] | None) -> Running:
    """The same runs, answered from recordings alone, and logged nowhere."""
    session = running.session
    found = recordings(session, files)
    if running.files is not None:
        # The pictures of recordings lie beside them.
        running.files.store = session.store

    def missed(resolved: Resolved, record: Record) -> None:
        at = max(0, len(record.exchanges) - 1)
        spec = record.spec.path if record.spec is not None else None
        near = nearest(found, resolved, spec, at, session.store)
        if near is not None:
            _show(near, session.screen)

    return replace(running, keep=False, answers=found.find, missed=missed)


def _show(near: Near, screen: Screen) -> None:
    """The recording that comes nearest, and how the request differs from it."""
    record = near.record
    name = " · ".join(filter(None, (record.spec.path if record.spec else None, run_name(record), record.time[:19])))
    screen.say(("nearest recording: ", "bold"), name)
    for difference in near.differences[:SHOWN]:
        screen.say(f"  {told(difference)}")
    if len(near.differences) > SHOWN:
        screen.say((f"  and {len(near.differences) - SHOWN} more", "dim"))


def _named(start: Path, path: Path) -> Path:
    found = Path(os.path.abspath(start / path))
    if not os.path.isfile(found):
        raise UsageError(f"there is no file {path}", hint="name a file of runs: recordings/weather.jsonl")
    return found


def _same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _kept(workspace: Workspace) -> list[Path]:
    """The files in the folder of recordings. Raises `BadReference` for a link that leads out of the workspace."""
    try:
        names = sorted(os.listdir(workspace.recordings))
    except OSError:
        return []
    paths = [workspace.recordings / name for name in names if name.endswith(".jsonl")]
    for path in paths:
        # They come with the repository: a link in it must not show what others keep elsewhere.
        workspace.fence.inside(path.name, beside=path)
    return paths
