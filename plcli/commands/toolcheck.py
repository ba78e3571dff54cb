"""`plcli tools check`: whether tools are fit to use on each api, and their strict versions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, disk, options
from plcli import workspace as workspaces
from plcli.errors import Exit, Problem, SetupError, SpecError, UsageError
from plcli.keyshapes import secrets_of
from plcli.redact import Redactor
from plcli.render.problems import show_problems
from plcli.render.screen import Screen
from plcli.render.toolcheck import show_checked_tools, show_fixed_tools
from plcli.toolbox import Tool, named_file
from plcli.toolcheck import FixedTool, check_tool, fix_tool, sound_tool
from plcli.workspace import Workspace


def check(
    ctx: typer.Context,
    names: completion.ToolNames = None,
    fix: Annotated[bool, typer.Option("--fix", help="Write strict versions of the tools into their files.")] = False,
    workspace: options.WorkspaceRoot = None,
    style: Annotated[
        options.Report, typer.Option("--format", help="How to report.", callback=options.note("format"))
    ] = options.Report.text,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Tell what each api makes of tools: strict mode, keywords that are ignored or refused. Sends nothing.

    Without a name all tools with files are checked. Strict mode has no optional arguments: --fix makes them
    required ones that may be null, and handlers get the null.

    Examples:

      plcli tools check get_weather

      plcli tools check get_weather --fix
    """
    screen = options.screen_of(ctx)
    found = workspaces.find(workspaces.here(), workspace)
    screen.redact = Redactor(secrets_of(os.environ)).text
    broken: list[Problem] = []
    tools: list[Tool] = []
    files = _files(found, names or ())
    for path in files:
        try:
            tools.append(sound_tool(found, path))
        except SpecError as error:
            broken += error.problems
    if not files:
        screen.say(f"no tools: tool specs are files in {found.label(found.folder('tool'))}/")
    findings = _fix(found, tools, broken, screen, style) if fix else _check(tools, broken, screen, style)
    return Exit.FILE if broken else Exit.FINDING if findings else Exit.DONE


def _check(tools: Sequence[Tool], broken: Sequence[Problem], screen: Screen, style: options.Report) -> bool:
    """Show what checking finds; whether there are errors."""
    checked = [check_tool(tool) for tool in tools]
    problems = [problem for one in checked for problem in one.problems]
    if style is options.Report.github:
        show_problems([*problems, *broken], screen, "github")
    else:
        show_checked_tools(checked, broken, screen)
    return any(problem.severity == "error" for problem in problems)


def _fix(
    workspace: Workspace, tools: Sequence[Tool], broken: list[Problem], screen: Screen, style: options.Report
) -> bool:
    """Write the strict versions and show what they change; whether a tool has none. `broken` gets what is wrong."""
    fixed: list[FixedTool] = []
    for tool in tools:
        if not tool.path.is_relative_to(workspace.root):
            hint = "name the workspace that it belongs to with --workspace DIR"
            raise UsageError(f"{tool.document.file} is not in the workspace, so it is not written to", hint=hint)
        try:
            fixed.append(fix_tool(workspace, tool))
        except SpecError as error:
            broken += error.problems
    for one in fixed:
        if one.text is not None:
            _write(one.tool, one.text)
    if style is options.Report.github:
        problems = [problem for one in fixed for problem in (*one.left, *one.warnings)]
        show_problems([*problems, *broken], screen, "github")
    else:
        show_fixed_tools(fixed, broken, screen)
    return any(one.left for one in fixed)


def _write(tool: Tool, text: str) -> None:
    """Put the text in the place of the tool's file. Raises `SetupError` where it cannot be written."""
    try:
        disk.replace(tool.path, text.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "check the permissions of the file and of its folder"
        raise SetupError(f"{tool.document.file} cannot be written: {reason}", hint=hint) from None


def _files(workspace: Workspace, names: Sequence[str]) -> list[Path]:
    """The files of these tools, or of all. Raises `UsageError` for a name that no tool has."""
    every = (path for paths in workspace.names("tool").values() for path in paths)
    found = [named_file(workspace, name) for name in names] if names else every
    # Shells write out `tools/*.yaml`, and the stubs there are no tools.
    tools = (path for path in found if not path.stem.endswith(".stubs"))
    return list(dict.fromkeys(Path(os.path.realpath(path)) for path in tools))
