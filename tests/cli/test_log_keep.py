"""`plcli log keep` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said, Write

SPEC = """\
kind: request
model: echo/any
prompt: {role}
"""


@pytest.fixture
def runs(write: Write, cli: Cli) -> None:
    """A workspace with a log of four runs: of two specs, of none, and one that was not answered."""
    write("plcli.toml", "")
    for name in ("hi", "bye"):
        write(f"prompts/{name}.yaml", SPEC.replace("{role}", name))
        assert cli("run", name, "--tag", name).code == 0
    assert cli("run", "--prompt", "Hello", "-m", "echo/any").code == 0
    write("models/down.yaml", "kind: model\nprovider: openai\nmodel: m\nbase_url: http://127.0.0.1:1/v1\nretries: 0\n")
    assert cli("run", "--prompt", "Hello", "-m", "down").code == 5


@pytest.mark.parametrize(
    "args",
    [
        "--help", "", "last", "last~1", "last~3 last~2", "--all", "--all --to deep/er/all.jsonl -q", "--tag hi",
        "--spec bye --model echo/any", "--state refused", "zzzzz", "last~2 --to prompts",
        "last~2 --to prompts/hi.yaml/x",
    ],
)  # fmt: skip
def test_keep(runs: None, said: Said, snapshot: SnapshotAssertion, args: str) -> None:
    assert said("log", "keep", *args.split()) == snapshot


def test_a_count_names_the_newest_runs(runs: None, cli: Cli) -> None:
    assert cli("log", "keep", "-n", "2").code == 0
    assert [path.name for path in Path("recordings").iterdir() if path.is_file()] == ["runs.jsonl"]


def test_what_is_there_already_is_left_out(runs: None, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("log", "keep", "last~3") == snapshot
    before = Path("recordings/hi.jsonl").read_bytes()
    assert said("log", "keep", "last~3", "last~2", "--to", "recordings/hi.jsonl") == snapshot
    assert said("log", "keep", "last~3", "last~2", "--to", "recordings/hi.jsonl") == snapshot
    assert Path("recordings/hi.jsonl").read_bytes().startswith(before)
    lines = Path("runs.jsonl").read_bytes().splitlines(keepends=True)
    assert Path("recordings/hi.jsonl").read_bytes() == b"".join(lines[:2])


def test_what_secrets_were_taken_out_of_is_told(
    runs: None, said: Said, write: Write, cli: Cli, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine-0123456789abcdef")
    write("prompts/hi.yaml", SPEC.replace("{role}", "my key is sk-of-mine-0123456789abcdef"))
    assert cli("run", "hi").code == 0
    assert said("log", "keep", "last") == snapshot
    assert not [path for path in Path("recordings").rglob("*") if path.is_file() and b"sk-of-mine" in path.read_bytes()]
