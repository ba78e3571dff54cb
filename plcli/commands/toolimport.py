"""`plcli tools import`: tool files from JSON lists, logged runs, Python functions and MCP servers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from plcli import options
from plcli.cancel import Cancel
from plcli.documents import FORMATS, MAX_BYTES
from plcli.errors import Exit, LogError, SpecError, UsageError
from plcli.fence import BadReference, Opened, read_regular
from plcli.handling.mcp_answers import McpFailed
from plcli.handling.mcp_client import Servers
from plcli.media import Json
from plcli.render.errors import error_json, error_text
from plcli.render.tools import Imported, show_drafts, show_written
from plcli.session import Session, open_session
from plcli.stubwriting import record_stub
from plcli.toolbox import read_tool
from plcli.toolimport import Answered, Gathered, from_function, from_list, from_run, from_server
from plcli.toolwriting import Planned, forbid_replacing, plan, write

_FUNCTION = re.compile(r"(.+\.py):(.*)")


def import_tools(
    ctx: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="FILE, RUN, module.py:function, mcp URL, or mcp -- COMMAND."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; default: the folder of tools.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over tools that are there; their stubs and handlers stay.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the files; write nothing.")] = False,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="NAME", help="A variable that the MCP server or the function may see."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest time for an MCP server.")
    ] = 30.0,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Write tool files from what is there already.

    FILE is JSON or YAML: a list of tools as OpenAI, Gemini or MCP write them, one tool, or a request body that has
    tools. A RUN gives the tools that it declared, and stubs from the answers that they got. A Python function is
    read, never run. An MCP server is started, or asked at its URL, and every tool that it lists gets a file.

    Examples:

      plcli tools import tools.json

      plcli tools import handlers/weather.py:get_weather

      plcli tools import mcp -- python3 servers/notes.py
    """
    session = open_session(options.screen_of(ctx), workspace=workspace, log=log)
    gathered = _gathered(session, source, env or (), timeout)
    planned = plan(session.workspace, gathered.drafts, out)
    if not force:
        hint = "add --force, which keeps their stubs and handlers, or write elsewhere: --out DIR"
        forbid_replacing(session.workspace, planned, hint)
    rows = [(one, session.workspace.label(one.path)) for one in planned]
    if dry_run:
        would = Counter(answer.tool for answer in gathered.answers)
        show_drafts(Imported(rows, would, gathered.skipped), session.screen)
    else:
        write(planned)
        stubs = _record_stubs(session, planned, gathered.answers)
        show_written(Imported(rows, stubs, gathered.skipped), session.screen)
    return _tell_problems(session, planned)


def _gathered(session: Session, source: Sequence[str], env: Sequence[str], timeout: float) -> Gathered:
    """What a source holds. Raises `UsageError`, `SpecError`, `LogError`, and what asking a server raises."""
    if source[0] == "mcp":
        return _of_server(session, source[1:], env, timeout)
    if len(source) > 1:
        raise UsageError("one source at a time", hint=f"plcli tools import {source[0]}")
    name = source[0]
    path = Path(os.path.realpath(session.workspace.start / name))
    if found := _FUNCTION.fullmatch(name):
        path = Path(os.path.realpath(session.workspace.start / found[1]))
        return from_function(session.workspace, path, found[2], env)
    if name.endswith(".py"):
        raise UsageError(f"{name}: which function?", hint=f"plcli tools import {name}:FUNCTION")
    if name == "-":
        return from_list(Opened(path, sys.stdin.buffer.read(MAX_BYTES + 1)), name)
    if os.path.isfile(path) or path.suffix.lower() in FORMATS:
        try:
            return from_list(Opened(path, read_regular(path, name)), name)
        except BadReference as error:
            raise UsageError(error.message, hint=error.hint or "name a file with a list of tools") from None
    return _of_run(session, name)


def _of_run(session: Session, name: str) -> Gathered:
    try:
        record = session.log.find(name)
    except UsageError as error:
        hint = f"a source is a file, a run, module.py:function, or mcp; {error.hint}"
        raise UsageError(error.message, hint=hint) from None
    try:
        return from_run(record)
    except ValueError as error:
        raise LogError(f"the wires of run {record.id} are damaged: {error}", where=str(session.log.path)) from None


def _of_server(session: Session, asked: Sequence[str], env: Sequence[str], timeout: float) -> Gathered:
    """The tools of a server that the command line names, which is what allows it to be started."""
    if not asked:
        raise UsageError("which MCP server?", hint="plcli tools import mcp URL, or mcp -- COMMAND")
    variables = session.user.variables
    if absent := [name for name in env if name not in variables]:
        raise UsageError(f"--env {absent[0]}: it is not set", hint=f"export {absent[0]}=…")
    session.protect(variables[name] for name in env)
    url = asked[0] if len(asked) == 1 and "://" in asked[0] else None
    command = None if url else tuple(asked)

    def tell(line: str) -> None:
        session.screen.say((line, "dim"))

    try:
        with Servers(session.workspace, session.user, tell=tell, cancel=Cancel()) as servers:
            listing = servers.list(command, url, {name: variables[name] for name in env}, timeout)
    except McpFailed as error:
        hint = "check the URL, and that its server runs" if url else "check the command, which runs in the workspace"
        raise McpFailed(error.message, hint=error.hint or hint) from None
    handler: dict[str, Json] = {"url": url} if url else {"command": list(asked)}
    if not listing:
        raise UsageError(f"{asked[0]} lists no tools", hint="check the command or the URL of the server")
    return from_server(listing, handler, env)


def _record_stubs(session: Session, planned: Sequence[Planned], answers: Sequence[Answered]) -> Counter[str]:
    """Write the answers of a run down as stubs beside their tools; gives how many each tool got."""
    written: Counter[str] = Counter()
    by_name = {one.name: one for one in planned if not one.wrong}
    for name, one in by_name.items():
        given = [answer for answer in answers if answer.tool == name]
        if not given:
            continue
        tool = read_tool(session.workspace, one.path)
        try:
            for answer in given:
                written[name] += record_stub(session.workspace, tool, answer.arguments, answer.result) is not None
        except (SpecError, BadReference) as error:
            session.screen.warn(f"{name}: its answers became no stubs: {error.message}")
    return written


def _tell_problems(session: Session, planned: Sequence[Planned]) -> int:
    problems = sorted((problem for one in planned for problem in one.problems), key=lambda one: (one.file, one.path))
    if not any(one.wrong for one in planned):
        for problem in problems:
            session.screen.warn(f"{problem.where}: {problem.message}")
        return Exit.DONE
    screen, told = session.screen, error_json if session.screen.machine else error_text
    screen.write(screen.err, told(SpecError(problems), screen.redact) + "\n")
    return Exit.FILE
