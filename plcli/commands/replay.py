"""`plcli replay`: send logged runs again, or hold today's specs against their recordings, and compare."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from plcli import completion, options
from plcli.brevity import counted
from plcli.compare import CHECKS, parse_checks
from plcli.connect import Limits
from plcli.errors import Exit, UsageError
from plcli.inputs import read_overrides, read_spec, read_variables
from plcli.judging import Judge
from plcli.keeping import put_in_place
from plcli.mediastore import MediaStore
from plcli.modelrefs import asked_model
from plcli.orders import dry_run as show_wires
from plcli.pacing import lowest
from plcli.policies import SECONDS, ToolTerms
from plcli.render.reports import Reports
from plcli.render.reports import parse as parse_reports
from plcli.replaying import Changes, Replaying
from plcli.replays import Replays, new_batch
from plcli.replays.choice import Choice, choose
from plcli.replays.tasks import How, batch_in
from plcli.running import Running
from plcli.selecting import selection
from plcli.session import Session, open_session
from plcli.snapshots import Snapshots
from plcli.toolterms import read_policies, tool_terms
from plcli.workspace import MEDIA

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Files = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="FILE", help="Runs of these files instead of the log: recordings/weather.jsonl."),
]
Checks = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="NAME[=N],…", help=f"What must be as it was: {', '.join(CHECKS)}."),
]
ReportTo = Annotated[
    list[str] | None,
    typer.Option("--report", metavar="FORM=FILE,…", help="Write junit=FILE, json=FILE, markdown=FILE."),
]


@app.command()
def replay(
    ctx: typer.Context,
    runs: completion.RunRefs = None,
    files: Files = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Send nothing: hold today's specs against their recordings.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Run what is not as it was recorded, and replace its recordings.")
    ] = False,
    checks: Checks = None,
    model: completion.Model = None,
    set_: options.Set = None,
    var: options.Var = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="SPEC[@REV]",
            help="Make the requests by this spec, with the variables of the runs.",
            autocompletion=completion.complete_spec,
        ),
    ] = None,
    strict: options.Strict = False,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Send each unchanged first, to tell noise from the change.")
    ] = False,
    each: Annotated[bool, typer.Option("--each", help="Send every exchange of a run on its own.")] = False,
    repeat: Annotated[int, typer.Option("--repeat", metavar="N", min=1, help="Replay each run so often.")] = 1,
    spec: completion.OfSpec = None,
    of_model: completion.FromModel = None,
    tag: completion.OfTag = None,
    state: completion.OfState = None,
    since: options.Since = None,
    where: options.Where = None,
    count: options.Count = None,
    everything: options.All = False,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts of the runs.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Runs at once.")] = 1,
    max_fail: options.MaxFail = None,
    max_cost: options.MaxCost = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="BATCH", help="Only what this batch has not done.")
    ] = None,
    report: ReportTo = None,
    dry_run: options.DryRun = False,
    inline: options.Inline = False,
    tools: options.Tools = None,
    max_rounds: options.MaxRounds = 10,
    max_calls: options.MaxCalls = 100,
    tool_timeout: options.ToolTimeout = SECONDS,
    no_stream: options.NoStream = False,
    timeout: options.Timeout = None,
    deadline: options.Deadline = None,
    retries: options.Retries = None,
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
    """Send logged runs again and compare, or test specs against recordings.

    With --recorded nothing is sent, and no key is needed: today's specs must make the requests that were recorded.

    A verdict is identical, equivalent (all checks pass), drifted, failed, or not-replayable. Calls of tools are
    answered as they were; --tools says otherwise. Replays are not replayed themselves unless they are named.

    Examples:

      plcli replay last

      plcli replay last~9..last -m openai/gpt-6.2-sol --check tool-calls

      plcli replay --recorded

      plcli replay --from recordings/weather.jsonl --update
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    overrides = read_overrides([model] if model else [], set_ or [])[0]
    if model:
        asked_model(session.workspace, model)
    given = read_variables(session.workspace, var or [])
    _check_together(ctx.params)
    everything_kept = everything or (count is None and (files is not None or recorded or update))
    chosen = selection(session.workspace, {**ctx.params, "model": of_model, "everything": everything_kept})
    earlier = batch_in(session.log, resume, baseline=baseline) if resume is not None else None
    if earlier is not None:
        # The same runs as then are meant: not those that the batch itself has left in the log since.
        session.log.before = earlier.first
    if not (runs or files or recorded or update or everything or count or chosen.filter.asks):
        raise UsageError("no run is named", hint="plcli replay last; --all, --from FILE or a filter names several")
    choice = choose(session, runs or (), chosen, files=files, kept=recorded or update, update=update, shard=shard)
    found = choice.places
    how = How(
        jobs=jobs,
        repeat=repeat,
        max_fail=max_fail,
        max_cost=lowest(max_cost, session.user.max_cost),
        each=each,
        baseline=baseline,
        recorded=recorded and not update,
        update=update,
        strict=strict,
        batch=resume or (None if len(found) * repeat == 1 and not each else new_batch()),
        done=earlier.done if earlier is not None else frozenset(),
        stream=not no_stream,
    )
    terms = ToolTerms(read_policies(tools or []), max_rounds, max_calls, tool_timeout, handlers=not dry_run)
    running = Running(
        session,
        "replay",
        Limits(timeout, deadline, retries),
        stream=not no_stream,
        keep=not no_log and not dry_run and not how.recorded,
        terms=tool_terms(session, terms, continued=True),
    )
    if not found and not choice.damaged:
        return _nothing(session, choice, recorded=recorded or update, sharded=shard is not None)
    with ExitStack() as ending:
        # What a handler of an older state needs may be any file of it.
        whole = not terms.policies.all.isdisjoint(("run", "ask"))
        snapshots = ending.enter_context(Snapshots(session.workspace, session.store, whole=whole))
        other = read_spec(session.workspace, with_, snapshots) if with_ is not None else None
        changes = Changes(overrides.model, overrides.set, given, other)
        replaying = Replaying(session.workspace, session.store, snapshots, changes)
        judge = Judge(session.workspace, session.store, session.redactor, parse_checks(checks or []))
        if dry_run:
            make = replaying.today if recorded or update else replaying.changed
            requests = [make(one) for log, at in found if (one := log.record_at(at)) is not None]
            return show_wires(session, requests, inline=inline)
        reports = ending.enter_context(
            Reports(
                parse_reports(report or []),
                root=session.workspace.root,
                command="replay",
                redact=lambda text: session.redactor.text(text),
                screen=screen,
            )
        )
        if how.batch is not None and running.keep:
            screen.say((f"batch {how.batch}: {counted(len(found) * repeat, 'replay')}", "dim"))
        replays = Replays(running, replaying, judge, found, how, reports, choice.recordings)
        ending.callback(_update, session, replays)
        return replays.run()


