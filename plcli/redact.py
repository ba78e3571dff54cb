"""Redaction: no secret reaches the screen, the log or a kept file.

A secret is known by value (the keys of this run, in every usual spelling), by place (a header, a field of
a built-in tool), or by shape (`keyshapes`). Writing the result is the business of others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from re import Pattern

from plcli.keyshapes import REACH, SHAPES, patterns_of, spellings, unfinished
from plcli.media import Json, MediaRef, Redacted, digest_of, mapped

MARK = "[redacted]"
"""What stands in a text where a secret was."""

SHORTEST = 8
"""Characters from which a value is looked for: shorter ones occur by chance, and protect nothing."""

LINE = 16
"""Characters from which a line of a longer value is looked for alone."""

HELD_LIMIT = 8192
"""Characters that a stream holds back for what only may become a secret; no real key is as long."""

SECRET_HEADERS = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""Names of headers whose values are never shown, in lower case."""

Span = tuple[int, int]
"""Where something starts and ends in a text."""

_UNFILLED = re.compile(r"(?:[A-Za-z]+ )?\$\{[A-Za-z_][A-Za-z0-9_]*\}")
"""A secret's place in a wire that is not yet filled; kept, so that it can be filled again."""


@dataclass(frozen=True, slots=True)
class Search:
    """The secrets that may occur in some text."""

    literals: tuple[str, ...]
    patterns: tuple[Pattern[str], ...]

    def matches(self, text: str, begin: int = 0) -> Iterator[tuple[int, int, int]]:
        """What tells of a secret, from `begin` on: where it starts, where the secret in it starts, where both end."""
        for literal in self.literals:
            at = text.find(literal, begin)
            while at >= 0:
                yield at, at, at + len(literal)
                at = text.find(literal, at + 1)
        for shape in self.patterns:
            group = "secret" if "secret" in shape.groupindex else 0
            for match in shape.finditer(text, begin):
                yield match.start(), match.start(group), match.end(group)

    def spans(self, text: str, begin: int = 0) -> list[Span]:
        """Where secrets stand from `begin` on, in order and without overlaps."""
        merged: list[Span] = []
        for start, end in sorted((start, end) for _, start, end in self.matches(text, begin)):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


