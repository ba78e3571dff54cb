"""Texts cut to a length."""

from __future__ import annotations


def cut(text: str, most: int) -> str:
    """The text; of one with more than `most` characters the beginning, and … as the last of them."""
    return text if len(text) <= most else text[: most - 1] + "…"
