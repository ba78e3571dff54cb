"""Runs with tools against aimock, a server that others wrote: two rounds of calls on every api."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from plcli.records import Record, parse
from tests.support.aimock import Aimock
from tests.support.cli import Cli

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NUMBERS = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
TOOLS: dict[str, Any] = {
    "get_weather": {
        "parameters": CITY,
        "stubs": [{"when": {"city": "Oslo"}, "return": {"t": 3}}, {"when": {"city": "Rome"}, "return": {"t": 19}}],
    },
    "minus": {"parameters": NUMBERS, "stubs": [{"when": {"a": 19, "b": 3}, "return": {"difference": 16}}]},
}
VERSION = "2025-04-01-preview"


@pytest.fixture(
    params=["chat", "responses", "azure chat", "azure responses", "gemini"],
)
def here(request: pytest.FixtureRequest, aimock: Aimock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with two tools, a request, and a model at aimock."""
    monkeypatch.setenv("KEY", "sk-of-aimock")
    azure = {"azure": {"endpoint": aimock.url}, "api_version": VERSION, "provider": "openai", "api_key_env": "KEY"}
    models: dict[str, Any] = {
        "chat": {"provider": "openai", "api": "chat", "base_url": aimock.base_url},
        "responses": {"provider": "openai", "api": "responses", "base_url": aimock.base_url},
        "azure chat": {**azure, "api": "chat"},
        "azure responses": {**azure, "api": "responses"},
        "gemini": {"provider": "gemini", "base_url": aimock.url},
    }
    files = {
        "models/m.json": {"kind": "model", "model": "sol", "retries": 0, **models[request.param]},
        "prompts/ask.json": {
            "kind": "request",
            "model": "m",
            "messages": [{"role": "user", "content": "Please compare Oslo and Rome."}],
            "tools": list(TOOLS),
        },
        **{f"tools/{name}.json": {"kind": "tool", "name": name, **tool} for name, tool in TOOLS.items()},
    }
    for name, value in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
    return tmp_path


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_aimock_gets_the_results_of_two_rounds(stream: bool, here: Path, aimock: Aimock, cli: Cli) -> None:
    outcome = cli("run", "ask", "--tools", "stub", *([] if stream else ["--no-stream"]))
    assert (outcome.code, outcome.out) == (0, "Rome is 16 degrees warmer.\n")
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    results = [(each.exchange, each.call_id, each.name, each.result) for each in record.tool_results or ()]
    assert results == [
        (0, "call_1", "get_weather", {"t": 3}),
        (0, "call_2", "get_weather", {"t": 19}),
        (1, "call_3", "minus", {"difference": 16}),
    ]
    assert [exchange.streamed for exchange in record.exchanges] == [stream] * 3
    # aimock keeps the body of every api in the form of chat.
    asked = [request["body"]["messages"] for request in aimock.received()[-3:]]
    for before, after in pairwise(asked):
        assert after[: len(before)] == before
    told = [[message for message in messages if message["role"] == "tool"] for messages in asked]
    assert [len(answers) for answers in told] == [0, 2, 3]
    assert [answer["tool_call_id"] for answer in told[-1]] == ["call_1", "call_2", "call_3"]
    assert [_plain(answer["content"]) for answer in told[-1]] == [{"t": 3}, {"t": 19}, {"difference": 16}]


def _plain(content: str) -> Any:
    """The result of a tool, which Gemini wraps."""
    value = json.loads(content)
    return value["output"] if isinstance(value, dict) and "output" in value else value


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_aimock_gets_all_of_it_again(stream: bool, here: Path, aimock: Aimock, cli: Cli) -> None:
    assert cli("run", "ask", "--tools", "stub", *([] if stream else ["--no-stream"])).code == 0
    done = cli("replay", "last")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    then, now = ([(one["path"], one["body"]) for one in aimock.received()[start:][:3]] for start in (-6, -3))
    assert now == then
    assert cli("log", "keep", "last~1").code == 0
    before = len(aimock.received())
    assert cli("replay", "--recorded").code == 0
    again = cli("run", "ask", "--tools", "stub", "--recorded")
    assert (again.code, again.out) == (0, "Rome is 16 degrees warmer.\n")
    assert len(aimock.received()) == before
