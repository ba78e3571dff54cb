"""Show one picture of an answer: what is known of it, its file, and the picture itself where a terminal draws it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from plcli.brevity import cut
from plcli.errors import LogError
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.render.calls import near
from plcli.render.graphics import Undrawable, draw
from plcli.render.picturefacts import PictureFacts, facts, weight
from plcli.render.screen import Screen
from plcli.response import ImagePart

LONGEST = 2000
"""Characters that are shown of a revised prompt, unless more is asked for."""

_NAME = 9
"""Characters of the column of names, as in the facts of a run; long names of parameters make it wider."""

_LONGEST_NAME = 24
"""Characters that are shown of the name of a parameter."""

_VALUE = 40
"""Characters that are shown of the value of a parameter; of an id, a model and an address ten times as many."""

_WIDEST, _NARROWEST = 90, 20
"""Columns between which values are wrapped."""

_Line = tuple[str, str, str | None]
"""A name, a value, and the style of the value."""


def show_picture(part: ImagePart, record: Record, store: MediaStore, screen: Screen) -> None:
    """The card of a picture; of one of several, what is the same as of the picture before is not said again."""
    path = store.path(part.media) if part.media else None
    known = facts(part, record)
    width = max((_NAME, *(len(_short(row.name, _LONGEST_NAME)) for row in known.parameters)))
    number, before = _place(part, record)
    if before is not None:
        screen.print("")
    told = set(_shared(before, screen)) if before is not None else set()
    shared = (line for block in _shared(known, screen) if block not in told for line in block)
    weight = _weight(path) if path else None
    for line in (
        _line("picture", number, known.way, known.call_id),
        *shared,
        _line("bytes", known.pixels and f"{known.pixels} pixels", known.kind, weight),
        _line("url", part.url),
    ):
        _show_line(line, width, screen)
    screen.write(screen.out, screen.styled(f"{'file':<{width}} ", "dim", screen.out) + _link(part, store, path, screen))
    if part.media is not None and path is not None and screen.shape == "card":
        _show_drawing(part.media, store, screen)


def image_line(image: ImagePart, store: MediaStore) -> str:
    """The file of a picture, or what is known of one whose bytes are not there."""
    path = store.path(image.media) if image.media else None
    return str(near(path)) if path else "a picture without its bytes"


def _place(part: ImagePart, record: Record) -> tuple[str | None, PictureFacts | None]:
    """`2 of 3`, where there are several pictures, and what is known of the one before."""
    pictures = [each for each in (record.response.parts if record.response else ()) if isinstance(each, ImagePart)]
    place = next(n for n, each in enumerate(pictures) if each is part)
    number = f"{place + 1} of {len(pictures)}" if len(pictures) > 1 else None
    return number, facts(pictures[place - 1], record) if place else None


def _shared(known: PictureFacts, screen: Screen) -> Iterator[tuple[_Line, ...]]:
    """What several pictures of one run have in common, mostly."""
    models = dict.fromkeys(filter(None, (known.requested_model, known.served_model)))
    yield (_line("model", " → ".join(models)),)
    if known.parameters:
        yield tuple(_table(known))
    prompt = known.revised_prompt
    if prompt is None:
        yield (("revised", "none given", "dim"),)
    else:
        yield (("revised", prompt if screen.verbose else cut(prompt, LONGEST), None),)


def _table(known: PictureFacts) -> Iterator[_Line]:
    """The parameters: what was asked, beside what was served where the provider tells."""
    rows = [(row.name, _short(row.asked), _short(row.served), row.differs) for row in known.parameters]
    width = max(len("asked"), *(len(asked) for _, asked, _, _ in rows))
    tells = any(served for _, _, served, _ in rows)
    yield "", f"{'asked':<{width}}  served" if tells else "asked (what was served is not told)", "dim"
    for name, asked, served, differs in rows:
        values = f"{asked:<{width}}  {served}".rstrip()
        yield _short(name, _LONGEST_NAME), values, "yellow" if differs else None


def _line(name: str, *values: str | None) -> _Line:
    return name, _short(" · ".join(filter(None, values)), 10 * _VALUE), None


def _short(value: str | None, most: int = _VALUE) -> str:
    return cut(" ".join((value or "").split()), most)


def _show_line(line: _Line, width: int, screen: Screen) -> None:
    """A line, if it has a value; what does not fit goes on below, beside the column of names."""
    name, value, style = line
    room = max(_NARROWEST, min(_WIDEST, screen.width - width - 1))
    shown = " ".join(screen.clean(value, screen.out).splitlines())
    for piece in textwrap.wrap(shown, room, break_long_words=False, break_on_hyphens=False):
        screen.print((f"{name:<{width}} ", "dim"), (piece, style) if style else piece)
        name = ""


def _link(part: ImagePart, store: MediaStore, path: Path | None, screen: Screen) -> str:
    """The line of the file, a link where the terminal shows colours."""
    text = screen.clean(image_line(part, store), screen.out)
    if path is not None and screen.colours(screen.out):
        text = f"\x1b]8;;{screen.clean(path.absolute().as_uri(), screen.out)}\x1b\\{text}\x1b]8;;\x1b\\"
    return text + "\n"


def _show_drawing(digest: str, store: MediaStore, screen: Screen) -> None:
    try:
        draw(store.get(digest), screen, screen.out)
    except (LogError, MediaMissing) as error:
        screen.warn(f"the picture cannot be read: {error}")
    except Undrawable as error:
        screen.say((f"cannot be drawn: {error}", "dim"))
    except ImportError:
        if screen.verbose:
            screen.say(("pip install 'plcli[pictures]' draws pictures here", "dim"))


def _weight(path: Path) -> str | None:
    """`1.2 MB`: the size of a file; None where it cannot be told."""
    try:
        return weight(path.stat().st_size)
    except OSError:
        return None
