"""What is sent for replays: a task for each run, made when its turn has come; and what a batch has done of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from plcli import address
from plcli.connect import Connection
from plcli.errors import PlcliError, UsageError
from plcli.judging import Judge
from plcli.outcomes import Outcome
from plcli.policies import Policies, ToolTerms
from plcli.recordings import answer_in
from plcli.records import Batch, Record
from plcli.replaying import Replaying
from plcli.resolve import Resolved, refusal
from plcli.rounds import UNWATCHED
from plcli.runlog import RunLog
from plcli.running import Plan, Running
from plcli.runrecords import recalled_record
from plcli.toolterms import check_tools


class Place(NamedTuple):
    """Where a run stands that is to be replayed: its log, and where its line begins."""

    log: RunLog
    offset: int


@dataclass(frozen=True, slots=True)
class How:
    """How runs are replayed: `jobs` at once, each `repeat` times; no more after `max_fail` that are not as they were.

    `each` sends every exchange on its own, `baseline` the unchanged request first. `recorded` sends nothing, and
    `update` only what is not as it was recorded. `max_cost` are US dollars. `batch` names the batch, and `done` says
    which of it are done already. `strict` refuses what a model cannot carry.
    """

    jobs: int = 1
    repeat: int = 1
    max_fail: int | None = None
    max_cost: float | None = None
    each: bool = False
    baseline: bool = False
    recorded: bool = False
    update: bool = False
    strict: bool = False
    batch: str | None = None
    done: Collection[Done] = ()
    stream: bool = True


class Done(NamedTuple):
    """A replay that a batch has done: of which run, of which exchange of it, which repetition."""

    of: str
    exchange: int | None
    repeat: int | None


class Task(NamedTuple):
    """Something to send: the plan, what it is held against, and the unchanged plan that goes before it."""

    then: Record
    log: RunLog
    plan: Plan
    running: Running
    at: int | None = None
    unchanged: Plan | None = None


class Batched(NamedTuple):
    """What the log knows of a batch: which replays of it have an answer, and the id of its first run."""

    done: frozenset[Done]
    first: str


def batch_in(log: RunLog, batch: str, *, baseline: bool) -> Batched:
    """A batch of the log; with a `baseline`, those are done that were held against one.

    Raises `UsageError` for one that the log does not hold.
    """
    needle, found, first = batch.encode(), set(), ""
    for line in log.scan():
        record = log.read(line) if needle in line.raw else None
        if not isinstance(record, Record) or record.batch is None or record.batch.id != batch:
            continue
        first = first or record.id
        replay = record.replay
        answered = replay is not None and replay.verdict not in ("failed", "not-replayable")
        if replay is not None and answered and bool(replay.baseline) == baseline:
            found.add(Done(replay.of, replay.exchange, record.batch.repeat))
    if not first:
        raise UsageError(f"there is no batch {batch!r} in {log.path}", hint="`batch.id` of its records is its name")
    return Batched(frozenset(found), first)


@dataclass(slots=True)
class Tasks:
    """Makes the tasks of `count` replays; those of one model share a connection."""

    running: Running
    replaying: Replaying
    judge: Judge
    how: How
    count: int
    _connections: dict[Hashable, Connection] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def of(self, log: RunLog, then: Record, place: Done) -> Task:
        """What to send for a run. Raises what stands against it."""
        replaying, at = self.replaying, place.exchange
        if at is not None:
            resolved = replaying.again(then, at=at)
            then = self.judge.alone(then, at)
        elif self.how.update:
            resolved = replaying.today(then)
        else:
            resolved = replaying.changed(then)
        if self.how.strict and resolved.losses:
            raise refusal(resolved)
        running = replace(self.running, terms=self._terms(then, resolved), stream=self.how.stream and _streamed(then))
        plan = self._plan(resolved, place, running)
        if resolved.model.name is None and self.replaying.changes.model is None:
            self._tell_of_another_host(then, plan.connection)
        unchanged = self._plan(replaying.again(then), place, running) if self.how.baseline else None
        return Task(then, log, plan, running, at, unchanged)

    def recalled(self, then: Record) -> Outcome:
        """What today's request is answered by the recording of a run."""
        try:
            resolved = self.replaying.today(then)
            terms = self._terms(then, resolved)
            running = replace(self.running, terms=terms, keep=False, answers=partial(answer_in, then))
            plan = Plan(resolved, running.connection(resolved))
            rounds = running.ask(plan, UNWATCHED)
            run = running.judge(plan, rounds)
        except PlcliError as error:
            return self.judge.refused(then, error)
        if rounds.failure is not None and rounds.failure.kind == "offline":
            (now,), _ = running.records([(plan, run)])
            return self.judge.another(then, now, resolved)
        return self.judge.outcome(then, recalled_record(run, then), resolved)

    def _plan(self, resolved: Resolved, place: Done, running: Running) -> Plan:
        """A plan with its place in the batch."""
        key = resolved.route
        if key not in self._connections:
            (self._connections[key],) = running.connections([resolved])
        batch = Batch(id=self.how.batch, n=self.count, repeat=place.repeat) if self.how.batch is not None else None
        return Plan(resolved, self._connections[key], batch)

    def _tell_of_another_host(self, then: Record, connection: Connection) -> None:
        """Say that a request goes elsewhere than it went: the log is data, and decides of no address."""
        before, now = _host(then.endpoint.base_url if then.endpoint else None), _host(connection.base_url)
        if before and now and before != now and (before, now) not in self._told:
            self._told.add((before, now))
            way = f"--model NAME, a model spec with the base_url of {before}, sends it there"
            self.running.session.screen.warn(f"run {then.id} went to {before}, and is sent to {now} now ({way})")

    def _terms(self, then: Record, resolved: Resolved) -> ToolTerms:
        """Who answers calls: whoever the command line says, else the answers of then, else nobody."""
        terms = self.running.terms
        if terms.policies == Policies():
            return replace(terms, policies=Policies("history" if then.tool_results else "stop"))
        check_tools(terms, [resolved])
        return terms


def _streamed(then: Record) -> bool:
    """Whether a run is sent again to be answered in pieces: as it was, or, where nothing was, as any run is."""
    return any(one.streamed for one in then.exchanges) or all(one.response is None for one in then.exchanges)


def _host(url: str | None) -> str | None:
    """The host that a base URL leads to, with its port; None for none."""
    try:
        return address.parse(url or "").entry
    except ValueError:
        return None
