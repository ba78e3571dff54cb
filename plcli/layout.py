"""How spec files are laid out: what stands on one line, and text in double quotes, alike in YAML, TOML and JSON."""

from __future__ import annotations

import re

from plcli.media import Json

WIDTH = 100
"""Columns of a line that holds a list or an object; a single text is never cut."""

INDENT = "  "
"""What each level is moved in by."""

# Control characters, line ends that some readers know and others do not, and what turns the direction of text.
UNSEEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
"""Characters, for a class of a regular expression, that are always written as escapes."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPED = re.compile(f'["\\\\\t\n{UNSEEN}]')


def quoted(text: str) -> str:
    """The text in double quotes, on one line; YAML, TOML and JSON read it alike."""
    return f'"{_ESCAPED.sub(escape, text)}"'


def escape(found: re.Match[str]) -> str:
    """How a character is written in double quotes."""
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


def is_leaf(value: list[Json] | dict[str, Json]) -> bool:
    """Whether a list or an object holds only texts of one line, numbers, and the like; one line may hold it."""
    items = value.values() if isinstance(value, dict) else value
    return not any("\n" in item if isinstance(item, str) else isinstance(item, (list, dict)) and item for item in items)
