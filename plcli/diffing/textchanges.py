"""Two texts as one: their lines and, inside those that were changed, their words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from plcli.diffing.alignment import Stretch, paired, stretches

Sign = Literal[" ", "-", "+"]
"""What became of a piece of text: it stayed, went, or came."""

CONTEXT = 1
"""Lines that are shown before and after a change."""

NEAR = 48
"""Characters that are shown of a long line before and after a change in it."""

WORDS = 4_000
"""Words of a line that are held against those of another; longer lines go and come as a whole."""

_ALIKE = 0.25
"""Share of two lines that must be the same for them to be shown as one."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(NamedTuple):
    """Text of one line, and what became of it."""

    sign: Sign
    text: str


class Row(NamedTuple):
    """A line of the two texts. `sign` is that of all its pieces, None where they differ.

    `skipped` counts the lines that are left out where this row stands; then it has no pieces.
    """

    sign: Sign | None
    pieces: tuple[Piece, ...]
    skipped: int = 0

    @property
    def text(self) -> str:
        """The row without styles: what went as `[-…-]` and what came as `{+…+}` in a line that stayed."""
        if self.sign is not None:
            return "".join(piece.text for piece in self.pieces)
        marks = {" ": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
        return "".join(marks[piece.sign].format(piece.text) for piece in self.pieces)


def text_changes(old: str, new: str) -> Iterator[Row]:
    """The rows of two texts, from the first change to the last with some lines around each."""
    mine, theirs = old.split("\n"), new.split("\n")
    shown = list(stretches(mine, theirs))
    for n, stretch in enumerate(shown):
        if not stretch.same:
            yield from _changed(mine, theirs, stretch)
            continue
        lines = theirs[stretch.new.start : stretch.new.stop]
        head = CONTEXT if n else 0
        tail = CONTEXT if n + 1 < len(shown) else 0
        left_out = len(lines) - head - tail
        if left_out <= 1:
            yield from (_whole(" ", line) for line in lines)
            continue
        yield from (_whole(" ", line) for line in lines[:head])
        yield Row(" ", (), left_out)
        yield from (_whole(" ", line) for line in lines[len(lines) - tail :])


def first_change(old: str, new: str) -> str:
    """The first changed line of two texts, with marks, on one line."""
    changes = [row for row in text_changes(old, new) if row.sign != " "][:2]
    return " ".join(row.text if row.sign is None else _marked(row) for row in changes[: 1 + (changes[0].sign == "-")])


def _marked(row: Row) -> str:
    return f"[-{row.text}-]" if row.sign == "-" else f"{{+{row.text}+}}"


def _whole(sign: Sign, line: str) -> Row:
    return Row(sign, (Piece(sign, line),))


def _changed(old: Sequence[str], new: Sequence[str], stretch: Stretch) -> Iterator[Row]:
    """The lines of a stretch: those that became others beside these, the rest as they went and came."""

    def kinship(i: int, j: int) -> float:
        return alike if (alike := _likeness(_words(old[i]), _words(new[j]))) >= _ALIKE else 0.0

    a, c = stretch.old.start, stretch.new.start
    for i, j in (*paired(stretch.old, stretch.new, kinship), (stretch.old.stop, stretch.new.stop)):
        yield from (_whole("-", line) for line in old[a:i])
        yield from (_whole("+", line) for line in new[c:j])
        if i < stretch.old.stop and j < stretch.new.stop:
            yield Row(None, tuple(_shortened(_pieces(_words(old[i]), _words(new[j])))))
        a, c = i + 1, j + 1


def _words(line: str) -> list[str]:
    """The words of a line, the blanks between them and each mark; no more than can be compared."""
    return [match[0] for match, _ in zip(_WORD.finditer(line), range(WORDS + 1), strict=False)]


def _likeness(old: Sequence[str], new: Sequence[str]) -> float:
    """Which share of two lines is the same, by their words; 0 where there are too many."""
    if max(len(old), len(new)) > WORDS:
        return 0.0
    mine, theirs = ({word for word in side if not word.isspace()} for side in (old, new))
    return len(mine & theirs) / (max(len(mine), len(theirs)) or 1)


def _pieces(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    """The pieces of a line that became another. A blank alone between two changes is part of both."""
    found: list[tuple[str, str, bool]] = []
    for stretch in stretches(old, new):
        went = "".join(old[stretch.old.start : stretch.old.stop])
        came = "".join(new[stretch.new.start : stretch.new.stop])
        if found and not stretch.same and len(found) > 1 and found[-1][2] and found[-1][0].isspace():
            blank, (before_went, before_came, _) = found.pop()[0], found.pop()
            found.append((before_went + blank + went, before_came + blank + came, False))
        else:
            found.append((went, came, stretch.same))
    pieces: list[Piece] = []
    for went, came, same in found:
        pieces += [Piece(" ", went)] if same else [Piece("-", went), Piece("+", came)]
    return [piece for piece in pieces if piece.text]


def _shortened(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces, with … for what lies far from every change."""
    for n, piece in enumerate(pieces):
        head = NEAR if n else 0
        tail = NEAR if n + 1 < len(pieces) else 0
        if piece.sign == " " and len(piece.text) > head + tail + NEAR:
            middle = piece.text[:head], piece.text[len(piece.text) - tail :]
            yield Piece(" ", "…".join(middle))
        else:
            yield piece
