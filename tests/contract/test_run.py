"""`plcli run` against servers: what they received, and what we make of what they answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.records import Record, parse
from tests.support.aimock import Aimock
from tests.support.cli import Cli, Process
from tests.support.loopback import Loopback
from tests.support.openai_streams import chat_events, responses_events

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1795000000,
    "status": "completed",
    "model": "served-1",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Greet."}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello Ada, café 👋", "annotations": []}],
        },
    ],
    "usage": {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 18,
    },
}

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1795000000,
    "model": "served-1",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello Ada", "refusal": None}}
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace with one request, and a model at the loopback server for each api."""
    for folder in ("prompts", "models"):
        (tmp_path / folder).mkdir()
    for api in ("responses", "chat"):
        spec = {"kind": "model", "provider": "openai", "api": api, "model": "m-1", "base_url": server.base_url}
        (tmp_path / "models" / f"{api}.json").write_text(json.dumps({**spec, "retries": 2}))
    spec = {"kind": "request", "messages": [{"role": "user", "content": "Hello"}], "params": {"temperature": 0.5}}
    (tmp_path / "prompts" / "hi.json").write_text(json.dumps(spec))
    return tmp_path


def records(here: Path) -> list[Record]:
    lines = (here / "runs.jsonl").read_bytes().splitlines()
    return [record for record in map(parse, lines) if isinstance(record, Record)]


def last(here: Path) -> Record:
    return records(here)[-1]


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("stream", [True, False])
def test_what_a_dry_run_prints_is_what_the_server_receives(
    api: str, stream: bool, here: Path, server: Loopback, cli: Cli
) -> None:
    picture = here / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    content = [{"type": "text", "text": "What is {{ it }}? é👋\u2028"}, {"type": "image", "source": "../dot.png"}]
    (here / "prompts" / "look.json").write_text(
        json.dumps(
            {
                "kind": "request",
                "variables": {"it": {"type": "string"}},
                "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": content}],
                "tools": [{"name": "f", "parameters": {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}}}],
                "output": {"schema": {"type": "object", "properties": {}, "additionalProperties": False}},
                "params": {"max_output_tokens": 9, "service_tier": "flex"},
                "body": {"metadata": {"a": None}, "user": "u"},
            }
        )
    )
    server.answer(json=RESPONSE if api == "responses" else COMPLETION)
    args = ["look", "--model", api, "--var", "it=this"]
    shown = json.loads(cli("run", *args, "--dry-run", "--inline").out)
    cli("run", *args, *([] if stream else ["--no-stream"]))
    received = server.received[0].json
    switches = {name: received.pop(name) for name in ("stream", "stream_options") if name in received}
    assert received == shown["wire"]
    assert switches.get("stream", False) is stream
    assert shown["target"] == {
        "operation": {"responses": "responses.create", "chat": "chat.completions.create"}[api],
        "model": "m-1",
    }


@pytest.mark.parametrize(("api", "path"), [("responses", "/v1/responses"), ("chat", "/v1/chat/completions")])
def test_an_answer_streams_to_stdout_and_is_a_record(
    api: str, path: str, here: Path, server: Loopback, cli: Cli
) -> None:
    body: Any = RESPONSE if api == "responses" else COMPLETION
    events = responses_events(body, 1) if api == "responses" else chat_events(body, 1)
    server.stream(events, chunk=7, names=api == "responses", headers={"x-request-id": "req_1"})
    outcome = cli("run", "hi", "--model", api)
    text = "Hello Ada, café 👋" if api == "responses" else "Hello Ada"
    assert (outcome.code, outcome.out) == (0, text + "\n")
    assert server.received[0].path == path
    record = last(here)
    assert record.response is not None
    assert record.usage is not None
    assert (record.response.state, record.response.text) == ("ok", text)
    assert (record.usage.input_tokens, record.usage.output_tokens) == (11, 7)
    assert (record.model, record.served_model, record.model_spec) == ("m-1", "served-1", api)
    (exchange,) = record.exchanges
    assert exchange.response == body
    assert (exchange.streamed, exchange.status, exchange.request_id) == (True, 200, "req_1")


