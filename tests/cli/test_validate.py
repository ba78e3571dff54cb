"""`plcli validate` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said, Write

WRONG = """\
kind: request
model: echo/any
modle: x
messages:
  - role: usr
    content: "{{ nobody }}"
tools: [hammer]
"""


def test_the_examples_are_good(workspace: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("validate") == snapshot
    assert said("validate", "prompts/hello.yaml", "prompts/greeting.toml", "--quiet") == snapshot


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_every_problem_is_told_with_its_place(
    workspace: Path, said: Said, write: Write, snapshot: SnapshotAssertion, form: str
) -> None:
    write("prompts/wrong.yaml", WRONG)
    assert said("validate", "prompts/wrong.yaml", "--format", form) == snapshot


def test_a_wrong_file_does_not_hide_another(workspace: Path, cli: Cli, write: Write) -> None:
    write("prompts/broken.yaml", "kind: [\n")
    write("models/wrong.yaml", "kind: model\nprovidr: echo\n")
    outcome = cli("validate", ".")
    assert outcome.code == 3
    assert "prompts/broken.yaml:" in outcome.out
    assert "models/wrong.yaml:2:1" in outcome.out


def test_a_spec_comes_from_standard_input(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("validate", "-", stdin=b"kind: request\nmodel: echo/any\nprompt: hi\n") == snapshot
    assert said("validate", "-", stdin=b"kind: request\nmodel: echo/any\nprompt: [\n") == snapshot


@pytest.mark.parametrize("path", ["nothing.yaml", "nothing", "prompts/*.toml", "*.nothing", "prompts/triangle.png"])
def test_what_may_be_named(workspace: Path, said: Said, snapshot: SnapshotAssertion, path: str) -> None:
    assert said("validate", path) == snapshot


def test_an_empty_folder_has_nothing_to_check(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("validate") == snapshot
