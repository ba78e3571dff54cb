"""Run a plan: connect, ask, show, log; what `run` and its siblings share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plcli import interrupts
from plcli.cancel import Cancel
from plcli.connect import Connection, Limits, connect
from plcli.engine import Turn, WaitWatch, Watch
from plcli.errors import LogError
from plcli.records import Batch, Record, line
from plcli.render.answer import show_answer, show_footer, show_header
from plcli.render.details import show_attempts, show_connection
from plcli.render.live import Live
from plcli.resolve import Resolved
from plcli.runs import Circumstances, Run, judged, keep_media, record_of, send
from plcli.session import Session


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that is ready to be sent, and its place in a batch, if it has one."""

    resolved: Resolved
    connection: Connection
    batch: Batch | None = None

    @property
    def name(self) -> str | None:
        """How a person knows the request, with its row and repetition; None for a prompt of the command line."""
        place = self.batch
        row = f"row {place.row + 1}" if place and place.row is not None else None
        repeat = f"repeat {place.repeat + 1}" if place and place.repeat is not None else None
        return ", ".join(filter(None, (self.resolved.name, row, repeat))) or None


@dataclass(frozen=True, slots=True)
class Running:
    """Runs plans in a session. `keep` says whether they leave records."""

    session: Session
    command: str
    limits: Limits
    stream: bool
    keep: bool
    tags: tuple[str, ...] = ()

    def connections(self, resolved: Sequence[Resolved]) -> list[Connection]:
        """Where each request goes; raises what stands against one of them before anything is spent."""
        session = self.session
        session.read_keys(one.model.spec.api_key_env or "" for one in resolved if one.model.spec)
        made: dict[tuple[str, str], Connection] = {}
        for one in resolved:
            place = (one.model_name, one.request.api)
            if place not in made:
                # The many rows of a model share a connection.
                made[place] = connect(one.model.provider, one.request.api, one.model.spec, session.user, self.limits)
        session.protect(secret for connection in made.values() for secret in connection.secrets)
        if self.keep:
            session.log.ready()
        return [made[one.model_name, one.request.api] for one in resolved]

    def one(self, plan: Plan) -> Run:
        """Run one plan, log it, and show its answer; raises `LogError` after that where it could not be logged."""
        screen = self.session.screen
        self.announce(plan)
        for loss in plan.resolved.losses:
            screen.warn(loss.told)
        live = Live(screen, self.session.redactor)
        turn = self.ask(plan, live, live.wait)
        with interrupts.held_back():
            live.finish()
            run = self.judge(plan, turn)
            (record,), unlogged = self.log([(plan, run)])
        self.show(record, live)
        if unlogged is not None:
            raise unlogged
        return run

    def announce(self, plan: Plan) -> None:
        """What is asked of whom."""
        screen, resolved = self.session.screen, plan.resolved
        show_header(plan.name, resolved.model_name, screen)
        if screen.verbose:
            show_connection(plan.connection, resolved.compiled.target, screen)

    def ask(self, plan: Plan, watch: Watch, watch_wait: WaitWatch, cancel: Cancel | None = None) -> Turn:
        """Send the request. Threads may ask at once; failures end in a turn too."""
        return send(
            plan.resolved,
            plan.connection,
            stream=self.stream,
            store=self.session.store,
            watch=watch,
            watch_wait=watch_wait,
            cancel=cancel,
        )

    def judge(self, plan: Plan, turn: Turn) -> Run:
        """The run that a turn makes."""
        return judged(plan.resolved, plan.connection, turn)

    def log(self, runs: Sequence[tuple[Plan, Run]]) -> tuple[list[Record], LogError | None]:
        """Their records, and why they could not be written: what is paid for must be shown all the same."""
        session = self.session
        where = [Circumstances(self.command, session.workspace, plan.batch, self.tags) for plan, _ in runs]
        made = list(zip((run for _, run in runs), where, strict=True))
        unlogged = None
        if self.keep:
            try:
                kept = [keep_media(run, session.store, session.redactor) for run, _ in made]
                records = [record_of(*one, sources, session.redactor) for one, sources in zip(made, kept, strict=True)]
                return session.log.append_all(records), None
            except LogError as error:
                unlogged = error
        return [record_of(run, place, [], session.redactor) for run, place in made], unlogged

    def show(self, record: Record, live: Live | None = None) -> None:
        """The answer, as far as it has not been shown while it streamed, and what there is to say of it."""
        session, screen = self.session, self.session.screen
        if screen.machine:
            screen.write(screen.out, line(record) + "\n")
        else:
            printed, told = (live.printed, live.told) if live else (False, False)
            show_answer(record, session.store, screen, printed=printed, told=told)
            show_footer(record, screen)
        if screen.verbose:
            show_attempts(record, session.log.path if record.id else None, screen)
