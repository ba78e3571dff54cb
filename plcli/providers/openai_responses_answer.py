"""Answers of the Responses api, read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from plcli.failures import CHECK_BASE_URL, failed
from plcli.media import Json, MediaRef, encode
from plcli.providers import openai_responses_waiting
from plcli.providers.openai_reading import function_call
from plcli.providers.reading import answered, count, failed_state, failure_of, rows, table, words
from plcli.response import (
    Failure,
    ImagePart,
    NativePart,
    Part,
    ReasoningPart,
    RefusalPart,
    Response,
    State,
    TextPart,
    ToolCallPart,
    Usage,
    join,
)

_OWN_PICTURE_FIELDS = ("type", "id", "status", "result", "revised_prompt", "error")


def read(wire_response: Json) -> Response:
    """The answer in plcli's words. Raises `CallFailed` of kind protocol where nothing usable is there."""
    body = table(wire_response)
    if not isinstance(body.get("output"), list) and not body.get("error"):
        raise failed("protocol", "the answer is no response: it has neither output nor error", CHECK_BASE_URL)
    output = rows(body.get("output"))
    asked = _picture_request(body)
    closed = openai_responses_waiting.answered(output)
    parts = tuple(part for item in output for part in _parts(table(item), item, asked, closed))
    state, failure = _state(body, output, parts)
    reason = words(table(body.get("incomplete_details")).get("reason"))
    return Response(
        state=state,
        parts=parts,
        finish_reason=reason or words(body.get("status")),
        usage=_usage(body, sum(isinstance(part, ImagePart) for part in parts)),
        served_model=words(body.get("model")),
        service_tier=words(body.get("service_tier")),
        failure=failure,
    )


def _parts(
    item: Mapping[str, Json], foreign: Json, asked: Mapping[str, Json] | None, closed: AbstractSet[str]
) -> Iterator[Part]:
    kind = item.get("type")
    if kind == "message" and isinstance(item.get("content"), list):
        yield from _message_parts(item)
    elif kind == "reasoning":
        pieces = [table(piece).get("text") for place in ("summary", "content") for piece in rows(item.get(place))]
        if text := "\n\n".join(piece for piece in pieces if isinstance(piece, str) and piece):
            yield ReasoningPart(text=join((text,)))
    elif kind == "function_call":
        yield function_call(item.get("call_id"), item.get("name"), item.get("arguments"))
    elif kind == "custom_tool_call":
        yield ToolCallPart(
            id=words(item.get("call_id")), name=words(item.get("name")) or "", arguments=words(item.get("input"))
        )
    elif kind == "image_generation_call" and isinstance(item.get("result"), str | MediaRef) and item["result"]:
        yield _picture(item, item["result"], asked)
    elif (call := openai_responses_waiting.call_part(item)) is not None and call.id not in closed:
        yield call
    else:
        yield NativePart(item=encode(foreign))


def _message_parts(item: Mapping[str, Json]) -> Iterator[Part]:
    for piece in item["content"]:
        kind = table(piece).get("type")
        text = words(table(piece).get("refusal" if kind == "refusal" else "text"))
        if kind not in ("output_text", "refusal") or text is None:
            yield NativePart(item=encode(piece))
        elif text:
            yield RefusalPart(text=text) if kind == "refusal" else TextPart(text=text, phase=words(item.get("phase")))


def _picture(item: Mapping[str, Json], result: str | MediaRef, asked: Mapping[str, Json] | None) -> ImagePart:
    form = words(item.get("output_format"))
    served = {key: encode(value) for key, value in item.items() if key not in _OWN_PICTURE_FIELDS and value is not None}
    return ImagePart(
        media=result.digest if isinstance(result, MediaRef) else None,
        mime=result.mime if isinstance(result, MediaRef) else form and f"image/{form}",
        id=words(item.get("id")),
        requested=None if asked is None else {key: encode(value) for key, value in asked.items() if key != "type"},
        served=served or None,
        revised_prompt=words(item.get("revised_prompt")),
    )


def _picture_request(body: Mapping[str, Json]) -> dict[str, Json] | None:
    """The `image_generation` tool of the request, which the answer repeats."""
    tools = (table(tool) for tool in rows(body.get("tools")))
    return next((tool for tool in tools if tool.get("type") == "image_generation"), None)


def _state(body: Mapping[str, Json], output: Sequence[Json], parts: Sequence[Part]) -> tuple[State, Failure | None]:
    status = body.get("status")
    if body.get("error") or status in ("failed", "cancelled"):
        failure = failure_of(body.get("error") or {"message": f"the answer is {status}"})
        return failed_state(failure), failure
    if status in ("in_progress", "queued"):
        told = failed(
            "protocol",
            f"the answer is not complete: its status is {status}",
            "try again; an answer in the background (`body.background`) is not waited for",
        )
        return "error", told.failure
    if status == "incomplete":
        if table(body.get("incomplete_details")).get("reason") == "content_filter":
            return "blocked", failure_of({"message": "the content filter cut the answer", "code": "content_filter"})
        return "incomplete", None
    calls = [table(item) for item in output if table(item).get("type") == "image_generation_call"]
    forced = table(body.get("tool_choice")).get("type") == "image_generation"
    if (calls or forced) and not any(isinstance(part, ImagePart | ToolCallPart) for part in parts):
        error = next((call["error"] for call in calls if call.get("error")), None)
        reason = None if error is None else failure_of(error)
        return "blocked" if reason is not None and reason.kind == "safety" else "no_image", reason
    return answered(parts), None


def _usage(body: Mapping[str, Json], images: int) -> Usage | None:
    usage, tools = table(body.get("usage")), table(body.get("tool_usage"))
    if not (usage or tools or images):
        return None
    given, made = table(usage.get("input_tokens_details")), table(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        cached_input_tokens=count(given.get("cached_tokens")),
        cache_write_tokens=count(given.get("cache_write_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        images=images or None,
        tools=encode(tools) if tools else None,
    )
