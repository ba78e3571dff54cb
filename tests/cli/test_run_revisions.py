"""`plcli run SPEC@REV`, and the history of a spec, on the command line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.environment import user_side
from plcli.handling import permission
from plcli.toolbox import load_tool
from plcli.workspace import find
from tests.support.cli import PATIENCE, Cli, Process, Said
from tests.support.repository import commit, git, write

SPEC = """\
kind: request
model: asks
variables: {city: {type: string, default: Paris}}
messages:
  - role: user
    content: {file: ./words.md}
tools: [note]
"""

TOOL = "kind: tool\nname: note\nparameters: {type: object}\n"

CALLS = """\
kind: model
provider: echo
model: scripted
script:
  - - tool_call: {name: note, arguments: {}}
  - - text: Done.
"""

OLD: dict[str, str | bytes] = {
    ".gitignore": "runs.jsonl*\nmedia/\n",
    "plcli.toml": 'kind = "workspace"\n',
    "prompts/x.yaml": SPEC,
    "prompts/words.md": "Old words for {{ city }}.\n",
    "tools/note.yaml": f"{TOOL}command: [python3, lib/note.py]\n",
    "lib/note.py": "print('\"an old note\"')\n",
    "models/asks.yaml": CALLS,
}

NEW: dict[str, str | bytes] = {
    "prompts/words.md": "New words for {{ city }}.\n",
    "lib/note.py": "print('\"a new note\"')\n",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits, which is the current folder."""
    folder = tmp_path / "home"
    commit(folder, OLD)
    git(folder, "tag", "v1")
    commit(folder, NEW)
    monkeypatch.chdir(folder)
    return folder


def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("runs.jsonl").read_text().splitlines()]


def said_to(record: dict[str, Any]) -> str:
    return str(record["exchanges"][0]["request"]["messages"][0]["content"])


@pytest.mark.parametrize("spec", ["prompts/x.yaml@v1", "x@v1", "x@HEAD~1", "prompts/x.yaml@HEAD@{1}"])
def test_an_old_version_runs_with_what_it_referred_to_then(home: Path, cli: Cli, spec: str) -> None:
    assert cli("run", spec, "--var", "city=Rome").code == 0
    (record,) = records()
    assert said_to(record) == "Old words for Rome.\n"
    assert record["spec"]["path"] == "prompts/x.yaml"
    assert (record["spec"]["commit"], record["spec"]["dirty"]) == (git(home, "rev-parse", "v1"), False)
    assert [source["path"] for source in record["sources"]] == [
        "prompts/x.yaml", "models/asks.yaml", "prompts/words.md", "tools/note.yaml",
    ]  # fmt: skip


def test_versions_run_side_by_side(home: Path, cli: Cli) -> None:
    write(home, {"models/asks.yaml": CALLS.replace("  - - tool_call: {name: note, arguments: {}}\n", "")})
    cli("run", "prompts/x.yaml@v1", "prompts/x.yaml", "--jobs", "1")
    old, new = records()
    assert (said_to(old), said_to(new)) == ("Old words for Paris.\n", "New words for Paris.\n")
    assert (old["response"]["state"], new["response"]["state"]) == ("tool_calls", "ok")


