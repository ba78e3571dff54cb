"""`post` against aimock, a server that others wrote."""

from __future__ import annotations

import pytest

from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from tests.support.aimock import Aimock
from tests.support.calls import send

APIS = [("/chat/completions", "messages"), ("/responses", "input")]


def ask(aimock: Aimock, api: tuple[str, str], words: str, stream: bool) -> list[WireEvent]:
    path, messages = api
    body = {"model": "gpt-6", "stream": stream, messages: [{"role": "user", "content": words}]}
    return send(aimock, body, path, client_request_id="plcli-1")


def text_of(events: list[WireEvent]) -> str:
    found = ""
    for event in events:
        data = event.data if isinstance(event.data, dict) else {}
        if data.get("type") == "response.output_text.delta":
            found += data["delta"]
        for choice in data.get("choices", []):
            found += choice.get("delta", choice.get("message", {})).get("content") or ""
        for item in data.get("output", []):
            found += "".join(part["text"] for part in item["content"])
    return found


@pytest.mark.parametrize("api", APIS, ids=["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_aimock_gets_our_body_and_its_answer_comes_through(aimock: Aimock, api: tuple[str, str], stream: bool) -> None:
    events = ask(aimock, api, "hello", stream)
    assert text_of(events) == "Hello there, how are you today?"
    assert [event.whole for event in events] == ([False] * len(events) if stream else [True])
    request = aimock.received()[-1]
    assert request["path"] == "/v1" + api[0]
    assert request["headers"]["x-client-request-id"] == "plcli-1"
    # aimock keeps the body of every api in the form of chat.
    assert request["body"]["messages"] == [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize("api", APIS, ids=["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_aimock_is_busy(aimock: Aimock, api: tuple[str, str], stream: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(aimock, api, "busy", stream)
    failure = caught.value.failure
    assert (failure.kind, failure.status, failure.retry_after) == ("rate_limit", 429, 2.0)
    assert caught.value.retryable
    assert failure.request_id


@pytest.mark.parametrize("api", APIS, ids=["chat", "responses"])
@pytest.mark.parametrize("words", ["truncated", "disconnect"])
def test_aimock_cuts_the_stream(aimock: Aimock, api: tuple[str, str], words: str) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(aimock, api, words, True)
    assert (caught.value.failure.kind, caught.value.retryable) == ("connection", False)


@pytest.mark.parametrize("api", APIS, ids=["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_aimock_garbles_its_answer(aimock: Aimock, api: tuple[str, str], stream: bool) -> None:
    with pytest.raises(CallFailed) as caught:
        ask(aimock, api, "garbled", stream)
    assert caught.value.failure.kind == "protocol"
