"""The word that somebody probably meant, for hints about unknown keys, names and options."""

from __future__ import annotations

from collections.abc import Iterable

CLOSE_ENOUGH = 70.0
"""Similarity in percent from which two words count as the same word, misspelt."""

_LONGEST = 100


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """The choice most similar to `word` (case and `-`/`_` do not count), or None where none is near."""
    from rapidfuzz import fuzz, process

    def plain(text: str) -> str:
        return text.casefold().replace("-", "_")

    if not word or len(word) > _LONGEST:
        return None
    found = process.extractOne(word, list(choices), scorer=fuzz.ratio, processor=plain, score_cutoff=CLOSE_ENOUGH)
    return found[0] if found else None
