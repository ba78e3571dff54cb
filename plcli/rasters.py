"""Raster pictures by their headers: size, frames, and whether they are whole.

Nothing is decoded, so that the work grows with the bytes alone, whatever size they claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from struct import error as TooShort
from struct import unpack_from
from zlib import crc32

MOST_PIXELS = 40_000_000
"""Pixels up to which a picture is drawn; decoders fill up to 20 bytes for each."""

MOST_PIECES = 1_000_000
"""Chunks, segments or blocks of a picture that are looked at; real ones of 64 MB have a quarter of these."""

MOST_SCANS = 100
"""Passes over all pixels of which a JPEG may be made; encoders make a dozen, and each is a few bytes at least."""

_CUT_OFF = "it is cut off"
_DAMAGED = "it is damaged"
_TOO_MANY = "it is made of too many pieces"


@dataclass(slots=True)
class Raster:
    """What is found in the bytes of a picture: size in pixels, frames, and a fault as a short sentence.

    What is not found is None; frames are None where there are several, uncounted.
    """

    width: int | None = None
    height: int | None = None
    frames: int | None = 1
    fault: str | None = None

    def found(self, width: int, height: int) -> None:
        """Take a size. A picture can be larger than its first header says, so the largest of each side counts."""
        self.width, self.height = max(width, self.width or 0), max(height, self.height or 0)


class _Broken(ValueError):
    """The bytes are not those of a whole picture; its text is the fault."""


def raster(data: bytes, mime: str) -> Raster | None:
    """What a picture of that type is; None for a type that is no raster picture, or not known. Never raises."""
    reader = _READERS.get(mime)
    if reader is None:
        return None
    seen = Raster()
    try:
        reader(data, seen)
    except _Broken as broken:
        seen.fault = str(broken)
    except TooShort:
        seen.fault = _CUT_OFF
    else:
        seen.fault = _unfit(seen.width or 0, seen.height or 0)
    return seen


def _unfit(width: int, height: int) -> str | None:
    if not width or not height:
        return "it has no pixels"
    return f"it has {width:,} × {height:,} pixels" if width * height > MOST_PIXELS else None


def _pieces() -> Iterator[None]:
    """As many turns as pieces are looked at; then `_Broken`."""
    for _ in range(MOST_PIECES):
        yield
    raise _Broken(_TOO_MANY)


def _png(data: bytes, seen: Raster) -> None:
    at, kind, drawn, frames = 8, b"", False, 0
    for _ in _pieces():
        first = not kind
        length, kind = unpack_from(">I4s", data, at)
        (checksum,) = unpack_from(">I", data, at + 8 + length)
        # Small letters mark what a reader may skip.
        if kind[:1].isupper() and checksum != crc32(memoryview(data)[at + 4 : at + 8 + length]):
            raise _Broken(_DAMAGED)
        if first and (kind != b"IHDR" or length != 13):
            raise _Broken(_DAMAGED)
        if kind == b"IHDR":
            seen.found(*unpack_from(">II", data, at + 8))
        elif kind == b"fcTL":
            frames += 1
        elif kind == b"IEND":
            break
        drawn = drawn or kind == b"IDAT"
        at += 12 + length
    if not drawn:
        raise _Broken(_DAMAGED)
    seen.frames = frames or 1


_JPEG_MARKER = rb"\xff[^\x00\xff\xd0-\xd7]"
"""Within pixels 0xff is followed by 0x00, or by the number of a restart."""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes, seen: Raster) -> None:
    marker = re.compile(_JPEG_MARKER, re.DOTALL)
    at, scans = 2, 0
    for _ in _pieces():
        match = marker.search(data, at)
        if match is None:
            raise _Broken(_CUT_OFF)
        at, kind = match.end(), data[match.end() - 1]
        if kind == 0xD9:
            break
        if kind in (0x01, 0xD8):
            continue
        (length,) = unpack_from(">H", data, at)
        if length < 2:
            raise _Broken(_DAMAGED)
        if kind in _JPEG_SIZES:
            height, width = unpack_from(">HH", data, at + 3)
            seen.found(width, height)
        scans += kind == 0xDA
        if scans > MOST_SCANS:
            raise _Broken(_TOO_MANY)
        at += length
    if not scans:
        raise _Broken(_DAMAGED)


def _gif(data: bytes, seen: Raster) -> None:
    width, height, flags = unpack_from("<HHB", data, 6)
    seen.found(width, height)
    pieces = _pieces()
    at, frames = 13 + _gif_colours(flags), 0
    for _ in pieces:
        (kind,) = unpack_from("B", data, at)
        if kind == 0x3B:
            break
        if kind == 0x2C:
            left, top, width, height, flags = unpack_from("<HHHHB", data, at + 1)
            seen.found(left + width, top + height)
            frames += 1
            at += 11 + _gif_colours(flags)
        elif kind == 0x21:
            at += 2
        else:
            raise _Broken(_DAMAGED)
        for _ in pieces:
            (length,) = unpack_from("B", data, at)
            at += 1 + length
            if not length:
                break
    if not frames:
        raise _Broken(_DAMAGED)
    seen.frames = frames


def _gif_colours(flags: int) -> int:
    """Bytes of the table of colours that follows."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes, seen: Raster) -> None:
    end = 8 + unpack_from("<I", data, 4)[0]
    at, stills, frames = 12, 0, 0
    for _ in _pieces():
        if at >= end:
            break
        kind, size = unpack_from("<4sI", data, at)
        if kind == b"VP8 ":
            stills += 1
            seen.found(*(side & 0x3FFF for side in unpack_from("<HH", data, at + 14)))
        elif kind == b"VP8L":
            stills += 1
            (bits,) = unpack_from("<I", data, at + 9)
            seen.found((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif kind == b"VP8X":
            seen.found(*(1 + side for side in _int24s(data, at + 12, 2)))
        elif kind == b"ANMF":
            frames += 1
            left, top, width, height = _int24s(data, at + 8, 4)
            seen.found(2 * left + width + 1, 2 * top + height + 1)
        at += 8 + size + size % 2
    # The last chunk may lack the byte that makes its length even.
    if end > len(data) or at > end + 1:
        raise _Broken(_CUT_OFF)
    if not (stills or frames):
        raise _Broken(_DAMAGED)
    seen.frames = frames or 1


def _int24s(data: bytes, at: int, count: int) -> list[int]:
    halves = unpack_from("<" + count * "HB", data, at)
    return [low | high << 16 for low, high in zip(halves[::2], halves[1::2], strict=True)]


def _heif(data: bytes, seen: Raster) -> None:
    drawn = False
    pieces = _pieces()
    for kind, start, stop in _boxes(data, 0, len(data), pieces):
        if kind == b"meta":
            for size in _inside(data, start + 4, stop, (b"iprp", b"ipco", b"ispe"), pieces):
                seen.found(*unpack_from(">II", data, size + 4))
        drawn = drawn or kind == b"mdat"
    if not drawn:
        raise _Broken(_CUT_OFF)
    if data[8:12] == b"avis":
        seen.frames = None


def _boxes(data: bytes, at: int, end: int, pieces: Iterator[None]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: kind, and where the content starts and stops."""
    for _ in pieces:
        if at >= end:
            return
        size, kind = unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,), head = unpack_from(">Q", data, at + 8), 16
        elif size == 0:
            size = end - at
        if size < head:
            raise _Broken(_DAMAGED)
        if size > end - at:
            raise _Broken(_CUT_OFF)
        yield kind, at + head, at + size
        at += size


def _inside(data: bytes, start: int, stop: int, path: Sequence[bytes], pieces: Iterator[None]) -> Iterator[int]:
    """Where the contents of the boxes at a path of kinds start."""
    for kind, inner, end in _boxes(data, start, stop, pieces):
        if kind != path[0]:
            continue
        if path[1:]:
            yield from _inside(data, inner, end, path[1:], pieces)
        else:
            yield inner


def _bmp(data: bytes, seen: Raster) -> None:
    end, header = unpack_from("<I8xI", data, 2)
    width, height = unpack_from("<HH" if header == 12 else "<ii", data, 18)
    # A negative height says that the rows stand from top to bottom.
    seen.found(width, abs(height))
    if end > len(data):
        raise _Broken(_CUT_OFF)


_READERS: dict[str, Callable[[bytes, Raster], None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/avif": _heif,
    "image/heic": _heif,
    "image/bmp": _bmp,
}
