"""Nobody has to guess: every command and option explains itself, and what is generated is fresh."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import plcli
from plcli.app import COMMANDS, app
from plcli.commands import log
from plcli.commandtable import CommandTable
from plcli.errors import EXIT_MEANINGS, Exit

ROOT = Path(plcli.__file__).parents[1]


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words after `plcli`."""
    root: Any = typer.main.get_command(app)
    context = typer.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        if isinstance(command, TyperGroup):
            names = command.list_commands(context)
            yield from ((f"{name} {inner}", command.get_command(context, inner)) for inner in names)
        else:
            yield name, command


COMMAND_LINES = dict(commands())


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_a_command_has_help_and_an_example(words: str) -> None:
    text = COMMAND_LINES[words].help
    assert text.splitlines()[0].endswith("."), "the first line is a sentence"
    assert f"plcli {words}" in text.partition("Example")[2], "an example shows how it is typed"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_every_parameter_has_help(words: str) -> None:
    for parameter in COMMAND_LINES[words].params:
        if not parameter.hidden:
            assert (parameter.help or "").endswith("."), f"{words}: {parameter.name}"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_an_option_means_the_same_everywhere(words: str) -> None:
    flags: dict[str, str] = {"-q": "quiet", "-v": "verbose", "-h": "help", "-m": "model", "-p": "prompt", "-n": "count"}
    for parameter in COMMAND_LINES[words].params:
        for option in parameter.opts:
            if option in flags:
                assert parameter.name == flags[option], f"{words} {option}"


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    for group in (typer.main.get_command(app), typer.main.get_command(log.app)):
        assert isinstance(group, CommandTable)
        for name, entry in group.table.items():
            assert entry.help == group.get_command(typer.Context(group), name).help.splitlines()[0]


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_MEANINGS) == set(Exit)


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]


def test_the_libraries_are_those_that_are_imported() -> None:
    """A dependency that nothing imports is a cost without a use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    imported = {
        "PyYAML": "yaml",
        "python-dotenv": "dotenv",
        "genai-prices": "genai_prices",
        "google-genai": "google.genai",
    }
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plcli").rglob("*.py"))
    for requirement in project["dependencies"]:
        name = requirement.partition(">")[0]
        module = imported.get(name, name)
        assert f"import {module}" in source or f"from {module}" in source, name
