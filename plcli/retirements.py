"""Which models were or will be shut down, and what follows them: a dated table of the makers' announcements.

The table may be older than the truth, so it never stops anything. It holds for the makers' own
services; clouds and other servers keep dates of their own.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from plcli.brevity import counted

FILE = Path(__file__).with_suffix(".toml")
"""Says `as_of`, and a list of `retirement`: provider, models, shutdown, successor, source."""

LONGEST = 100
"""Characters of a model's id that may decide; no start in the table is longer."""


class Retirement(NamedTuple):
    """The end of a model as one day sees it; `days` are left until then, none or fewer when it is gone."""

    model: str
    shutdown: date
    days: int
    successor: str | None = None
    source: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the model has been shut down."""
        return self.days <= 0

    @property
    def end(self) -> str:
        """When the model ends, as a sentence without a full stop."""
        if self.gone:
            return f"{self.model} was shut down on {self.shutdown}"
        return f"{self.model} will be shut down on {self.shutdown}, in {counted(self.days, 'day')}"

    @property
    def sentence(self) -> str:
        """When the model ends, and what follows it."""
        return f"{self.end}; its successor is {self.successor}" if self.successor else self.end

    @property
    def way_out(self) -> str:
        """What to do about it."""
        return f"move to {self.successor}" if self.successor else f"no successor is known; see {self.source}"


def of(provider: str, model: str, today: date) -> Retirement | None:
    """What the table says of a model; None where it says nothing. A fine-tune shares the end of its base."""
    base = model.removeprefix("models/")
    if base.startswith("ft:"):
        base = base.split(":")[1]
    entry = _entry(provider, base)
    if entry is None:
        return None
    shutdown = entry["shutdown"]
    return Retirement(model, shutdown, (shutdown - today).days, entry.get("successor"), entry["source"])


def announced(provider: str, model: str, shutdown: date, today: date) -> Retirement:
    """The end of a model that its own endpoint tells; the table may know the successor."""
    known = of(provider, model, today)
    return Retirement(model, shutdown, (shutdown - today).days, known.successor if known else None, "the endpoint")


def hint(provider: str, model: str, today: date) -> str | None:
    """Why a model is not found, where it is that it is gone."""
    known = of(provider, model, today)
    return known.sentence if known is not None and known.gone else None


def _entry(provider: str, model: str) -> Mapping[str, Any] | None:
    """The entry of the model's id, else of the longest start of it."""
    entries = _entries()
    exact = entries.get((provider, model))
    if exact is not None:
        return exact
    starts = (f"{model[:length]}*" for length in range(min(len(model), LONGEST), 0, -1))
    return next((entries[provider, start] for start in starts if (provider, start) in entries), None)


@functools.cache
def _entries() -> dict[tuple[str, str], Mapping[str, Any]]:
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {(entry["provider"], model): entry for entry in table["retirement"] for model in entry["models"]}
