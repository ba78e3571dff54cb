"""An object put into a list of a spec file, with everything else of the file kept as it is."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import yaml

from plcli import yaml12
from plcli.documents import Document, Format, parse
from plcli.errors import Problem, SpecError
from plcli.matchers import equal
from plcli.media import Json
from plcli.writing import rewrite, write

_BOM = b"\xef\xbb\xbf"


def insert(document: Document, key: str, index: int, item: dict[str, Json]) -> Document:
    """The document with an object, not an empty one, put into the list at a key; a JSON file is laid out anew.

    Raises `SpecError` where the format cannot hold the object, or the list stands in a way that leaves no
    place for it.
    """
    items = document.value[key]
    wanted = {**document.value, key: [*items[:index], item, *items[index:]]}
    if document.format == "json":
        return parse(written(wanted, document.file, "json"), file=document.file, format="json")
    text = document.text.decode("utf-8-sig")
    end = "\r\n" if "\r\n" in text else "\n"
    block = written({key: [item]}, document.file, document.format)
    if document.format == "toml":
        ways = [_put_in_toml(text, key, index, block)]
    else:
        ways = [_put_in_yaml(text, key, index, item, way) for way in (block, f"{key}:\n  - {_line(item)}\n")]
    for at, added in ways:
        if at is None:
            continue
        changed = (text[:at] + added.replace("\n", end) + text[at:]).encode()
        bom = _BOM if document.text.startswith(_BOM) else b""
        try:
            made = parse(bom + changed, file=document.file, format=document.format)
        except SpecError:
            made = document
        if equal(made.value, wanted):
            return made
    message = f"nothing can be added to `{key}` in the way it is written"
    raise SpecError(
        [document.problem((key,), message, "write one item below the other, each on whole lines", of="key")]
    )


def written(value: dict[str, Json], file: str, format: Format) -> str:
    """An object as the text of a file. Raises `SpecError` where a spec file cannot hold it."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        raise SpecError([Problem(file, "nested too deeply, or a number with too many digits")]) from None
    return rewrite(parse(text, file=file, format="json"), format).text


class _List(NamedTuple):
    """Where a list of a YAML text stands, in characters from its start.

    `head` is where its key ends, of a list in brackets where the first item could stand; `ends` says where
    each item ends. `column` is that of the dashes.
    """

    head: int
    column: int
    flow: bool
    ends: list[int]


def _put_in_yaml(text: str, key: str, index: int, item: dict[str, Json], block: str) -> tuple[int | None, str]:
    """Where a text is to be added, and the text; None where the list is not found."""
    found = _find(text, key)
    if found is None:
        return None, ""
    after = found.ends[index - 1] if index else found.head
    if found.flow:
        return after, f", {_line(item)}" if index else f"{_line(item)}{', ' if found.ends else ''}"
    lines = block.removesuffix("\n").split("\n")[1:]
    pad = " " * found.column
    return _below(text, after, "".join(f"{pad}{line[2:]}\n" if line else "\n" for line in lines))


def _line(item: dict[str, Json]) -> str:
    """An object on one line: JSON is YAML between brackets, and none of its texts goes over several lines.

    So no comment below it can become a part of one.
    """
    return " ".join(line.strip() for line in write(item, "json").split("\n")).strip()


def _find(text: str, key: str) -> _List | None:
    depth, nodes, head = 0, 0, 0
    found: _List | None = None
    for event in yaml.parse(text, Loader=yaml12.LOADER):
        start: Any = event.start_mark
        end: Any = event.end_mark
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth == 1 and found is not None:
            break
        if depth == 2 and found is not None and isinstance(event, yaml.NodeEvent):
            found.ends.append(0)
        if depth == 1 and isinstance(event, yaml.NodeEvent):
            if nodes % 2 == 0:
                head = end.index if isinstance(event, yaml.ScalarEvent) and event.value == key else 0
            elif head and isinstance(event, yaml.SequenceStartEvent):
                flow = bool(event.flow_style)
                found = _List(end.index if flow else head, start.column, flow, [])
            nodes += 1
        elif found is not None and end.index > start.index:
            # What has no width (the end of a block) is placed where the next thing starts.
            found.ends[-1] = end.index
        depth += isinstance(event, yaml.CollectionStartEvent)
    return found


def _put_in_toml(text: str, key: str, index: int, block: str) -> tuple[int | None, str]:
    """Where a table is to be added, and its text; before the header of a later one, and the comments above that."""
    header = rf"""^[ \t]*\[\[[ \t]*(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')[ \t]*\]\]"""
    headers = [found.start() for found in re.finditer(header, text, re.MULTILINE)]
    if index >= len(headers):
        return _below(text, len(text), f"\n{block}")
    at = headers[index]
    while text[(above := text.rfind("\n", 0, max(at - 1, 0)) + 1) : at].lstrip().startswith("#"):
        at = above
    return at, f"{block}\n"


def _below(text: str, after: int, lines: str) -> tuple[int, str]:
    """Where the next line starts after a place of a text, and the lines to be added there."""
    if text[:after].endswith("\n"):
        return after, lines
    end = text.find("\n", after) + 1
    return (end, lines) if end else (len(text), f"\n{lines}")
