"""The seconds that go by until something of an answer comes, on a terminal."""

from __future__ import annotations

import time
from threading import Event, Thread

from plcli.render.progress import Progress
from plcli.render.screen import Screen

TICK = 1.0
"""Seconds between two looks at the clock."""


class Waiting:
    """A line at the end of stderr while nothing comes; nothing where that is no terminal, or quiet is asked for."""

    def __init__(self, screen: Screen) -> None:
        self._progress = Progress(screen)
        self._over = Event()
        self._began = time.monotonic()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Begin to count."""
        if self._progress.on and self._thread is None:
            self._began = time.monotonic()
            self._thread = Thread(target=self._count, daemon=True)
            self._thread.start()

    def end(self) -> bool:
        """Take the line away, before something else is shown; whether there was one. Nothing comes after this."""
        self._over.set()
        return self._progress.end()

    def _count(self) -> None:
        while not self._over.wait(TICK):
            self._progress.show(f"drawing, {time.monotonic() - self._began:.0f} s")
