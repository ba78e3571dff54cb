"""YAML as a person would write it, and as every reader of YAML understands it.

Block style; `|` for texts of several lines; short lists and objects of plain values on one line. What
older readers take for a number, a date or a boolean stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from plcli import yaml12
from plcli.layout import INDENT, UNSEEN, WIDTH, is_leaf, quoted
from plcli.media import Json

LONGEST_KEY = 1000
"""Characters of the longest key that stands before its colon; readers give up at 1024."""

_OLDER: Any = yaml.resolver.Resolver()
_PLAIN = re.compile(
    rf"(?!---|\.\.\.)(?:[^\s{UNSEEN}\-?:,\[\]{{}}#&*!|>'\"%@`]|-[\w-])"  # no indicator at the start
    rf"(?:[^\t\n{UNSEEN}:#]|:(?=[^\s{UNSEEN}])|(?<=\S)#)*+(?<!\s)"
)
_NOT_IN_FLOW = re.compile(r"[,\[\]{}?]")
_ESCAPED = re.compile(rf"[\t\n{UNSEEN}]")
_UNSEEN = re.compile(f"[{UNSEEN}]")


def written(value: dict[str, Json]) -> str:
    """An object as a YAML document; `yaml12.read` gives the same value again."""
    lines: list[str] = []
    if not value:
        return "{}\n"
    _put_block(value, "", "", lines)
    return "\n".join(lines) + "\n"


def _put_block(value: Json, start: str, pad: str, lines: list[str]) -> None:
    """Add the lines of a list or an object that is not empty: the first begins with `start`, the others with `pad`."""
    for head, item in _entries(value, pad):
        _put(item, start + head, pad, lines, in_list=isinstance(value, list))
        start = pad


def _entries(value: Json, pad: str) -> Iterator[tuple[str, Json]]:
    """What stands before each item of a list or an object, with the item."""
    if isinstance(value, list):
        yield from (("-", item) for item in value)
    elif isinstance(value, dict):
        for key, item in value.items():
            name = _text(key)
            yield (f"{name}:" if len(name) <= LONGEST_KEY else f"? {name}\n{pad}:"), item


def _put(item: Json, head: str, pad: str, lines: list[str], *, in_list: bool) -> None:
    """Add the lines of one item of a list or an object."""
    inner = pad + INDENT
    alone = in_list and isinstance(item, dict) and len(item) == 1  # needs no braces to be one line
    if isinstance(item, str) and _is_literal(item):
        lines.append(f"{head} |{_indicators(item)}")
        lines += [inner + line if line else "" for line in item.removesuffix("\n").split("\n")]
    elif not alone and (line := _line(item, WIDTH - len(head) - 1)) is not None:
        lines.append(f"{head} {line}")
    elif in_list:
        _put_block(item, f"{head} ", inner, lines)
    else:
        lines.append(head)
        _put_block(item, inner, inner, lines)


def _line(value: Json, room: int) -> str | None:
    """A value on one line; None for a list or an object that does not fit or holds more than plain values."""
    if not isinstance(value, (list, dict)):
        return _scalar(value)
    if not is_leaf(value):
        return None
    if isinstance(value, list):
        text = f"[{', '.join(_scalar(item, flow=True) for item in value)}]"
    else:
        pairs = (f"{_text(key, flow=True)}: {_scalar(item, flow=True)}" for key, item in value.items())
        text = f"{{{', '.join(pairs)}}}"
    return text if len(text) <= room or not value else None


def _scalar(value: Json, *, flow: bool = False) -> str:
    """A value that holds no others; `flow` says that it stands between brackets."""
    if isinstance(value, str):
        return _text(value, flow=flow)
    if isinstance(value, (list, dict)):
        return "{}" if isinstance(value, dict) else "[]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _text(text: str, *, flow: bool = False) -> str:
    """A text without quotes where it can stand so, else in the quotes that need fewer escapes."""
    if _PLAIN.fullmatch(text) and not (flow and _NOT_IN_FLOW.search(text)) and _is_text(text):
        return text
    if ('"' in text or "\\" in text) and not _ESCAPED.search(text):
        return "'" + text.replace("'", "''") + "'"
    return quoted(text)


def _is_text(plain: str) -> bool:
    """Whether readers of YAML 1.2 and of YAML 1.1 take a text without quotes for a text."""
    return yaml12.is_text(plain) and _OLDER.resolve(yaml.ScalarNode, plain, (True, False)).endswith(":str")


def _is_literal(text: str) -> bool:
    """Whether a text has several lines that can stand as they are, after `|`."""
    return "\n" in text and not text.isspace() and not _UNSEEN.search(text)


def _indicators(text: str) -> str:
    """What follows `|`: the indentation where the text begins with a blank, and what becomes of line ends."""
    indented = text.lstrip("\n")[0] in " \t"
    ends = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    return f"{len(INDENT) if indented else ''}{ends}"