def test_reasoning_goes_to_stderr_not_stdout(here: Path, server: Loopback, cli: Cli) -> None:
    server.stream(responses_events(RESPONSE), names=True)
    outcome = cli("run", "hi", "--model", "responses")
    assert "Greet." in outcome.err
    assert "Greet." not in outcome.out


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_a_server_that_does_not_stream_is_understood(api: str, here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=RESPONSE if api == "responses" else COMPLETION)
    outcome = cli("run", "hi", "--model", api)
    assert outcome.code == 0
    assert outcome.out.startswith("Hello Ada")
    assert last(here).exchanges[0].streamed is False


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_a_stream_that_ends_early_is_never_a_success(api: str, here: Path, server: Loopback, cli: Cli) -> None:
    body: Any = RESPONSE if api == "responses" else COMPLETION
    events = responses_events(body) if api == "responses" else chat_events(body)
    end = 1 if api == "responses" else 3  # the chat stream also ends with usage, finish_reason and [DONE]
    server.stream(events[:-end])
    outcome = cli("run", "hi", "--model", api)
    assert outcome.code == 5
    record = last(here)
    assert record.error is not None
    assert record.response is not None
    assert (record.error.kind, record.response.state) == ("protocol", "error")
    assert record.response.text
    assert record.response.text.startswith("Hello")


