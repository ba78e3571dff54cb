"""The extensions of files whose bytes are known by their mime type alone."""

from __future__ import annotations

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/bmp": "bmp",
    "application/pdf": "pdf",
    "application/json": "json",
    "application/yaml": "yaml",
    "application/toml": "toml",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/x-python": "py",
}
"""By mime type, without the dot."""

OTHER = "bin"


def extension(mime: str) -> str:
    """The extension of a file of that type, without the dot; `bin` for a type that plcli does not name."""
    return EXTENSIONS.get(mime, OTHER)
