"""An edit of pictures as a form, for servers that take no JSON there: pictures as files, everything else as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from plcli.failures import failed
from plcli.media import Json, MediaReader, MediaRef, lower
from plcli.providers.openai_client import FormFile
from plcli.providers.reading import table

_PLACES = ("image", "images", "mask", "markup")
"""Fields of the JSON that are files of the form."""

_TYPE = re.compile(r"image/([\w-]+)[\w.+-]*", re.ASCII)

_JSON_TAKES_IT = "give a file instead, or drop `edits: multipart` from the model spec: JSON carries it"


class Form(NamedTuple):
    """What a form says in words, numbers and objects, and its files in order."""

    fields: dict[str, Json]
    files: tuple[FormFile, ...]


def form_of(wire: Mapping[str, Json], read: MediaReader) -> Form:
    """The form that says the same as the JSON of an edit.

    Raises `CallFailed` for a picture by address or by the id of a file and for half of a character, which a form
    cannot carry, and `MediaMissing` for bytes that are gone.
    """
    fields = lower({key: item for key, item in wire.items() if key not in _PLACES}, read)
    _check_text(fields)
    pictures = [*_each(wire.get("image")), *_each(wire.get("images"))]
    field = "image[]" if len(pictures) > 1 else "image"
    files = [_file(field, f"image-{number}", item, read) for number, item in enumerate(pictures, start=1)]
    files += [_file(name, name, item, read) for name in ("mask", "markup") for item in _each(wire.get(name))]
    return Form(fields, tuple(files))


def _each(place: Json) -> Iterator[Json]:
    if isinstance(place, list):
        yield from place
    elif place is not None:
        yield place


def _file(field: str, stem: str, item: Json, read: MediaReader) -> FormFile:
    source = table(item).get("image_url", item)
    if not isinstance(source, MediaRef):
        what = f"a form carries the bytes of a picture, not its address or the id of a file ({field})"
        raise failed("invalid", what, _JSON_TAKES_IT)
    known = _TYPE.fullmatch(source.mime)
    name, mime = (f"{stem}.{known[1]}", source.mime) if known else (stem, "application/octet-stream")
    return FormFile(field, name, read(source.digest), mime)


def _check_text(fields: Json) -> None:
    """Raise `CallFailed` for text that has no UTF-8; JSON can escape it."""
    if isinstance(fields, dict):
        _check_text([*fields, *fields.values()])
    elif isinstance(fields, list):
        for item in fields:
            _check_text(item)
    elif isinstance(fields, str) and not fields.isascii():
        try:
            fields.encode("utf-8")
        except UnicodeEncodeError:
            raise failed("invalid", "a form cannot carry half of a character", _JSON_TAKES_IT) from None
