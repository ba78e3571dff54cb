"""The answers of several models side by side: columns on a wide terminal, else one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.render.answer import show_findings
from plcli.render.calls import call_line, with_results
from plcli.render.pictures import image_line
from plcli.render.runfacts import cost, duration, model_name, run_name, tokens
from plcli.render.screen import Screen
from plcli.render.table import show_table
from plcli.response import ImagePart, ToolCallPart

NARROWEST = 28
"""Columns of the terminal that an answer needs to be read beside others."""

_COLUMNS = ("model", "state", "tokens", "cost", "took", "run", "answer")


def show_comparison(records: Sequence[Record], store: MediaStore, screen: Screen) -> None:
    """The runs of one request with several models; what went wrong follows below."""
    if screen.shape == "card" and screen.width >= NARROWEST * len(records):
        _show_columns(records, store, screen)
    else:
        show_table(_COLUMNS, [(*_facts(record), answer_of(record, store)) for record in records], screen)
    for record in records:
        show_findings(record, screen, of=model_name(record))


def answer_of(record: Record, store: MediaStore) -> str:
    """What came: words, calls of tools that wait and pictures, a line each; else why nothing did."""
    response = record.response
    pieces = [response.text] if response and response.text else []
    for part, result in with_results(response.parts if response else (), record.tool_results or ()):
        if isinstance(part, ToolCallPart):
            if result is None:
                pieces.append(call_line(part))
        elif isinstance(part, ImagePart):
            pieces.append(image_line(part, store))
    return "\n".join(pieces) or (record.error.message if record.error else "")


def _facts(record: Record) -> tuple[str, ...]:
    return (
        model_name(record),
        record.response.state if record.response else "error",
        tokens(record) or "",
        cost(record) or "",
        duration(record) or "",
        run_name(record) or "",
    )


def _show_columns(records: Sequence[Record], store: MediaStore, screen: Screen) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False, expand=True, padding=(0, 2, 0, 0), header_style="bold")
    for record in records:
        table.add_column(Text(screen.clean(model_name(record), screen.out)), ratio=1, overflow="fold")
    table.add_row(*(Text(screen.clean(answer_of(record, store), screen.out)) for record in records))
    for facts in zip(*(_facts(record)[1:] for record in records), strict=True):
        if any(facts):
            table.add_row(*(Text(screen.clean(fact, screen.out), "dim") for fact in facts))
    screen.draw(table)
