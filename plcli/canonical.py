"""The canonical answer of a run: what was answered, without what is another with every call.

Left out are ids, addresses, times, signatures and encrypted items of the provider. Two runs whose canonical
answers are equal have answered the same.
"""

from __future__ import annotations

import json
import unicodedata
from collections import deque
from collections.abc import Iterator
from typing import TypeVar

from plcli.errors import ToolError
from plcli.media import Json
from plcli.records import Record
from plcli.response import ImagePart, NativePart, Part, ReasoningPart, RefusalPart, State, TextPart, ToolCallPart

Kind = TypeVar("Kind", ToolCallPart, ImagePart, RefusalPart)

_ANEW = frozenset({"created", "created_at", "encrypted_content", "expires_at", "id", "signature", "thoughtSignature"})
"""Members of the provider's own items that every call gives anew, beside those whose names end in `_id` or `Id`."""


def text_of(value: Json) -> str:
    """One text for one JSON value: keys sorted, and numbers by value (`1.0` is `1`).

    Raises `RecursionError` for a value that is nested too deeply.
    """
    return json.dumps(_by_value(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def state_of(record: Record) -> State:
    """How a run ended; one that left no answer ended in an error."""
    return record.response.state if record.response is not None else "error"


def words_of(record: Record) -> str:
    """The words of the last answer, as they came."""
    return (record.response.text if record.response is not None else None) or ""


def plain(words: str) -> str:
    """Words in one Unicode form (NFC), with one blank for any white space, and none around them."""
    return " ".join(unicodedata.normalize("NFC", words).split())


def calls_of(record: Record) -> tuple[tuple[Json, ...], ...]:
    """The calls of tools, `{name, arguments}`: those of one exchange together, whatever their order.

    The record says of a call that was answered which exchange asked for it; all others are the last one's.
    """
    waiting = deque(result for result in record.tool_results or () if result.exchange >= 0)
    rounds: dict[int, list[Json]] = {}
    for call in parts_of(record, ToolCallPart):
        answered = bool(waiting) and (waiting[0].call_id, waiting[0].name) == (call.id, call.name)
        exchange = waiting.popleft().exchange if answered else max(len(record.exchanges) - 1, 0)
        rounds.setdefault(exchange, []).append(_call(call))
    return tuple(tuple(sorted(rounds[exchange], key=text_of)) for exchange in sorted(rounds))


def pictures_of(record: Record) -> tuple[ImagePart, ...]:
    """The pictures of all answers of a run, in order."""
    return tuple(parts_of(record, ImagePart))


def parts_of(record: Record, kind: type[Kind]) -> Iterator[Kind]:
    """The parts of this kind of all answers of a run, in order."""
    return (part for part in (record.response.parts if record.response is not None else ()) if isinstance(part, kind))


def as_answered(record: Record) -> Record:
    """A run by what the model answered, whatever kept its calls of tools from being answered in turn."""
    stopped = record.error is not None and record.error.kind == ToolError.kind
    return record.model_copy(update={"error": None}) if stopped else record


def answer_of(record: Record) -> dict[str, Json]:
    """The canonical answer: state, parts in order, finish reason, pictures that did not come, and why it failed."""
    response, error = record.response, record.error
    answer: dict[str, Json] = {
        "state": state_of(record),
        "parts": [_part(part) for part in response.parts] if response is not None else [],
        "finish_reason": response.finish_reason if response is not None else None,
        "missing": response.missing if response is not None else None,
    }
    if error is not None:
        answer["error"] = {"kind": error.kind, "status": error.status, "code": error.code, "message": error.message}
    return answer


def _part(part: Part) -> Json:
    match part:
        case TextPart():
            return {"text": part.text, "phase": part.phase}
        case ReasoningPart():
            return {"reasoning": part.text}
        case ToolCallPart():
            return {"tool_call": _call(part)}
        case ImagePart():
            # Without its bytes a picture is known by its address alone, which is another each time.
            return {"image": part.media or part.url, "mime": part.mime}
        case RefusalPart():
            return {"refusal": part.text}
        case NativePart():
            return {"native": _lasting(part.item)}


def _call(call: ToolCallPart) -> Json:
    return {"name": call.name, "arguments": call.arguments} | ({"native": call.native} if call.native else {})


def _lasting(item: Json) -> Json:
    """An item of the provider without what every call gives anew."""
    if isinstance(item, dict):
        return {
            name: _lasting(value)
            for name, value in item.items()
            if name not in _ANEW and not name.endswith(("_id", "Id"))
        }
    return [_lasting(each) for each in item] if isinstance(item, list) else item


def _by_value(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _by_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_value(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
