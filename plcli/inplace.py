"""Spec files changed in place: in YAML only the lines of what changes are written anew, with all comments of the rest.

What was edited is read again. Where that gives anything else than was meant, the whole file is written anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from plcli import yamltext
from plcli.comments import comments
from plcli.documents import Document, parse
from plcli.errors import SpecError
from plcli.media import Json
from plcli.places import Place
from plcli.writing import Rewritten, rewrite

_OTHER_ENDINGS = frozenset("\r\n\x85\u2028\u2029")


def amend(document: Document, value: dict[str, Json]) -> Rewritten:
    """The document with another value, in its own format; `lost` are the comments that do not stay.

    Raises `SpecError` for what the format cannot hold.
    """
    return _edited(document, value) or rewrite(replace(document, value=value), document.format)


class _Edit(NamedTuple):
    """Lines to be replaced, counted from 0: from `start` up to `stop`, which stays."""

    start: int
    stop: int
    lines: tuple[str, ...] = ()


class _Inexpressible(Exception):
    """What changes does not stand on lines of its own."""


def _edited(document: Document, value: dict[str, Json]) -> Rewritten | None:
    """The document with its lines edited; None where that does not give the value."""
    root = document.places()
    if document.format != "yaml" or root is None:
        return None
    text = document.text.decode("utf-8-sig")
    ending = "\r\n" if "\r\n" in text else "\n"
    if _OTHER_ENDINGS & set(text.replace(ending, "")):
        return None
    lines = text.split(ending)
    try:
        edits = list(_differences(root, document.value, value, len(lines), lines))
    except _Inexpressible:
        return None
    before = Counter(comments(document))
    for edit in sorted(edits, reverse=True):
        lines[edit.start : edit.stop] = _commented(edit, lines, before)
    edited = ending.join(lines)
    try:
        made = parse(edited, file=document.file, format="yaml")
    except SpecError:
        return None
    after = Counter(comments(made))
    if made.value != value or after - before:
        return None
    return Rewritten(edited, tuple((before - after).elements()))


def _commented(edit: _Edit, lines: list[str], known: Iterable[str]) -> tuple[str, ...]:
    """The new lines of an edit; one that takes the place of one line keeps the comment behind it."""
    if edit.stop - edit.start != 1 or len(edit.lines) != 1:
        return edit.lines
    old = lines[edit.start]
    comment = max((one for one in known if old.endswith(f" {one}")), key=len, default="")
    behind = old[len(old.removesuffix(comment).rstrip()) :] if comment else ""
    return (edit.lines[0] + behind,)


def _differences(place: Place, old: Json, new: Json, stop: int, lines: list[str]) -> Iterator[_Edit]:
    """How the lines of a value become those of another; `stop` is the first line after it.

    Raises `_Inexpressible` where the value is not of the same kind, or not in block style.
    """
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
        yield from _object_differences(place, old, new, stop, lines)
    elif isinstance(old, list) and isinstance(new, list) and old and len(old) == len(new):
        spans = _spans(place, [(child.line, place.column) for child in place.children.values()], stop, lines)
        if lines[place.line - 1][place.column - 1 : place.column + 1] != "- ":
            raise _Inexpressible
        for n, (_, end) in enumerate(spans):
            if old[n] != new[n]:
                yield from _differences(place.children[n], old[n], new[n], end, lines)
    else:
        raise _Inexpressible


def _object_differences(
    place: Place, old: Mapping[str, Json], new: Mapping[str, Json], stop: int, lines: list[str]
) -> Iterator[_Edit]:
    """Keys that are gone, changed, or new; these come after the key that they follow in the new object."""
    keys = [place.children[name].key or (0, 0) for name in old]
    spans = dict(zip(old, _spans(place, keys, stop, lines), strict=True))
    if keys[0] != (place.line, place.column):
        raise _Inexpressible
    column, before = place.column, None
    added: dict[str | None, dict[str, Json]] = {}
    for name in new:
        if name in old:
            before = name
        else:
            added.setdefault(before, {})[name] = new[name]
    for name, (start, end) in spans.items():
        if name not in new:
            if lines[start][: column - 1].strip():
                raise _Inexpressible  # the dash of a list stands before it
            yield _Edit(start, end)
        elif old[name] != new[name]:
            try:
                yield from list(_differences(place.children[name], old[name], new[name], end, lines))
            except _Inexpressible:
                head = lines[start][: column - 1]
                yield _Edit(start, end, _block({name: new[name]}, column, head))
        if name in added:
            yield _Edit(end, end, _block(added[name], column))
    if None in added:
        raise _Inexpressible  # nothing of the object stands before it


def _spans(place: Place, starts: list[tuple[int, int]], stop: int, lines: list[str]) -> list[tuple[int, int]]:
    """The lines of each child of a value in block style, without blank lines and comments at its end."""
    firsts = [line - 1 for line, _ in starts]
    bounds = list(zip(firsts, [*firsts[1:], stop], strict=True))
    if any(start >= end for start, end in bounds) or any(column != place.column for _, column in starts):
        raise _Inexpressible
    children = place.children.values()
    return [(start, _trimmed(child, start, end, lines)) for child, (start, end) in zip(children, bounds, strict=True)]


def _trimmed(child: Place, start: int, end: int, lines: list[str]) -> int:
    while child.children:
        *_, child = child.children.values()
    words = next((line for line in lines[child.text_line - 1 : end] if line.strip()), "") if child.text_line else ""
    while end > start + 1:
        line = lines[end - 1].strip()
        comment = line.startswith("#") and not (words and _indent(lines[end - 1]) >= _indent(words))
        if line and not comment:
            break
        end -= 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _block(value: dict[str, Json], column: int, head: str | None = None) -> tuple[str, ...]:
    """The lines of keys that stand at a column; `head` is what stands before the first one."""
    pad = " " * (column - 1)
    first, *more = yamltext.written(value).removesuffix("\n").split("\n")
    return (pad if head is None else head) + first, *(pad + line if line else "" for line in more)
