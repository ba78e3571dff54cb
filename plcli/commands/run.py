"""`plcli run`: make requests of specs, send them, show the answers, and log each run."""

from __future__ import annotations

import json

import typer

from plcli import completion, options
from plcli.connect import Limits
from plcli.errors import Exit, UsageError
from plcli.inputs import Input, read_inputs, read_overrides
from plcli.media import encode, lower
from plcli.resolve import Overrides, Resolved, resolve
from plcli.running import Running
from plcli.session import open_session
from plcli.workspace import Workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    ctx: typer.Context,
    specs: completion.Specs = None,
    prompt: options.Prompt = None,
    model: completion.Model = None,
    var: options.Var = None,
    rows: options.Rows = None,
    set_: options.Set = None,
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
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    if bool(specs) == (prompt is not None):
        what = "either SPEC or --prompt, not both" if specs else "one SPEC at least, or --prompt, is needed"
        raise UsageError(what, hint='plcli run prompts/hello.yaml, or plcli run --prompt "…"')
    if inline and not dry_run:
        raise UsageError("--inline goes with --dry-run", hint="add --dry-run, or drop --inline")
    inputs = read_inputs(session.workspace, specs or [], prompt, var or [], rows)
    for file in dict.fromkeys(item.file for item in inputs if item.file is not None):
        if inner := session.workspace.inner(file):
            folder = session.workspace.label(inner)
            screen.warn(f"{session.workspace.label(file)} belongs to the workspace {folder}: add --workspace {folder}")
    overrides = read_overrides(model, set_ or [])
    plans = [_plan(session.workspace, item, overrides) for item in inputs]
    if dry_run:
        for plan in plans:
            screen.write(screen.out, _dry(plan, inline=inline, pretty=len(plans) == 1) + "\n")
        return Exit.DONE
    limits = Limits(timeout, deadline, retries)
    running = Running(session, "run", limits, stream=not no_stream, keep=not no_log, tags=tuple(tag or ()))
    return running.all(plans, [item.row for item in inputs])


def _plan(workspace: Workspace, item: Input, overrides: Overrides) -> Resolved:
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
