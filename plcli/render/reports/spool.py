"""Text that waits in a file for what must stand before it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

_PIECE = 1 << 16


class Spool:
    """Holds any amount of text in a file without a name. Raises `OSError` where there is no room."""

    def __init__(self) -> None:
        # Errors of encoding cannot come: texts are harmless, and JSON is escaped.
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, text: str) -> None:
        """Add a text."""
        self._file.write(text)

    def pieces(self) -> Iterator[str]:
        """All that was written, from its beginning."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Give the room back."""
        self._file.close()
