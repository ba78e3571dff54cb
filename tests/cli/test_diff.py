"""`plcli diff` on the command line: runs, specs, revisions, and what stands between them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write
from tests.support.repository import commit, git

SPEC = """\
kind: request
description: The weather of a city.
model: echo/any
variables:
  city: {type: string, default: Paris}
messages:
  - role: system
    content: |
      You are terse.
      Speak plainly.
  - {role: user, content: {file: ask.md}}
tools: [get_weather]
expect: [{text: {contains: "{{ city }}"}}]
tags: [smoke]
"""
FILES: dict[str, str | bytes] = {
    ".gitignore": "runs.jsonl*\nmedia/\n",
    "plcli.toml": 'kind = "workspace"\n',
    "prompts/x.yaml": SPEC,
    "prompts/ask.md": "What is the weather\nin {{ city }}?\n",
    "tools/get_weather.yaml": (
        "kind: tool\nname: get_weather\ndescription: The weather.\nparameters:\n  type: object\n"
        "  properties:\n    city: {type: string}\nstubs: [{return: 21}]\n"
    ),
}
EDITS = {
    "prompts/x.yaml": ("plainly", "loudly"),
    "prompts/ask.md": ("What is", "Tell me"),
    "tools/get_weather.yaml": ("{type: string}", "{type: string, description: Its name}"),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, which is the current folder."""
    folder = tmp_path / "home"
    commit(folder, FILES)
    git(folder, "tag", "v1")
    monkeypatch.chdir(folder)
    return folder


def edit(*names: str) -> None:
    for name in names or EDITS:
        path = Path(name)
        old, new = EDITS[name]
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))


