"""Interrupts: Ctrl-C, and the signals that end a process as it does, come once and at a good moment."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, the polite end, and the terminal that is closed (not on Windows)."""


def listen() -> None:
    """From now on each of them raises `KeyboardInterrupt`; what the caller of the process ignores stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold them back for a moment; one that came meanwhile counts at the end."""
    came: list[int] = []
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def _interrupt(signum: int, frame: object) -> None:
    """Stop once: whoever presses Ctrl-C twice must not lose the record that the first one is writing."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@dataclass(slots=True)
class Noted:
    """What came while they were noted: whether any did (set it back to ask anew), and whether the process shall end."""

    came: bool = False
    leaving: bool = False
    _stoppable: bool = False

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Work that the first of them stops, by `KeyboardInterrupt`."""
        self._stoppable = True
        try:
            yield
        finally:
            self._stoppable = False

    def __call__(self, signum: int, frame: object) -> None:
        """Note one; this is the handler of the signals."""
        self.came = True
        self.leaving = self.leaving or signum != signal.SIGINT
        if self._stoppable:
            # Once: an impatient second one must not lose the record that the first one is writing.
            self._stoppable = False
            raise KeyboardInterrupt


@contextmanager
def noted() -> Iterator[Noted]:
    """Meanwhile each of them is noted, and stops the work that may be stopped; nothing else is lost by it."""
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    notes = Noted()
    before = {number: signal.signal(number, notes) for number in heard}
    try:
        yield notes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told(tell: Callable[[], None]) -> Iterator[None]:
    """Meanwhile each of them calls `tell`, in the main thread, and raises nothing."""
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, frame: tell()) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
