"""Lists: aligned columns on a terminal, tab-separated lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plcli.render.screen import Screen

GAP = 2
"""Blanks between two columns."""

LAST_WIDTH = 24
"""Characters of the last column that a narrow window shows before it shows the columns between."""


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], screen: Screen, first: int = 1) -> None:
    """Print rows under their columns. Texts are untrusted; a tab or a line end in one becomes a space.

    The `first` columns are shown in the narrowest window: a row says nothing without them.
    """
    clean = ([" ".join(screen.clean(cell, screen.out).split()) for cell in row] for row in rows)
    if not screen.terminal:
        for row in clean:
            screen.write(screen.out, "\t".join(row) + "\n")
        return
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    lines = list(clean)
    widths = [max(map(cell_len, cells)) if any(cells[1:]) else 0 for cells in zip(columns, *lines, strict=True)]
    shown = _fitting(widths, screen.width, first)
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for n, width in shown.items():
        table.add_column(columns[n], no_wrap=True, overflow="ellipsis", max_width=width)
    for row in lines:
        table.add_row(*(Text(row[n]) for n in shown))
    screen.draw(table)


def _fitting(widths: Sequence[int], room: int, first: int) -> dict[int, int]:
    """The columns that hold something and fit, with their widths: the first ones always, the last in what is left."""
    *others, last = widths
    least = min(last, LAST_WIDTH)
    left = room - least
    shown: dict[int, int] = {}
    for n, width in enumerate(others):
        if width and (n < first or width + GAP <= left):
            shown[n] = width
            left -= width + GAP
    return shown | {len(others): max(1, left + least)}
