"""What the bytes of a picture are, whoever says what: type, size and frames, and what is wrong with them.

Pictures come from strangers: nothing is decoded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plcli.rasters import raster
from plcli.signatures import UNKNOWN, sniff
from plcli.vectors import vector

_SVG = "image/svg+xml"
_UNTOLD = (UNKNOWN, "binary/octet-stream")
_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/heif": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "image/svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What bytes show: their mime type, width and height in pixels, frames, and faults as short sentences.

    What they do not tell is None. `drawable` is a complete raster picture of a size that can be decoded, however
    it is labelled; an SVG is none.
    """

    mime: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    faults: tuple[str, ...] = ()
    drawable: bool = False


def look(data: bytes, label: str | None = None) -> Look:
    """What these bytes are; `label` is the mime type that somebody says they have. Never raises."""
    mime = sniff(data)
    if not data:
        return Look(mime, faults=("it is empty",))
    stated = _stated(label)
    faults: tuple[str, ...] = ()
    if stated not in (None, mime):
        faults = (f"it is labelled {stated}, but it is {mime}",)
    if mime == _SVG:
        width, height, more = vector(data)
        return Look(mime, width, height, 1, faults + more)
    seen = raster(data, mime)
    if seen is None:
        return Look(mime, faults=(_no_picture(mime, stated),))
    if seen.fault is not None:
        faults += (seen.fault,)
    return Look(mime, seen.width, seen.height, seen.frames, faults, drawable=seen.fault is None)


def _stated(label: str | None) -> str | None:
    """A label in its one spelling; None where it says nothing."""
    match = re.match(r"\s*([\w.+-]{1,40}/[\w.+-]{1,60})\s*(?:;|\Z)", label or "", re.ASCII)
    mime = match[1].lower() if match else _UNTOLD[0]
    return None if mime in _UNTOLD else _SPELLINGS.get(mime, mime)


def _no_picture(mime: str, stated: str | None) -> str:
    other = next((each for each in (mime, stated) if each not in (None, _UNTOLD[0])), None)
    if other is None or other.startswith("image/"):
        return "its bytes are those of no known picture"
    return f"it is no picture ({other})"
