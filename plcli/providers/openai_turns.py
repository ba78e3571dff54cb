"""Turns of a conversation, as far as Responses and Chat Completions write them alike: arguments and media."""

from __future__ import annotations

import json

from plcli.media import Json, MediaRef
from plcli.providers import answer

_DROP = "drop the part, or use an api that carries it"


def arguments_text(arguments: Json) -> str:
    """The arguments of a call as a wire holds them: compact JSON, or the text as it is."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)


def arguments_value(text: str) -> Json:
    """The arguments as an object where its compact JSON is this very text; else the text."""
    value = parse_object(text)
    return value if value is not None and arguments_text(value) == text else text


def parse_object(text: str) -> dict[str, Json] | None:
    """The JSON object in a text, or None where there is none."""
    try:
        value = answer.parse(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def data_url(source: MediaRef | str) -> MediaRef | str:
    """The source as it stands where an api takes URLs."""
    if isinstance(source, str) or source.encoding == "data-url":
        return source
    return MediaRef(source.digest, source.mime, "data-url")
