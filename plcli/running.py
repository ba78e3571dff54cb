"""Run a plan: connect, ask, show, log; what `run` and its siblings share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plcli import interrupts
from plcli.answering import Answering
from plcli.cancel import Cancel
from plcli.connect import Connection, Limits, connect, disconnected
from plcli.errors import LogError, OfflineError
from plcli.keeping import copy_media
from plcli.mediastore import MediaStore
from plcli.policies import ToolTerms
from plcli.recall import Answers
from plcli.records import Batch, Record, line
from plcli.render.answer import show_answer, show_footer, show_header
from plcli.render.details import show_attempts, show_connection
from plcli.render.live import Live
from plcli.resolve import Resolved
from plcli.rounds import Answered, Rounds, Watching
from plcli.runrecords import Circumstances, keep_media, record_of
from plcli.runs import Run, answering_of, judged, send
from plcli.session import Session

if TYPE_CHECKING:
    from plcli.picturefiles import PictureFiles  # only a command that makes pictures has any


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that is ready to be sent, and its place in a batch, if it has one.

    Of one that continues a run, `answering` has answered calls `already`.
    """

    resolved: Resolved
    connection: Connection
    batch: Batch | None = None
    answering: Answering | None = None
    already: tuple[Answered, ...] = ()

    @property
    def name(self) -> str | None:
        """How a person knows the request, with its row and repetition; None for a prompt of the command line."""
        place = self.batch
        repeat = f"repeat {place.repeat + 1}" if place and place.repeat is not None else None
        return ", ".join(filter(None, (self.row, repeat))) or None

    @property
    def row(self) -> str | None:
        """How a person knows the request with its row."""
        place = self.batch
        row = f"row {place.row + 1}" if place and place.row is not None else None
        return ", ".join(filter(None, (self.resolved.name, row))) or None


