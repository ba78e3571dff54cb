"""`plcli log`: list, show, keep, export and import runs."""

from __future__ import annotations

from types import MappingProxyType

import typer

from plcli.commandtable import CommandTable, Entry


class LogCommands(CommandTable):
    """The commands of the log."""

    table = MappingProxyType(
        {
            "list": Entry(
                "plcli.commands.loglist", "List runs, newest first: a table, or tab-separated lines in a pipe."
            ),
            "show": Entry("plcli.commands.logshow", "Show one run: what was asked, what came back, what it took."),
            "keep": Entry("plcli.commands.logkeep", "Copy runs with their media to a file of recordings."),
            "export": Entry("plcli.commands.logexport", "Write runs in a form that others read."),
            "import": Entry("plcli.commands.logimport", "Turn traffic that others have captured into runs."),
        }
    )


app = typer.Typer(cls=LogCommands, rich_markup_mode=None, add_completion=False)


@app.callback()
def log() -> None:
    """List, show, keep, export and import runs."""
