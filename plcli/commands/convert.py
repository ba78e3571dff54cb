"""`plcli convert`: a spec file as YAML, TOML or JSON."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from plcli import disk, options
from plcli import workspace as workspaces
from plcli.brevity import counted
from plcli.documents import FORMATS, Document, Format
from plcli.errors import Exit, UsageError
from plcli.inputs import read_inputs
from plcli.keyshapes import secrets_of
from plcli.redact import Redactor
from plcli.writing import Rewritten, rewrite

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Target(StrEnum):
    """Formats of spec files."""

    yaml = "yaml"
    toml = "toml"
    json = "json"


@app.command()
def convert(
    ctx: typer.Context,
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A file, the name of a request, or -.")],
    to: Annotated[
        Target | None, typer.Option("--to", help="The new format; default: that of --output, else yaml, of yaml toml.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file, in the folder of the spec.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    workspace: options.WorkspaceRoot = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Print or write a spec file in another format.

    Nothing but comments is lost, and the one that names the schema for editors is kept. TOML has no null: its
    places are told. Whether the spec is right is not asked (plcli validate).

    Examples:

      plcli convert weather --to json

      plcli convert prompts/weather.yaml --output prompts/weather.toml
    """
    screen = options.screen_of(ctx)
    found = workspaces.find(workspaces.here(), workspace)
    screen.redact = Redactor(secrets_of(os.environ)).text
    source = read_inputs(found, [spec], None, (), None)[0]
    document = source.document
    if output is None:
        made = rewrite(document, to.value if to else _other(document))
        # Redacting would lose what the file says.
        screen.write(screen.out, made.text)
    else:
        format = _format_of(output, to)
        path = found.start / output
        if source.file is not None:
            _stay_beside(source.file, path, output, spec)
        made = rewrite(document, format)
        _write(path, made, output, force)
        screen.say(f"written: {output}")
        if source.file is not None and source.file.stem == path.stem and source.file.name != path.name:
            screen.say(f"{source.file.name} and {path.name} share a name now; keep one of them")
    if made.lost:
        screen.say(f"{counted(len(made.lost), 'comment')} left out")
    return Exit.DONE


def _other(document: Document) -> Format:
    """The format that a document is converted to where none is named."""
    return "toml" if document.format == "yaml" else "yaml"


def _format_of(output: Path, to: Target | None) -> Format:
    """The format that the name of the new file says. Raises `UsageError`."""
    format = FORMATS.get(output.suffix.lower())
    if format is None:
        raise UsageError(f"--output {output}: unknown format", hint=f"end its name with one of {', '.join(FORMATS)}")
    if to is not None and to.value != format:
        raise UsageError(f"--to {to.value} and --output {output} are two formats", hint="leave out --to")
    return format


def _stay_beside(source: Path, path: Path, output: Path, spec: str) -> None:
    """Raise `UsageError` for another folder, where the paths that stand in the spec would lead elsewhere."""
    if os.path.realpath(path.parent) != str(source.parent):
        beside = os.path.join(os.path.dirname(os.path.relpath(source)), output.name)
        raise UsageError(
            f"--output {output} is in another folder than the spec, whose paths are relative to it",
            hint=f"write it beside the spec: plcli convert {shlex.quote(spec)} --output {shlex.quote(beside)}",
        )


def _write(path: Path, made: Rewritten, output: Path, force: bool) -> None:
    """Write the new file. Raises `UsageError` where it is there, or cannot be written."""
    try:
        (disk.replace if force else disk.create)(path, made.text.encode())
    except FileExistsError:
        raise UsageError(f"{output} is there already", hint="name another file, or add --force") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file can have this name"
        raise UsageError(f"--output {output}: {reason.lower()}", hint="name a file that can be written") from None
