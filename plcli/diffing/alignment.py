"""Two sequences side by side: which items are the same, and which of the others belong together.

The work is bounded: it grows with the lengths, not with their product; what it leaves unmatched is then more than
it need be.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

Pair = tuple[int, int]
"""Indexes of two items that belong together: in the old sequence, and in the new one."""

CELLS = 10_000
"""Pairs of items that are looked at one by one, of items that do not stand out; beyond, they stay unmatched."""

KIN = 400
"""Pairs of unlike items that are weighed against each other; beyond, the first is held against the first."""

ROUNDS = 12
"""How often what lies between two matched items is looked at again for items that stand out there."""


class Stretch(NamedTuple):
    """Neighbours that are the same in both sequences, or (then one of them may be empty) have nothing in common."""

    same: bool
    old: range
    new: range


def matched(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Pairs of equal items, rising in both sequences; first of those that occur once, then of what lies between."""
    found: list[Pair] = []
    waiting = [(range(len(old)), range(len(new)), 0)]
    while waiting:
        mine, theirs, rounds = waiting.pop()
        (a, b), (c, d) = (mine.start, mine.stop), (theirs.start, theirs.stop)
        while a < b and c < d and old[a] == new[c]:
            found.append((a, c))
            a, c = a + 1, c + 1
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
            found.append((b, d))
        if a == b or c == d:
            continue
        anchors = _anchors(old, range(a, b), new, range(c, d)) if rounds < ROUNDS else []
        if anchors:
            for i, j in (*anchors, (b, d)):
                waiting.append((range(a, i), range(c, j), rounds + 1))
                a, c = i, j
        elif (b - a) * (d - c) <= CELLS:
            found += heaviest(range(a, b), range(c, d), lambda i, j: float(old[i] == new[j]))
    return sorted(found)


def stretches(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Stretch]:
    """The two sequences from beginning to end, what is the same and what is not by turns."""
    blocks: list[Stretch] = []
    for i, j in matched(old, new):
        if blocks and (blocks[-1].old.stop, blocks[-1].new.stop) == (i, j):
            last = blocks.pop()
            i, j = last.old.start, last.new.start
            blocks.append(Stretch(True, range(i, last.old.stop + 1), range(j, last.new.stop + 1)))
        else:
            blocks.append(Stretch(True, range(i, i + 1), range(j, j + 1)))
    a = c = 0
    ends = range(len(old), len(old)), range(len(new), len(new))
    for block in (*blocks, Stretch(True, *ends)):
        if block.old.start > a or block.new.start > c:
            yield Stretch(False, range(a, block.old.start), range(c, block.new.start))
        if block.old:
            yield block
        a, c = block.old.stop, block.new.stop


def paired(old: range, new: range, kinship: Callable[[int, int], float]) -> list[Pair]:
    """Pairs of unlike items that belong together; `kinship` of two is 0 where they do not."""
    if len(old) * len(new) <= KIN:
        return heaviest(old, new, kinship)
    return [(i, j) for i, j in zip(old, new, strict=False) if kinship(i, j) > 0]


def heaviest(old: range, new: range, weight: Callable[[int, int], float]) -> list[Pair]:
    """The pairs of two ranges, rising in both, whose weights sum up to most; a pair of weight 0 is none."""
    rows, columns = len(old), len(new)
    weights = [[weight(i, j) for j in new] for i in old]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for m in reversed(range(rows)):
        below, here = best[m + 1], best[m]
        for n in reversed(range(columns)):
            here[n] = max(below[n], here[n + 1], below[n + 1] + weights[m][n])
    pairs = []
    m = n = 0
    while m < rows and n < columns:
        if weights[m][n] > 0 and best[m][n] == best[m + 1][n + 1] + weights[m][n]:
            pairs.append((old[m], new[n]))
            m, n = m + 1, n + 1
        elif best[m][n] == best[m + 1][n]:
            m += 1
        else:
            n += 1
    return pairs


def _anchors(old: Sequence[Hashable], mine: range, new: Sequence[Hashable], theirs: range) -> list[Pair]:
    """Pairs of items that occur once on both sides, as many as rise in both."""
    places = _single(new, theirs)
    pairs = [(i, places[item]) for item, i in _single(old, mine).items() if item in places]
    ends: list[int] = []  # the least index of `new` at which a row of so many pairs ends
    last: list[int] = []  # that pair
    before: list[int] = []  # for each pair the one before it in its row, -1 for none
    for n, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [n]
    row = []
    n = last[-1] if last else -1
    while n >= 0:
        row.append(pairs[n])
        n = before[n]
    return row[::-1]


def _single(items: Sequence[Hashable], where: range) -> dict[Hashable, int]:
    counts = Counter(items[where.start : where.stop])
    return {items[i]: i for i in where if counts[items[i]] == 1}
