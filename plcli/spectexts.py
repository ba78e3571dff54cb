"""The text of a request spec that was made of another one: its layout and comments, and a heading that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from plcli.comments import schema_of
from plcli.documents import Document, Format, parse
from plcli.inplace import amend
from plcli.media import Json
from plcli.plaintext import harmless
from plcli.schemalines import line_for
from plcli.specs import RequestSpec
from plcli.workspace import Workspace
from plcli.writing import Rewritten, rewrite

HEADING = "# opened from "
"""How the comment begins that says what a spec is of."""


class Headed(NamedTuple):
    """A text with its heading, and the line of that; empty in a format that has no comments."""

    text: str
    line: str


def text_of(
    workspace: Workspace,
    file: Path | None,
    format: Format,
    value: dict[str, Json],
    old: Document | None,
    *,
    moved: bool,
) -> Rewritten:
    """The text of a request, with the comments of the `old` one as far as they stay.

    `file` is where it will stand (None: nowhere, as seen from the current folder), `moved` says that the old one
    stands in another folder. Raises `SpecError` for what the format cannot hold.
    """
    schema = line_for(workspace, file or workspace.start / f"-.{format}", "request")
    if old is None:
        made = rewrite(parse(json.dumps(value), file="-", format="json"), format)
        return Rewritten(schema + made.text, ())
    value = _in_place(value, old.value)
    if old.format != format:
        made = rewrite(replace(old, value=value), format)
    elif value == old.value:
        made = Rewritten(old.text.decode("utf-8-sig"), ())
    else:
        made = amend(old, value)
    if not moved:
        return made
    first, end, rest = made.text.partition("\n")
    return made._replace(text=schema + rest) if end and schema_of(first.rstrip(), format) is not None else made


def headed(text: str, words: str, format: Format) -> Headed:
    """The text with a heading of these words, which anyone may have written, in the place of an earlier one."""
    if format == "json":
        return Headed(text, "")
    heading = harmless(HEADING + words, multiline=False)
    lines = text.splitlines(keepends=True)
    at = 1 if lines and schema_of(lines[0].rstrip(), format) is not None else 0
    more = at + 1 if lines[at:] and lines[at].startswith(HEADING) else at
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    return Headed("".join((*lines[:at], heading + end, *lines[more:])), heading)


def _in_place(value: dict[str, Json], old: Mapping[str, Json]) -> dict[str, Json]:
    """The value with keys that are new where the format has them."""
    fields = list(RequestSpec.model_fields)
    made = [name for name in old if name in value]
    for name in (name for name in value if name not in old and name in fields):
        behind = (n for n, other in enumerate(made) if other in fields and fields.index(other) > fields.index(name))
        made.insert(next(behind, len(made)), name)
    return {name: value[name] for name in [*made, *(name for name in value if name not in made)]}
