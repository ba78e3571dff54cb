"""`plcli run`: make requests of specs, send them, show the answers, and log each run."""

from __future__ import annotations

import typer

from plcli import completion, options
from plcli.archives import recorded as recorded_runs
from plcli.connect import Limits
from plcli.continued import Further, continued, go_on, refuse_beside
from plcli.errors import UsageError
from plcli.inputs import read_answers, read_overrides
from plcli.orders import Together, carry_out, ordered, read, resolved
from plcli.policies import SECONDS, ToolTerms
from plcli.running import Running
from plcli.session import open_session
from plcli.snapshots import Snapshots
from plcli.toolterms import read_policies, tool_terms

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
    max_cost: options.MaxCost = None,
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
    recorded: options.Recorded = False,
    recordings: options.Recordings = None,
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

      plcli run prompts/hello.yaml@HEAD~3 --var name=Ada

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
    if recorded or recordings:
        running = recorded_runs(running, recordings)
    if inline and not dry_run:
        raise UsageError("--inline goes with --dry-run", hint="add --dry-run, or drop --inline")
    if continue_ is not None:
        others = {
            "SPEC": specs, "--prompt": prompt, "--var": var, "--vars": rows, "--set": set_, "--resume": resume,
            "--repeat": repeat > 1, "more than one --model": (model or [])[1:],
        }  # fmt: skip
        refuse_beside(running, continue_, [name for name, value in others.items() if value])
        with continued(running, continue_, "add --answer CALL=JSON, or --tools stub or run") as talk:
            for call, result in read_answers(session.workspace, answer or []):
                talk.give(call, result)
            further = Further(message, model[0] if model else None, strict=strict, dry_run=dry_run, inline=inline)
            return go_on(talk, continue_, further)
    if message is not None or answer:
        raise UsageError("--message and --answer go with --continue", hint='plcli run --continue last --message "…"')
    # What a handler of an older state needs may be any file of it.
    whole = not terms.policies.all.isdisjoint(("run", "ask"))
    with Snapshots(session.workspace, session.store, whole=whole) as snapshots:
        inputs = read(running, specs, prompt, var, rows, snapshots, example="prompts/hello.yaml")
        overrides = read_overrides(model or [], set_ or [])
        orders = list(
            ordered(inputs, lambda item: [resolved(session.workspace, item, each) for each in overrides], repeat)
        )
        together = Together(
            jobs, max_fail, resume, len(overrides), strict=strict, dry_run=dry_run, inline=inline, max_cost=max_cost
        )
        return carry_out(running, orders, together)
