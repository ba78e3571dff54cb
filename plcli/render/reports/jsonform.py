"""The report for programs: one JSON object, each replay on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from plcli import __version__
from plcli.media import Json
from plcli.outcomes import Change, Totals
from plcli.plaintext import harmless_json
from plcli.render.reports.spool import Spool
from plcli.render.reports.telling import Ending, Told, facts
from plcli.render.reports.values import Values

_OF_REPLAY = ("exchange", "checks", "differences", "losses", "baseline")


class JsonForm:
    """Gathers outcomes.

    `plcli` (version), `command`, `started` (UTC), `stopped` (why not everything was replayed; absent where it
    was), `totals` (`runs`, `verdicts`, `exit`, and where they are known `tokens`, `cost` in US dollars and
    `duration_ms`, each `then`, `now` and `of` how many runs) and `outcomes`.

    An outcome has `name`, `spec`, `verdict`, `then` and `now` (what is known of a run: `run`, `time`, `provider`,
    `model`, `served_model`, `state`, `input_tokens`, `output_tokens`, `cost`, `duration_ms`) and, where there is
    something to say, `file` and `line`, `reason`, `exchange`, `checks`, `differences`, `losses`, `baseline`,
    `expectations` and `error`, as in the record of the run; long texts are cut, and end with an ellipsis.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._outcomes = Spool()
        self._redact = redact
        self._separator = "\n"

    def add(self, told: Told) -> None:
        """Add a replay."""
        outcome, values = told.outcome, Values(self._redact)
        replay = outcome.now.replay
        told_of = {
            "name": told.name,
            "spec": told.spec,
            "file": told.file,
            "line": told.line,
            "verdict": told.verdict,
            "reason": told.reason,
            "then": facts(outcome.then),
            "now": facts(outcome.now),
            **{name: getattr(replay, name, None) for name in _OF_REPLAY},
            "expectations": outcome.now.expectations,
            "error": outcome.now.error,
        }
        fields = {name: values.take(value) for name, value in told_of.items() if value is not None}
        self._outcomes.write(self._separator + _line(fields))
        self._separator = ",\n"

    def pieces(self, end: Ending) -> Iterator[str]:
        """The report, piece by piece."""
        head: dict[str, Json] = {
            "plcli": __version__,
            "command": end.command,
            "started": end.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"stopped": end.stopped} if end.stopped is not None else {}),
            "totals": _totals(end.totals),
        }
        yield _line(head)[:-1] + ', "outcomes": ['
        yield from self._outcomes.pieces()
        yield "\n]}\n"

    def close(self) -> None:
        """Give the room of the outcomes back."""
        self._outcomes.close()


def _line(fields: dict[str, Json]) -> str:
    return harmless_json(json.dumps(fields, ensure_ascii=False))


def _totals(totals: Totals) -> dict[str, Json]:
    changes = {"tokens": totals.tokens, "cost": totals.cost, "duration_ms": totals.time_ms}
    return {
        "runs": totals.done,
        "verdicts": dict(totals.verdicts),
        "exit": int(totals.code),
        **{name: _change(change) for name, change in changes.items() if change.of},
    }


def _change(change: Change) -> dict[str, Json]:
    return {"then": change.then, "now": change.now, "of": change.of}
