"""Spec files that are right and files that are wrong: drop one into `tests/specs`, and it is a test.

A file in `bad` has a sibling `NAME.err` with the problems that it must give, one a line and its hint
below.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from plcli.errors import Problem
from plcli.validate import check
from plcli.workspace import find

SPECS = Path(__file__).parents[1] / "specs"
GOOD = sorted(path for path in (SPECS / "ok").iterdir() if path.suffix != ".md" and ".schema" not in path.name)
BAD = sorted(path for path in (SPECS / "bad").iterdir() if path.suffix != ".err")


def problems(path: Path) -> tuple[Problem, ...]:
    return check(find(SPECS), [str(path)], BytesIO()).problems


def told(path: Path) -> str:
    lines = []
    for problem in problems(path):
        at = f" {problem.path}:" if problem.path else ""
        lines.append(f"{problem.where}: {problem.severity}:{at} {problem.message}\n")
        if problem.hint:
            lines.append(f"    {problem.hint}\n")
    return "".join(lines)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_has_no_problems(path: Path) -> None:
    assert told(path) == ""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_file_has_the_problems_beside_it(path: Path) -> None:
    assert told(path) == path.with_name(f"{path.name}.err").read_text(encoding="utf-8")


def test_the_workspace_of_these_files_is_sound() -> None:
    assert check(find(SPECS), ["tools", "models", "plcli.toml"], BytesIO()).problems == ()


def test_no_list_of_problems_is_left_without_its_file() -> None:
    assert sorted(path.name for path in (SPECS / "bad").glob("*.err")) == [f"{path.name}.err" for path in BAD]
