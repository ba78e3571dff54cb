"""Drawings in SVG: their size, and what they would have a viewer do beside drawing.

What is found is told, and nothing more: whoever shows a drawing of strangers must run and load nothing of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

MOST_BYTES = 8 * 1024 * 1024
"""Bytes up to which a drawing is read; above it nothing but its type is known."""

# Text, which is compiled when a drawing is looked at: most commands never do.
_INSIDE = rb"#|data:(?:image|font)/"
_DECLARES = "it holds declarations"
_ACTIONS = (
    (rb"<(?:[\w.-]+:)?script\b|\son[a-z]+\s*=|javascript:", "it holds scripts"),
    (rb"<(?:[\w.-]+:)?foreignObject\b", "it holds a web page"),
    (
        rb"\b(?:href|src)\s*=\s*[\"']\s*+(?!%b|[\"'])|\burl\(\s*+[\"']?+\s*+(?!%b)|@import\b|<\?xml-stylesheet\b"
        % (_INSIDE, _INSIDE),
        "it refers to other files",
    ),
    (rb"<!(?:ENTITY|ATTLIST)\b", _DECLARES),
)
_LENGTH = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?:px)?"
_BOX = r"[\s,]+".join([r"[+-]?[0-9.]{1,20}"] * 2 + [r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"] * 2)


class Vector(NamedTuple):
    """Width and height in pixels, where they are told as plain numbers, and faults as short sentences."""

    width: int | None
    height: int | None
    faults: tuple[str, ...]


def vector(data: bytes) -> Vector:
    """What an SVG is. Never raises."""
    if len(data) > MOST_BYTES:
        return Vector(None, None, ("it is too large to be looked through",))
    faults = tuple(fault for pattern, fault in _ACTIONS if re.search(pattern, data, re.IGNORECASE))
    if _DECLARES in faults:
        # A few lines of these are enough to fill any memory, or to take any time.
        return Vector(None, None, faults)
    root, fault = _root(data)
    return Vector(*_size(root), (fault, *faults) if fault else faults)


def _root(data: bytes) -> tuple[dict[str, str], str | None]:
    """The attributes of the outermost element, and what is wrong with the XML."""
    attributes: dict[str, str] = {}
    parser = expat.ParserCreate()

    def start(name: str, found: dict[str, str]) -> None:
        attributes.update(found)
        parser.StartElementHandler = None

    parser.StartElementHandler = start
    try:
        parser.Parse(data, False)
    except (expat.ExpatError, LookupError, ValueError):
        return attributes, "it is no sound XML"
    try:
        parser.Parse(b"", True)
    except expat.ExpatError:
        return attributes, "it is cut off"
    return attributes, None


def _size(root: dict[str, str]) -> tuple[int | None, int | None]:
    sides = [re.fullmatch(_LENGTH, root.get(name, "").strip()) for name in ("width", "height")]
    box = re.fullmatch(_BOX, root.get("viewBox", "").strip())
    if None in sides:
        return (round(float(box[1])), round(float(box[2]))) if box else (None, None)
    width, height = (round(float(side[1])) for side in sides if side)
    return width, height
