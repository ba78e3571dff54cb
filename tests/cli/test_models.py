"""`plcli models` on the command line: what is listed and shown, and what uses models that are gone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.environment import user_side
from plcli.exchangerecords import ExchangeRecord
from plcli.modeluse import Use, retiring, survey
from plcli.records import Endpoint, Record, line
from plcli.workspace import find
from tests.support.cli import Cli, Process, Said, Write

FILES = {
    "plcli.toml": "model = 'greeter'\n",
    "models/dedicated.yaml": """\
kind: model
description: A server with a key of its own.
provider: openai
model: gpt-6.2-sol
base_url: https://llm.example.com/v1
api_key_env: EXAMPLE_LLM_KEY
params: {max_output_tokens: 1000}
body: {metadata: {team: a}}
omit: [store]
headers: {X-Team: a}
limits: {concurrency: 8, rpm: 600}
pricing: {input: 1.5, cached_input: 0.3, output: 9}
""",
    "models/local.yaml": """\
kind: model
provider: openai
api: chat
model: qwen3
base_url: http://127.0.0.1:8080/v1
timeout: 2.5
retries: 0
""",
    "models/greeter.yaml": "kind: model\nprovider: echo\nmodel: hello\n",
    "prompts/hello.yaml": "kind: request\nprompt: Hello\n",
    "prompts/named.yaml": "kind: request\nmodel: openai/gpt-6.2-sol\nprompt: Hello\n",
    "prompts/local.json": '{"kind": "request", "model": "local", "prompt": "Hello"}',
    "prompts/answer.schema.json": "{}",
    "prompts/rows.json": "{}",
}

OLD = """\
kind: model
provider: openai
model: gpt-4-0613
limits: {rpm: 60}
pricing: {per_image: 0.04}
"""

DRAWS = """\
kind: request
model: openai/gpt-6.2-sol
prompt: A cat.
tools:
  - type: web_search
  - {type: image_generation, model: gpt-image-1}
