"""What several runs have come to: how they ended, what they cost, and the exit code that they ask for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from plcli.errors import Exit
from plcli.runs import ANSWERED_NO, Run


@dataclass(slots=True)
class Spending:
    """What runs have cost so far, in US dollars, and what more of them would.

    `unpriced` says that one was answered at a cost that nobody knows.
    """

    spent: float = 0.0
    dearest: float = 0.0
    unpriced: bool = False

    def add(self, run: Run) -> None:
        """Count a run that has ended."""
        if run.cost is not None:
            self.spent += run.cost.amount
            self.dearest = max(self.dearest, run.cost.amount)
        elif run.failure is None:
            self.unpriced = self.unpriced or not run.connection.provider.local

    def bears(self, budget: float, most: int) -> int:
        """How many more a budget bears, `most` at the most, each as dear as the dearest so far."""
        if not self.dearest:
            return most
        return min(most, max(0, int((budget - self.spent) / self.dearest)))


@dataclass(slots=True)
class Tally:
    """Counts runs as they end.

    `failed` are the numbers of runs that did not end well; `unanswered` counts those that would be run again.
    """

    states: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    unanswered: int = 0
    code: Exit = Exit.DONE

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.states.total()

    def count(self, number: int, run: Run) -> None:
        """Add a run, by its number among the others."""
        self.code = max(self.code, run.exit)
        self.states[run.response.state] += 1
        if run.exit not in (Exit.DONE, Exit.INTERRUPTED):
            self.failed.append(number)
        if run.failure is not None and run.response.state not in ANSWERED_NO:
            self.unanswered += 1
