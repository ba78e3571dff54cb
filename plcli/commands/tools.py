"""`plcli tools`: the tools of a workspace, what the model sees of them, who answers, and files for new ones."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, options
from plcli.commands.toolcall import call
from plcli.commands.toolcheck import check
from plcli.commands.toolimport import import_tools
from plcli.declarations import LONGEST_NAME, neutral_name
from plcli.errors import Exit, UsageError
from plcli.media import Json
from plcli.render.tools import Imported, show_tool, show_tools, show_written
from plcli.session import open_session
from plcli.toolbox import named_tool
from plcli.toolfacts import brief, compiled, facts
from plcli.tooluse import survey
from plcli.toolwriting import ToolDraft, forbid_replacing, plan, write

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, help="List tools, show, check, call, write and import them."
)


@app.command("list")
def list_tools(
    ctx: typer.Context,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """List the tools of the workspace: those with files, and those that requests name or hold.

    A table on a terminal, tab-separated lines in a pipe.

    Example: plcli tools list
    """
    session = open_session(options.screen_of(ctx), workspace=workspace)
    found = survey(session.workspace)
    for problem in found.problems:
        session.screen.warn(f"{problem.where}: {problem.message}")
    if not found.tools:
        folder = session.workspace.label(session.workspace.folder("tool"))
        session.screen.say(f"no tools: they are files in {folder}{os.sep}; plcli tools new NAME writes one")
    show_tools([brief(used) for used in found.tools], session.screen)
    return Exit.DONE


@app.command("show")
def show(
    ctx: typer.Context,
    name: completion.ToolName,
    api: Annotated[
        str | None, typer.Option("--api", metavar="API", help="Print the JSON that an api gets: chat, responses, ….")
    ] = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Show a tool: what the model sees, its handler and whether it may run, its stubs, and who uses it. Runs nothing.

    Examples:

      plcli tools show get_weather

      plcli tools show get_weather --api generate_content
    """
    session = open_session(options.screen_of(ctx), workspace=workspace)
    tool = named_tool(session.workspace, name)
    if api is not None:
        made = compiled(tool, api)
        for loss in made.losses:
            session.screen.warn(f"{loss.kind}: {loss.message}")
        session.screen.print(json.dumps(made.wire, indent=2, ensure_ascii=False))
        return Exit.DONE
    uses = survey(session.workspace).uses(tool.spec.name)
    show_tool(facts(session.workspace, tool, uses, session.user), session.screen)
    return Exit.DONE


@app.command("new")
def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model calls it by.")],
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="What it does; the model reads this.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="COMMAND", help="Its handler: program and arguments; no shell.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; default: the folder of tools.")
    ] = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Write a tool file to start from: one parameter, and a stub or a handler. What is there is never changed.

    Of a Python function, plcli tools import module.py:function makes a whole one.

    Examples:

      plcli tools new find_note

      plcli tools new count_words --command "wc -w" --description "Counts words."
    """
    session = open_session(options.screen_of(ctx), workspace=workspace)
    planned = plan(session.workspace, [_draft(name, description, command)], out)
    forbid_replacing(session.workspace, planned, f"take another name, or look at it: plcli tools show {name}")
    write(planned)
    label = session.workspace.label(planned[0].path)
    show_written(Imported([(planned[0], label)]), session.screen)
    session.screen.say(f"now say what it does and takes, then type: plcli validate {shlex.quote(label)}")
    return Exit.DONE


app.command("check")(check)
app.command("call")(call)
app.command("import")(import_tools)


def _draft(name: str, description: str | None, command: str | None) -> ToolDraft:
    """A tool to start from. Raises `UsageError`."""
    meant = neutral_name(name)
    if not name or meant != name:
        rule = f"letters, digits, _ and -, at most {LONGEST_NAME}, no digit first"
        raise UsageError(f"{name!r} is no name of a tool", hint=f"{rule}: {meant}" if meant else rule)
    fields: dict[str, Json] = {
        "description": description or f"What {name} does, and when to call it.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "What it is asked."}},
            "required": ["query"],
            "additionalProperties": False,
        },
        "strict": True,
    }
    if command is not None:
        # Without stubs of its own: those that --record-stubs keeps stand in a file beside it.
        return ToolDraft(name, {**fields, "command": _argv(command)})
    answer: Json = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    return ToolDraft(name, {**fields, "returns": answer, "stubs": [{"return": {"answer": "what it answers"}}]})


def _argv(command: str) -> list[Json]:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--command {command!r}: {str(error).lower()}", hint="close the quotes") from None
    if not argv:
        raise UsageError("--command is empty", hint='write --command "python3 tools/find.py"')
    return list(argv)
