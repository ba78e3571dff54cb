"""Where two JSON values are not the same: the places, and what stands there on either side.

Objects go by their keys and lists by what their items hold, so that an item put in between is one difference.
Numbers are the same where they are written the same: `1`, `1.0` and `true` are three values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from plcli import paths
from plcli.diffing.alignment import Pair, paired, stretches
from plcli.exchange import canonical
from plcli.media import Json
from plcli.paths import Parts
from plcli.replayrecords import Difference

DEEPEST = 80
"""Levels that are looked into; what differs below is one difference. A path has at most `paths.LONGEST` steps."""

_KINDS = ("role", "type", "name")
"""What an object of a list is told from others by."""

_SAMPLE = 4_000
"""Characters of an item that are looked at to tell what it is like."""


class Absent:
    """What stands where nothing does."""


ABSENT: Final = Absent()


def deltas(old: Json | Absent, new: Json | Absent, at: Parts = ()) -> Iterator[Difference]:
    """The differences of two values that stand at a path; none exactly where `same_json` says so.

    A place in a list is named by its index in `new`, or in `old` where it was removed. Both are JSON, in which a
    medium is an object with `$media`; raises `ValueError` for numbers that are not finite.
    """
    if isinstance(old, Absent):
        if not isinstance(new, Absent):
            yield Difference(path=paths.show(at), kind="added", new=new)
    elif isinstance(new, Absent):
        yield Difference(path=paths.show(at), kind="removed", old=old)
    elif _open(old, dict, at) and _open(new, dict, at):
        for key in {**old, **new}:
            yield from deltas(old.get(key, ABSENT), new.get(key, ABSENT), (*at, key))
    elif _open(old, list, at) and _open(new, list, at):
        yield from _of_lists(old, new, at)
    elif not same_json(old, new):
        yield Difference(path=paths.show(at), kind="changed", old=old, new=new)


def same_json(old: Json, new: Json) -> bool:
    """Whether two values are one JSON, whatever the order of keys."""
    return old is new or _mark(old) == _mark(new)


def rows_of(old: list[Json], new: list[Json], *, unlike: bool = False) -> Iterator[tuple[int | None, int | None]]:
    """Two lists side by side, in order: the indexes of items that belong together; None where one has no partner.

    With `unlike` those of items that are not the same alone.
    """
    mine, theirs = list(map(_mark, old)), list(map(_mark, new))

    @cache
    def words(text: str) -> frozenset[str]:
        return frozenset(re.findall(r"\w+", text[:_SAMPLE]))

    def kinship(i: int, j: int) -> float:
        one, other = words(mine[i]), words(theirs[j])
        alike = len(one & other) / (len(one | other) or 1)
        if _kind(old[i]) == _kind(new[j]):
            return 0.5 + alike
        return alike if alike > 0.5 and _kind(old[i])[0] is _kind(new[j])[0] else 0.0

    for stretch in stretches(mine, theirs):
        if not stretch.same:
            yield from _filled(stretch.old, stretch.new, paired(stretch.old, stretch.new, kinship))
        elif not unlike:
            yield from zip(stretch.old, stretch.new, strict=True)


def _open(value: Json, form: type, at: Parts) -> bool:
    """Whether a value is looked into: a list or an object that is no mark of ours, and does not lie too deep."""
    return isinstance(value, form) and len(at) < DEEPEST and not (isinstance(value, dict) and "$media" in value)


def _of_lists(old: list[Json], new: list[Json], at: Parts) -> Iterator[Difference]:
    for i, j in rows_of(old, new, unlike=True):
        if i is None and j is not None:
            yield from deltas(ABSENT, new[j], (*at, j))
        elif i is not None and j is None:
            yield from deltas(old[i], ABSENT, (*at, i))
        elif i is not None and j is not None:
            yield from deltas(old[i], new[j], (*at, j))


def _filled(old: range, new: range, pairs: list[Pair]) -> Iterator[tuple[int | None, int | None]]:
    """The pairs with what lies between them, old items first."""
    a, c = old.start, new.start
    for i, j in (*pairs, (old.stop, new.stop)):
        yield from ((n, None) for n in range(a, i))
        yield from ((None, n) for n in range(c, j))
        if i < old.stop and j < new.stop:
            yield i, j
        a, c = i + 1, j + 1


def _mark(value: Json) -> str:
    """A text that only the same JSON has."""
    return canonical(value) if isinstance(value, dict | list) else repr(value)


def _kind(value: Json) -> tuple[Json, ...]:
    """What an item of a list is, by its outside."""
    if isinstance(value, dict):
        return dict, *(canonical(value.get(name)) for name in _KINDS)
    return (list,) if isinstance(value, list) else (str,)
