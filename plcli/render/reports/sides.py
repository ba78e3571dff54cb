"""Two values beside each other, as the lines of a diff."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

from plcli.brevity import counted, cut, first_difference
from plcli.media import Json
from plcli.plaintext import harmless

LINE = 500
"""Characters of a line."""

LINES = 60
"""Lines of either side."""

_COMPARED = 400
_SHORT = 80
_AROUND = 80


def words(value: Json) -> str:
    """A value as text, harmless: words as they are, JSON on one line where it is short."""
    if isinstance(value, str):
        return harmless(value)
    short = json.dumps(value, ensure_ascii=False)
    return harmless(short if len(short) <= _SHORT else json.dumps(value, indent=2, ensure_ascii=False))


def sides(old: str | None, new: str | None) -> Iterator[str]:
    """What is not the same, and a line around it; None is nothing at all, and what is equal is shown once."""
    if old is not None and new is not None:
        old, new = _apart(old, new)
    before, after = (text.split("\n") if text is not None else [] for text in (old, new))
    if before == after:
        shown, left = [f" {line}" for line in before[:LINES]], len(before) - LINES
    elif before and after and max(len(before), len(after)) <= _COMPARED:
        # The first two lines name files, and the third lines of them, which nobody has here.
        lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[3:]
        found = [" …" if line.startswith("@@") else line for line in lines]
        shown, left = found[: 2 * LINES], len(found) - 2 * LINES
    else:
        shown = [*(f"-{line}" for line in before[:LINES]), *(f"+{line}" for line in after[:LINES])]
        left = len(before) + len(after) - len(shown)
    yield from (cut(line, LINE) for line in shown)
    if left > 0:
        yield f" … {counted(left, 'more line')}"


def _apart(old: str, new: str) -> tuple[str, str]:
    """Of two long lines what stands around the place where they part."""
    if "\n" in old or "\n" in new or old == new:
        return old, new
    start = first_difference(old, new) - _AROUND
    return (f"…{old[start:]}", f"…{new[start:]}") if start > _AROUND else (old, new)
