"""Small pictures for tests: PNG written here in any size and colour, the other formats as they were encoded once.

The constant ones are 8 by 8 pixels of the same red as a plain `png()`.
"""

from __future__ import annotations

import base64
import struct
import zlib

RED = (200, 30, 30)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="#c81e1e"/></svg>'

_JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1x"
    "eXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/"
    "wAARCAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAA"
    "AAAAAAb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCOACqH/9k="
)
_WEBP = "UklGRh4AAABXRUJQVlA4TBEAAAAvB8ABAAdQjyLXo/+BiOh/AAA="
_GIF = "R0lGODdhCAAIAIEAAMgeHgAAAAAAAAAAACwAAAAACAAIAAAIDwABCBxIsKDBgwgTKkwYEAA7"
_TWO_FRAMES = (
    "R0lGODlhCAAIAIEAAMgeHgAAAAAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAh+QQAFAAAACwAAAAACAAIAAAIDwABCBxIsKDBgwgTKkwYEAAh"
    "+QQBFAABACwAAAAACAAIAIEeHsgAAAAAAAAAAAAIDwABCBxIsKDBgwgTKkwYEAA7"
)


def png(width: int = 8, height: int = 8, colour: tuple[int, int, int] = RED, alpha: int | None = None) -> bytes:
    """A PNG of one colour, sizes in pixels; with `alpha` (0 to 255) it has that channel too."""
    pixel = bytes((*colour, alpha) if alpha is not None else colour)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if alpha is None else 6, 0, 0, 0)
    rows = zlib.compress((b"\0" + pixel * width) * height, 9)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def jpeg() -> bytes:
    """A baseline JPEG."""
    return base64.b64decode(_JPEG)


def webp() -> bytes:
    """A lossless WebP."""
    return base64.b64decode(_WEBP)


def gif(frames: int = 1) -> bytes:
    """A GIF of one frame, or of two, red and blue, of 0.2 s each."""
    return base64.b64decode({1: _GIF, 2: _TWO_FRAMES}[frames])


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
