"""What one template may spend on its work, and the text that a value makes in a prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from plcli.media import Json

MAX_UNITS = 16 * 1024 * 1024
"""Work of one template: a character made costs 1, a value made 16, a character read 1/16, a value read 4."""

MAX_STEPS = 2_000_000
"""Pieces of a template that may be evaluated in its loops, each counted once for each time round."""

MAX_ITERATIONS = 100_000
"""Times round that all loops of one template may go together."""

NODE = 16
"""Units that a value made costs, whatever it is."""

MAX_BITS = 4096
"""Size of the largest integer; dividing larger ones takes time that grows with the square."""

_READ = 4


class Misuse(Exception):
    """Something a template asks for that cannot be, in words for its author."""


class Meter:
    """What is left to spend for one template. Raises `Misuse` when it is used up."""

    def __init__(self) -> None:
        self.refill()

    def refill(self) -> None:
        """Begin again with everything, for another time."""
        self.units = MAX_UNITS
        self.steps = MAX_STEPS
        self.iterations = MAX_ITERATIONS

    def spend(self, units: int) -> None:
        """Pay for work that is about to be done."""
        self.units -= units
        if self.units < 0:
            raise Misuse("the template does more work than a prompt may take")

    def built(self, value: Json) -> Json:
        """Pay for a value that was made, with all that it holds, and give it back."""
        self._walk(value, per_node=NODE, per_piece=1)
        return value

    def read(self, value: Json) -> Json:
        """Pay for looking through a value, and give it back."""
        self._walk(value, per_node=_READ, per_piece=NODE)
        return value

    def go_round(self, times: int, weight: int) -> None:
        """Pay for a loop over a body of `weight` pieces."""
        self.iterations -= times
        self.steps -= times * max(weight, 1)
        if self.iterations < 0 or self.steps < 0:
            raise Misuse(f"loops go round more than {MAX_ITERATIONS:,} times, or do too much each time")

    def _walk(self, value: Json, per_node: int, per_piece: int) -> None:
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                self.spend(per_node + len(item) // per_piece)
            elif isinstance(item, dict):
                self.spend(per_node * (1 + len(item)))
                waiting.extend(item)
                waiting.extend(item.values())
            elif isinstance(item, (list, tuple)):
                self.spend(per_node * (1 + len(item)))
                waiting.extend(item)
            else:
                if isinstance(item, int) and item.bit_length() > MAX_BITS:
                    raise Misuse("a number gets too large")
                self.spend(per_node)


def text_of(value: Json, default: Callable[[Any], Any] | None = None) -> str:
    """A value as it stands in a prompt: text as it is, everything else as compact JSON.

    `default` is asked about what is no JSON. Raises `ValueError` or `TypeError`.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default)
