"""`plcli diff`: what differs between two runs, two specs, a spec at two revisions, or a run and a spec."""

from __future__ import annotations

import json
import os
from pathlib import Path

import typer

from plcli import completion, options
from plcli.brevity import cut
from plcli.diffing.contrasts import Operand, contrast
from plcli.documents import FORMATS
from plcli.errors import Exit, UsageError
from plcli.expecting import spec_today
from plcli.fence import BadReference
from plcli.inputs import at_revision, read_spec, read_variables
from plcli.records import Record
from plcli.render.differences import show_differences, show_runs, show_sides
from plcli.session import Session, open_session
from plcli.snapshots import STDIN, Snapshot, Snapshots

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_LATEST = "HEAD"
_LONGEST = 200


@app.command()
def diff(
    ctx: typer.Context,
    a: completion.Compared,
    b: completion.ComparedWith = None,
    var: options.Var = None,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Show what differs between runs, specs, revisions, or a run and a spec.

    Requests are compared by what they mean, whatever their files look like. Of two runs the answers are compared too; a
    spec meets a run with the run's variables. A alone is held against what it is today: a spec of HEAD against its
    file, a run against its spec. The name of a request goes before the tail of a run. Ends with 1 where they differ.

    Examples:

      plcli diff prompts/weather.yaml

      plcli diff weather@HEAD~3 weather --var city=Paris

      plcli diff last~1 last

      plcli diff last weather
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, allow_paths=allow_path)
    if [a, b, *(text.partition("=")[2] for text in var or ())].count(STDIN) > 1:
        raise UsageError("standard input is named more than once", hint="put one of them in a file")
    given = read_variables(session.workspace, var or [])
    with Snapshots(session.workspace, session.store) as snapshots:
        if b is not None:
            sides = [(a, _operand(session, a, snapshots)), (b, _operand(session, b, snapshots))]
        else:
            sides = _with_today(session, a, snapshots)
        (a, old), (b, new) = sides
        specs = (side for side in (old, new) if not isinstance(side, Record))
        session.tell_of_other_workspaces(one.file for one in specs if one.file and one.workspace is session.workspace)
        found = contrast(old, new, session.store, given)
    if found.unfilled:
        screen.say(f"no value for {', '.join(found.unfilled)}: texts are compared as they stand (add --var)")
    if screen.machine:
        fields = session.redactor.plain([one.model_dump(exclude_none=True) for one in found.differences])
        for text in [json.dumps(fields, indent=2)] if screen.shape == "json" else map(json.dumps, fields):
            screen.json(text)
    elif found.differences:
        show_sides(_title(a, old), _title(b, new), screen)
        show_differences(found.differences, screen)
        if isinstance(old, Record) and isinstance(new, Record):
            show_runs(old, new, screen)
    else:
        screen.say("no differences")
    return Exit.FINDING if found.differences else Exit.DONE


def _operand(session: Session, text: str, snapshots: Snapshots) -> Operand:
    """The run or the spec that is meant. Raises `UsageError` and `SpecError`."""
    workspace = session.workspace
    if text == STDIN or _names_spec(session, text):
        return read_spec(workspace, text, snapshots)
    return _run(session, text)


def _run(session: Session, text: str) -> Record:
    """The run that is meant. Raises `UsageError`."""
    try:
        return session.log.find(text)
    except UsageError as error:
        meant = session.workspace.suggestion("request", text)
        raise UsageError(error.message, hint=f"did you mean the request {meant!r}?" if meant else error.hint) from None


def _names_spec(session: Session, text: str) -> bool:
    """Whether a text names a spec: by its path, its name, or at a revision."""
    path = session.workspace.start / text
    if path.suffix.lower() in FORMATS or "/" in text or os.path.isfile(path):
        return True
    try:
        return text in session.workspace.names("request") or at_revision(session.workspace, text) is not None
    except BadReference as error:
        raise UsageError(error.message, hint=error.hint) from None


def _with_today(session: Session, text: str, snapshots: Snapshots) -> list[tuple[str, Operand]]:
    """A run or a spec of then, and the spec as it is today. Raises `UsageError` and `SpecError`."""
    workspace = session.workspace
    if text == STDIN:
        raise UsageError("a spec of standard input has no other version", hint="name what to compare it with")
    if _names_spec(session, text):
        spec, rev = at_revision(workspace, text) or (text, _LATEST)
        now = read_spec(workspace, spec)
        assert now.file is not None
        return [(f"{spec}@{rev}", snapshots.at(now.file, rev)), (spec, now)]
    run, hint = _run(session, text), f"name what to compare it with: plcli diff {text} SPEC"
    if run.spec is None or run.parent is not None:
        raise UsageError(f"run {text} was not made of a spec alone", hint=hint)
    today = spec_today(workspace, run.spec)
    if today is None:
        message = f"the spec of run {text} is not in the workspace: {cut(run.spec.path, _LONGEST)}"
        raise UsageError(message, hint=hint)
    return [(text, run), (run.spec.path, Snapshot(workspace, *today))]


def _title(name: str, side: Operand) -> str:
    """How a side is named above the differences."""
    return f"run {side.tail}, {side.time}" if isinstance(side, Record) else str(Path(name))
