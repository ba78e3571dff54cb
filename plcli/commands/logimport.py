"""`plcli log import`: traffic of others as runs."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from plcli import options
from plcli.brevity import counted
from plcli.errors import Exit, Problem, SpecError
from plcli.imports.captured import Found, Source, Unfit
from plcli.imports.formats import FORMATS, format_of
from plcli.imports.imported import FIELD, Given, Imported, record_of
from plcli.imports.known import Known
from plcli.keeping import copy_media
from plcli.records import Record, line
from plcli.render.problems import problem_fields
from plcli.render.runfacts import model_name
from plcli.render.table import show_table
from plcli.session import Session, open_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)

TOLD = 20
"""Problems that are told one by one; `-v` tells all."""

KEPT = 1000
"""Problems that a program gets."""

TOGETHER = 100
"""Records that are written in one piece."""

_COLUMNS = ("time", "state", "model", "api", "from")


class Form(StrEnum):
    """Formats of captured traffic."""

    vcr = "vcr"
    openai_batch = "openai-batch"
    jsonl = "jsonl"
    promptlayer = "promptlayer"
    har = "har"


@app.command()
def import_runs(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of captured traffic.")],
    form: Annotated[
        Form | None, typer.Option("--as", help="What the files are; default: told by each file's beginning.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="LOG", help="Write there instead of the run log.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Who was asked, where a body does not tell.")
    ] = None,
    api: Annotated[str | None, typer.Option("--api", metavar="API", help="Through which api.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="ID", help="The model asked, where nothing names one.")
    ] = None,
    tag: options.Tag = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs; write nothing.")] = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Turn traffic that others have captured into runs.

    VCR cassettes, OpenAI Batch files, JSONL, PromptLayer requests, HAR files.

    Each call of a model becomes a run with the wires that were captured, each round of a tool loop its own. Keys,
    cookies and headers with credentials are not taken over. What cannot be carried is told, with its place. What is in
    the log already is not written again. A batch is imported with all its files: input, output and errors.

    Examples:

      plcli log import tests/cassettes/*.yaml --tag cassette

      plcli log import batch.jsonl batch_output.jsonl --to recordings/batch.jsonl
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=to or log)
    importing = _Importing(session, Given(provider, api, model, tuple(tag or ())), Known(session.log))
    found = importing.new(_sources(session, files), form.value if form is not None else None)
    if not dry_run:
        _write(session, found)
    elif screen.machine:
        for made in found:
            screen.json(line(made.record))
    else:
        show_table(_COLUMNS, map(_row, found), screen)
    importing.tell(dry_run=dry_run)
    return importing.exit


@dataclass(slots=True)
class _Importing:
    """One import: what came of the files so far."""

    session: Session
    given: Given
    known: Known
    imported: int = 0
    unanswered: int = 0
    repeated: int = 0
    left: int = 0
    broken: bool = False
    told: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def exit(self) -> Exit:
        """3 where a file is no such format, or where nothing at all came of the files."""
        empty = self.left and not self.imported and not self.repeated
        return Exit.FILE if self.broken or empty else Exit.DONE

    def new(self, sources: Iterable[Source], form: str | None) -> Iterator[Imported]:
        """The runs that these files hold and the log does not; what cannot be carried is told as it is found."""
        # A single run is too short to collect garbage; a file of many exchanges is not.
        gc.freeze()
        gc.enable()
        for found in self.found(sources, form):
            if isinstance(found, Problem):
                self.leave(found)
                continue
            try:
                made = record_of(found, self.given, self.session.redactor)
            except Unfit as error:
                self.leave(found.spot.problem(str(error), error.hint))
                continue
            if not self.known.take(made.record):
                self.repeated += 1
                continue
            self.imported += 1
            self.unanswered += made.record.response is None
            for note in made.notes:
                self.note(found.spot.problem(note))
            yield made

    def found(self, sources: Iterable[Source], form: str | None) -> Iterator[Found]:
        """What the files hold; a file that is wrong is told, and the others go on."""
        together: dict[str, list[Source]] = {}
        for source in sources:
            with self.telling():
                together.setdefault(form or format_of(source), []).append(source)
        for name, group in together.items():
            for some in [group] if FORMATS[name].together else [[source] for source in group]:
                with self.telling():
                    yield from FORMATS[name].read(some)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of a file that is wrong, and go on after it."""
        try:
            yield
        except SpecError as error:
            self.broken = True
            self.problems += error.problems[:1]
            self.session.screen.error(f"{error.where}: {error.message}", error.hint)

    def leave(self, problem: Problem) -> None:
        """Tell of what makes no run."""
        self.left += 1
        self.note(problem)

    def note(self, problem: Problem) -> None:
        """Tell of a problem, unless there have been many."""
        self.told += 1
        if self.told <= KEPT:
            self.problems.append(problem)
        screen = self.session.screen
        if self.told <= TOLD or screen.verbose:
            place = f" {problem.path}" if problem.path else ""
            hint = f" ({problem.hint})" if problem.hint else ""
            screen.warn(f"{problem.where}{place}: {problem.message}{hint}")
        elif self.told == TOLD + 1:
            screen.warn("there is more; -v tells all of it")

    def tell(self, *, dry_run: bool) -> None:
        """What came of it, in one line; for a program as JSON, where it does not get the runs themselves."""
        screen = self.session.screen
        if screen.machine and not dry_run:
            counts = ("imported", "unanswered", "repeated", "left")
            told = {name: getattr(self, name) for name in counts}
            screen.json(json.dumps({**told, "problems": [problem_fields(each) for each in self.problems]}))
            return
        log = self.session.workspace.label(self.session.log.path)
        facts = [f"{counted(self.imported, 'run')} {'would be ' if dry_run else ''}imported into {log}"]
        facts += [f"{self.unanswered} of them never answered"] if self.unanswered else []
        facts += [f"{self.repeated} there already"] if self.repeated else []
        facts += [f"{self.left} left out"] if self.left else []
        screen.say(", ".join(facts))


def _sources(session: Session, files: Iterable[Path]) -> Iterator[Source]:
    """The files, each once."""
    workspace = session.workspace
    for path in dict.fromkeys(Path(os.path.abspath(file)) for file in files):
        yield Source(path, workspace.label(path), workspace.shown(path))


def _write(session: Session, found: Iterable[Imported]) -> None:
    """Append the runs, some at a time, each after its media. Raises `LogError`."""
    waiting: list[Record] = []
    for made in found:
        for medium in made.media:
            session.store.put(medium.data, medium.mime)
        if made.beside is not None:
            copy_media([made.record], session.store, made.beside)
        waiting.append(made.record)
        if len(waiting) == TOGETHER:
            session.log.append_all(waiting)
            waiting.clear()
    if waiting:
        session.log.append_all(waiting)


def _row(made: Imported) -> tuple[str, ...]:
    record = made.record
    origin = record.metadata[FIELD] if record.metadata else {}
    place = ":".join(str(origin[name]) for name in ("file", "line") if name in origin)
    return (
        record.time[:19].replace("T", " "),
        record.response.state if record.response else "unanswered",
        model_name(record),
        record.api or "",
        f"{place} {origin.get('path', '')}".strip(),
    )
