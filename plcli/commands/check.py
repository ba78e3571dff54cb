"""`plcli check`: hold the answers of logged runs against what their specs expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import typer

from plcli import completion, options
from plcli.brevity import counted
from plcli.errors import Exit, NotReplayable, SpecError
from plcli.expecting import expectations_by, expectations_of, held
from plcli.inputs import read_spec
from plcli.observing import own_findings
from plcli.records import ExpectationRecord, Record
from plcli.render.errors import error_json, error_text
from plcli.render.held import show_held
from plcli.selecting import selected, selection
from plcli.session import Session, open_session
from plcli.snapshots import Snapshot, Snapshots

_NOTHING, _UNCHECKED = "without expectations", "not checked"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def check(
    ctx: typer.Context,
    runs: completion.RunRefs = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="SPEC",
            help="What this spec expects instead; spec@REV is that of a commit.",
            autocompletion=completion.complete_spec,
        ),
    ] = None,
    spec: completion.OfSpec = None,
    model: completion.OfModel = None,
    tag: completion.OfTag = None,
    state: completion.OfState = None,
    since: options.Since = None,
    where: options.Where = None,
    count: options.Count = None,
    everything: options.All = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Hold logged answers against what their specs expect.

    Nothing is sent. The specs are read as they are now, with the variables of each run, so that a new expectation
    can be tried on old answers; where a file is gone, the copy in the log counts. Without a RUN the newest runs are
    checked.

    Examples:

      plcli check last

      plcli check --spec weather --since 7d

      plcli check --tag smoke --with prompts/weather.yaml@HEAD
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    chosen = selection(session.workspace, ctx.params)
    with Snapshots(session.workspace, session.store) as snapshots:
        by_spec = read_spec(session.workspace, with_, snapshots) if with_ is not None else None
        return _held_by(session, selected(session, runs or (), chosen), by_spec)


def _held_by(session: Session, records: Iterable[Record], by_spec: Snapshot | None) -> Exit:
    """Show what the runs make of their expectations, or of those of one spec; gives the exit code."""
    screen, code, ended, told = session.screen, Exit.DONE, Counter[str](), ""
    for record in records:
        try:
            found = _found(session, record, by_spec)
        except (NotReplayable, SpecError) as error:
            text = (error_json if screen.machine else error_text)(error, screen.redact)
            # What is wrong with a spec is wrong for all of its runs.
            if text != told:
                screen.write(screen.err, text + "\n")
            told, code = text, max(code, error.exit)
            ended[_UNCHECKED] += 1
            continue
        show_held(record, found, screen)
        verdict = _NOTHING if not found else "held" if all(one.passed for one in found) else "failed"
        ended[verdict] += 1
        code = max(code, Exit.FINDING) if verdict == "failed" else code
    if counts := [f"{ended[word]} {word}" for word in ("held", "failed", _NOTHING, _UNCHECKED) if ended[word]]:
        screen.say(f"{counted(ended.total(), 'run')}: {', '.join(counts)}")
    if ended and ended.keys() == {_NOTHING}:
        screen.warn("nothing was checked: none of these runs has a spec that expects something")
    return code


def _found(session: Session, record: Record, by_spec: Snapshot | None) -> tuple[ExpectationRecord, ...]:
    """What a run makes of what is expected of it. Raises `SpecError` and `NotReplayable`."""
    if by_spec is None:
        expected = expectations_of(session.workspace, record, session.store)
        return (*own_findings(record), *held(record, expected))
    return held(record, expectations_by(by_spec.workspace, by_spec.document, by_spec.file, record))
