"""`plcli log`: list, show and export what ran."""

from __future__ import annotations

from typing import Annotated

import typer

from plcli import completion, options
from plcli.brevity import counted
from plcli.commands.logexport import export
from plcli.errors import Exit, LogError
from plcli.records import Record, line
from plcli.render.calls import call_line
from plcli.render.card import show_card, show_wire
from plcli.render.runfacts import cost, duration, model_name, tokens
from plcli.render.table import show_table
from plcli.response import ImagePart, ToolCallPart
from plcli.selecting import selected, selection
from plcli.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="List, show and export what ran.")

_COLUMNS = ("run", "time", "state", "model", "tokens", "cost", "took", "spec", "answer")


@app.command("list")
def list_runs(
    ctx: typer.Context,
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
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """List runs, newest first: a table on a terminal, tab-separated lines in a pipe.

    Of one option given several times any may hold, of different options all must. A condition compares a
    path into the record, as `log show --format json` prints it, by = != > >= < <= or ~ (a regular
    expression); `and` joins several. Of a list any item counts, and what is absent is null.

    Examples:

      plcli log list --spec weather --state error --since 7d

      plcli log list --where 'tool_results.name = get_weather and error = null'
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    chosen = selection(
        session.workspace,
        specs=spec,
        models=model,
        tags=tag,
        states=state,
        since=since,
        where=where,
        count=count,
        everything=everything,
    )
    records = selected(session, (), chosen, newest_first=True)
    if screen.machine:
        for record in records:
            screen.json(line(record))
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
        screen.json(line(record))
    else:
        show_card(record, session.store, screen)
    return Exit.DONE


app.command("export")(export)


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
    """The words of the answer, else the calls it asks for, else why there is none, else how many pictures came."""
    response = record.response
    if response and response.text:
        return response.text
    parts = response.parts if response else []
    if calls := [call_line(part) for part in parts if isinstance(part, ToolCallPart)]:
        return " ".join(calls)
    if record.error:
        return record.error.message
    pictures = sum(isinstance(part, ImagePart) for part in parts)
    return counted(pictures, "picture") if pictures else ""
