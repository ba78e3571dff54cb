"""Sending until there is an answer: retries, deadlines, interruption, and what a turn holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.engine import Turn, ask
from plcli.exchange import Folded, Target, WireEvent
from plcli.failures import CallFailed
from plcli.providers.registry import PROVIDERS, Call
from plcli.response import Event, Failure, Response, TextPart

TARGET = Target("echo", "m")


def failing(kind: str, *, retryable: bool = True, retry_after: float | None = None) -> CallFailed:
    return CallFailed(Failure(kind=kind, message=kind, retry_after=retry_after), retryable=retryable)


class Script:
    """An adapter that does one thing after the other: raises errors, yields events."""

    MEDIA: tuple[tuple[str | None, ...], ...] = ()

    def __init__(self, *calls: Iterable[Any]) -> None:
        self.calls = list(calls)
        self.seen: list[Call] = []

    def send(self, wire: Any, target: Target, call: Call) -> Iterator[WireEvent]:
        self.seen.append(call)
        for step in self.calls.pop(0):
            if isinstance(step, BaseException):
                raise step
            yield WireEvent(step)

    def progress(self, event: WireEvent) -> Event:
        return Event("text", event.data)

    def fold(self, events: Iterable[WireEvent]) -> Folded:
        words = [event.data for event in events]
        return Folded({"text": "".join(words)}, complete=bool(words) and words[-1] == ".")

    def read(self, body: Any) -> Response:
        if not body["text"]:
            raise failing("protocol")
        return Response(state="ok", parts=(TextPart(text=body["text"]),))


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; none takes time."""
    made: list[float] = []
    monkeypatch.setattr(Cancel, "wait", lambda self, seconds: made.append(seconds))
    return made


def turn(script: Script, *, retries: int = 2, deadline: float = 100.0, shown: list[str] | None = None) -> Turn:
    adapter: Any = script
    connection = Connection(PROVIDERS["echo"], "echo", adapter, 60.0, deadline, retries)
    pieces = shown if shown is not None else []
    return ask(
        connection,
        TARGET,
        {"q": 1},
        stream=True,
        read_media=lambda digest: b"",
        watch=lambda event: pieces.append(event.text),
        watch_wait=lambda failure, seconds: None,
    )


def test_an_answer_is_a_turn_with_one_attempt() -> None:
    shown: list[str] = []
    made = turn(Script(["Hi", "."]), shown=shown)
    assert (made.failure, made.response.text, shown) == (None, "Hi.", ["Hi", "."])
    assert made.exchange.response == {"text": "Hi."}
    assert len(made.exchange.attempts) == 1


def test_failures_that_may_pass_are_tried_again(pauses: list[float]) -> None:
    made = turn(Script([failing("server")], [failing("rate_limit", retry_after=3.0)], ["."]))
    assert made.failure is None
    assert [attempt.failure and attempt.failure.kind for attempt in made.exchange.attempts] == [
        "server",
        "rate_limit",
        None,
    ]
    assert made.exchange.attempts[2].waited_ms == 3000
    assert pauses[1] == 3.0
    assert 0.5 <= pauses[0] <= 1.0


@pytest.mark.parametrize("kind", ["invalid", "quota", "safety", "auth"])
def test_what_will_not_pass_is_not_tried_again(kind: str) -> None:
    made = turn(Script([failing(kind, retryable=False)]))
    assert made.failure is not None
    assert (made.failure.kind, len(made.exchange.attempts)) == (kind, 1)


def test_retries_end() -> None:
    made = turn(Script(*([failing("server")] for _ in range(9))), retries=3)
    assert made.failure is not None
    assert len(made.exchange.attempts) == 4


@pytest.mark.parametrize("wait", [61.0, 3600.0])
def test_a_pause_that_is_too_long_is_an_answer(wait: float, pauses: list[float]) -> None:
    made = turn(Script([failing("rate_limit", retry_after=wait)], ["."]))
    assert made.failure is not None
    assert pauses == []


def test_a_pause_past_the_deadline_is_not_made(pauses: list[float]) -> None:
    made = turn(Script([failing("rate_limit", retry_after=30.0)], ["."]), deadline=10.0)
    assert made.failure is not None
    assert pauses == []


def test_an_answer_that_began_is_not_asked_for_again() -> None:
    made = turn(Script(["Hi", failing("connection")], ["."]))
    assert made.failure is not None
    assert (made.failure.kind, made.response.state, made.response.text) == ("connection", "error", "Hi")
    assert len(made.exchange.attempts) == 1


def test_a_stream_without_its_end_is_no_success() -> None:
    made = turn(Script(["Hi"]))
    assert made.failure is not None
    assert (made.failure.kind, made.response.state, made.response.text) == ("protocol", "error", "Hi")
    assert made.exchange.attempts[0].failure == made.failure


def test_ctrl_c_keeps_what_came() -> None:
    made = turn(Script(["Hi", KeyboardInterrupt()]))
    assert made.failure is not None
    assert (made.failure.kind, made.response.state, made.response.text) == ("interrupted", "incomplete", "Hi")
    assert len(made.exchange.attempts) == 1


def test_ctrl_c_before_the_first_word_is_a_turn_too() -> None:
    made = turn(Script([KeyboardInterrupt()]))
    assert made.failure is not None
    assert (made.failure.kind, made.response.state, made.exchange.response) == ("interrupted", "incomplete", None)


def test_an_answer_that_cannot_be_read_is_kept_as_it_came() -> None:
    class Unreadable(Script):
        def read(self, body: Any) -> Response:
            raise failing("protocol")

    made = turn(Unreadable(["."]))
    assert made.failure is not None
    assert (made.failure.kind, made.exchange.response) == ("protocol", {"text": "."})


def test_a_stop_by_the_safety_filter_is_blocked() -> None:
    assert turn(Script([failing("safety", retryable=False)])).response.state == "blocked"


def test_long_base64_that_a_model_writes_stays_words() -> None:
    words = "QUJD" * 2000
    made = turn(Script([words, "."]))
    assert made.response.text == words + "."


def test_the_call_holds_what_the_connection_says() -> None:
    script = Script(["."])
    adapter: Any = script
    connection = Connection(
        PROVIDERS["echo"],
        "echo",
        adapter,
        5.0,
        9.0,
        0,
        False,
        "http://h/v1",
        "k",
        {"a": "b"},
        lambda wire: {"filled": wire},
    )
    ask(
        dataclasses.replace(connection),
        TARGET,
        {},
        stream=False,
        read_media=lambda digest: b"",
        watch=lambda event: None,
        watch_wait=lambda failure, seconds: None,
    )
    (call,) = script.seen
    assert (call.stream, call.stream_usage, call.timeout, call.key) == (False, False, 5.0, "k")
    assert call.deadline is not None
