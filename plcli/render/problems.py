"""Show problems of files: as text, as JSON, or as annotations of GitHub Actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from plcli.errors import Problem
from plcli.render.screen import Screen

ProblemFormat = Literal["text", "json", "github"]


def show_problems(problems: Sequence[Problem], screen: Screen, style: ProblemFormat = "text") -> None:
    """Print problems to stdout, one after the other."""
    if style == "json":
        screen.print(json.dumps([problem_fields(problem) for problem in problems], indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            if style == "github":
                screen.write(screen.out, screen.clean(github_line(problem), screen.out) + "\n", command=True)
            else:
                screen.print(text_lines(problem))


def text_lines(problem: Problem) -> str:
    """`file:line:column: error: message (path)` and a line with the hint."""
    path = f" (at {problem.path})" if problem.path else ""
    hint = f"\n  hint: {problem.hint}" if problem.hint else ""
    return f"{problem.where}: {problem.severity}: {problem.message}{path}{hint}"


def github_line(problem: Problem) -> str:
    """A workflow command that GitHub Actions shows beside the line."""
    place = {"file": problem.file, "line": problem.line, "col": problem.column}
    message = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    return workflow_command(problem.severity, message, place)


def workflow_command(name: str, message: str, properties: Mapping[str, object]) -> str:
    """A line that the runner of GitHub Actions obeys, whatever its texts hold; what is None is no property."""
    known = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{name} {known}::{_data(message)}"


def problem_fields(problem: Problem) -> dict[str, object]:
    """A problem as JSON, without what is not known."""
    return {key: value for key, value in problem._asdict().items() if value is not None}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
