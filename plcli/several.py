"""Run several plans: at once, within limits, until something stops them; and say what came of them."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from plcli import interrupts
from plcli.batch import Batch, Done, Job
from plcli.cancel import Cancel
from plcli.engine import Turn
from plcli.errors import Exit, LogError
from plcli.exchange import canonical
from plcli.media import encode
from plcli.pace import Pace
from plcli.records import Record
from plcli.render.comparison import show_comparison
from plcli.render.live import Live
from plcli.render.progress import Progress
from plcli.response import Event, Failure
from plcli.running import Plan, Running
from plcli.runs import ANSWERED_NO, Run

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
    # A single run is too short to collect garbage in; several are not.
    gc.enable()
    return _Several(running, plans, terms, batch_id).run()


@dataclass(slots=True)
class _Several:
    """Several plans while they run; lives as long as `run_several`."""

    running: Running
    plans: Sequence[Plan]
    terms: Terms
    batch_id: str
    cancel: Cancel = field(default_factory=Cancel)
    began: float = field(default_factory=time.monotonic)
    code: Exit = Exit.DONE
    states: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    unanswered: int = 0
    spent: float = 0.0
    dearest: float = 0.0
    unpriced: bool = False
    stopped: str | None = None
    trouble: BaseException | None = None
    held: dict[int, tuple[Record, Live | None]] = field(default_factory=dict)
    lives: dict[int, Live] = field(default_factory=dict)
    next_shown: int = 0

    def run(self) -> int:
        """Run all, show each, and sum up."""
        paces = _paces(self.plans)
        jobs = [
            Job(partial(self.ask, number, pace), pace, _guess(plan))
            for number, (plan, pace) in enumerate(zip(self.plans, paces, strict=True))
        ]
        progress = Progress(self.running.session.screen)
        # The first run tells what one costs, before more of them start.
        at_once = 1 if self.terms.max_cost is not None else self.terms.jobs
        batch = Batch(jobs, at_once=at_once, cancel=self.cancel, tokens=_tokens)
        with interrupts.told(batch.interrupt):
            for ended in batch.ended(TICK if progress.on and not self.streaming else None):
                self.settle(ended, batch, progress)
                if not self.streaming and batch.running:
                    progress.show(self.line(batch))
            progress.clear()
            self.show(everything=True)
        if batch.interrupted:
            self.code = Exit.INTERRUPTED
        self.sum_up()
        if self.trouble is not None:
            raise self.trouble
        return self.code

    @property
    def streaming(self) -> bool:
        """Whether answers are shown while they come: one at a time, and none beside another."""
        return self.terms.jobs == 1 and self.terms.models == 1

    def ask(self, number: int, pace: Pace) -> Turn:
        """One run, in a thread."""
        plan = self.plans[number]

        def wait(failure: Failure, seconds: float) -> None:
            if failure.kind == "rate_limit":
                pace.hold(time.monotonic() + seconds)
            if live is not None:
                live.wait(failure, seconds)

        live = None
        if self.streaming:
            self.running.announce(plan)
            live = self.lives[number] = Live(self.running.session.screen, self.running.session.redactor)
        turn = self.running.ask(plan, live or _unseen, wait, self.cancel)
        if live is not None:
            live.finish()
        return turn

    def settle(self, ended: Sequence[Done[Turn]], batch: Batch[Turn], progress: Progress) -> None:
        """Judge and log what has ended, show what may be shown, and decide whether to go on."""
        runs: list[tuple[int, Plan, Run]] = []
        for done in ended:
            if done.result is None:
                self.trouble = self.trouble or done.error
            else:
                plan = self.plans[done.number]
                runs.append((done.number, plan, self.running.judge(plan, done.result)))
        if runs:
            with interrupts.held_back():
                records, unlogged = self.running.log([(plan, run) for _, plan, run in runs])
            self.trouble = self.trouble or unlogged
            for (number, _, run), record in zip(runs, records, strict=True):
                self.count(number, run)
                self.held[number] = (record, self.lives.pop(number, None))
            progress.clear()
            self.show()
        if self.trouble is not None:
            batch.stop()
        elif self.terms.max_fail is not None and len(self.failed) >= self.terms.max_fail and batch.waiting:
            self.stopped = f"stopped after {_counted(len(self.failed), 'failure')}"
            batch.stop()
        elif self.terms.max_cost is not None:
            self.keep_within(self.terms.max_cost, batch)

    def count(self, number: int, run: Run) -> None:
        """Add a run to what is summed up."""
        self.code = max(self.code, run.exit)
        self.states[run.turn.response.state] += 1
        if run.exit not in (Exit.DONE, Exit.INTERRUPTED):
            self.failed.append(number)
        if run.failure is not None and run.turn.response.state not in ANSWERED_NO:
            self.unanswered += 1
        if run.cost is not None:
            self.spent += run.cost.amount
            self.dearest = max(self.dearest, run.cost.amount)
        elif run.failure is None:
            self.unpriced = True

    def keep_within(self, budget: float, batch: Batch[Turn]) -> None:
        """Start only as many as the budget bears, each as dear as the dearest so far."""
        if not self.dearest:
            batch.at_once = self.terms.jobs if self.unpriced else 1
            return
        batch.at_once = min(self.terms.jobs, max(0, int((budget - self.spent) / self.dearest)))
        if not batch.at_once and not batch.running and batch.waiting:
            self.stopped = f"stopped before PLCLI_MAX_COST ({_dollars(budget)}) is exceeded"
            self.code = max(self.code, Exit.SETUP)
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
        if record.error is not None and record.error.kind == "interrupted" and not (live and live.printed):
            # The end of the batch says it once for all.
            return
        if live is None:
            self.running.announce(self.plans[number])
        self.running.show(record, live)

    def line(self, batch: Batch[Turn]) -> str:
        """How far the batch is."""
        seconds = int(time.monotonic() - self.began)
        facts = [
            f"{self.states.total()} of {len(self.plans)}",
            f"{batch.running} running",
            f"{len(self.failed)} failed" if self.failed else "",
            _dollars(self.spent) if self.spent else "",
            f"{seconds // 60}:{seconds % 60:02}",
            f"limits hold the next back for {batch.pause:.0f} s" if batch.pause and batch.pause >= 1 else "",
        ]
        return " · ".join(filter(None, facts))

    def sum_up(self) -> None:
        """The last lines: how many came to what, what failed, and how to go on where something is left."""
        screen = self.running.session.screen
        done = self.states.total()
        states = ", ".join(f"{count} {state}" for state, count in self.states.items())
        cost = f" · {_dollars(self.spent)}" if self.spent else ""
        took = f" · {time.monotonic() - self.began:.1f} s"
        screen.say((f"{done} of {len(self.plans)} runs: {states}{cost}{took}" if done else "no run has ended", "bold"))
        if self.terms.max_cost is not None and self.unpriced:
            screen.warn("PLCLI_MAX_COST does not hold where prices are not known: add `pricing` to the model spec")
        if self.failed and len(self.plans) > 1:
            screen.say((f"failed: {self.names(sorted(self.failed))}", "dim"))
        left = len(self.plans) - done
        if left:
            screen.warn(f"{self.stopped or 'interrupted'}: {left} not run")
        if left + self.unanswered and self.running.keep and not isinstance(self.trouble, LogError):
            screen.say(("to go on: the same command with ", "dim"), f"--resume {self.batch_id}")

    def names(self, numbers: Sequence[int]) -> str:
        """What a person knows the plans by."""
        names = [
            (plan.name or "the prompt") + (f" on {plan.resolved.model_name}" if self.terms.models > 1 else "")
            for plan in (self.plans[number] for number in numbers[:_ROWS])
        ]
        return "; ".join(names) + (f"; and {len(numbers) - _ROWS} more" if len(numbers) > _ROWS else "")


def _unseen(event: Event) -> None:
    """Answers that come at once are shown when they are whole."""


def _paces(plans: Sequence[Plan]) -> list[Pace]:
    """The pace of each plan; those of one model at one address share theirs."""
    shared: dict[tuple[str, str | None], Pace] = {}
    paces = []
    for plan in plans:
        model = plan.resolved.model
        place = (plan.resolved.model_name, plan.connection.base_url)
        paces.append(shared.setdefault(place, Pace(model.spec.limits if model.spec else None)))
    return paces


def _guess(plan: Plan) -> int:
    """Some four characters make a token; counted only where a limit asks."""
    spec = plan.resolved.model.spec
    if spec is None or spec.limits is None or spec.limits.tpm is None:
        return 0
    asked = plan.resolved.request.params.get("max_output_tokens")
    return len(canonical(encode(plan.resolved.compiled.wire))) // 4 + (asked if isinstance(asked, int) else 0)


def _tokens(turn: Turn) -> int:
    usage = turn.response.usage
    if usage is None:
        return 0
    return usage.total_tokens or (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _dollars(amount: float) -> str:
    return f"${amount:.6f}".rstrip("0").rstrip(".")
