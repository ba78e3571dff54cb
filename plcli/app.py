"""The command line: a table of commands, loaded when they are called, and the one error boundary."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import typer

from plcli import __version__, interrupts
from plcli.commandtable import CommandTable, Entry
from plcli.errors import Exit, PlcliError, SetupError, UsageError
from plcli.plaintext import harmless
from plcli.render.errors import error_json, error_text
from plcli.render.screen import Screen, open_screen

COMMANDS: dict[str, Entry] = {
    "init": Entry("plcli.commands.init", "Make a workspace that runs at once."),
    "run": Entry("plcli.commands.run", "Run request specs, or one prompt, and log each run."),
    "image": Entry("plcli.commands.image", "Make or edit pictures, and log each run."),
    "chat": Entry("plcli.commands.chat", "Talk with a model, line by line; each turn is a run in the log."),
    "replay": Entry("plcli.commands.replay", "Send logged runs again and compare, or test specs against recordings."),
    "check": Entry("plcli.commands.check", "Hold logged answers against what their specs expect."),
    "open": Entry("plcli.commands.open", "Turn a logged run, or a request body, back into a spec file."),
    "diff": Entry("plcli.commands.diff", "Show what differs between runs, specs, revisions, or a run and a spec."),
    "validate": Entry("plcli.commands.validate", "Check spec files and report every problem."),
    "schema": Entry("plcli.commands.schema", "Print, write or check the JSON Schemas of the formats."),
    "convert": Entry("plcli.commands.convert", "Print or write a spec file in another format."),
    "tools": Entry("plcli.commands.tools", "List tools, show, check, call, write and import them."),
    "models": Entry("plcli.commands.models", "List models, show what a run would use, check them."),
    "log": Entry("plcli.commands.log", "List, show, keep, export and import runs."),
}


class Commands(CommandTable):
    """The root group."""

    table = COMMANDS


app = typer.Typer(
    name="plcli",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
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
    args = sys.argv[1:] if args is None else args
    screen = open_screen()
    if "--format=json" in args or ("--format", "json") in pairwise(args):
        screen.format = "json"  # errors of the command line itself come before any option is read
    interrupts.listen()
    try:
        command = typer.main.get_command(app)
        code = command.main(args or ["--help"], prog_name="plcli", standalone_mode=False, obj=screen)
    except typer.TyperException as error:
        message = error.format_message().replace("': Value error, ", "': ", 1)
        return _report(screen, UsageError(message[:1].lower() + message[1:], hint=_usage_hint(error, args)))
    except PlcliError as error:
        return _report(screen, error)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except Exception as error:
        message = f"plcli ran into a bug of its own: {type(error).__name__}: {error}"
        return _report(screen, PlcliError(message, hint="run it again with --traceback and report what it prints"))
    if screen.unwritten is not None:
        return max(int(code or 0), _report(screen, _unwritten(screen.unwritten)))
    return int(code or 0) if args else Exit.USAGE


def run_and_leave() -> None:
    """The process: start, run, flush, leave.

    Leaving by `os._exit` spares tearing down the modules of the SDKs. All that must last is durable by
    then: the log is synced before a command returns.
    """
    # Looking for pydantic's plugins reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_closed_streams()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _open_closed_streams() -> None:
    """Who closed a stream (`>&-`) wants to see nothing; a file opened later must not get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  it stays open


def _unwritten(error: OSError) -> SetupError:
    reason = (error.strerror or str(error)).lower()
    return SetupError(f"standard output cannot be written: {reason}", hint="send it elsewhere; `plcli log` keeps runs")


def _report(screen: Screen, error: PlcliError) -> int:
    if screen.traceback and sys.exc_info()[0] is not None:
        screen.write(screen.err, harmless(screen.redact(traceback.format_exc())))
    screen.write(screen.err, (error_json if screen.machine else error_text)(error, screen.redact) + "\n")
    return int(error.exit)


def _usage_hint(error: typer.TyperException, args: Sequence[str]) -> str:
    """The help of the command that was called wrongly, as far as it is known."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return f"{context.command_path} --help"
    return " ".join(("plcli", *(name for name in args[:1] if name in COMMANDS), "--help"))
