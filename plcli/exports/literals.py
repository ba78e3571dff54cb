"""JSON as source text of Python, laid out to be read; media may be expressions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from plcli.media import Json, MediaRef

WIDTH = 100
"""Columns of a line, unless one word is longer."""

LEVELS = 20
"""Levels of objects and lists that are written out: Python reads fewer than 100, and a person fewer than that."""

STEP = 4
"""Blanks by which what is inside stands further in."""

OfMedia = Callable[[MediaRef], str]
"""The expression that gives the text of a medium."""


def literal(value: Json, of_media: OfMedia, indent: int = 0) -> str:
    """The expression for a value whose line begins with `indent` blanks; what is deeper than `LEVELS` stays JSON.

    What a person cannot see in a text is escaped. Deeper than `LEVELS` there must be no media.
    """
    return _written(value, of_media, indent, 0)


def call(function: str, given: Mapping[str, str]) -> str:
    """A call with expressions for its arguments, on one line where it is short."""
    short = f"{function}({', '.join(f'{name}={text}' for name, text in given.items())})"
    if len(short) < WIDTH and "\n" not in short:
        return short
    return "\n".join([f"{function}(", *(f"{' ' * STEP}{name}={text}," for name, text in given.items()), ")"])


def word(text: str) -> str:
    """A text in quotes."""
    visible = all(character.isprintable() or character in "\n\t" for character in text)
    return json.dumps(text, ensure_ascii=False) if visible else repr(text)


def _written(value: Json, of_media: OfMedia, indent: int, level: int) -> str:
    if isinstance(value, MediaRef):
        return of_media(value)
    if isinstance(value, str):
        return _text(value, indent)
    if not isinstance(value, dict | list):
        return repr(value)
    if level == LEVELS:
        return f"json.loads({word(json.dumps(value))})"
    inner = indent + STEP
    if isinstance(value, dict):
        items = [f"{word(key)}: {_written(item, of_media, inner, level + 1)}" for key, item in value.items()]
        return laid_out("{}", items, indent)
    return laid_out("[]", [_written(item, of_media, inner, level + 1) for item in value], indent)


def _text(text: str, indent: int) -> str:
    """A text; a long one of several lines stands line by line."""
    lines = text.split("\n")
    if len(lines) == 1 or len(text) + indent < WIDTH:
        return word(text)
    inner = " " * (indent + STEP)
    ended = [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]
    return "\n".join(["(", *(f"{inner}{word(line)}" for line in ended), f"{' ' * indent})"])


def laid_out(brackets: str, items: Sequence[str], indent: int) -> str:
    """Items between brackets, on one line where they are short; further lines begin with `indent` blanks."""
    short = f"{brackets[0]}{', '.join(items)}{brackets[1]}"
    if len(short) + indent < WIDTH - STEP and "\n" not in short:
        return short
    inner = " " * (indent + STEP)
    return "\n".join([brackets[0], *(f"{inner}{item}," for item in items), f"{' ' * indent}{brackets[1]}"])
