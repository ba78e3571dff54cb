"""Reports of a batch for machines and for pull requests: JUnit, JSON, Markdown, and what GitHub Actions shows.

Outcomes are put into words as they end, and wait in files, so that any number takes the same memory. A report is
written at the end, as a whole or not at all, also where the end came early: then it says so, and is not green.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from plcli import disk, interrupts
from plcli.errors import Exit, PlcliError, UsageError
from plcli.outcomes import Outcome, Totals
from plcli.render.reports.actions import Actions
from plcli.render.reports.jsonform import JsonForm
from plcli.render.reports.junit import JUnit
from plcli.render.reports.markdown import Markdown
from plcli.render.reports.telling import Ending, Teller, Told
from plcli.render.reports.wanted import Form, Wanted, parse
from plcli.render.screen import Screen

__all__ = ["Reports", "Wanted", "parse"]


class Report(Protocol):
    """A report that is being made."""

    def add(self, told: Told) -> None:
        """Add a replay."""

    def pieces(self, end: Ending) -> Iterator[str]:
        """The report, piece by piece."""

    def close(self) -> None:
        """Give back what it holds."""


class Reports:
    """The reports of one batch; of one thread. A context that writes them when it ends, if `close` has not.

    `root` is the workspace; `redact` takes secrets out of a text. With a `screen` inside GitHub Actions there are
    annotations and a summary too, whatever is wanted. Raises `UsageError` where there is no room for any.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        *,
        root: Path,
        command: str,
        redact: Callable[[str], str],
        screen: Screen | None = None,
    ) -> None:
        self._command = command
        self._started = datetime.now(UTC)
        self._teller = Teller(root, redact)
        self._screen = screen
        self._actions = Actions(screen) if screen is not None and screen.in_workflow else None
        self._totals = Totals()
        self._refused: UsageError | None = None
        self._ended = False
        with contextlib.ExitStack() as undone:
            self._reports: list[tuple[Wanted, Report]] = []
            for one in wanted:
                with _refused(one):
                    report = _report(one.form, redact)
                undone.callback(report.close)
                self._reports.append((one, report))
            self._resources = undone.pop_all()

    def add(self, outcome: Outcome) -> None:
        """Add a replay that has ended. What stands against a report is raised at the end: the batch goes on."""
        self._totals.count(outcome)
        if not self._reports and self._actions is None:
            return
        told = self._teller.tell(outcome)
        if self._actions is not None:
            self._actions.add(told)
        for one, report in list(self._reports):
            try:
                with _refused(one):
                    report.add(told)
            except UsageError as error:
                self._refused = self._refused or error
                self._reports.remove((one, report))

    def close(self, totals: Totals, *, stopped: str | None = None) -> None:
        """Write the reports; `stopped` says why not everything was replayed. Raises `UsageError` after the last."""
        self._ended = True
        if stopped is None and totals.code == Exit.INTERRUPTED:
            stopped = "interrupted"
        end = Ending(self._command, self._started, totals, self._teller.line(stopped) if stopped is not None else None)
        with self._resources, interrupts.held_back():
            for one, report in self._reports:
                try:
                    with _refused(one):
                        disk.replace(one.path, (piece.encode() for piece in report.pieces(end)))
                except UsageError as error:
                    self._refused = self._refused or error
            if self._actions is not None:
                self._actions.finish(end)
        if self._refused is not None:
            raise self._refused

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended:
            return
        try:
            self.close(self._totals, stopped=_early(error))
        except UsageError as refused:
            if error is None:
                raise
            # What ended the batch is told, and this beside it.
            if self._screen is not None:
                self._screen.warn(refused.message)


def _early(error: BaseException | None) -> str | None:
    """Why a batch has ended before its end."""
    if error is None:
        return None
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return error.message if isinstance(error, PlcliError) else f"{type(error).__name__}: {error}"


def _report(form: Form, redact: Callable[[str], str]) -> Report:
    match form:
        case "junit":
            return JUnit()
        case "json":
            return JsonForm(redact)
        case "markdown":
            return Markdown()


@contextlib.contextmanager
def _refused(wanted: Wanted) -> Iterator[None]:
    """Say of which report it is that the operating system refuses something."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        what = f"--report {wanted.form}={wanted.path}: {reason}"
        raise UsageError(what, hint="name a file that can be written, and look for room on the disk") from None