def _check_together(given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for options that contradict each other; `given` are the values of all."""
    stated = {f"--{name.strip('_').replace('_', '-')}" for name, value in given.items() if value}
    if given["repeat"] == 1:
        stated.remove("--repeat")

    def first(*options: str) -> str | None:
        return next((option for option in options if option in stated), None)

    changed, kept = first("--model", "--set", "--var", "--with"), first("--update", "--recorded")
    other = changed or first("--each", "--baseline", "--repeat", "--resume")
    if "--baseline" in stated and changed is None:
        raise UsageError("--baseline compares a change with none", hint="add --model, --set, --var or --with")
    if kept is not None and other is not None:
        raise UsageError(
            f"{other} does not go with {kept}", hint=f"plcli replay {kept} replays specs as they are today"
        )
    if "--each" in stated and changed is not None:
        raise UsageError(f"{changed} does not go with --each", hint="change the run as a whole, without --each")
    if {"--update", "--no-log"} <= stated:
        raise UsageError("--no-log does not go with --update", hint="a recording is a run of the log")
    if {"--resume", "--no-log"} <= stated:
        raise UsageError("--no-log does not go with --resume", hint="the log says what a batch has done")


def _nothing(session: Session, choice: Choice, *, recorded: bool, sharded: bool) -> int:
    """Say that there is nothing to replay: a test suite that is empty is no success, an empty part of one is."""
    folder = session.workspace.label(session.workspace.recordings)
    where = f": no recordings in {folder}" if recorded and not choice.recordings else ""
    session.screen.say(f"nothing to replay{where}")
    return Exit.OFFLINE if recorded and not sharded else Exit.DONE


def _update(session: Session, replays: Replays) -> None:
    """Put new runs in the places of the recordings that they replace."""
    for log, records in replays.updates.items():
        store = MediaStore(log.path.parent / MEDIA)
        placed = put_in_place(records, log, store, session.store)
        name = session.workspace.label(log.path)
        if placed:
            session.screen.say(f"{counted(placed, 'recording')} of {name} replaced; look at them: git diff")
        if placed < len(records):
            left = counted(len(records) - placed, "recording")
            session.screen.warn(f"{left} of {name} gone meanwhile: what was to replace them is in the log alone")
    if replays.unfit:
        left = counted(replays.unfit, "recording")
        session.screen.warn(f"{left} not replaced: the new run failed, or is not what its spec expects")
