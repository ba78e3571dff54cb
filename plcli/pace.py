"""How fast an endpoint may be asked: requests at once, requests a minute, tokens a minute."""

from __future__ import annotations

from bisect import insort
from collections import deque

from plcli.specs import Limits

WINDOW = 60.0
"""Seconds that a limit "a minute" looks back."""


class Pace:
    """Says how long the next request must wait. All times are of `time.monotonic`, in seconds.

    A limit on tokens can only be kept by guessing what a request will use: what the caller expects, or
    what the ended ones used on average, whichever is more.
    """

    def __init__(self, limits: Limits | None = None, *, alone: bool = False) -> None:
        self.alone = alone
        """Whether only one may run at a time, whatever the limits say."""
        self._limits = limits or Limits()
        self._running = 0
        self._starts: deque[float] = deque()
        self._spent: deque[tuple[float, int]] = deque()
        self._ended = 0
        self._tokens = 0
        self._held = 0.0

    def delay(self, now: float, expected: int = 0) -> float | None:
        """Seconds until a request that will use some `expected` tokens may start; None: not before one has ended."""
        limits = self._limits
        most = 1 if self.alone else limits.concurrency
        if most is not None and self._running >= most:
            return None
        waits = [0.0, self._held - now]
        if limits.rpm is not None:
            while self._starts and self._starts[0] <= now - WINDOW:
                self._starts.popleft()
            if len(self._starts) >= limits.rpm:
                waits.append(self._starts[-limits.rpm] + WINDOW - now)
        if limits.tpm is not None:
            wait = self._tokens_free(now, limits.tpm, expected)
            if wait is None:
                return None
            waits.append(wait)
        return max(waits)

    def started(self, now: float) -> None:
        """A request starts."""
        self._running += 1
        self.again(now)

    def again(self, moment: float) -> None:
        """A running request will be sent once more then, which counts as a start. Any thread may call it."""
        if self._limits.rpm is not None:
            insort(self._starts, moment)

    def ended(self, now: float, tokens: int) -> None:
        """A request has ended, having used so many tokens."""
        self._running -= 1
        self._ended += 1
        self._tokens += tokens
        self._spent.append((now, tokens))

    def hold(self, until: float) -> None:
        """The endpoint asks to be left alone until then."""
        self._held = max(self._held, until)

    def _tokens_free(self, now: float, limit: int, expected: int) -> float | None:
        """Seconds until there is room for one request more; None where only the end of a running one makes it."""
        while self._spent and self._spent[0][0] <= now - WINDOW:
            self._spent.popleft()
        each = max(expected, self._tokens // self._ended if self._ended else 0)
        over = sum(tokens for _, tokens in self._spent) + each * (self._running + 1) - limit
        wait = 0.0
        for moment, tokens in self._spent:
            if over <= 0:
                return wait
            over -= tokens
            wait = moment + WINDOW - now
        # A request that alone is over the limit must start some time.
        return wait if over <= 0 or not self._running else None
