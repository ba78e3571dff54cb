"""Function calls whose arguments a stream brings in pieces, each with the JSON path of its place."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping

from plcli.media import Json
from plcli.paths import LONGEST, find
from plcli.providers.reading import rows, table
from plcli.response import join

Path = tuple[str | int, ...]

_STEP = re.compile(
    r"""\.([^.\[\]'"]+)|\[(0|[1-9][0-9]{0,8})\]|\['((?:[^'\\]|\\['\\])*)'\]|\["((?:[^"\\]|\\["\\])*)"\]"""
)
_ESCAPED = re.compile(r"\\(.)")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")


class OpenCall:
    """A call that came with `willContinue` or in pieces; its later pieces often say no name."""

    def __init__(self, part: Mapping[str, Json]) -> None:
        self._part: dict[str, Json] = {}
        self._fields: dict[str, Json] = {}
        self._pieces: list[Json] = []
        self._open = True
        self.add(part)

    def takes(self, part: Json) -> bool:
        """Whether a part continues this call; a name without pieces begins another one."""
        call = table(part).get("functionCall")
        if not self._open or not isinstance(call, dict):
            return False
        others = [key for key in ("name", "id") if call.get(key) and call[key] != self._fields.get(key)]
        return not others and (not call.get("name") or bool(call.get("partialArgs")))

    def add(self, part: Mapping[str, Json]) -> None:
        """Take a piece of the call in."""
        call = table(part.get("functionCall"))
        self._part.update({key: value for key, value in part.items() if key != "functionCall"})
        for key, value in call.items():
            if key == "partialArgs":
                self._pieces += rows(value)
            elif key != "willContinue" and value is not None:
                self._fields[key] = value
        self._open = call.get("willContinue") is True

    def body(self) -> dict[str, Json]:
        """The part as an unstreamed answer has it; where pieces are missing or fit nowhere, it still says so."""
        arguments, misfits = _assembled(table(self._fields.get("args")), self._pieces)
        unfinished: dict[str, Json] = {"partialArgs": misfits} if misfits else {}
        if self._open:
            unfinished["willContinue"] = True
        return {"functionCall": {**self._fields, "args": arguments, **unfinished}, **self._part}


def in_pieces(part: Json) -> bool:
    """Whether a part is a piece of a call."""
    call = table(table(part).get("functionCall"))
    return call.get("willContinue") is True or bool(call.get("partialArgs"))


def _assembled(begun: Mapping[str, Json], pieces: Iterable[Json]) -> tuple[dict[str, Json], list[Json]]:
    """The arguments that pieces add up to, and those that fit nowhere. A list of texts is one text that grows."""
    values: dict[Path, Json] = {}
    latest: dict[Path, Json] = {}
    growing: set[Path] = set()
    misfits: list[Json] = []
    for piece in pieces:
        stated = table(piece)
        path = _path(stated.get("jsonPath"))
        said = next((key for key in _VALUES if key in stated), None)
        value = None if said in (None, "nullValue") else stated[said]
        if path is None or not isinstance(value, str | int | float | None):
            misfits.append(piece)
            continue
        if isinstance(value, str) and path in growing:
            values[path].append(value)
        elif said is not None:
            values[path] = [value] if isinstance(value, str) else value
        latest[path] = piece
        more = stated.get("willContinue") is True and isinstance(values.get(path), list)
        (growing.add if more else growing.discard)(path)
    whole = copy.deepcopy(dict(begun))
    for path, value in values.items():
        _put(whole, path, join(value) if isinstance(value, list) else value)
    absent = object()
    misfits += (piece for path, piece in latest.items() if find(whole, path, absent) is absent)
    return whole, misfits


def _path(text: Json) -> Path | None:
    """The steps of a JSON path after its `$`, or None where it names no single place."""
    if not isinstance(text, str) or not text.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or len(steps) >= LONGEST:
            return None
        plain, index, *quoted = match.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(plain or _ESCAPED.sub(r"\1", quoted[0] if quoted[0] is not None else quoted[1]))
        at = match.end()
    return tuple(steps) or None


def _put(whole: Json, path: Path, value: Json) -> None:
    """Put a value in its place, where it fits, making objects and lists on the way."""
    here = whole
    for at, step in enumerate(path):
        last = at + 1 == len(path)
        new: Json = value if last else [] if isinstance(path[at + 1], int) else {}
        if isinstance(here, dict) and isinstance(step, str):
            if last or step not in here:
                here[step] = new
        elif isinstance(here, list) and isinstance(step, int) and step <= len(here):
            if last or step == len(here):
                here[step : step + 1] = [new]
        else:
            return
        here = here[step]
