"""Many runs at once: which may start when, each in a thread of its own, and what came of them as they end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

from plcli.cancel import Cancel
from plcli.pace import Pace

T = TypeVar("T")


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

    `tokens` says what a result used. Jobs share `cancel`, which `interrupt` asks.
    """

    def __init__(
        self, jobs: Sequence[Job[T]], *, at_once: int, cancel: Cancel, tokens: Callable[[T], int] = lambda _: 0
    ) -> None:
        self.at_once = at_once
        self._jobs = jobs
        self._cancel = cancel
        self._tokens = tokens
        self._queue: SimpleQueue[Done[T] | None] = SimpleQueue()
        self._waiting: dict[Pace, deque[int]] = {}
        for number, job in enumerate(jobs):
            self._waiting.setdefault(job.pace, deque()).append(number)
        self._stopped = False
        self._interrupts = 0
        self.running = 0
        self.pause: float | None = None
        """Seconds for which limits hold the next job back, as of the last look; None where they do not."""

    @property
    def waiting(self) -> int:
        """Jobs that have not started."""
        return sum(map(len, self._waiting.values()))

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
        while self._interrupts < 2:
            self.pause = None if self._stopped else self._start()
            if not self.running and (self._stopped or not self.waiting):
                return
            yield self._ended(min((each for each in (self.pause, tick) if each is not None), default=None))

    def _start(self) -> float | None:
        """Start what may start; seconds until more may, or None where one must end first."""
        while self.running < self.at_once and self.waiting:
            now = time.monotonic()
            ready: list[int] = []
            pauses: list[float] = []
            for pace, numbers in self._waiting.items():
                pause = pace.delay(now, self._jobs[numbers[0]].expected) if numbers else None
                if pause is not None and pause > 0:
                    pauses.append(pause)
                elif pause is not None:
                    ready.append(numbers[0])
            if not ready:
                return min(pauses, default=None)
            number = min(ready)
            pace = self._jobs[number].pace
            try:
                Thread(target=self._work, args=(number,), daemon=True).start()
            except RuntimeError:
                # The system bears no more threads: those that run are enough, if there are any.
                if not self.running:
                    raise
                self.at_once = self.running
                return None
            self._waiting[pace].popleft()
            pace.started(now)
            self.running += 1
        return None

    def _work(self, number: int) -> None:
        try:
            done = Done(number, self._jobs[number].work())
        except BaseException as error:  # noqa: BLE001  it is handed to whoever runs the batch
            done = Done(number, None, error)
        self._queue.put(done)

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
            self._jobs[done.number].pace.ended(now, 0 if done.result is None else self._tokens(done.result))
        return ended