@pytest.mark.parametrize(
    ("status", "error", "code", "kind", "calls"),
    [
        (400, {"message": "bad", "type": "invalid_request_error", "code": None}, 4, "invalid", 1),
        (401, {"message": "no", "code": "invalid_api_key"}, 4, "auth", 1),
        (404, {"message": "no", "code": "model_not_found"}, 4, "not_found", 1),
        (429, {"message": "quota", "code": "insufficient_quota"}, 4, "quota", 1),
        (400, {"message": "no", "code": "moderation_blocked"}, 4, "safety", 1),
        (429, {"message": "slow down"}, 5, "rate_limit", 3),
        (503, {"message": "busy"}, 5, "server", 3),
    ],
)
def test_a_refused_call_is_one_kind_of_error_and_a_record(
    status: int, error: dict[str, Any], code: int, kind: str, calls: int, here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(status, json={"error": error}, headers={"retry-after-ms": "1"})
    outcome = cli("run", "hi", "--model", "responses")
    assert (outcome.code, len(server.received)) == (code, calls)
    record = last(here)
    assert record.error is not None
    assert record.error.kind == kind
    assert len(record.exchanges[0].attempts) == calls
    assert error["message"] in outcome.err


def test_a_retry_that_succeeds_keeps_both_attempts(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(503, json={"error": {"message": "busy"}}, headers={"retry-after-ms": "1"})
    server.answer(json=RESPONSE)
    assert cli("run", "hi", "--model", "responses").code == 0
    first, second = last(here).exchanges[0].attempts
    assert first.error is not None
    assert (first.status, second.status, second.error) == (503, 200, None)


def test_retries_0_means_none(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(503, json={"error": {"message": "busy"}}, headers={"retry-after-ms": "1"})
    assert cli("run", "hi", "--model", "responses", "--retries", "0").code == 5
    assert len(server.received) == 1


def test_a_stream_is_not_retried_once_it_began(here: Path, server: Loopback, cli: Cli) -> None:
    server.stream(responses_events(RESPONSE), cut_after=600, reset=True)
    assert cli("run", "hi", "--model", "responses").code == 5
    assert len(server.received) == 1
    assert last(here).error is not None


def test_a_dribbling_server_ends_at_the_deadline(here: Path, server: Loopback, cli: Cli) -> None:
    server.dribble(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b": \n" * 1000, every=0.02)
    outcome = cli("run", "hi", "--model", "responses", "--deadline", "0.4")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == (5, "timeout")


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe", b"", b"[" * 100_000])
def test_an_answer_that_is_no_answer_is_protocol(body: bytes, here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(body=body, type="application/json")
    outcome = cli("run", "hi", "--model", "responses")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == (5, "protocol")


def test_http_200_failures_are_states(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(
        json={**RESPONSE, "status": "failed", "output": [], "error": {"code": "server_error", "message": "oops"}}
    )
    server.answer(json={**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "content_filter"}})
    server.answer(json={**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}})
    refusal = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    server.answer(json={**RESPONSE, "output": [refusal]})
    codes = [cli("run", "hi", "--model", "responses").code for _ in range(4)]
    states = [record.response.state for record in records(here) if record.response]
    assert codes == [5, 4, 0, 4]
    assert states == ["error", "blocked", "incomplete", "refused"]


def test_azure_blocks_a_choice_without_a_message(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json={**COMPLETION, "choices": [{"index": 0, "finish_reason": "content_filter"}]})
    assert cli("run", "hi", "--model", "chat").code == 4
    response = last(here).response
    assert response is not None
    assert response.state == "blocked"


def test_lax_chat_servers_are_understood(here: Path, server: Loopback, cli: Cli) -> None:
    def call(**function: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": function}]}}]}

    first = call(name="f", arguments="")
    first["choices"][0]["delta"]["tool_calls"][0]["id"] = "call_1"
    server.stream([first, call(name="f", arguments='{"a"'), call(name="f", arguments=":1}"), "[DONE]"])
    outcome = cli("run", "hi", "--model", "chat")
    assert (outcome.code, outcome.out) == (0, 'f({"a": 1})  # call_1\n')
    response = last(here).response
    assert response is not None
    assert response.state == "tool_calls"


def test_a_pair_of_surrogates_split_over_pieces_is_one_character(here: Path, server: Loopback, cli: Cli) -> None:
    raw = b"".join(
        b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % half for half in (rb"\ud83d", rb"\udc4b")
    )
    server.stream(
        raw + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n', chunk=1
    )
    assert cli("run", "hi", "--model", "chat").out == "👋\n"
    response = last(here).response
    assert response is not None
    assert response.text == "👋"


def test_structured_output_is_parsed_and_a_mismatch_is_a_finding(here: Path, server: Loopback, cli: Cli) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    (here / "prompts" / "n.json").write_text(
        json.dumps({"kind": "request", "prompt": "n?", "output": {"schema": schema}})
    )

    def answer(text: str) -> None:
        message = {"role": "assistant", "content": text}
        server.answer(json={**COMPLETION, "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})

    answer('{"n": 3}')
    answer('{"n": "three"}')
    assert [cli("run", "n", "--model", "chat").code for _ in range(2)] == [0, 1]
    good, bad = records(here)
    assert good.response is not None
    assert good.response.output == {"n": 3}
    assert bad.expectations is not None
    assert bad.expectations[0].passed is False
    assert "n" in (bad.expectations[0].message or "")


def test_a_server_that_is_down_is_known_at_once_and_not_retried(here: Path, server: Loopback, cli: Cli) -> None:
    (here / "models" / "down.json").write_text(
        json.dumps({"kind": "model", "provider": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1"})
    )
    outcome = cli("run", "hi", "--model", "down")
    record = last(here)
    assert record.error is not None
    assert (outcome.code, record.error.kind, len(record.exchanges[0].attempts)) == (5, "connection", 1)
    assert "hint:" in outcome.err


@pytest.mark.parametrize("api", ["responses", "chat"])
@pytest.mark.parametrize("stream", [True, False])
def test_aimock_is_asked_and_understood(
    api: str, stream: bool, here: Path, server: Loopback, cli: Cli, aimock: Aimock
) -> None:
    spec = {"kind": "model", "provider": "openai", "api": api, "model": "gpt-4o", "base_url": aimock.base_url}
    (here / "models" / "aimock.json").write_text(json.dumps(spec))
    outcome = cli("run", "--prompt", "say hello", "--model", "aimock", *([] if stream else ["--no-stream"]))
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip()
    response = last(here).response
    assert response is not None
    assert response.state == "ok"


def test_certificates_that_are_not_there_are_a_matter_of_setup(
    here: Path, server: Loopback, plcli_process: Process
) -> None:
    outcome = plcli_process("run", "hi", "--model", "chat", SSL_CERT_FILE="/nonexistent/ca.pem")
    assert outcome.code == 6
    assert "check SSL_CERT_FILE" in outcome.err
