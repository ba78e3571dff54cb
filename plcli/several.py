"""Run several plans: at once, within limits, until something stops them; and say what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from plcli.agreement import Agreement
from plcli.batch import Job
from plcli.conducting import Conductor
from plcli.errors import Exit, LogError
from plcli.pace import Pace
from plcli.pacing import Paces, guess, heed, held_back, learn, tokens
from plcli.records import Record
from plcli.render.comparison import show_comparison
from plcli.render.live import Live
from plcli.render.runfacts import dollars
from plcli.request import Loss
from plcli.rounds import UNWATCHED, Rounds
from plcli.running import Plan, Running
from plcli.tally import Tally

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
    paces = Paces(alone=terms.max_cost is not None)
    return _Several(running, plans, terms, batch_id, [paces.of(plan) for plan in plans]).run()


@dataclass(slots=True)
class _Several:
    """Several plans while they run; lives as long as `run_several`."""

    running: Running
    plans: Sequence[Plan]
    terms: Terms
    batch_id: str
    paces: Sequence[Pace]
    tally: Tally = field(default_factory=Tally)
    held: dict[int, tuple[Record, Live | None]] = field(default_factory=dict)
    lives: dict[int, Live] = field(default_factory=dict)
    next_shown: int = 0
    agreements: dict[tuple[str, str], Agreement] = field(default_factory=dict)
    conductor: Conductor[Rounds] = field(init=False)

    def run(self) -> int:
        """Run all, show each, and sum up."""
        terms, told = self.terms, self.running.terms
        conductor: Conductor[Rounds] = Conductor(
            self.running.session.screen,
            at_once=terms.jobs,
            max_fail=terms.max_fail,
            max_cost=terms.max_cost,
            silent=self.streaming,
        )
        self.conductor = conductor
        above = conductor.progress.above
        self.running = replace(self.running, terms=replace(told, tell=above(told.tell), warn=above(told.warn)))
        jobs = (
            Job(partial(self.ask, number, pace), pace, guess(plan))
            for number, (plan, pace) in enumerate(zip(self.plans, self.paces, strict=True))
        )
        conductor.conduct(jobs, self.settle, lambda: f"{self.tally.done} of {len(self.plans)}", tokens)
        self.show(everything=True)
        if conductor.code == Exit.INTERRUPTED:
            self.tally.code = conductor.code
        self.tally.code = max(self.tally.code, conductor.code)
        self.sum_up()
        if conductor.trouble is not None:
            raise conductor.trouble
        return self.tally.code

    @property
    def streaming(self) -> bool:
        """Whether answers are shown while they come: one at a time, and none beside another."""
        return self.terms.jobs == 1 and self.terms.models == 1

    def ask(self, number: int, pace: Pace) -> Rounds:
        """One run, in a thread."""
        plan = self.plans[number]

        live = None
        if self.streaming:
            self.running.announce(plan)
            live = self.lives[number] = self.running.view(plan)
            live.begin()
        watching = self.running.watching(live) if live is not None else UNWATCHED
        rounds = heed(self.running.ask(plan, held_back(watching, pace), self.conductor.cancel), pace)
        if live is not None:
            live.finish()
        return rounds

    def settle(self, ended: Sequence[tuple[int, Rounds]]) -> None:
        """Judge and log what has ended, and show what may be shown."""
        conductor = self.conductor
        runs = [(number, self.plans[number], self.running.judge(self.plans[number], it)) for number, it in ended]
        records, unlogged = self.running.log([(plan, run) for _, plan, run in runs])
        conductor.trouble = conductor.trouble or unlogged
        for (number, _, run), record in zip(runs, records, strict=True):
            self.tally.count(number, run)
            conductor.failures = len(self.tally.failed)
            conductor.spending.add(run)
            conductor.stopped = learn(run, self.paces[number]) or conductor.stopped
            self.held[number] = (record, self.lives.pop(number, None))
            self.agree(self.plans[number], record)
        self.show()

    def agree(self, plan: Plan, record: Record) -> None:
        """Count what the repetitions of a request agree in."""
        if plan.batch is not None and plan.batch.repeat is not None:
            key = (plan.row or "the prompt", plan.resolved.model_name)
            self.agreements.setdefault(key, Agreement()).count(record)

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
        self.running.tell_if_missed(self.plans[number], record)

    def sum_up(self) -> None:
        """The last lines: how many came to what, what failed, and how to go on where something is left."""
        screen = self.running.session.screen
        done = self.tally.done
        states = ", ".join(f"{count} {state}" for state, count in self.tally.states.items())
        spending, conductor = self.conductor.spending, self.conductor
        cost = f" · {dollars(spending.spent)}" if spending.spent else ""
        took = f" · {conductor.seconds:.1f} s"
        screen.say((f"{done} of {len(self.plans)} runs: {states}{cost}{took}" if done else "no run has ended", "bold"))
        for (name, model), agreement in self.agreements.items():
            for line in agreement.lines():
                screen.say((f"{name} on {model}: {line}" if self.terms.models > 1 else f"{name}: {line}", "dim"))
        if self.terms.max_cost is not None and spending.unpriced:
            screen.warn("the cost limit does not hold where prices are not known: add `pricing` to the model spec")
        if self.tally.failed and len(self.plans) > 1:
            screen.say((f"failed: {self.names(sorted(self.tally.failed))}", "dim"))
        left = len(self.plans) - done
        told = f"{conductor.cut_short or 'interrupted'}: {left} not run" if left else None
        if left + self.tally.unanswered and self.running.keep and not isinstance(conductor.trouble, LogError):
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


def _loss(plan: Plan, loss: Loss, terms: Terms) -> str:
    """What a person is told of a loss, once for all rows."""
    return f"{plan.resolved.model_name}: {loss.told}" if terms.models > 1 else loss.told
