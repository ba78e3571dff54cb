"""The README is true: its generated parts are fresh, and every command in it works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from plcli.app import COMMANDS
from tests.support.cli import Cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
GUIDE = [
    commands
    for block in BLOCKS
    if (commands := [line for line in block.splitlines() if re.match(r"(plcli|echo) ", line)])
]
"""The commands of the guide, which is read in `examples/`: those of a block one after the other, with comments."""


@pytest.mark.storm  # takes long, and .ci/run asks the same before the tests
def test_what_is_generated_is_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / ".ci" / "readme.py"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def names_of_commands() -> Iterator[str]:
    """What can be called, `log show` among it."""
    for name, entry in COMMANDS.items():
        made = typer.main.get_command(import_module(entry.module).app)
        below = made.list_commands(typer.Context(made)) if isinstance(made, TyperGroup) else ()
        yield from (f"{name} {one}" for one in below) if below else (name,)


def test_the_reference_has_every_command() -> None:
    assert set(re.findall(r"<!-- begin: help (.*) -->", TEXT)) == set(names_of_commands())


def test_the_guide_has_commands() -> None:
    assert sum(map(len, GUIDE)) > 10


@pytest.mark.parametrize("commands", GUIDE, ids=lambda commands: commands[0])
def test_the_commands_of_the_guide_work(commands: list[str], workspace: Path, cli: Cli) -> None:
    for _ in range(3):  # what the log is asked for
        assert cli("run", "--prompt", "x", "--model", "echo/any").code == 0
    for typed in commands:
        command, _, comment = (part.strip() for part in typed.partition("  #"))
        *first, command = command.split(" && ")
        for one in first:
            assert cli(*shlex.split(one)[1:]).code == 0, one
        before, _, line = command.rpartition(" | ")
        stdin = subprocess.run(shlex.split(before), check=True, capture_output=True).stdout if before else b""
        outcome = cli(*shlex.split(line)[1:], stdin=stdin)
        if "--used" in command:
            assert outcome.code in (0, 1), outcome.err  # models retire as time goes by
            continue
        expected = int(told[1]) if (told := re.search(r"\bexit (\d)", comment)) else 0
        assert outcome.code == expected, f"{command}: {outcome.err}"
        assert outcome.out or outcome.err or "validate" in command
