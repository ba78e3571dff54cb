from __future__ import annotations

import threading
import time

import httpcore2
import httpx2
import pytest

from plcli.failures import CallFailed
from plcli.providers import network, transport
from plcli.providers.transport import translate
from tests.support.calls import call
from tests.support.loopback import Loopback


def error(kind: type[httpx2.RequestError], text: str = "no", cause: BaseException | None = None) -> httpx2.RequestError:
    made = kind(text, request=httpx2.Request("POST", "https://api.example/v1/x"))
    made.__cause__ = cause
    return made


@pytest.mark.parametrize(
    ("raised", "kind", "retryable", "said"),
    [
        (error(httpx2.ConnectError, cause=ConnectionRefusedError()), "connection", False, "refused by api.example:443"),
        (error(httpx2.ConnectError), "connection", False, "no answer from api.example:443"),
        (error(httpx2.ConnectError, cause=ConnectionResetError()), "connection", True, "no answer"),
        (error(httpx2.ReadError, cause=ConnectionResetError()), "connection", True, "no answer"),
        (error(httpx2.WriteError), "connection", True, "no answer"),
        (error(httpx2.RemoteProtocolError), "connection", True, "no answer"),
        (error(httpx2.ConnectTimeout), "timeout", False, "no connection to api.example:443 in 5 s"),
        (error(httpx2.PoolTimeout), "timeout", False, "no connection"),
        (error(httpx2.ReadTimeout), "timeout", True, "no data for 600 s"),
        (error(httpx2.WriteTimeout), "timeout", True, "no data for 600 s"),
        (error(httpx2.ProxyError), "connection", False, "proxy"),
        (error(httpx2.LocalProtocolError), "invalid", False, "cannot be sent"),
        (error(httpx2.DecodingError), "protocol", False, "compressed"),
    ],
)
def test_an_exception_of_the_client_becomes_one_kind(
    raised: httpx2.RequestError, kind: str, retryable: bool, said: str
) -> None:
    made = translate(raised, call())
    assert (made.failure.kind, made.retryable) == (kind, retryable)
    assert said in made.message


def test_a_break_after_the_answer_began_is_not_retried() -> None:
    running = call()
    running.tap.status = 200
    made = translate(error(httpx2.RemoteProtocolError), running)
    assert (made.failure.kind, made.retryable) == ("connection", False)
    assert "in the middle of the answer" in made.message
    assert made.hint == "run it again"


def test_a_timeout_at_the_deadline_is_named_after_it_and_not_retried() -> None:
    made = translate(error(httpx2.ReadTimeout), call(deadline=time.monotonic()))
    assert (made.failure.kind, made.retryable) == ("timeout", False)
    assert "deadline" in made.message
    assert "--deadline" in (made.hint or "")


def test_an_error_without_a_request_is_translated_too() -> None:
    assert "the server" in translate(httpx2.RemoteProtocolError("no"), call()).message


def test_every_pool_obeys_deadlines_proxies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with Loopback() as proxy:
        proxy.hang()
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        # Not the client of the process, which has read its environment long ago.
        fresh = transport._client.__wrapped__()
        running = call(deadline=time.monotonic() + 0.5)
        with fresh, pytest.raises(CallFailed, match="deadline"), transport.calling(running):
            fresh.post("http://api.example/v1/x")
    assert proxy.received[0].path == "http://api.example/v1/x"


def test_the_client_sends_nothing_outside_a_call() -> None:
    with pytest.raises(LookupError, match="call"):
        transport.client().get("http://127.0.0.1:9/")


def test_an_unread_answer_is_read_for_who_does_not_stream() -> None:
    with Loopback() as server:
        server.answer(json={"a": 1})
        with transport.calling(call()):
            assert transport.client().get(server.url).json() == {"a": 1}


def test_cookies_of_one_call_do_not_travel_with_the_next() -> None:
    with Loopback() as server:
        server.answer(json={}, headers={"Set-Cookie": "session=1; Path=/"})
        for _ in range(2):
            with transport.calling(call()):
                transport.client().get(server.url)
        assert [request.headers.get("cookie") for request in server.received] == [None, None]


def test_calls_in_threads_have_their_own_taps_and_deadlines() -> None:
    outcomes: dict[int, object] = {}

    def work(number: int, server: Loopback) -> None:
        running = call(deadline=time.monotonic() + 0.3) if number % 2 else call()
        try:
            with transport.calling(running):
                transport.client().post(f"{server.url}/{number}")
            outcomes[number] = running.tap.status
        except CallFailed as failure:
            outcomes[number] = failure.failure.kind

    with Loopback() as quick, Loopback() as slow:
        quick.answer(json={})
        slow.hang()
        threads = [threading.Thread(target=work, args=(n, slow if n % 2 else quick)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == {number: "timeout" if number % 2 else 200 for number in range(20)}


def test_a_server_that_speaks_no_tls_is_told_and_not_retried() -> None:
    with Loopback() as server:
        with pytest.raises(CallFailed, match="no safe connection to 127") as caught, transport.calling(call()):
            transport.client().get(server.url.replace("http://", "https://"))
        assert not server.received
    assert (caught.value.failure.kind, caught.value.retryable) == ("connection", False)


def test_the_network_is_still_where_it_is_put() -> None:
    """httpcore's pools keep their backend in a private place; a release that moves it must not go unseen."""
    assert isinstance(httpcore2.ConnectionPool()._network_backend, httpcore2.SyncBackend)
    assert isinstance(transport.client()._transport._pool._network_backend, network.Network)  # type: ignore[attr-defined]
