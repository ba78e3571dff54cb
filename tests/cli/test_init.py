"""`plcli init` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write


def test_a_new_workspace_says_what_to_type(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("init", "my playground") == snapshot


@pytest.mark.parametrize("folder", ["", "playground", "my playground", "a/b/c"])
def test_a_new_workspace_is_right_and_runs(folder: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init", *[folder] * bool(folder)).code == 0
    monkeypatch.chdir(folder or ".")
    checked = cli("validate")
    assert (checked.code, checked.out) == (0, "")
    assert "0 errors, 0 warnings" in checked.err
    run = cli("run", "hello")
    assert (run.code, run.out[:6]) == (0, "Hello!")
    assert cli("run", "hello", "--model", "gpt", "--dry-run").code == 0
    assert cli("schema", "--check").code == 0
    for file in (path for path in Path().rglob("*.yaml")):
        line = file.read_text(encoding="utf-8").splitlines()[0]
        assert (file.parent / line.partition("$schema=")[2]).is_file(), line


def test_what_is_typed_next_works_in_a_shell(plcli_process: Process, cli: Cli) -> None:
    line = json.loads(cli("init", "it's a playground", "--format", "json").out)["next"]
    command = " ".join(plcli_process.command())
    done = subprocess.run(["sh", "-c", line.replace("plcli", command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_program_is_told_the_same(cli: Cli) -> None:
    lines = [line.split() for line in cli("init", "a").out.splitlines()]
    told = json.loads(cli("init", "b", "--format", "json").out)
    assert [[file["action"], file["path"]] for file in told["files"]] == lines
    assert told["workspace"] == str(Path("b").resolve())


def test_called_again_it_changes_nothing(said: Said, cli: Cli, snapshot: SnapshotAssertion) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}

    assert cli("init").code == 0
    os.unlink("prompts/hello.yaml")
    before = files()
    assert said("init") == snapshot
    assert json.loads(cli("init", "--format", "json").out)["next"] == "plcli validate"
    assert files() == before


def test_what_is_there_is_kept(said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/gpt.yaml", "kind: model\nprovider: openai\nmodel: mine\n")
    write("prompts/hello.toml", 'kind = "request"\nprompt = "Mine."\n')
    write(".gitignore", "*.pyc\n.env")
    Path(".gitattributes").write_bytes(b"* text=auto\r\n")
    assert said("init") == snapshot
    assert Path(".gitignore").read_bytes() == b"*.pyc\n.env\n/runs.jsonl\n/media/\n"
    attributes = Path(".gitattributes").read_bytes()
    assert attributes.startswith(b"* text=auto\r\n/recordings/")
    assert attributes.count(b"\r\n") == attributes.count(b"\n") == 3
    assert "mine" in Path("models/gpt.yaml").read_text()
    assert cli("run", "hello").code == 0


def test_the_lines_for_git_follow_the_settings(cli: Cli, write: Write) -> None:
    write("plcli.toml", 'log = "logs/all.jsonl"\n[folders]\nrecordings = "tests/recordings"\n')
    assert cli("init").code == 0
    assert "/logs/all.jsonl\n/logs/media/\n" in Path(".gitignore").read_text()
    assert "/tests/recordings/**/*.jsonl " in Path(".gitattributes").read_text()
    assert not Path("prompts").exists()


def test_git_leaves_out_runs_and_takes_recordings(cli: Cli, write: Write) -> None:
    def git(*args: str) -> str:
        return subprocess.run(["git", *args], capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    assert cli("init", "here").code == 0
    for name in ("runs.jsonl", "media/a.png", ".env", "recordings/weather/a.jsonl", "recordings/media/b.png"):
        write(f"here/{name}", "x\n")
    seen = git("status", "--porcelain", "-uall")
    assert "recordings/weather/a.jsonl" in seen
    assert "recordings/media/b.png" in seen
    assert not {"here/runs.jsonl", "here/media/a.png", "here/.env"} & {line[3:] for line in seen.splitlines()}
    told = git("check-attr", "merge", "eol", "--", "here/recordings/weather/a.jsonl")
    assert "merge: union" in told
    assert "eol: lf" in told
    assert "text: unset" in git("check-attr", "text", "--", "here/recordings/media/b.png")


def test_a_workspace_inside_another_is_warned_of(said: Said, cli: Cli, snapshot: SnapshotAssertion) -> None:
    assert cli("init").code == 0
    assert said("init", "inner", "-q") == snapshot
    assert "inside" not in cli("init", "inner").err


@pytest.mark.parametrize(
    ("before", "args"),
    [
        (lambda outside: Path("file").touch(), "file"),
        (lambda outside: Path("file").touch(), "file/below"),
        (lambda outside: Path("models").touch(), ""),
        (lambda outside: Path(".gitignore").mkdir(), ""),
        (lambda outside: Path("plcli.toml").mkdir(), ""),
        (lambda outside: os.symlink("gone", "schemas"), ""),
        (lambda outside: os.symlink(outside, "prompts"), ""),
        (lambda outside: os.symlink(outside / "git", ".gitignore"), ""),
        (lambda outside: Path("plcli.toml").write_text("prompt = 1"), ""),
        (lambda outside: None, "x" * 300),
    ],
    ids=["file", "below", "file as folder", "folder as file", "folder as settings", "dangling", "link out", "git link",
         "wrong", "long"],
)  # fmt: skip
def test_what_stands_in_the_way_is_explained(
    before: object, args: str, said: Said, snapshot: SnapshotAssertion, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    assert callable(before)
    before(outside)
    assert said("init", *args.split(), "-q").replace(str(outside), "OUTSIDE") == snapshot
    assert list(outside.iterdir()) == []
    assert not list(Path().rglob("*.schema.json")), "nothing is written where something stands in the way"


def test_a_link_in_the_place_of_a_file_is_not_followed(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    os.symlink(outside / "new", "plcli.toml")
    assert "kept           plcli.toml" in cli("init").out
    assert list(outside.iterdir()) == []
