"""Results of tools as they are kept: media taken out, and the parts that a result may consist of made sound."""

from __future__ import annotations

from pathlib import Path, PurePath

from plcli.fence import MEDIA_LIMIT, BadReference, is_path
from plcli.media import Json, Media, MediaRef, lift
from plcli.sources import Medium, in_file, stated
from plcli.spelling import did_you_mean
from plcli.workspace import Workspace

PARTS = {"text": ("text",), "image": ("source",), "file": ("source", "filename")}
"""The keys of each type of part; the first is needed, and every key holds text."""

_SHAPE = (
    "a result whose only key is `content` holds parts: "
    "{type: text, text}, {type: image, source} or {type: file, source, filename}"
)


class BadResult(ValueError):
    """A result cannot be handed on; the message says what is wrong with it, and what to do."""


def taken(workspace: Workspace, result: Json, base: Path | None) -> tuple[Json, Media]:
    """A result with its media by reference, and their bytes.

    `{"content": [part, …]}` holds parts; a `source` of theirs is a path from the folder `base`, inside the
    workspace (without a base no path is taken), a data URL or an https URL. Any other result is plain JSON, in
    which only a wire's media are lifted. Raises `BadResult`.
    """
    parts = _written_parts(result)
    if not parts:
        try:
            return lift(result)
        except ValueError as error:
            raise BadResult(f"the result has {error}") from None
    media: Media = {}
    made = []
    for index, part in enumerate(parts):
        try:
            kept, found = _part(workspace, part, base)
        except BadReference as error:
            raise BadResult(f"content[{index}]: {error.message}{f'; {error.hint}' if error.hint else ''}") from None
        media |= found
        made.append(kept)
        if sum(map(len, media.values())) > MEDIA_LIMIT:
            raise BadResult(f"the pictures and files of the result are larger than {MEDIA_LIMIT // 1024 // 1024} MB")
    return {"content": made}, media


def _written_parts(result: Json) -> list[dict[str, Json]]:
    """The parts of a result that is meant to consist of some: objects of which at least one says its type."""
    match result:
        case {"content": [_, *_] as items, **rest} if not rest and all(isinstance(item, dict) for item in items):
            return items if any(isinstance(item.get("type"), str) for item in items) else []
    return []


def _part(workspace: Workspace, part: dict[str, Json], base: Path | None) -> tuple[dict[str, Json], Media]:
    """A part with its source by reference. Raises `BadReference`."""
    kind = part.get("type")
    keys = PARTS.get(kind) if isinstance(kind, str) else None
    if keys is None:
        meant = did_you_mean(kind, PARTS) if isinstance(kind, str) else None
        message = f"no part has the type {kind[:60]!r}" if isinstance(kind, str) else "the part has no type"
        raise BadReference(message, hint=f"did you mean {meant!r}?" if meant else _SHAPE)
    for key, value in part.items():
        if key not in ("type", *keys):
            raise BadReference(f"unknown key {key[:60]!r} of a part", hint=f"type: {kind} takes {', '.join(keys)}")
        if not isinstance(value, str):
            raise BadReference(f"{key} is no text", hint=_SHAPE)
    if keys[0] not in part:
        raise BadReference(f"the part has no {keys[0]}", hint=_SHAPE)
    if kind == "text":
        return part, {}
    medium = _medium(workspace, part["source"], base)
    if kind == "image" and isinstance(medium.source, MediaRef) and not medium.source.mime.startswith("image/"):
        raise BadReference(f"the source is no picture, but {medium.source.mime}", hint="write type: file")
    named = {"filename": PurePath(part["source"]).name} if kind == "file" and is_path(part["source"]) else {}
    return {**named, **part, "source": medium.source}, medium.media


def _medium(workspace: Workspace, source: str, base: Path | None) -> Medium:
    medium = stated(source)
    if medium is not None:
        return medium
    if base is None:
        raise BadReference("a server of MCP cannot name files of the workspace")
    # The fence takes the file that a path stands in, of which only the folder counts.
    return in_file(workspace.read(source, base / "result", MEDIA_LIMIT), "data-url")
