"""`plcli init`: a workspace that runs at once."""

from __future__ import annotations

import json
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from plcli import options
from plcli import workspace as workspaces
from plcli.brevity import counted
from plcli.errors import Exit
from plcli.scaffold import Step, make_folder, scaffold

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Style(StrEnum):
    """Forms of the list."""

    text = "text"
    json = "json"


@app.command()
def init(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; made where there is none.")] = Path(),
    style: Annotated[
        Style, typer.Option("--format", help="How to list the files.", callback=options.note("format"))
    ] = Style.text,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Make a workspace that runs at once.

    It gets a request, a tool with a stub, a script to run them on without a key, schemas for editors, and lines in
    .gitignore and .gitattributes. What is there is kept, so that it can be called again.

    Example: plcli init playground
    """
    screen = options.screen_of(ctx)
    here = workspaces.here()
    make_folder(here / folder)
    workspace = workspaces.find(here, folder)
    around = next((above for above in workspace.root.parents if os.path.isfile(above / workspaces.FILE)), None)
    if workspace.file is None and around is not None:
        screen.warn(f"{folder} is inside the workspace {around}; neither will find the specs of the other by name")
    steps = []
    for step in scaffold(workspace):
        steps.append(step)
        if style is Style.text:
            screen.print(_line(step))
    fresh = steps[-1].action == "created"
    command = "plcli run hello" if fresh else "plcli validate"
    enter = "" if os.path.realpath(here) == str(workspace.root) else f"cd {shlex.quote(str(folder))} && "
    if style is Style.json:
        listed = {
            "workspace": str(workspace.root),
            "files": [step._asdict() for step in steps],
            "next": enter + command,
        }
        screen.print(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        screen.say(f"now type: {enter}{command}")
    return Exit.DONE


def _line(step: Step) -> str:
    """What was done to a file: `created  plcli.toml`."""
    added = f"{counted(step.lines, 'line')} added"
    return f"{added if step.action == 'added' else step.action:<13}  {step.path}"
