"""Ids of runs: text that rises with time.

An id is the UTC time in milliseconds, `-`, and five random characters: `20261123T165539123-k7m2q`.
The characters are digits and lower-case letters without i, l, o and u, which look like others.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

LENGTH = 24
"""Characters of every id."""

_ID = re.compile(rf"([0-9]{{8}}T[0-9]{{6}})([0-9]{{3}})-[{ALPHABET}]{{5}}")


def moment_of(text: str) -> datetime | None:
    """The time in an id, UTC; None for what is no id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(f"{match[1]}.{match[2]}+00:00")
    except ValueError:
        return None


def mint(last: datetime | None) -> str:
    """A new id whose time is now, or one millisecond after `last` where the clock is not past it.

    Raises `OverflowError` after the year 9999.
    """
    moment = datetime.now(UTC)
    if last is not None:
        moment = max(moment, last + timedelta(milliseconds=1))
    stamp = f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}"
    return f"{stamp}-{''.join(ALPHABET[byte % len(ALPHABET)] for byte in os.urandom(5))}"
