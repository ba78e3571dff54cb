"""What a person types, entry by entry: with an editor on a terminal, as plain lines from anywhere else.

A backslash at the end of a line goes on in the next one; in the editor Alt+Enter does so too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_state_path

from plcli.errors import UsageError
from plcli.render.screen import Screen

PROMPT = "> "
MORE = ". "

HISTORY = "chat_history"
"""The file of the platform's folder for the user's state that keeps what was typed, for its user alone."""


class Entries:
    """Reads entries; `person` says whether somebody sits at a terminal. `keep`: what is typed joins the history."""

    def __init__(self, screen: Screen, *, keep: bool) -> None:
        self.person = sys.stdin.isatty()
        self._line = self._reader(screen, keep)

    def next(self) -> str | None:
        """The next entry; None at the end of what there is.

        Raises `KeyboardInterrupt` for Ctrl-C, and `UsageError` for what is no UTF-8.
        """
        lines: list[str] = []
        while True:
            line = self._line(MORE if lines else PROMPT)
            if line is None:
                return "\n".join(lines) if lines else None
            line = _whole(line)
            if not line.endswith("\\"):
                return "\n".join((*lines, line))
            lines.append(line[:-1])

    def _reader(self, screen: Screen, keep: bool) -> Callable[[str], str | None]:
        if self.person and screen.err.isatty() and (edited := _editor(keep)) is not None:
            return edited
        shown = self.person

        def plain(prompt: str) -> str | None:
            if shown:
                screen.write(screen.err, prompt)
            try:
                line = sys.stdin.readline()
            except KeyboardInterrupt:
                screen.write(screen.err, "\n")
                raise
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"standard input is not UTF-8 at byte {error.start}", hint="save it as UTF-8"
                ) from None
            if shown and not line:
                screen.write(screen.err, "\n")
            return line.rstrip("\r\n") if line else None

        return plain


def _whole(text: str) -> str:
    """The text with � for each half of a character: no wire can hold them."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _editor(keep: bool) -> Callable[[str], str | None] | None:
    """The editor, or None where its package is not installed."""
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import FileHistory, InMemoryHistory
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
        from prompt_toolkit.output import create_output
    except ImportError:
        return None
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    path = _history() if keep else None
    session: PromptSession[str] = PromptSession(
        history=FileHistory(path) if path else InMemoryHistory(),
        key_bindings=keys,
        output=create_output(stdout=sys.stderr),
    )

    def edited(prompt: str) -> str | None:
        try:
            return session.prompt(prompt, prompt_continuation=MORE)
        except EOFError:
            return None

    return edited


def _history() -> Path | None:
    """The file of the history, for its user alone; None where there can be none."""
    path = user_state_path("plcli", appauthor=False) / HISTORY
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return None
    return path
