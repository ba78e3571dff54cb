"""The pictures of a page: each is held by the page once, as a data URL, however often it is shown."""

from __future__ import annotations

import base64
import re
from itertools import islice
from typing import NamedTuple

from plcli.errors import LogError
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.pixels import look
from plcli.render.picturefacts import PictureFacts, kind_of, weight

_SVG = "image/svg+xml"
_SVG_LIMIT = 500_000
_LABOUR = re.compile(
    rb"<(?:[\w.-]+:)?(?:use|pattern|marker)\b|\b(?:filter|shadow)\b|data:image/svg|[\\]|&#"
    rb"|<(?:[\w.-]+:)?style\b(?![^<>]*+>\s*+(?:<!\[CDATA\[)?(?:[\w\s.#,*/-]*+\{[^]<>{}]*+\})*+\s*+(?:\]\]>\s*+)?</)",
    re.IGNORECASE,
)
"""With what a few lines of a drawing may keep a browser busy without end, and spellings that hide it.

Of style sheets pass those that consist of plain rules.
"""

_CUT = re.compile(rb"(?:mask|clip-path)[a-z-]{0,20}\s*+[=:/]", re.IGNORECASE)
"""The use of a mask or a clip path, which may hold shapes that use others."""

_MOST_CUTS = 8
_SHEET = re.compile(rb"<(?:[\w.-]+:)?style\b", re.IGNORECASE)


class Figure(NamedTuple):
    """A picture as the page shows it.

    `anchor` names the place of its bytes on the page. `source` is the data URL where they stand here, and None
    where they stand at the anchor already (`again`) or are not drawn, which `notes` explain. `width` and `height`
    are pixels. `facts` are those of a picture that a run made.
    """

    anchor: str
    source: str | None
    again: bool
    alt: str
    kind: str
    notes: tuple[str, ...]
    file: str | None = None
    size: str | None = None
    width: int | None = None
    height: int | None = None
    facts: PictureFacts | None = None

    @property
    def drawn(self) -> bool:
        """Whether there is something to see."""
        return self.source is not None or self.again


class Figures:
    """Makes the figures of one page; remembers which bytes it holds already."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._held: dict[str, Figure] = {}

    def figure(self, digest: str, mime: str | None, alt: str, facts: PictureFacts | None = None) -> Figure:
        """The figure of some bytes; `mime` is what they are said to be, `alt` what stands for them in words."""
        made = self._held.get(digest)
        if made is None:
            made = self._made(digest, mime, alt)
            self._held[digest] = made._replace(source=None, again=made.drawn)
        faults = facts.faults if facts else ()
        return made._replace(alt=alt, facts=facts, notes=tuple(dict.fromkeys((*made.notes, *faults))))

    def absent(self, alt: str, notes: tuple[str, ...], facts: PictureFacts | None = None) -> Figure:
        """The figure of a picture without bytes."""
        return Figure("", None, False, alt, "picture", notes, facts=facts)

    def _made(self, digest: str, mime: str | None, alt: str) -> Figure:
        anchor = f"media-{digest.removeprefix('sha256:')[:16]}"
        kind = kind_of(mime) or "unknown type"
        try:
            path, data = self._store.path(digest), self._store.get(digest)
        except MediaMissing:
            return Figure(anchor, None, False, alt, kind, ("its bytes are not in the media store",), digest)
        except LogError as error:
            return Figure(anchor, None, False, alt, kind, (error.message,), digest)
        seen = look(data, mime)
        drawn = seen.drawable or (seen.mime == _SVG and _is_quiet(data))
        return Figure(
            anchor,
            f"data:{seen.mime};base64,{base64.b64encode(data).decode('ascii')}" if drawn else None,
            False,
            alt,
            kind_of(seen.mime) or kind,
            seen.faults if drawn else (*seen.faults, "it is not drawn here"),
            path.name if path else None,
            weight(len(data)),
            seen.width,
            seen.height,
        )


def _is_quiet(drawing: bytes) -> bool:
    """Whether an SVG is sound, and does nothing but draw; its label does not count."""
    if len(drawing) > _SVG_LIMIT or _LABOUR.search(drawing):
        return False
    # One rule of a style sheet holds for any number of shapes.
    most = 0 if _SHEET.search(drawing) else _MOST_CUTS
    return sum(1 for _ in islice(_CUT.finditer(drawing), most + 1)) <= most and not look(drawing).faults
