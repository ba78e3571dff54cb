"""Lists: aligned columns on a terminal, tab-separated lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plcli.render.screen import Screen


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], screen: Screen) -> None:
    """Print rows under their columns. Texts are untrusted; a tab or a line end in one becomes a space."""
    clean = ([" ".join(screen.clean(cell, screen.out).split()) for cell in row] for row in rows)
    if not screen.terminal:
        for row in clean:
            screen.write(screen.out, "\t".join(row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for n, column in enumerate(columns):
        last = n == len(columns) - 1
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    for row in clean:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=screen.out, no_color=not screen.colours(screen.out), highlight=False).print(table)
