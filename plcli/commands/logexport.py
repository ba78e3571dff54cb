"""`plcli log export`: runs as a file for others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, disk, options
from plcli.brevity import counted
from plcli.errors import Exit, UsageError
from plcli.records import Record
from plcli.render.page import MARKER, page
from plcli.render.picturefacts import weight
from plcli.selecting import selected, selection
from plcli.session import open_session

Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN", help="Ids, their starts or tails, last, last~N, A..B.", autocompletion=completion.complete_run
    ),
]


class Form(StrEnum):
    """Forms in which runs leave the log."""

    html = "html"


def export(
    ctx: typer.Context,
    form: Annotated[Form, typer.Option("--as", help="The form: html is a page that needs nothing else.")],
    runs: Runs = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The file; a page that is there is replaced.")
    ] = None,
    spec: completion.OfSpec = None,
    model: completion.OfModel = None,
    tag: completion.OfTag = None,
    state: completion.OfState = None,
    since: options.Since = None,
    where: options.Where = None,
    count: options.Count = None,
    everything: options.All = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Write runs as a page for any browser: words, calls, pictures and wires, searchable, two side by side.

    The page is one file that loads nothing. It holds these runs, else the newest ones, newest first.

    Examples:

      plcli log export --as html --out page.html

      plcli log export --as html --tag logo --all > logos.html
    """
    screen = options.screen_of(ctx)
    if out is None and screen.terminal:
        raise UsageError("a page is not for a terminal", hint="add --out page.html")
    session = open_session(screen, workspace=workspace, log=log)
    chosen = selection(
        session.workspace,
        runs=runs or (),
        count=count,
        everything=everything,
        specs=spec,
        models=model,
        tags=tag,
        states=state,
        since=since,
        where=where,
    )
    found = selected(session, runs or (), chosen, newest_first=True)
    first = next(found, None)
    if first is None:
        # Nothing is no reason to replace a page.
        return Exit.DONE
    records = _Counted(chain((first,), found))
    root = session.workspace.root
    pieces = page(records, session.store, title=f"Runs of {root.name or root}", redact=session.redactor.text)
    if out is None:
        for piece in pieces:
            screen.write(screen.out, piece)
    else:
        _write(out, pieces)
        screen.say(f"written: {out} ({counted(records.count, 'run')}, {weight(os.path.getsize(out))})")
    return Exit.DONE


class _Counted:
    """Runs that are counted as they go by."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.count = 0
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record


def _write(out: Path, pieces: Iterable[str]) -> None:
    """Write the page, whole or not at all. Raises `UsageError` where something else is there, or it cannot be."""
    try:
        if os.path.lexists(out) and not _is_page(out):
            raise UsageError(f"--out {out} is there already, and no page of plcli", hint="name another file")
        disk.replace(out, (piece.encode() for piece in pieces))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--out {out}: {reason}", hint="name a file that can be written") from None


def _is_page(path: Path) -> bool:
    """Whether a plain file begins as pages do."""
    try:
        with open(disk.open_plain(path, os.O_RDONLY | disk.NOFOLLOW), "rb") as file:
            return file.read(len(MARKER)) == MARKER
    except (disk.NotAPlainFile, IsADirectoryError):
        return False
