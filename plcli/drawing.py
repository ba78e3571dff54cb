"""What the command line says of the pictures to make: pictures to begin with, a mask, how many."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from plcli.conversation import Reading
from plcli.media import Json, MediaRef
from plcli.providers.registry import adapter, provider
from plcli.request import Image, Message, Request
from plcli.sources import Medium


class Picture(NamedTuple):
    """A picture that was named on the command line; `path` is None where it stands in no file."""

    medium: Medium
    path: Path | None = None

    @property
    def name(self) -> str:
        """How a record knows it: by its digest, or its address."""
        source = self.medium.source
        return source.digest if isinstance(source, MediaRef) else source


class Drawing(NamedTuple):
    """Pictures are asked for: from these `inputs`, where the `mask` says, `n` at once (None: as the spec says)."""

    inputs: tuple[Picture, ...] = ()
    mask: Picture | None = None
    n: int | None = None

    def record(self) -> dict[str, Json]:
        """How a record names it."""
        said: dict[str, Json] = {"inputs": [picture.name for picture in self.inputs] or None, "n": self.n}
        said["mask"] = self.mask and self.mask.name
        return {name: value for name, value in said.items() if value is not None}


def drawn(reading: Reading, request: Request, drawing: Drawing) -> Request:
    """The request that asks for pictures so; the inputs stand after what its last message says."""
    image: dict[str, Json] = dict(request.image or {})
    if drawing.mask is not None:
        image["mask"] = _taken(reading, drawing.mask)
    if drawing.n is not None:
        image["n"] = drawing.n
    request = request._replace(image=image)
    if not drawing.inputs:
        return request
    pictures = tuple(Image(_taken(reading, picture)) for picture in drawing.inputs)
    *before, last = request.messages or (Message("user", ()),)
    if last.role != "user":
        return request._replace(messages=(*before, last, Message("user", pictures)))
    return request._replace(messages=(*before, last._replace(parts=(*last.parts, *pictures))))


def takes_n(request: Request) -> bool:
    """Whether the api of a request can be asked for several pictures at once."""
    image: Mapping[str, Json] = {**(request.image or {}), "n": 2}
    made = adapter(provider(request.provider), request.api)
    return all(loss.path != "image.n" for loss in made.compile(request._replace(image=image)).losses)


def _taken(reading: Reading, picture: Picture) -> MediaRef | str:
    medium = picture.medium
    reading.media |= medium.media
    if picture.path is not None:
        for data in medium.media.values():
            reading.note(picture.path, data)
    return medium.source
