"""`plcli log show`: one run of the log."""

from __future__ import annotations

from typing import Annotated

import typer

from plcli import completion, options
from plcli.errors import Exit, LogError
from plcli.records import line
from plcli.render.card import show_card, show_wire
from plcli.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
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
