"""`plcli run` at a loopback server that answers as Gemini does: what arrives there, and what comes of each answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.records import Record, parse
from tests.support.aimock import Aimock
from tests.support.cli import Cli
from tests.support.loopback import Loopback

USAGE = {
    "promptTokenCount": 11,
    "cachedContentTokenCount": 3,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 4,
    "totalTokenCount": 22,
}


def answer(*parts: Any, reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """A body of generateContent; `parts` may be texts."""
    content = {"role": "model", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}
    candidate = {"content": content, **({"finishReason": reason} if reason else {}), "index": 0}
    return {
        "candidates": [candidate],
        "usageMetadata": USAGE,
        "modelVersion": "served-1",
        "responseId": "r1",
        **more,
    }


def chunks(*pieces: Any, reason: str | None = "STOP") -> list[dict[str, Any]]:
    """The events of a stream, a piece in each, the reason in the last."""
    return [answer(piece, reason=reason if n == len(pieces) else None) for n, piece in enumerate(pieces, 1)]


def error(code: int, status: str, message: str = "because", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **more}}


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace with one request, and a model at the loopback server."""
    for folder in ("prompts", "models"):
        (tmp_path / folder).mkdir()
    model = {"kind": "model", "provider": "gemini", "model": "gemini-3.8-flash", "base_url": server.url, "retries": 2}
    (tmp_path / "models" / "g.json").write_text(json.dumps(model))
    spec = {"kind": "request", "messages": [{"role": "user", "content": "Hello"}], "model": "g"}
    (tmp_path / "prompts" / "hi.json").write_text(json.dumps(spec))
    return tmp_path


