"""Outcomes of replays: the exit code of each, and what they come to together."""

from __future__ import annotations

import pytest

from plcli.errors import Exit
from plcli.exchangerecords import ExchangeRecord
from plcli.outcomes import Change, Outcome, Totals
from plcli.records import Cost, Record, ResponseRecord
from plcli.replayrecords import Replay, Verdict
from plcli.response import Failure, Usage


def a_run(
    verdict: Verdict | None = None,
    *,
    tokens: int | None = None,
    cost: float | None = None,
    took: int | None = None,
    kind: str | None = None,
) -> Record:
    return Record(
        id="",
        time="t",
        command="replay",
        plcli="0.1.0",
        exchanges=[ExchangeRecord(key="k", operation="echo", started="t", duration_ms=took)]
        if took is not None
        else [],
        response=ResponseRecord(state="ok") if took is not None else None,
        usage=Usage(total_tokens=tokens) if tokens is not None else None,
        cost=Cost(amount=cost, source="user", complete=True) if cost is not None else None,
        replay=Replay(of="x", verdict=verdict) if verdict is not None else None,
        error=Failure(kind=kind, message="") if kind is not None else None,
    )


def totals_of(*outcomes: Outcome) -> Totals:
    totals = Totals()
    for outcome in outcomes:
        totals.count(outcome)
    return totals


@pytest.mark.parametrize(
    ("nows", "code"),
    [
        ([], Exit.DONE),
        ([a_run("identical"), a_run("equivalent")], Exit.DONE),
        ([a_run("drifted"), a_run("identical")], Exit.FINDING),
        ([a_run("failed", kind="auth"), a_run("drifted")], Exit.REFUSED),
        ([a_run("failed", kind="server"), a_run("failed", kind="auth")], Exit.UNAVAILABLE),
        ([a_run("not-replayable"), a_run("failed", kind="server")], Exit.OFFLINE),
    ],
)
def test_of_several_the_largest_exit_code_wins(nows: list[Record], code: Exit) -> None:
    totals = totals_of(*(Outcome(a_run(), now, "x") for now in nows))
    assert (totals.code, totals.done) == (code, len(nows))


def test_then_and_now_are_added_where_both_are_known() -> None:
    totals = totals_of(
        Outcome(a_run(tokens=10, cost=0.5, took=100), a_run("identical", tokens=20, cost=0.25, took=300), "a"),
        Outcome(a_run(tokens=10, cost=float("nan"), took=100), a_run("drifted", took=0, cost=1), "b"),
        Outcome(a_run(tokens=10, cost=1, took=100), a_run("not-replayable"), "c"),
    )
    assert dict(totals.verdicts) == {"identical": 1, "drifted": 1, "not-replayable": 1}
    assert totals.tokens == Change(10, 20, 1)
    assert totals.cost == Change(0.5, 0.25, 1)
    assert totals.time_ms == Change(200, 300, 2)
    assert [change.percent for change in (totals.tokens, totals.cost, totals.time_ms)] == [100, -50, 50]


@pytest.mark.parametrize("change", [Change(), Change(0, 5, 1), Change(1, 10**400, 1), Change(1.0, float("inf"), 1)])
def test_a_change_from_nothing_or_beyond_all_numbers_has_no_percent(change: Change) -> None:
    assert change.percent is None
