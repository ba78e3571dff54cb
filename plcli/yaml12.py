"""YAML as its 1.2 core schema reads it: JSON values, with the place of each one.

Works on the parser's events with a stack of its own, so neither nesting nor aliases can exhaust
anything. Decoding bytes and the rules for whole documents belong to `documents`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from plcli.errors import Problem, SpecError
from plcli.media import Json
from plcli.paths import show
from plcli.places import Place, Step

MAX_DEPTH = 64
"""Levels of lists and objects that may stand in each other."""

MAX_NODES = 100_000
"""Values that one document may hold, after its aliases are resolved."""

MAX_DIGITS = 4000
"""Digits of a number; Python refuses to read or print integers beyond 4,300."""

MAX_PROBLEMS = 100
"""Problems of one document that are worth a reader's time."""

REPEATED_HINT = "remove one of the two"

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""What parses YAML, in C where that is to be had."""

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def read(text: str, file: str) -> tuple[Json, Place | None]:
    """The value of a YAML document and its place; None as place says that the document is empty.

    Raises `SpecError` with every problem found, `file` being the name they show.
    """
    reader = _Reader(file)
    reader.look_for_control_characters(text)
    if not reader.problems:
        try:
            for event in yaml.parse(text, Loader=LOADER):
                reader.take(event)
        except yaml.MarkedYAMLError as error:
            reader.problems.append(_syntax_problem(error, text, file))
        except _Stop:
            pass
    if reader.problems:
        raise SpecError(reader.problems[:MAX_PROBLEMS])
    return reader.root, reader.place


def kind_of(value: Json) -> str:
    """The JSON kind of a value, with its article: `a string`, `an object`."""
    kinds = {bool: "a boolean", type(None): "null", int: "a number", float: "a number", str: "a string", list: "a list"}
    return kinds.get(type(value), "an object")


def is_text(plain: str) -> bool:
    """Whether the core schema takes a plain scalar for a string."""
    return plain not in _WORDS and not any(form.fullmatch(plain) for form in (_DECIMAL, _BASED, _FLOAT, _NON_FINITE))


class _Stop(Exception):
    """What follows cannot be read sensibly; the problem is noted."""


class _Unusable:
    """Stands for a key that is no key, so that its value is read but not kept."""


_UNUSABLE = _Unusable()


@dataclass(slots=True)
class _Frame:
    """A list or an object that is being read, with the size and height of what it holds so far."""

    value: list[Json] | dict[str, Json]
    place: Place
    anchor: str | None
    key: str | _Unusable | None = None
    key_place: Place | None = None
    nodes: int = 1
    height: int = 1


class _Finished(NamedTuple):
    """A value that is complete; `nodes` and `height` count it and all that it holds, aliases resolved."""

    value: Json
    place: Place
    nodes: int
    height: int


@dataclass(slots=True)
class _Reader:
    """Turns events into a value; notes problems and goes on where it can."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    root: Json = None
    place: Place | None = None
    documents: int = 0
    nodes: int = 0
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Finished | None] = field(default_factory=dict)

    def look_for_control_characters(self, text: str) -> None:
        for match in _CONTROL.finditer(text):
            start = text.rfind("\n", 0, match.start()) + 1
            line = text.count("\n", 0, start) + 1
            what = f"control character U+{ord(match[0]):04X}"
            hint = f'remove it, or write it as "\\u{ord(match[0]):04X}" in double quotes'
            if "\ud800" <= match[0] <= "\udfff":
                what, hint = "half of a surrogate pair", "write the whole character, in UTF-8"
            self.problems.append(Problem(self.file, what, "", line, match.start() - start + 1, hint))
            if len(self.problems) == MAX_PROBLEMS:
                return

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.stack.pop()
            self._add(_Finished(frame.value, frame.place, frame.nodes, frame.height), frame.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                place = _place(event)
                self._note("a second document starts here", place, "keep one document in a file; remove the `---`")
                raise _Stop

    def _note(self, message: str, place: Place, hint: str | None = None, path: str | None = None) -> None:
        where = show(self._path()) if path is None else path
        self.problems.append(Problem(self.file, message, where, place.line, place.column, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def _count(self, nodes: int, place: Place) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self._note(f"more than {MAX_NODES:,} values", place, "split the file, or repeat less with aliases")
            raise _Stop

    def _path(self) -> tuple[Step, ...]:
        """The path of what is read now."""
        steps: list[Step] = []
        for frame in self.stack:
            if isinstance(frame.value, list):
                steps.append(len(frame.value))
            elif isinstance(frame.key, str):
                steps.append(frame.key)
        return tuple(steps)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        place = _place(event)
        self._count(1, place)
        if event.style == "|" and event.anchor is None:
            place.text_line = place.line + 1
        plain = not event.style and event.implicit[0]
        if event.tag is not None:
            self._note_tag(event.tag, place)
        value = self._resolve(event.value, place) if plain else event.value
        if plain and value == "<<" and self._expects_key():
            self._note("merge keys (`<<`) are not YAML 1.2", place, "repeat the keys, or put `<<` in quotes")
            value = _UNUSABLE
        self._add(_Finished(value, place, 1, 0), event.anchor)

    def _resolve(self, text: str, place: Place) -> Json:
        """The value of a plain scalar by the core schema; what it does not know is a string."""
        if text in _WORDS:
            return _WORDS[text]
        decimal = _DECIMAL.fullmatch(text)
        if decimal or _BASED.fullmatch(text):
            # A hexadecimal digit stands for more than a decimal one.
            if len(text) * (1 if decimal else 1.25) > MAX_DIGITS:
                self._note(f"a number of {len(text)} digits", place, "put it in quotes to make it a string")
                return 0
            return int(text) if decimal else int(text, 0)
        if _NON_FINITE.fullmatch(text):
            self._note(f"`{text}` is not a finite number", place, "JSON has no such number; put it in quotes")
        elif _FLOAT.fullmatch(text):
            number = float(text)
            if number - number == 0:
                return number
            self._note("this number is too large", place, "put it in quotes to make it a string")
        return text

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place = _place(event)
        self._count(1, place)
        if event.tag is not None:
            self._note_tag(event.tag, place)
        if len(self.stack) >= MAX_DEPTH:
            self._note(f"nested deeper than {MAX_DEPTH} levels", place, path="")
            raise _Stop
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        value: Json = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        self.stack.append(_Frame(value, place, event.anchor))

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        place = _place(event)
        if event.anchor not in self.anchors:
            self._note(f"`*{event.anchor}` repeats nothing", place, f"name a value `&{event.anchor}` before it")
            self._add(_Finished(_UNUSABLE if self._expects_key() else None, place, 1, 0))
            return
        target = self.anchors[event.anchor]
        if target is None:
            self._note(f"`*{event.anchor}` stands inside the value that it repeats", place)
            raise _Stop
        if len(self.stack) + target.height > MAX_DEPTH:
            self._note(f"nested deeper than {MAX_DEPTH} levels through `*{event.anchor}`", place, path="")
            raise _Stop
        self._count(target.nodes, place)
        repeated = Place(place.line, place.column, children=target.place.children)
        self._add(_Finished(target.value, repeated, target.nodes, target.height))

    def _note_tag(self, tag: str, place: Place) -> None:
        hint = "remove the tag; put a value in quotes to make it a string"
        self._note(f"the tag `{tag.replace('tag:yaml.org,2002:', '!!')}` is not allowed", place, hint)

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _add(self, item: _Finished, anchor: str | None = None) -> None:
        """Put a finished value where it belongs: into the list or object that is open, or at the root."""
        if anchor is not None:
            self.anchors[anchor] = item
        if not self.stack:
            self.root, self.place = item.value, item.place
            return
        frame = self.stack[-1]
        frame.nodes += item.nodes
        frame.height = max(frame.height, item.height + 1)
        if isinstance(frame.value, list):
            frame.place.children[len(frame.value)] = item.place
            frame.value.append(item.value)
        elif frame.key is None:
            frame.key = self._key(item, frame)
            frame.key_place = item.place
        else:
            if isinstance(frame.key, str) and frame.key_place is not None:
                item.place.key = (frame.key_place.line, frame.key_place.column)
                frame.place.children[frame.key] = item.place
                frame.value[frame.key] = item.value
            frame.key = None

    def _key(self, item: _Finished, frame: _Frame) -> str | _Unusable:
        """The key that a value makes, once; what cannot be a key is noted."""
        key = item.value
        if isinstance(key, _Unusable):
            return key
        if not isinstance(key, str):
            hint = "put it in quotes" if not isinstance(key, (list, dict)) else "use a plain word as the key"
            self._note(f"a key must be a string, not {kind_of(key)}", item.place, hint)
            return _UNUSABLE
        if key in frame.place.children:
            first = frame.place.children[key].key or (frame.place.line, frame.place.column)
            where = f"line {first[0]}, column {first[1]}"
            path = show((*self._path(), key))
            self._note(f"the key `{key}` is repeated; it stands first at {where}", item.place, REPEATED_HINT, path)
            return _UNUSABLE
        return key


def _place(event: yaml.Event) -> Place:
    mark: Any = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """What the parser said, in words that say what to type."""
    mark: Any = error.problem_mark or error.context_mark
    message = error.problem or "it cannot be understood"
    hint = None
    if "cannot start any token" in message:
        char = text[mark.index : mark.index + 1]
        if char == "\t":
            message, hint = "a tab stands in the indentation", "indent with spaces"
        else:
            message, hint = f"a value cannot start with `{char}`", "put the value in quotes"
    elif "mapping values are not allowed" in message:
        message, hint = "a `:` where no key can be", 'put a value that holds ": " in quotes, or check the indentation'
    elif "maximum nesting depth" in message:
        # The scanner is ahead of us, and has a limit of its own.
        return Problem(file, f"nested deeper than {MAX_DEPTH} levels", "", mark.line + 1, mark.column + 1)
    elif "found undefined alias" in message:
        hint = "put a value that starts with `*` in quotes"
    elif error.context:
        message = f"{message} {error.context}"
    return Problem(file, f"not YAML: {message}", "", mark.line + 1, mark.column + 1, hint)
