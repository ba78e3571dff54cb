"""What servers of MCP answer: the failures, the tools that they list, and the results of calls as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from plcli import brevity
from plcli.errors import Exit, PlcliError
from plcli.media import Json
from plcli.toolanswers import compact

TEXT_LIMIT = 1024 * 1024
"""Characters of text, or of JSON, that a result may have."""

MEDIA_LIMIT = 20 * 1024 * 1024
"""Bytes of pictures and files that a result may have."""

ERROR_LIMIT = 4000
"""Characters of an error that are kept."""

MESSAGE_LIMIT = 32 * 1024 * 1024
"""Bytes of the longest message that is read: base64 makes bytes a third longer, and there is text beside them."""

_MIME = re.compile(r"[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+")


class McpFailed(PlcliError):
    """A server of MCP cannot be reached, broke off, took too long, or said that its tool failed."""

    exit = Exit.TOOL
    kind = "tool"


class McpTool(NamedTuple):
    """A tool as a server lists it. The name is any text; the schemas are the server's own."""

    name: str
    description: str | None
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""
    returns: dict[str, Any] | None
    """JSON Schema of structured results, where the server describes them."""


def result_of(answer: Mapping[str, Any]) -> Json:
    """The result that the answer to `tools/call` holds, given as on the wire.

    Structured content as it is; else texts, joined by line ends; None where there is nothing. With pictures, sounds
    or files among them, an object `{"content": [parts]}` as `toolanswers` describes, with data URLs as sources. What
    is of no known kind is told as its JSON. Raises `McpFailed` for what the tool itself calls an error, and for
    results that are too large.
    """
    parts = [_part(block) for block in answer.get("content") or ()]
    if answer.get("isError"):
        raise McpFailed(cut(_text(parts)) or "the tool failed, and its server does not say why")
    structured = answer.get("structuredContent")
    if structured is not None:
        _hold(len(compact(structured)), TEXT_LIMIT, "JSON")
        return structured
    _hold(len(_text(parts)), TEXT_LIMIT, "text")
    if all(part["type"] == "text" for part in parts):
        return _text(parts) if parts else None
    _hold(sum(len(part.get("source", "")) for part in parts) * 3 // 4, MEDIA_LIMIT, "pictures and files")
    return {"content": parts}


def cut(text: str) -> str:
    """The text, cut after `ERROR_LIMIT` characters."""
    return brevity.cut(text, ERROR_LIMIT)


def _text(parts: Iterable[dict[str, str]]) -> str:
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def _hold(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise McpFailed(f"the tool answered with more than {limit // 1024 // 1024} MB of {what}")


def _part(block: Any) -> dict[str, str]:
    match block:
        case {"type": "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image", "data": str(data), "mimeType": str(mime)}:
            return {"type": "image", "source": _data_url(mime, data)}
        case {"type": "audio", "data": str(data), "mimeType": str(mime)}:
            return {"type": "file", "source": _data_url(mime, data), "filename": "audio"}
        case {"type": "resource", "resource": {"text": str(text)}}:
            return {"type": "text", "text": text}
        case {"type": "resource", "resource": {"blob": str(data), "uri": str(uri), **rest}}:
            return _resource(data, uri, rest.get("mimeType"))
    return {"type": "text", "text": compact(block)}


def _resource(data: str, uri: str, mime: Any) -> dict[str, str]:
    source = _data_url(mime if isinstance(mime, str) else "", data)
    if source.startswith("data:image/"):
        return {"type": "image", "source": source}
    # A name to tell files apart by, whatever the address is: no path, no query.
    name = re.split(r"[?#]", uri, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    return {"type": "file", "source": source, "filename": name or "file"}


def _data_url(mime: str, data: str) -> str:
    return f"data:{mime if _MIME.fullmatch(mime) else 'application/octet-stream'};base64,{data}"
