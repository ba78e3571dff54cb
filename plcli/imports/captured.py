"""What a file of captured traffic holds: exchanges as they were captured, and what of it is none.

No header but the harmless ones is taken over, so that no credential gets further than this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from plcli.errors import Problem
from plcli.exchange import Target
from plcli.media import Json
from plcli.records import Record
from plcli.response import Failure

KEPT = frozenset(
    {
        "apim-request-id",
        "content-type",
        "date",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "server",
        "x-request-id",
        "x-should-retry",
    }
)
"""Headers of answers that are read; none of them holds a secret."""


class Source(NamedTuple):
    """A file to import: where it is, how messages name it, and how records do."""

    path: Path
    label: str
    shown: str


class Spot(NamedTuple):
    """A place in a file: `path` leads to it (`interactions[3]`), `line` counts from 1 where the format has lines."""

    source: Source
    path: str = ""
    line: int | None = None

    def problem(self, message: str, hint: str | None = None) -> Problem:
        """What cannot be carried over from here."""
        return Problem(self.source.label, message, self.path, self.line, hint=hint, severity="warning")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, headers as `headers_of` gives them, and the body: bytes, or JSON that is read already."""

    status: int
    body: bytes | Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Captured:
    """An exchange as it was captured.

    `wire` is what was sent, bytes inline. Without `reply` and `failure` it was never answered. `time` is UTC, ISO 8601,
    None where nobody says. `target`, or `provider`, `api` and `model`, are what the file tells beside the wire.
    `note` is what else has to be said of it.
    """

    spot: Spot
    wire: Json
    url: str | None = None
    target: Target | None = None
    provider: str | None = None
    api: str | None = None
    model: str | None = None
    reply: Reply | None = None
    failure: Failure | None = None
    time: str | None = None
    duration_ms: int = 0
    variables: Mapping[str, Json] | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """A line of another run log; its media are in the folder beside that log."""

    spot: Spot
    record: Record


Found = Captured | Copied | Problem
"""What is found at one place of a file."""


class Unfit(Exception):
    """Why a captured exchange makes no record, and what can be done about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def status_of(value: Json) -> int | None:
    """An HTTP status; None for what is none, as of a call that was given up."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600 else None


def headers_of(value: Json) -> dict[str, str]:
    """The headers of an answer that are worth reading, by lower-case names.

    `value` is an object of texts or lists of texts, or a list of objects with `name` and `value`.
    """
    return {name: text for name, text in _pairs(value) if name in KEPT or name == "content-encoding"}


def _pairs(value: Json) -> Iterator[tuple[str, str]]:
    pairs: Iterable[tuple[Json, Json]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = ((each.get("name"), each.get("value")) for each in value if isinstance(each, dict))
    for name, given in pairs:
        texts = given if isinstance(given, list) else [given]
        joined = ", ".join(str(text) for text in texts if isinstance(text, str | int))
        if isinstance(name, str) and joined:
            yield name.lower(), joined
