"""Comments of spec files, and the one among them that tells editors which schema a file follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from plcli import yaml12
from plcli.documents import Document, Format

_SCHEMA_LINES: dict[Format, str] = {"yaml": "# yaml-language-server: $schema=", "toml": "#:schema "}
_ADDRESS = re.compile(r"\S+")
_COMMENT = re.compile(r"#[^\r\n]*")
_TOML_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}' + r"|'''(?:[^']|'(?!''))*+'{3,5}"  # texts of several lines
    r'|"(?:[^"\\]|\\.)*+"' + r"|'[^']*+'|(#[^\r\n]*)",
    re.DOTALL,
)


def comments(document: Document) -> list[str]:
    """The comments of a document, in its order, each from its `#` to the end of its line. JSON has none."""
    text = document.text.decode("utf-8-sig")
    if "#" not in text or document.format == "json":
        return []
    if document.format == "toml":
        return [found[1] for found in _TOML_TOKEN.finditer(text) if found[1] is not None]
    return [comment for gap in _gaps(text) for comment in _COMMENT.findall(gap)]


def schema_of(comment: str, format: Format) -> str | None:
    """The schema that a comment names, relative to its file; None for any other comment."""
    start = _SCHEMA_LINES.get(format)
    if start is None or not comment.startswith(start):
        return None
    schema = comment.removeprefix(start).strip()
    # A comment of TOML may hold characters that end a line of YAML.
    return schema if _ADDRESS.fullmatch(schema) else None


def schema_line(schema: str, format: Format) -> str | None:
    """The comment that names a schema; None for JSON, which has no comments."""
    start = _SCHEMA_LINES.get(format)
    return f"{start}{schema}" if start else None


def _gaps(text: str) -> Iterator[str]:
    """What stands between the scalars of a YAML text that is known to be right, where each `#` starts a comment."""
    last = 0
    for event in yaml.parse(text, Loader=yaml12.LOADER):
        if isinstance(event, yaml.ScalarEvent):
            start: Any = event.start_mark
            end: Any = event.end_mark
            yield text[last : start.index]
            last = end.index
            if event.style in ("|", ">"):
                yield text[start.index : end.index].partition("\n")[0]
    yield text[last:]
