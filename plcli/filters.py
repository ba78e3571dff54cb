"""Filters: which runs are meant, by what their records say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from plcli.brevity import cut
from plcli.conditions import Condition, plain_piece, reached
from plcli.errors import UsageError
from plcli.media import Json

Sieve = Callable[[str, bytes], bool]
"""Whether a line of the log could hold a record that matches, by the id and the bytes of the line."""

_AGO = re.compile(r"([0-9]{1,6})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = timedelta(days=1)
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record must say: of each field any of the values, and all fields together; an empty one asks nothing.

    `spec` holds names, and paths as records have them; `model` the names of model specs, and models as
    asked or served, with or without their provider; of `where` all conditions of an entry hold together.
    """

    spec: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    since: datetime | None = None
    where: tuple[tuple[Condition, ...], ...] = ()

    @property
    def asks(self) -> bool:
        """Whether anything is asked of a record."""
        return self != Filter()

    def matches(self, record: dict[str, Json]) -> bool:
        """Whether a record is meant; it is the JSON of a line, and may hold anything.

        Raises `regexes.Undecided` where a condition with `~` cannot be told in time.
        """
        return (
            (not self.state or _state(record) in self.state)
            and (not self.tags or _shared(self.tags, reached(record, ("tags",))))
            and (not self.model or _shared(self.model, _models(record)))
            and (not self.spec or any(_is_spec(path, self.spec) for path in reached(record, ("spec", "path"))))
            and (self.since is None or _begun(record, self.since))
            and (not self.where or any(all(each.holds(record) for each in entry) for entry in self.where))
        )

    def sieve(self) -> Sieve:
        """A quick look before a line is parsed; it never says no to a record that matches."""
        # A run is logged after it began, so that its id is later than `since`; a day is for clocks that were set back.
        earliest = f"{max(self.since.astimezone(UTC), _OLDEST) - _DAY:%Y%m%dT%H%M%S}" if self.since else ""
        needles = [found for choices in self._texts() if (found := _needles(choices))]

        def may_match(id: str, raw: bytes) -> bool:
            if id < earliest:
                return False
            # A line that escapes letters may spell anything in another way; one byte is looked for much faster.
            return all(any(map(raw.__contains__, each)) for each in needles) or (b"\\" in raw and b"\\u" in raw)

        return may_match

    def _texts(self) -> list[list[str | None]]:
        """Texts of which a matching record holds one of each list; None stands for any text."""
        states = [None if state == "error" else state for state in self.state]
        models = [name.rpartition("/")[2] for name in self.model]
        specs = [PurePosixPath(name).stem for name in self.spec]
        texts: list[list[str | None]] = [states, [*self.tags], [*models], [*specs]]
        if len(self.where) == 1:
            return [*texts, *([each.needle()] for each in self.where[0])]
        return [*texts, [next(filter(None, (each.needle() for each in entry)), None) for entry in self.where]]


def moment(text: str, now: datetime) -> datetime:
    """The time that a text means: `today`, `yesterday`, so long ago (`90m`, `2h`, `7d`, `4w`), or a date, or a time.

    Without a time zone it is UTC, as the log is. Raises `UsageError`.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if text == "today":
            return midnight
        if text == "yesterday":
            return midnight - _DAY
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        hint = "write a date, a time, 2h, 7d, today or yesterday: --since 2026-11-25"
        raise UsageError(f"--since {cut(text, 40)!r} is no time", hint=hint) from None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _state(record: Json) -> Json:
    return next(iter(reached(record, ("response", "state"))), "error")


def _models(record: Json) -> list[Json]:
    asked = [item for name in ("model", "served_model") for item in reached(record, (name,))]
    named = [f"{provider}/{model}" for provider in reached(record, ("provider",)) for model in asked]
    return [*asked, *named, *reached(record, ("model_spec",))]


def _is_spec(path: Json, wanted: tuple[str, ...]) -> bool:
    return isinstance(path, str) and (path in wanted or PurePosixPath(path).stem in wanted)


def _begun(record: Json, since: datetime) -> bool:
    times = reached(record, ("time",))
    try:
        return any(_utc(datetime.fromisoformat(str(time))) >= since for time in times)
    except (ValueError, OverflowError):
        return False


def _shared(wanted: tuple[str, ...], found: list[Json]) -> bool:
    return any(isinstance(item, str) and item in wanted for item in found)


def _needles(texts: list[str | None]) -> list[bytes]:
    """A piece of each text; none where one of them has no piece, so that any line could hold it."""
    pieces = [text and plain_piece(text) for text in texts]
    return [piece.encode() for piece in pieces if piece] if all(pieces) else []
