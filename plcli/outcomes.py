"""What came of replaying runs: of each the run as it was and as it is now, and what comparing said; and of all."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from plcli.errors import Exit
from plcli.failures import EXIT_OF_KIND
from plcli.observing import latency_ms, tokens_of
from plcli.records import Record
from plcli.replayrecords import Verdict


class Outcome(NamedTuple):
    """A replay that has ended. `now.replay` says what was found; `now` has no id where it is not in the log.

    `file` and `line` (from 1) are where the request of the run stands today: its spec, or the place of a spec that
    made the request another one; None where no file does.
    """

    then: Record
    now: Record
    name: str
    file: str | None = None
    line: int | None = None

    @property
    def verdict(self) -> Verdict:
        """What comparing said."""
        return self.now.replay.verdict if self.now.replay is not None else "failed"

    @property
    def reason(self) -> str | None:
        """Why, where it is not identical."""
        return self.now.replay.reason if self.now.replay is not None else None

    @property
    def green(self) -> bool:
        """Whether it is as it was."""
        return self.verdict in ("identical", "equivalent")

    @property
    def answered(self) -> bool:
        """Whether there is an answer that can be held against the logged one."""
        return self.verdict not in ("failed", "not-replayable")

    @property
    def exit(self) -> Exit:
        """The exit code that it asks for."""
        if self.verdict == "failed":
            kind = self.now.error.kind if self.now.error is not None else ""
            return EXIT_OF_KIND.get(kind, Exit.UNAVAILABLE)
        return _EXITS.get(self.verdict, Exit.DONE)


_EXITS: dict[Verdict, Exit] = {"drifted": Exit.FINDING, "not-replayable": Exit.OFFLINE}


@dataclass(slots=True)
class Change:
    """A sum over outcomes, then and now; of those alone that tell it of both runs, so that the two can be compared."""

    then: float = 0
    now: float = 0
    of: int = 0
    """How many outcomes were added."""

    @property
    def percent(self) -> float | None:
        """How much more it is now (less, where negative); None where there was nothing, or a number is absurd."""
        try:
            share = 100.0 * ((self.now - self.then) / self.then)
        except ArithmeticError:
            return None
        return share if math.isfinite(share) else None

    def add(self, then: float | None, now: float | None) -> None:
        """Count an outcome, where both are known."""
        if then is not None and now is not None:
            self.then += then
            self.now += now
            self.of += 1


@dataclass(slots=True)
class Totals:
    """Counts outcomes as they end: verdicts, tokens, cost in US dollars, time in milliseconds, and the exit code."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    tokens: Change = field(default_factory=Change)
    cost: Change = field(default_factory=Change)
    time_ms: Change = field(default_factory=Change)
    code: Exit = Exit.DONE

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.verdicts.total()

    def count(self, outcome: Outcome) -> None:
        """Add an outcome."""
        self.verdicts[outcome.verdict] += 1
        self.code = max(self.code, outcome.exit)
        then, now = outcome.then, outcome.now
        self.tokens.add(tokens_of(then), tokens_of(now))
        self.cost.add(_amount(then), _amount(now))
        if then.exchanges and now.exchanges and now.response is not None and now.response.state != "error":
            self.time_ms.add(latency_ms(then), latency_ms(now))


def _amount(record: Record) -> float | None:
    return record.cost.amount if record.cost is not None and math.isfinite(record.cost.amount) else None
