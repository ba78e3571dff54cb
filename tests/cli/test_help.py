"""Help texts and usage errors: what a person meets first."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Said


@pytest.mark.parametrize(
    "command", ["", "run", "validate", "schema", "log", "log list", "log show"], ids=lambda command: command or "root"
)
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
