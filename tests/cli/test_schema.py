"""`plcli schema` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said


def test_without_a_kind_the_kinds_are_listed(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("schema") == snapshot


def test_every_kind_is_printed_as_a_json_schema(cli: Cli) -> None:
    for kind in cli("schema").out.split():
        outcome = cli("schema", kind)
        assert outcome.code == 0
        assert json.loads(outcome.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("kind", ["requst", "nothing"])
def test_an_unknown_kind_is_explained(said: Said, snapshot: SnapshotAssertion, kind: str) -> None:
    assert said("schema", kind) == snapshot


def test_what_is_written_is_fresh_until_it_is_changed(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("schema", "--write") == snapshot
    assert said("schema", "--check") == snapshot
    Path("schemas/tool.schema.json").write_text("{}", encoding="utf-8")
    Path("schemas/model.schema.json").unlink()
    assert said("schema", "--check") == snapshot


def test_the_schemas_of_the_repository_are_fresh(cli: Cli) -> None:
    folder = Path(__file__).parents[2] / "schemas"
    assert cli("schema", "--check", "--to", str(folder)).out == ""
