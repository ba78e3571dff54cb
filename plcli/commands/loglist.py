"""`plcli log list`: the runs of the log."""

from __future__ import annotations

import typer

from plcli import completion, options
from plcli.brevity import counted
from plcli.errors import Exit
from plcli.records import Record, line
from plcli.render.calls import call_line
from plcli.render.runfacts import cost, duration, model_name, tokens
from plcli.render.table import show_table
from plcli.response import ImagePart, ToolCallPart
from plcli.selecting import selected, selection
from plcli.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_COLUMNS = ("run", "time", "state", "model", "tokens", "cost", "took", "spec", "answer")
_HISTORY = (*_COLUMNS[:2], "commit", *_COLUMNS[2:])
"""The columns for the runs of some specs."""

_SHORT = 8
"""Letters of a commit that are shown."""


@app.command()
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
    """List runs, newest first: a table, or tab-separated lines in a pipe.

    Of one option given several times any may hold, of different options all must. A condition compares a
    path into the record, as `log show --format json` prints it, by = != > >= < <= or ~ (a regular
    expression); `and` joins several. Of a list any item counts, and what is absent is null.

    With --spec the commits tell the history of a spec: `*` says that it differed from its commit, `-` that
    there was none.

    Examples:

      plcli log list --spec weather --state error --since 7d

      plcli log list --where 'tool_results.name = get_weather and error = null'
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    chosen = selection(session.workspace, ctx.params)
    records = selected(session, (), chosen, newest_first=True)
    if screen.machine:
        for record in records:
            screen.json(line(record))
    elif spec:
        show_table(_HISTORY, map(_history_row, records), screen)
    else:
        show_table(_COLUMNS, map(_row, records), screen)
    return Exit.DONE


def _row(record: Record) -> tuple[str, ...]:
    response = record.response
    return (
        record.tail,
        record.time[:19].replace("T", " "),
        response.state if response else "error",
        model_name(record),
        tokens(record) or "",
        cost(record) or "",
        duration(record) or "",
        record.spec.path if record.spec else "",
        _answer(record),
    )


def _history_row(record: Record) -> tuple[str, ...]:
    run, time, *others = _row(record)
    return run, time, _commit(record), *others


def _commit(record: Record) -> str:
    """The commit of the spec, `*` behind it where the spec differed from that."""
    spec = record.spec
    return f"{spec.commit[:_SHORT]}{'*' if spec.dirty else ''}" if spec and spec.commit else "-"


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
