"""TOML as a person would write it: short objects in place, large ones as tables, texts of several lines as they are.

TOML wants the plain keys of a table before the tables inside it, so large objects move behind them.
"""

from __future__ import annotations

import re

from plcli.layout import INDENT, UNSEEN, WIDTH, escape, is_leaf, quoted
from plcli.media import Json

_LITERAL = re.compile(rf"(?=.*[\"\\])[^'\t\n{UNSEEN}]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# The third quote in a row would end the text, as would one at its end.
_ESCAPED = re.compile(rf'[\\{UNSEEN}]|(?<="")"|"\Z')


def written(value: dict[str, Json]) -> str:
    """An object without null as a TOML document; `tomllib` gives the same value again.

    Integers are written in full; readers other than that of Python may stop at 64 bits.
    """
    blocks: list[list[str]] = []
    _put_table(value, "", [], blocks)
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def _put_table(table: dict[str, Json], name: str, above: list[str], blocks: list[list[str]]) -> None:
    """Add the lines of a table, and of the tables inside it; `above` are the headers that it may need."""
    lines: list[str] = []
    inner: list[tuple[str, dict[str, Json], str]] = []
    for key, item in table.items():
        bare = _key(key)
        path = f"{name}.{bare}" if name else bare
        if isinstance(item, dict) and _line(item, WIDTH - len(bare) - 3) is None:
            inner.append((path, item, f"[{path}]"))
        elif tables := _tables(item):
            inner += [(path, each, f"[[{path}]]") for each in tables]
        else:
            lines.append(f"{bare} = {_value(item, len(bare) + 3)}")
    if lines or not inner:
        blocks.append([*above, *lines])
        above = []
    # Only items of lists need a header where nothing else stands in them.
    above = [header for header in above if header.startswith("[[")]
    for path, item, header in inner:
        _put_table(item, path, [*above, header], blocks)
        above = []


def _tables(value: Json) -> list[dict[str, Json]]:
    """The items of a list that holds objects and nothing else."""
    items = value if isinstance(value, list) else []
    tables = [item for item in items if isinstance(item, dict)]
    return tables if len(tables) == len(items) else []


def _value(value: Json, column: int = 0, pad: str = "") -> str:
    """What stands after `=`, or in a list: on one line where it fits."""
    if isinstance(value, str) and "\n" in value:
        return f'"""\n{_ESCAPED.sub(escape, value)}"""'
    line = _line(value, WIDTH - column)
    if line is not None:
        return line
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item, 0, pad)}' for key, item in value.items())} }}"
    inner = pad + INDENT
    items = value if isinstance(value, list) else []
    return "[\n" + "".join(f"{inner}{_value(item, len(inner) + 1, inner)},\n" for item in items) + f"{pad}]"


def _line(value: Json, room: int) -> str | None:
    """A value on one line; None for a list or an object that does not fit or holds more than plain values."""
    if not isinstance(value, (list, dict)):
        return _scalar(value)
    if not is_leaf(value):
        return None
    if isinstance(value, list):
        text = f"[{', '.join(map(_scalar, value))}]"
    else:
        text = f"{{ {', '.join(f'{_key(key)} = {_scalar(item)}' for key, item in value.items())} }}" if value else "{}"
    return text if len(text) <= room or not value else None


def _scalar(value: Json) -> str:
    """A value that holds no others."""
    if isinstance(value, str):
        return f"'{value}'" if _LITERAL.fullmatch(value) else quoted(value)
    if isinstance(value, (list, dict)):
        return "{}" if isinstance(value, dict) else "[]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else quoted(key)
