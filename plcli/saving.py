"""A conversation written into a new request spec."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from plcli import disk
from plcli.documents import FORMATS, parse
from plcli.errors import SpecError, UsageError
from plcli.media import MediaMissing, MediaRef, digest_of
from plcli.respec import respec
from plcli.schemalines import line_for
from plcli.talk import Talk
from plcli.workspace import Workspace
from plcli.writing import rewrite

NAME = "chat"
"""What a conversation is called that nobody has named."""


def save(talk: Talk, asked: str) -> str:
    """Write all that was said and answered as a request spec; gives the name of the file.

    `asked` is a path, the name of a request, or empty. Raises `UsageError` where the file is there or cannot be
    written, also for what no file can hold.
    """
    workspace = talk.running.session.workspace
    path = _path(workspace, asked)
    shown = workspace.label(path)
    resolved = talk.standing_request()
    files = _files(workspace, talk)

    def source_of(ref: MediaRef) -> str | None:
        found = files.get(ref.digest)
        return os.path.relpath(found, path.parent) if found else None

    try:
        value = respec(workspace, resolved.request, resolved.model, read=talk.read, source_of=source_of, file=path)
        document = parse(json.dumps(value), file=shown, format="json")
        text = line_for(workspace, path, "request") + rewrite(document, FORMATS[path.suffix.lower()]).text
    except MediaMissing as error:
        raise UsageError(f"{shown} cannot be written: {error.digest} is gone", hint="/undo its turn") from None
    except SpecError as error:
        # Its places are those of a text that nobody sees.
        first = error.problems[0]
        where = f" (at {first.path})" if first.path else ""
        raise UsageError(f"{shown} cannot be written: {first.message}{where}", hint=first.hint) from None
    try:
        disk.make_folder(path.parent)
        disk.create(path, text.encode())
    except FileExistsError:
        raise _taken(shown) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file can have this name"
        raise UsageError(f"{shown} cannot be written: {reason.lower()}", hint="name another file: /save PATH") from None
    return shown


def _path(workspace: Workspace, asked: str) -> Path:
    """The new file that is asked for: a path, or a name in the folder of requests."""
    folder = workspace.folder("request")
    if not asked:
        names = (f"{NAME}-{n}" if n > 1 else NAME for n in count(1))
        return folder / f"{next(name for name in names if not _there(folder / name))}.yaml"
    named = not os.path.dirname(asked) and not Path(asked).suffix
    path = Path(os.path.abspath((folder if named else workspace.start) / asked))
    if path.suffix.lower() not in FORMATS:
        path = path.with_name(f"{path.name}.yaml")
    if _there(path.with_suffix("")):
        raise _taken(workspace.label(path))
    return path


def _there(stem: Path) -> bool:
    """Whether there is a spec of that name, in any format."""
    return any(os.path.lexists(stem.with_name(f"{stem.name}{suffix}")) for suffix in FORMATS)


def _taken(shown: str) -> UsageError:
    return UsageError(f"{shown} is there already", hint="name another file: /save PATH")


def _files(workspace: Workspace, talk: Talk) -> Mapping[str, Path]:
    """The files of the workspace that the conversation began with, by the digests of their bytes."""
    sources = talk.standings[0].resolved.sources
    return {digest_of(source.data): workspace.root / source.path for source in sources if source.path != "-"}
