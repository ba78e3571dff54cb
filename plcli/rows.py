"""Rows of variables, one run each: JSONL, CSV, or a list of objects in JSON or YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import PurePath

from plcli import yaml12
from plcli.documents import parse
from plcli.errors import Problem, SpecError, UsageError
from plcli.variables import Given, Raw

Rows = list[dict[str, Given]]


def read(text: str, file: str) -> Rows:
    """The rows of a file, its format known by the suffix; the values of CSV are typed as on the command line.

    Raises `SpecError` with every problem found, `UsageError` for a format that rows do not have.
    """
    suffix = PurePath(file).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        raise UsageError(f"--vars: {file} has no known format", hint=f"name a file that ends in {', '.join(_READERS)}")
    rows = reader(text, file)
    if not rows:
        raise SpecError([Problem(file, "there are no rows", hint="add a row for each run")])
    return rows


def _jsonl(text: str, file: str) -> Rows:
    rows: Rows = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            problems.append(
                Problem(file, "a row must be an object of variables", line=number, hint='{"city": "Paris"}')
            )
            continue
        try:
            rows.append(dict(parse(line, file=file, format="json").value))
        except SpecError as error:
            problems += [problem._replace(line=number) for problem in error.problems]
    if problems:
        raise SpecError(problems)
    return rows


def _csv(text: str, file: str) -> Rows:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: Rows = []
    problems: list[Problem] = []
    try:
        names = list(reader.fieldnames or ())
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(Problem(file, f"two columns are named {name!r}", line=1, hint="rename one of them"))
        for row in reader:
            if None in row or None in row.values():
                problems.append(Problem(file, "the row has more or fewer fields than the header", line=reader.line_num))
            else:
                rows.append({name: Raw(value) for name, value in row.items()})
    except csv.Error as error:
        problems.append(Problem(file, f"not CSV: {error}", line=reader.line_num))
    if problems:
        raise SpecError(problems)
    return rows


def _list(text: str, file: str) -> Rows:
    value, _ = yaml12.read(text, file)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return list(value)
    raise SpecError([Problem(file, "the rows are no list of objects", hint="write [{city: Paris}, …]")])


_READERS: dict[str, Callable[[str, str], Rows]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".json": _list,
    ".yaml": _list,
    ".yml": _list,
}
