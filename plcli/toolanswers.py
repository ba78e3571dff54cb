"""Answers to the calls of tools: who gives them, what they are, and what the model is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from plcli.media import Json, MediaRef, lower
from plcli.request import File, Image, Part, Text

Policy = Literal["stop", "stub", "run", "ask", "history"]
"""How calls of a tool are answered: not at all, by its stubs, by its handler, by a person, or as in a logged run."""

POLICIES: tuple[Policy, ...] = ("stop", "stub", "run", "ask", "history")

AnsweredBy = Literal["stub", "run", "ask", "history", "answer"]
"""Where an answer came from; `answer` is one that the command line gives."""


class ToolAnswer(NamedTuple):
    """What a call of a tool came to: a result, or the words of a failure, which the model is told too.

    A result is any JSON. An object whose only key is `content`, a list of parts, is what these parts are:
    `{type: text, text}`, `{type: image, source}` or `{type: file, source, filename}`, each source a `MediaRef` or an
    https URL. In any other result, references stand for the text that the bytes came from. `media` holds the bytes.
    """

    source: AnsweredBy
    result: Json = None
    error: str | None = None
    duration_ms: int | None = None
    media: Mapping[str, bytes] = MappingProxyType({})
    wrong: bool = False
    """Whether the call itself was wrong, so that nothing was done."""

    @property
    def content(self) -> str | tuple[Part, ...]:
        """What the model is told: text as it is, other JSON compact, parts as parts, a failure as `{"error": …}`.

        Raises `KeyError` where plain JSON refers to bytes that `media` has not.
        """
        if self.error is not None:
            return compact({"error": self.error})
        parts = parts_of(self.result)
        if parts is not None:
            return parts
        plain = lower(self.result, self.media.__getitem__)
        return plain if isinstance(plain, str) else compact(plain)


def parts_of(result: Json) -> tuple[Part, ...] | None:
    """The parts that a result consists of, or None where it is plain JSON."""
    if not isinstance(result, dict) or result.keys() != {"content"} or not isinstance(result["content"], list):
        return None
    parts = [_part(item) for item in result["content"]]
    return tuple(part for part in parts if part is not None) if parts and None not in parts else None


def compact(value: Json) -> str:
    """JSON without white space, as it goes to a model."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _part(item: Json) -> Part | None:
    match item:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case {"type": "image", "source": MediaRef() | str() as source}:
            return Image(source)
        case {"type": "file", "source": MediaRef() | str() as source}:
            name = item.get("filename")
            return File(source, name if isinstance(name, str) else None)
    return None
