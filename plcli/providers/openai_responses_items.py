"""Messages as input items of the Responses api, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast

from plcli.media import Json, MediaRef
from plcli.providers import loosening, openai_responses_waiting
from plcli.providers.loosening import Loose
from plcli.providers.openai_turns import data_url
from plcli.providers.reading import table
from plcli.providers.registry import Loosened
from plcli.providers.roundtrip import same
from plcli.providers.turns import arguments_text, arguments_value, only_native, text_at
from plcli.request import Audio, File, Image, Loss, Message, Native, Part, Role, Text, ToolCall, ToolResult

_API = "responses"
_ROLES = ("system", "developer", "user", "assistant")

_READ = {
    "message": ("role", "content", "phase"),
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call_output": ("call_id", "output"),
}
"""The keys of items that neutral parts have words for."""

_CALLS = ("function_call", "custom_tool_call")

_OF_A_PICTURE = ("result", "size", "quality", "background", "output_format", "action")
"""What an `image_generation_call` says that the picture itself shows."""

_WHY_DROPPED = {
    "reasoning": "reasoning can be read only by the model that thought it",
    "compaction": "what was compacted can be read only by the provider that did it",
    "item_reference": "it names an item that only the provider keeps",
}


def unfit(role: str, part: Part) -> str | None:
    """Why a part cannot stand in a message of that role (`tool`: in a tool result), or None."""
    if isinstance(part, Audio):
        return "the responses api takes no sound"
    if role == "assistant" and isinstance(part, Image | File):
        return "the responses api takes no pictures or files in an assistant message"
    return None


def items_of(messages: Iterable[Message], custom: AbstractSet[str], before: Iterable[Json] = ()) -> list[Json]:
    """The items of messages that follow the items `before`.

    `custom` names the tools that take free text: their calls, and the answers to calls of theirs, are
    items of another type. So is the answer to each kind of call of OpenAI's own tools.
    """
    items: list[Json] = []
    calls = _calls(before)
    for message in messages:
        added = _write(message, custom, calls)
        calls |= _calls(added)
        items += added
    return items


def messages_of(items: Iterable[Json], custom: AbstractSet[str]) -> tuple[Message, ...]:
    """The messages whose items these are: `items_of(messages_of(items, custom), custom) == items`.

    Items of one assistant turn become one message, and so do adjacent tool results.
    """
    turns: list[tuple[Role, list[Part]]] = []
    calls: dict[str, Json] = {}
    for item in items:
        message = _read(item, custom)
        if message is None or not same(_write(message, custom, calls), [item]):
            message = Message(_native_role(item), (Native(item),))
        calls |= _calls([item])
        if turns and turns[-1][0] == message.role and _continues(turns[-1][1], message.parts):
            turns[-1][1].extend(message.parts)
        else:
            turns.append((message.role, list(message.parts)))
    return tuple(Message(role, tuple(parts)) for role, parts in turns)


def _calls(items: Iterable[Json]) -> dict[str, Json]:
    """The calls among items, by what their answers name; of several with one id the last."""
    found: dict[str, Json] = {}
    for item in map(table, items):
        named = text_at(item, "call_id") if item.get("type") in _CALLS else openai_responses_waiting.call_id(item)
        if named is not None:
            found[named] = item
    return found


def _continues(before: list[Part], after: tuple[Part, ...]) -> bool:
    """Whether parts written in one message stay the items that they are in two."""
    if not before or not after or (len(before) == 1 and only_native(before)) or only_native(after):
        return False
    last, first = before[-1], after[0]
    if isinstance(last, ToolResult | ToolCall) or isinstance(first, ToolCall):
        return True
    return isinstance(last, Text) and isinstance(first, Text) and last.phase != first.phase


def _write(message: Message, custom: AbstractSet[str], calls: Mapping[str, Json]) -> list[Json]:
    if only_native(message.parts):
        return [part.item for part in message.parts if isinstance(part, Native)]
    if not message.parts:
        return [_message(message.role, [])]
    items: list[Json] = []
    run: list[Part] = []
    for part in message.parts:
        if unfit(message.role, part):
            continue
        if run and (isinstance(part, ToolCall | ToolResult) or _phase(message.role, part, run) != _phase_of(run)):
            items.append(_message(message.role, run))
            run = []
        if isinstance(part, ToolCall):
            items.append(_call(part, custom))
        elif isinstance(part, ToolResult):
            items.append(_result(part, calls.get(part.id or "")))
        else:
            run.append(part)
    return [*items, _message(message.role, run)] if run else items


def _phase(role: Role, part: Part, run: list[Part]) -> str | None:
    """The phase that a part asks its message to have; other parts than words go with those before."""
    return part.phase if isinstance(part, Text) and role == "assistant" else _phase_of(run)


def _phase_of(run: list[Part]) -> str | None:
    return run[0].phase if isinstance(run[0], Text) else None


def _message(role: Role, parts: list[Part]) -> Json:
    alone = parts[0] if len(parts) == 1 else None
    content = alone.text if isinstance(alone, Text) else [_content(role, part) for part in parts]
    phase = _phase_of(parts) if parts and role == "assistant" else None
    return {"role": role, "content": content} if phase is None else {"role": role, "content": content, "phase": phase}


def _content(role: str, part: Part) -> Json:
    """A part as content of a message, or of a tool result."""
    if isinstance(part, Text):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}
    if isinstance(part, Image):
        detail = {} if part.detail is None else {"detail": part.detail}
        return {"type": "input_image", "image_url": data_url(part.source), **detail}
    if isinstance(part, File):
        place = "file_url" if isinstance(part.source, str) else "file_data"
        name = {} if part.filename is None else {"filename": part.filename}
        return {"type": "input_file", place: data_url(part.source), **name}
    return cast(Native, part).item


def _call(call: ToolCall, custom: AbstractSet[str]) -> Json:
    known = {} if call.id is None else {"call_id": call.id}
    if call.name in custom:
        return {"type": "custom_tool_call", **known, "name": call.name, "input": arguments_text(call.arguments)}
    return {"type": "function_call", **known, "name": call.name, "arguments": arguments_text(call.arguments)}


def _result(result: ToolResult, call: Json) -> Json:
    """The answer to a call, or to one that is not known."""
    called = table(call).get("type")
    if called is not None and called not in _CALLS:
        return openai_responses_waiting.answer_to(call, result)
    kind = "custom_tool_call_output" if called == "custom_tool_call" else "function_call_output"
    output: Json = result.content
    if not isinstance(result.content, str):
        output = [_content("tool", part) for part in result.content if not unfit("tool", part)]
        if result.content and not output:
            output = ""  # an empty list would be refused
    return {"type": kind, **({} if result.id is None else {"call_id": result.id}), "output": output}


def _read(item: Json, custom: AbstractSet[str]) -> Message | None:
    """The message that an item seems to be; whether it is, only writing it again can tell."""
    if not isinstance(item, dict):
        return None
    kind, role, content, phase = item.get("type"), item.get("role"), item.get("content"), item.get("phase")
    if kind in _CALLS:
        free = kind == "custom_tool_call"
        name, given = item.get("name"), item.get("input" if free else "arguments")
        if not isinstance(name, str) or not isinstance(given, str):
            return None
        arguments = given if free else arguments_value(given)
        return Message("assistant", (ToolCall(text_at(item, "call_id"), name, arguments),))
    if kind in ("function_call_output", "custom_tool_call_output"):
        output = item.get("output")
        if isinstance(output, list):
            return Message("tool", (ToolResult(text_at(item, "call_id"), _parts("tool", output, None)),))
        return Message("tool", (ToolResult(text_at(item, "call_id"), output),)) if isinstance(output, str) else None
    if role not in _ROLES:
        return None
    phase = phase if isinstance(phase, str) else None
    if isinstance(content, str):
        return Message(role, (Text(content, phase),))
    return Message(role, _parts(role, content, phase)) if isinstance(content, list) else None


def _parts(role: str, content: list[Json], phase: str | None) -> tuple[Part, ...]:
    parts = ((_read_content(item, phase), item) for item in content)
    return tuple(part if part and same(_content(role, part), item) else Native(item) for part, item in parts)


def _read_content(item: Json, phase: str | None) -> Part | None:
    if not isinstance(item, dict):
        return None
    kind, source = item.get("type"), item.get("image_url")
    if kind in ("input_text", "output_text") and isinstance(item.get("text"), str):
        return Text(item["text"], phase)
    if kind == "input_image" and isinstance(source, MediaRef | str):
        return Image(source, text_at(item, "detail"))
    if kind == "input_file":
        source = item.get("file_data")
        if not isinstance(source, MediaRef):
            source = item.get("file_url")
        return File(source, text_at(item, "filename")) if isinstance(source, MediaRef | str) else None
    return None


def _native_role(item: Json) -> Role:
    if not isinstance(item, dict):
        return "user"
    role, kind = item.get("role"), item.get("type")
    if role in _ROLES:
        return cast(Role, role)
    return "tool" if isinstance(kind, str) and kind.endswith("_output") else "assistant"


def loosen(message: Message) -> Loosened:
    """A turn with the api's own items in neutral words, as far as these go; for another api."""
    return loosening.loosen(message, _loose_item, _loose_piece)


