"""`plcli run`: make requests of specs, send them, show the answers, and log each run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import typer

from plcli import completion, options
from plcli.connect import Limits
from plcli.errors import Exit, SpecError, UsageError
from plcli.inputs import Input, read_inputs, read_overrides
from plcli.media import encode, lower
from plcli.records import Batch
from plcli.resolve import Overrides, Resolved, refusal, resolve
from plcli.running import Plan, Running
from plcli.session import Session, open_session
from plcli.several import Terms, run_several
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
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    if bool(specs) == (prompt is not None):
        what = "either SPEC or --prompt, not both" if specs else "one SPEC at least, or --prompt, is needed"
        raise UsageError(what, hint='plcli run prompts/hello.yaml, or plcli run --prompt "…"')
    if inline and not dry_run:
        raise UsageError("--inline goes with --dry-run", hint="add --dry-run, or drop --inline")
    inputs = read_inputs(session.workspace, specs or [], prompt, var or [], rows)
    _tell_of_other_workspaces(session, inputs)
    overrides = read_overrides(model or [], set_ or [])
    wanted = list(_wanted(session.workspace, inputs, overrides, repeat))
    if strict and any(each.resolved.losses for each in wanted):
        refused = (refusal(each.resolved) for each in wanted if each.resolved.losses)
        raise SpecError(dict.fromkeys(problem for refusal in refused for problem in refusal.problems))
    if dry_run:
        for told in dict.fromkeys(loss.told for each in wanted for loss in each.resolved.losses):
            screen.warn(told)
        for each in wanted:
            screen.write(screen.out, _dry(each.resolved, inline=inline, pretty=len(wanted) == 1) + "\n")
        return Exit.DONE
    running = Running(
        session,
        "run",
        Limits(timeout, deadline, retries),
        stream=not no_stream,
        keep=not no_log,
        tags=tuple(tag or ()),
    )
    requests = [each.resolved for each in wanted]
    places = left(resume, requests, session.log) if resume is not None else list(range(len(wanted)))
    connections = running.connections(requests)
    if len(wanted) == 1 and resume is None:
        return running.one(Plan(requests[0], connections[0])).exit
    if not places:
        screen.say(f"nothing is left of batch {resume}: all {len(wanted)} runs have their answers")
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
    compared = len(overrides) if resume is None else 1
    terms = Terms(jobs or compared, max_fail, session.user.max_cost, compared)
    return run_several(running, plans, terms, batch_id)


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


def _tell_of_other_workspaces(session: Session, inputs: Sequence[Input]) -> None:
    for file in dict.fromkeys(item.file for item in inputs if item.file is not None):
        if inner := session.workspace.inner(file):
            label, folder = session.workspace.label(file), session.workspace.label(inner)
            session.screen.warn(f"{label} belongs to the workspace {folder}: add --workspace {folder}")


def _resolved(workspace: Workspace, item: Input, overrides: Overrides) -> Resolved:
    try:
        return resolve(workspace, item.document, item.file, given=item.given, overrides=overrides)
    except UsageError as error:
        if item.row is None:
            raise
        raise UsageError(f"row {item.row + 1}: {error.message}", hint="--vars: change the row, or the spec") from None


def _dry(plan: Resolved, *, inline: bool, pretty: bool) -> str:
    """What would be sent; secrets of headers are not part of it."""
    wire, target = plan.compiled.wire, plan.compiled.target
    shown = lower(wire, plan.media.__getitem__) if inline else encode(wire)
    value = {"wire": shown, "target": {"operation": target.operation, "model": target.model}}
    return json.dumps(value, ensure_ascii=True, indent=2 if pretty else None)
