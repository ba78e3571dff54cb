"""What bytes are, as their first ones show."""

from __future__ import annotations

import re

UNKNOWN = "application/octet-stream"
"""The mime type of bytes that show none."""

_HEAD = 64 * 1024
"""Bytes that `sniff` looks at; a drawing may begin with a long comment."""

# Text, which is compiled when bytes are looked at: most commands never do.
_COMMENTS = rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->)*+"
_PROLOG = rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->|<\?.*?\?>|<!DOCTYPE\s+(?:[\w.-]+:)?svg\b[^>\[]*(?:\[.*?\]\s*)?>)*+"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBP", "image/webp"),
    (rb".{4}ftyp(?:.{4}){0,16}?avi[fs]", "image/avif"),
    (rb".{4}ftyp(?:.{4}){0,16}?he(?:ic|ix|vc|vx)", "image/heic"),
    (rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", "image/bmp"),
    (_PROLOG + rb"<(?:[\w.-]+:)?svg[\s/>]", "image/svg+xml"),
    (_COMMENTS + rb"<(?i:!doctype\s+html|html)\b", "text/html"),
    (rb"%PDF-", "application/pdf"),
    (rb"ID3", "audio/mpeg"),
    (rb"OggS", "audio/ogg"),
    (rb"RIFF.{4}WAVE", "audio/wav"),
)


def sniff(data: bytes) -> str:
    """The mime type that the first bytes show; `UNKNOWN` when they show none."""
    shown = (mime for signature, mime in _SIGNATURES if re.compile(signature, re.DOTALL).match(data, 0, _HEAD))
    return next(shown, UNKNOWN)
