"""`plcli check` on the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write

STRICT = """
kind: request
model: echo/any
variables:
  name: {type: string, default: nobody}
prompt: Hello?
expect:
  - text: {contains: "{{ name }}"}
  - tool_not_called: get_weather
"""


@pytest.fixture(scope="module")
def logged() -> dict[Path, bytes]:
    """The files of a log, once they were written."""
    return {}


@pytest.fixture
def runs(workspace: Path, cli: Cli, logged: dict[Path, bytes]) -> Path:
    """A workspace with a log of four runs: a prompt, one that holds, one with a call, and one that failed."""
    if not logged:
        cli("run", "--prompt", "one", "-m", "echo/any")
        cli("run", "hello", "--var", "name=Ada")
        cli("run", "weather", "-m", "echo-weather")
        cli("run", "--prompt", "{{ name }}", "-m", "echo-flaky", "--retries", "0", "--var", "name=x")
        logged |= {path: path.read_bytes() for path in (Path("runs.jsonl"), *Path("media").iterdir())}
    Path("media").mkdir(exist_ok=True)
    for path, data in logged.items():
        path.write_bytes(data)
    return workspace


@pytest.mark.parametrize(
    "args",
    ["--help", "", "last~1", "last~2..last~1 -q", "last~2 --format json", "--spec weather -q", "-n 1 --model echo/any",
     "zzzzz", "--all -n 3", "last~3", "--with nowhere", "--state refused"],
)  # fmt: skip
def test_check(runs: Path, said: Said, snapshot: SnapshotAssertion, args: str) -> None:
    assert said("check", *args.split()) == snapshot


def test_new_expectations_are_tried_on_old_answers(
    runs: Path, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    spec = Path("prompts/weather.yaml")
    more = "expect:\n  - text: {contains: Rome}\n  - state: tool_calls\n"
    spec.write_text(spec.read_text().replace("expect:\n", more))
    write("strict.yaml", STRICT)
    assert said("check", "last~1") == snapshot(name="today")
    assert said("check", "--with", "strict.yaml") == snapshot(name="another")
    assert said("check", "--with", "strict.yaml", "--quiet", "--format", "jsonl") == snapshot(name="json")


def test_a_spec_of_a_commit_is_held_against(runs: Path, cli: Cli, write: Write) -> None:
    write("prompts/strict.yaml", STRICT)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    for args in (("init", "-q"), ("add", "prompts"), ("commit", "-qm", "x")):
        subprocess.run([*git, *args], check=True)
    write("prompts/strict.yaml", STRICT.replace("text: ", "state: "))
    outcome = cli("check", "last~2", "--with", "strict@main")
    assert (outcome.code, "expect[0].text" in outcome.out) == (1, True), outcome.err
    assert "expect[0].state" in cli("check", "last~2", "--with", "strict").out


def test_without_its_file_a_spec_counts_as_it_was(runs: Path, cli: Cli) -> None:
    Path("prompts/weather.yaml").unlink()
    outcome = cli("check", "last~1")
    assert (outcome.code, "1 of 1 held" in outcome.out) == (0, True)


def test_what_is_wrong_with_a_spec_is_told_once_and_the_others_are_checked(
    runs: Path, cli: Cli, said: Said, snapshot: SnapshotAssertion
) -> None:
    cli("run", "weather", "-m", "echo-weather")
    Path("prompts/weather.yaml").write_text("kind: request\nprompt: hi\nexpect: 7\n")
    assert said("check") == snapshot(name="text")
    outcome = cli("check", "--format", "json")
    assert outcome.code == 3
    assert len(outcome.out.splitlines()) == 3
    [error, *_] = outcome.err.splitlines()
    assert json.loads(error)["error"]["kind"] == "file"


def test_a_spec_that_is_gone_everywhere_is_said(runs: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    Path("prompts/weather.yaml").unlink()
    for path in Path("media").iterdir():
        path.unlink()
    assert said("check", "last~1") == snapshot


def test_nothing_is_sent_and_nothing_logged(runs: Path, plcli_process: Process) -> None:
    before = Path("runs.jsonl").read_bytes()
    outcome = plcli_process("check", "--all", PLCLI_OFFLINE="1")
    assert outcome.code == 0, outcome.err
    assert Path("runs.jsonl").read_bytes() == before


def test_what_a_spec_expects_of_a_secret_is_not_shown(
    runs: Path, cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    write("strict.yaml", STRICT.replace("{{ name }}", secret))
    for shape in ("text", "json"):
        outcome = cli("check", "last~3", "--with", "strict.yaml", "--format", shape)
        assert outcome.code == 1
        assert "contains" in outcome.out
        assert "0123456789" not in outcome.out + outcome.err
