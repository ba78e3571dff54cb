"""The line of a new spec file that names its schema to editors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from plcli import git
from plcli.comments import comments, schema_line, schema_of
from plcli.documents import FORMATS, Document
from plcli.schemas import file_name
from plcli.workspace import Workspace


def line_for(workspace: Workspace, path: Path, kind: Literal["request", "tool"], old: Document | None = None) -> str:
    """The line with its end: the old one, else where the workspace or its repository has the schema; else empty."""
    if old is not None and (said := [comment for comment in comments(old) if schema_of(comment, old.format)]):
        return f"{said[0]}\n"
    roots = [workspace.root, *filter(None, [git.root(workspace.root)])]
    schemas = (root / "schemas" / file_name(kind) for root in roots if path.is_relative_to(root))
    schema = next((schema for schema in schemas if os.path.isfile(schema)), None)
    if schema is None:
        return ""
    line = schema_line(Path(os.path.relpath(schema, path.parent)).as_posix(), FORMATS[path.suffix.lower()])
    return f"{line}\n" if line else ""
