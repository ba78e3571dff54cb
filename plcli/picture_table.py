"""The dated table of what the makers take of pictures: the forms of its entries, and what each says of a value."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from plcli.brevity import cut
from plcli.media import Json

FILE = Path(__file__).with_suffix(".toml")
"""Says `as_of`, what the forms of its entries are, and the entries: `misplaced`, `named`, `rule`."""

_NONE: Mapping[str, Any] = MappingProxyType({})
_SHOWN = 40
_LARGE = 10**15
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


class Drawn(NamedTuple):
    """How pictures are asked for: whether input pictures make it an edit, and whether the answer is streamed."""

    edit: bool
    streamed: bool


class Rule(NamedTuple):
    """One entry of the table; its forms are described there."""

    apis: Sequence[str]
    parameters: Sequence[str]
    as_of: date
    source: str
    models: Sequence[str] = ("*",)
    in_tools: bool = False
    when: Mapping[str, Sequence[str]] = _NONE
    given: Sequence[str] = ()
    edit: bool | None = None
    streamed: bool | None = None
    taken: bool = True
    values: Sequence[str] = ()
    instead: Mapping[str, str] = _NONE
    gone: Mapping[str, str] = _NONE
    range: Sequence[int] = ()
    size: Mapping[str, Any] = _NONE
    message: str | None = None
    hint: str | None = None

    def concerns(self, stated: Mapping[str, Json], drawn: Drawn) -> bool:
        """Whether the rule is about parameters like these, which hold the defaults too."""
        return (
            self.edit in (None, drawn.edit)
            and self.streamed in (None, drawn.streamed)
            and all(stated.get(name) in values for name, values in self.when.items())
            and all(stated.get(name) is not None for name in self.given)
        )

    def complaint(self, who: str, name: str, value: Json) -> tuple[str, str] | None:
        """What is wrong with a parameter that the rule concerns, and what to write; None where nothing is."""
        found: tuple[str, str] | None = None
        if not self.taken:
            found = f"{who} takes no {name}", "drop it"
        elif self.range and not (_whole(value) and self.range[0] <= value <= self.range[1]):
            low, high = self.range
            nearest = low if isinstance(value, int | float) and value < low else high
            found = f"{name} goes from {low} to {high}, and is {_shown(value)}", f"write {name}: {nearest}"
        elif self.gone and isinstance(value, str) and value in self.gone:
            found = f"{name} {value} is no more", f"write {name}: {self.gone[value]}"
        elif self.values and value not in self.values:
            found = f"{who} takes no {name} {_shown(value)}", self._closest(name, value)
        elif self.size and (wrong := _wrong_size(value, **self.size)) is not None:
            found = f"{who} takes no {name} {_shown(value)}: {wrong[0]}", wrong[1]
        return found and (self.message or found[0], self.hint or found[1])

    def _closest(self, name: str, value: Json) -> str:
        text = value if isinstance(value, str) else _shown(value)
        if text in self.instead:
            return f"write {name}: {self.instead[text]}"
        if text in self.values:
            return f'write it as text: "{text}"'
        *others, last = self.values
        return f"write {', '.join(others)} or {last}" if others else f"write {last}"


class Named(NamedTuple):
    """The parameters of an api, and how it is called; `defaults` are the values of some unless they are said."""

    api: str
    who: str
    names: Sequence[str]
    as_of: date
    source: str
    defaults: Mapping[str, str] = _NONE


class Misplaced(NamedTuple):
    """Models that an api does not serve."""

    apis: Sequence[str]
    models: Sequence[str]
    message: str
    hint: str
    as_of: date
    source: str


class Table(NamedTuple):
    """All entries; `named` by api."""

    misplaced: Sequence[Misplaced]
    named: Mapping[str, Named]
    rules: Sequence[Rule]


def is_one_of(model: str, patterns: Iterable[str]) -> bool:
    """Whether a model is among these ids and starts (`…*`)."""
    base = model.removeprefix("models/")
    return any(base.startswith(one[:-1]) if one.endswith("*") else base == one for one in patterns)


@cache
def table() -> Table:
    """The table, read once."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    named = [Named(**entry) for entry in read["named"]]
    return Table(
        [Misplaced(**entry) for entry in read["misplaced"]],
        {entry.api: entry for entry in named},
        [Rule(**entry) for entry in read["rule"]],
    )


def _wrong_size(
    value: Json, *, words: Sequence[str], multiple: int, ratio: int, width: int, height: int
) -> tuple[str, str] | None:
    """What is wrong with a size in pixels, and what to write; None for a good one, and for one of the `words`."""
    if isinstance(value, str) and value in words:
        return None
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return "it is no WIDTHxHEIGHT", f"write {', '.join(words)}, or a size like 1536x1024"
    short, long = sorted(sides := [int(found[1]), int(found[2])])
    if not short:
        return "it has no pixels", "write a size like 1536x1024"
    if any(side % multiple for side in sides):
        near = "x".join(str(max(round(side / multiple), 1) * multiple) for side in sides)
        return f"both sides are multiples of {multiple}", f"write {near}"
    if long > ratio * short:
        return f"its sides are further apart than {ratio}:1", f"make the longer side at most {ratio} times the other"
    if long > width or long * short > width * height:
        return f"it is larger than {width}x{height}", "write a smaller size"
    return None


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Json) -> str:
    """A value as a message shows it, however large."""
    if isinstance(value, str):
        return repr(cut(value, _SHOWN))
    small = isinstance(value, int | float) and abs(value) < _LARGE
    return str(value) if small else "of this kind"
