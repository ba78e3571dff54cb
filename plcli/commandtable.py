"""A group of commands that are loaded when they are called: until then a table knows them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup

from plcli.errors import UsageError
from plcli.spelling import did_you_mean


class Entry(NamedTuple):
    """A command of the table: its module, and one line of help."""

    module: str
    help: str


class CommandTable(TyperGroup):
    """A group that knows its commands by a table alone until one is called."""

    table: ClassVar[Mapping[str, Entry]]

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Load a command's module; None for a name that is not in the table."""
        entry = self.table.get(cmd_name)
        return typer.main.get_command(import_module(entry.module).app) if entry else None

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command that the arguments call; a name that is not in the table gets a suggestion."""
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            meant = did_you_mean(name, self.table)
            hint = f"did you mean {meant!r}?" if meant else f"{ctx.command_path} --help"
            raise UsageError(f"there is no command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The list in the help text, made without loading a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.table.items()])