@dataclass(frozen=True, slots=True)
class Running:
    """Runs plans in a session. `keep` says whether they leave records, `terms` who answers calls of tools.

    `files` is where a person wants their pictures; recorded `answers` are all there are, and nothing is sent.
    """

    session: Session
    command: str
    limits: Limits
    stream: bool
    keep: bool
    tags: tuple[str, ...] = ()
    terms: ToolTerms = field(default_factory=ToolTerms)
    files: PictureFiles | None = None
    answers: Answers | None = None
    missed: Callable[[Resolved, Record], None] = field(default=lambda resolved, record: None)
    """Is told of a request that no recorded answer was found for, after that was shown."""

    def connections(self, resolved: Sequence[Resolved]) -> list[Connection]:
        """Where each request goes; raises what stands against one of them before anything is spent."""
        session = self.session
        if self.answers is None:
            session.read_keys(one.model.spec.api_key_env or "" for one in resolved if one.model.spec)
        made: dict[Hashable, Connection] = {}
        for one in resolved:
            if one.route not in made:
                # The many rows of a model share a connection.
                made[one.route] = self.connection(one)
        session.protect(secret for connection in made.values() for secret in connection.secrets)
        session.protect_granted(tool for one in resolved for tool in one.tools.values())
        if self.keep:
            session.log.ready()
        if self.files is not None:
            self.files.ready()
        return [made[one.route] for one in resolved]

    def connection(self, resolved: Resolved) -> Connection:
        """Where a request goes, before anything is protected or made ready; see `connections`."""
        model, api = resolved.model, resolved.request.api
        if self.answers is not None:
            return disconnected(model.provider, api, model.spec, self.answers)
        return connect(model.provider, api, model.spec, self.session.user, self.limits)

    def one(self, plan: Plan) -> Run:
        """Run one plan, log it, and show its answer; raises `LogError` after that where it could not be logged."""
        run, _, unlogged = self.live(plan, alone=True)
        if unlogged is not None:
            raise unlogged
        return run

    def live(self, plan: Plan, *, alone: bool) -> tuple[Run, Record, LogError | None]:
        """Run one plan while somebody watches: its run, its record, and why that could not be logged.

        One that is `alone` is announced, and how to go on is told; in a conversation somebody else does.
        """
        if alone:
            self.announce(plan)
            for loss in plan.resolved.losses:
                self.session.screen.warn(loss.told)
        live = self.view(plan)
        live.begin()
        rounds = self.ask(plan, self.watching(live))
        with interrupts.held_back():
            interrupted = rounds.failure is not None and rounds.failure.kind == "interrupted"
            (live.interrupted if interrupted else live.finish)()
            run = self.judge(plan, rounds)
            (record,), unlogged = self.log([(plan, run)])
        self.show(record, live)
        self.tell_if_missed(plan, record)
        if alone:
            self.say_how_to_go_on(run, record)
        return run, record, unlogged

    def tell_if_missed(self, plan: Plan, record: Record) -> None:
        """Say what comes near, where there is no recorded answer."""
        if self.answers is not None and record.error is not None and record.error.kind == OfflineError.kind:
            self.missed(plan.resolved, record)

    def say_how_to_go_on(self, run: Run, record: Record) -> None:
        """What to type where calls wait for their answers."""
        waiting = run.rounds.waiting
        if not waiting or not record.id:
            return
        ways = [f"--tools {policy}" for policy in run.policies]
        ways.append(" ".join(f"--answer {call.id or call.name}=JSON" for call in waiting))
        go_on = f"plcli run --continue {record.tail}"
        self.session.screen.say(("to go on: ", "dim"), f"{go_on} {', or '.join(ways)}")

    def announce(self, plan: Plan) -> None:
        """What is asked of whom."""
        screen, resolved = self.session.screen, plan.resolved
        show_header(plan.name, resolved.model_name, screen)
        if screen.verbose:
            show_connection(plan.connection, resolved.compiled.target, screen)

    def view(self, plan: Plan) -> Live:
        """The view of an answer to a plan."""
        drawing = plan.connection.adapter.wanted(plan.resolved.compiled.wire) > 0
        return Live(self.session.screen, self.session.redactor, among_pictures=drawing)

    def watching(self, live: Live) -> Watching:
        """Who shows what of a run while it goes on."""
        return Watching(live, live.wait, live.turned, live.calling, live.answered)

    def answering(self, resolved: Resolved, cancel: Cancel | None = None) -> Answering:
        """Who answers the calls of a request."""
        session = self.session
        home = resolved.workspace or session.workspace
        return answering_of(resolved, home, session.user, session.store, self.terms, cancel or Cancel())

    def ask(self, plan: Plan, watching: Watching, cancel: Cancel | None = None) -> Rounds:
        """Send the request, and answer what it calls. Threads may ask at once; failures end in a value too."""
        answering = plan.answering or self.answering(plan.resolved, cancel)
        try:
            return send(
                plan.resolved,
                plan.connection,
                stream=self.stream,
                store=self.session.store,
                watching=watching,
                answering=answering,
                already=plan.already,
            )
        finally:
            if plan.answering is None:
                answering.close()

    def judge(self, plan: Plan, rounds: Rounds) -> Run:
        """The run that these rounds make."""
        return judged(plan.resolved, plan.connection, rounds)

    def log(self, runs: Sequence[tuple[Plan, Run]]) -> tuple[list[Record], LogError | None]:
        """Their records, and why they could not be written: what is paid for must be shown all the same."""
        records, unlogged = self._written(runs)
        if self.files is not None:
            for (plan, run), record in zip(runs, records, strict=True):
                media = plan.resolved.media | run.rounds.media
                self.files.take(plan.resolved, record, media, self.session.redactor)
        return records, unlogged

    def _written(self, runs: Sequence[tuple[Plan, Run]]) -> tuple[list[Record], LogError | None]:
        records, unlogged = self.records(runs)
        return self.append(records) if unlogged is None else (records, unlogged)

    def records(self, runs: Sequence[tuple[Plan, Run]]) -> tuple[list[Record], LogError | None]:
        """Their records, not in the log yet, with their bytes kept; and why these could not be."""
        session = self.session
        where = [Circumstances(self.command, session.workspace, plan.batch, self.tags) for plan, _ in runs]
        made = list(zip((run for _, run in runs), where, strict=True))
        unlogged = None
        if self.keep:
            try:
                kept = [keep_media(run, session.store, session.redactor) for run, _ in made]
                return [record_of(*one, of, session.redactor) for one, of in zip(made, kept, strict=True)], None
            except LogError as error:
                unlogged = error
        return [record_of(run, place, [], session.redactor) for run, place in made], unlogged

    def append(self, records: Sequence[Record]) -> tuple[list[Record], LogError | None]:
        """The records as they are in the log, where they are to be kept; and why they could not be written."""
        if not self.keep:
            return list(records), None
        session = self.session
        try:
            if session.store.beside:
                # What was sent again may lie beside recordings alone, which come and go with branches.
                copy_media(records, MediaStore(session.store.folder), session.store)
            return session.log.append_all(records), None
        except LogError as error:
            return list(records), error

    def show(self, record: Record, live: Live | None = None) -> None:
        """The answer, as far as it has not been shown while it streamed, and what there is to say of it."""
        session, screen = self.session, self.session.screen
        store = self.files.of(record) if self.files is not None else session.store
        if screen.machine:
            screen.json(line(record))
        else:
            printed, told = (live.printed, live.told) if live else (False, False)
            # One that came to nothing stands above already.
            called = live.called if live and record.error and not screen.quiet else None
            show_answer(record, store, screen, printed=printed, told=told, called=called)
            show_footer(record, screen)
        if screen.verbose:
            show_attempts(record, session.log.path if record.id else None, screen)
