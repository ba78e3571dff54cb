"""Documents written in any of the three formats, so that reading what was written gives the same value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from plcli import paths, tomltext, yaml12, yamltext
from plcli.comments import comments, schema_line, schema_of
from plcli.documents import MAX_BYTES, Document, Format, parse
from plcli.errors import Problem, SpecError
from plcli.layout import UNSEEN, escape
from plcli.media import Json
from plcli.places import Step

_UNSEEN = re.compile(f"[{UNSEEN}]")


class Rewritten(NamedTuple):
    """A document in another format; `lost` are the comments of the old text that the new one has not."""

    text: str
    lost: tuple[str, ...]


def write(value: dict[str, Json], format: Format) -> str:
    """The text of an object: `parse(write(value, format), format=format).value == value`.

    For TOML the value must hold no null.
    """
    if format == "yaml":
        return yamltext.written(value)
    if format == "toml":
        return tomltext.written(value)
    return _UNSEEN.sub(escape, json.dumps(value, indent=2, ensure_ascii=False)) + "\n"


def rewrite(document: Document, format: Format) -> Rewritten:
    """A document in a format, with the line that names its schema to editors; other comments are lost.

    Raises `SpecError` with every place that the format cannot hold, and where the new text would be past the
    limits of what is read.
    """
    problems = list(_not_held(document, format))
    if problems:
        raise SpecError(problems)
    line, lost = "", []
    for comment in comments(document):
        schema = schema_of(comment, document.format)
        carried = schema_line(schema, format) if schema and not line else None
        if carried:
            line = f"{carried}\n"
        else:
            lost.append(comment)
    text = line + write(document.value, format)
    try:
        parse(text, file=document.file, format=format)
    except SpecError as error:
        raise SpecError([_moved(document, format, problem) for problem in error.problems]) from None
    return Rewritten(text, tuple(lost))


def _not_held(document: Document, format: Format) -> Iterator[Problem]:
    """Where a document has null and the format has not; and that it is too large, before it is written."""
    size, found = 0, 0
    waiting: list[tuple[tuple[Step, ...], Json]] = [((), document.value)]
    while waiting and found < yaml12.MAX_PROBLEMS:
        path, value = waiting.pop()
        if isinstance(value, dict):
            size += sum(map(len, value))
            waiting += [((*path, key), item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*path, n), value[n]) for n in reversed(range(len(value)))]
        elif isinstance(value, str):
            size += len(value)
        elif value is None and format == "toml":
            found += 1
            yield document.problem(path, "TOML has no null", "leave the key out, or keep the file in YAML or JSON")
        # Aliases can repeat a text of megabytes thousands of times.
        if size > MAX_BYTES:
            message = f"larger than {MAX_BYTES // 1024 // 1024} MB where nothing is an alias"
            yield document.problem((), message, "keep long texts and media in own files")
            return


def _moved(document: Document, format: Format, problem: Problem) -> Problem:
    """A problem of the new text, told of the old one."""
    message = f"as {format.upper()}: {problem.message}"
    return document.problem(paths.parse(problem.path), message, problem.hint)
