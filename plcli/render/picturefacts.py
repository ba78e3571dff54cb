"""What is known of a picture: which way made it, what was asked, and what the provider says it served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from plcli.media import Json
from plcli.records import Record
from plcli.response import ImagePart

_FIRST = ("size", "aspectRatio", "imageSize", "quality", "background", "output_format", "outputMimeType")
"""Parameters that a person looks for first; the others follow in their own order."""


class Parameter(NamedTuple):
    """A parameter of a picture in the api's own words: what was asked, and what was served; None where unsaid."""

    name: str
    asked: str | None
    served: str | None

    @property
    def differs(self) -> bool:
        """Whether something else was served than was asked; who asks for `auto` asks for nothing."""
        return None not in (self.asked, self.served) and self.asked not in (self.served, "auto")


class PictureFacts(NamedTuple):
    """The facts of one picture, as text, untrusted.

    `way` names provider, api and operation; `call_id` is the provider's id of the call that made it. `pixels` is
    `1024 × 1024`, and `kind` `PNG`, as the bytes say. `faults` say what is wrong with the bytes.
    """

    way: str
    call_id: str | None
    requested_model: str | None
    served_model: str | None
    parameters: tuple[Parameter, ...]
    revised_prompt: str | None
    pixels: str | None
    kind: str | None
    faults: tuple[str, ...]


def facts(part: ImagePart, record: Record) -> PictureFacts:
    """What a record knows of one of its pictures."""
    requested, served = part.requested or {}, part.served or {}
    asked_model, served_model = _models(requested, served, record)
    return PictureFacts(
        way=_way(record),
        call_id=part.id,
        requested_model=asked_model,
        served_model=served_model,
        parameters=tuple(_parameters(requested, served)),
        revised_prompt=part.revised_prompt or None,
        pixels=f"{part.width} × {part.height}" if part.width is not None and part.height is not None else None,
        kind=kind_of(part.mime),
        faults=tuple(part.faults or ()),
    )


def kind_of(mime: str | None) -> str | None:
    """The usual name of a type of pictures: `PNG`; other types stay as they are."""
    return mime.removeprefix("image/").partition("+")[0].upper() if mime and mime.startswith("image/") else mime


def weight(count: int) -> str:
    """`1.2 MB`: so many bytes, in a form for people."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _way(record: Record) -> str:
    operation = record.exchanges[-1].operation if record.exchanges else ""
    done = "image_generation" if operation == "responses.create" else operation.rpartition(".")[2]
    return " · ".join(filter(None, ("/".join(filter(None, (record.provider, record.api))), done)))


def _models(requested: Mapping[str, Json], served: Mapping[str, Json], record: Record) -> tuple[str | None, str | None]:
    """Asked and served: the models of the picture where these are named, for a model may have another one draw."""
    asked, used = _text(requested.get("model")), _text(served.get("model"))
    return (asked, used) if asked or used else (record.model, record.served_model)


def _parameters(requested: Mapping[str, Json], served: Mapping[str, Json]) -> list[Parameter]:
    names = dict.fromkeys(name for name in (*_FIRST, *requested, *served) if name in requested or name in served)
    names.pop("model", None)
    return [Parameter(name, _text(requested.get(name)), _text(served.get(name))) for name in names]


def _text(value: Json) -> str | None:
    """A parameter as text; of a mask or another picture, what it is and how its digest begins."""
    match value:
        case None | str():
            return value
        case {"$media": str(digest), "mime": str(mime)}:
            return f"{kind_of(mime)} {digest.removeprefix('sha256:')[:12]}…"
    return json.dumps(value, ensure_ascii=False)