def last(here: Path) -> Record:
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize("stream", [True, False])
def test_what_a_dry_run_prints_is_what_the_server_receives(
    stream: bool, here: Path, server: Loopback, cli: Cli
) -> None:
    (here / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    content = [{"type": "text", "text": "What is {{ it }}? é👋\u2028"}, {"type": "image", "source": "../dot.png"}]
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}}
    spec = {
        "kind": "request",
        "model": "g",
        "variables": {"it": {"type": "string"}},
        "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": content}],
        "tools": [{"name": "f", "description": "F.", "parameters": schema}],
        "output": {"schema": schema},
        "params": {"max_output_tokens": 9, "temperature": 0.5, "stop": "END"},
        "body": {"labels": {"a": None}, "generationConfig": {"thinking_config": {"include_thoughts": True}}},
    }
    (here / "prompts" / "look.json").write_text(json.dumps(spec))
    server.answer(json=answer('{"a": "b"}'))
    shown = json.loads(cli("run", "look", "--var", "it=this", "--dry-run", "--inline").out)
    outcome = cli("run", "look", "--var", "it=this", *([] if stream else ["--no-stream"]))
    assert outcome.code == 0, outcome.err
    (request,) = server.received
    assert request.json == shown["wire"]
    assert request.json["store"] is False
    assert request.json["labels"] == {"a": None}
    assert request.json["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == schema
    assert request.path.startswith("/v1beta/models/gemini-3.8-flash:")
    assert request.path.endswith("streamGenerateContent?alt=sse" if stream else ":generateContent")
    assert shown["target"] == {"operation": "generateContent", "model": "gemini-3.8-flash"}


@pytest.mark.parametrize("size", [None, 1, 7])
def test_an_answer_streams_to_stdout_and_is_a_record(size: int | None, here: Path, server: Loopback, cli: Cli) -> None:
    thought = {"text": "Greet.", "thought": True}
    signed = {"text": "", "thoughtSignature": "Q3M="}
    server.stream(chunks(thought, "Hello ", "Ada, café 👋", signed), chunk=size)
    outcome = cli("run", "hi")
    assert (outcome.code, outcome.out) == (0, "Hello Ada, café 👋\n"), outcome.err
    assert "Greet." in outcome.err
    record = last(here)
    assert record.response is not None
    assert record.usage is not None
    assert (record.response.state, record.response.text) == ("ok", "Hello Ada, café 👋")
    assert (record.usage.input_tokens, record.usage.output_tokens) == (11, 11)
    assert (record.model, record.served_model) == ("gemini-3.8-flash", "served-1")
    (exchange,) = record.exchanges
    assert (exchange.streamed, exchange.status) == (True, 200)
    assert exchange.response["candidates"][0]["content"]["parts"][-1] == signed


@pytest.mark.parametrize("stream", [True, False])
def test_calls_of_tools_are_kept_with_their_signatures(stream: bool, here: Path, server: Loopback, cli: Cli) -> None:
    call = {"functionCall": {"id": "f1", "name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "Q3M="}
    other = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}, "newField": {"kept": True}}
    if stream:
        server.stream([answer(call, reason=None), answer(other)])
    else:
        server.answer(json=answer(call, other))
    outcome = cli("run", "hi", *([] if stream else ["--no-stream"]))
    assert (outcome.code, outcome.out) == (
        0,
        'get_weather({"city": "Oslo"})  # f1\nget_weather({"city": "Rome"})\n',
    )
    record = last(here)
    assert record.response is not None
    assert record.response.state == "tool_calls"
    assert record.exchanges[0].response["candidates"][0]["content"] == {"role": "model", "parts": [call, other]}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "code", "state", "kind"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}, 4, "blocked", "safety"),
        (answer("I will", reason="SAFETY"), 4, "blocked", "safety"),
        (answer("I wi", reason="MAX_TOKENS"), 0, "incomplete", None),
        (answer(reason="NO_IMAGE"), 4, "no_image", None),
        (answer(reason="MALFORMED_FUNCTION_CALL"), 5, "error", "protocol"),
        ({"candidates": [], "usageMetadata": USAGE}, 5, "error", "protocol"),
        ({}, 5, "error", "protocol"),
        (error(500, "INTERNAL"), 5, "error", "server"),
    ],
    ids=["prompt blocked", "answer blocked", "length", "no image", "malformed", "no candidates", "nothing", "error"],
)
def test_http_200_is_not_yet_success(
    body: Any, code: int, state: str, kind: str | None, stream: bool, here: Path, server: Loopback, cli: Cli
) -> None:
    if stream:
        server.stream([body])
    else:
        server.answer(json=body)
    outcome = cli("run", "hi", "--retries", "0", *([] if stream else ["--no-stream"]))
    record = last(here)
    assert record.response is not None
    assert (outcome.code, record.response.state) == (code, state), outcome.err
    if kind:
        assert record.error is not None
        assert record.error.kind == kind


BAD_KEY = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
SOON = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.001s"}]
LATE = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}]


@pytest.mark.parametrize(
    ("said", "code", "kind", "calls"),
    [
        (error(400, "INVALID_ARGUMENT"), 4, "invalid", 1),
        (error(400, "INVALID_ARGUMENT", details=BAD_KEY), 4, "auth", 1),
        (error(403, "PERMISSION_DENIED"), 4, "permission", 1),
        (error(404, "NOT_FOUND"), 4, "not_found", 1),
        (error(429, "RESOURCE_EXHAUSTED", details=SOON), 5, "rate_limit", 3),
        (error(429, "RESOURCE_EXHAUSTED", details=LATE), 5, "rate_limit", 1),
        (error(503, "UNAVAILABLE", details=SOON), 5, "server", 3),
    ],
)
def test_a_refused_call_is_one_kind_of_error_and_a_record(
    said: dict[str, Any], code: int, kind: str, calls: int, here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(said["error"]["code"], json=said)
    outcome = cli("run", "hi")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind, len(server.received)) == (code, kind, calls)
    assert len(record.exchanges[0].attempts) == calls
    assert "because" in outcome.err


def test_the_wait_that_a_429_asks_for_is_waited(here: Path, server: Loopback, cli: Cli) -> None:
    wait = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}]
    server.answer(429, json=error(429, "RESOURCE_EXHAUSTED", details=wait))
    server.stream(chunks("Hello"))
    assert cli("run", "hi").code == 0
    first, second = last(here).exchanges[0].attempts
    assert (first.status, second.status, second.waited_ms) == (429, 200, 200)


