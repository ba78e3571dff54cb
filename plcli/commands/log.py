"""`plcli log`: list and show what ran."""

from __future__ import annotations

import os
import sys
from itertools import islice
from typing import Annotated

import typer

from plcli import completion, options
from plcli.errors import Exit, LogError
from plcli.records import Record, line
from plcli.render.answer import cost, duration, model_name, tokens
from plcli.render.calls import call_line
from plcli.render.card import show_card, show_wire
from plcli.render.table import show_table
from plcli.response import ToolCallPart
from plcli.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="List and show what ran.")

_COLUMNS = ("run", "time", "state", "model", "tokens", "cost", "took", "spec", "answer")


@app.command("list")
def list_runs(
    ctx: typer.Context,
    count: Annotated[int, typer.Option("-n", "--count", metavar="N", min=1, help="How many, newest first.")] = 20,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """List runs, newest first: a table on a terminal, tab-separated lines in a pipe.

    Example: plcli log list -n 5
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    if not os.path.exists(session.log.path):
        screen.say(f"no runs yet: {session.workspace.label(session.log.path)} is written by plcli run")
    records = islice(session.log.records(reverse=True), min(count, sys.maxsize))
    if screen.machine:
        for record in records:
            screen.write(screen.out, line(record) + "\n")
    else:
        show_table(_COLUMNS, map(_row, records), screen)
    return Exit.DONE


@app.command("show")
def show(
    ctx: typer.Context,
    run: completion.RunRef = "last",
    wire: Annotated[bool, typer.Option("--wire", help="The wire requests and responses as JSON.")] = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Show one run: what was asked, what came back, what it took.

    Examples:

      plcli log show last~1

      plcli log show last --wire
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    record = session.log.find(run)
    if wire:
        try:
            show_wire(record, screen)
        except ValueError as error:
            reason = f"the wires of run {record.id} are damaged: {error}"
            raise LogError(reason, where=str(session.log.path), hint=f"plcli log show {record.id}") from None
    elif screen.machine:
        screen.write(screen.out, line(record) + "\n")
    else:
        show_card(record, session.store, screen)
    return Exit.DONE


def _row(record: Record) -> tuple[str, ...]:
    response = record.response
    return (
        record.id.rpartition("-")[2],
        record.time[:19].replace("T", " "),
        response.state if response else "error",
        model_name(record),
        tokens(record) or "",
        cost(record) or "",
        duration(record) or "",
        record.spec.path if record.spec else "",
        _answer(record),
    )


def _answer(record: Record) -> str:
    """The words of the answer, else the calls it asks for, else why there is none."""
    response = record.response
    if response and response.text:
        return response.text
    calls = [call_line(part) for part in response.parts if isinstance(part, ToolCallPart)] if response else []
    return " ".join(calls) or (record.error.message if record.error else "")