image: {model: dall-e-3}
"""


def record(**fields: Any) -> Record:
    given = {"provider": "openai", "api": "responses", "model": "gpt-6.2-sol", **fields}
    return Record(id="20261123T165539123-k7m2q", time="2026-11-23T16:55:39.123Z", command="run", plcli="0", **given)


@pytest.fixture
def workspace(tmp_path: Path, write: Write) -> Path:
    """A workspace with three models, and requests."""
    for name, text in FILES.items():
        write(name, text)
    return tmp_path


@pytest.fixture
def used(workspace: Path, write: Write) -> Path:
    """A workspace whose specs and recordings use models that are gone, among others."""
    write("models/old.yaml", OLD)
    write("models/elsewhere.yaml", OLD + "base_url: https://llm.example.com/v1\n")
    write("models/azure.yaml", OLD + "azure: {endpoint: https://r.openai.azure.com}\napi_version: '1'\n")
    write("prompts/draw.yaml", DRAWS)
    write("prompts/old.toml", 'kind = "request"\nmodel = "openai/ft:gpt-4.1-nano:us::1"\nprompt = "x"\n')
    write("prompts/of_spec.yaml", "kind: request\nmodel: old\nprompt: x\n")
    drew = ExchangeRecord(
        key="k", operation="o", started="s", duration_ms=1, request={"tools": [{"model": "dall-e-2"}]}
    )
    lines = [
        line(record(model="gpt-4", exchanges=[drew])),
        "",
        line(record(model="gpt-4", endpoint=Endpoint(base_url="http://127.0.0.1:1/v1"))),
        line(record(model="gpt-4", endpoint=Endpoint(base_url="https://api.openai.com/v1"))),
        line(record()),
        '{"v":1,"id":"torn',
    ]
    write("recordings/weather.jsonl", "\n".join(lines))
    return workspace


def test_models_are_listed_with_what_they_need_and_who_uses_them(
    used: Path, said: Said, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "x" * 40)
    assert said("models", "list") == snapshot
    lines = said("models", "list", "--format", "jsonl")
    assert [json.loads(text)["name"] for text in lines.splitlines() if text.startswith("{")] == [
        row.split("\t")[0] for row in said("models", "list").splitlines() if "\t" in row
    ]


def test_a_wrong_spec_is_told_and_hides_no_other(
    workspace: Path, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("models/wrong.yaml", "kind: model\nprovidr: openai\n")
    write("prompts/wrong.yaml", "kind: request\nprompt: x\nmodel: openia/gpt-6.2-sol\n")
    write("prompts/lost.yaml", "kind: request\nprompt: x\nmodel: greter\n")
    assert said("models", "list") == snapshot


@pytest.mark.parametrize("name", ["dedicated", "old", "models/local.yaml", "greeter", "openai/own-model"])
def test_a_model_is_shown_as_a_run_would_use_it(used: Path, said: Said, snapshot: SnapshotAssertion, name: str) -> None:
    assert said("models", "show", name) == snapshot


def test_a_model_is_shown_as_json(used: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("models", "show", "dedicated", "--format", "json") == snapshot
    assert said("models", "show", "old", "--format", "json") == snapshot


@pytest.mark.parametrize(
    ("name", "pricing"),
    [
        ("openai/gpt-image-2.5-sunburst", {"input": 5.0, "output": 30.0, "image_input": 8.0}),
        ("openai/gpt-image-1.5", {"input": 5.0, "output": 10.0, "image_input": 8.0, "image_output": 32.0}),
        ("gemini/gemini-3.1-flash-image", {"input": 0.5, "output": 3.0, "image_output": 60.0}),
        ("openai/gpt-5", {"input": 1.25, "output": 10.0}),
    ],
)
def test_pictures_are_priced_apart_where_they_cost_something_else(
    workspace: Path, cli: Cli, name: str, pricing: dict[str, float]
) -> None:
    told = json.loads(cli("models", "show", name, "--format", "json").out)["pricing"]
    assert told.pop("source").startswith("genai-prices@")
    assert told == pricing


@pytest.mark.parametrize("name", ["greter", "nobody/x"])
def test_a_name_that_nothing_has_is_a_wrong_command_line(workspace: Path, said: Said, snapshot: Any, name: str) -> None:
    assert said("models", "show", name) == snapshot
    assert said("models", "check", name).startswith("exit 2")


def test_a_file_that_is_not_there_or_is_no_model_is_a_wrong_file(workspace: Path, cli: Cli) -> None:
    for name in ("models/dedicatd.yaml", "prompts/hello.yaml", "../outside.yaml"):
        for command in ("show", "check"):
            outcome = cli("models", command, name)
            assert (outcome.code, outcome.out) == (3, ""), outcome


def test_prices_that_no_spec_says_are_those_of_the_package(workspace: Path, cli: Cli) -> None:
    pricing = json.loads(cli("models", "show", "openai/gpt-4o", "--format", "json").out)["pricing"]
    assert pricing["source"].startswith("genai-prices@")
    assert 0 < pricing["input"] < pricing["output"]


def test_where_a_model_is_asked_may_come_from_the_environment(
    workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example.com/v1")
    told = json.loads(cli("models", "show", "openai/gpt-4", "--format", "json").out)
    assert told["address"] == {"base_url": "https://gateway.example.com/v1", "from": "OPENAI_BASE_URL"}
    assert told["trust"] == {"sends": "no key"}
    assert told["retirement"]["gone"], "a gateway leads to the maker"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:hunter2@gateway.example.com/v1")
    outcome = cli("models", "show", "openai/gpt-4")
    assert outcome.code == 0
    assert "hunter2" not in outcome.out + outcome.err


def test_the_key_is_never_shown(workspace: Path, cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_LLM_KEY", "a-secret-of-ours-1234")
    write(".env", "OPENAI_API_KEY=another-secret-5678\n")
    for args in (("list",), ("show", "dedicated"), ("show", "dedicated", "--trust-host", "llm.example.com")):
        for form in ("text", "json"):
            outcome = cli("models", *args, "--format", form)
            assert outcome.code == 0
            assert "secret" not in outcome.out + outcome.err
    told = json.loads(cli("models", "show", "openai/x", "--format", "json").out)
    assert told["key"] == {"name": "OPENAI_API_KEY", "set": True}


def test_a_table_is_shown_on_a_terminal(workspace: Path, plcli_process: Process) -> None:
    with plcli_process.terminal("models", "list", columns=160) as terminal:
        assert terminal.end() == 0
    assert terminal.plain.splitlines()[0].split() == ["model", "id", "api", "host", "key", "limits", "requests"]


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_every_use_of_a_model_that_is_gone_is_named_with_its_place(
    used: Path, said: Said, snapshot: SnapshotAssertion, form: str
) -> None:
    assert said("models", "check", "--used", "--format", form) == snapshot


def test_nothing_that_is_gone_is_no_finding_and_needs_no_connection(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    assert said("models", "check", "--used", "--within", "0") == snapshot


def test_an_unknown_version_of_a_recording_is_an_error(workspace: Path, cli: Cli, write: Write) -> None:
    write("recordings/new.jsonl", '{"v":9,"id":"20261123T165539123-k7m2q"}\n')
    outcome = cli("models", "check", "--used")
    assert outcome.code == 8
    assert "new.jsonl" in outcome.err


@pytest.mark.parametrize(
    ("within", "severities"), [(0, []), (14, []), (15, ["warning"]), (400, ["warning", "warning"])]
)
def test_models_that_will_go_are_warnings_within_the_days_asked(within: int, severities: list[str]) -> None:
    uses = [Use("openai", model, True, "f", "model", n, 1) for n, model in enumerate(("gpt-5", "gpt-4o", "gpt-6-sol"))]
    found = retiring(uses, date(2026, 11, 26), within)
    assert [problem.severity for problem in found] == severities
    assert [problem.where for problem in found] == [f"f:{n}:1" for n in range(len(found))]


def test_a_workspace_without_models_says_what_to_write(tmp_path: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("models", "list") == said("models", "check") == snapshot


def test_the_default_model_of_a_workspace_is_used_too(tmp_path: Path, write: Write) -> None:
    write("plcli.toml", 'model = "openai/gpt-4"\n')
    write("prompts/a.yaml", "kind: request\nprompt: x\n")
    found = survey(find(tmp_path), user_side({}))
    assert [(used.name, len(used.requests)) for used in found.models] == [("openai/gpt-4", 1)]
    assert [(use.where, use.model) for use in found.uses] == [("plcli.toml", "gpt-4")]


@pytest.mark.parametrize(
    "args",
    [
        ("--used", "greeter"),
        ("--used", "--send"),
        ("--format", "github"),
        ("--within", "-1"),
        ("--timeout", "0"),
    ],
)
def test_options_that_do_not_go_together_are_refused(workspace: Path, cli: Cli, args: tuple[str, ...]) -> None:
    outcome = cli("models", "check", *args)
    assert outcome.code == 2
    assert "hint: " in outcome.err


def test_offline_every_model_that_needs_a_connection_is_told(workspace: Path, cli: Cli, monkeypatch: Any) -> None:
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    outcome = cli("models", "check")
    assert outcome.code == 9
    assert outcome.err.count("PLCLI_OFFLINE forbids it") == 2
    assert cli("models", "check", "greeter").code == 0