def test_an_error_in_the_middle_of_a_stream_ends_the_run_and_keeps_the_words(
    here: Path, server: Loopback, cli: Cli
) -> None:
    server.stream([answer("Hello", reason=None), error(503, "UNAVAILABLE", "overloaded")])
    outcome = cli("run", "hi")
    record = last(here)
    assert record.error is not None
    assert record.response is not None
    assert (outcome.code, record.error.kind, record.response.text) == (5, "server", "Hello")
    assert "overloaded" in outcome.err
    assert len(server.received) == 1


@pytest.mark.parametrize("reset", [None, False, True], ids=["ends early", "breaks", "is reset"])
def test_a_stream_without_its_end_is_never_a_success(
    reset: bool | None, here: Path, server: Loopback, cli: Cli
) -> None:
    events = chunks("Hello ", "Ada", "!")
    if reset is None:
        server.stream(events[:-1])
    else:
        server.stream(events, cut_after=700, chunk=650, delay=0.02, reset=reset)
    outcome = cli("run", "hi")
    record = last(here)
    assert record.response is not None
    assert (outcome.code, record.response.state) == (5, "error")
    assert (record.response.text or "").startswith("Hello")
    assert len(server.received) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"", b"data: 7\n\n"])
def test_an_answer_that_is_no_answer_is_protocol(body: bytes, here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(body=body, type="text/html")
    outcome = cli("run", "hi")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == (5, "protocol")


def test_a_dribbling_server_ends_at_the_deadline(here: Path, server: Loopback, cli: Cli) -> None:
    server.dribble(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b": \n" * 1000, every=0.02)
    outcome = cli("run", "hi", "--deadline", "0.4")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == (5, "timeout")


def test_the_key_goes_to_the_gateway_that_the_environment_names_and_nowhere_else(
    here: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaKey")
    server.stream(chunks("Hello"))
    assert cli("run", "hi").code == 0
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    assert cli("run", "hi", "--model", "gemini/m").code == 0
    assert [request.headers.get("x-goog-api-key") for request in server.received] == [None, "AIzaKey"]
    assert b"AIzaKey" not in (here / "runs.jsonl").read_bytes()


def test_an_endpoint_may_be_a_tuned_model_in_a_version_of_its_own(here: Path, server: Loopback, cli: Cli) -> None:
    model = {"kind": "model", "provider": "gemini", "model": "tunedModels/mine-1", "base_url": server.url + "/gate"}
    (here / "models" / "tuned.json").write_text(json.dumps({**model, "api_version": "v1"}))
    server.stream(chunks("Hello"))
    assert cli("run", "hi", "--model", "tuned").code == 0
    assert server.received[0].path == "/gate/v1/tunedModels/mine-1:streamGenerateContent?alt=sse"


def test_a_model_id_that_leads_elsewhere_is_refused(
    here: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"kind": "model", "provider": "gemini", "model": "../../x?y=", "base_url": server.url}
    (here / "models" / "evil.json").write_text(json.dumps(model))
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    for name, code in (("evil", 3), ("gemini/../../x?y=", 6)):
        outcome = cli("run", "hi", "--model", name)
        assert (outcome.code, server.received) == (code, [])
        assert "hint:" in outcome.err


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("words", "code", "state"), [("hello", 0, "ok"), ("weather", 0, "tool_calls"), ("harmful", 4, "blocked")]
)
def test_aimock_is_asked_and_understood(
    words: str, code: int, state: str, stream: bool, here: Path, server: Loopback, cli: Cli, aimock: Aimock
) -> None:
    model = {"kind": "model", "provider": "gemini", "model": "gemini-3.8-flash", "base_url": aimock.url}
    (here / "models" / "aimock.json").write_text(json.dumps(model))
    outcome = cli("run", "--prompt", words, "--model", "aimock", *([] if stream else ["--no-stream"]))
    response = last(here).response
    assert response is not None
    assert (outcome.code, response.state) == (code, state), outcome.err
