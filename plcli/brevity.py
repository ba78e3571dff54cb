"""Texts cut to a length, and numbers of things."""

from __future__ import annotations


def cut(text: str, most: int) -> str:
    """The text; of one with more than `most` characters the beginning, and … as the last of them."""
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(count: int, noun: str) -> str:
    """`1 run`, `3 runs`: so many of what the noun names."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
