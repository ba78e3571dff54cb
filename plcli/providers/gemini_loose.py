"""Gemini's own contents and parts in neutral words, for other apis."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from plcli.media import Json
from plcli.providers import loosening
from plcli.providers.gemini_contents import UNSIGNED, is_content, output_text, read_part
from plcli.providers.gemini_spellings import respell_part
from plcli.providers.loosening import Loose
from plcli.providers.reading import rows, table
from plcli.providers.registry import Loosened
from plcli.providers.turns import text_at
from plcli.request import File, Image, Loss, Message, Native, Part, Role, Text, ToolCall, ToolResult

_API = "gemini"
_TYPES = {"name": str, "parts": list}
"""What fields must be to have been read."""
_SIGNATURE = "thoughtSignature"
_STAND_INS = (UNSIGNED, "context_engineering_is_the_way_to_go")
_NO_SIGNATURES = {"", *_STAND_INS, *(base64.b64encode(text.encode()).decode() for text in _STAND_INS)}
"""What stands for a signature where no model signed; clients that hold signatures as bytes encode it once more."""
_KEPT = ("gs://", "https://generativelanguage.googleapis.com/")
"""Addresses under which only the provider finds a file."""
_SIGNED = Loss(_SIGNATURE, "only the model that signed its thoughts can read the signature")


def loosen(message: Message) -> Loosened:
    """A turn with the api's own contents and parts in neutral words, as far as these go; for another api."""
    return loosening.loosen(message, _loose, _loose)


def _loose(item: Json) -> Loose:
    return _content(item) if is_content(item) else _piece(item)


def _content(item: Json) -> Loose:
    stated = table(item)
    if not isinstance(stated.get("parts"), list):
        return loosening.dropped(item, _API)
    pieces = [(f"parts[{index}]", _piece(part)) for index, part in enumerate(stated["parts"])]
    parts = tuple(part for _, loose in pieces for part in loose.parts)
    losses = (loss for path, loose in pieces for loss in loosening.under(path, loose.losses))
    role: Role = "assistant" if stated.get("role") == "model" else "user"
    if parts and all(isinstance(part, ToolResult) for part in parts):
        role = "tool"
    return Loose(parts, (*losses, *loosening.extras(stated, ("parts", "role"), _API)), role)


def _piece(item: Json) -> Loose:
    stated = table(respell_part(item))
    if stated.get("thought") is True:
        return loosening.dropped(item, _API, "thoughts of a gemini model are for that model alone")
    part, read = _part(stated)
    if part is None and (text_at(table(stated.get("fileData")), "fileUri") or "").startswith(_KEPT):
        return loosening.dropped(item, _API, loosening.KEPT_FILE)
    if part is None:
        kind = next((key for key in stated if key != _SIGNATURE), "this")
        return loosening.dropped({"type": kind}, _API)
    signed = (_SIGNED,) if _is_signature(stated.get(_SIGNATURE)) else ()
    unthought = ("thought",) if stated.get("thought") is False else ()
    losses = (*signed, *loosening.extras(stated, (*read, *unthought, _SIGNATURE), _API))
    for key, inner in read.items():
        below = table(stated[key])
        known = [name for name in inner if isinstance(below.get(name), _TYPES.get(name, object))]
        losses += loosening.under(key, loosening.extras(below, known, _API))
    if isinstance(part, Text) and not part.text:
        return Loose((), losses)
    inside = loosening.part(part, _piece)
    return Loose(inside.parts, (*losses, *inside.losses), "tool" if isinstance(part, ToolResult) else None)


def _is_signature(value: Json) -> bool:
    return value is not None and (not isinstance(value, str) or value not in _NO_SIGNATURES)


def _part(stated: Mapping[str, Json]) -> tuple[Part | None, dict[str, tuple[str, ...]]]:
    """The part that comes closest, and the keys that were read of it, with those inside."""
    call, answer = table(stated.get("functionCall")), table(stated.get("functionResponse"))
    if isinstance(stated.get("text"), str):
        return Text(stated["text"]), {"text": ()}
    if isinstance(call.get("name"), str) and isinstance(call.get("args"), dict | None):
        return ToolCall(text_at(call, "id"), call["name"], call.get("args") or {}), {"functionCall": ("name", "args")}
    if isinstance(answer.get("response"), dict):
        return _result(answer), {"functionResponse": ("name", "response", "parts")}
    if "fileData" in stated:
        return _remote(table(stated["fileData"])), {"fileData": ("mimeType", "fileUri")}
    return read_part({"inlineData": stated.get("inlineData")}), {"inlineData": ("mimeType", "data")}


def _remote(file: Mapping[str, Json]) -> Image | File | None:
    """A picture or a document that anyone finds under its address."""
    mime, address = text_at(file, "mimeType") or "", text_at(file, "fileUri") or ""
    if not address.startswith("https://") or address.startswith(_KEPT):
        return None
    if mime.startswith("image/"):
        return Image(address)
    return File(address) if mime == "application/pdf" else None


def _result(answer: Mapping[str, Json]) -> ToolResult | None:
    """An answer to a call; what it calls its output is the words, else the whole of it is."""
    response = answer["response"]
    alone = response.keys() == {"output"} and isinstance(response["output"], str | dict)
    said = output_text(response["output"] if alone else response)
    if said is None:
        return None
    media = tuple(Native(part) for part in rows(answer.get("parts")))
    return ToolResult(text_at(answer, "id"), (Text(said), *media) if media else said, text_at(answer, "name"))
