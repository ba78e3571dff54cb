"""The JSON values of a file: one a line, however many, or one document whose list has them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from json import JSONDecodeError
from typing import NamedTuple

from plcli.errors import Problem, SpecError
from plcli.imports.captured import Source, Spot
from plcli.imports.openfiles import opened, whole
from plcli.media import Json
from plcli.providers import answer

LINE_LIMIT = 256 * 1024 * 1024
"""Bytes of one line."""

_HINT = "write one JSON value a line, or one JSON document"


class Value(NamedTuple):
    """A value of a file, where it stands, and the byte at which its line begins."""

    spot: Spot
    value: Json
    offset: int = 0


def document(source: Source) -> Json:
    """The one JSON value of a file. Raises `SpecError` with the place where it is none."""
    data = whole(source)
    try:
        return answer.parse(_decoded(data))
    except JSONDecodeError as error:
        message = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise SpecError([Problem(source.label, message, "", error.lineno, error.colno, _HINT)]) from None
    except ValueError as error:
        raise SpecError([Problem(source.label, f"not JSON: {error}")]) from None


def values(source: Source) -> Iterator[Value | Problem]:
    """Every value of a file, and a problem for each line that is none.

    Where the first line is no whole value, the file is one document. The items of a list are values of their own.
    Raises `SpecError` for what is no JSON at all.
    """
    lines = _lines(source, 0)
    first = next(lines, None)
    if first is None:
        raise SpecError([Problem(source.label, "the file is empty")])
    if isinstance(first, Value):
        yield from _items(first)
        for found in lines:
            yield from _items(found) if isinstance(found, Value) else [found]
    else:
        yield from _items(Value(Spot(source), document(source)))


def value_at(source: Source, offset: int) -> Value | Problem | None:
    """The value of the line that begins at a byte; None where the file has changed since."""
    return next(_lines(source, offset), None)


def _items(found: Value) -> Iterator[Value]:
    if not isinstance(found.value, list):
        yield found
        return
    for n, item in enumerate(found.value):
        yield found._replace(value=item, spot=found.spot._replace(path=f"[{n}]"))


def _lines(source: Source, offset: int) -> Iterator[Value | Problem]:
    with opened(source) as file:
        file.seek(offset)
        reader = BufferedReader(file, 1 << 18)
        number = 0
        while raw := reader.readline(LINE_LIMIT + 1):
            number += 1
            spot = Spot(source, line=number)
            at, offset = offset, offset + len(raw)
            if len(raw) > LINE_LIMIT:
                while raw and not raw.endswith(b"\n"):
                    raw = reader.readline(LINE_LIMIT)
                    offset += len(raw)
                yield spot.problem(f"a line of more than {LINE_LIMIT >> 20} MB")
            elif not raw.isspace():
                try:
                    yield Value(spot, answer.parse(_decoded(raw)), at)
                except ValueError as error:
                    yield spot.problem(f"no JSON: {error}")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
