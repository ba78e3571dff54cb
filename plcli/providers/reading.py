"""Reading answers that may hold anything: the pieces that all apis share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plcli.media import Json
from plcli.response import Part, RefusalPart, State, TextPart, ToolCallPart, join


def table(value: Json) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Json) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Json) -> str | None:
    """The value if it is a text, halves of one character put together, else None."""
    return join((value,)) if isinstance(value, str) else None


def count(value: Json) -> int | None:
    """The value if it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def answered(parts: Iterable[Part]) -> State:
    """The state of an answer that came to its end."""
    kinds = {type(part) for part in parts}
    if ToolCallPart in kinds:
        return "tool_calls"
    return "refused" if RefusalPart in kinds and TextPart not in kinds else "ok"
