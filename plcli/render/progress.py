"""A line that shows how far something is, on a terminal; whatever else is printed stands above it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from plcli.render.screen import Screen

_CLEAR = "\r\x1b[K"


class Progress:
    """One line at the end of stderr; nothing where that is no terminal, or where quiet is asked for."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown = ""
        self._writing = Lock()
        self.on = screen.err.isatty() and not screen.quiet and screen.environ.get("TERM") != "dumb"

    def show(self, text: str) -> None:
        """Put the text in the place of what the line showed."""
        text = text[: self._screen.error_width - 1]
        with self._writing:
            if self.on and text != self._shown:
                self._shown = text
                self._screen.write(self._screen.err, _CLEAR + self._screen.styled(text, "dim", self._screen.err))

    def end(self) -> bool:
        """Take the line away for good, whoever shows something yet; whether there was one."""
        with self._writing:
            self.on, shown = False, bool(self._shown)
            self._clear()
            return shown

    def clear(self) -> None:
        """Take the line away, before something else is printed."""
        with self._writing:
            self._clear()

    def above(self, tell: Callable[..., None]) -> Callable[..., None]:
        """What tells a person something, from any thread, so that it stands above the line."""

        def told(*what: object) -> None:
            with self._writing:
                self._clear()
                tell(*what)

        return told

    def _clear(self) -> None:
        if self._shown:
            self._shown = ""
            self._screen.write(self._screen.err, _CLEAR)
