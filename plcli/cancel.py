"""Cancelling work that runs in other threads: a flag that wakes who waits and ends who reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

TICK = 0.05
"""Seconds after which whoever waits looks again."""


class Cancel:
    """Says once, to all threads that share it, that their work shall end."""

    def __init__(self) -> None:
        self._asked = False
        self._lock = Lock()
        self._ending: dict[int, Callable[[], None]] = {}

    @property
    def asked(self) -> bool:
        """Whether the work shall end."""
        return self._asked

    def ask(self) -> None:
        """End the work: ends every `wait`, and calls what `ending` was given."""
        self._asked = True
        with self._lock:
            ends = list(self._ending.values())
        for end in ends:
            end()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the work shall end, which is noticed within `TICK`; gives whether it shall.

        Sleeps, because an interrupt at one moment within `threading.Event.wait` breaks its lock.
        """
        until = time.monotonic() + seconds
        while not self.asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
        return self.asked

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Meanwhile `end` is called when the work shall end, from another thread; at once where it already shall."""
        with self._lock:
            self._ending[id(end)] = end
            asked = self.asked
        try:
            if asked:
                end()
            yield
        finally:
            with self._lock:
                self._ending.pop(id(end), None)
