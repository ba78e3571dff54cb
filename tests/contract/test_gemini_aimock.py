"""Gemini's `post` against aimock, a server that others wrote, on the Developer API and on Vertex."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from plcli.specs import Vertex
from tests.support.aimock import Aimock
from tests.support.calls import ask

CLOUDS = [
    pytest.param(None, "/v1beta", id="developer api"),
    pytest.param(Vertex(project="p"), "/v1/projects/p/locations/global/publishers/google", id="vertex"),
]
STREAMED = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])


def say(aimock: Aimock, words: str, stream: bool = True, **settings: Any) -> list[WireEvent]:
    body = {"contents": [{"role": "user", "parts": [{"text": words}]}], "store": False}
    return ask(aimock, body, stream=stream, **settings)


def parts(events: list[WireEvent]) -> list[dict[str, Any]]:
    return [part for event in events for part in event.data["candidates"][0]["content"]["parts"]]


@pytest.mark.parametrize(("vertex", "path"), CLOUDS)
@STREAMED
def test_aimock_gets_our_body_and_its_answer_comes_through(
    aimock: Aimock, vertex: Vertex | None, path: str, stream: bool
) -> None:
    # aimock serves Vertex in v1 only.
    events = say(aimock, "hello", stream, vertex=vertex, api_version="v1" if vertex else None)
    assert "".join(part["text"] for part in parts(events)) == "Hello there, how are you today?"
    assert [event.whole for event in events] == ([False] * len(events) if stream else [True])
    request = aimock.received()[-1]
    verb = "streamGenerateContent" if stream else "generateContent"
    assert request["path"].partition("?")[0] == f"{path}/models/gemini-3.8-flash:{verb}"
    # aimock keeps the body of every api in the form of chat.
    assert request["body"]["messages"] == [{"role": "user", "content": "hello"}]


@STREAMED
def test_aimock_calls_a_tool_after_a_thought(aimock: Aimock, stream: bool) -> None:
    thought, call = parts(say(aimock, "weather", stream))
    assert thought == {"text": "A tool knows.", "thought": True}
    assert call == {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": "call_7"}}


@STREAMED
def test_aimock_is_busy(aimock: Aimock, stream: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        say(aimock, "busy", stream)
    failure = caught.value.failure
    assert (failure.kind, failure.status, caught.value.retryable) == ("rate_limit", 429, True)


@pytest.mark.parametrize("words", ["truncated", "disconnect"])
def test_aimock_cuts_the_stream(aimock: Aimock, words: str) -> None:
    with pytest.raises(CallFailed) as caught:
        say(aimock, words)
    assert (caught.value.failure.kind, caught.value.retryable) == ("connection", False)


@STREAMED
def test_aimock_garbles_its_answer(aimock: Aimock, stream: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        say(aimock, "garbled", stream)
    assert caught.value.failure.kind == "protocol"
