"""Calls and failures inside answers, as Responses and Chat Completions write them alike."""

from __future__ import annotations

from plcli.failures import classify
from plcli.media import Json, encode
from plcli.providers.openai_turns import parse_object
from plcli.providers.reading import table, words
from plcli.response import Failure, State, ToolCallPart

_STATUS_OF_CODE = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "data_residency_mismatch": 400}
_CALLER_IS_WRONG = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download")
_SAFETY = ("policy", "moderation", "content_filter")


def function_call(call_id: Json, name: Json, arguments: Json) -> ToolCallPart:
    """The call of a function; arguments that are no JSON object stay as they are."""
    text = words(arguments)
    value = encode(arguments) if text is None else parse_object(text)
    return ToolCallPart(id=words(call_id), name=words(name) or "", arguments=text if value is None else value)


def failure_of(error: Json) -> Failure:
    """What an `error` inside an answer of status 200 tells."""
    said = table(error)
    told = classify(_status_like(said.get("code"), said.get("type")), {"error": encode(error)}, {}).failure
    return told.model_copy(update={"status": None})


def _status_like(*codes: Json) -> int:
    """The HTTP status with which these codes come when they are not inside an answer."""
    for code in codes:
        if isinstance(code, int) and 400 <= code < 600:
            return code
        if isinstance(code, str):
            if code in _STATUS_OF_CODE:
                return _STATUS_OF_CODE[code]
            if code.startswith(_CALLER_IS_WRONG) or any(word in code for word in _SAFETY):
                return 400
    return 500


def failed_state(failure: Failure) -> State:
    """The state of an answer that failed: what the safety filter stopped is blocked."""
    return "blocked" if failure.kind == "safety" else "error"
