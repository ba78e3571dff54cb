"""Calls and pictures inside answers, as the apis of OpenAI write them alike."""

from __future__ import annotations

from plcli.media import Json, encode
from plcli.providers.reading import words
from plcli.providers.turns import parse_object
from plcli.response import ToolCallPart

_SUBTYPES = {"jpg": "jpeg", "svg": "svg+xml"}


def function_call(call_id: Json, name: Json, arguments: Json) -> ToolCallPart:
    """The call of a function; arguments that are no JSON object stay as they are, and none are an empty object.

    Servers write none as `null`, as the text `null`, and as a text with nothing in it.
    """
    text = words(arguments)
    if arguments is None or (text is not None and text.strip() in ("", "null")):
        text = "{}"
    value = encode(arguments) if text is None else parse_object(text)
    return ToolCallPart(id=words(call_id), name=words(name) or "", arguments=text if value is None else value)


def picture_type(form: Json) -> str | None:
    """The mime type that an `output_format` (`png`, `svg`) means, or None."""
    said = words(form)
    return f"image/{_SUBTYPES.get(said, said)}" if said else None
