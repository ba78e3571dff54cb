"""Foreign values for a report: without secrets, of a bounded size, and such as every reader of JSON takes."""

from __future__ import annotations

import math
from collections.abc import Callable

from plcli.brevity import cut
from plcli.media import Json, MediaRef, Redacted, encode
from plcli.response import Kept

ROOM = 100_000
"""Characters that the values of one outcome may have together; the log holds them all."""

DEEPEST = 30
"""How deep values may be nested."""

_ITEM = 8


class Values:
    """Takes values until the room is full; where something was left out stands …"""

    def __init__(self, redact: Callable[[str], str], room: int = ROOM) -> None:
        self._redact = redact
        self._left = room

    def take(self, value: object, depth: int = 0) -> Json:
        """The value as JSON: of what the log keeps the fields that say something, numbers that JSON has."""
        self._left -= _ITEM
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value)
            case int() | float():
                return self._number(value)
            case MediaRef() | Redacted():
                return self.take(encode(value), depth)
        if depth == DEEPEST:
            return "…"
        match value:
            case Kept():
                return {name: self.take(item, depth + 1) for name, item in value if item is not None}
            case dict():
                return self._object(value, depth)
            case list() | tuple():
                return self._list(value, depth)
        return self._text(str(value))

    def _text(self, text: str) -> str:
        if self._left <= 0:
            return "…" if text else ""
        # Before it is cut: half a secret would not be found.
        shown = cut(self._redact(text), self._left)
        self._left -= len(shown)
        return shown

    def _number(self, number: float) -> Json:
        if isinstance(number, int):
            self._left -= number.bit_length() // 3
            return number
        return number if math.isfinite(number) else str(number)

    def _object(self, fields: dict[str, Json], depth: int) -> dict[str, Json]:
        taken: dict[str, Json] = {}
        for name, item in fields.items():
            if self._left <= 0:
                taken["…"] = "…"
                break
            taken[self._text(str(name))] = self.take(item, depth + 1)
        return taken

    def _list(self, items: list[Json] | tuple[Json, ...], depth: int) -> list[Json]:
        taken: list[Json] = []
        for item in items:
            if self._left <= 0:
                taken.append("…")
                break
            taken.append(self.take(item, depth + 1))
        return taken
