"""Conducting runs that go on at once: what stops them, what a person sees meanwhile, and what cuts them short."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Generic, TypeVar

from plcli import interrupts
from plcli.batch import Batch, Job
from plcli.brevity import counted
from plcli.cancel import Cancel
from plcli.errors import Exit
from plcli.render.progress import Progress
from plcli.render.runfacts import dollars
from plcli.render.screen import Screen
from plcli.tally import Spending

T = TypeVar("T")

TICK = 0.2
"""Seconds between two looks at the clock of the progress line."""


class Conductor(Generic[T]):
    """Starts jobs, `at_once` of them, until something stops them; whoever settles them says what they came to.

    No more are started after `max_fail` failures (`fail` counts them), nor once they would cost more than
    `max_cost` US dollars together (`spending`). With `silent` no line shows how far they are.
    """

    def __init__(
        self,
        screen: Screen,
        *,
        at_once: int,
        max_fail: int | None = None,
        max_cost: float | None = None,
        silent: bool = False,
    ) -> None:
        self.cancel = Cancel()
        self.progress = Progress(screen)
        self.spending = Spending()
        self.failures = 0
        self.code = Exit.DONE
        """What stopping them asks for."""
        self.stopped: str | None = None
        """Why no more are started."""
        self.trouble: BaseException | None = None
        """What stood against one, or against logging it."""
        self._at_once = at_once
        self._max_fail = max_fail
        self._max_cost = max_cost
        self._silent = silent
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began

    @property
    def cut_short(self) -> str | None:
        """Why not all have ended, where something stopped them."""
        if self.stopped or self.trouble:
            return self.stopped or "stopped"
        return "interrupted" if self.code == Exit.INTERRUPTED else None

    def conduct(
        self,
        jobs: Iterable[Job[T]],
        settle: Callable[[Sequence[tuple[int, T]]], None],
        line: Callable[[], str],
        tokens: Callable[[T], int] = lambda _: 0,
    ) -> None:
        """Run the jobs; each is settled once, by its number among them. `line` says how far they are.

        No interrupt cuts settling short.
        """
        eager = self._max_fail is None and self._max_cost is None and not self._silent
        batch = Batch(jobs, at_once=self._at_once, cancel=self.cancel, tokens=tokens, eager=eager)
        with interrupts.told(batch.interrupt):
            for ended in batch.ended(TICK if self.progress.on and not self._silent else None):
                for done in ended:
                    self.trouble = self.trouble or done.error
                answered = [(done.number, done.result) for done in ended if done.result is not None]
                if answered:
                    _collect_garbage()
                    self.progress.clear()
                    settle(answered)
                self._judge(batch)
                if not self._silent and batch.running:
                    self.progress.show(self._line(line(), batch))
            self.progress.clear()
        if batch.interrupted:
            self.code = Exit.INTERRUPTED

    def _judge(self, batch: Batch[T]) -> None:
        """Decide whether to go on."""
        if self._max_fail is not None and self.failures >= self._max_fail:
            self.stopped = f"stopped after {counted(self.failures, 'failure')}"
        if self.trouble is not None or self.stopped is not None:
            batch.stop()
        elif self._max_cost is not None:
            batch.at_once = self.spending.bears(self._max_cost, self._at_once)
            if not batch.at_once and not batch.running and batch.waiting:
                self.stopped = f"stopped at the cost limit ({dollars(self._max_cost)})"
                self.code = Exit.SETUP
                batch.stop()

    def _line(self, said: str, batch: Batch[T]) -> str:
        seconds = int(self.seconds)
        facts = [
            said,
            f"{batch.running} running",
            f"{self.failures} failed" if self.failures else "",
            dollars(self.spending.spent) if self.spending.spent else "",
            f"{seconds // 60}:{seconds % 60:02}",
            f"limits hold the next back for {batch.pause:.0f} s" if batch.pause and batch.pause >= 1 else "",
        ]
        return " · ".join(filter(None, facts))


@cache
def _collect_garbage() -> None:
    """From now on: a single run is too short for it, several are not. What the SDK has loaded by now stays for ever."""
    gc.freeze()
    gc.enable()
