"""The command line: a table of commands, loaded when they are called, and the one error boundary."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from plcli import __version__
from plcli.errors import Exit, PlcliError, SpecError
from plcli.options import Shown
from plcli.render.problems import text_lines


class Entry(NamedTuple):
    """A command of the table: its module, and one line of help."""

    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "run": Entry("plcli.commands.run", "Run request specs, or one prompt, and log each run."),
    "validate": Entry("plcli.commands.validate", "Check spec files and report every problem."),
    "schema": Entry("plcli.commands.schema", "Print, write or check the JSON Schemas of the formats."),
    "log": Entry("plcli.commands.log", "List and show what ran."),
}


class Commands(TyperGroup):
    """The root group: knows its commands by the table alone until one is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Load a command's module; None for a name that is not in the table."""
        entry = COMMANDS.get(cmd_name)
        return typer.main.get_command(import_module(entry.module).app) if entry else None

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The list in the help text, made without loading a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


app = typer.Typer(
    name="plcli",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"plcli {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_version, is_eager=True),
) -> None:
    """A playground for LLM requests that lives in a git repository.

    Prompts are files, runs are lines, replay is a test.
    """


def main(args: list[str] | None = None) -> int:
    """Run a command line and give the exit code; every error is printed here and nowhere else."""
    shown = Shown()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command = typer.main.get_command(app)
        code = command.main(args, prog_name="plcli", standalone_mode=False, obj=shown)
    except typer.TyperException as error:
        return _report(shown, "usage", error.format_message(), None, _usage_hint(error), Exit.USAGE)
    except SpecError as error:
        return _report_problems(shown, error)
    except PlcliError as error:
        _show_traceback(shown)
        return _report(shown, error.kind, error.message, error.where, error.hint, error.exit)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        _show_traceback(shown)
        message = f"plcli ran into a bug of its own: {type(error).__name__}: {error}"
        return _report(shown, "bug", message, None, "run it again with --traceback and report what it prints", Exit.BUG)
    return int(code or 0)


def run_and_leave() -> None:
    """The process: start, run, flush, leave.

    Collecting garbage costs a third of a short run and frees nothing that the end of the process does
    not free; leaving by `os._exit` spares tearing down the modules of the SDKs. All that must last is
    durable by then: the log is synced before a command returns.
    """
    gc.disable()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _report(
    shown: Shown, kind: str, message: str, where: str | None, hint: str | None, code: int
) -> int:
    if shown.format in ("json", "jsonl"):
        fields = {"kind": kind, "message": message, "where": where, "hint": hint, "exit": int(code)}
        text = json.dumps({"error": {key: value for key, value in fields.items() if value is not None}})
    else:
        text = f"error: {message}" + (f", {where}" if where and where not in message else "") + (f"\nhint: {hint}" if hint else "")
    sys.stderr.write(text + "\n")
    return int(code)


def _report_problems(shown: Shown, error: SpecError) -> int:
    _show_traceback(shown)
    if shown.format in ("json", "jsonl"):
        text = json.dumps({"error": {"kind": error.kind, "problems": [asdict(p) for p in error.problems], "exit": 3}})
    else:
        text = "\n".join(map(text_lines, error.problems))
    sys.stderr.write(text + "\n")
    return int(error.exit)


def _usage_hint(error: typer.TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else None


def _show_traceback(shown: Shown) -> None:
    if shown.traceback:
        traceback.print_exc()