def test_a_path_that_exists_wins_and_another_is_forced(home: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    write(home, {"x@v1.yaml": "kind: request\nmodel: echo/any\nprompt: A file.\n", "prompts/a@v1.json": '{"kind": 1}'})
    assert said("run", "x@v1.yaml", "--no-log") == snapshot
    assert said("run", "a@v1", "--no-log") == snapshot
    assert said("run", "./x.yaml@v1", "--no-log") == snapshot
    assert said("run", "x@v1.yaml@v1", "--no-log") == snapshot


@pytest.mark.parametrize("spec", ["prompts/y.yaml@v1", "y@v1", "x@v9", "x@", "prompts/x.yaml@-p", "x@v1:prompts"])
def test_what_was_not_there_is_told(home: Path, said: Said, snapshot: SnapshotAssertion, spec: str) -> None:
    assert said("run", spec) == snapshot


def test_problems_are_placed_in_the_file_of_then(home: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    commit(home, {"prompts/x.yaml": f"{SPEC}output: {{schema: ./gone.json}}\ntool_choise: auto\n"})
    commit(home, {"prompts/x.yaml": f"{SPEC}output: {{schema: ./gone.json}}\n", "prompts/words.md": "{{ nobody }}"})
    commit(home, {"prompts/x.yaml": "kind: request\nprompt: x\n"})
    assert said("run", "prompts/x.yaml@HEAD~1", "prompts/x.yaml") == snapshot
    assert said("run", "x@HEAD~2") == snapshot


def test_a_handler_of_then_runs_only_where_the_command_line_says_so(home: Path, cli: Cli, tmp_path: Path) -> None:
    workspace = find(home)
    digests = [one.digest for one in permission.digests(workspace, load_tool(workspace, "note"), user_side({}, ()))]
    config = Path(os.environ["XDG_CONFIG_HOME"], "plcli", "config.toml")
    write(config.parent, {config.name: f"trust_tools = {json.dumps(digests)}\n"})
    cli("run", "x")
    cli("run", "x@HEAD")
    cli("run", "x@HEAD", "--tools", "note=run")
    cli("run", "x@v1", "--tools", "run")
    answers = [[one["result"] for one in record.get("tool_results", [])] for record in records()]
    assert answers == [["a new note"], [], ["a new note"], ["an old note"]]


def test_no_stub_is_written_beside_a_tool_of_then(home: Path, cli: Cli) -> None:
    outcome = cli("run", "x@v1", "--tools", "run", "--record-stubs")
    assert "note: not recorded as a stub: tools/note.yaml@v1 is of an older state" in outcome.err
    assert not Path("tools/note.stubs.yaml").exists()


def test_pictures_are_made_of_an_old_version(home: Path, cli: Cli) -> None:
    commit(home, {"prompts/p.yaml": "kind: request\nmodel: echo/any\nprompt: An old fox.\nimage: {}\n"})
    commit(home, {"prompts/p.yaml": "kind: request\nmodel: echo/any\nprompt: A new fox.\nimage: {}\n"})
    cli("image", "p@HEAD~1")
    assert said_to(records()[0]) == "An old fox."


@pytest.mark.parametrize("stopped", [False, True])
def test_temporary_folders_go_also_when_it_fails_or_is_stopped(
    home: Path, tmp_path: Path, plcli_process: Process, stopped: bool
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    waits = "kind: model\nprovider: echo\nmodel: x\nscript: [{text: first}, {text: late, delay_ms: 50000}]\n"
    commit(home, {"models/asks.yaml": waits if stopped else "kind: model\n"})
    with plcli_process.start("run", "x@HEAD", TMPDIR=str(temporary)) as process:
        if stopped:
            assert process.stdout is not None
            assert process.stdout.read(5) == b"first"
            assert list(temporary.iterdir()) != []
            process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == (130 if stopped else 3)
    assert list(temporary.iterdir()) == []


def test_a_history_shows_the_commits_of_a_spec(home: Path, cli: Cli) -> None:
    cli("run", "x@v1")
    cli("run", "x")
    write(home, {"prompts/x.yaml": f"{SPEC}\n"})
    cli("run", "x")
    cli("run", "-", stdin=SPEC.replace("./words", "prompts/words").encode())
    old, new = git(home, "rev-parse", "v1"), git(home, "rev-parse", "HEAD")
    shown = [line.split("\t")[2] for line in cli("log", "list", "--spec", "x").out.splitlines()]
    assert shown == [f"{new[:8]}*", new[:8], old[:8]]
    assert [line.split("\t")[2] for line in cli("log", "list", "--spec", "-").out.splitlines()] == ["-"]
    assert [line.split("\t")[2] for line in cli("log", "list").out.splitlines()][:1] == ["tool_calls"]
    lines = cli("log", "list", "--spec", "x", "--format", "json").out.splitlines()
    assert lines == Path("runs.jsonl").read_text().splitlines()[2::-1]
