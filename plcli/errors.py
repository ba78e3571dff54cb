"""Errors that know how they end, and the problems that validation finds.

Every error carries what happened, where, a hint that says what to type now, and the exit code of the
process. Only `plcli.app` prints errors; every other room raises them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar, Literal, NamedTuple


class Exit(IntEnum):
    """Exit codes of the process; the table in the README is made from these docstrings."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    FILE = 3
    REFUSED = 4
    UNAVAILABLE = 5
    SETUP = 6
    TOOL = 7
    LOG = 8
    OFFLINE = 9
    BUG = 70
    INTERRUPTED = 130


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done (also tool calls that wait for an answer, and an answer cut by its length, with a warning)",
    Exit.FINDING: "a finding: drifted, an expectation failed, different, stale",
    Exit.USAGE: "the command line is wrong",
    Exit.FILE: "a file of yours is wrong",
    Exit.REFUSED: "the provider said no: 4xx, insufficient quota, refused, blocked, no image",
    Exit.UNAVAILABLE: "the provider could not answer, try later: 408, 409, 429, 5xx, connection, timeout, "
    "cut stream, an answer that is not the api's format",
    Exit.SETUP: "set-up: no key, SDK missing, unknown provider, host or handler not trusted",
    Exit.TOOL: "a tool failed",
    Exit.LOG: "the log cannot be read or written",
    Exit.OFFLINE: "offline and no recording matches, or not replayable",
    Exit.BUG: "a bug in plcli",
    Exit.INTERRUPTED: "interrupted",
}


class Problem(NamedTuple):
    """One thing that validation found in a file.

    `line` and `column` count from 1 and are None where the format keeps no positions (TOML values).
    `path` is dotted with `[n]` (`messages[0].role`) and empty for the whole document.
    """

    file: str
    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def where(self) -> str:
        """`file:line:column`, as far as known."""
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        return place

    def at(self, line: int | None, column: int | None) -> Problem:
        """The same problem with a position."""
        return self._replace(line=line, column=column)


class PlcliError(Exception):
    """Root of all errors that a user may see; each subclass fixes the exit code."""

    exit: Exit = Exit.BUG
    kind: ClassVar[str] = "bug"

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class UsageError(PlcliError):
    """The command line is wrong."""

    exit = Exit.USAGE
    kind = "usage"


class SpecError(PlcliError):
    """One or more files are wrong; holds every problem found, so that all are reported at once."""

    exit = Exit.FILE
    kind = "file"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = next((p for p in self.problems if p.severity == "error"), None) or self.problems[0]
        super().__init__(first.message, where=first.where, hint=first.hint)


class SetupError(PlcliError):
    """Something around plcli is missing or not trusted: a key, an SDK, a host, a provider."""

    exit = Exit.SETUP
    kind = "setup"


class ToolError(PlcliError):
    """A call of a tool got no answer: no stub, no handler, or something of it was wrong."""

    exit = Exit.TOOL
    kind = "tool"


class LogError(PlcliError):
    """The run log or its media cannot be read or written."""

    exit = Exit.LOG
    kind = "log"


class NotReplayable(PlcliError):
    """A logged run cannot be sent again, or go on: something of it is gone."""

    exit = Exit.OFFLINE
    kind = "not-replayable"


class OfflineError(PlcliError):
    """A connection would be needed, and `PLCLI_OFFLINE` forbids it."""

    exit = Exit.OFFLINE
    kind = "offline"
