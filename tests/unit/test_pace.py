from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.engine import Turn
from plcli.exchange import Exchange, Target
from plcli.pace import WINDOW, Pace
from plcli.pacing import held_back, tokens
from plcli.response import Failure, Response, Usage
from plcli.rounds import UNWATCHED, Rounds
from plcli.specs import Limits


def limits(**given: int) -> Limits:
    return Limits.model_validate(given)


def test_without_limits_nothing_waits() -> None:
    pace = Pace()
    for _ in range(1000):
        assert pace.delay(0.0) == 0
        pace.started(0.0)


def test_only_so_many_run_at_once() -> None:
    pace = Pace(limits(concurrency=2))
    pace.started(0.0)
    assert pace.delay(0.0) == 0
    pace.started(0.0)
    assert pace.delay(1000.0) is None
    pace.ended(1000.0, 5)
    assert pace.delay(1000.0) == 0


def test_only_so_many_start_in_a_minute() -> None:
    pace = Pace(limits(rpm=2))
    pace.started(0.0)
    pace.started(10.0)
    assert pace.delay(20.0) == WINDOW - 20
    assert pace.delay(WINDOW) == 0
    pace.started(WINDOW)
    assert pace.delay(WINDOW) == 10


def test_what_is_sent_once_more_counts_as_a_start() -> None:
    pace = Pace(limits(rpm=2))
    pace.started(0.0)
    pace.again(30.0)
    assert pace.delay(5.0) == WINDOW - 5
    assert pace.delay(WINDOW) == 0
    pace.started(WINDOW)
    assert pace.delay(WINDOW) == 30


def test_where_one_must_run_alone_the_next_waits_for_its_end() -> None:
    pace = Pace(limits(concurrency=4), alone=True)
    pace.started(0.0)
    assert pace.delay(0.0) is None
    pace.alone = False
    assert pace.delay(0.0) == 0


def test_tokens_of_the_last_minute_hold_the_next_back() -> None:
    pace = Pace(limits(tpm=100))
    pace.started(0.0)
    pace.ended(1.0, 60)
    assert pace.delay(2.0) == 1.0 + WINDOW - 2.0
    assert pace.delay(1.0 + WINDOW) == 0


def test_running_requests_count_as_what_the_others_used() -> None:
    pace = Pace(limits(tpm=100))
    assert pace.delay(0.0, expected=40) == 0
    pace.started(0.0)
    assert pace.delay(0.0, expected=40) == 0
    pace.started(0.0)
    assert pace.delay(0.0, expected=40) is None


def test_a_request_larger_than_the_limit_runs_alone() -> None:
    pace = Pace(limits(tpm=10))
    assert pace.delay(0.0, expected=1000) == 0
    pace.started(0.0)
    assert pace.delay(0.0, expected=1000) is None


def test_an_endpoint_that_asks_for_a_pause_gets_it() -> None:
    pace = Pace()
    pace.hold(5.0)
    pace.hold(3.0)
    assert pace.delay(1.0) == 4.0
    assert pace.delay(6.0) == 0


@pytest.mark.parametrize("limit", [1, 3])
@given(steps=st.lists(st.floats(0, 30), max_size=30))
def test_no_minute_holds_more_starts_than_allowed(limit: int, steps: list[float]) -> None:
    pace, now, starts = Pace(limits(rpm=limit)), 0.0, list[float]()
    for step in steps:
        now += step
        now += pace.delay(now) or 0.0
        pace.started(now)
        starts.append(now)
    for first, late in zip(starts, starts[limit:], strict=False):
        assert late - first >= WINDOW - 1e-6


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        (None, 0),
        (Usage(input_tokens=3, output_tokens=2, total_tokens=7), 7),
        (Usage(input_tokens=3, output_tokens=2), 5),
        (Usage(input_tokens=3), 3),
        (Usage(output_tokens=2), 2),
    ],
)
def test_a_run_has_used_what_the_provider_says(usage: Usage | None, used: int) -> None:
    exchange = Exchange("k", Target("echo", "m"), {}, {}, streamed=False, attempts=(), started="t", duration_ms=7)
    assert tokens(Rounds((Turn(exchange, Response(state="ok", usage=usage), {}),))) == used


@pytest.mark.parametrize(("kind", "held"), [("rate_limit", True), ("connection", False)])
def test_a_run_that_waits_holds_the_others_back_where_its_model_is_asked_too_much(kind: str, held: bool) -> None:
    pace = Pace()
    held_back(UNWATCHED, pace).wait(Failure(kind=kind, message="because"), 1_000.0)
    delay = pace.delay(time.monotonic())
    assert delay is not None
    assert (delay > 0) == held
