"""What a `source` stands for: the bytes of a data URL or of a file, by reference, or an https URL."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, NamedTuple

from plcli.fence import BadReference, Opened, is_path
from plcli.media import Media, MediaRef, digest_of, lift
from plcli.signatures import sniff

MIME_OF_SUFFIX = {
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
}
"""Mime types of files whose first bytes do not tell."""


class Medium(NamedTuple):
    """A reference with the bytes that it refers to, or an https URL with none."""

    source: MediaRef | str
    media: Media


def mime_of(name: str, data: bytes) -> str:
    """The type of a file, by its name or else its first bytes."""
    return MIME_OF_SUFFIX.get(PurePath(name).suffix.lower()) or sniff(data)


def stated(source: str) -> Medium | None:
    """What a data URL or an https URL stands for; None for a path, which somebody has to open.

    Raises `BadReference` for a data URL that is none, and for any other URL.
    """
    if source.startswith("data:"):
        ref, media = lift(source)
        if not isinstance(ref, MediaRef):
            raise BadReference("the data URL cannot be read", hint="write data:MIME;base64,…")
        return Medium(ref, media)
    if source.startswith("https://"):
        return Medium(source, {})
    if not is_path(source):
        raise BadReference(f"{source.split(':')[0]}: is no source", hint="use a path, an https URL or a data URL")
    return None


def in_file(opened: Opened, encoding: Literal["base64", "data-url"]) -> Medium:
    """What a file that was read stands for."""
    digest = digest_of(opened.data)
    return Medium(MediaRef(digest, mime_of(opened.path.name, opened.data), encoding), {digest: opened.data})
