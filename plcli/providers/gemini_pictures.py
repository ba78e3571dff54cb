"""Pictures inside answers of Gemini: bytes in a part, or the address of a file."""

from __future__ import annotations

from collections.abc import Mapping

from plcli.media import Json, MediaRef
from plcli.providers.reading import table, words
from plcli.response import ImagePart


def picture_of(part: Mapping[str, Json]) -> ImagePart | None:
    """The picture of a part; None for a part without one, and for one of the thoughts, which is a draft."""
    blob = table(part.get("inlineData", part.get("inline_data")))
    file = table(part.get("fileData", part.get("file_data")))
    mime = _said(blob or file, "mimeType", "mime_type")
    data, address = blob.get("data"), None if blob else _said(file, "fileUri", "file_uri")
    found = address or (isinstance(data, str | MediaRef) and data)
    if not found or part.get("thought") is True or mime is None or not mime.startswith("image/"):
        return None
    return ImagePart(media=data.digest if isinstance(data, MediaRef) else None, mime=mime, url=address)


def _said(fields: Mapping[str, Json], name: str, snake: str) -> str | None:
    return words(fields.get(name, fields.get(snake)))
