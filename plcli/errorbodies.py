"""What the bodies of errors say, whichever habit they follow: OpenAI's, Azure's, Gemini's, a gateway's, a web page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from plcli.brevity import cut
from plcli.media import Json
from plcli.quotas import spent
from plcli.safety import filtered, moderated

MESSAGE_LIMIT = 2000
"""Characters of a provider's message that are kept."""

_WORD_LIMIT = 200


def bounded(text: str) -> str:
    """The text on one line, cut after `MESSAGE_LIMIT` characters, halves of surrogate pairs replaced."""
    return cut(_sound(" ".join(text[: 2 * MESSAGE_LIMIT].split())), MESSAGE_LIMIT)


class Said(NamedTuple):
    """What an error body says, whichever habit it follows; `words` are lower-case codes to judge by."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    words: frozenset[str] = frozenset()
    delay: str | None = None
    gemini: bool = False
    page: bool = False


def listen(body: Json | str) -> Said:
    """Read an error body: OpenAI, Azure, Gemini, vLLM, FastAPI, a web page, or plain text."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, str):
        return _listen_to_text(body)
    if not isinstance(body, dict):
        return Said("" if body is None else bounded(json.dumps(body)))
    error = body.get("error", body)
    if isinstance(error, str):
        told = filter(None, (error, _message(body)))
        return Said(bounded(": ".join(told)), code=_word(body.get("code")), type=_word(body.get("type")))
    if not isinstance(error, dict):
        error = body
    if isinstance(error.get("status"), str) and isinstance(error.get("code"), int):
        return _listen_to_gemini(error)
    inner = error.get("innererror", error.get("inner_error"))
    inner = inner if isinstance(inner, dict) else {}
    results = inner.get("content_filter_result", inner.get("content_filter_results"))
    found = filtered(results) + moderated(error.get("moderation_details"))
    code, kind = _word(error.get("code")), _word(error.get("type"))
    words = (code, kind, _word(inner.get("code")))
    return Said(
        bounded((_message(error) or json.dumps(body)) + found),
        code=code,
        type=kind,
        param=_word(error.get("param")),
        words=frozenset(word.lower() for word in words if word),
    )


def _listen_to_text(body: str) -> Said:
    start = body[: 4 * MESSAGE_LIMIT]
    if not start.lstrip().startswith("<"):
        return Said(bounded(start))
    title = re.search(r"<title[^>]{0,200}>([^<]*)", start, re.IGNORECASE)
    text = title[1] if title else re.sub(r"<[^<>]*>", " ", start)
    return Said(bounded(text)[:_WORD_LIMIT], page=True)


def _listen_to_gemini(error: Mapping[str, Json]) -> Said:
    listed = error.get("details")
    details = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    reason = next((item["reason"] for item in details if isinstance(item.get("reason"), str)), None)
    delay = next((item["retryDelay"] for item in details if isinstance(item.get("retryDelay"), str)), None)
    status = _word(error["status"])
    message = _message(error)
    quota = "insufficient_quota" if status == "RESOURCE_EXHAUSTED" and spent(message, details) else None
    words = frozenset(word.lower() for word in (status, _word(reason), quota) if word)
    return Said(message, code=_word(reason) or status, type=status, words=words, delay=delay, gemini=True)


def _message(error: Mapping[str, Json]) -> str:
    """The sentence of an error object; FastAPI lists one for each wrong field."""
    for name in ("message", "detail", "error_description", "title"):
        value = error.get(name)
        if isinstance(value, str) and value.strip():
            # Behind a gateway the model's own server may say it better.
            inner = error.get("metadata")
            raw = inner.get("raw") if isinstance(inner, dict) else None
            return bounded(f"{value}: {raw}" if isinstance(raw, str) and raw else value)
        if isinstance(value, list):
            wrong = [item for item in value[:20] if isinstance(item, dict) and isinstance(item.get("msg"), str)]
            if wrong:
                return bounded("; ".join(f"{_place(item.get('loc'))}{item['msg']}" for item in wrong))
    return ""


def _place(loc: Json) -> str:
    return ".".join(str(step) for step in loc if isinstance(step, str | int)) + ": " if isinstance(loc, list) else ""


def _word(value: Json) -> str | None:
    """A provider's code as text; None for what is no code."""
    return _sound(str(value)[:_WORD_LIMIT]) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
