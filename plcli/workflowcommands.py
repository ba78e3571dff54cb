"""Commands of a GitHub workflow: what its runner would obey in the output of a step, made harmless.

The runner obeys `::name …::` where a line begins with it, and `##[name …]` anywhere. What a model answers, or a spec
is named, must not set variables or hide what follows.
"""

from __future__ import annotations

import re

# Compiled when they are first needed: hardly any process runs in a workflow.
# One class, and no choice between two: a regex that can read a character in two ways tries all ways of reading many.
_UNSEEN = "(?![\\r\\n])[\\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
_COMMAND = f"((?:^|[\\r\\n])(?:{_UNSEEN})*:):|##\\["
_UNDECIDED = f"(?:(?:^|[\\r\\n])(?:{_UNSEEN})*:?|#{{1,2}})\\Z"


class Unobeyed:
    """Text that comes in pieces, cut anywhere, without what the runner would obey: a colon or a bracket is escaped."""

    def __init__(self) -> None:
        self._before = ""
        """What stands before the next piece, as far as a command may have begun there."""
        self._inside = False
        """Whether `_before` begins inside a line."""

    def feed(self, piece: str) -> str:
        """The piece as it may be written."""
        mark = "x" if self._inside else ""
        text = mark + self._before + piece
        shown = re.sub(_COMMAND, lambda found: f"{found[1]}\\u003a" if found[1] else "##\\u005b", text)
        open_end = re.search(_UNDECIDED, text)
        start = open_end.start() if open_end else len(text)
        self._inside = start > 0 and text[start : start + 1] not in ("\r", "\n")
        given = shown[len(mark + self._before) :]
        # What is not seen has been given, and changes nothing: there may be any amount of it.
        self._before = re.sub(_UNSEEN, "", text[start:])
        return given
