"""The items of a list in a YAML document, one after the other, so that none waits for the others.

Reads what dumpers of YAML 1.1 write. A tag builds nothing: `!!binary` gives bytes, any other is passed over. What
aliases repeat is counted each time, so that no document grows beyond its bounds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from io import FileIO
from typing import Any, NamedTuple

import yaml

from plcli.errors import Problem, SpecError
from plcli.imports.bodies import from_base64
from plcli.media import Json
from plcli.yaml12 import LOADER, is_text

MAX_DEPTH = 200
"""Levels of lists and objects."""

MAX_VALUES = 2_000_000
"""Values of one item, after its aliases are resolved."""

MAX_REPEATED = 16 * 1024 * 1024
"""Characters that aliases may repeat in one item; no dumper writes aliases for texts."""

_BINARY = re.compile(r"(?:tag:yaml\.org,2002:|!)binary")
_WORDS: dict[str, Json] = {"true": True, "false": False, "": None, "~": None, "null": None}


class Item(NamedTuple):
    """An item of the list under `key`, its place in it, and the line where it begins."""

    key: str
    at: int
    line: int
    value: Json


def items(file: FileIO, label: str, lists: Collection[str]) -> Iterator[Item]:
    """The items of the lists that a document holds under these keys, while it is read.

    Where it has none, the whole document is one item, with an empty key. Raises `SpecError`, with line and column,
    for what is no YAML or is without bounds.
    """
    reader = _Reader(label, lists)
    try:
        for event in yaml.parse(file, Loader=LOADER):
            reader.take(event)
            if reader.ready is not None:
                yield reader.ready
                reader.ready = None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        raise reader.stop(f"not YAML: {error.problem or 'it cannot be understood'}", mark) from None
    except yaml.YAMLError as error:
        raise SpecError([Problem(label, f"not YAML: {_first_line(error)}")]) from None
    if not reader.count:
        yield Item("", 0, 1, reader.root)


@dataclass(slots=True)
class _Frame:
    """A list or an object that is being read, and the values, levels and characters of what it holds so far."""

    value: list[Json] | dict[str, Json]
    line: int
    anchor: str | None
    key: str | None = None
    nodes: int = 1
    height: int = 1
    length: int = 0


class _Done(NamedTuple):
    """A value that is complete; `nodes`, `height` and `length` count values, levels and characters that it holds."""

    value: Json
    line: int
    nodes: int = 1
    height: int = 0
    length: int = 0


@dataclass(slots=True)
class _Reader:
    label: str
    lists: Collection[str]
    ready: Item | None = None
    root: Json = None
    count: int = 0
    nodes: int = 0
    repeated: int = 0
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Done] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        mark: Any = event.start_mark
        if isinstance(event, yaml.ScalarEvent):
            self.grow(1, mark)
            self.add(_Done(self.scalar(event, mark), mark.line + 1, length=len(event.value)), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.grow(1, mark)
            if len(self.stack) >= MAX_DEPTH:
                raise self.stop(f"nested deeper than {MAX_DEPTH} levels", mark)
            value: Json = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            self.stack.append(_Frame(value, mark.line + 1, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.stack.pop()
            self.add(_Done(frame.value, frame.line, frame.nodes, frame.height, frame.length), frame.anchor)
        elif isinstance(event, yaml.AliasEvent):
            target = self.anchors.get(str(event.anchor))
            if target is None:
                raise self.stop(f"`*{event.anchor}` repeats nothing that stands before it", mark)
            if len(self.stack) + target.height > MAX_DEPTH:
                raise self.stop(f"nested deeper than {MAX_DEPTH} levels through `*{event.anchor}`", mark)
            self.grow(target.nodes, mark)
            self.repeated += target.length
            if self.repeated > MAX_REPEATED:
                raise self.stop(f"its aliases repeat more than {MAX_REPEATED >> 20} MB of text", mark)
            self.add(target._replace(line=mark.line + 1))

    def scalar(self, event: yaml.ScalarEvent, mark: Any) -> Json:
        if event.tag is not None and _BINARY.fullmatch(event.tag):
            try:
                return from_base64(event.value)
            except ValueError:
                raise self.stop("`!!binary` without base64", mark) from None
        return _plain(event.value) if event.implicit[0] and not event.style else event.value

    def grow(self, nodes: int, mark: Any) -> None:
        """Count values of the item that is being read."""
        self.nodes += nodes
        if self.nodes > MAX_VALUES:
            raise self.stop(f"more than {MAX_VALUES:,} values in one piece", mark)

    def add(self, done: _Done, anchor: str | None = None) -> None:
        """Put a value where it belongs, or out of the reader where it is an item."""
        if anchor is not None:
            self.anchors[anchor] = done
        if not self.stack:
            self.root = done.value
            return
        frame = self.stack[-1]
        if self.inside_a_list():
            self.ready = Item(str(self.stack[0].key), self.count, done.line, done.value)
            self.count += 1
            self.nodes = self.repeated = 0
            return
        frame.nodes += done.nodes
        frame.length += done.length
        frame.height = max(frame.height, done.height + 1)
        if isinstance(frame.value, list):
            frame.value.append(done.value)
        elif frame.key is None:
            frame.key = done.value if isinstance(done.value, str) else str(done.value)[:100]
        else:
            frame.value[frame.key] = done.value
            frame.key = None

    def inside_a_list(self) -> bool:
        """Whether what is added now is an item of one of the lists."""
        return len(self.stack) == 2 and isinstance(self.stack[1].value, list) and self.stack[0].key in self.lists

    def stop(self, message: str, mark: Any) -> SpecError:
        return SpecError([Problem(self.label, message, "", mark.line + 1, mark.column + 1)])


def _plain(text: str) -> Json:
    """The value of a plain scalar: JSON's own kinds, everything else is text."""
    if is_text(text):
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for read in (lambda: int(text, 0), lambda: float(text)):
        try:
            number = read()
        except ValueError:
            continue
        return number if number - number == 0 else text
    return text


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it cannot be read"])[0]
