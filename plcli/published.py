"""The schemas as files, for editors: those of the spec formats, and that of the run log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plcli.media import Json
from plcli.records import Note, Record
from plcli.schemas import file_name, schema, schema_of

COMMITTED = ("request", "tool", "model", "workspace", "record")
"""The schemas that are kept as files."""

NAMES = (*COMMITTED, "stubs")
"""Every schema that there is."""

_LINE = Annotated[Record | Note, Field(description="One line of the run log: a run, or a note on one.")]


def published(name: str) -> dict[str, Json]:
    """One of `NAMES` as JSON Schema 2020-12."""
    return schema_of(_LINE, file_name(name)) if name == "record" else schema(name)


def text(name: str) -> str:
    """A schema as the text of its file."""
    return json.dumps(published(name), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[str]:
    """Write the committed schemas into a folder; gives the names of those that changed."""
    changed = stale(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (folder / file_name(name)).write_text(text(name), encoding="utf-8", newline="\n")
    return changed


def stale(folder: Path) -> list[str]:
    """The names of the committed schemas whose file is absent or says something else."""
    return [name for name in COMMITTED if _read(folder / file_name(name)) != text(name)]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
