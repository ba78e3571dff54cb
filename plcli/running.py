"""Run plans one after the other: connect, ask, show, log; what `run` and its siblings share."""

from __future__ import annotations

import gc
import uuid
from collections import Counter
from collections.abc import Sequence

from plcli import interrupts
from plcli.connect import Connection, Limits, connect
from plcli.errors import Exit, LogError
from plcli.records import Batch, Record, line
from plcli.render.answer import show_answer, show_footer, show_header
from plcli.render.details import show_attempts, show_connection
from plcli.render.live import Live
from plcli.resolve import Resolved
from plcli.runs import Circumstances, Run, judged, keep_media, record_of, send
from plcli.session import Session


class Running:
    """Runs plans in a session. `keep` says whether they leave records."""

    def __init__(
        self, session: Session, command: str, limits: Limits, *, stream: bool, keep: bool, tags: tuple[str, ...]
    ) -> None:
        self.session = session
        self.command = command
        self.limits = limits
        self.stream = stream
        self.keep = keep
        self.tags = tags

    def all(self, plans: Sequence[Resolved], rows: Sequence[int | None]) -> int:
        """Run every plan; gives the largest exit code. Ctrl-C ends the running one and those after it."""
        self.session.read_keys(plan.model.spec.api_key_env or "" for plan in plans if plan.model.spec)
        connections = [self._connect(plan) for plan in plans]
        if len(plans) > 1:
            # A single run is too short to collect garbage in; a batch is not.
            gc.enable()
        if self.keep:
            self.session.log.ready()
        code = Exit.DONE
        states: Counter[str] = Counter()
        batch_id = uuid.uuid4().hex[:12] if len(plans) > 1 else None
        for plan, connection, row in zip(plans, connections, rows, strict=True):
            batch = Batch(id=batch_id, n=len(plans), row=row) if batch_id else None
            run = self.one(plan, connection, batch)
            code = max(code, run.exit)
            states[run.turn.response.state] += 1
            if run.exit is Exit.INTERRUPTED:
                break
        if batch_id:
            done = ", ".join(f"{count} {state}" for state, count in states.items())
            self.session.screen.say((f"{states.total()} of {len(plans)} runs: {done}", "bold"))
        return code

    def one(self, plan: Resolved, connection: Connection, batch: Batch | None = None) -> Run:
        """Run one plan, log it, and show its answer; raises `LogError` after that where it could not be logged."""
        session, screen = self.session, self.session.screen
        show_header(plan.name, plan.model_name, screen)
        for loss in plan.losses:
            screen.warn(f"{loss.path}: {loss.message}")
        if screen.verbose:
            show_connection(connection, plan.compiled.target, screen)
        live = Live(screen, session.redactor)
        turn = send(plan, connection, stream=self.stream, store=session.store, watch=live, watch_wait=live.wait)
        with interrupts.held_back():
            live.finish()
            run = judged(plan, connection, turn)
            record, unlogged = self._log(run, batch)
        if screen.machine:
            screen.write(screen.out, line(record) + "\n")
        else:
            show_answer(record, session.store, screen, printed=live.printed, told=live.told)
            show_footer(record, screen)
        if screen.verbose:
            show_attempts(record, session.log.path if record.id else None, screen)
        if unlogged is not None:
            raise unlogged
        return run

    def _connect(self, plan: Resolved) -> Connection:
        request = plan.request
        connection = connect(plan.model.provider, request.api, plan.model.spec, self.session.user, self.limits)
        self.session.protect(connection.secrets)
        return connection

    def _log(self, run: Run, batch: Batch | None) -> tuple[Record, LogError | None]:
        """The record, and why it could not be written: the answer is paid for, and must be shown all the same."""
        session = self.session
        where = Circumstances(self.command, session.workspace, batch, self.tags)
        if not self.keep:
            return record_of(run, where, [], session.redactor), None
        try:
            sources = keep_media(run, session.store, session.redactor)
            return session.log.append(record_of(run, where, sources, session.redactor)), None
        except LogError as error:
            return record_of(run, where, [], session.redactor), error
