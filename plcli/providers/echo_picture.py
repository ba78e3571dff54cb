"""The picture that echo draws: a pattern of squares, the same for the same words."""

from __future__ import annotations

import hashlib
import struct
import zlib

SQUARES = 6
"""Squares in a row; the right half mirrors the left one."""

SIDE = 32
"""Pixels of a square's side."""


def draw(words: str) -> bytes:
    """A small PNG."""
    seed = hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()
    half = SQUARES // 2
    left = [[seed[8 + y * half + x] % 2 for x in range(half)] for y in range(SQUARES)]
    # One bit for each pixel: a square is some bytes of all ones or all zeros.
    rows = [b"".join(bytes([255 * on]) * (SIDE // 8) for on in (*row, *reversed(row))) for row in left]
    pixels = b"".join(b"\0" + row for row in rows for _ in range(SIDE))
    width = SQUARES * SIDE
    dark = bytes(byte // 2 for byte in seed[:3])
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, width, 1, 3, 0, 0, 0)),
            (b"PLTE", b"\xf4\xf1\xea" + dark),
            (b"IDAT", zlib.compress(pixels, 9)),
            (b"IEND", b""),
        )
    )
