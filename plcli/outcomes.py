"""What came of replaying one run: the run as it was, the run as it is now, and what comparing them said."""

from __future__ import annotations

from typing import NamedTuple

from plcli.errors import Exit
from plcli.failures import EXIT_OF_KIND
from plcli.records import Record
from plcli.replayrecords import Verdict


class Outcome(NamedTuple):
    """A replay that has ended. `now.replay` says what was found; `now` has no id where it is not in the log.

    `file` and `line` (from 1) are where the request of the run stands today: its spec, or the place of a spec that
    made the request another one; None where no file does.
    """

    then: Record
    now: Record
    name: str
    file: str | None = None
    line: int | None = None

    @property
    def verdict(self) -> Verdict:
        """What comparing said."""
        return self.now.replay.verdict if self.now.replay is not None else "failed"

    @property
    def reason(self) -> str | None:
        """Why, where it is not identical."""
        return self.now.replay.reason if self.now.replay is not None else None

    @property
    def exit(self) -> Exit:
        """The exit code that it asks for."""
        if self.verdict == "failed":
            kind = self.now.error.kind if self.now.error is not None else ""
            return EXIT_OF_KIND.get(kind, Exit.UNAVAILABLE)
        return _EXITS.get(self.verdict, Exit.DONE)


_EXITS: dict[Verdict, Exit] = {"drifted": Exit.FINDING, "not-replayable": Exit.OFFLINE}
