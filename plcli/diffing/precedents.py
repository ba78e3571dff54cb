"""A request of then, as far as it tells why today's is another: its variables, its options, the bytes of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from plcli import __version__
from plcli.errors import LogError
from plcli.media import Json, MediaMissing, digest_of
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.resolve import Resolved


class Precedent(NamedTuple):
    """A request of then. `spec` names its spec among its files, `model` is as a person names it; `overrides` are as a
    record keeps them.

    `bytes_of` gives the bytes that a file had (None: not known); it is told the bytes of today too. `plcli` is the
    version that made the request.
    """

    plcli: str
    spec: str | None
    model: str
    variables: Mapping[str, Json]
    overrides: Mapping[str, Json]
    bytes_of: Callable[[str, bytes], bytes | None]


def of_run(record: Record, store: MediaStore) -> Precedent:
    """The request of a logged run, whose files the store keeps."""
    sources = {source.path: source for source in record.sources or ()}

    def bytes_of(path: str, today: bytes) -> bytes | None:
        source = sources.get(path)
        if source is None or source.sha256 == digest_of(today):
            return None if source is None else today
        try:
            return store.get(source.kept or source.sha256)
        except (LogError, MediaMissing):
            return None

    spec = record.spec.path if record.spec is not None else None
    return Precedent(record.plcli, spec, record.model_name, record.variables or {}, record.overrides or {}, bytes_of)


def of_plan(plan: Resolved) -> Precedent:
    """A request that was made of a spec."""
    files = {source.path: source.data for source in plan.sources}
    overrides = plan.overrides.record() or {}
    known = plan.model_name, plan.variables, overrides
    return Precedent(__version__, spec_path(plan), *known, lambda path, today: files.get(path))


def spec_path(plan: Resolved) -> str | None:
    """What records name the file of the spec of a request; None for a prompt of the command line."""
    if plan.document is None or plan.file is None:
        return "-" if plan.document is not None and plan.document.file == "-" else None
    return source_path(plan, plan.file)


def source_path(plan: Resolved, file: Path) -> str | None:
    """What records name a file that a request was made of: by its path from the workspace, or all of it."""
    path = file.as_posix()
    named = [one.path for one in plan.sources if path == one.path or f"/{path}".endswith(f"/{one.path}")]
    return max(named, key=len, default=None)
