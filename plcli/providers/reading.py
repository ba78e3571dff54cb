"""Reading answers that may hold anything: the pieces that all apis share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plcli.failures import CallFailed, classify
from plcli.media import Json, encode, lift
from plcli.response import Failure, NativePart, Part, RefusalPart, Response, State, TextPart, ToolCallPart, join
from plcli.safety import is_safety

_STATUS_OF_CODE = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "data_residency_mismatch": 400}
_CALLER_IS_WRONG = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download")
_MOST = 2**63 - 1
_STATE_OF_KIND: dict[str, State] = {"interrupted": "incomplete", "safety": "blocked"}


def table(value: Json) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Json) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Json) -> str | None:
    """The value if it is a text, halves of one character put together, else None."""
    return join((value,)) if isinstance(value, str) else None


def count(value: Json) -> int | None:
    """The value if it is a whole number that anything can be counted with, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST else None


def native(item: Json) -> NativePart:
    """An item that is not interpreted, as the provider sent it; bytes in it stand beside the log like any others."""
    return NativePart(item=encode(lift(item)[0]))


def answered(parts: Iterable[Part]) -> State:
    """The state of an answer that came to its end."""
    kinds = {type(part) for part in parts}
    if ToolCallPart in kinds:
        return "tool_calls"
    return "refused" if RefusalPart in kinds and TextPart not in kinds else "ok"


def failure_of(error: Json) -> Failure:
    """What an `error` inside an answer of status 200 tells."""
    said = table(error)
    told = classify(_status_like(said.get("code"), said.get("type")), {"error": encode(error)}, {}).failure
    return told.model_copy(update={"status": None})


def _status_like(*codes: Json) -> int:
    """The HTTP status with which these codes come when they are not inside an answer."""
    theirs = any(isinstance(code, str) and "server_error" in code for code in codes)
    for code in codes:
        if isinstance(code, int) and 400 <= code < 600:
            return code
        if isinstance(code, str):
            if code in _STATUS_OF_CODE:
                return _STATUS_OF_CODE[code]
            if (code.startswith(_CALLER_IS_WRONG) and not theirs) or is_safety(code.lower()):
                return 400
    return 500


def failed_state(failure: Failure) -> State:
    """The state of an answer that failed: what the safety filter stopped is blocked, what a person did incomplete."""
    return _STATE_OF_KIND.get(failure.kind, "error")


def read_or_failed(
    read: Callable[[Json], Response], body: Json, failure: Failure | None
) -> tuple[Response, Failure | None]:
    """What a body means to an adapter, and why the call failed: `failure`, else that the body cannot be read.

    A call that failed may have no body.
    """
    response = Response(state="error")
    if body is not None or failure is None:
        try:
            response = read(body)
        except CallFailed as error:
            failure = failure or error.failure
    if failure is not None:
        response = response.model_copy(update={"state": failed_state(failure)})
    return response, failure
