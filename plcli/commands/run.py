"""`plcli run`: make requests of specs, send them, show the answers, and log each run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import typer

from plcli import completion, options
from plcli.connect import Limits
from plcli.continued import continued
from plcli.errors import Exit, SpecError, UsageError
from plcli.inputs import Input, read_answers, read_inputs, read_overrides, read_text
from plcli.media import Json, encode, lower
from plcli.policies import SECONDS, ToolTerms
from plcli.records import Batch
from plcli.resolve import Overrides, Resolved, refusal, resolve
from plcli.running import Plan, Running
from plcli.runs import reader
from plcli.session import Session, open_session
from plcli.several import Terms, run_several
from plcli.talk import Talk
from plcli.toolterms import check_tools, read_policies, tool_terms
from plcli.unfinished import left
from plcli.workspace import Workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    ctx: typer.Context,
    specs: completion.Specs = None,
    prompt: options.Prompt = None,
    model: completion.Models = None,
    var: options.Var = None,
    rows: options.Rows = None,
    set_: options.Set = None,
    strict: options.Strict = False,
    repeat: options.Repeat = 1,
    jobs: options.Jobs = None,
    max_fail: options.MaxFail = None,
    resume: options.Resume = None,
    dry_run: options.DryRun = False,
    inline: options.Inline = False,
    tools: options.Tools = None,
    strict_tools: options.StrictTools = False,
    record_stubs: options.RecordStubs = False,
    max_rounds: options.MaxRounds = 10,
    max_calls: options.MaxCalls = 100,
    tool_timeout: options.ToolTimeout = SECONDS,
    continue_: completion.Continued = None,
    message: options.Message = None,
    answer: options.Answer = None,
    no_stream: options.NoStream = False,
    timeout: options.Timeout = None,
    deadline: options.Deadline = None,
    retries: options.Retries = None,
    tag: options.Tag = None,
    no_log: options.NoLog = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    trust_host: options.TrustHost = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Run request specs, or one prompt, and log each run.

    Examples:

      plcli run prompts/hello.yaml --var name=Ada

      plcli run --prompt "Say hello" --model echo/any

      plcli run prompts/hello.yaml --vars rows.jsonl --jobs 8

      plcli run weather --tools stub

      plcli run --continue last --message "And tomorrow?"
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    terms = ToolTerms(
        read_policies(tools or []), max_rounds, max_calls, tool_timeout, strict_tools, record_stubs, not dry_run
    )
    running = Running(
        session,
        "run",
        Limits(timeout, deadline, retries),
        stream=not no_stream,
        keep=not no_log and not dry_run,
        tags=tuple(tag or ()),
        terms=tool_terms(session, terms, continued=continue_ is not None),
    )
    if inline and not dry_run:
        raise UsageError("--inline goes with --dry-run", hint="add --dry-run, or drop --inline")
    if continue_ is not None:
        others = {
            "SPEC": specs, "--prompt": prompt, "--var": var, "--vars": rows, "--set": set_, "--resume": resume,
            "--repeat": repeat > 1, "more than one --model": (model or [])[1:],
        }  # fmt: skip
        _alone(continue_, [name for name, value in others.items() if value])
        given = read_answers(session.workspace, answer or [])
        said = None if message is None else read_text(session.workspace, message, "--message")
        if said is not None and not said.strip():
            raise UsageError("--message says nothing", hint=f'plcli run --continue {continue_} --message "…"')
        with continued(running, continue_, "add --answer CALL=JSON, or --tools stub or run") as talk:
            _prepare(talk, continue_, said, given, model[0] if model else None)
            if strict:
                _refuse_losses([talk.following(said)])
            if dry_run:
                return _dry_run(session, [talk.following(said)], inline=inline)
            return talk.say(said, alone=True).exit
    if message is not None or answer:
        raise UsageError("--message and --answer go with --continue", hint='plcli run --continue last --message "…"')
    if bool(specs) == (prompt is not None):
        what = "either SPEC or --prompt, not both" if specs else "one SPEC at least, or --prompt, is needed"
        raise UsageError(what, hint='plcli run prompts/hello.yaml, or plcli run --prompt "…"')
    inputs = read_inputs(session.workspace, specs or [], prompt, var or [], rows)
    session.tell_of_other_workspaces(item.file for item in inputs if item.file is not None)
    overrides = read_overrides(model or [], set_ or [])
    wanted = list(_wanted(session.workspace, inputs, overrides, repeat))
    requests = [each.resolved for each in wanted]
    if strict:
        _refuse_losses(requests)
    check_tools(running.terms, requests)
    if dry_run:
        return _dry_run(session, requests, inline=inline)
    if len(wanted) == 1 and resume is None:
        return running.one(Plan(requests[0], running.connections(requests)[0])).exit
    compared = len(overrides) if resume is None else 1
    return _batch(running, wanted, Terms(jobs or compared, max_fail, session.user.max_cost, compared), resume)


def _batch(running: Running, wanted: Sequence[_Wanted], terms: Terms, resume: str | None) -> int:
    """Run several, or what a batch has left."""
    session, requests = running.session, [each.resolved for each in wanted]
    places = left(resume, requests, session.log) if resume is not None else list(range(len(wanted)))
    connections = running.connections(requests)
    if not places:
        session.screen.say(f"nothing is left of batch {resume}: all {len(wanted)} runs have their answers")
        return Exit.DONE
    batch_id = resume or uuid.uuid4().hex[:12]
    plans = [
        Plan(
            requests[place],
            connections[place],
            Batch(id=batch_id, n=len(wanted), row=wanted[place].row, repeat=wanted[place].repeat),
        )
        for place in places
    ]
    return run_several(running, plans, terms, batch_id)


def _alone(continued: str, others: Sequence[str]) -> None:
    """Raise `UsageError` for what does not go with `--continue`."""
    if others:
        hint = f'plcli run --continue {continued} --message "…"'
        raise UsageError(f"{others[0]} does not go with --continue", hint=hint)


def _prepare(
    talk: Talk, continued: str, said: str | None, given: Sequence[tuple[str, Json]], model: str | None
) -> None:
    """Do what the command line says before something is said. Raises `UsageError` where there is nothing to do."""
    if said is None and talk.standing.over:
        hint = f'plcli run --continue {continued} --message "…"'
        raise UsageError(f"run {continued} has its answer", hint=hint)
    for call, result in given:
        talk.give(call, result)
    if model is not None:
        talk.move(model)


def _refuse_losses(requests: Sequence[Resolved]) -> None:
    """Raise `SpecError` where a model cannot carry everything of its request."""
    refused = [refusal(each) for each in requests if each.losses]
    if refused:
        raise SpecError(dict.fromkeys(problem for refusal in refused for problem in refusal.problems))


def _dry_run(session: Session, requests: Sequence[Resolved], *, inline: bool) -> int:
    """Print what would be sent."""
    for told in dict.fromkeys(loss.told for each in requests for loss in each.losses):
        session.screen.warn(told)
    for each in requests:
        shown = _dry(each, session, inline=inline, pretty=len(requests) == 1)
        session.screen.write(session.screen.out, shown + "\n")
    return Exit.DONE


class _Wanted(NamedTuple):
    """A run that is asked for: its request, and its row and repetition where there are several."""

    resolved: Resolved
    row: int | None
    repeat: int | None


def _wanted(
    workspace: Workspace, inputs: Sequence[Input], overrides: Sequence[Overrides], repeat: int
) -> Iterator[_Wanted]:
    """Every input so often with every model."""
    for item in inputs:
        resolved = [_resolved(workspace, item, each) for each in overrides]
        for number in range(repeat):
            yield from (_Wanted(one, item.row, number if repeat > 1 else None) for one in resolved)


def _resolved(workspace: Workspace, item: Input, overrides: Overrides) -> Resolved:
    try:
        return resolve(workspace, item.document, item.file, given=item.given, overrides=overrides)
    except UsageError as error:
        if item.row is None:
            raise
        raise UsageError(f"row {item.row + 1}: {error.message}", hint="--vars: change the row, or the spec") from None


def _dry(resolved: Resolved, session: Session, *, inline: bool, pretty: bool) -> str:
    """What would be sent; secrets of headers are not part of it."""
    wire, target = resolved.compiled.wire, resolved.compiled.target
    shown = lower(wire, reader(resolved.media, session.store)) if inline else encode(wire)
    value = {"wire": shown, "target": {"operation": target.operation, "model": target.model}}
    return json.dumps(value, ensure_ascii=True, indent=2 if pretty else None)
