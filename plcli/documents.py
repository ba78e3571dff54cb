"""Spec files as JSON values: YAML, TOML and JSON in, one kind of value out, with places for problems.

What a document means is for `specs` and `validate`.
"""

from __future__ import annotations

import datetime
import functools
import re
import stat
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from plcli import jsontext, yaml12
from plcli.errors import Problem, SpecError
from plcli.media import Json, digest_of
from plcli.paths import show
from plcli.places import NOWHERE, Place, Position, Step
from plcli.spelling import did_you_mean

Format = Literal["yaml", "toml", "json"]

FORMATS: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
"""Format by suffix of the file name."""

MAX_BYTES = 8 * 1024 * 1024
"""Size of the largest file that is read."""

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOML_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
# The standard parser takes quadratic time and memory over the parts of a dotted key.
_TOML_LONG_KEY = rf"(?<![A-Za-z0-9_-]){_TOML_PART}(?:\.[ \t]*+{_TOML_PART}){{{yaml12.MAX_DEPTH},}}"


def _unplaced() -> None:
    """The places of a format that keeps none."""
    return


@dataclass(frozen=True, slots=True)
class Document:
    """A spec file that could be read: an object, with the bytes it was read from.

    `value` is plain JSON; `file` is the name that problems show; `sha256` is the digest of `text`
    (`sha256:…`).
    """

    value: dict[str, Json]
    file: str
    format: Format
    text: bytes
    sha256: str
    places: Callable[[], Place | None] = field(default=_unplaced, repr=False, compare=False)

    def position(self, path: Sequence[Step], *, of: Literal["value", "key"] = "value", line: int = 1) -> Position:
        """Where a value (or its key) stands; for a missing one, its nearest existing parent.

        `line` counts from 1 the lines of a value that is text: in a literal block (`|`) each has its
        own place, elsewhere all share that of the value. TOML keeps no positions.
        """
        root = self.places()
        if root is None:
            return NOWHERE
        place, found = root.find(path)
        if found and of == "key" and place.key is not None:
            return place.key
        if found and place.text_line is not None and line > 1:
            return place.text_line + line - 1, None
        return place.line, place.column

    def problem(
        self,
        path: Sequence[Step],
        message: str,
        hint: str | None = None,
        *,
        of: Literal["value", "key"] = "value",
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """A problem with the value at a path (or with its key), placed in this file."""
        return Problem(self.file, message, show(tuple(path)), *self.position(path, of=of), hint, severity)


def load(path: Path, *, shown: str, kind: str = "request") -> Document:
    """Read a spec file, its format known by the suffix. `shown` is the name that problems use.

    `kind` is what a spec in its place is. Raises `SpecError` for a file that is not there, not readable, or wrong.
    """
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        known = ", ".join(FORMATS)
        raise _wrong(shown, f"unknown format `{path.suffix or path.name}`", f"name the file with one of {known}")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _wrong(shown, "not a file", "name a spec file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _wrong(shown, "there is no such file", _near(path)) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file can have this name"
        raise _wrong(shown, f"cannot be read: {reason.lower()}", "check the path and its permissions") from None
    return parse(data, file=shown, format=format, kind=kind)


def parse(text: bytes | str, *, file: str, format: Format, kind: str = "request") -> Document:
    """Read the text of a spec. Raises `SpecError` with every problem that one pass can find.

    `kind` is what a spec in its place is.
    """
    beginning = {"yaml": f"kind: {kind}", "toml": f'kind = "{kind}"', "json": f'{{"kind": "{kind}"}}'}[format]
    hint = f"begin with `{beginning}`"
    data = _encoded(text, file)
    decoded = _decoded(data, file)
    if not decoded.strip():
        raise _wrong(file, "the file is empty", hint)
    places: Callable[[], Place | None] = _unplaced
    if format == "yaml":
        value, place = yaml12.read(decoded, file)
        if place is None or value is None:
            raise _wrong(file, "the file is empty", hint)
        places = _placed(place)
    elif format == "json":
        value = jsontext.read(decoded, file)
        places = functools.cache(functools.partial(jsontext.places, decoded))
    else:
        value = _read_toml(decoded, file)
    if not isinstance(value, dict):
        message = f"a spec must be an object of keys and values, not {yaml12.kind_of(value)}"
        root = places()
        at: Position = (root.line, root.column) if root else NOWHERE
        raise SpecError([Problem(file, message, "", *at, hint)])
    if format != "yaml":
        _check_leaves(value, places, file)
    return Document(value, file, format, data, digest_of(data), places)


def _placed(place: Place) -> Callable[[], Place]:
    return lambda: place


def _wrong(file: str, message: str, hint: str | None = None) -> SpecError:
    return SpecError([Problem(file, message, hint=hint)])


def _near(path: Path) -> str | None:
    """A hint that names the file next to a missing one that was probably meant."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix.lower() in FORMATS]
    except OSError:
        return f"there is no folder `{path.parent.name}` either"
    meant = did_you_mean(path.name, names)
    return f"did you mean `{meant}`?" if meant else None


def _encoded(text: bytes | str, file: str) -> bytes:
    if isinstance(text, str):
        try:
            text = text.encode()
        except UnicodeEncodeError as error:
            raise _wrong(file, f"half of a surrogate pair at character {error.start}", "save it as UTF-8") from None
    if len(text) > MAX_BYTES:
        raise _wrong(file, f"larger than {MAX_BYTES // 1024 // 1024} MB", "keep long texts and media in own files")
    return text


def _decoded(data: bytes, file: str) -> str:
    hint = "save the file as UTF-8"
    if data.startswith(_UTF16):
        raise _wrong(file, "the file is UTF-16", hint)
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start + (len(_BOM) if data.startswith(_BOM) else 0)
        line = data.count(b"\n", 0, start) + 1
        raise SpecError([Problem(file, f"not UTF-8 at byte {start}", "", line, None, hint)]) from None


def _read_toml(text: str, file: str) -> Json:
    long = re.search(_TOML_LONG_KEY, text)
    if long:
        line = text.count("\n", 0, long.start()) + 1
        raise SpecError([Problem(file, f"a key of more than {yaml12.MAX_DEPTH} parts", "", line)])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at: Position = (text.count("\n") + 1, None)
        place = _TOML_PLACE.search(message)
        if place:
            message = message[: place.start()]
            at = (int(place[1]), int(place[2])) if place[1] else at
        hint = "a key or a table stands twice" if "overwrite" in message or "twice" in message else None
        message = f"not TOML: {message[:1].lower()}{message[1:]}"
        raise SpecError([Problem(file, message, "", *at, hint)]) from None
    except RecursionError:
        raise _wrong(file, "nested too deeply") from None
    except ValueError:
        raise _wrong(file, "a number or a date that cannot be read", "put it in quotes to make it a string") from None


def _check_leaves(value: Json, places: Callable[[], Place | None], file: str) -> None:
    """Hold what JSON and TOML let through against JSON values; dates become RFC 3339 text in place."""
    problems: list[Problem] = []
    values = 0

    def note(path: tuple[Step, ...], message: str, hint: str | None = None) -> None:
        root = places()
        place = root.find(path)[0] if root else None
        at: Position = (place.line, place.column) if place else NOWHERE
        problems.append(Problem(file, message, jsontext.printable(show(path)), *at, hint))

    waiting: list[tuple[tuple[Step, ...], Json]] = [((), value)]
    while waiting and len(problems) < yaml12.MAX_PROBLEMS:
        path, parent = waiting.pop()
        values += len(parent)
        if values > yaml12.MAX_NODES:
            note((), f"more than {yaml12.MAX_NODES:,} values", "keep long lists in files of their own")
            break
        if len(path) >= yaml12.MAX_DEPTH:
            note(path, f"nested deeper than {yaml12.MAX_DEPTH} levels")
            continue
        for step, item in list(parent.items() if isinstance(parent, dict) else enumerate(parent)):
            here = (*path, step)
            if isinstance(item, (dict, list)):
                waiting.append((here, item))
            elif isinstance(item, (datetime.date, datetime.time)):
                parent[step] = item.isoformat().replace("+00:00", "Z")
            elif isinstance(item, float) and item - item != 0:
                note(here, "not a finite number", "JSON has no such number; put it in quotes")
            elif isinstance(item, int) and item.bit_length() > yaml12.MAX_DIGITS * 3:
                note(here, "a number with too many digits", "put it in quotes to make it a string")
            if any(isinstance(text, str) and not _is_unicode(text) for text in (step, item)):
                note(here, "half of a surrogate pair", "write the whole character")
    if problems:
        raise SpecError(problems)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