def _loose_item(item: Json) -> Loose:
    stated = table(item)
    kind = stated.get("type", "message")
    if kind == "image_generation_call" and isinstance(stated.get("result"), MediaRef):
        return Loose((Image(stated["result"]),), loosening.extras(stated, _OF_A_PICTURE, _API), "assistant")
    message = _read(item, frozenset()) if isinstance(kind, str) and kind in _READ else None
    if message is None:
        return loosening.dropped(item, _API, _WHY_DROPPED.get(kind) if isinstance(kind, str) else None)
    phase = text_at(stated, "phase")
    said = loosening.content(message.parts, lambda piece: _loose_piece(piece, phase))
    lists = ("content", "output")
    read = [key for key in _READ[kind] if isinstance(stated.get(key), str | list if key in lists else str)]
    return Loose(said.parts, (*said.losses, *loosening.extras(stated, read, _API)), message.role)


def _loose_piece(piece: Json, phase: str | None = None) -> Loose:
    stated = table(piece)
    if stated.get("type") == "refusal" and isinstance(stated.get("refusal"), str):
        return Loose((Text(stated["refusal"], phase),), (Loss("", "a refusal becomes plain words", kind="changed"),))
    part = _read_content(piece, phase)
    if part is None:
        return loosening.dropped(piece, _API, loosening.KEPT_FILE if "file_id" in stated else None)
    return Loose((part,), loosening.extras(stated, _content("user", part), _API))
