"""Dotted paths into JSON (`a.b[0].c`), and pure ways to read, place, remove and merge there.

Nothing here changes a value it is given: new values share what stayed the same. A key that holds a
dot, a bracket or a quote is written as a JSON string in brackets: `["a.b"]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

Parts = tuple[str | int, ...]
"""A path taken apart: keys of objects and indexes of lists."""

LONGEST = 100
"""Steps that a path may have."""

_PLAIN_KEY = re.compile(r'[^.\[\]"]+')
_INDEX = re.compile(r"\[(0|[1-9][0-9]{0,8})\]", re.ASCII)
_QUOTED = re.compile(r'\[("(?:[^"\\]|\\.)*")\]', re.DOTALL)


@lru_cache(maxsize=1024)  # apis name the same few places in each wire
def parse(path: str) -> Parts:
    """Take a path apart; the empty path is the whole value. Raises `ValueError` for a malformed one."""
    parts: list[str | int] = []
    at = 0
    while at < len(path):
        if match := _INDEX.match(path, at):
            parts.append(int(match[1]))
        elif match := _QUOTED.match(path, at):
            parts.append(_unquoted(path, match[1]))
        elif match := _PLAIN_KEY.match(path, at + 1 if parts and path[at] == "." else at):
            if parts and path[at] != ".":
                raise ValueError(f"path {path!r}: a dot is missing before {match[0]!r}")
            parts.append(match[0])
        else:
            raise ValueError(f"path {path!r}: not understood from {path[at:]!r}; write it like a.b[0].c")
        at = match.end()
        if len(parts) > LONGEST:
            raise ValueError(f"a path has at most {LONGEST} steps")
    return tuple(parts)


def _unquoted(path: str, literal: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError:
        raise ValueError(f"path {path!r}: {literal} is not a JSON string") from None


def show(parts: Parts) -> str:
    """The text of a path: `parse(show(parts)) == parts`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def leaves(value: Any) -> Iterator[tuple[Parts, Any]]:
    """What stands in the objects and lists of a value, at any depth and in order, each with its path."""
    waiting: list[tuple[Parts, Any]] = [((), value)]
    while waiting:
        at, item = waiting.pop()
        if isinstance(item, dict):
            waiting += (((*at, key), each) for key, each in reversed(item.items()))
        elif isinstance(item, list):
            waiting += (((*at, n), item[n]) for n in reversed(range(len(item))))
        else:
            yield at, item


def find(value: Any, path: str | Parts, default: Any = None) -> Any:
    """The value at a path, or `default` where there is none. Raises `ValueError` for a malformed path."""
    for part in parse(path) if isinstance(path, str) else path:
        if not _has(value, part):
            return default
        value = value[part]
    return value


def _has(value: Any, part: str | int) -> bool:
    if isinstance(part, str):
        return isinstance(value, Mapping) and part in value
    return isinstance(value, list) and part < len(value)


def place(value: Any, path: str | Parts, item: Any) -> Any:
    """The value with `item` at a path; objects and lists on the way are made where nothing or null stands.

    The index after a list's last one appends. Raises `ValueError` where a step does not fit the value.
    """
    return _placed(value, parse(path) if isinstance(path, str) else path, 0, item)


def _placed(value: Any, parts: Parts, depth: int, item: Any) -> Any:
    if depth == len(parts):
        return item
    part, here = parts[depth], show(parts[:depth]) or "the value"
    if isinstance(part, str):
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"cannot set {show(parts)}: {here} is {_kind(value)}, not an object")
        old = value or {}
        return {**old, part: _placed(old.get(part), parts, depth + 1, item)}
    if value is not None and not isinstance(value, list):
        raise ValueError(f"cannot set {show(parts)}: {here} is {_kind(value)}, not a list")
    items = list(value or [])
    if part > len(items):
        raise ValueError(f"cannot set {show(parts)}: {here} has {len(items)} items")
    items[part : part + 1] = [_placed(items[part] if part < len(items) else None, parts, depth + 1, item)]
    return items


def _kind(value: Any) -> str:
    names = {bool: "true or false", str: "a string", list: "a list"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else "a number")


def remove(value: Any, path: str | Parts) -> Any:
    """The value without what stands at a path; unchanged where nothing does.

    Raises `ValueError` for a malformed path, and for the empty one.
    """
    parts = parse(path) if isinstance(path, str) else path
    if not parts:
        raise ValueError("the empty path cannot be removed")
    absent = object()
    parent = find(value, parts[:-1], absent)
    if parent is absent or find(parent, parts[-1:], absent) is absent:
        return value
    if isinstance(parent, list):
        shorter: Any = [item for index, item in enumerate(parent) if index != parts[-1]]
    else:
        shorter = {key: item for key, item in parent.items() if key != parts[-1]}
    return place(value, parts[:-1], shorter)


def merge(under: Any, over: Any) -> Any:
    """`over` laid on `under`: objects deep, everything else replaces, null included."""
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    return {**under, **{key: merge(under[key], item) if key in under else item for key, item in over.items()}}
