"""Conditions on the JSON of a record: `path op value`, joined by `and`.

Of a list any item counts, at the end of a path (`tags = smoke`) and on the way (`tool_results.name`).
What is absent is null. A bare word is a number, `true`, `false` or `null` where the record holds such a
value, and text where it holds text; in quotes, where a quote is written twice, it is text.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from plcli import paths
from plcli.brevity import cut
from plcli.errors import UsageError
from plcli.matchers import equal
from plcli.media import Json
from plcli.paths import Parts
from plcli.records import Record
from plcli.regexes import Undecided, search
from plcli.response import Kept
from plcli.spelling import did_you_mean

EXAMPLE = 'usage.output_tokens > 500 and response.text ~ "rain"'

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_BLANK = re.compile(r"\s*")
_PATH = re.compile(r'(?:\["(?:[^"\\]|\\.)*"\]|[^\s=!<>~"\'])+', re.DOTALL)
_OPERATOR = re.compile(r"!=|>=|<=|[=><~]")
_QUOTED = re.compile(r""""((?:[^"]|"")*)"|'((?:[^']|'')*)'""")
_BARE = re.compile(r"""[^\s"'=!<>~]\S*""")
_JOINT = re.compile(r"\w+")
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_PLAIN = re.compile(r"[\w .:,@+=-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `readings` are what the word may stand for: a text, and the JSON value that it spells."""

    path: Parts
    operator: str
    text: str
    readings: tuple[Json, ...]

    def holds(self, record: Json) -> bool:
        """Whether it is so of a record. Raises `Undecided` where searching takes too long."""
        found = reached(record, self.path) or [None]
        if self.operator == "!=":
            return not any(map(self._equals, found))
        if self.operator == "=":
            return any(map(self._equals, found))
        return any(map(self._contains if self.operator == "~" else self._compares, found))

    def needle(self) -> str | None:
        """ASCII text that stands unescaped in every record of which this holds; None where none is known."""
        if self.operator == "=" and self.readings == (self.text,):
            return plain_piece(self.text)
        if self.operator != "~" or "|" in self.text:
            return None
        start = _literal_start(self.text)
        # What follows may make the last letter one that need not be there.
        return plain_piece(start if start == self.text else start[:-1])

    def _equals(self, value: Json) -> bool:
        return any(equal(value, reading) for reading in self.readings)

    def _contains(self, value: Json) -> bool:
        if not isinstance(value, str):
            return False
        return self.text in value if _literal_start(self.text) == self.text else search(self.text, value)

    def _compares(self, value: Json) -> bool:
        kind, compare = _ordered_as(value), _ORDERS[self.operator]
        if kind is None:
            return False
        return any(compare(value, reading) for reading in self.readings if _ordered_as(reading) is kind)


def reached(value: Json, path: Parts) -> list[Json]:
    """Every value at a path, none of them a list: a list stands for its items. Empty where nothing is there."""
    found = [value]
    for part in path:
        if isinstance(part, int):
            found = [item[part] for item in found if isinstance(item, list) and part < len(item)]
        else:
            found = [item[part] for each in found for item in _items(each) if isinstance(item, dict) and part in item]
    return [item for each in found for item in _items(each)]


def plain_piece(text: str) -> str | None:
    """The longest piece of a text that JSON writes as it is; None where there is none."""
    return max(_PLAIN.findall(text), key=len, default=None)


def parse(text: str) -> tuple[Condition, ...]:
    """Read conditions that hold together. Raises `UsageError`, which names the column, from 1."""
    return tuple(_Reader(text).conditions())


class _Reader:
    """Reads a text from left to right; `at` is how far it has come."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def conditions(self) -> Iterator[Condition]:
        yield self._condition()
        while self._next(_BLANK) is not None and self.at < len(self.text):
            start = self.at
            joint = self._next(_JOINT)
            if joint is None or joint[0].lower() != "and":
                either = joint is not None and joint[0].lower() == "or"
                hint = "for either of two, give --where twice" if either else "a text with blanks needs quotes"
                raise self._error("`and` is expected", start, hint)
            yield self._condition()

    def _condition(self) -> Condition:
        path = self._path()
        self._next(_BLANK)
        sign = self._next(_OPERATOR)
        if sign is None:
            raise self._error("an operator is expected, one of = != > >= < <= ~", self.at)
        self._next(_BLANK)
        start = self.at
        if quoted := self._next(_QUOTED):
            # Backslashes are those of a regular expression, so a quote is written twice.
            mark = quoted[0][0]
            word = quoted[0][1:-1].replace(mark * 2, mark)
            readings: tuple[Json, ...] = (word,)
        elif (bare := self._next(_BARE)) and bare[0].lower() != "and":
            word = bare[0]
            readings = _readings(word)
        else:
            raise self._error(f"a value is expected after {sign[0]}", start, 'a text with blanks needs quotes: "a b"')
        if sign[0] == "~":
            try:
                search(word, "")
            except Undecided as error:
                raise self._error(str(error), start) from None
        return Condition(path, sign[0], word, readings)

    def _path(self) -> Parts:
        self._next(_BLANK)
        start = self.at
        written = self._next(_PATH)
        if written is None:
            raise self._error("a path is expected", start)
        try:
            path = paths.parse(written[0])
        except ValueError as error:
            raise self._error(str(error), start) from None
        if path[0] not in Record.model_fields:
            known = _fields()
            meant = did_you_mean(str(path[0]), known)
            hint = f"did you mean {known[meant]}?" if meant else f"its fields are: {', '.join(Record.model_fields)}"
            raise self._error(f"a record has no field {cut(str(path[0]), 40)!r}", start, hint)
        return path

    def _next(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def _error(self, what: str, at: int, hint: str | None = None) -> UsageError:
        return UsageError(
            f"--where {cut(self.text, 80)!r}, column {at + 1}: {what}", hint=hint or f"write --where {EXAMPLE!r}"
        )


def _readings(word: str) -> tuple[Json, ...]:
    try:
        value = json.loads(word, parse_constant=str)
    except (ValueError, RecursionError):
        return (word,)
    return (word,) if isinstance(value, str | list | dict) else (value, word)


def _literal_start(pattern: str) -> str:
    """The letters of a regular expression that stand for themselves, up to the first one that does not."""
    return _SPECIAL.split(pattern, maxsplit=1)[0]


def _ordered_as(value: Json) -> type | None:
    """What a value is ordered among: numbers or texts; None for what has no order."""
    kind = type(value)
    return float if kind is int else kind if kind in (float, str) else None


def _items(value: Json) -> list[Json]:
    """What a value stands for: of a list its items, at any depth."""
    if not isinstance(value, list):
        return [value]
    items: list[Json] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        else:
            items.append(item)
    return items


def _fields() -> dict[str, str]:
    """Fields of a record by name, and of those below it that no field above has the name of, the path."""
    below = {
        name: f"{field}.{name}"
        for field, info in reversed(Record.model_fields.items())
        for name in reversed(list(_kept(info.annotation)))
    }
    return below | {field: field for field in Record.model_fields}


def _kept(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Kept):
        yield from annotation.model_fields
    for inner in get_args(annotation):
        yield from _kept(inner)
