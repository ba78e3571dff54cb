"""Times as files write them: ISO 8601, seconds or milliseconds since 1970, and the date of HTTP."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from plcli.media import Json

_HTTP = "%a, %d %b %Y %H:%M:%S GMT"
_MILLISECONDS_FROM = 1e11
"""Numbers from here on count milliseconds: as seconds they are of the year 5138."""


def moment(value: Json) -> str | None:
    """The time in UTC, ISO 8601 with milliseconds and `Z`; None for what tells none. A time without a zone is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _written(datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC))
        if isinstance(value, str):
            return _written(_parsed(value.strip()))
    except (ValueError, OverflowError, OSError):
        pass
    return None


def milliseconds(value: Json) -> int:
    """A duration in whole milliseconds; 0 for what is none."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return round(value) if number and 0 <= value < 1e12 else 0


def between(start: str | None, end: str | None) -> int:
    """Milliseconds from one time to another, as `moment` writes them; 0 where one is not known."""
    if start is None or end is None:
        return 0
    return milliseconds((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000)


def _parsed(text: str) -> datetime:
    if text[:1].isalpha():
        return datetime.strptime(text, _HTTP).replace(tzinfo=UTC)
    return datetime.fromisoformat(text)


def _written(when: datetime) -> str:
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
