"""Runs of one request compared, as the apis answer them: what is another with every call makes no difference."""

from __future__ import annotations

import json
from typing import Any

from plcli.canonical import answer_of, calls_of
from plcli.compare import compare, parse_checks, verdict_of
from plcli.records import Record
from plcli.traffic import wire_requests
from tests.support.tool_loop import GOTHAM, OSLO, ROME, Call, Json, Loop

ALL = "exact,text,tool-calls,finish,state,usage=1,served-model,similar=1"


def ids(*cities: str, named: str) -> tuple[Call, ...]:
    return tuple((f"{named}{n}", "get_weather", city) for n, city in enumerate(cities))


def a_loop(loop: Loop, rounds: list[tuple[str, ...]], said: str = "Cold.", *, named: str) -> Record:
    """The record of a run that calls so, round by round, with ids of its own."""
    bodies = [loop.api.calls(n, ids(*cities, named=f"{named}{n}")) for n, cities in enumerate(rounds, start=1)]
    anew = {"resp_": f"resp_{named}", "rs_": f"rs_{named}", "fc_": f"fc_{named}", "gAAA": f"gAAA{named}", "Cs": named}
    loop.server.forget()
    for body in [*bodies, loop.api.says(said)]:
        text = json.dumps(body)
        for old, new in anew.items():
            text = text.replace(f'"{old}', f'"{new}')
        loop.answer(json.loads(text))
    assert loop.run().code == 0
    return loop.record


def verdict(then: Record, now: Record, checks: str | None = None) -> Any:
    found = compare(then, now, parse_checks([checks] if checks else []))
    return verdict_of(then, now, found, ())


def test_what_differs_in_ids_and_signatures_alone_is_identical(loop: Loop) -> None:
    then, now = (a_loop(loop, [(OSLO, ROME), (GOTHAM,)], named=name) for name in ("a", "b"))
    assert wire_requests(then.exchanges) != wire_requests(now.exchanges)
    assert verdict(then, now) == ("identical", None)
    assert all(check.passed for check in compare(then, now, parse_checks([ALL])))
    assert [len(calls) for calls in calls_of(now)] == [2, 1]


def test_calls_of_one_answer_may_come_in_any_order_and_those_of_two_may_not(loop: Loop) -> None:
    then = a_loop(loop, [(OSLO, ROME), (GOTHAM,)], named="a")
    assert verdict(then, a_loop(loop, [(ROME, OSLO), (GOTHAM,)], named="b"))[0] == "equivalent"
    told, reason = verdict(then, a_loop(loop, [(OSLO, GOTHAM), (ROME,)], named="c"))
    assert (told, "tool-calls: was get_weather(" in reason) == ("drifted", True)


def test_streamed_and_plain_answers_are_one_answer(loop: Loop) -> None:
    then = a_loop(loop, [(OSLO,)], named="a")
    other = Loop(loop.api, not loop.stream, loop.folder, loop.server, loop.cli)
    now = a_loop(other, [(OSLO,)], named="b")
    assert answer_of(then) == answer_of(now)
    assert [exchange.streamed for exchange in then.exchanges] != [exchange.streamed for exchange in now.exchanges]


def test_words_decide_between_the_verdicts(loop: Loop) -> None:
    then = a_loop(loop, [], "Cold.", named="a")
    for said, wanted in (("Cold.", "identical"), ("Cold. ", "equivalent"), ("Warm.", "drifted")):
        assert verdict(then, a_loop(loop, [], said, named="b"))[0] == wanted


def test_a_refused_request_is_an_answer_and_a_failed_call_is_none(loop: Loop) -> None:
    def failed(status: int) -> Record:
        loop.server.forget()
        error: Json = {"error": {"message": "no", "code": status, "status": "X", "type": "x"}}
        loop.server.answer(status, json=error)
        loop.cli("run", "ask", "--model", "m", "--retries", "0")
        return loop.record

    answered = a_loop(loop, [], named="a")
    for status, wanted in ((400, "identical"), (401, "failed"), (500, "failed")):
        then, now = failed(status), failed(status)
        assert then.error is not None
        assert verdict(then, now)[0] == wanted
        assert verdict(answered, now)[0] == "failed"


def test_a_no_of_the_model_is_drift_from_an_answer_and_none_from_a_no(loop: Loop) -> None:
    def refused() -> Record:
        loop.server.forget()
        loop.answer(loop.api.refuses)
        loop.run()
        return loop.record

    then, now = refused(), refused()
    assert verdict(then, now) == ("identical", None)
    told, reason = verdict(a_loop(loop, [], named="a"), now, "state")
    assert (told, reason) == ("drifted", f"state: was ok, is {loop.api.refused}")