class Redactor:
    """Finds the secrets of a session.

    `secrets` are values; those with fewer than `SHORTEST` characters are not looked for. `patterns` are
    those of `plcli.toml`. Raises `SpecError` for patterns that `keyshapes.patterns_of` does not take.
    """

    def __init__(self, secrets: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self._sources = tuple(patterns)
        values = {value for secret in self._secrets if len(value := secret.strip()) >= SHORTEST and value not in MARK}
        spelled = (spelling for value in sorted(values) for spelling in spellings(value))
        # What a program writes to its stderr comes line by line.
        lines = (line for value in sorted(values) for line in map(str.strip, value.splitlines()))
        self.literals = tuple(dict.fromkeys((*spelled, *(line for line in lines if len(line) >= LINE))))
        """Every spelling of every value that is looked for, and its longer lines."""
        self.patterns = patterns_of(self._sources)
        """The patterns of the workspace."""

    def also(self, secrets: Iterable[str]) -> Redactor:
        """A redactor that finds these values too."""
        return Redactor(self._secrets.union(secrets), self._sources)

    def text(self, text: str) -> str:
        """The text with `MARK` where secrets were; unchanged where none were."""
        return _marked(text, self.search(text).spans(text))

    def json(self, value: Json) -> Json:
        """A wire without secrets: a string that holds one becomes `Redacted` as a whole, so that it is not sent again.

        Keys of objects that hold one are replaced; numbers are not looked at. Places of secrets (fields
        `authorization` and `headers` of built-in tools) become `Redacted` unless they hold `${NAME}` alone.
        """
        return _walk(value, self._search_all(value), _sealed)

    def finds(self, value: Json) -> bool:
        """Whether any string of the value holds a secret."""
        return self._search_all(value) is not None

    def plain(self, value: Json) -> Json:
        """JSON without secrets whose strings stay strings, with `MARK` in them."""
        return _walk(value, self._search_all(value), _marked)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers without secrets, by their names and by what they hold."""
        return {name: MARK if name.lower() in SECRET_HEADERS else self.text(value) for name, value in headers.items()}

    def bytes(self, data: bytes) -> bytes | None:
        """The bytes of a file to keep: the same object where no secret is in them, marked where they are text.

        None for bytes that are no text and hold a known value: they must not be kept.
        """
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            spelled = (
                literal.encode(encoding, "surrogatepass")
                for literal in self.literals
                for encoding in ("utf-8", "utf-16-le", "utf-16-be")
            )
            return None if any(spelling in data for spelling in spelled) else data
        redacted = self.text(text)
        return data if redacted == text else redacted.encode("utf-8")

    def stream(self) -> Stream:
        """A filter for text that comes in pieces."""
        return Stream(self)

    def search(self, text: str) -> Search:
        """What to look for in this text, or in parts of it: most texts hold no marker of anything."""
        folded = text.lower()
        shapes = dict.fromkeys(shape.pattern for shape in SHAPES if shape.marker in folded)
        return Search(tuple(literal for literal in self.literals if literal in text), (*shapes, *self.patterns))

    def _search_all(self, value: Json) -> Search | None:
        """What to look for in the strings of a wire; None where all of them together hold no secret."""
        strings: list[str] = []
        _gather(value, strings)
        together = "\0".join(strings)
        search = self.search(together)
        patterns = tuple(shape for shape in search.patterns if shape.search(together))
        return Search(search.literals, patterns) if search.literals or patterns else None


class Stream:
    """`Redactor.text` for text that comes in pieces, cut anywhere.

    Holds back what may be the start of a secret: of a known value without limit, of a shape up to
    `HELD_LIMIT` characters; with patterns of a workspace also the last `REACH` characters.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._by_first: dict[str, list[str]] = {}
        for literal in redactor.literals:
            self._by_first.setdefault(literal[0], []).append(literal)
        self._longest = max(map(len, redactor.literals), default=0)
        self._before = ""
        """The last character that was given out; a shape may depend on it."""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        self._held += piece
        return self._shown(self._cut())

    def flush(self) -> str:
        """The rest, when no more pieces come; the stream can then be used anew."""
        shown = self._shown(len(self._held))
        self._before = ""
        return shown

    def _cut(self) -> int:
        """Up to where the held text can be shown, whatever follows."""
        begin, text = len(self._before), self._before + self._held
        cut = min(self._value_start(), unfinished(text, max(len(text) - HELD_LIMIT, begin)) - begin)
        if self._redactor.patterns:
            cut = min(cut, max(len(self._held) - REACH, 0))
        longest = max(self._longest, HELD_LIMIT)
        for start, _, end in sorted(self._redactor.search(text).matches(text, begin), reverse=True):
            if start - begin < cut < end - begin and end - start <= longest:
                cut = start - begin
        return cut

    def _shown(self, cut: int) -> str:
        begin, text = len(self._before), self._before + self._held[:cut]
        spans = self._redactor.search(text).spans(text, begin)
        self._before, self._held = text[-1:], self._held[cut:]
        return _marked(text, spans)[begin:]

    def _value_start(self) -> int:
        """Where the longest end of the held text begins that is the beginning of a known value."""
        length = len(self._held)
        for at in range(max(length - self._longest + 1, 0), length):
            candidates = self._by_first.get(self._held[at], ())
            if any(len(literal) > length - at and literal.startswith(self._held[at:]) for literal in candidates):
                return at
        return length


def marked(wire: Json) -> Json:
    """A wire with `MARK` in the places that secrets were taken out of."""
    return mapped(wire, lambda leaf: MARK if isinstance(leaf, Redacted) else leaf)


def _marked(text: str, spans: Sequence[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at:start], MARK)
        at = end
    return "".join((*pieces, text[at:]))


def _digest(text: str) -> str:
    return digest_of(text.encode("utf-8", "surrogatepass"))


def _sealed(text: str, _spans: Sequence[Span]) -> Json:
    return Redacted(_digest(text))


Seal = Callable[[str, Sequence[Span]], Json]


def _walk(value: Json, search: Search | None, seal: Seal) -> Json:
    if isinstance(value, str):
        spans = search.spans(value) if search else ()
        return seal(value, spans) if spans else value
    if isinstance(value, list | tuple):
        return type(value)(_walk(item, search, seal) for item in value)
    if isinstance(value, dict):
        walked = {}
        for key, item in value.items():
            # A mark of its own keeps two redacted keys apart.
            shown = f"[redacted {_digest(key)[7:15]}]" if search and search.spans(key) else key
            if key == "tools" and isinstance(item, list):
                item = [_without_credentials(tool, seal) for tool in item]
            walked[shown] = _walk(item, search, seal)
        return walked
    if isinstance(value, MediaRef) and value.prefix and search and search.spans(value.prefix):
        return Redacted(value.digest)
    return value


def _without_credentials(tool: Json, seal: Seal) -> Json:
    """A tool of a wire with its credentials sealed, whatever they look like."""
    if not isinstance(tool, dict):
        return tool

    def sealed(value: Json) -> Json:
        if not isinstance(value, str) or not value or _UNFILLED.fullmatch(value):
            return value
        return seal(value, [(0, len(value))])

    places: dict[str, Json] = {}
    if "authorization" in tool:
        places["authorization"] = sealed(tool["authorization"])
    if isinstance(tool.get("headers"), dict):
        places["headers"] = {name: sealed(value) for name, value in tool["headers"].items()}
    return {**tool, **places}


def _gather(value: Json, strings: list[str]) -> None:
    """Put every string of a wire into a list: leaves, keys, and what is kept of data URLs."""
    if isinstance(value, str):
        strings.append(value)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(item, strings)
    elif isinstance(value, dict):
        strings += value
        for item in value.values():
            _gather(item, strings)
    elif isinstance(value, MediaRef) and value.prefix:
        strings.append(value.prefix)
