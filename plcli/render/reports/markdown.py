"""The report for people: Markdown for pull requests and step summaries, as long as these may be.

Untrusted words cannot get out of their places. In a line they stand in a code element, signs that mean something
written as numbers, so that neither Markdown nor a table finds any; GitHub makes no mentions, references or links in
code. Longer ones stand in a fence with more backticks than they have in a row.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence

from plcli.brevity import counted
from plcli.outcomes import Totals
from plcli.render.reports.telling import Ending, Told
from plcli.render.reports.wanted import MARKERS
from plcli.render.verdicts import changes
from plcli.replayrecords import VERDICTS

COMMENT = 60_000
"""Bytes of a report; a comment on GitHub may have 65,536 characters."""

SUMMARY = 1024 * 1024
"""Bytes that GitHub takes as the summary of a step."""

_FRAME = 300
"""Bytes kept for the frame of the table, and for saying what was left out."""

_SIGNS = str.maketrans(
    # What follows an @ or a # must look like no name or number even where code is not left alone.
    {
        sign: f"&#{ord(sign)};" + ("&#8203;" if sign in "@#" else "")
        for sign in string.punctuation
        if sign not in "(),-/'"
    }
)


class Markdown:
    """Gathers what is not as it was, as far as any report has room for it."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._details: list[str] = []
        self._held = self._count = 0

    def add(self, told: Told) -> None:
        """Add a replay."""
        if told.green:
            return
        self._count += 1
        if self._held < SUMMARY:
            row, details = _row(told), _folded(told)
            self._held += _size(row) + _size(details)
            self._rows.append(row)
            self._details.append(details)

    def pieces(self, end: Ending, most: int = COMMENT) -> Iterator[str]:
        """The report, in at most so many bytes; nothing where there is no room for its head."""
        head = MARKERS["markdown"] + _head(end, self._count)
        room = most - _size(head) - _FRAME
        if room < 0:
            return
        yield head
        if not self._count:
            return
        # At most half of the room is the table's, so that something is left for details.
        rows = _fitting(self._rows, room // 2)
        details = _fitting(self._details, room - sum(map(_size, rows)))
        yield "\n| verdict | run | place | reason |\n|---|---|---|---|\n"
        yield from rows
        if len(rows) < self._count:
            yield f"\n… and {self._count - len(rows)} more.\n"
        yield from details
        if len(details) < self._count:
            yield f"\nNo room here for the details of {self._count - len(details)} more.\n"

    def close(self) -> None:
        """It holds nothing but memory."""


def _head(end: Ending, count: int) -> str:
    """What it came to: in a line, by verdicts, and as a table of the sums."""
    totals = end.totals
    runs = counted(totals.done, "run")
    said = f"{count} of {runs} not as before" if count else f"{runs}, all as before" if totals.done else "no runs"
    verdicts = ", ".join(f"{totals.verdicts[verdict]} {verdict}" for verdict in VERDICTS if totals.verdicts[verdict])
    text = f"### {end.title}: {said}\n"
    if end.stopped is not None:
        text += f"\n**Not everything was replayed:** {_inline(end.stopped)}\n"
    if verdicts:
        text += f"\n{verdicts}\n"
    if lines := [f"| {' | '.join(cells)} |\n" for cells in _changes(totals)]:
        text += f"\n| | then | now | change |\n|---|---:|---:|---:|\n{''.join(lines)}"
    return text


def _changes(totals: Totals) -> Iterator[tuple[str, str, str, str]]:
    """The sums, then and now, and how much more it is."""
    for name, change, then, now in changes(totals):
        more = f"{change.percent:+.1f} %" if change.percent is not None else ""
        yield f"{name} ({counted(change.of, 'run')})", then, now, more


def _row(told: Told) -> str:
    cells = (told.verdict, _inline(told.name), _inline(told.place), _inline(told.reason or ""))
    return f"| {' | '.join(cells)} |\n"


def _folded(told: Told) -> str:
    """The details of a replay, to be unfolded."""
    if not told.details:
        return ""
    text = "\n".join(told.details)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=2))
    fence = max(fence, "```", key=len)
    summary = f"{told.verdict}: {_inline(told.name)}"
    return f"\n<details><summary>{summary}</summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>\n"


def _inline(text: str) -> str:
    """Untrusted words in a line."""
    return f"<code>{text.translate(_SIGNS)}</code>" if text else ""


def _fitting(texts: Sequence[str], room: int) -> list[str]:
    """The first texts that there is room for."""
    taken = []
    for text in texts:
        room -= _size(text)
        if room < 0:
            break
        taken.append(text)
    return taken


def _size(text: str) -> int:
    return len(text.encode())
