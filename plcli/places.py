"""Places in a text: where each value of a document stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Step = str | int
"""A key of an object or an index of a list."""

Position = tuple[int | None, int | None]
"""Line and column, both from 1; `(None, None)` where a format keeps no positions."""

NOWHERE: Position = (None, None)


@dataclass(slots=True)
class Place:
    """Where one value starts, with the places of the values inside it.

    `key` is where the value's own key starts (None for list items and the root). `text_line` is the
    line on which the words of a literal block (`|`) start; None for every other value, because only
    there each line of the value is one line of the file.
    """

    line: int
    column: int
    key: tuple[int, int] | None = None
    text_line: int | None = None
    children: dict[Step, Place] = field(default_factory=dict)

    def find(self, path: Sequence[Step]) -> tuple[Place, bool]:
        """The place of a path and True, or that of its nearest existing parent and False."""
        place = self
        for step in path:
            child = place.children.get(step)
            if child is None:
                return place, False
            place = child
        return place, True
