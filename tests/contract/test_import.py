"""`log import`: captured traffic of others becomes runs, as a server and the files of others tell it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from plcli.records import Record, parse
from tests.contract.test_gemini_run import answer as gemini_answer
from tests.contract.test_run import COMPLETION, RESPONSE
from tests.support.cli import Cli
from tests.support.gemini_streams import gemini_events
from tests.support.loopback import Loopback, Received, sse
from tests.support.openai_streams import chat_events, responses_events
from tests.support.pictures import png

PICTURE = {"created": 1795000000, "data": [{"b64_json": base64.b64encode(png(8, 8)).decode()}], "size": "8x8"}
TOOL_CALL = {
    **COMPLETION,
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            },
        }
    ],
}
KEY = "sk-import-canary-7e1d0c5b9a3f2468"


class Call(NamedTuple):
    """A call as a proxy sees it: what the server received, and what it answered."""

    url: str
    asked: Received
    status: int
    kind: str
    body: bytes


class Case(NamedTuple):
    """A run: its model, an answer, and whether it streams."""

    model: str
    events: list[Any] | None
    body: dict[str, Any]
    status: int = 200


CASES = {
    "responses": Case("responses", None, RESPONSE),
    "responses-stream": Case("responses", responses_events(RESPONSE), RESPONSE),
    "chat": Case("chat", None, TOOL_CALL),
    "chat-stream": Case("chat", [*chat_events(COMPLETION)], COMPLETION),
    "chat-cut": Case("chat", chat_events(COMPLETION)[:2], COMPLETION),
    "images": Case("images", None, PICTURE),
    "gemini": Case("gemini", None, gemini_answer("Hello", {"functionCall": {"name": "f", "args": {"a": 1}}})),
    "gemini-stream": Case("gemini", gemini_events(gemini_answer("Hello")), gemini_answer("Hello")),
    "refused": Case("chat", None, {"error": {"message": "no such model", "code": "model_not_found"}}, 404),
}


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace with a request for each model at the loopback server."""
    for folder in ("prompts", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dot.png").write_bytes(png(4, 4))
    for api in ("responses", "chat", "images", "gemini"):
        made = {"provider": "openai", "api": api, "base_url": server.base_url}
        if api == "gemini":
            made = {"provider": "gemini", "base_url": server.url}
        model = {"kind": "model", "model": "m-1", "retries": 0, **made}
        (tmp_path / "models" / f"{api}.json").write_text(json.dumps(model))
        look = [{"type": "text", "text": "é👋\u2028"}, {"type": "image", "source": "../dot.png"}]
        spec: dict[str, Any] = {"kind": "request", "model": api, "messages": [{"role": "user", "content": look}]}
        if api == "images":
            spec["image"] = {"size": "8x8"}
        else:
            spec["tools"] = [{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}]
        (tmp_path / "prompts" / f"{api}.json").write_text(json.dumps(spec))
    return tmp_path


def run(case: Case, here: Path, server: Loopback, cli: Cli) -> tuple[Record, Call]:
    """The record of a run, and the call as others captured it."""
    if case.events is None:
        server.answer(case.status, json=case.body)
        kind, body = "application/json", json.dumps(case.body, ensure_ascii=False).encode()
    else:
        server.stream(case.events)
        kind, body = "text/event-stream", sse(case.events)
    cli("run", case.model, *(["--no-stream"] if case.events is None else []))
    asked = server.received[-1]
    return records(here / "runs.jsonl")[-1], Call(server.url + asked.path, asked, case.status, kind, body)


def records(path: Path) -> list[Record]:
    return [record for record in map(parse, path.read_bytes().splitlines()) if isinstance(record, Record)]


SECRETS = {"authorization": f"Bearer {KEY}", "x-goog-api-key": KEY, "cookie": KEY}


def interaction(call: Call, sent: Any, came: Any) -> dict[str, Any]:
    request = {"method": "POST", "uri": call.url, "headers": {k: [v] for k, v in SECRETS.items()}, "body": sent}
    headers = {"Content-Type": [call.kind], "Set-Cookie": [KEY]}
    response = {"status": {"code": call.status, "message": "?"}, "headers": headers, "body": came}
    return {"request": request, "response": response}


def vcr_yaml(call: Call) -> bytes:
    one = interaction(call, call.asked.body, {"string": gzip.compress(call.body)})
    one["response"]["headers"]["content-encoding"] = ["gzip"]
    return yaml.safe_dump({"version": 1, "interactions": [one]}).encode()


def vcr_json(call: Call) -> bytes:
    one = interaction(call, call.asked.body.decode(), {"string": call.body.decode()})
    return json.dumps({"version": 1, "interactions": [one]}, indent=1).encode()


def vcr_ruby(call: Call) -> bytes:
    came = {"encoding": "ASCII-8BIT", "base64_string": base64.encodebytes(call.body).decode()}
    one = interaction(call, {"encoding": "UTF-8", "string": call.asked.body.decode()}, came)
    return yaml.safe_dump({"http_interactions": [{**one, "recorded_at": "Wed, 13 Aug 2025 15:05:38 GMT"}]}).encode()


def har(call: Call) -> bytes:
    entry = {
        "startedDateTime": "2026-11-26T10:00:00.123+01:00",
        "time": 12.5,
        "request": {
            "method": "POST",
            "url": call.url,
            "headers": [{"name": name, "value": value} for name, value in SECRETS.items()],
            "postData": {"mimeType": "application/json", "text": call.asked.body.decode()},
        },
        "response": {
            "status": call.status,
            "headers": [{"name": "Content-Type", "value": call.kind}],
            "content": {"mimeType": call.kind, "encoding": "base64", "text": base64.b64encode(call.body).decode()},
        },
    }
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}}).encode()


