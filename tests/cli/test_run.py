"""`plcli run` on the command line, with the echo provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.errors import LogError
from plcli.media import is_digest
from plcli.records import Record, parse
from plcli.runlog import RunLog
from tests.support.cli import Cli, Said, Write

ECHO = ("--model", "echo/any")

SCRIPTED = "kind: model\nprovider: echo\nmodel: scripted\nscript:\n"

TYPED = """\
kind: request
model: echo/any
variables:
  city: {type: string}
  days: {type: integer, minimum: 1}
  words: {type: array, items: {type: string}, default: []}
prompt: "{{ city }}, {{ days }} days, {{ words | length }} words"
"""

COUNTRY = """\
kind: request
model: answer
prompt: Name a country.
output: {schema: {type: object, properties: {name: {type: string}}, required: [name], additionalProperties: false}}
"""

WEATHER = """\
kind: request
model: answer
prompt: How is the weather?
expect:
  - text: {contains: sunny}
  - text: {contains: rainy}
  - state: ok
"""


# What is run


def test_a_prompt_is_answered(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "--prompt", "Hello there", *ECHO) == snapshot


def test_braces_in_a_prompt_are_text_unless_variables_are_given(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "--prompt", "{{ x }}", *ECHO) == snapshot
    assert said("run", "--prompt", "{{ x }}", *ECHO, "--var", "x=1") == snapshot


def test_a_spec_is_run_by_path_and_by_name(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "prompts/hello.yaml") == snapshot
    assert said("run", "hello") == snapshot
    assert said("run", "greeting", "--var", "name=Ada") == snapshot


def test_a_spec_comes_from_standard_input(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "-", stdin=b"kind: request\nmodel: echo/any\nprompt: from YAML\n") == snapshot
    assert said("run", "-", stdin=b'{"kind": "request", "model": "echo/any", "prompt": "from JSON"}') == snapshot


def test_several_specs_run_one_after_the_other(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "hello", "greeting") == snapshot


@pytest.mark.parametrize(
    "args",
    [
        pytest.param((), id="nothing"),
        pytest.param(("hello", "--prompt", "hi"), id="a spec and a prompt"),
        pytest.param(("helo",), id="a misspelt name"),
        pytest.param(("nothing-like-it",), id="an unknown name"),
        pytest.param(("prompts/nothing.yaml",), id="a file that is not there"),
        pytest.param(("tools/get_weather.yaml",), id="a tool"),
        pytest.param(("prompts/triangle.png",), id="a picture"),
        pytest.param(("prompts",), id="a folder"),
        pytest.param(("--prompt", ""), id="an empty prompt"),
    ],
)
def test_what_cannot_be_run(workspace: Path, said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]) -> None:
    assert said("run", *args) == snapshot


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param("kind: request\nmodle: x\nprompt: hi\n", id="a misspelt key"),
        pytest.param("kind: request\nmodel: echo/any\nprompt: hi\nprompt: ho\n", id="a repeated key"),
        pytest.param("kind: request\nmodel: echo/any\nprompt: [1\n", id="broken YAML"),
        pytest.param("kind: request\nmodel: echo/any\nprompt: '{{ nobody }}'\n", id="an undeclared variable"),
        pytest.param("kind: request\nmodel: echo/any\nprompt: '{{ 9**9999999 }}'\n", id="a template without bounds"),
        pytest.param("kind: request\nprompt: hi\n", id="no model"),
        pytest.param("kind: request\nmodel: any\nprompt: hi\n", id="a model of no provider"),
        pytest.param("kind: request\nmodel: echo/any\nprompt: hi\ntools: [hammer]\n", id="an unknown tool"),
        pytest.param("", id="nothing"),
        pytest.param("- a list\n", id="no object"),
    ],
)
def test_a_wrong_spec_is_explained(said: Said, snapshot: SnapshotAssertion, spec: str) -> None:
    assert said("run", "-", stdin=spec.encode()) == snapshot


# Variables and rows


def test_variables_have_their_declared_types(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("trip.yaml", TYPED)
    write("city.txt", "Oslo\n")
    assert said("run", "trip.yaml", "--var", "city=010", "--var", "days=3", "--var", "words=[a, b]") == snapshot
    assert said("run", "trip.yaml", "--var", "city=@city.txt", "--var", "days=-", stdin=b"4") == snapshot


def test_standard_input_is_read_once(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("trip.yaml", TYPED)
    assert said("run", "trip.yaml", "--var", "city=-", "--var", "days=-", stdin=b"4") == snapshot
    assert said("run", "-", "--var", "city=-", stdin=b"kind: request") == snapshot


def test_missing_and_mistyped_variables_are_told_together(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("trip.yaml", TYPED)
    assert said("run", "trip.yaml", "--var", "days=many", "--var", "wrods=[]") == snapshot


@pytest.mark.parametrize("value", ["city", "=Oslo", "city=@nothing.txt", "city=@."])
def test_a_variable_that_cannot_be_read(said: Said, write: Write, snapshot: SnapshotAssertion, value: str) -> None:
    write("trip.yaml", TYPED)
    assert said("run", "trip.yaml", "--var", value, "--var", "days=1") == snapshot


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", '{"city": "Oslo", "days": 2}\n\n{"city": "Rome", "days": 3}\n'),
        ("rows.csv", 'city,days\nOslo,2\n"Rome, IT",3\n'),
        ("rows.yaml", "- {city: Oslo, days: 2}\n- {city: Rome, days: 3}\n"),
        ("rows.json", '[{"city": "Oslo", "days": 2}, {"city": "Rome", "days": 3}]'),
    ],
)
def test_each_row_is_a_run(said: Said, write: Write, snapshot: SnapshotAssertion, name: str, text: str) -> None:
    write("trip.yaml", TYPED)
    write(name, text)
    assert said("run", "trip.yaml", "--vars", name) == snapshot
    records = [json.loads(line) for line in Path("runs.jsonl").read_text().splitlines()]
    assert [record["batch"]["row"] for record in records] == [0, 1]
    assert len({record["batch"]["id"] for record in records}) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("broken.jsonl", '{"city": "Oslo", "days": 2}\n{"city": \n'),
        ("ragged.csv", "city,days\nOslo\n"),
        ("object.yaml", "city: Oslo\n"),
        ("rows.txt", "Oslo\n"),
        ("mistyped.jsonl", '{"city": "Oslo", "days": "two"}\n{"city": 7, "days": 3}\n'),
        ("empty.jsonl", ""),
    ],
)
def test_wrong_rows_are_explained_and_nothing_runs(
    said: Said, write: Write, snapshot: SnapshotAssertion, name: str, text: str
) -> None:
    write("trip.yaml", TYPED)
    write(name, text)
    assert said("run", "trip.yaml", "--vars", name) == snapshot


# Changes from the command line


def test_set_changes_the_spec_and_is_recorded(
    workspace: Path, said: Said, cli: Cli, snapshot: SnapshotAssertion
) -> None:
    assert said("run", "hello", "--set", "prompt=Hello from --set", "--model", "echo/any") == snapshot
    record = json.loads(cli("log", "show", "--format", "json").out)
    assert record["overrides"] == {"model": "echo/any", "set": {"prompt": "Hello from --set"}}


@pytest.mark.parametrize("value", ["params.temperature", "=1", "params.temprature=1", "params.temperature=[", "a..b=1"])
def test_a_change_that_cannot_be_made(workspace: Path, said: Said, snapshot: SnapshotAssertion, value: str) -> None:
    assert said("run", "hello", "--set", value) == snapshot


@pytest.mark.parametrize("model", ["nothing", "nobody/any", "echo/", "openai/gpt-6.2-sol"])
def test_a_model_that_cannot_be_asked(workspace: Path, said: Said, snapshot: SnapshotAssertion, model: str) -> None:
    assert said("run", "hello", "--model", model) == snapshot


def test_offline_nothing_is_asked(
    workspace: Path, said: Said, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-key")
    assert said("run", "weather") == snapshot
    assert said("run", "hello", "--quiet") == snapshot


def test_a_foreign_host_gets_no_key_unless_it_is_trusted(
    workspace: Path, said: Said, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("EXAMPLE_LLM_KEY", "sk-example-0123456789")
    assert said("run", "hello", "--model", "dedicated") == snapshot


# What would be sent


def test_a_dry_run_prints_wire_and_target_and_leaves_nothing(
    workspace: Path, said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said("run", "weather", "--dry-run") == snapshot
    assert said("run", "vision", "--dry-run") == snapshot
    assert said("run", "vision", "--dry-run", "--inline") == snapshot
    assert said("run", "local", "hello", "--dry-run") == snapshot


# How the answer is shown


def test_the_record_of_a_run(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "weather", "--model", "echo-weather", "--tag", "mine", "--format", "json") == snapshot


def test_the_record_of_a_failure(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/answer.yaml", SCRIPTED + "  - error: {status: 503, message: full, retry_after: 0.01}\n")
    assert said("run", "--prompt", "hi", "-m", "answer", "--retries", "1", "--format", "jsonl") == snapshot


def test_json_is_the_record_as_in_the_log(workspace: Path, cli: Cli) -> None:
    outcome = cli("run", "hello", "--format", "json")
    assert outcome.out == Path("runs.jsonl").read_text()
    assert outcome.err == ""


def test_quiet_leaves_only_the_answer(workspace: Path, cli: Cli) -> None:
    outcome = cli("run", "hello", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Oh, hello! ")


def test_reasoning_goes_to_stderr_not_stdout(workspace: Path, cli: Cli) -> None:
    outcome = cli("run", "hello")
    assert "The user wants a greeting" in outcome.err
    assert "The user wants a greeting" not in outcome.out


def test_without_streaming_the_same_is_shown(workspace: Path, said: Said) -> None:
    for spec, model in (("hello", "echo-hello"), ("weather", "echo-weather")):
        args = ("run", spec, "--model", model, "--no-log")
        assert said(*args, "--no-stream") == said(*args)


def test_no_log_leaves_no_record(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "hello", "--no-log", "--quiet") == snapshot
    assert not Path("runs.jsonl").exists()


def test_the_log_may_be_elsewhere(workspace: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--- files\nlogs/mine.jsonl" in said("run", "--prompt", "hi", *ECHO, "--log", "logs/mine.jsonl")
    monkeypatch.setenv("PLCLI_LOG", "other.jsonl")
    assert "--- files\nother.jsonl" in said("run", "--prompt", "hi", *ECHO)


def test_a_log_that_cannot_be_written_is_an_error(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    Path("folder").mkdir()
    assert said("run", "--prompt", "hi", *ECHO, "--log", "folder") == snapshot


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_answer_that_cannot_be_logged_is_shown(form: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(log: RunLog, records: list[Record]) -> list[Record]:
        raise LogError("no room")

    monkeypatch.setattr(RunLog, "append_all", full)
    outcome = cli("run", "--prompt", "Paid for", *ECHO, "--no-stream", "--format", form)
    assert outcome.code == 8
    assert "Paid for" in outcome.out
    assert "no room" in outcome.err


def test_a_pattern_of_the_workspace_takes_nothing_away_that_plcli_puts_in(cli: Cli, write: Write) -> None:
    write("plcli.toml", 'redact = ["ok", "exchanges", "[0-9]{4}", "[0-9a-f]{32,64}"]\n')
    assert cli("run", "--prompt", "ok 2026", *ECHO, "--tag", "ok").code == 0
    record = parse(Path("runs.jsonl").read_bytes())
    assert isinstance(record, Record)
    assert record.response is not None
    assert (record.response.state, record.response.text, record.tags) == ("ok", "[redacted] [redacted]", ["[redacted]"])
    assert is_digest(record.exchanges[0].key)
    assert "[redacted]" not in record.time


def test_a_value_that_is_no_utf_8_is_a_mistake_on_the_command_line(workspace: Path, cli: Cli) -> None:
    outcome = cli("run", "hello", "--set", "metadata.owner=\udcff")
    assert outcome.code == 2
    assert "half of a surrogate pair" in outcome.err


def test_tags_of_the_spec_and_the_command_line_are_recorded(workspace: Path, cli: Cli) -> None:
    cli("run", "weather", "-m", "echo-weather", "--tag", "mine", "--tag", "yours")
    assert json.loads(Path("runs.jsonl").read_text())["tags"] == ["smoke", "mine", "yours"]


def test_the_files_of_a_run_are_kept_by_digest(workspace: Path, cli: Cli) -> None:
    cli("run", "hello")
    record = json.loads(Path("runs.jsonl").read_text())
    kept = {path.name.partition(".")[0] for path in Path("media").iterdir()}
    assert [source["path"] for source in record["sources"]] == ["prompts/hello.yaml", "models/echo-hello.yaml"]
    assert {source["sha256"].removeprefix("sha256:") for source in record["sources"]} == kept


# What comes of it


def test_expectations_decide_the_exit_code(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/answer.yaml", SCRIPTED + "  - text: It is sunny.\n")
    write("prompts/weather.yaml", WEATHER)
    assert said("run", "weather") == snapshot
    assert said("run", "weather", "--set", "expect=[{text: {contains: sunny}}]") == snapshot


@pytest.mark.parametrize("answer", ['{"name": "Chad"}', '{"name": 7}', "no JSON"])
def test_a_structured_answer_is_held_against_its_schema(
    said: Said, write: Write, snapshot: SnapshotAssertion, answer: str
) -> None:
    write("models/answer.yaml", SCRIPTED + f"  - text: '{answer}'\n")
    write("prompts/country.yaml", COUNTRY)
    assert said("run", "country") == snapshot


def test_an_expected_state_decides_instead_of_the_refusal(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("models/answer.yaml", SCRIPTED + "  - refusal: I would rather not.\n")
    assert said("run", "--prompt", "x", "-m", "answer") == snapshot
    assert said("run", "--prompt", "x", "-m", "answer", "--set", "expect=[{state: refused}]") == snapshot


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("  - error: {status: 400, message: no such parameter}\n", id="400"),
        pytest.param("  - error: {status: 401, message: who are you}\n", id="401"),
        pytest.param("  - error: {status: 429, message: slow, retry_after: 0.01, times: 1}\n  - text: ok\n", id="429"),
        pytest.param("  - error: {status: 429, message: pay, code: insufficient_quota}\n", id="no quota"),
        pytest.param("  - error: {status: 500, message: our fault, retry_after: 0.01}\n", id="500"),
        pytest.param("  - text: The beginning\n  - cut: true\n", id="cut"),
        pytest.param("  - text: The begin\n  - finish: length\n", id="length"),
        pytest.param("  - finish: content_filter\n", id="content filter"),
        pytest.param("  - tool_call: {name: look, arguments: {at: sky}}\n", id="tool call"),
        pytest.param("  - commentary: I look.\n  - text: I see.\n", id="commentary"),
        pytest.param("  - text: \"a\\e[31mb\\rc\\u202ed\"\n", id="terminal codes"),
        pytest.param("  - nonsense: 1\n", id="wrong script"),
    ],
)  # fmt: skip
def test_what_a_provider_may_answer(said: Said, write: Write, snapshot: SnapshotAssertion, script: str) -> None:
    write("models/answer.yaml", SCRIPTED + script)
    assert said("run", "--prompt", "hi", "-m", "answer", "--retries", "1") == snapshot


def test_a_picture_is_kept_and_named(workspace: Path, said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write(
        "models/painter.yaml", SCRIPTED + "  - image: {source: ../prompts/triangle.png, revised_prompt: a triangle}\n"
    )
    assert said("run", "--prompt", "paint", "-m", "painter") == snapshot


def test_the_largest_exit_code_wins(workspace: Path, said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/refuser.yaml", SCRIPTED + "  - refusal: no\n")
    write("prompts/asked.yaml", "kind: request\nmodel: refuser\nprompt: please\n")
    assert said("run", "asked", "hello", "--quiet") == snapshot


def test_an_error_holds_no_secret_of_the_environment(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "looks-like-nothing")
    write("a.yaml", "kind: request\nlooks-like-nothing: 1\n")
    for args in (("run", "a.yaml", "--format", "json"), ("run", "a.yaml", "--traceback"), ("validate", "a.yaml")):
        outcome = cli(*args)
        assert outcome.code == 3
        assert "looks-like-nothing" not in outcome.out + outcome.err


def test_an_error_is_json_under_json(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("run", "nothing", "--format", "json") == snapshot
    assert said("run", "-", "--format", "json", stdin=b"kind: request\nmodle: x\n") == snapshot
    assert said("run", "--nonsense", "--format", "json") == snapshot
