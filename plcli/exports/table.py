"""Runs as a table, a row each, for spreadsheets and data frames.

A text that a spreadsheet would take for a formula begins with an apostrophe here.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from plcli.exports.connections import Surroundings
from plcli.exports.losses import TOO_DEEP, LeftOut, Losses
from plcli.media import Json
from plcli.records import Record
from plcli.response import ImagePart, ToolCallPart

MARKER = "id,time,command,"
"""How every export of this form begins."""

COLUMNS = 1000
"""Columns that a table has at the most."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins; the last four are the wide forms of the first."""
_IN_MEMORY = 8_000_000

_FIRST = (
    "id", "time", "command", "spec", "commit", "model_spec", "provider", "api", "model", "served_model", "state",
    "finish_reason", "exchanges", "duration_ms", "input_tokens", "cached_input_tokens", "output_tokens",
    "reasoning_tokens", "total_tokens", "cost_usd", "expectations", "expectations_held", "verdict", "error", "tags",
)  # fmt: skip
_LAST = ("text", "tool_calls", "images", "output")
_OPEN = ("variables", "metadata", "output")
"""What has a column for each of its keys, named `variables.city`."""


def table(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The table, head and rows, whole runs whatever `which` says. The columns are those that some run has.

    The rows wait in a file until all columns are known, so that memory stays flat however many there are.
    """
    found: dict[str, None] = {}
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n") as waiting:
        for record in records:
            try:
                row = around.redactor.plain(_row(record))
            except RecursionError:
                losses.leave_out(record, LeftOut(TOO_DEEP))
                continue
            for name in row:
                if len(found) < COLUMNS:
                    found[name] = None
            waiting.write(f"{json.dumps(row)}\n")
            losses.exported += 1
        if losses.exported:
            yield from _written(waiting, _ordered(found), losses)


def _written(waiting: IO[str], columns: list[str], losses: Losses) -> Iterator[str]:
    yield _line(columns)
    waiting.seek(0)
    dropped = 0
    for text in waiting:
        row = json.loads(text)
        dropped += any(name not in columns for name in row)
        yield _line([_cell(row.get(name)) for name in columns])
    if dropped:
        losses.of_all(f"a table has at most {COLUMNS} columns: {dropped} rows have values that are not in it")


def _ordered(found: Iterable[str]) -> list[str]:
    """The columns: those of every run that have values, the open ones by name, and what is long at the end."""
    names = set(found)
    opened = sorted(name for name in names if name.partition(".")[0] in _OPEN and "." in name)
    always = {"id", "time", "command"}
    return [
        *(name for name in _FIRST if name in names | always),
        *opened,
        *(name for name in _LAST if name in names),
    ]


def _row(record: Record) -> dict[str, Json]:
    """The values of a run that are there, by column."""
    response, usage, spec = record.response, record.usage, record.spec
    parts = response.parts if response else []
    held = [each.passed for each in record.expectations or ()]
    calls = [{"name": part.name, "arguments": part.arguments} for part in parts if isinstance(part, ToolCallPart)]
    images = [part.media or part.url for part in parts if isinstance(part, ImagePart)]
    values: dict[str, Json] = {
        "id": record.id,
        "time": record.time,
        "command": record.command,
        "spec": spec.path if spec else None,
        "commit": spec.commit if spec else None,
        "model_spec": record.model_spec,
        "provider": record.provider,
        "api": record.api,
        "model": record.model,
        "served_model": record.served_model,
        "state": response.state if response else None,
        "finish_reason": response.finish_reason if response else None,
        "exchanges": len(record.exchanges),
        "duration_ms": _duration(record) if record.exchanges else None,
        "cost_usd": record.cost.amount if record.cost else None,
        "expectations": len(held) or None,
        "expectations_held": sum(held) if held else None,
        "verdict": record.replay.verdict if record.replay else None,
        "error": record.error.message if record.error else None,
        "tags": ", ".join(record.tags) if record.tags else None,
        "text": response.text if response else None,
        "tool_calls": calls or None,
        "images": " ".join(filter(None, images)) or None,
    }
    if usage is not None:
        values |= {name: getattr(usage, name) for name in _FIRST if name.endswith("_tokens")}
    values |= _opened("variables", record.variables) | _opened("metadata", record.metadata)
    values |= _opened("output", response.output if response else None)
    return {name: value for name, value in values.items() if value is not None}


def _duration(record: Record) -> int:
    """Milliseconds of all exchanges, and of what was fetched after them."""
    fetched = (download.duration_ms for each in record.exchanges for download in each.downloads or ())
    return sum(each.duration_ms for each in record.exchanges) + sum(fetched)


def _opened(name: str, value: Json) -> dict[str, Json]:
    if isinstance(value, dict):
        return {f"{name}.{key}": item for key, item in value.items()}
    return {} if value is None else {name: value}


def _cell(value: Json) -> str:
    """A value as the text of a cell; objects and lists are JSON."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    # The writer quotes what is in its own line end alone, and readers take a \r for one too.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    # A table is UTF-8, which has no half of a character.
    return text.getvalue().removesuffix("\r\n").encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
