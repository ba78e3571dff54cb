"""Answers of Chat Completions, read: OpenAI's, and those of servers that are compatible with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plcli.failures import CHECK_BASE_URL, failed
from plcli.media import Json, MediaRef, encode
from plcli.providers.openai_reading import function_call
from plcli.providers.reading import answered, count, failed_state, failure_of, native, rows, table, words
from plcli.providers.turns import arguments_text
from plcli.response import (
    Failure,
    ImagePart,
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
from plcli.safety import filtered

CHUNK = "chat.completion.chunk"
"""The `object` of a stream's pieces; `fold` leaves it on the body of a cut stream."""

REASONING = ("reasoning_content", "reasoning")
"""Where compatible servers put their reasoning."""

_FOREIGN = ("audio", "annotations")


def read(wire_response: Json) -> Response:
    """The answer in plcli's words. Raises `CallFailed` of kind protocol where nothing usable is there.

    Of several choices the first is read; the others are native parts.
    """
    body = table(wire_response)
    if not isinstance(body.get("choices"), list) and not body.get("error"):
        raise failed("protocol", "the answer is no chat completion: it has neither choices nor error", CHECK_BASE_URL)
    first, *others = rows(body.get("choices")) or [None]
    choice = table(first)
    parts = (*_parts(table(choice.get("message"))), *map(native, others))
    state, failure = _state(body, choice, parts)
    return Response(
        state=state,
        parts=parts,
        finish_reason=words(choice.get("finish_reason")) or None,
        usage=_usage(table(body.get("usage")), sum(isinstance(part, ImagePart) for part in parts)),
        served_model=words(body.get("model")),
        service_tier=words(body.get("service_tier")),
        failure=failure,
    )


def _parts(message: Mapping[str, Json]) -> Iterator[Part]:
    thoughts = (words(message.get(name)) for name in REASONING)
    if thought := next((text for text in thoughts if text), None):
        yield ReasoningPart(text=thought)
    content = message.get("content")
    if isinstance(content, dict):
        # Where a structure was asked, Cloudflare answers with the object itself.
        content = arguments_text(encode(content))
    for piece in rows(content) or [content]:
        text = words(piece) if piece is content else text_of(piece)
        if text:
            yield TextPart(text=text)
        elif thought := thought_of(piece):
            yield ReasoningPart(text=thought)
        elif text is None and piece is not None:
            yield picture_of(piece) or native(piece)
    for piece in rows(message.get("images")):
        yield picture_of(piece) or native(piece)
    if refusal := words(message.get("refusal")):
        yield RefusalPart(text=refusal)
    for call in rows(message.get("tool_calls")):
        yield _call(table(call))
    legacy = table(message.get("function_call"))
    if legacy.get("name"):
        yield function_call(None, legacy["name"], legacy.get("arguments"))
    for name in _FOREIGN:
        item = message.get(name)
        # Some servers send every field there is, with nothing in it.
        if any(item.values()) if isinstance(item, dict) else item:
            yield native({name: item})


def text_of(piece: Json) -> str | None:
    """The words of one piece of a content that is a list, or None where it has none."""
    return words(table(piece).get("text"))


def thought_of(piece: Json) -> str:
    """The reasoning in one piece of a content that is a list: `{type: thinking, thinking: [{text}]}`."""
    return join(text_of(inner) or "" for inner in rows(table(piece).get("thinking")))


def picture_of(piece: Json) -> ImagePart | None:
    """The picture in one piece of a content, or of the `images` of compatible servers; None where it has none."""
    stated = table(piece).get("image_url")
    source = table(stated).get("url", stated)
    if isinstance(source, MediaRef):
        return ImagePart(media=source.digest, mime=source.mime)
    address = words(source) or ""
    if address.startswith("data:"):
        return ImagePart()  # bytes that nobody can read
    return ImagePart(url=address) if address.startswith(("https:", "http:")) else None


def _call(call: Mapping[str, Json]) -> Part:
    if call.get("type") == "custom":
        free = table(call.get("custom"))
        given = words(free.get("input"))
        return ToolCallPart(id=words(call.get("id")), name=words(free.get("name")) or "", arguments=given)
    stated = table(call.get("function"))
    return function_call(call.get("id"), stated.get("name"), stated.get("arguments"))


def _state(
    body: Mapping[str, Json], choice: Mapping[str, Json], parts: tuple[Part, ...]
) -> tuple[State, Failure | None]:
    reason = choice.get("finish_reason")
    if error := body.get("error") or choice.get("error"):
        failure = failure_of(error)
        return failed_state(failure), failure
    if reason == "content_filter":
        what = "the content filter stopped the answer" + filtered(choice.get("content_filter_results"))
        return "blocked", failure_of({"message": what, "code": "content_filter"})
    if body.get("object") == CHUNK:
        return "error", failed("protocol", "the answer is not complete: the stream was cut", "try again").failure
    if not isinstance(choice.get("message"), dict):
        return "error", failed("protocol", "the answer has no message", CHECK_BASE_URL).failure
    if reason == "error":
        return "error", failed("server", "the server broke the answer off with an error", "try again").failure
    if reason == "length":
        return "incomplete", None
    return answered(parts), None


def _usage(usage: Mapping[str, Json], images: int) -> Usage | None:
    if not (usage or images):
        return None
    given, made = table(usage.get("prompt_tokens_details")), table(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        cached_input_tokens=count(given.get("cached_tokens")),
        cache_write_tokens=count(given.get("cache_write_tokens")),
        image_input_tokens=count(given.get("image_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(made.get("reasoning_tokens")),
        image_output_tokens=count(made.get("image_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        images=images or None,
    )
