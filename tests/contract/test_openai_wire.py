"""What a server receives from `post`, and how `post` takes what a server does."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from plcli.errors import SetupError
from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from plcli.providers import openai_client
from tests.support.calls import call, send
from tests.support.loopback import Loopback

BODY = {"model": "m", "messages": [{"role": "user", "content": "Grüße 😀"}], "n": None, "temperature": 0.10}
DELTAS: list[Any] = [{"choices": [{"delta": {"content": "é"}}]}, {"choices": []}, "[DONE]"]


def fail(at: Loopback | str, **settings: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        send(at, BODY, **settings)
    return caught.value


# What the server receives


def test_the_body_arrives_byte_for_byte(server: Loopback) -> None:
    server.answer(json={})
    send(server, BODY)
    request = server.received[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == json.dumps(BODY, ensure_ascii=False, separators=(",", ":")).encode()
    assert request.headers["content-type"] == "application/json"


def test_half_a_surrogate_pair_is_sent_as_an_escape(server: Loopback) -> None:
    server.answer(json={})
    send(server, {"a": "\ud83d é"})
    assert server.received[0].body == b'{"a":"\\ud83d \\u00e9"}'


def test_the_key_is_sent_as_bearer_and_without_a_key_there_is_no_authorization(server: Loopback) -> None:
    server.answer(json={})
    send(server, BODY)
    send(server, BODY, key=None)
    send(server, BODY, key=None, headers={"authorization": "Basic abc"})
    send(server, BODY, key=None, headers={"api-key": "azure"})
    send(server, BODY, headers={"AUTHORIZATION": "Custom abc"})
    sent = [request.headers.get("authorization") for request in server.received]
    assert sent == ["Bearer sk-test", None, "Basic abc", None, "Custom abc"]
    assert server.received[3].headers["api-key"] == "azure"


def test_headers_of_the_call_are_sent_and_win(server: Loopback) -> None:
    server.answer(json={})
    send(server, BODY, headers={"OpenAI-Organization": "org", "user-agent": "mine"}, client_request_id="plcli-1")
    headers = server.received[0].headers
    assert headers["openai-organization"] == "org"
    assert headers["user-agent"] == "mine"
    assert headers["x-client-request-id"] == "plcli-1"


def test_the_environment_has_no_say(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback() as other:
        for name, value in {
            "OPENAI_API_KEY": "sk-environment",
            "OPENAI_ADMIN_KEY": "sk-admin",
            "OPENAI_ORG_ID": "org-environment",
            "OPENAI_PROJECT_ID": "proj-environment",
            "OPENAI_BASE_URL": other.base_url,
            "OPENAI_CUSTOM_HEADERS": "X-Injected: 1\nAuthorization: Bearer stolen",
            "AZURE_OPENAI_API_KEY": "azure",
            "AZURE_OPENAI_ENDPOINT": other.url,
            "OPENAI_API_VERSION": "2024",
            "GOOGLE_API_KEY": "google",
        }.items():
            monkeypatch.setenv(name, value)
        server.answer(json={})
        send(server, BODY)
        send(server, BODY, key=None)
        assert not other.received
    for request, key in zip(server.received, ("Bearer sk-test", None), strict=True):
        assert request.headers.get("authorization") == key
        assert not {"x-injected", "openai-organization", "openai-project", "api-key"} & set(request.headers)
        assert "environment" not in str(request.headers)


def test_openai_log_turns_no_logging_on() -> None:
    code = (
        "import logging, os; from plcli.providers import openai_client as c; c._sdk(); "
        "assert os.environ['OPENAI_LOG'] == 'debug'; "
        "assert not logging.getLogger().handlers and not logging.getLogger('openai').level"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OPENAI_LOG": "debug"})


def test_nothing_of_a_call_is_logged(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.answer(json={})
    with caplog.at_level(logging.INFO):
        send(server, BODY)
    assert "sk-test" not in caplog.text


def test_a_redirect_is_an_error_and_the_other_server_receives_nothing(server: Loopback) -> None:
    with Loopback() as other:
        other.answer(json={})
        for status in (301, 302, 303, 307, 308):
            server.redirect(f"{other.base_url}/chat/completions?token=secret", status)
        for _ in range(5):
            error = fail(server)
            assert (error.failure.kind, error.retryable) == ("protocol", False)
            assert "127.0.0.1" in error.message
            assert "secret" not in error.message
        assert not other.received


@pytest.mark.parametrize("key", ["sk-a\n", "sk-é", " sk", "sk\x00", "a\r\nX-Injected: 1", "sk “quoted”"])
def test_a_key_that_no_header_can_carry_is_a_setup_error_that_does_not_show_it(server: Loopback, key: str) -> None:
    with pytest.raises(SetupError) as caught:
        send(server, BODY, key=key)
    assert key not in str(caught.value)
    assert not server.received


@pytest.mark.parametrize(
    "headers", [{"x": "a\nb"}, {"x y": "a"}, {"": "a"}, {"x": "é"}, {"X-Stainless-Raw-Response": "true"}, {"x\n": "a"}]
)
def test_a_header_that_http_does_not_allow_is_a_setup_error(server: Loopback, headers: dict[str, str]) -> None:
    with pytest.raises(SetupError):
        send(server, BODY, headers=headers)
    assert not server.received


@pytest.mark.parametrize("url", ["nope", "ftp://h/v1", "http://[::", "http://h:port/v1", "http://", "https:///v1"])
def test_a_base_url_that_is_none_is_a_setup_error_with_a_hint(url: str) -> None:
    with pytest.raises(SetupError) as caught:
        send(url, BODY)
    assert "base_url" in (caught.value.hint or "")


# How it takes answers


def test_a_stream_gives_its_events_however_it_is_cut(server: Loopback) -> None:
    server.stream(DELTAS)
    server.stream(DELTAS, chunk=1)
    for _ in range(2):
        assert [event.data for event in send(server, BODY)] == DELTAS


def test_event_names_come_through(server: Loopback) -> None:
    server.stream([{"type": "response.created"}, {"type": "response.completed"}], names=True)
    assert [event.name for event in send(server, BODY)] == ["response.created", "response.completed"]


def test_a_json_body_is_one_whole_event_asked_to_stream_or_not(server: Loopback) -> None:
    server.answer(json={"ok": "é"})
    for stream in (True, False):
        assert send(server, BODY, stream=stream) == [WireEvent({"ok": "é"}, whole=True)]


def test_a_mislabelled_stream_is_read_as_one(server: Loopback) -> None:
    for kind in ("text/plain", "application/json", None):
        server.stream(DELTAS, type=kind)
    for _ in range(3):
        assert [event.data for event in send(server, BODY)] == DELTAS


def test_a_compressed_body_is_unpacked_and_a_broken_one_is_told(server: Loopback) -> None:
    packed = gzip.compress(b'{"ok": 1}')
    server.answer(body=packed, type="application/json", headers={"Content-Encoding": "gzip"})
    server.answer(body=b"not gzip", type="application/json", headers={"Content-Encoding": "gzip"})
    assert send(server, BODY) == [WireEvent({"ok": 1}, whole=True)]
    assert fail(server).failure.kind == "protocol"


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip"])
def test_an_answer_that_may_become_gigabytes_at_once_is_not_unpacked(server: Loopback, packing: str) -> None:
    body = gzip.compress(gzip.compress(b'{"ok": 1}'))
    server.answer(body=body, type="application/json", headers={"Content-Encoding": packing})
    server.answer(400, body=body, type="application/json", headers={"Content-Encoding": packing})
    assert "127.0.0.1 sent bytes that are packed" in fail(server).message
    assert fail(server).failure.status == 400
    assert {request.headers["accept-encoding"] for request in server.received} == {"gzip, deflate"}


def test_the_tap_sees_status_headers_and_the_first_byte(server: Loopback) -> None:
    server.answer(json={}, headers={"X-Request-Id": "req_1"})
    server.answer(429, json={}, headers={"X-Request-Id": "req_2"})
    for status, request_id in ((200, "req_1"), (429, "req_2")):
        running = call(server)
        with suppress(CallFailed):
            list(openai_client.post("/x", {}, running))
        assert (running.tap.status, running.tap.headers["x-request-id"]) == (status, request_id)
        assert running.tap.first_byte is not None
        assert running.tap.started <= running.tap.first_byte <= time.monotonic()


def test_calls_share_a_connection(server: Loopback) -> None:
    server.answer(json={})
    for _ in range(3):
        send(server, BODY)
    assert server.connections == 1


# How it takes failures


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "invalid", False),
        (401, "auth", False),
        (403, "permission", False),
        (404, "not_found", False),
        (408, "timeout", True),
        (409, "server", True),
        (422, "invalid", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (503, "server", True),
        (304, "protocol", False),
    ],
)
def test_a_status_is_a_failure_after_one_request(server: Loopback, status: int, kind: str, retryable: bool) -> None:
    if status == 304:
        server.raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    else:
        server.answer(status, json={"error": {"message": "because", "code": "c"}})
    error = fail(server)
    assert (error.failure.kind, error.retryable, error.failure.status) == (kind, retryable, status)
    assert len(server.received) == 1
    if status != 304:
        assert (error.message, error.failure.code) == ("because", "c")


def test_the_wait_that_the_server_asks_for_is_reported_not_waited(server: Loopback) -> None:
    server.answer(429, json={}, headers={"Retry-After": "7", "x-should-retry": "false"})
    started = time.monotonic()
    error = fail(server)
    assert (error.failure.retry_after, error.retryable) == (7.0, False)
    assert time.monotonic() - started < 5


def test_a_web_page_is_told_from_an_answer(server: Loopback) -> None:
    page = b"<!doctype html><html><head><title>Welcome</title></head></html>"
    server.answer(body=page, type="text/html")
    server.answer(404, body=page, type="text/html")
    for kind in ("protocol", "not_found"):
        error = fail(server)
        assert error.failure.kind == kind
        assert "Welcome" in error.message
        assert "/v1" in (error.hint or "")


def test_an_empty_answer_and_broken_json_are_protocol_failures(server: Loopback) -> None:
    server.answer(type="application/json")
    server.answer(204)
    server.answer(body=b'{"a":', type="application/json")
    server.stream([{"a": 1}, "oops"])
    for said in ("empty", "empty", "broken JSON", "not the api's format"):
        error = fail(server)
        assert (error.failure.kind, error.retryable) == ("protocol", False)
        assert said in error.message


def test_an_error_that_is_sent_as_an_event_is_read(server: Loopback) -> None:
    said = b'data: {"error": {"message": "because", "code": "c"}}\n\ndata: [DONE]\n\n'
    server.answer(500, body=said, type="text/event-stream")
    server.answer(500, body=b"data: no\n\n", type="text/event-stream")
    error = fail(server)
    assert (error.message, error.failure.code) == ("because", "c")
    assert fail(server).message == "data: no"


def test_an_error_body_without_end_is_read_to_a_bound(server: Loopback) -> None:
    server.raw(b"HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 3_000_000)
    assert fail(server).failure.status == 500


def test_an_error_body_that_breaks_off_still_has_its_status(server: Loopback) -> None:
    server.raw(b'HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\n{"error":')
    assert fail(server).failure.kind == "auth"


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_stream_gives_what_came_and_then_fails_without_retry(server: Loopback, reset: bool) -> None:
    server.stream(DELTAS, cut_after=70, chunk=60, delay=0.02, reset=reset)
    events = openai_client.post("/x", {}, call(server))
    assert next(events).data == DELTAS[0]
    with pytest.raises(CallFailed) as caught:
        next(events)
    assert (caught.value.failure.kind, caught.value.retryable) == ("connection", False)


def test_a_connection_that_breaks_before_the_answer_may_be_tried_again(server: Loopback) -> None:
    server.reset()
    server.raw(b"")
    for _ in range(2):
        error = fail(server)
        assert (error.failure.kind, error.retryable) == ("connection", True)


def test_a_server_that_speaks_no_http_is_told(server: Loopback) -> None:
    server.raw(b"SSH-2.0-OpenSSH_9.6\r\n")
    assert fail(server).failure.kind == "connection"


def test_a_refused_port_and_an_unknown_host_fail_at_once_and_for_good() -> None:
    with Loopback() as server:
        closed = server.base_url
    for url, said in ((closed, "refused"), ("http://no-such-host.invalid/v1", "no-such-host.invalid:80")):
        started = time.monotonic()
        error = fail(url)
        assert (error.failure.kind, error.retryable) == ("connection", False)
        assert said in error.message
        assert "base_url" in (error.hint or "")
        if url == closed:
            assert time.monotonic() - started < 2


def test_a_silent_server_ends_at_the_timeout_and_may_be_tried_again(server: Loopback) -> None:
    server.hang()
    server.hang(after=b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n")
    for _ in range(2):
        error = fail(server, timeout=0.2)
        assert (error.failure.kind, error.retryable) == ("timeout", True)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    "dribbled", [b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 9999, HEAD + b": " * 9999], ids=["headers", "body"]
)
@pytest.mark.parametrize("used", [False, True], ids=["new connection", "used connection"])
def test_a_dribble_ends_at_the_deadline(server: Loopback, dribbled: bytes, used: bool) -> None:
    if used:
        server.answer(json={})
    server.dribble(dribbled, every=0.01)
    if used:
        send(server, BODY)
    ends_at_the_deadline(server)
    assert server.connections == 1


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"data: {}\n\n", b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\n"])
def test_a_blocked_read_ends_at_the_deadline(server: Loopback, sent: bytes) -> None:
    server.hang(after=sent)
    if b"500" in sent:
        assert fail(server, deadline=time.monotonic() + 2).failure.status == 500
    else:
        ends_at_the_deadline(server)


def ends_at_the_deadline(server: Loopback) -> None:
    threads = threading.active_count()
    started = time.monotonic()
    error = fail(server, deadline=started + 0.3)
    assert time.monotonic() - started < 3
    assert (error.failure.kind, error.retryable) == ("timeout", False)
    assert "deadline" in error.message
    # The server's own thread for the connection is the only one more.
    assert threading.active_count() <= threads + 1


def test_a_flood_ends_at_the_deadline_too(server: Loopback) -> None:
    server.stream(b": " + b"x" * 50_000_000 + b"\n", chunk=1000, delay=0.0001)
    ends_at_the_deadline(server)


@pytest.mark.parametrize("reading", [False, True], ids=["never reads", "reads slowly"])
def test_an_upload_that_is_not_taken_ends_at_the_deadline(reading: bool) -> None:
    ended = threading.Event()

    def read_slowly(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while reading and not ended.wait(0.01) and connection.recv(4096):
                pass
            ended.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=read_slowly, args=(listener,))
        thread.start()
        started = time.monotonic()
        with pytest.raises(CallFailed, match="deadline"):
            send(f"http://127.0.0.1:{listener.getsockname()[1]}", {"a": "x" * 50_000_000}, deadline=started + 0.5)
        assert time.monotonic() - started < 5
        ended.set()
        # A slow machine may have met the deadline before it connected; the server still waits for someone.
        socket.create_connection(listener.getsockname()).close()
        thread.join()


def test_past_the_deadline_nothing_is_sent(server: Loopback) -> None:
    assert "deadline" in fail(server, deadline=time.monotonic() - 1).message
    assert not server.received


# Closing


def test_closing_the_iterator_closes_the_connection(server: Loopback) -> None:
    server.stream(DELTAS[:2] * 1000, chunk=200, delay=0.001)
    server.answer(json={})
    events = openai_client.post("/x", {}, call(server))
    next(events)
    events.close()  # type: ignore[attr-defined]
    send(server, BODY)
    assert server.connections == 2


def test_an_iterator_that_is_never_started_sends_nothing(server: Loopback) -> None:
    openai_client.post("/x", {}, call(server))
    assert not server.received


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("sent", [b"", HEAD + b"data: {}\n\n"], ids=["headers", "body"])
def test_control_c_interrupts_a_blocked_read_at_once(server: Loopback, sent: bytes) -> None:
    server.hang(after=sent)

    def interrupt() -> None:
        while not server.received:
            time.sleep(0.01)
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(server, BODY)
    thread.join()
    assert time.monotonic() - started < 5