def test_a_spec_alone_is_held_against_the_one_that_was_committed(
    home: Path, said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said("diff", "x") == snapshot
    edit()
    assert said("diff", "x") == snapshot
    assert said("diff", "prompts/x.yaml", "--format", "json") == snapshot
    assert said("diff", "x@v1", "--var", "city=Rome", "--format", "jsonl") == snapshot


def test_two_revisions_are_compared_with_what_they_referred_to(home: Path, cli: Cli) -> None:
    edit("prompts/ask.md")
    git(home, "commit", "-qam", "two")
    edit("prompts/x.yaml")
    git(home, "commit", "-qam", "three")
    for old, new, files in (
        ("x@v1", "x@HEAD~1", ["prompts/ask.md"]),
        ("x@HEAD~1", "prompts/x.yaml@HEAD", ["prompts/x.yaml"]),
        ("x@v1", "./prompts/x.yaml", ["prompts/x.yaml", "prompts/ask.md"]),
    ):
        found = json.loads(cli("diff", old, new, "--format", "json").out)
        assert [one["file"] for one in found] == files


def test_what_is_no_part_of_the_request_is_compared_too(
    home: Path, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write(
        "prompts/y.yaml",
        SPEC.replace("smoke", "smoke, slow").replace("The weather of", "Weather in").replace("contains", "matches"),
    )
    assert said("diff", "x", "y") == snapshot


def test_a_variable_without_a_value_leaves_texts_as_they_stand(
    home: Path, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("prompts/y.yaml", SPEC.replace(", default: Paris", "").replace("terse", "terse in {{ city }}"))
    assert said("diff", "x", "y") == snapshot
    assert said("diff", "x", "y", "--var", "city=Rome") == snapshot


def test_a_run_is_held_against_its_spec_of_today(home: Path, said: Said, cli: Cli, snapshot: SnapshotAssertion) -> None:
    cli("run", "x", "--var", "city=Oslo")
    assert said("diff", "last") == snapshot
    edit()
    assert said("diff", "last") == snapshot
    assert said("diff", "x", "last") == snapshot
    assert said("diff", "last", "x", "--var", "city=Rome") == snapshot


def test_of_two_runs_requests_answers_and_facts_are_compared(
    home: Path, said: Said, cli: Cli, snapshot: SnapshotAssertion
) -> None:
    cli("run", "x", "--var", "city=Oslo")
    cli("run", "x", "--var", "city=Rome")
    assert said("diff", "last~1", "last") == snapshot
    assert cli("diff", "last", "last").code == 0


def test_a_default_that_has_changed_is_the_line_that_makes_a_run_another(home: Path, cli: Cli) -> None:
    cli("run", "x")
    path = Path("prompts/x.yaml")
    path.write_text(path.read_text().replace("Paris", "Rome"))
    (found,) = json.loads(cli("diff", "last", "--format", "json").out)
    assert (found["file"], found["line"], found["column"]) == ("prompts/x.yaml", 5, 33)


def test_files_of_tools_and_models_are_compared_as_they_stand(home: Path, cli: Cli) -> None:
    edit("tools/get_weather.yaml")
    (found,) = json.loads(cli("diff", "tools/get_weather.yaml", "--format", "json").out)
    assert found == {
        "path": "parameters.properties.city.description",
        "kind": "added",
        "new": "Its name",
        "file": "tools/get_weather.yaml",
        "line": 7,
        "column": 39,
    }


def test_a_spec_may_come_from_standard_input(home: Path, cli: Cli) -> None:
    outcome = cli("diff", "x", "-", "--format", "json", stdin=SPEC.replace("ask.md", "prompts/ask.md").encode())
    assert (outcome.code, json.loads(outcome.out)) == (0, [])


@pytest.mark.parametrize(
    "args",
    [
        "x@nope",
        "prompts/none.yaml x",
        "xx",
        "nope x",
        "-",
        "- -",
        "x tools/get_weather.yaml",
        "x last",
        "x x --var city",
    ],
)
def test_what_cannot_be_compared_is_told(home: Path, said: Said, snapshot: SnapshotAssertion, args: str) -> None:
    assert said("diff", *args.split()) == snapshot


def test_runs_without_a_request_or_a_spec_are_told(home: Path, said: Said, cli: Cli, write: Write) -> None:
    cli("run", "--prompt", "Hi", "-m", "echo/any")
    assert "was not made of a spec alone" in said("diff", "last")
    assert cli("run", "x").code == 0
    assert cli("run", "--continue", "last", "--message", "More").code == 0
    assert "was not made of a spec alone" in said("diff", "last")
    cli("run", "--prompt", "Hi", "-m", "openai/gpt-x")
    record = json.loads(Path("runs.jsonl").read_text().splitlines()[-1])
    record["exchanges"] = []
    write("runs.jsonl", json.dumps(record) + "\n")
    assert "exit 2" in said("diff", "last", "x")
    record["exchanges"] = [
        {"key": "", "operation": "x", "started": "", "duration_ms": 1, "request": {"a": {"$media": 1}}}
    ]
    write("runs.jsonl", json.dumps(record) + "\n")
    assert "exit 8" in said("diff", "last", "x")


def test_a_log_leads_to_no_file_outside_the_workspace(home: Path, said: Said, cli: Cli, write: Write) -> None:
    cli("run", "x")
    record = json.loads(Path("runs.jsonl").read_text())
    (home.parent / "outside.yaml").write_text("kind: request\nmodel: echo/any\nprompt: secret words\n")
    for path in ("../outside.yaml", str(home.parent / "outside.yaml"), "prompts/gone.yaml", "-", "a\0b", "x" * 5000):
        record["spec"]["path"] = path
        write("runs.jsonl", json.dumps(record) + "\n")
        told = said("diff", "last")
        assert "is not in the workspace" in told
        assert "secret words" not in told


def test_on_a_terminal_words_are_coloured(home: Path, plcli_process: Process) -> None:
    edit("prompts/x.yaml")
    with plcli_process.terminal("diff", "x") as terminal:
        assert terminal.end() == 1
    assert "\x1b[31mplainly\x1b[0m\x1b[32mloudly\x1b[0m" in terminal.text
    assert "prompts/x.yaml:10" in terminal.plain
