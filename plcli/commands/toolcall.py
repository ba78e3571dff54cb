"""`plcli tools call`: one call of a tool, as a model would make it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from plcli import completion, options
from plcli.answering import Answering
from plcli.errors import Exit, ToolError, UsageError
from plcli.handling import permission
from plcli.ingredients import offered_tool
from plcli.inputs import read_text
from plcli.media import Json, encode
from plcli.policies import SECONDS, Policies, ToolTerms
from plcli.providers import answer
from plcli.response import ToolCallPart
from plcli.session import Session, open_session
from plcli.toolanswers import Policy, ToolAnswer, compact
from plcli.toolbox import Tool, named_tool
from plcli.toolterms import read_policies, tool_terms

Arguments = Annotated[
    str, typer.Option("--args", "-a", metavar="JSON|@FILE|-", help="The arguments; the words of a free-form tool.")
]


def call(
    ctx: typer.Context,
    name: completion.ToolName,
    args: Arguments = "{}",
    tools: options.Tools = None,
    record_stubs: options.RecordStubs = False,
    tool_timeout: options.ToolTimeout = SECONDS,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    trust_host: options.TrustHost = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Call a tool once, as a model would: its arguments are checked, and so is what it answers.

    Without --tools, its handler answers if your side allows it, else its stubs. Nothing is logged.

    Examples:

      plcli tools call get_weather --args '{"city": "Paris"}'

      plcli tools call get_weather --args @args.json --tools run --record-stubs
    """
    session = open_session(options.screen_of(ctx), workspace=workspace, trust_hosts=trust_host, allow_paths=allow_path)
    tool = named_tool(session.workspace, name)
    session.tell_of_other_workspaces([tool.path])
    session.protect_granted([tool])
    name = tool.spec.name
    asked = ToolCallPart(name=name, arguments=_arguments(session, tool, args))
    policies = read_policies(tools or [])
    if others := sorted(policies.named.keys() - {name}):
        raise UsageError(f"--tools {others[0]}=…: the call is one of {name}", hint=f"--tools {name}=POLICY, or POLICY")
    policy = policies.of(name) or _policy(session, tool)
    terms = ToolTerms(Policies(policy), seconds=tool_timeout, record_stubs=record_stubs)
    answering = Answering(
        session.workspace,
        session.user,
        tool_terms(session, terms),
        {name: tool},
        lambda: {name: offered_tool(tool.spec)},
    )
    try:
        given = answering.answer(asked, tool_timeout)
    finally:
        answering.close()
    if given is None:
        raise ToolError(f"{name} was not answered", hint="--tools stub, run, or ask")
    _show(session, asked, given)
    if given.error is not None and not session.screen.machine:
        session.screen.error(f"{name}: {given.error}", _way_out(tool, given))
    return Exit.DONE if given.error is None else Exit.TOOL


def _way_out(tool: Tool, given: ToolAnswer) -> str | None:
    """What to look at where a call has failed; a stub that fails does what it says."""
    if given.wrong:
        return f"what it takes: plcli tools show {tool.spec.name}"
    return f"its handler is named in {tool.document.file}" if given.source == "run" else None


def _policy(session: Session, tool: Tool) -> Policy:
    """Who answers where the command line does not say: the handler if it may, else the stubs."""
    missing = permission.missing(session.workspace, tool, session.user) if tool.handled else ()
    if tool.handled and not missing:
        return "run"
    if tool.stubs:
        return "stub"
    if tool.handled:
        raise permission.refusal(tool, missing, session.user)
    raise ToolError(
        f"{tool.spec.name} has neither stubs nor a handler", hint=f"add `stubs` or `command` to {tool.document.file}"
    )


def _arguments(session: Session, tool: Tool, args: str) -> Json:
    """The arguments as a model would send them; what is no JSON is left for the check to say."""
    text = read_text(session.workspace, args, "--args")
    if tool.spec.format is not None:
        return text
    try:
        value = answer.parse(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


def _show(session: Session, asked: ToolCallPart, given: ToolAnswer) -> None:
    screen = session.screen
    if screen.machine:
        value = {
            "name": asked.name,
            "arguments": asked.arguments,
            "source": given.source,
            **({"result": encode(given.result)} if given.error is None else {"error": given.error}),
            "duration_ms": given.duration_ms,
        }
        screen.json(screen.redact(json.dumps(value, ensure_ascii=False)))
    elif given.error is None:
        text = given.result if isinstance(given.result, str) else compact(encode(given.result))
        screen.print(text)
        screen.say((f"{given.source} · {(given.duration_ms or 0) / 1000:.1f} s", "dim"))
