"""Regular expressions that others wrote, searched in bounded time.

Python's engine cannot be stopped once it backtracks, so an expression whose cost is not plainly small
is searched by a process of its own, which can.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from plcli.brevity import cut

SECONDS = 2.0
"""Longest time for one search."""

LONGEST_TEXT = 1_000_000
"""Characters of the longest text that is searched."""

LONGEST_PATTERN = 2_000
"""Characters of the longest expression."""

CHEAP = 50_000_000
"""Steps that a search may at worst take to be made here."""

_CHOICES = re.compile(r"[*+?{|]|\\[1-9]|\(\?P=")
# A repeated group costs more than its length shows, flags and comments can hide one, and Python warns of the rest.
_UNCLEAR = re.compile(r"\)[*+{]|\(\?(?![:=!<P])|\[\[|--|&&|~~|\|\|")

_SEARCH = """
import re, sys
text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
size = int(sys.argv[1])
try:
    print("found" if re.search(text[:size], text[size:]) else "absent")
except (re.error, OverflowError, RecursionError) as error:
    print(error)
"""


_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)


class Undecided(ValueError):
    """A question that has no answer: it makes no sense, or the answer would take too long."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Whatever is decided in here takes no longer all together; what comes after that is `Undecided`."""
    token = _UNTIL.set(min(_UNTIL.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def seconds_left(longest: float) -> float:
    """Seconds for the next decision, `longest` at most. Raises `Undecided` where `within` leaves none."""
    left = _UNTIL.get() - time.monotonic()
    if left <= 0:
        raise Undecided("checking takes too long; write simpler patterns and schemas, or fewer of them")
    return min(longest, left)


def search(pattern: str, text: str) -> bool:
    """Whether an expression matches somewhere in a text.

    Raises `Undecided` for what is no regular expression, and for a search past the limits above.
    """
    seconds = seconds_left(SECONDS)
    if len(pattern) > LONGEST_PATTERN:
        raise Undecided(f"a regular expression of more than {LONGEST_PATTERN:,} characters")
    if len(text) > LONGEST_TEXT:
        raise Undecided(f"a text of more than {LONGEST_TEXT:,} characters is not searched")
    if not cheap(pattern, len(text)):
        return _search_apart(pattern, text, seconds)
    try:
        return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError) as error:
        raise Undecided(f"{_shown(pattern)} is no regular expression: {error}") from None


def cheap(pattern: str, length: int) -> bool:
    """Whether a search in so many characters is surely soon done: each choice multiplies by their number."""
    steps = len(pattern) * (length + 2) ** (1 + len(_CHOICES.findall(pattern)))
    return steps <= CHEAP and not _UNCLEAR.search(pattern)


def _search_apart(pattern: str, text: str, seconds: float) -> bool:
    command = [sys.executable, "-I", "-S", "-c", _SEARCH, str(len(pattern))]
    given = (pattern + text).encode("utf-8", "surrogatepass")
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        slow = f"{_shown(pattern)} took longer than {seconds:.2g} s; write it with fewer repetitions"
        raise Undecided(slow) from None
    except OSError as error:
        raise Undecided(f"{_shown(pattern)} could not be searched: {error.strerror}") from None
    said = done.stdout.decode("utf-8", "replace").strip()
    if said not in ("found", "absent"):
        raise Undecided(f"{_shown(pattern)} is no regular expression: {said or 'it is too large'}")
    return said == "found"


def _shown(pattern: str) -> str:
    return repr(cut(pattern, 80))
