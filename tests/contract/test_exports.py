"""Exports that are called again: what curl and the SDKs send is what plcli sent."""

from __future__ import annotations

import base64
import email.policy
import inspect
import json
import shutil
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from operator import attrgetter
from pathlib import Path
from typing import Any

import openai
import pytest

from plcli.exports.fields import FIELDS, REQUIRED
from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback, Received
from tests.support.pictures import png

KEY = "canary-5c1e9d7b3f2a8640"
WORDS = "Name \"a\" 'fish' for $HOME, `id` & \\n!\nü 你 😀 \x1b[31m \u202e ${MY_KEY} %s"
PICTURE = "data:image/png;base64," + base64.b64encode(png(400, 300)).decode()
SMALL = "data:image/png;base64," + base64.b64encode(png()).decode()
ANSWER = {
    "id": "r",
    "status": "completed",
    "output": [],
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A cod."}}],
    "candidates": [{"content": {"role": "model", "parts": [{"text": "A cod."}]}, "finishReason": "STOP"}],
    "data": [{"b64_json": base64.b64encode(png()).decode()}],
}
"""An answer that every api can read."""

SENT = ("authorization", "api-key", "x-goog-api-key", "x-team", "x-from")

TOOLS = [
    {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"type": "web_search", "filters": None, "new_in_2027": {"a_b": [1, 2.5, 1e30, True, None]}},
]
ASKED = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": WORDS}, {"type": "image", "source": PICTURE}]}]
}
DEEP: Any = 0
for _ in range(60):
    DEEP = [DEEP]

# A model spec, a request spec; `{url}` and `{base_url}` are those of the server.
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "responses": ({"base_url": "{base_url}"}, {**ASKED, "tools": TOOLS, "body": {"from_2027": DEEP, "user": None}}),
    "chat": (
        {"api": "chat", "base_url": "{base_url}", "headers": {"X-Team": "it's ${TEAM}", "X-From": "plcli $(id)"}},
        {**ASKED, "tools": TOOLS[:1], "params": {"temperature": 0.2, "stop": ["\n"]}, "body": {"extra_body": {"a": 1}}},
    ),
    "images": ({"api": "images", "base_url": "{base_url}"}, {"prompt": WORDS, "image": {"size": "1024x1024"}}),
    "edit": ({"api": "images", "base_url": "{base_url}"}, ASKED),
    "azure": (
        {"api": "chat", "azure": {"endpoint": "{url}", "deployment": "my.sol"}, "api_version": "2025-04-01-preview"},
        {"prompt": WORDS},
    ),
    "azure-responses": (
        {"azure": {"endpoint": "{url}", "auth": "token"}, "api_version": "2025-04-01-preview"},
        {"prompt": WORDS},
    ),
    "gemini": (
        {"provider": "gemini", "base_url": "{url}"},
        {**ASKED, "tools": TOOLS[:1], "params": {"temperature": 0.2}, "body": {"generationConfig": {"new_in_2027": 1}}},
    ),
    "vertex": (
        {"provider": "gemini", "base_url": "{url}", "vertex": {"project": "p-1", "location": "europe-west4"}},
        {"prompt": WORDS},
    ),
    "express": ({"provider": "gemini", "base_url": "{url}", "vertex": {}, "model": "tuned/m"}, {"prompt": WORDS}),
}

curl_is_here = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("TEAM", "team of 5")
    monkeypatch.setenv("PLCLI_HEADER_VARS", "TEAM")


@pytest.fixture
def run(server: Loopback, cli: Cli, tmp_path: Path) -> Callable[..., Received]:
    """`run({"api": "chat"}, {"prompt": "x"})` runs a spec with a model spec; gives what the server received."""
    server.answer(json=ANSWER)

    def run(model: dict[str, Any], request: dict[str, Any]) -> Received:
        text = json.dumps({"kind": "model", "provider": "openai", "model": "m-1", "api_key_env": "MY_KEY", **model})
        (tmp_path / "models").mkdir(exist_ok=True)
        filled = text.replace("{url}", server.url).replace("{base_url}", server.base_url)
        (tmp_path / "models" / "mine.json").write_text(filled)
        spec = {"kind": "request", "model": "mine", "template": "none", **request}
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        outcome = cli("run", "spec.json", "--no-stream", "--retries", "0")
        assert outcome.code == 0, outcome.err
        return server.received[-1]

    return run


def exported(cli: Cli, *args: str) -> str:
    outcome: Outcome = cli("log", "export", *args)
    assert (outcome.code, outcome.err) == (0, "")
    assert KEY not in outcome.out
    return outcome.out