def http_line(call: Call) -> bytes:
    request = {"method": "POST", "url": call.url, "headers": SECRETS, "body": call.asked.json}
    response = {"status": call.status, "headers": {"content-type": call.kind}, "body": call.body.decode()}
    return json.dumps({"request": request, "response": response, "time": 1795000000}).encode()


WAYS: dict[str, Callable[[Call], bytes]] = {
    "cassette.yaml": vcr_yaml,
    "cassette.json": vcr_json,
    "ruby.yml": vcr_ruby,
    "traffic.har": har,
    "lines.jsonl": http_line,
}


@pytest.mark.parametrize("name", CASES)
def test_a_run_that_others_captured_has_the_same_key_and_the_same_answer(
    name: str, here: Path, server: Loopback, cli: Cli
) -> None:
    ran, call = run(CASES[name], here, server, cli)
    for file, write in WAYS.items():
        (here / file).write_bytes(write(call))
        to = here / f"{file}.log"
        outcome = cli("log", "import", file, "--to", str(to))
        assert outcome.code == 0, outcome.err
        (record,) = records(to)
        then, now = ran.exchanges[0], record.exchanges[0]
        assert now.key == then.key, file
        assert (now.request, now.response, now.operation) == (then.request, then.response, then.operation)
        assert (record.response, record.usage, record.served_model) == (ran.response, ran.usage, ran.served_model)
        assert (now.streamed, now.status) == (then.streamed, then.status)
        assert (record.error and record.error.kind) == (ran.error and ran.error.kind)
        assert (record.command, record.model, record.endpoint and record.endpoint.base_url) == (
            "import",
            "m-1",
            ran.endpoint and ran.endpoint.base_url,
        )
        assert KEY not in to.read_text() + outcome.err + outcome.out
        assert not any(KEY.encode() in path.read_bytes() for path in here.glob("media/*"))
    again = cli("log", "import", file, "--to", str(to))
    assert (again.code, len(records(to))) == (0, 1)
    assert "1 there already" in again.err


@pytest.mark.parametrize("name", ["responses", "chat", "images"])
def test_a_batch_of_the_same_request_has_the_same_key_and_the_same_answer(
    name: str, here: Path, server: Loopback, cli: Cli
) -> None:
    ran, call = run(CASES[name], here, server, cli)
    line = {"custom_id": "r1", "method": "POST", "url": call.asked.path, "body": call.asked.json}
    told = {"status_code": 200, "request_id": "req_1", "body": json.loads(call.body)}
    (here / "in.jsonl").write_text(json.dumps(line))
    (here / "out.jsonl").write_text(json.dumps({"id": "b", "custom_id": "r1", "response": told, "error": None}))
    assert cli("log", "import", "out.jsonl", "in.jsonl", "--to", "batch/runs.jsonl").code == 0
    (record,) = records(here / "batch" / "runs.jsonl")
    assert (record.exchanges[0].key, record.response) == (ran.exchanges[0].key, ran.response)
    assert (record.metadata or {})["custom_id"] == "r1"


def test_what_is_in_the_log_by_a_run_is_not_imported_again(here: Path, server: Loopback, cli: Cli) -> None:
    ran, call = run(CASES["chat"], here, server, cli)
    line = json.loads(http_line(call))
    (here / "lines.jsonl").write_text(json.dumps({**line, "time": ran.time}) + "\n" + json.dumps(line))
    outcome = cli("log", "import", "lines.jsonl")
    assert "1 run imported into runs.jsonl, 1 there already" in outcome.err
    assert len(records(here / "runs.jsonl")) == 2


def test_a_log_is_imported_with_its_media(here: Path, server: Loopback, cli: Cli) -> None:
    ran, _ = run(CASES["images"], here, server, cli)
    assert cli("log", "import", "runs.jsonl", "--to", "elsewhere/log.jsonl", "--tag", "copied").code == 0
    (record,) = records(here / "elsewhere" / "log.jsonl")
    assert record.exchanges == ran.exchanges
    assert (record.response, record.tags, record.spec) == (ran.response, ["copied"], ran.spec)
    assert (record.metadata or {})["import"]["id"] == ran.id
    names = {path.name for path in (here / "media").iterdir()}
    assert {path.name for path in (here / "elsewhere" / "media").iterdir()} <= names
    shown = cli("log", "show", "last", "--log", "elsewhere/log.jsonl", "--wire")
    assert shown.code == 0


@pytest.mark.parametrize("form", ["jsonl", "openai-batch", "promptlayer"])
@pytest.mark.parametrize("name", ["responses-stream", "chat", "gemini"])
def test_what_is_exported_can_be_imported(name: str, form: str, here: Path, server: Loopback, cli: Cli) -> None:
    ran, _ = run(CASES[name], here, server, cli)
    exported = cli("log", "export", "last", "--as", form)
    if form == "openai-batch" and name == "gemini":
        assert exported.code != 0
        return
    (here / "exported.jsonl").write_text(exported.out)
    outcome = cli("log", "import", "exported.jsonl", "--to", "to.jsonl")
    assert outcome.code == 0, outcome.err
    (record,) = records(here / "to.jsonl")
    assert (record.provider, record.api, record.model) == (ran.provider, ran.api, ran.model)
    if form != "promptlayer":
        assert record.exchanges[0].key == ran.exchanges[0].key
    if form != "openai-batch":
        assert record.response is not None
        assert ran.response is not None
        assert record.response.text == ran.response.text
