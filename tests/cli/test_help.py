"""Help texts and usage errors: what a person meets first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said


@pytest.mark.parametrize(
    "command",
    ["", "init", "run", "chat", "validate", "schema", "convert", "tools", "tools list", "tools show", "tools new",
     "tools check", "tools call", "tools import", "models", "models list", "models show", "models check",
     "log", "log list", "log show"],
    ids=lambda command: command or "root",
)  # fmt: skip
def test_help(said: Said, snapshot: SnapshotAssertion, command: str) -> None:
    assert said(*command.split(), "--help") == snapshot


@pytest.mark.parametrize(
    "args",
    ["", "log", "--version", "rnu", "log lst", "run --promt hi", "run --timeout soon --prompt hi",
     "run --retries -1 --prompt hi", "run --format xml --prompt hi", "run --prompt", "--log x run hello"],
    ids=lambda args: args or "nothing",
)  # fmt: skip
def test_usage(said: Said, snapshot: SnapshotAssertion, args: str) -> None:
    assert said(*args.split()) == snapshot


LONG = "a" * 5000
"""Longer than the name of a file may be."""


@pytest.mark.parametrize(
    "args",
    [
        ("run", LONG),
        ("run", f"{LONG}.yaml"),
        ("run", "-", "--vars", f"{LONG}.csv"),
        ("run", "-", "--var", f"x=@{LONG}"),
        ("run", "-", "--model", LONG),
        ("run", "-", "--log", LONG),
        ("run", "-", "--workspace", LONG),
        ("validate", LONG),
        ("validate", f"{LONG}.yaml"),
        ("log", "list", "--log", LONG),
        ("log", "show", LONG),
        ("tools", "show", LONG),
        ("tools", "new", LONG),
        ("tools", "new", "x", "--out", LONG),
        ("tools", "import", LONG),
        ("tools", "import", f"{LONG}.json"),
        ("tools", "import", f"{LONG}.py:f"),
        ("tools", "import", "link.yaml"),
        ("tools", "import", "pipe.yaml"),
        ("tools", "import", "-"),
        ("tools", "import", "-", "--log", LONG),
        ("schema", LONG),
        ("schema", "--write", "--to", LONG),
        ("run", "link.yaml"),
        ("validate", "link.yaml"),
        ("validate", "."),
        ("run", "pipe.yaml"),
        ("validate", "pipe.yaml"),
        ("run", "-", "--vars", "pipe.csv"),
        ("run", "-", "--log", "pipe.yaml"),
        ("schema", "--write", "--to", "pipe.yaml"),
        ("run", "-", "--prompt", "\udcff"),
        ("run", "--prompt", "\udcff", "--model", "echo/any"),
    ],
    ids=lambda args: " ".join(args).replace(LONG, "LONG").encode("ascii", "backslashreplace").decode(),
)
def test_no_argument_is_a_bug_of_plcli(args: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to("link.yaml")
    os.mkfifo("pipe.yaml")
    os.mkfifo("pipe.csv")
    outcome = cli(*args, stdin=b"kind: request\nmodel: echo/any\nprompt: '{{ x }}'\nvariables: {x: {type: string}}\n")
    assert outcome.code in (1, 2, 3, 8)
    assert "Traceback" not in outcome.err


def test_a_current_folder_that_is_gone_is_an_error(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for args in (("run", "hello"), ("log", "list"), ("validate",)):
        folder = tmp_path / "gone"
        folder.mkdir()
        monkeypatch.chdir(folder)
        folder.rmdir()
        assert cli(*args).err == "error: the current folder is gone\nhint: go to one that exists: cd ~\n"
