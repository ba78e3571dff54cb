"""`plcli image`: make pictures of request specs or of a prompt, show them as cards, and log each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, options
from plcli.archives import recorded as recorded_runs
from plcli.connect import Limits
from plcli.continued import Further, continued, go_on, refuse_beside
from plcli.drawing import Drawing, takes_n
from plcli.errors import UsageError
from plcli.inputs import Input, read_overrides, read_picture
from plcli.orders import Together, carry_out, ordered, read, resolved
from plcli.overrides import Overrides
from plcli.picturefiles import PictureFiles
from plcli.policies import ToolTerms
from plcli.resolve import Resolved
from plcli.running import Running
from plcli.session import open_session
from plcli.snapshots import Snapshots
from plcli.toolterms import tool_terms
from plcli.workspace import Workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)

TOGETHER = 10
"""Pictures that one request asks for at most, where the api takes a number."""

AT_ONCE = 4
"""Runs at once, at most, unless the command line says otherwise."""

Count = Annotated[
    int | None, typer.Option("--count", "-n", metavar="N", min=1, help="So many pictures, in as many runs as it takes.")
]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", "-i", metavar="FILE|URL|-", help="A picture to begin with; repeatable.")
]
Mask = Annotated[
    str | None, typer.Option("--mask", metavar="FILE|URL", help="Where to edit: the transparent parts of a PNG.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="Copy the pictures there; nothing is overwritten.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help=f"Runs at once; default: up to {AT_ONCE}.")
]
Open = Annotated[bool, typer.Option("--open", help="Show the pictures in the system's viewer.")]


@app.command()
def image(
    ctx: typer.Context,
    specs: completion.Specs = None,
    prompt: options.Prompt = None,
    model: completion.Models = None,
    inputs: Inputs = None,
    mask: Mask = None,
    count: Count = None,
    out: Out = None,
    open_: Open = False,
    var: options.Var = None,
    rows: options.Rows = None,
    set_: options.Set = None,
    strict: options.Strict = False,
    repeat: options.Repeat = 1,
    jobs: Jobs = None,
    max_fail: options.MaxFail = None,
    max_cost: options.MaxCost = None,
    resume: options.Resume = None,
    dry_run: options.DryRun = False,
    inline: options.Inline = False,
    continue_: completion.Continued = None,
    message: options.Message = None,
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
    """Make or edit pictures, and log each run.

    Examples:

      plcli image prompts/logo.yaml --out pictures

      plcli image --prompt "A red fox" --model openai/gpt-image-2.6-flare -n 4

      plcli image --prompt "Add a hat" --input fox.png --mask head.png

      plcli image --continue last --message "Now at night"
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    if inline and not dry_run:
        raise UsageError("--inline goes with --dry-run", hint="add --dry-run, or drop --inline")
    if no_log and out is None and not dry_run:
        raise UsageError("without a log the pictures would be kept nowhere", hint="add --out DIR, or drop --no-log")
    files = PictureFiles(session.store, None if out is None or dry_run else session.workspace.start / out)
    running = Running(
        session,
        "image",
        Limits(timeout, deadline, retries),
        stream=not no_stream,
        keep=not no_log and not dry_run,
        tags=tuple(tag or ()),
        terms=tool_terms(session, ToolTerms(), continued=continue_ is not None),
        files=files,
    )
    if recorded or recordings:
        running = recorded_runs(running, recordings)
    pictures = [read_picture(session.workspace, source, "--input") for source in inputs or []]
    if continue_ is not None:
        others = {
            "SPEC": specs, "--prompt": prompt, "--var": var, "--vars": rows, "--set": set_, "--resume": resume,
            "--repeat": repeat > 1, "--mask": mask, "--count": count, "more than one --model": (model or [])[1:],
        }  # fmt: skip
        refuse_beside(running, continue_, [name for name, value in others.items() if value])
        with continued(running, continue_, "plcli run --continue RUN --answer CALL=JSON") as talk:
            asked = model[0] if model else None
            further = Further(message, asked, tuple(pictures), strict=strict, dry_run=dry_run, inline=inline)
            return _ended(running, files, open_, go_on(talk, continue_, further))
    if message is not None:
        raise UsageError("--message goes with --continue", hint='plcli image --continue last --message "…"')
    with Snapshots(session.workspace, session.store) as snapshots:
        asked_for = read(running, specs, prompt, var, rows, snapshots, example="prompts/logo.yaml")
        drawing = Drawing(tuple(pictures), None if mask is None else read_picture(session.workspace, mask, "--mask"))
        overrides = read_overrides(model or [], set_ or [])
        orders = list(ordered(asked_for, _requests(session.workspace, overrides, drawing, count), repeat))
        at_once = jobs or min(AT_ONCE, len(orders))
        together = Together(at_once, max_fail, resume, strict=strict, dry_run=dry_run, inline=inline, max_cost=max_cost)
        return _ended(running, files, open_, carry_out(running, orders, together))


def _requests(
    workspace: Workspace, overrides: Sequence[Overrides], drawing: Drawing, count: int | None
) -> Callable[[Input], list[Resolved]]:
    """Makes the requests of an input: for every model as many as give `count` pictures (None: as the spec says)."""

    def made(item: Input, one: Overrides) -> list[Resolved]:
        first = resolved(workspace, item, one._replace(drawing=drawing))
        if count is None:
            return [first]
        if not takes_n(first.request):
            return [first] * count
        numbers = [TOGETHER] * (count // TOGETHER) + [count % TOGETHER] * bool(count % TOGETHER)
        asked = {n: resolved(workspace, item, one._replace(drawing=drawing._replace(n=n))) for n in set(numbers)}
        return [asked[n] for n in numbers]

    return lambda item: [request for one in overrides for request in made(item, one)]


def _ended(running: Running, files: PictureFiles, opened: bool, code: int) -> int:
    """The exit code, after everything that was asked to be done with the pictures. Raises what stood against that."""
    if opened:
        files.view(running.session.screen.warn)
    if files.trouble is not None:
        raise files.trouble
    return code
