"""How far the runs of one request agree: how many different answers, calls and states it got."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from plcli.canonical import calls_of, pictures_of, plain, state_of, text_of, words_of
from plcli.media import Json
from plcli.records import Record
from plcli.response import State


@dataclass(slots=True)
class Agreement:
    """Counts runs of one request as they end; keeps a digest of each different answer, and no answer.

    An answer is its structured output, else its words, and its pictures by size and type. A run that failed has none.
    """

    answers: Counter[bytes] = field(default_factory=Counter)
    calls: Counter[bytes] = field(default_factory=Counter)
    states: Counter[State] = field(default_factory=Counter)
    called: bool = False
    """Whether any of them called a tool."""

    @property
    def runs(self) -> int:
        """How many have ended."""
        return self.states.total()

    def count(self, record: Record) -> None:
        """Add a run."""
        self.states[state_of(record)] += 1
        if record.response is None or record.response.state == "error":
            return
        output = record.response.output
        pictures = [[picture.mime, picture.width, picture.height] for picture in pictures_of(record)]
        self.answers[_digest([plain(words_of(record)) if output is None else [output], pictures])] += 1
        calls = calls_of(record)
        self.calls[_digest(calls)] += 1
        self.called = self.called or bool(calls)

    def lines(self) -> tuple[str, ...]:
        """What to tell of several runs: one line, or none where there are not several.

        `agreement: 8 of 10 the same answer, 3 distinct; calls 10 of 10 the same; states 10 ok`.
        """
        if self.runs < 2:
            return ()
        told = [f"{_same(self.answers)} answer{_distinct(self.answers)}"] if self.answers else []
        told += [f"calls {_same(self.calls)}{_distinct(self.calls)}"] if self.called else []
        told.append("states " + ", ".join(f"{count} {state}" for state, count in self.states.most_common()))
        return ("agreement: " + "; ".join(told),)


def _same(counts: Counter[bytes]) -> str:
    return f"{max(counts.values())} of {counts.total()} the same"


def _distinct(counts: Counter[bytes]) -> str:
    return f", {len(counts)} distinct" if len(counts) > 1 else ""


def _digest(value: Json) -> bytes:
    return hashlib.sha256(text_of(value).encode("utf-8", "surrogatepass")).digest()
