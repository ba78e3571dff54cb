"""Show differences of requests and answers: what went and what came, and which line of a file says it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice

from plcli.brevity import counted, cut
from plcli.diffing.textchanges import Piece, Row, Sign, first_change, text_changes
from plcli.media import Json
from plcli.plaintext import harmless
from plcli.records import Record
from plcli.render.runfacts import cost, duration, model_name, tokens
from plcli.render.screen import Screen
from plcli.render.table import show_table
from plcli.replayrecords import Difference

MOST = 200
"""Differences that are shown, unless more is asked for."""

LINES = 40
"""Lines that are shown of one difference, unless more is asked for."""

LONGEST = 2_000
"""Characters of a line that went or came, unless more is asked for."""

COUNTED = 10_000
"""Lines that are counted of those that are not shown."""

_TOLD = 120
"""Characters of what has changed in one plain line."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_STYLES = {"+": "green", "-": "red", "~": "yellow"}
_GROUPS = ("model", "messages", "tools", "output", "params", "image", "body")
_GROUP_OF = {
    "provider": "model",
    "api": "model",
    "operation": "model",
    "tool_choice": "tools",
    "parallel_tool_calls": "tools",
    "chain": "messages",
    "omit": "body",
    "script": "model",
}


def show_differences(differences: Iterable[Difference], screen: Screen) -> None:
    """Print differences, those of one part of the request together."""
    ordered = sorted(differences, key=lambda one: _order(_group(one)))
    most = len(ordered) if screen.verbose else MOST
    shown = ordered[:most]
    for group, members in groupby(shown, key=_group):
        screen.print((group, "bold"))
        for one in members:
            _show(one, screen)
    if len(ordered) > most:
        screen.print((f"… {counted(len(ordered) - most, 'more difference')} (-v shows all)", "dim"))


def show_change(old: str, new: str, screen: Screen) -> None:
    """Print two texts as one: the lines that went and came, and inside of lines that stayed the words."""
    _show_rows(text_changes(screen.redact(old), screen.redact(new)), screen)


def show_sides(old: str, new: str, screen: Screen) -> None:
    """Print what is compared: the older side and the newer one."""
    screen.print((f"--- {old}", "red"))
    screen.print((f"+++ {new}", "green"))


def show_runs(old: Record, new: Record, screen: Screen) -> None:
    """Print the facts of two runs side by side."""
    facts: dict[str, Callable[[Record], str | None]] = {
        "model": model_name,
        "tokens": tokens,
        "cost": cost,
        "took": duration,
    }
    rows = [(name, fact(old) or "", fact(new) or "") for name, fact in facts.items()]
    show_table(("", "-", "+"), [row for row in rows if any(row[1:])], screen)


def told(difference: Difference) -> str:
    """A difference as one plain line: `params.temperature: 0.2 → 0.7 (prompts/weather.yaml:9:16)`."""
    old, new = difference.old, difference.new
    if difference.kind != "changed":
        what = f"{difference.kind}: {_one_line(old if difference.kind == 'removed' else new)}"
    elif isinstance(old, str) and isinstance(new, str) and (max(len(old), len(new)) > _TOLD // 2 or "\n" in old + new):
        what = first_change(old, new)
    else:
        what = f"{_one_line(old)} → {_one_line(new)}"
    where = _where(difference)
    line = f"{cut(difference.path, _TOLD)}: {cut(what, 2 * _TOLD)}{f' ({where})' if where else ''}"
    return harmless(line, multiline=False)


def _show(difference: Difference, screen: Screen) -> None:
    sign = _SIGNS[difference.kind]
    where = _where(difference)
    path = harmless(cut(screen.redact(difference.path), LONGEST), multiline=False)
    screen.print((f"{sign} {path}", _STYLES[sign]), *([(f"  {where}", "dim")] if where else []))
    # What a secret is told by may stand on both sides of a mark.
    old, new = (screen.redact(_text(side, difference)) for side in (difference.old, difference.new))
    if difference.kind != "changed" or (old.endswith("\n") and new.endswith("\n")):
        old, new = old.removesuffix("\n"), new.removesuffix("\n")
    if difference.kind == "changed" and _texts(difference):
        rows = text_changes(old, new)
    else:
        went = [] if difference.kind == "added" else [_plain("-", line) for line in old.split("\n")]
        came = [] if difference.kind == "removed" else [_plain("+", line) for line in new.split("\n")]
        rows = iter(went + came)
    _show_rows(rows, screen)


def _texts(difference: Difference) -> bool:
    """Whether both sides have lines or words that may have stayed."""
    sides = (difference.old, difference.new)
    return all(isinstance(side, str) for side in sides) or all(isinstance(side, list | dict) for side in sides)


def _show_rows(rows: Iterator[Row], screen: Screen) -> None:
    """The rows of one difference, as many as are shown."""
    for row in rows if screen.verbose else islice(rows, LINES):
        screen.print(*(["    ", *parts] if any(parts := list(_parts(row, screen))) else []))
    if rest := sum(1 for _ in islice(rows, COUNTED)):
        more = f"more than {COUNTED:,} more lines" if rest == COUNTED else counted(rest, "more line")
        screen.print((f"    … {more} (-v shows all)", "dim"))


def _parts(row: Row, screen: Screen) -> Iterator[str | tuple[str, str]]:
    if row.skipped:
        yield f"  … {counted(row.skipped, 'line')}", "dim"
    elif row.sign is None:
        yield "~ "
        if not screen.colours(screen.out):
            yield row.text
            return
        yield from ((piece.text, _STYLES[piece.sign]) if piece.sign != " " else piece.text for piece in row.pieces)
    else:
        text = f"{row.sign} {row.text if screen.verbose else cut(row.text, LONGEST)}".rstrip()
        yield (text, _STYLES[row.sign]) if row.sign != " " else text


def _plain(sign: Sign, line: str) -> Row:
    return Row(sign, (Piece(sign, line),))


def _text(value: Json, difference: Difference) -> str:
    """A side of a difference as lines: words as they are, a message as `role: words`, anything else as JSON."""
    match value:
        case {"role": str(role), "content": str(words), **others} if not others:
            return f"{role}: {words}"
        case str() if difference.kind != "changed" or _texts(difference):
            return value
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) <= _TOLD else json.dumps(value, ensure_ascii=False, indent=2)


def _one_line(value: Json) -> str:
    return cut(json.dumps(value, ensure_ascii=False), _TOLD)


def _where(difference: Difference) -> str | None:
    """The place of a difference in a file, or what makes it so."""
    if difference.file is None:
        return difference.cause
    place = (difference.line, difference.column)
    return ":".join([difference.file, *(str(number) for number in place if number is not None)])


def _group(difference: Difference) -> str:
    # Paths of a log may be anything.
    first = difference.path.partition(".")[0].partition("[")[0]
    return _GROUP_OF.get(first, first if first.isidentifier() else "other")


def _order(group: str) -> int:
    return _GROUPS.index(group) if group in _GROUPS else len(_GROUPS)
