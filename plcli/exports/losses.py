"""What of runs a form cannot carry, told as it is found, a line each, and no more lines than a person reads."""

from __future__ import annotations

from collections.abc import Callable

from plcli.plaintext import harmless
from plcli.records import Record

MOST = 20
"""Lines that are told one by one."""


TOO_DEEP = "it is nested too deeply"
"""Why values of a hundred levels and more are in no export that writes them anew."""


class LeftOut(Exception):
    """Why a run, or one exchange of it, is not in the export; the text completes `left out: …`."""


class Losses:
    """Counts what is exported and what is not; `tell` gets a line for each loss.

    `exported` and `left_out` count runs, or exchanges where a form takes several of a run.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.exported = 0
        self.left_out = 0
        self._tell = tell
        self._told = 0

    def lost(self, record: Record, what: str) -> None:
        """Tell of something that the export of a run lacks."""
        self._told += 1
        if self._told <= MOST:
            # One line, whatever a stranger's log says.
            self._tell(harmless(f"{_name(record)}: {what}", multiline=False))

    def of_all(self, what: str) -> None:
        """Tell of something that concerns the export as a whole."""
        self._tell(harmless(what, multiline=False))

    def leave_out(self, record: Record, why: LeftOut) -> None:
        """Tell of a run that is not in the export at all."""
        self.left_out += 1
        self.lost(record, f"left out: {why}")

    def close(self) -> None:
        """Tell how much was not told."""
        if self._told > MOST:
            self._tell(f"there are {self._told - MOST} more such losses")


def _name(record: Record) -> str:
    return f"run {record.tail}"
