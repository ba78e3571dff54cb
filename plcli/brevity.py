"""Texts cut to a length, and numbers of things."""

from __future__ import annotations

ALIKE = 32
"""Characters in which two texts are taken to be at the same place."""


def cut(text: str, most: int) -> str:
    """The text; of one with more than `most` characters the beginning, and … as the last of them."""
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(count: int, noun: str) -> str:
    """`1 run`, `3 runs`: so many of what the noun names."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def around(old: str, new: str, most: int) -> tuple[str, str]:
    """Both texts cut to `most` characters about the place in which they begin to differ.

    Where both go on, they end with the same words, if they have any in common there.
    """
    start = first_difference(old, new) - most // 3
    if start > 0 and max(len(old), len(new)) > most:
        old, new = f"…{old[start:]}", f"…{new[start:]}"
    if min(len(old), len(new)) <= most:
        return cut(old, most), cut(new, most)
    ends = _alike(old[: most - 1], new[: most - 1])
    return f"{old[: ends[0]]}…", f"{new[: ends[1]]}…"


def _alike(old: str, new: str) -> tuple[int, int]:
    """Where two texts, of which one may end earlier, end with the same words behind the first difference."""
    first = first_difference(old, new)
    if (at := new.rfind(old[-ALIKE:], first)) >= 0:
        return len(old), at + ALIKE
    if (at := old.rfind(new[-ALIKE:], first)) >= 0:
        return at + ALIKE, len(new)
    return len(old), len(new)


def first_difference(old: str, new: str) -> int:
    """The place of the first character in which two texts differ; the length of the shorter where they begin alike."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
