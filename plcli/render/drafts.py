"""Show the drafts of a picture while it is being made, each on a terminal in the place of the one before."""

from __future__ import annotations

import base64
import binascii

from plcli.brevity import cut
from plcli.render.graphics import Undrawable, draw
from plcli.render.screen import Screen
from plcli.response import Event

LARGEST = 64 << 20
"""Characters of a draft beyond which it is not drawn."""


class Drafts:
    """The drafts on the terminal behind stderr; nothing where that is no terminal, or where quiet is asked for."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._on = screen.err.isatty() and not (screen.quiet or screen.machine)
        self._lines = 0
        self._written = 0

    def show(self, event: Event) -> None:
        """Show the draft of an `image` event in the place of the last one."""
        if not self._on:
            return
        self.clear()
        screen = self._screen
        screen.say((f"draft {cut(' '.join(event.text.split()), 9)}…", "dim"))
        self._lines = 1 + self._draw(event.picture)
        self._written = screen.written

    def clear(self) -> None:
        """Take the last draft away, if nothing stands below it."""
        screen = self._screen
        if self._lines and screen.written == self._written and screen.colours(screen.err):
            screen.write(screen.err, f"\x1b[{self._lines}A\r\x1b[J")
        self._lines = 0

    def _draw(self, picture: str) -> int:
        """The lines that the draft takes; none where it is broken, which the whole picture may not be."""
        if not picture or len(picture) > LARGEST:
            return 0
        try:
            return draw(base64.b64decode(picture), self._screen, self._screen.err)
        except (binascii.Error, ValueError, Undrawable, ImportError):
            return 0
