"""How long a provider asks to wait before the next try, whichever way it says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for a longer pause has said no for now."""

_ASKED_WAIT = r"(?i)\b(?:retry|try again) (?:in|after) ((?:[\d.]+ ?(?:ms|milliseconds?|h|m|s)[a-z]* ?)+)"
_WAIT_PIECE = r"(?i)([\d.]+) ?(ms|milli|h|m|s)"
_SECONDS = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def asked_wait(headers: Mapping[str, str], message: str, delay: str | None) -> float | None:
    """Seconds that the provider asks to wait; None where it says nothing usable.

    `headers` are the answer's, in lower case; `delay` is Gemini's own word for it (`48.9s`).
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    header = headers.get("retry-after", "")
    seconds = _number(header)
    if seconds is not None:
        return seconds
    try:
        moment = datetime.strptime(header, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except ValueError:
        pass
    if delay is not None:
        return _number(delay.removesuffix("s"))
    asked = re.search(_ASKED_WAIT, message)
    if asked is None:
        return None
    pieces = [(_number(amount), _SECONDS[unit.lower()]) for amount, unit in re.findall(_WAIT_PIECE, asked[1])]
    return sum(amount * unit for amount, unit in pieces if amount is not None)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
