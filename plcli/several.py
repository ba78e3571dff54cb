"""Run several plans: at once, within limits, until something stops them; and say what came of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from plcli import interrupts
from plcli.batch import Batch, Done, Job
from plcli.brevity import counted
from plcli.cancel import Cancel
from plcli.errors import Exit, LogError
from plcli.pace import Pace
from plcli.pacing import guess, paces, tokens
from plcli.records import Record
from plcli.render.comparison import show_comparison
from plcli.render.live import Live
from plcli.render.progress import Progress
from plcli.render.runfacts import dollars
from plcli.request import Loss
from plcli.response import Event, Failure
from plcli.rounds import Rounds, Watching
from plcli.running import Plan, Running
from plcli.runs import Run
from plcli.tally import Tally
from plcli.waits import LONGEST_WAIT

TICK = 0.2
"""Seconds between two looks at the clock of the progress line."""

_ROWS = 10


@dataclass(frozen=True, slots=True)
class Terms:
    """How several plans are run: `jobs` at once; no more are started after `max_fail` failures.

    `max_cost` are US dollars that they may cost together. `models` plans in a row are one request to
    several models, whose answers are shown side by side.
    """

    jobs: int = 1
    max_fail: int | None = None
    max_cost: float | None = None
    models: int = 1


def run_several(running: Running, plans: Sequence[Plan], terms: Terms, batch_id: str) -> int:
    """Run the plans; gives the largest exit code, or raises what stood against one after the others have ended."""
    for told in dict.fromkeys(_loss(plan, loss, terms) for plan in plans for loss in plan.resolved.losses):
        running.session.screen.warn(told)
    return _Several(running, plans, terms, batch_id, paces(plans, alone=terms.max_cost is not None)).run()


@dataclass(slots=True)
class _Several:
    """Several plans while they run; lives as long as `run_several`."""

    running: Running
    plans: Sequence[Plan]
    terms: Terms
    batch_id: str
    paces: Sequence[Pace]
    cancel: Cancel = field(default_factory=Cancel)
    began: float = field(default_factory=time.monotonic)
    tally: Tally = field(default_factory=Tally)
    stopped: str | None = None
    trouble: BaseException | None = None
    held: dict[int, tuple[Record, Live | None]] = field(default_factory=dict)
    lives: dict[int, Live] = field(default_factory=dict)
    next_shown: int = 0

    def run(self) -> int:
        """Run all, show each, and sum up."""
        jobs = [
            Job(partial(self.ask, number, pace), pace, guess(plan))
            for number, (plan, pace) in enumerate(zip(self.plans, self.paces, strict=True))
        ]
        progress, told = Progress(self.running.session.screen), self.running.terms
        terms = replace(told, tell=progress.above(told.tell), warn=progress.above(told.warn))
        self.running = replace(self.running, terms=terms)
        batch = Batch(jobs, at_once=self.terms.jobs, cancel=self.cancel, tokens=tokens)
        with interrupts.told(batch.interrupt):
            for ended in batch.ended(TICK if progress.on and not self.streaming else None):
                self.settle(ended, batch, progress)
                if not self.streaming and batch.running:
                    progress.show(self.line(batch))
            progress.clear()
            self.show(everything=True)
        if batch.interrupted:
            self.tally.code = Exit.INTERRUPTED
        self.sum_up()
        if self.trouble is not None:
            raise self.trouble
        return self.tally.code

    @property
    def streaming(self) -> bool:
        """Whether answers are shown while they come: one at a time, and none beside another."""
        return self.terms.jobs == 1 and self.terms.models == 1

    def ask(self, number: int, pace: Pace) -> Rounds:
        """One run, in a thread."""
        plan = self.plans[number]

        def wait(failure: Failure, seconds: float) -> None:
            until = time.monotonic() + seconds
            pace.again(until)
            if failure.kind == "rate_limit":
                pace.hold(until)
            if live is not None:
                live.wait(failure, seconds)

        live = None
        if self.streaming:
            self.running.announce(plan)
            live = self.lives[number] = self.running.view(plan)
            live.begin()
        watching = Watching(_unseen, wait)
        if live is not None:
            watching = replace(self.running.watching(live), wait=wait)
        watching = replace(watching, again=lambda: pace.again(time.monotonic()))
        rounds = self.running.ask(plan, watching, self.cancel)
        if live is not None:
            live.finish()
        return rounds

    def settle(self, ended: Sequence[Done[Rounds]], batch: Batch[Rounds], progress: Progress) -> None:
        """Judge and log what has ended, show what may be shown, and decide whether to go on."""
        runs: list[tuple[int, Plan, Run]] = []
        for done in ended:
            if done.result is None:
                self.trouble = self.trouble or done.error
            else:
                plan = self.plans[done.number]
                runs.append((done.number, plan, self.running.judge(plan, done.result)))
        if runs:
            _collect_garbage()
            with interrupts.held_back():
                records, unlogged = self.running.log([(plan, run) for _, plan, run in runs])
            self.trouble = self.trouble or unlogged
            for (number, _, run), record in zip(runs, records, strict=True):
                self.tally.count(number, run)
                self.learn(run, self.paces[number])
                self.held[number] = (record, self.lives.pop(number, None))
            progress.clear()
            self.show()
        if self.terms.max_fail is not None and len(self.tally.failed) >= self.terms.max_fail:
            self.stopped = f"stopped after {counted(len(self.tally.failed), 'failure')}"
        if self.trouble is not None or self.stopped is not None:
            batch.stop()
        elif self.terms.max_cost is not None:
            self.keep_within(self.terms.max_cost, batch)

    def learn(self, run: Run, pace: Pace) -> None:
        """What a run tells of the others of its model: what they cost, and how long they must wait."""
        failure = run.failure
        if run.cost is not None or failure is None:
            pace.alone = False
        if failure is not None and failure.kind == "rate_limit" and failure.retry_after:
            pace.hold(time.monotonic() + failure.retry_after)
            if failure.retry_after > LONGEST_WAIT:
                self.stopped = f"{run.resolved.model_name} asks for a pause of {failure.retry_after:.0f} s"

    def keep_within(self, budget: float, batch: Batch[Rounds]) -> None:
        """Start only as many as the budget bears."""
        batch.at_once = self.tally.bears(budget, self.terms.jobs)
        if not batch.at_once and not batch.running and batch.waiting:
            self.stopped = f"stopped at PLCLI_MAX_COST ({dollars(budget)})"
            self.tally.code = max(self.tally.code, Exit.SETUP)
            batch.stop()

    def show(self, everything: bool = False) -> None:
        """Show what has ended: as it comes to programs and on a terminal, else in the order of the plans."""
        screen, size = self.running.session.screen, self.terms.models
        if screen.machine or (screen.shape == "card" and size == 1):
            for number in list(self.held):
                self.show_one(number)
            return
        for start in self.next_groups(size, everything):
            numbers = [number for number in range(start, start + size) if number in self.held]
            if size == 1:
                self.show_one(start)
                continue
            records = [self.held.pop(number)[0] for number in numbers]
            name = self.plans[start].name
            if name is not None and screen.shape == "card":
                screen.say((name, "bold"))
            show_comparison(records, self.running.session.store, screen)

    def next_groups(self, size: int, everything: bool) -> Iterator[int]:
        """The places where groups begin that are to be shown now."""
        while self.next_shown < len(self.plans):
            there = [number in self.held for number in range(self.next_shown, self.next_shown + size)]
            if not (any(there) if everything else all(there)):
                if not everything:
                    return
                self.next_shown += size
                continue
            self.next_shown += size
            yield self.next_shown - size

    def show_one(self, number: int) -> None:
        """Show one run that has ended."""
        record, live = self.held.pop(number)
        interrupted = record.error is not None and record.error.kind == "interrupted"
        if interrupted and not (live and live.printed) and not self.running.session.screen.machine:
            # The end of the batch says it once for all.
            return
        if live is None:
            self.running.announce(self.plans[number])
        self.running.show(record, live)

    def line(self, batch: Batch[Rounds]) -> str:
        """How far the batch is."""
        seconds = int(time.monotonic() - self.began)
        facts = [
            f"{self.tally.done} of {len(self.plans)}",
            f"{batch.running} running",
            f"{len(self.tally.failed)} failed" if self.tally.failed else "",
            dollars(self.tally.spent) if self.tally.spent else "",
            f"{seconds // 60}:{seconds % 60:02}",
            f"limits hold the next back for {batch.pause:.0f} s" if batch.pause and batch.pause >= 1 else "",
        ]
        return " · ".join(filter(None, facts))

    def sum_up(self) -> None:
        """The last lines: how many came to what, what failed, and how to go on where something is left."""
        screen = self.running.session.screen
        done = self.tally.done
        states = ", ".join(f"{count} {state}" for state, count in self.tally.states.items())
        cost = f" · {dollars(self.tally.spent)}" if self.tally.spent else ""
        took = f" · {time.monotonic() - self.began:.1f} s"
        screen.say((f"{done} of {len(self.plans)} runs: {states}{cost}{took}" if done else "no run has ended", "bold"))
        if self.terms.max_cost is not None and self.tally.unpriced:
            screen.warn("PLCLI_MAX_COST does not hold where prices are not known: add `pricing` to the model spec")
        if self.tally.failed and len(self.plans) > 1:
            screen.say((f"failed: {self.names(sorted(self.tally.failed))}", "dim"))
        left = len(self.plans) - done
        told = f"{self.stopped or ('stopped' if self.trouble else 'interrupted')}: {left} not run" if left else None
        if left + self.tally.unanswered and self.running.keep and not isinstance(self.trouble, LogError):
            way_on = f"to go on: the same command with --resume {self.batch_id}"
            told = f"{told}; {way_on}" if told else way_on
        if told:
            screen.warn(told)

    def names(self, numbers: Sequence[int]) -> str:
        """What a person knows the plans by."""
        several = len({plan.resolved.model_name for plan in self.plans}) > 1
        names = [
            (plan.name or "the prompt") + (f" on {plan.resolved.model_name}" if several else "")
            for plan in (self.plans[number] for number in numbers[:_ROWS])
        ]
        return "; ".join(names) + (f"; and {len(numbers) - _ROWS} more" if len(numbers) > _ROWS else "")


@cache
def _collect_garbage() -> None:
    """From now on: a single run is too short for it, several are not. What the SDK has loaded by now stays for ever."""
    gc.freeze()
    gc.enable()


def _unseen(event: Event) -> None:
    """Answers that come at once are shown when they are whole."""


def _loss(plan: Plan, loss: Loss, terms: Terms) -> str:
    """What a person is told of a loss, once for all rows."""
    return f"{plan.resolved.model_name}: {loss.told}" if terms.models > 1 else loss.told
