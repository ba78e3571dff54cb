"""Replays carried out: runs of a log sent again, or answered from their own recordings, each held against what it was.

They are drawn from the log one by one, and what came of each is logged, shown and reported as it ends, so that there
may be any number of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from plcli.agreement import Agreement
from plcli.batch import Job
from plcli.brevity import counted
from plcli.conducting import Conductor
from plcli.errors import Exit, LogError, PlcliError
from plcli.judging import Judge
from plcli.outcomes import Outcome, Totals
from plcli.pace import Pace
from plcli.pacing import Paces, guess, heed, held_back, learn, tokens
from plcli.records import Record
from plcli.render.reports import Reports
from plcli.render.verdicts import show_outcome, show_totals
from plcli.replaying import Replaying
from plcli.replays.tasks import Done, How, Place, Task, Tasks
from plcli.rounds import UNWATCHED, Rounds
from plcli.runlog import RunLog
from plcli.running import Plan, Running
from plcli.runs import Run


class Ended(NamedTuple):
    """What came of a task: the rounds of its plan, and of the unchanged one."""

    task: Task
    rounds: Rounds
    unchanged: Rounds | None = None


@dataclass(slots=True)
class Replays:
    """Replays while they go on.

    `archives` are files of recordings: a line of them that is no run is a test that cannot be run. `updates` are the
    runs that take the place of recordings, by their files and the ids of those; `unfit` counts those that may not.
    """

    running: Running
    replaying: Replaying
    judge: Judge
    places: Sequence[Place]
    how: How
    reports: Reports
    archives: Sequence[RunLog] = ()
    totals: Totals = field(default_factory=Totals)
    code: Exit = Exit.DONE
    updates: dict[RunLog, dict[str, Record]] = field(default_factory=dict)
    unfit: int = 0
    conductor: Conductor[Ended | Outcome] = field(init=False)
    _paces: Paces = field(init=False)
    _tasks: Tasks = field(init=False)
    _agreements: dict[tuple[str, int | None], Agreement] = field(default_factory=dict)
    _free: Pace = field(default_factory=Pace)

    def run(self) -> Exit:
        """Replay all, and sum up. Gives the exit code; raises what stood against one after the others have ended."""
        how, screen = self.how, self.running.session.screen
        self._paces = Paces(alone=how.max_cost is not None)
        self._tasks = Tasks(self.running, self.replaying, self.judge, how, self.count)
        self.conductor = conductor = Conductor[Ended | Outcome](
            screen, at_once=how.jobs, max_fail=how.max_fail, max_cost=how.max_cost
        )
        if how.recorded:
            self.recall()
        else:
            conductor.conduct(self.jobs(), self.settle, self.line, _tokens)
        unread = self.unread
        self.totals.code = self.code = Exit(max(self.code, conductor.code, Exit.LOG if unread else Exit.DONE))
        self.reports.close(self.totals, stopped=conductor.cut_short or unread)
        self.sum_up()
        if unread is not None:
            screen.warn(f"{unread}: not all were replayed")
        if conductor.trouble is not None:
            raise conductor.trouble
        return self.code

    @property
    def count(self) -> int:
        """How many replays there are, those of `--each` aside."""
        return len(self.places) * self.how.repeat

    @property
    def unread(self) -> str | None:
        """What of the recordings could not be read, and so is not among the replays."""
        damaged = sum(log.damaged for log in self.archives)
        return f"{counted(damaged, 'line')} of the recordings cannot be read" if damaged else None

    @property
    def single(self) -> bool:
        """Whether there is one replay alone."""
        return len(self.places) == 1 and self.how.repeat == 1 and not self.how.each

    def recall(self) -> None:
        """Answer every run from its own recording, one after the other: there is nobody to wait for."""
        for number, (_, then) in enumerate(self.found()):
            self.settle([(number, self._tasks.recalled(then))])
            if self.how.max_fail is not None and self.conductor.failures >= self.how.max_fail:
                self.conductor.stopped = f"stopped after --max-fail {self.how.max_fail}"
                return

    def found(self) -> Iterator[tuple[RunLog, Record]]:
        """The runs with their logs, one by one; damage is left out, and told."""
        for log, offset in self.places:
            record = log.record_at(offset)
            if record is not None:
                yield log, record

    def jobs(self) -> Iterator[Job[Ended | Outcome]]:
        """What is to be sent, made when it may start."""
        for log, then in self.found():
            if self.how.update and (outcome := self._tasks.recalled(then)).exit == Exit.DONE:
                yield self.ended(outcome)
                continue
            for at in range(len(then.exchanges)) if self.how.each else [None]:
                for repeat in range(self.how.repeat):
                    place = Done(then.id, at, repeat if self.how.repeat > 1 else None)
                    if place not in self.how.done:
                        yield self.job(log, then, place)

    def job(self, log: RunLog, then: Record, place: Done) -> Job[Ended | Outcome]:
        """One replay; where its request cannot be made, that is what came of it."""
        try:
            task = self._tasks.of(log, then, place)
        except LogError:
            raise
        except PlcliError as error:
            return self.ended(self.judge.refused(then, error, at=place.exchange))
        pace = self._paces.of(task.plan)
        return Job(partial(self.ask, task, pace), pace, guess(task.plan))

    def ended(self, outcome: Outcome) -> Job[Ended | Outcome]:
        """A job that has nothing to do."""
        return Job(lambda: outcome, self._free)

    def ask(self, task: Task, pace: Pace) -> Ended | Outcome:
        """Send a task, in a thread; the unchanged plan first. What stands against one stops none of the others."""
        watching, cancel = held_back(UNWATCHED, pace), self.conductor.cancel
        try:
            unchanged = task.running.ask(task.unchanged, watching, cancel) if task.unchanged is not None else None
            return Ended(task, heed(task.running.ask(task.plan, watching, cancel), pace), unchanged)
        except LogError:
            raise
        except PlcliError as error:
            return self.judge.refused(task.then, error, at=task.at)

    def settle(self, ended: Sequence[tuple[int, Ended | Outcome]]) -> None:
        """Judge, log, show and report what has ended."""
        sent = [one for _, one in ended if isinstance(one, Ended)]
        told = [(None, one) for _, one in ended if isinstance(one, Outcome)]
        outcomes = [*told, *zip((one.task for one in sent), self.logged(sent), strict=True)]
        for task, outcome in outcomes:
            self.totals.count(outcome)
            updated = self.updated(task, outcome)
            self.unfit += self.how.update and task is not None and not updated
            code = Exit.DONE if updated else outcome.exit
            self.code = max(self.code, code)
            self.conductor.failures += code != Exit.DONE
            self.reports.add(outcome)
            self.show(outcome)
            self.agree(outcome)

    def updated(self, task: Task | None, outcome: Outcome) -> bool:
        """Whether a new run takes the place of its recording: it has an answer, and that is as expected."""
        now = outcome.now
        if not self.how.update or task is None or now.error is not None or not now.id:
            return False
        if not all(one.passed for one in now.expectations or ()):
            return False
        self.updates.setdefault(task.log, {})[task.then.id] = now
        return True

    def logged(self, ended: Sequence[Ended]) -> list[Outcome]:
        """What came of what was sent, as it is in the log."""
        first = [(one.task, one.task.unchanged, one.unchanged) for one in ended]
        unchanged = self.judged([(task, plan, rounds, None) for task, plan, rounds in first if plan and rounds])
        baselines = iter(unchanged)
        return self.judged(
            [(one.task, one.task.plan, one.rounds, next(baselines) if one.unchanged else None) for one in ended]
        )

    def judged(self, asked: Sequence[tuple[Task, Plan, Rounds, Outcome | None]]) -> list[Outcome]:
        """The outcomes of these rounds, logged."""
        if not asked:
            return []
        runs: list[tuple[Task, Plan, Run, Outcome | None]] = []
        for task, plan, rounds, baseline in asked:
            run = task.running.judge(plan, rounds)
            self.conductor.spending.add(run)
            self.conductor.stopped = learn(run, self._paces.of(plan)) or self.conductor.stopped
            runs.append((task, plan, run, baseline))
        records, unkept = self.running.records([(plan, run) for _, plan, run, _ in runs])
        outcomes = [
            self.judge.outcome(
                task.then,
                record,
                plan.resolved,
                at=task.at,
                baseline=baseline,
                changed=plan is task.plan and (self.how.update or self.replaying.changes.any),
            )
            for (task, plan, _, baseline), record in zip(runs, records, strict=True)
        ]
        written, unlogged = self.running.append([one.now for one in outcomes]) if not unkept else (None, unkept)
        self.conductor.trouble = self.conductor.trouble or unlogged
        if written is None:
            return outcomes
        return [outcome._replace(now=record) for outcome, record in zip(outcomes, written, strict=True)]

    def show(self, outcome: Outcome) -> None:
        """The new answer of a single replay that a person watches, and what came of it."""
        screen = self.running.session.screen
        if self.single and screen.shape == "card" and outcome.now.id:
            self.running.show(outcome.now)
        show_outcome(outcome, screen, detail=True)

    def agree(self, outcome: Outcome) -> None:
        """Count what the repetitions of a run agree in, and tell it when all have ended."""
        if self.how.repeat == 1:
            return
        replay = outcome.now.replay
        key = (outcome.then.id, replay.exchange if replay else None)
        agreement = self._agreements.setdefault(key, Agreement())
        agreement.count(outcome.now)
        if agreement.runs == self.how.repeat:
            del self._agreements[key]
            for line in agreement.lines():
                self.running.session.screen.say((f"{outcome.name}: {line}", "bold"))

    def line(self) -> str:
        """How far the replays are."""
        return f"{self.totals.done} of {self.count}"

    def sum_up(self) -> None:
        """The table of then and now, and how to go on where something is left."""
        screen, how, conductor = self.running.session.screen, self.how, self.conductor
        if not self.single:
            # A recording that answers costs and takes what it did.
            show_totals(self.totals, screen, alone=how.recorded)
        if how.max_cost is not None and conductor.spending.unpriced:
            screen.warn("the cost limit does not hold where prices are not known: add `pricing` to the model spec")
        failed = self.totals.verdicts["failed"]
        if how.batch is None or not self.running.keep or not (conductor.cut_short or failed):
            if conductor.cut_short:
                screen.warn(f"{conductor.cut_short}: not all were replayed")
            return
        told = f"{conductor.cut_short}: not all were replayed; " if conductor.cut_short else ""
        screen.warn(f"{told}to go on: the same command with --resume {how.batch}")


def new_batch() -> str:
    """A name for a batch."""
    return uuid.uuid4().hex[:12]


def _tokens(ended: Ended | Outcome) -> int:
    return tokens(ended.rounds) if isinstance(ended, Ended) else 0
