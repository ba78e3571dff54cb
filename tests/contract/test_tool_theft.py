"""Tries to steal through tools: what a handler was granted, files of the workspace, and what runs unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli

GRANTED = "postgres://ada:hunter2hunter2@db/x"


@pytest.fixture(autouse=True)
def _granted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE", GRANTED)
    Path("tools").mkdir()
    Path("models").mkdir()
    script = [{"tool_call": {"name": "t", "arguments": {}}}]
    Path("models/m.json").write_text(json.dumps({"kind": "model", "provider": "echo", "model": "x", "script": script}))
    Path("q.json").write_text('{"kind": "request", "model": "m", "prompt": "hi", "tools": ["t"]}')


def tool(handler: str) -> None:
    """A tool that is answered by a shell script, which may see the variable."""
    spec = {"kind": "tool", "name": "t", "env": ["DATABASE"], "command": ["/bin/sh", "-c", handler]}
    Path("tools/t.json").write_text(json.dumps(spec))


@pytest.mark.parametrize(
    "handler",
    [
        'echo "$DATABASE"',
        'echo "$DATABASE" >&2; echo 1',
        'echo "$DATABASE" >&2; exit 1',
        'printf \'{"%s": [{"x": "%s"}]}\' "$DATABASE" "$DATABASE"',
        'printf %s "$DATABASE" | base64 -w0',
    ],
)
def test_what_a_handler_was_granted_is_neither_shown_nor_kept(tmp_path: Path, cli: Cli, handler: str) -> None:
    tool(handler)
    asked = ("--tools", "run", "--record-stubs")
    shown = [
        cli("run", "q.json", "--max-rounds", "1", *asked),
        cli("run", "--continue", "last", "--max-rounds", "1", *asked),
        cli("tools", "call", "t", *asked),
        cli("tools", "call", "t", *asked, "--format", "json"),
        cli("log", "show", "last"),
    ]
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    left = "".join([*(each.out + each.err for each in shown), *files])
    assert "hunter2" not in left
    assert "aHVudGVyMmh1bnRlc" not in left
