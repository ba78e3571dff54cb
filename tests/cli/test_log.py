"""`plcli log` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said, Write


@pytest.fixture(scope="module")
def logged() -> dict[Path, bytes]:
    """The files of a log, once they were written."""
    return {}


@pytest.fixture
def runs(workspace: Path, cli: Cli, logged: dict[Path, bytes]) -> list[str]:
    """A log of three runs; gives their ids, oldest first."""
    if not logged:
        cli("run", "--prompt", "one", "-m", "echo/any")
        cli("run", "hello", "--var", "name=Ada", "--tag", "mine")
        cli("run", "weather", "-m", "echo-weather")
        logged |= {path: path.read_bytes() for path in (Path("runs.jsonl"), *Path("media").iterdir())}
    Path("media").mkdir(exist_ok=True)
    for path, data in logged.items():
        path.write_bytes(data)
    return [json.loads(line)["id"] for line in Path("runs.jsonl").read_text().splitlines()]


def test_runs_are_listed_newest_first(runs: list[str], said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("log", "list") == snapshot
    assert said("log", "list", "-n", "1") == snapshot


def test_a_list_in_json_is_the_lines_of_the_log(runs: list[str], cli: Cli) -> None:
    lines = cli("log", "list", "--format", "jsonl").out.splitlines()
    assert lines == Path("runs.jsonl").read_text().splitlines()[::-1]


@pytest.mark.parametrize(
    "args",
    [
        "--spec hello",
        "--spec prompts/weather.yaml --spec hello",
        "--model echo/any",
        "--model echo-weather --state tool_calls",
        "--tag mine",
        "--since 2020-01-01 -n 2",
        "--since 2100-01-01",
        "--state refused",
        "--where response.text~one",
        "--where tags!=mine --where tags=mine --all",
    ],
)
def test_runs_are_selected(runs: list[str], said: Said, snapshot: SnapshotAssertion, args: str) -> None:
    assert said("log", "list", *args.split()) == snapshot


@pytest.mark.parametrize(
    "args",
    [("--state", "okay"), ("--since", "soon"), ("--where", "state = ok"), ("--where", "tags"), ("-n1", "--all")],
    ids=" ".join,
)
def test_a_selection_that_is_none_is_an_error(
    runs: list[str], said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]
) -> None:
    assert said("log", "list", *args) == snapshot


def test_a_run_has_many_names(runs: list[str], cli: Cli) -> None:
    for name, wanted in (
        ("last", runs[2]),
        ("last~0", runs[2]),
        ("last~2", runs[0]),
        (runs[1], runs[1]),
        (runs[1][-5:], runs[1]),
        (runs[1][:-1], runs[1]),
    ):
        assert json.loads(cli("log", "show", name, "--format", "json").out)["id"] == wanted


@pytest.mark.parametrize("name", ["last~3", "last~x", "zzzzz", "2", "", "../etc", "last~99999999999999999999"])
def test_a_run_that_is_not_there_or_not_the_only_one(
    runs: list[str], said: Said, snapshot: SnapshotAssertion, name: str
) -> None:
    shown = said("log", "show", name)
    for run in runs:
        shown = shown.replace(run[-5:], "<tail>")
    assert shown == snapshot


@pytest.mark.parametrize("name", ["last", "last~1", "last~2"])
def test_a_run_is_shown(runs: list[str], said: Said, snapshot: SnapshotAssertion, name: str) -> None:
    assert said("log", "show", name) == snapshot


def test_the_wires_of_a_run_are_shown(runs: list[str], said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("log", "show", "last", "--wire") == snapshot


@pytest.mark.parametrize("command", ["list", "show"])
def test_without_a_log_there_is_nothing_to_see(said: Said, snapshot: SnapshotAssertion, command: str) -> None:
    assert said("log", command) == snapshot


def test_a_damaged_line_is_a_warning_and_the_others_read(
    runs: list[str], said: Said, snapshot: SnapshotAssertion
) -> None:
    log = Path("runs.jsonl")
    first, second, third = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + second[:100] + b"\n" + third + first[:60])
    shown = said("log", "list").replace(str(len(first)), "<second>").replace(str(len(first + third) + 101), "<fourth>")
    assert shown == snapshot


def test_an_unknown_version_is_named(runs: list[str], said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("new.jsonl", '{"v":2,"id":"20991231T235959999-00000"}\n')
    assert said("log", "list", "--log", "new.jsonl") == snapshot


def test_what_is_no_log_is_an_error_or_a_warning(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("log", "list", "--log", "prompts/triangle.png") == snapshot
    assert said("log", "list", "--log", "prompts") == snapshot
    assert said("log", "show", "--log", "nothing/runs.jsonl") == snapshot


def test_secrets_of_the_environment_are_not_shown_even_from_an_old_log(
    workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", "--prompt", "the key is sk-from-before-0123456789", "-m", "echo/any")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-before-0123456789")
    for args in (("list",), ("show",), ("show", "--wire"), ("show", "--format", "json"), ("list", "--format", "json")):
        assert "sk-from-before" not in cli("log", *args).out


def test_a_count_may_be_larger_than_any_log(runs: list[str], cli: Cli) -> None:
    assert cli("log", "list", "-n", "9" * 30) == cli("log", "list")


@pytest.mark.parametrize(
    "mark", [{"$media": "sha256:../../x"}, {"$literal": 1}, {"$redacted": 1}, {"a": [{"$same": 9}]}], ids=str
)
def test_damaged_wires_are_an_error_of_the_log(mark: object, runs: list[str], cli: Cli) -> None:
    record = json.loads(Path("runs.jsonl").read_text().splitlines()[0])
    record["exchanges"][0]["request"] = mark
    Path("runs.jsonl").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    outcome = cli("log", "show", "--wire")
    assert outcome.code == 8
    assert "damaged" in outcome.err
    assert cli("log", "show").code == 0


def test_a_time_that_no_clock_shows_is_shown(runs: list[str], cli: Cli) -> None:
    record = json.loads(Path("runs.jsonl").read_text().splitlines()[0])
    record["exchanges"][0]["duration_ms"] = 10**400
    Path("runs.jsonl").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    assert [cli("log", "list").code, cli("log", "show").code] == [0, 0]


def test_many_damaged_lines_are_told_in_few(runs: list[str], cli: Cli) -> None:
    with open("runs.jsonl", "a") as log:
        log.write("x\n" * 1000)
    outcome = cli("log", "list")
    assert outcome.out.count("\n") == 3
    assert outcome.err.count("\n") == 21
    assert "more lines are no records" in outcome.err
