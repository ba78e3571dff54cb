"""`plcli log keep`: runs become recordings, which answer again without a key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from plcli import completion, options
from plcli.brevity import counted
from plcli.errors import Exit, LogError, UsageError
from plcli.keeping import keep as keep_runs
from plcli.mediastore import MediaStore
from plcli.recordings import can_answer
from plcli.records import Record
from plcli.selecting import selected, selection
from plcli.session import Session, open_session, opened_log
from plcli.workspace import MEDIA

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_NAMELESS = "runs.jsonl"
"""The file of runs that were made of no spec."""


@app.command()
def keep(
    ctx: typer.Context,
    runs: completion.RunRefs = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="The file of recordings; default: recordings/SPEC.jsonl."),
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
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Copy runs with their media to a file of recordings.

    That file is committed; run and replay answer from it with --recorded.

    Runs that are there already are left out, and so are those that were not answered.

    Examples:

      plcli log keep last

      plcli log keep --tag smoke --to recordings/smoke.jsonl
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log)
    chosen = selection(session.workspace, ctx.params)
    if not (runs or everything or count or chosen.filter.asks):
        raise UsageError("no run is named", hint="plcli log keep last; --all or a filter names several")
    files: dict[Path, list[Record]] = {}
    unanswered = 0
    for record in selected(session, runs or (), chosen):
        if not record.exchanges or not all(map(can_answer, record.exchanges)):
            unanswered += 1
            screen.warn(f"run {record.id} was not answered, and cannot answer: it is left out")
            continue
        files.setdefault(_file(session, to, record), []).append(record)
    for path, records in files.items():
        _keep(session, path, records)
    return Exit.FINDING if unanswered and not files else Exit.DONE


def _keep(session: Session, path: Path, records: list[Record]) -> None:
    screen, label = session.screen, session.workspace.label(path)
    target = opened_log(screen, session.workspace, path)
    try:
        kept = keep_runs(records, target, MediaStore(path.parent / MEDIA), session.store)
    except LogError as error:
        raise LogError(error.message, where=error.where, hint=(error.hint or "").replace("--log", "--to")) from None
    there = len(records) - len(kept)
    told = f"; {there} {'was' if there == 1 else 'were'} there already" if there else ""
    screen.say(f"{label}: {counted(len(kept), 'recording')} added{told}")
    for name in sorted(_redacted(kept)):
        screen.say((f"secrets were taken out of {name}: check what you commit", "dim"))


def _file(session: Session, to: Path | None, record: Record) -> Path:
    if to is not None:
        return Path(session.workspace.start / to)
    name = PurePosixPath(record.spec.path).stem if record.spec is not None and record.spec.path != "-" else ""
    return session.workspace.recordings / (f"{name}.jsonl" if name else _NAMELESS)


def _redacted(records: Iterable[Record]) -> set[str]:
    return {source.path for record in records for source in record.sources or () if source.redacted}
