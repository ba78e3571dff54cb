"""Many runs at once: which may start when, each in a thread, and what came of them as they end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

from plcli.cancel import Cancel
from plcli.pace import Pace

T = TypeVar("T")

AHEAD = 256
"""Jobs that are looked at before they may start: where limits hold some back, others may go on."""


class Job(NamedTuple, Generic[T]):
    """Something to do in a thread, no faster than its pace allows. `expected` guesses its tokens."""

    work: Callable[[], T]
    pace: Pace
    expected: int = 0


class Done(NamedTuple, Generic[T]):
    """A job that has ended: its place in the batch, and what it gave or raised."""

    number: int
    result: T | None
    error: BaseException | None = None


class Batch(Generic[T]):
    """Jobs that run at once, at most `at_once` of them, which may be changed.

    They are drawn from `jobs` when they may start, and not many sooner, so that there may be any number of them.
    `tokens` says what a result used. Jobs share `cancel`, which `interrupt` asks. Where what came of some does not
    say whether others start, these may be `eager`: they do not wait until it is dealt with.
    """

    def __init__(
        self,
        jobs: Iterable[Job[T]],
        *,
        at_once: int,
        cancel: Cancel,
        tokens: Callable[[T], int] = lambda _: 0,
        eager: bool = False,
    ) -> None:
        self.at_once = at_once
        self._eager = eager
        self._jobs = enumerate(jobs)
        self._cancel = cancel
        self._tokens = tokens
        self._queue: SimpleQueue[Done[T] | None] = SimpleQueue()
        self._handed: SimpleQueue[tuple[int, Callable[[], T]] | None] = SimpleQueue()
        """Work for the threads, which live on: a new one for each job takes as long as much of the job."""
        self._threads = 0
        self._waiting: dict[Pace, deque[tuple[int, Job[T]]]] = {}
        self._drawn = 0
        """Jobs that have been drawn and have not started."""
        self._all_drawn = False
        self._paces: dict[int, Pace] = {}
        """The paces of the jobs that run."""
        self._stopped = False
        self._interrupts = 0
        self.running = 0
        self.pause: float | None = None
        """Seconds for which limits hold the next job back, as of the last look; None where they do not."""

    @property
    def waiting(self) -> bool:
        """Whether there are jobs that have not started."""
        return self._drawn > 0 or self._draw()

    @property
    def interrupted(self) -> bool:
        """Whether the batch was interrupted."""
        return self._interrupts > 0

    def stop(self) -> None:
        """Start nothing more; what runs may end."""
        self._stopped = True

    def interrupt(self) -> None:
        """Start nothing more and cancel what runs; the second time do not even wait for that.

        Signal handlers may call it.
        """
        self._queue.put(None)

    def ended(self, tick: float | None = None) -> Iterator[list[Done[T]]]:
        """Run the jobs; those that have ended since the last time, in the order in which they did.

        Comes whenever some have ended, and at least every `tick` seconds, then perhaps with none.
        """
        try:
            while self._interrupts < 2:
                self.pause = None if self._stopped else self._start()
                if not self.running and (self._stopped or not self.waiting):
                    return
                ended = self._ended(min((each for each in (self.pause, tick) if each is not None), default=None))
                if self._eager and not self._stopped:
                    self._start()
                yield ended
        finally:
            for _ in range(self._threads):
                self._handed.put(None)

    def _draw(self) -> bool:
        """Draw one more job; whether there was one."""
        found = None if self._all_drawn else next(self._jobs, None)
        if found is None:
            self._all_drawn = True
            return False
        self._waiting.setdefault(found[1].pace, deque()).append(found)
        self._drawn += 1
        return True

    def _start(self) -> float | None:
        """Start what may start; seconds until more may, or None where one must end first."""
        while self.running < self.at_once and self.waiting:
            now = time.monotonic()
            ready: list[tuple[int, Job[T]]] = []
            pauses: list[float] = []
            for pace, jobs in self._waiting.items():
                pause = pace.delay(now, jobs[0][1].expected) if jobs else None
                if pause is not None and pause > 0:
                    pauses.append(pause)
                elif pause is not None:
                    ready.append(jobs[0])
            if not ready:
                # Where one pace holds its jobs back, those of another may be behind them.
                if self._drawn < AHEAD and self._draw():
                    continue
                return min(pauses, default=None)
            number, job = min(ready, key=lambda found: found[0])
            try:
                self._hand_over(number, job.work)
            except RuntimeError:
                # The system bears no more threads: those that run are enough, if there are any.
                if not self.running:
                    raise
                self.at_once = self.running
                return None
            self._waiting[job.pace].popleft()
            self._drawn -= 1
            self._paces[number] = job.pace
            job.pace.started(now)
            self.running += 1
        return None

    def _hand_over(self, number: int, work: Callable[[], T]) -> None:
        """Give work to a thread that has none, or to a new one. Raises `RuntimeError` where there can be none."""
        if self.running == self._threads:
            Thread(target=self._work, daemon=True).start()
            self._threads += 1
        self._handed.put((number, work))

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None:
            self._queue.put(_done(*handed))

    def _ended(self, pause: float | None) -> list[Done[T]]:
        """Wait for one to end, at most so long; then all that have ended by now."""
        ended: list[Done[T]] = []
        try:
            found = self._queue.get(timeout=pause)
            while True:
                if found is None:
                    self._interrupts += 1
                    self._stopped = True
                    self._cancel.ask()
                else:
                    ended.append(found)
                found = self._queue.get_nowait()
        except Empty:
            pass
        now = time.monotonic()
        for done in ended:
            self.running -= 1
            self._paces.pop(done.number).ended(now, 0 if done.result is None else self._tokens(done.result))
        return ended


def _done(number: int, work: Callable[[], T]) -> Done[T]:
    try:
        return Done(number, work())
    except BaseException as error:  # noqa: BLE001  it is handed to whoever runs the batch
        return Done(number, None, error)