def bash(command: str) -> bytes:
    done = subprocess.run(["bash"], input=command.encode(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def python(script: str) -> None:
    exec(compile(script, "export.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def credentials(request: Received) -> dict[str, str]:
    return {name: request.headers[name] for name in SENT if name in request.headers}


def form(request: Received) -> list[tuple[Any, ...]]:
    """The parts of a form: name, file name, type and bytes, sorted."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + request.body)
    return sorted(
        (
            str(part.get_param("name", header="content-disposition")),
            str(part.get_filename()),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    )


@curl_is_here
@pytest.mark.parametrize("call", CALLS)
def test_a_command_and_a_script_send_what_was_sent_to_the_same_place(
    server: Loopback, cli: Cli, run: Callable[..., Received], call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(*CALLS[call])
    assert json.loads(bash(exported(cli, "last", "--as", "curl"))) == ANSWER
    script = exported(cli, "last", "--as", "python")
    python(script)
    _, by_curl, by_script = server.received
    assert by_curl.body == first.body
    assert by_script.json == first.json
    for again in (by_curl, by_script):
        assert (again.path, credentials(again)) == (first.path, credentials(first))
    assert credentials(first)
    # Large media are no part of a script.
    assert len(script) < 8_000
    shown = "ChatCompletionMessage" if CALLS[call][0].get("api") == "chat" else ""
    assert shown in capsys.readouterr().out


@curl_is_here
def test_an_edit_travels_as_a_form_again(server: Loopback, cli: Cli, run: Callable[..., Received]) -> None:
    pictures = [{"type": "image", "source": source} for source in (PICTURE, SMALL)]
    request = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "@hat; <b>\n'x'"}, *pictures]}],
        "image": {"mask": SMALL, "n": 2, "svg": {"model": "m", "deep": [1, True, None]}, "user": ""},
    }
    first = run({"api": "images", "base_url": "{base_url}", "edits": "multipart"}, request)
    bash(exported(cli, "last", "--as", "curl"))
    python(exported(cli, "last", "--as", "python"))
    assert len(server.received) == 3
    for again in server.received[1:]:
        assert (again.path, form(again), credentials(again)) == (first.path, form(first), credentials(first))
    assert Path("image-1.png").read_bytes() == png()


@curl_is_here
def test_a_command_carries_any_length(server: Loopback, cli: Cli, run: Callable[..., Received]) -> None:
    first = run({"base_url": "{base_url}"}, {"prompt": WORDS * 2_500})
    bash(exported(cli, "last", "--as", "curl"))
    assert server.received[-1].body == first.body


@curl_is_here
def test_several_runs_are_several_commands(server: Loopback, cli: Cli, run: Callable[..., Received]) -> None:
    for prompt in ("one", "two"):
        run({"base_url": "{base_url}"}, {"prompt": prompt})
    bash(exported(cli, "--as", "curl"))
    python(exported(cli, "--as", "python"))
    bodies = [request.json for request in server.received]
    assert bodies == bodies[:2] * 3


def test_a_server_without_a_key_gets_none(server: Loopback, cli: Cli, run: Callable[..., Received]) -> None:
    first = run({"base_url": "{base_url}", "api_key_env": None}, {"prompt": "x"})
    assert credentials(first) == {}
    assert "-H 'Content-Type: application/json'" in exported(cli, "last", "--as", "curl")
    assert "KEY" not in exported(cli, "last", "--as", "curl")
    python(exported(cli, "last", "--as", "python"))
    assert server.received[-1].json == first.json


def test_the_lines_of_a_batch_hold_the_same_bodies(server: Loopback, cli: Cli, run: Callable[..., Received]) -> None:
    sent = [run(*CALLS[call]) for call in ("responses", "chat", "images", "edit")]
    outcome = cli("log", "export", "--as", "openai-batch")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    ids = [json.loads(line)["id"] for line in Path("runs.jsonl").read_text().splitlines()]
    assert [line["custom_id"] for line in lines] == ids
    assert [line["body"] for line in lines] == [request.json for request in sent]
    assert [(line["method"], line["url"]) for line in lines] == [("POST", request.path) for request in sent]


@pytest.mark.parametrize("form", ["openai-batch", "jsonl"])
def test_what_leaves_as_lines_comes_back_as_the_same_requests(
    cli: Cli, run: Callable[..., Received], form: str
) -> None:
    for call in ("responses", "chat", "images", "edit"):
        run(*CALLS[call])
    cli("log", "export", "--as", form, "--out", "lines.jsonl")
    outcome = cli("log", "import", "lines.jsonl", "--to", "again.jsonl")
    assert outcome.code == 0, outcome.err
    assert keys("again.jsonl") == keys("runs.jsonl")


def keys(log: str) -> list[str]:
    return [json.loads(line)["exchanges"][0]["key"] for line in Path(log).read_text().splitlines()]


def test_the_fields_of_scripts_are_those_of_the_sdk() -> None:
    client = openai.OpenAI(api_key="none")
    transport = {"extra_body", "extra_headers", "extra_query", "stream", "stream_options", "timeout"}
    for operation, fields in FIELDS.items():
        parameters = inspect.signature(attrgetter(operation)(client)).parameters
        assert fields == set(parameters) - transport
        required = {name for name, each in parameters.items() if each.default is inspect.Parameter.empty}
        assert required == set(REQUIRED.get(operation, ()))
    client.close()
