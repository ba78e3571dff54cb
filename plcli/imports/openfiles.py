"""Files of captured traffic, opened without traps: plain files only, whole ones up to a size."""

from __future__ import annotations

import os
from io import FileIO

from plcli import disk
from plcli.errors import Problem, SpecError
from plcli.imports.captured import Source

WHOLE_LIMIT = 256 * 1024 * 1024
"""Bytes of a file that has to be read in one piece."""


def opened(source: Source, most: int | None = None) -> FileIO:
    """The file, to be read. Raises `SpecError` for what is unreadable, no plain file, or of more than `most` bytes."""
    try:
        file = FileIO(disk.open_plain(source.path, os.O_RDONLY))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise SpecError([Problem(source.label, f"it cannot be read: {(said or str(error)).lower()}")]) from None
    if most is not None and os.fstat(file.fileno()).st_size > most:
        file.close()
        what = f"larger than {most >> 20} MB, and this format is read in one piece"
        raise SpecError([Problem(source.label, what, hint="split it, or write one exchange a line (JSONL)")])
    return file


def whole(source: Source) -> bytes:
    """All bytes of a file. Raises `SpecError`."""
    with opened(source, WHOLE_LIMIT) as file:
        return file.read(WHOLE_LIMIT)
