"""`plcli log export`: runs as a file for others."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from plcli import completion, disk, options
from plcli.brevity import counted
from plcli.errors import Exit, NotReplayable, UsageError
from plcli.exports import batch, curl, jsonl, promptlayer, python, table
from plcli.exports.connections import Surroundings
from plcli.exports.losses import Losses
from plcli.plaintext import harmless, harmless_json
from plcli.records import Record
from plcli.render.page import MARKER, page
from plcli.render.picturefacts import weight
from plcli.selecting import selected, selection
from plcli.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Form(StrEnum):
    """Forms in which runs leave the log."""

    html = "html"
    curl = "curl"
    python = "python"
    openai_batch = "openai-batch"
    promptlayer = "promptlayer"
    jsonl = "jsonl"
    csv = "csv"


class _Writer(NamedTuple):
    """How a form is written, and a pattern of how its files begin; "" for files that are never replaced."""

    write: Callable[[Iterable[Record], Surroundings, int | None, Losses], Iterator[str]]
    own: str
    harmless: Callable[[str], str] = harmless_json


_WRITERS = {
    Form.curl: _Writer(curl.curl, re.escape(curl.MARKER)),
    Form.python: _Writer(python.python, re.escape(python.MARKER)),
    Form.openai_batch: _Writer(batch.batch, batch.BEGINNING),
    Form.promptlayer: _Writer(promptlayer.promptlayer, promptlayer.BEGINNING),
    Form.jsonl: _Writer(jsonl.jsonl, ""),
    Form.csv: _Writer(table.table, re.escape(table.MARKER), harmless),
}
"""Every form but the page, which others draw."""

_PAGE = re.escape(MARKER.decode())
_LOOK = 4096
"""Bytes of a file that tell what it is."""

_BY_EXCHANGE = (Form.curl, Form.python, Form.openai_batch, Form.promptlayer)


@app.command()
def export(
    ctx: typer.Context,
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="The form: html is a page that needs nothing else, curl and python send the requests again, "
            "openai-batch and promptlayer are what these take, jsonl is lines of the log, csv a table.",
        ),
    ],
    runs: completion.RunRefs = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The file; one of the same form is replaced.")
    ] = None,
    exchange: Annotated[
        int | None,
        typer.Option("--exchange", metavar="N", min=0, help="Of each run this exchange; default: 0, the first."),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Of each run every exchange.")] = False,
    spec: completion.OfSpec = None,
    model: completion.OfModel = None,
    tag: completion.OfTag = None,
    state: completion.OfState = None,
    since: options.Since = None,
    where: options.Where = None,
    count: options.Count = None,
    everything: options.All = False,
    trust_host: options.TrustHost = None,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Write runs in a form that others read.

    A page, commands, scripts, a batch, lines or a table; what is lost is told for each.

    These runs, else the newest ones, the oldest first. curl, python and openai-batch hold requests exactly as they
    were sent, media included, but unstreamed; never a key, only the name of its variable. promptlayer has every
    exchange unless --exchange says which. In csv a text that a spreadsheet would take for a formula begins with an
    apostrophe. html, newest first, is searchable, two runs side by side. --out replaces a file of the same form, and
    never one of jsonl.

    Examples:

      plcli log export last --as curl | bash

      plcli log export --as openai-batch --spec weather --all --out batch.jsonl

      plcli log export --as html --tag logo --all > logos.html
    """
    screen = options.screen_of(ctx)
    which = _which(form, exchange, each)
    if out is None and screen.terminal and form is Form.html:
        raise UsageError("a page is not for a terminal", hint="add --out page.html")
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host)
    chosen = selection(session.workspace, ctx.params)
    found = selected(session, runs or (), chosen, newest_first=form is Form.html)
    first = next(found, None)
    if first is None:
        # Nothing is no reason to replace a file.
        return Exit.DONE
    records = _Counted(chain((first,), found))
    losses = Losses(screen.warn)
    if form is Form.html:
        root = session.workspace.root
        title = f"Runs of {root.name or root}"
        pieces, own = page(records, session.store, title=title, redact=session.redactor.text), _PAGE
    else:
        pieces, own = _written(form, records, session, which, losses), _WRITERS[form].own
    beginning = next(pieces, None)
    if beginning is None:
        raise NotReplayable(f"nothing can be exported as {form.value}", hint="plcli log show RUN --wire")
    pieces = chain((beginning,), pieces)
    if out is None:
        for piece in pieces:
            screen.write(screen.out, piece)
    else:
        _write(out, pieces, own)
        held = counted(*((losses.exported, "request") if form in _BY_EXCHANGE else (records.count, "run")))
        screen.say(f"written: {out} ({held}, {weight(os.path.getsize(out))})")
    return Exit.DONE


def _which(form: Form, exchange: int | None, each: bool) -> int | None:
    """The exchange to take of each run, None for all. Raises `UsageError`."""
    asked = "--each" if each else "--exchange"
    if (each or exchange is not None) and form not in _BY_EXCHANGE:
        raise UsageError(f"{asked} is not for --as {form.value}, which has whole runs", hint=f"leave {asked} out")
    if each and exchange is not None:
        raise UsageError("--each and --exchange exclude each other", hint="leave one of them out")
    return None if each or (form is Form.promptlayer and exchange is None) else exchange or 0


def _written(
    form: Form, records: Iterable[Record], session: Session, which: int | None, losses: Losses
) -> Iterator[str]:
    """The pieces of a form; what a terminal would obey is escaped there."""
    writer = _WRITERS[form]
    around = Surroundings(session.workspace, session.store, session.user, session.redactor)
    terminal = session.screen.terminal
    for piece in writer.write(records, around, which, losses):
        yield writer.harmless(piece) if terminal else piece
    losses.close()


class _Counted:
    """Runs that are counted as they go by."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.count = 0
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record


def _write(out: Path, pieces: Iterable[str], own: str) -> None:
    """Write the file, whole or not at all. Raises `UsageError` where something else is there, or it cannot be."""
    try:
        if os.path.lexists(out) and not _is_own(out, own):
            raise UsageError(f"--out {out} is there already, and no such export of plcli", hint="name another file")
        disk.replace(out, (piece.encode() for piece in pieces))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--out {out}: {reason}", hint="name a file that can be written") from None


def _is_own(path: Path, own: str) -> bool:
    """Whether a plain file begins as exports of a form do."""
    if not own:
        return False
    try:
        with open(disk.open_plain(path, os.O_RDONLY | disk.NOFOLLOW), "rb") as file:
            return re.match(own.encode(), file.read(_LOOK)) is not None
    except (disk.NotAPlainFile, IsADirectoryError):
        return False
