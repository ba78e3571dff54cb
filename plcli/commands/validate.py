"""`plcli validate`: every problem of spec files, at once."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from plcli import options
from plcli import workspace as workspaces
from plcli.brevity import counted
from plcli.errors import Exit
from plcli.keyshapes import secrets_of
from plcli.redact import Redactor
from plcli.render.problems import show_problems
from plcli.validate import check

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def validate(
    ctx: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Files, folders, globs, or -.")] = None,
    style: Annotated[
        options.Report, typer.Option("--format", help="How to report.", callback=options.note("format"))
    ] = options.Report.text,
    workspace: options.WorkspaceRoot = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Check spec files and report every problem.

    Without a path the whole workspace is checked. References are followed: models, tools, schemas, files.

    Example: plcli validate prompts/weather.yaml
    """
    screen = options.screen_of(ctx)
    found = workspaces.find(workspaces.here(), workspace, allowed=tuple(allow_path or ()))
    screen.redact = Redactor(secrets_of(os.environ)).text
    report = check(found, paths or [str(found.root)], sys.stdin.buffer, today=datetime.now(UTC).date())
    show_problems(report.problems, screen, style.value)
    errors = sum(problem.severity == "error" for problem in report.problems)
    warnings = len(report.problems) - errors
    counts = ((len(report.files), "file"), (errors, "error"), (warnings, "warning"))
    screen.say(", ".join(counted(count, word) for count, word in counts))
    return Exit.FILE if errors else Exit.DONE
