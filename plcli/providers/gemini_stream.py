"""Streams of Gemini: what a person sees of them, and the body that they add up to.

Every event is a whole response with the new parts only; there is no end marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plcli.exchange import Folded, WireEvent
from plcli.media import Json
from plcli.providers.gemini_calls import OpenCall, in_pieces
from plcli.providers.gemini_pictures import picture_of
from plcli.providers.reading import count, rows, table
from plcli.response import Event, join

_USAGE = "usageMetadata"
_GROWING = ("citationMetadata", "logprobsResult")
"""Fields of a candidate whose lists go on with every event; of the others the last one counts."""


def progress(event: WireEvent) -> Event | None:
    """What a person sees of the first candidate while it streams."""
    candidates = rows(table(event.data).get("candidates"))
    candidate = table(candidates[0]) if candidates else {}
    if event.whole or count(candidate.get("index")):
        return None
    parts = [table(part) for part in rows(table(candidate.get("content")).get("parts"))]
    for thought, kind in ((False, "text"), (True, "reasoning")):
        said = (part.get("text") for part in parts if (part.get("thought") is True) is thought)
        if text := join(words for words in said if isinstance(words, str)):
            return Event(kind, text)  # type: ignore[arg-type]
    for part in parts:
        name = table(part.get("functionCall")).get("name")
        if isinstance(name, str) and name and not table(part["functionCall"]).get("partialArgs"):
            return Event("tool_call", name)
        if picture_of(part) is not None:
            return Event("image")
    return None


def fold(events: Iterable[WireEvent]) -> Folded:
    """The body that the same call would have returned unstreamed.

    Complete is a stream with a reason to finish for every candidate, with a blocked prompt, or with an
    error.
    """
    body: dict[str, Json] = {}
    candidates: dict[int, _Candidate] = {}
    for event in events:
        if event.whole:
            return Folded(event.data, True)
        chunk = table(event.data)
        if "totalTokenCount" in table(chunk.get(_USAGE)):
            # A count that is nought is left out, so older ones must not stand for it.
            body[_USAGE] = {key: value for key, value in table(body.get(_USAGE)).items() if isinstance(value, str)}
        _overlay(body, {key: value for key, value in chunk.items() if key != "candidates"})
        for position, piece in enumerate(map(table, rows(chunk.get("candidates")))):
            index = count(piece.get("index"))
            candidates.setdefault(position if index is None else index, _Candidate()).add(piece)
    finished = bool(candidates) and all(candidate.finished for candidate in candidates.values())
    blocked = bool(table(body.get("promptFeedback")).get("blockReason"))
    if candidates:
        body = {"candidates": [candidates[index].body() for index in sorted(candidates)], **body}
    return Folded(body, finished or blocked or bool(body.get("error")))


def _overlay(fields: dict[str, Json], newer: Mapping[str, Json]) -> None:
    """Lay newer fields over older ones; objects add up, and what is empty says nothing."""
    for key, value in newer.items():
        old = fields.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            old.update(value)
        elif value not in (None, "", [], {}) or key not in fields:
            fields[key] = dict(value) if isinstance(value, dict) else value


class _Candidate:
    """One candidate of a stream."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._content: dict[str, Json] | None = None
        self._growing: dict[str, dict[str, list[Json]]] = {}
        self._parts: list[Json | _Words | OpenCall] = []
        self._call: OpenCall | None = None

    @property
    def finished(self) -> bool:
        """Whether the provider said why it stopped."""
        return bool(self._fields.get("finishReason"))

    def add(self, piece: Mapping[str, Json]) -> None:
        """Take one piece of this candidate in."""
        for key, value in piece.items():
            if key in _GROWING and isinstance(value, dict):
                for name, items in value.items():
                    self._growing.setdefault(key, {}).setdefault(name, []).extend(rows(items))
            elif key != "content":
                _overlay(self._fields, {key: value})
        content = piece.get("content")
        if isinstance(content, dict):
            self._content = self._content or {}
            _overlay(self._content, {key: value for key, value in content.items() if key != "parts"})
            for part in rows(content.get("parts")):
                self._add_part(part)

    def _add_part(self, part: Json) -> None:
        last = self._parts[-1] if self._parts else None
        if self._call is not None and self._call.takes(part):
            self._call.add(part)
        elif in_pieces(part):
            self._call = OpenCall(part)
            self._parts.append(self._call)
        elif not _Words.fit(part):
            self._parts.append(part)
        elif isinstance(last, _Words) and last.takes(part):
            last.add(part)
        else:
            self._parts.append(_Words(part))

    def body(self) -> dict[str, Json]:
        """The candidate as an unstreamed answer has it."""
        content: dict[str, Json] = {}
        if self._content is not None:
            parts = [part.body() if isinstance(part, _Words | OpenCall) else part for part in self._parts]
            content = {"content": {**({"parts": parts} if parts else {}), **self._content}}
        return {**content, **self._fields, **self._growing}


class _Words:
    """Adjacent texts of one kind. A text that is signed, or says anything else, is a part of its own."""

    def __init__(self, part: Mapping[str, Json]) -> None:
        self._part = part
        self._texts = [part["text"]]

    @staticmethod
    def fit(part: Json) -> bool:
        """Whether a part is nothing but text, of the answer or of the thoughts."""
        plain = isinstance(part, dict) and part.keys() <= {"text", "thought"}
        return plain and isinstance(part.get("text"), str) and isinstance(part.get("thought", False), bool)

    def takes(self, part: Mapping[str, Json]) -> bool:
        """Whether a text goes on with these."""
        return (part.get("thought") is True) is (self._part.get("thought") is True)

    def add(self, part: Mapping[str, Json]) -> None:
        """Take the next text in."""
        self._texts.append(part["text"])

    def body(self) -> dict[str, Json]:
        """The part as an unstreamed answer has it."""
        return {**self._part, "text": join(self._texts)}
