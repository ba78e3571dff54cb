"""Plain text: what strangers wrote, made harmless for a terminal by showing what a terminal would obey."""

from __future__ import annotations

import re

_EMOJI = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_JOINING = "\u0600-\u08ff\u0900-\u0dff"

# Compiled when they are first needed (`re` remembers them): most texts need none, and every command loads this room.
_VISIBLE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1, escape sequences with them
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u206f"  # directions, line separators
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2060-\u2065\u3164\ufeff\uffa0\ufff9-\ufffb"  # invisible
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # lone surrogates, tags, rare variation selectors
    # Joiners are wanted inside emoji and in scripts that join letters, and hide text anywhere else.
    f"|(?<![{_EMOJI}\ufe0f{_JOINING}])[\u200c\u200d]|[\u200c\u200d](?![{_EMOJI}{_JOINING}])"
    # One variation selector chooses a shape; a row of them, or one without a base, carries hidden bytes.
    "|(?<![^\ufe00-\ufe0f\\s])[\ufe00-\ufe0f]"
)
_PAIR = "[\ud800-\udbff][\udc00-\udfff]"
_UNFINISHED = "[\r\ud800-\udbff\u200c\u200d]\\Z"


def harmless(text: str, *, multiline: bool = True) -> str:
    """The text with everything that a terminal would obey, or a reader would not see, shown as an escape (`\\x1b`).

    Line ends become `\\n` and stay, as tabs do; with `multiline` False they are shown as escapes too.
    Surrogate pairs become the character that they stand for. Text without such characters is unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = re.sub(_VISIBLE, _escape, _mended(text).replace("\r\n", "\n"))
    return shown if multiline else shown.replace("\n", "\\n").replace("\t", "\\t")


def harmless_json(text: str) -> str:
    """The same value as JSON, with everything that `harmless` would show escaped (`\\u001b`)."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_VISIBLE, _escape_json, text)


class Stream:
    """`harmless` for text that comes in pieces, cut anywhere."""

    def __init__(self) -> None:
        self._before = ""
        """The last character that was given out; joiners depend on it."""
        self._held = ""
        """A last character that depends on what follows."""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        text = _mended(self._held + piece)
        unfinished = re.search(_UNFINISHED, text)
        self._held = unfinished[0] if unfinished else ""
        return self._shown(text[: unfinished.start()] if unfinished else text)

    def flush(self) -> str:
        """The rest, when no more pieces come; the stream can then be used anew."""
        shown = self._shown(self._held)
        self._before = self._held = ""
        return shown

    def _shown(self, text: str) -> str:
        if not text:
            return ""
        before, self._before = self._before, text[-1]
        return harmless(before + text)[len(harmless(before)) :]


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _escape_json(match: re.Match[str]) -> str:
    return re.sub("....", r"\\u\g<0>", match[0].encode("utf-16-be", "surrogatepass").hex())


def _mended(text: str) -> str:
    return re.sub(_PAIR, lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
