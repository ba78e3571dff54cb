"""`plcli run`: make requests of specs, send them, show the answers, and log each run."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from plcli import options
from plcli.completion import complete_model, complete_spec
from plcli.connect import Limits
from plcli.errors import Exit, UsageError
from plcli.inputs import Input, read_inputs, read_overrides
from plcli.media import encode, lower
from plcli.render.screen import open_screen
from plcli.resolve import Resolved, resolve
from plcli.running import Running
from plcli.session import open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    specs: Annotated[list[str] | None, typer.Argument(metavar="SPEC", help="Files or names of requests, or -.", autocompletion=complete_spec)] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="Run this text instead.")] = None,
    model: Annotated[
        str | None, typer.Option(
            "--model", "-m", metavar="MODEL", help="Another model: a name, or provider/model-id.",
            autocompletion=complete_model,
        )
    ] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable: k=v, k=@file, or k=- for stdin.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--vars", metavar="FILE", help="One run for each row of a JSONL, CSV or YAML file.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=YAML", help="Change the spec: params.temperature=0.2.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print wire and target; send nothing.")] = False,
    inline: Annotated[bool, typer.Option("--inline", help="With --dry-run: bytes instead of references.")] = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Wait for the whole answer.")] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest wait for one read.")
    ] = None,
    deadline: Annotated[
        float | None, typer.Option("--deadline", metavar="SECONDS", min=0.001, help="Longest time for a run.")
    ] = None,
    retries: Annotated[int | None, typer.Option("--retries", metavar="N", min=0, help="Tries after a failure.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to find the run by.")] = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="Leave no record.")] = False,
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
    screen = open_screen(quiet=quiet, verbose=verbose, shape=shape.value if shape else None)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    if bool(specs) == (prompt is not None):
        raise UsageError("one SPEC at least, or --prompt, is needed", hint='plcli run prompts/hello.yaml, or --prompt "…"')
    inputs = read_inputs(session.workspace, specs or [], prompt, var or [], rows)
    overrides = read_overrides(model, set_ or [])
    plans = [
        resolve(session.workspace, item.document, item.file, given=item.given, overrides=overrides) for item in inputs
    ]
    if dry_run:
        for plan in plans:
            screen.write(screen.out, _dry(plan, inline=inline, pretty=len(plans) == 1) + "\n")
        return Exit.DONE
    limits = Limits(timeout, deadline, retries)
    running = Running(session, "run", limits, stream=not no_stream, keep=not no_log, tags=tuple(tag or ()))
    return running.all(plans, [item.row for item in inputs])


def _dry(plan: Resolved, *, inline: bool, pretty: bool) -> str:
    """What would be sent; secrets of headers are not part of it."""
    wire, target = plan.compiled.wire, plan.compiled.target
    shown = lower(wire, plan.media.__getitem__) if inline else encode(wire)
    value = {"wire": shown, "target": {"operation": target.operation, "model": target.model}}
    return json.dumps(value, ensure_ascii=True, indent=2 if pretty else None)
