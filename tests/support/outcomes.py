"""Replays that have ended, as reports and tables are given them."""

from __future__ import annotations

from typing import Any

from plcli.exchangerecords import ExchangeRecord
from plcli.outcomes import Outcome, Totals
from plcli.records import Cost, Record, ResponseRecord, SpecRef
from plcli.replayrecords import CheckRecord, Replay, Verdict
from plcli.response import Failure, Usage


def a_run(id: str, **fields: Any) -> Record:
    """A run that went well."""
    given: dict[str, Any] = {
        "provider": "openai",
        "api": "chat",
        "model": "m",
        "spec": SpecRef(path="prompts/weather.yaml", sha256="sha256:0"),
        "exchanges": [ExchangeRecord(key="k", operation="chat.completions.create", started="t", duration_ms=1500)],
        "response": ResponseRecord(state="ok"),
        "usage": Usage(input_tokens=10, output_tokens=3, total_tokens=13),
        "cost": Cost(amount=0.25, source="user", complete=True),
        **fields,
    }
    return Record(id=id, time="2026-11-26T07:00:00Z", command="replay", plcli="0.1.0", **given)


def an_outcome(
    verdict: Verdict,
    tail: str = "aaaaa",
    *,
    then: Record | None = None,
    name: str = "weather",
    file: str | None = None,
    line: int | None = None,
    **fields: Any,
) -> Outcome:
    """A replay of a run; `fields` are of the new record, or of what its `replay` says."""
    old = then or a_run(f"20261126T070000000-{tail}")
    told = {key: fields.pop(key) for key in Replay.model_fields if key in fields}
    replay = Replay(of=old.id, verdict=verdict, **told)
    return Outcome(old, a_run(f"20261126T090000000-{tail}", replay=replay, **fields), name, file, line)


def drifted(tail: str = "aaaaa", **fields: Any) -> Outcome:
    """One whose words are others."""
    checks = [CheckRecord(name="text", passed=False, wanted="It rains.", got="It snows.", message="the words differ")]
    given: dict[str, Any] = {
        "reason": "text: the words differ",
        "file": "prompts/weather.yaml",
        "line": 7,
        "checks": checks,
    }
    return an_outcome("drifted", tail, **{**given, **fields})


def failed(tail: str = "aaaaa", **fields: Any) -> Outcome:
    """One that got no answer."""
    error = Failure(kind="rate_limit", message="slow down", hint="wait a moment")
    given: dict[str, Any] = {
        "error": error,
        "exchanges": [],
        "response": None,
        "usage": None,
        "cost": None,
        "reason": "slow down",
    }
    return an_outcome("failed", tail, **{**given, **fields})


def not_replayable(tail: str = "aaaaa", **fields: Any) -> Outcome:
    """One that could not be sent."""
    given: dict[str, Any] = {
        "exchanges": [],
        "response": None,
        "usage": None,
        "cost": None,
        "reason": "a picture of it is gone",
    }
    return an_outcome("not-replayable", tail, **{**given, **fields})


def totals_of(*outcomes: Outcome) -> Totals:
    """What they come to."""
    totals = Totals()
    for outcome in outcomes:
        totals.count(outcome)
    return totals
