"""The two streams of a process: where text goes, whether it is a terminal, and what never gets there.

Every text passes the redactor; on a terminal untrusted text is also made harmless.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TextIO

from plcli.plaintext import harmless, harmless_json
from plcli.workflowcommands import Unobeyed

if TYPE_CHECKING:
    from rich.table import Table

Format = Literal["card", "text", "json", "jsonl"]

_STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(slots=True)
class Screen:
    """Where the answer (`out`) and everything about it (`err`) go."""

    out: TextIO
    err: TextIO
    environ: dict[str, str]
    quiet: bool = False
    verbose: bool = False
    traceback: bool = False
    format: Format | None = None
    redact: Callable[[str], str] = str
    """Takes the secrets out of a text; set by the session as soon as it knows them."""
    unwritten: OSError | None = None
    """Why a part of the answer could not be written."""
    unobeyed: dict[TextIO, Unobeyed] = field(default_factory=dict)
    """What keeps the runner of a workflow from obeying the text of each stream; empty outside of one."""
    written: int = 0
    """How often something was written; who would write over its own lines knows by it whether they are the last."""

    @property
    def in_workflow(self) -> bool:
        """Whether the runner of a GitHub workflow reads what is written."""
        return self.environ.get("GITHUB_ACTIONS") == "true"

    @property
    def terminal(self) -> bool:
        """Whether the answer goes to a terminal."""
        return self.out.isatty()

    @property
    def shape(self) -> Format:
        """The format asked for; by default a card on a terminal and text in a pipe."""
        return self.format or ("card" if self.terminal else "text")

    @property
    def machine(self) -> bool:
        """Whether a program reads the answer."""
        return self.shape in ("json", "jsonl")

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 where there is none."""
        return shutil.get_terminal_size((80, 24)).columns if self.terminal else 80

    @property
    def error_width(self) -> int:
        """Columns of the terminal that shows what is about the answer."""
        return shutil.get_terminal_size((80, 24)).columns if self.err.isatty() else 80

    def colours(self, stream: TextIO) -> bool:
        """Whether a stream shows colours."""
        return stream.isatty() and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def styled(self, text: str, style: str | None, stream: TextIO) -> str:
        """The text in a style, where the stream shows it."""
        if not text or style is None or not self.colours(stream):
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def clean(self, text: str, stream: TextIO) -> str:
        """Untrusted text without secrets, and harmless where a terminal would act on it."""
        text = self.redact(text)
        return harmless(text) if stream is self.err or stream.isatty() else text

    def print(self, *parts: str | tuple[str, str]) -> None:
        """A line of the answer, untrusted, its parts plain or with a style."""
        self._line(self.out, parts)

    def json(self, text: str) -> None:
        """A line of JSON, without secrets, for a program; what a terminal would obey is escaped there."""
        self.write(self.out, (harmless_json(text) if self.terminal else text) + "\n")

    def draw(self, table: Table) -> None:
        """A table of the answer; its texts have passed `clean`."""
        from rich.console import Console

        colours = self.colours(self.out)
        console = Console(
            file=io.StringIO(),
            width=self.width,
            force_terminal=colours,
            color_system="auto" if colours else None,
            highlight=False,
        )
        with console.capture() as drawn:
            console.print(table)
        self.write(self.out, drawn.get())

    def say(self, *parts: str | tuple[str, str]) -> None:
        """A line about the answer; not with `--quiet`."""
        if not self.quiet:
            self._line(self.err, parts)

    def warn(self, text: str) -> None:
        """A warning; shown with `--quiet` too."""
        self._line(self.err, (("warning:", "yellow"), f" {text}"))

    def error(self, text: str, hint: str | None) -> None:
        """An error that a run came to, and what to type now; shown with `--quiet` too."""
        self._line(self.err, (("error:", "red"), f" {text}"))
        if hint:
            self._line(self.err, (("hint:", "cyan"), f" {hint}"))

    def after_interrupt(self) -> None:
        """End the line on which a terminal shows a `^C`."""
        if self.err.isatty():
            self.write(self.err, "\n")

    def _line(self, stream: TextIO, parts: Iterable[str | tuple[str, str]]) -> None:
        pieces = ((part, None) if isinstance(part, str) else part for part in parts)
        shown = ((self.clean(text, stream), style) for text, style in pieces)
        self.write(stream, "".join(self.styled(text, style, stream) for text, style in shown) + "\n")

    def write(self, stream: TextIO, text: str, *, command: bool = False) -> None:
        """Text as it is; a `command` to the runner of a workflow is obeyed there, and nothing else is.

        A stream that takes no more is no reason to lose the run: `unwritten` tells of it. A reader that has gone
        away wants no more, which is no failure.
        """
        self.written += 1
        unobeyed = None if command else self.unobeyed.get(stream)
        try:
            stream.write(text if unobeyed is None else unobeyed.feed(text))
            stream.flush()
        except OSError as error:
            # What is still buffered would raise again when Python closes the stream at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is self.out and not isinstance(error, BrokenPipeError):
                self.unwritten = error


def open_screen() -> Screen:
    """The screen of this process. Characters that it cannot show are escaped, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    screen = Screen(sys.stdout, sys.stderr, dict(os.environ))
    if screen.in_workflow:
        screen.unobeyed = {stream: Unobeyed() for stream in (sys.stdout, sys.stderr) if not _is_file(stream)}
    return screen


def _is_file(stream: TextIO) -> bool:
    """Whether what is written goes to a file, which must hold what was meant."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
