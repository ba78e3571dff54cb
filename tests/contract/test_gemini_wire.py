"""What a server receives from Gemini's `post`, and how `post` takes what a server does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plcli.errors import SetupError
from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from plcli.providers import gemini_client, gemini_listing
from plcli.providers.registry import Listing
from tests.support.calls import ask, call
from tests.support.loopback import Loopback

SCHEMA = {"$ref": "#/$defs/x", "$defs": {"x": {"type": ["string", "null"]}}}

BODY: dict[str, Any] = {
    "contents": [{"parts": [{"text": "Grüße 😀\u2028"}, {"inline_data": {"data": "+/+/", "mimeType": "x"}}]}],
    "system_instruction": None,
    "generationConfig": {"temperature": 0.10, "thinking_config": {"thinkingLevel": "LOW"}, "topP": None},
    "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}],
    "store": False,
    "unheard_of": {"_private": 1, "a": {}, "b": []},
}

CHUNKS: list[Any] = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "é", "new": {"x": 1}}]}}]},
    {"candidates": [{"finishReason": "STOP"}], "unknown": [None]},
]

ENVIRONMENT = {
    "GOOGLE_API_KEY": "environment",
    "GEMINI_API_KEY": "environment-2",
    "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1",
    "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:1",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_USE_ENTERPRISE": "true",
    "GOOGLE_GENAI_API_VERSION": "v9",
    "GOOGLE_GENAI_CLIENT_MODE": "replay",
    "GOOGLE_GENAI_REPLAYS_DIRECTORY": "/nonexistent",
    "GOOGLE_GENAI_REPLAY_ID": "x",
    "GOOGLE_GENAI_HTTP_CLIENT": "httpx",
    "GOOGLE_CLOUD_PROJECT": "environment",
    "GOOGLE_CLOUD_LOCATION": "environment",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "true",
    "GOOGLE_API_USE_MTLS_ENDPOINT": "always",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent",
}
"""What the SDK would listen to, and to what effect is not asked here."""


def fail(at: Loopback | str, **settings: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        ask(at, BODY, **settings)
    return caught.value


# What the server receives


@pytest.mark.parametrize("stream", [True, False])
def test_the_body_arrives_byte_for_byte(server: Loopback, stream: bool) -> None:
    server.answer(json={})
    ask(server, BODY, stream=stream)
    request = server.received[0]
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert (request.method, request.path) == ("POST", f"/v1beta/models/gemini-3.8-flash:{verb}")
    assert request.body == json.dumps(BODY, ensure_ascii=False, separators=(",", ":")).encode()
    headers = request.headers
    assert (headers["content-type"], headers["content-length"]) == ("application/json", str(len(request.body)))
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["user-agent"].startswith("google-genai-sdk/")
    assert "x-server-timeout" not in headers


@pytest.mark.parametrize("body", [{}, {"a": "\ud83d é"}])
def test_any_object_is_sent_as_it_is(server: Loopback, body: dict[str, Any]) -> None:
    server.answer(json={})
    ask(server, body)
    assert server.received[0].body == (b'{"a":"\\ud83d \\u00e9"}' if body else b"{}")


def test_the_key_is_sent_in_its_header_and_without_a_key_there_is_none(server: Loopback) -> None:
    server.answer(json={})
    ask(server, BODY)
    ask(server, BODY, key=None)
    ask(server, BODY, key=None, headers={"X-Goog-Api-Key": "mine"})
    assert [request.headers.get("x-goog-api-key") for request in server.received] == ["sk-test", None, "mine"]
    assert not any("authorization" in request.headers for request in server.received)


def test_headers_of_the_call_are_sent_and_win(server: Loopback) -> None:
    server.answer(json={})
    ask(server, BODY, headers={"X-Team": "a", "User-Agent": "mine"})
    assert (server.received[0].headers["x-team"], server.received[0].headers["user-agent"]) == ("a", "mine")


@pytest.mark.parametrize("variable", ["none", *ENVIRONMENT, "all"])
def test_the_environment_has_no_say(server: Loopback, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name, value in ENVIRONMENT.items():
        if variable in (name, "all"):
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    gemini_client._head.cache_clear()
    server.answer(json={})
    ask(server, BODY)
    ask(server, BODY, key=None)
    path = "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert [request.path for request in server.received] == [path, path]
    assert [request.headers.get("x-goog-api-key") for request in server.received] == ["sk-test", None]
    assert "environment" not in str(server.received)


@pytest.mark.parametrize(
    ("base", "version", "path"),
    [
        ("", None, "/v1beta/models/m"),
        ("", "v1", "/v1/models/m"),
        ("", "v1alpha", "/v1alpha/models/m"),
        ("", "", "/models/m"),
        ("/gate/way", None, "/gate/way/v1beta/models/m"),
        ("/gate/", "", "/gate/models/m"),
        ("/a%2Fb", "", "/a%2Fb/models/m"),
    ],
)
def test_base_url_and_version_make_the_path(server: Loopback, base: str, version: str | None, path: str) -> None:
    server.answer(json={})
    ask(server.url + base, BODY, "m", api_version=version, stream=False)
    assert server.received[0].path == f"{path}:generateContent"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3.8-flash", "models/gemini-3.8-flash"),
        ("models/x", "models/x"),
        ("tunedModels/my-tune-1", "tunedModels/my-tune-1"),
        ("org/llama3:8b", "models/org/llama3:8b"),
        ("a~b@001+c", "models/a~b@001+c"),
    ],
)
def test_models_go_by_their_ids(server: Loopback, model: str, path: str) -> None:
    server.answer(json={})
    ask(server, BODY, model, stream=False)
    assert server.received[0].path == f"/v1beta/{path}:generateContent"


STRANGE = [
    "",
    "/",
    "a/../b",
    "../x",
    "models/../../x",
    "..",
    ".",
    "a/./b",
    "/abs",
    "a//b",
    "a/",
    "a?b=c",
    "a#b",
    "a b",
    "a\0b",
    "a\nb",
    "é",
    "a%2e%2e/b",
    "a\\b",
    "a&b",
    "http://other/x",
    "//other/x",
    "{model}",
    "x" * 300 + "?",
]  # fmt: skip


@pytest.mark.parametrize("model", STRANGE, ids=ascii)
def test_no_model_id_leads_elsewhere(server: Loopback, model: str) -> None:
    with pytest.raises(SetupError, match="model") as caught:
        ask(server, BODY, model)
    assert caught.value.hint
    assert not server.received


@pytest.mark.parametrize("version", ["v1/../x", "..", "v1?x", "v1#", "/", "v 1", "{api_version}"])
def test_no_version_leads_elsewhere(server: Loopback, version: str) -> None:
    with pytest.raises(SetupError, match="api_version"):
        ask(server, BODY, api_version=version)
    assert not server.received


@pytest.mark.parametrize("key", ["sk-a\n", "sk-é", " sk", "sk\x00", "a\r\nX-Injected: 1", "auth_tokens/x"])
def test_a_key_that_cannot_be_sent_is_a_setup_error_that_does_not_show_it(server: Loopback, key: str) -> None:
    with pytest.raises(SetupError) as caught:
        ask(server, BODY, key=key)
    assert key not in str(caught.value)
    assert not server.received


@pytest.mark.parametrize("headers", [{"x": "a\nb"}, {"x y": "a"}, {"": "a"}, {"x": "é"}, {"x\n": "a"}])
def test_a_header_that_http_does_not_allow_is_a_setup_error(server: Loopback, headers: dict[str, str]) -> None:
    with pytest.raises(SetupError):
        ask(server, BODY, headers=headers)
    assert not server.received


@pytest.mark.parametrize("url", ["nope", "ftp://h", "http://[::", "http://h:port"])
def test_a_base_url_that_is_none_is_a_setup_error_with_a_hint(url: str) -> None:
    with pytest.raises(SetupError) as caught:
        ask(url, BODY)
    assert "base_url" in (caught.value.hint or "")


def test_the_sdk_prints_nothing(server: Loopback) -> None:
    server.answer(json={})
    code = (
        "from tests.support.calls import ask; "
        f"ask({server.url!r}, {{}}, stream=True); ask({server.url!r}, {{}}, stream=False)"
    )
    environ = {"GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environ)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_nothing_of_a_call_is_logged(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.answer(json={})
    with caplog.at_level(logging.INFO):
        ask(server, BODY)
    assert "sk-test" not in caplog.text


# How it takes answers


def test_a_stream_gives_its_events_untouched_however_it_is_cut(server: Loopback) -> None:
    server.stream(CHUNKS)
    server.stream(CHUNKS, chunk=1)
    for _ in range(2):
        assert [event.data for event in ask(server, BODY)] == CHUNKS


def test_a_json_body_is_one_whole_event_asked_to_stream_or_not(server: Loopback) -> None:
    server.answer(json=CHUNKS[0])
    for stream in (True, False):
        assert ask(server, BODY, stream=stream) == [WireEvent(CHUNKS[0], whole=True)]


def test_events_come_as_they_are_sent(server: Loopback) -> None:
    server.stream(CHUNKS * 200, chunk=150, delay=0.001)
    server.answer(json={})
    events = gemini_client.post("m", BODY, call(server.url))
    assert next(events).data == CHUNKS[0]
    events.close()  # type: ignore[attr-defined]
    ask(server, BODY)
    assert server.connections == 2


def test_calls_share_a_connection_and_no_cookies(server: Loopback) -> None:
    server.answer(json={}, headers={"Set-Cookie": "a=b"})
    for _ in range(3):
        ask(server, BODY)
    assert server.connections == 1
    assert not any("cookie" in request.headers for request in server.received)


def test_an_iterator_that_is_never_started_sends_nothing(server: Loopback) -> None:
    gemini_client.post("m", BODY, call(server.url))
    assert not server.received


def test_64_calls_at_once_keep_to_themselves(server: Loopback) -> None:
    server.answer(json={})
    start = threading.Barrier(64)

    def one(number: int) -> None:
        start.wait()
        ask(server, {"n": number}, f"m{number}", key=f"k{number}", headers={"X-N": str(number)})

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(one, range(64)))
    seen = {(r.path.split(":")[0], r.json["n"], r.headers["x-goog-api-key"], r.headers["x-n"]) for r in server.received}
    assert seen == {(f"/v1beta/models/m{n}", n, f"k{n}", str(n)) for n in range(64)}


# How it takes failures


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (400, {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}, "invalid", False),
        (400, {"code": 400, "message": "no", "status": "INVALID_ARGUMENT",
               "details": [{"@type": "t/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}, "auth", False),
        (403, {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}, "permission", False),
        (404, {"code": 404, "message": "no", "status": "NOT_FOUND"}, "not_found", False),
        (429, {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}, "rate_limit", True),
        (500, {"code": 500, "message": "oops", "status": "INTERNAL"}, "server", True),
        (503, {"code": 503, "message": "busy", "status": "UNAVAILABLE"}, "server", True),
    ],
)  # fmt: skip
def test_a_status_is_a_failure_after_one_request(
    server: Loopback, status: int, error: dict[str, Any], kind: str, retryable: bool, stream: bool
) -> None:
    server.answer(status, json={"error": error})
    failure = fail(server, stream=stream)
    assert (failure.failure.kind, failure.retryable, failure.failure.status) == (kind, retryable, status)
    assert failure.message == error["message"]
    assert len(server.received) == 1


def test_the_wait_of_a_429_stands_in_its_body(server: Loopback) -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48.9s"}
    error = {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [retry]}
    server.answer(429, json={"error": error})
    assert fail(server).failure.retry_after == 48.9


def test_a_redirect_is_an_error_and_the_other_server_receives_nothing(server: Loopback) -> None:
    with Loopback() as other:
        server.redirect(f"{other.url}/v1beta/x?token=secret")
        error = fail(server)
        assert (error.failure.kind, "secret" in error.message) == ("protocol", False)
        assert not other.received


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("body", [b"<html><title>Welcome</title>", b"{", b"[]", b"null", b"", b"[" * 100_000])
def test_an_answer_that_is_none_is_protocol(server: Loopback, body: bytes, stream: bool) -> None:
    server.answer(body=body, type="application/json")
    error = fail(server, stream=stream)
    assert (error.failure.kind, error.retryable) == ("protocol", False)


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_stream_gives_what_came_and_then_fails_without_retry(server: Loopback, reset: bool) -> None:
    server.stream(CHUNKS, cut_after=120, chunk=110, delay=0.02, reset=reset)
    events = gemini_client.post("m", BODY, call(server.url))
    assert next(events).data == CHUNKS[0]
    with pytest.raises(CallFailed) as caught:
        next(events)
    assert (caught.value.failure.kind, caught.value.retryable) == ("connection", False)


def test_a_connection_that_breaks_before_the_answer_may_be_tried_again(server: Loopback) -> None:
    server.reset()
    error = fail(server)
    assert (error.failure.kind, error.retryable) == ("connection", True)


def test_a_refused_port_is_told_at_once() -> None:
    with Loopback() as server:
        closed = server.url
    error = fail(closed)
    assert (error.failure.kind, error.retryable) == ("connection", False)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("sent", [b"", HEAD], ids=["headers", "body"])
def test_a_silent_or_dribbling_server_ends_at_the_timeout_or_deadline(
    server: Loopback, sent: bytes, stream: bool
) -> None:
    server.hang(after=sent)
    server.dribble(HEAD + b": " * 9999, every=0.01)
    assert fail(server, timeout=0.2, stream=stream).retryable
    started = time.monotonic()
    error = fail(server, deadline=started + 0.2, stream=stream)
    assert time.monotonic() - started < 3
    assert "deadline" in error.message


# What the endpoint says of a model

NAMELESS = Listing(None, detail="the server names no model, or base_url is wrong")
NOT_FOUND = {"error": {"code": 404, "message": "models/m is not found", "status": "NOT_FOUND"}}


@pytest.mark.parametrize(
    ("status", "body", "listing"),
    [
        (200, {"name": "models/m", "version": "001"}, Listing(True)),
        (200, {"name": "models/other"}, Listing(True, served_by="other")),
        (200, {"name": f"models/{'x' * 9999}"}, Listing(True, served_by="x" * 1999 + "…")),
        (200, {}, NAMELESS),
        (200, {"name": 7}, NAMELESS),
        (200, {"name": "models/"}, NAMELESS),
        (200, {"object": "model", "id": "m"}, NAMELESS),
        (404, NOT_FOUND, Listing(False, detail="models/m is not found")),
        (404, {"detail": "Not Found"}, Listing(None, detail="Not Found")),
        (405, {}, Listing(None, detail="{}")),
    ],
)
def test_a_model_is_looked_up(server: Loopback, status: int, body: Any, listing: Listing) -> None:
    server.answer(status, json=body)
    assert gemini_listing.look_up("m", call(server.url)) == listing
    request = server.received[0]
    assert (request.method, request.path, request.body) == ("GET", "/v1beta/models/m", b"")
    assert request.headers["x-goog-api-key"] == "sk-test"


def test_a_look_up_that_is_refused_fails(server: Loopback) -> None:
    server.answer(403, json={"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}})
    with pytest.raises(CallFailed) as caught:
        gemini_listing.look_up("m", call(server.url))
    assert caught.value.failure.kind == "permission"
