"""Turns of a conversation in echo's JSON, and back: the neutral parts under their own names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from plcli.media import Json, MediaRef
from plcli.providers import loosening
from plcli.providers.loosening import Loose
from plcli.providers.registry import Loosened
from plcli.providers.roundtrip import same
from plcli.request import Audio, File, Image, Message, Native, Part, Role, Text, ToolCall, ToolResult

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}


def items_of(messages: Iterable[Message]) -> list[Json]:
    """The messages of a wire; a message of native parts alone stands as its items."""
    items: list[Json] = []
    for message in messages:
        if message.parts and all(isinstance(part, Native) for part in message.parts):
            items += [part.item for part in message.parts if isinstance(part, Native)]
        else:
            items.append({"role": message.role, "content": content_of([_item(part) for part in message.parts])})
    return items


def content_of(items: list[Json]) -> Json:
    """The content that these parts make: words alone are a string."""
    match items:
        case [{"type": "text", "text": str(text), **more}] if not more:
            return text
    return items


def messages_of(items: Json) -> tuple[Message, ...]:
    """The messages that a wire holds, none where it holds no list; what is not understood is native."""
    return tuple(_message(item) for item in items) if isinstance(items, list) else ()


def _message(item: Json) -> Message:
    match item:
        case {"role": str(role), "content": str(text)} if role in _ROLES:
            message = Message(_ROLES[role], (Text(text),))
        case {"role": str(role), "content": list(parts)} if role in _ROLES:
            message = Message(_ROLES[role], tuple(_part(part) for part in parts))
        case _:
            return Message("user", (Native(item),))
    return message if same(items_of([message]), [item]) else Message("user", (Native(item),))


def _item(part: Part) -> Json:
    match part:
        case Text(text, phase):
            return _said(type="text", text=text, phase=phase)
        case Image(source, detail):
            return _said(type="image", source=source, detail=detail)
        case File(source, filename):
            return _said(type="file", source=source, filename=filename)
        case Audio(sound, form):
            return _said(type="audio", source=sound, format=form)
        case ToolCall(call, name, arguments):
            return _said(type="tool_call", id=call, name=name, arguments=arguments)
        case ToolResult(call, content, name):
            told = content if isinstance(content, str) else [_item(inner) for inner in content]
            return _said(type="tool_result", id=call, content=told, name=name)
        case Native(item):
            return item


def _said(**fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _part(item: Json) -> Part:
    part = _proposed(item)
    return part if part is not None and same(_item(part), item) else Native(item)


def _proposed(item: Json) -> Part | None:
    match item:
        case {"type": "text", "text": str(text)}:
            return Text(text, _word(item.get("phase")))
        case {"type": "image", "source": MediaRef() | str() as source}:
            return Image(source, _word(item.get("detail")))
        case {"type": "file", "source": MediaRef() | str() as source}:
            return File(source, _word(item.get("filename")))
        case {"type": "audio", "source": MediaRef() as source, "format": str(form)}:
            return Audio(source, form)
        case {"type": "tool_call", "name": str(name), "arguments": dict() | str() as arguments}:
            return ToolCall(_word(item.get("id")), name, arguments)
        case {"type": "tool_result", "content": str() | list() as content}:
            told = content if isinstance(content, str) else tuple(_part(inner) for inner in content)
            return ToolResult(_word(item.get("id")), told, _word(item.get("name")))
    return None


def _word(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def loosen(message: Message) -> Loosened:
    """A turn with parts that echo only repeats in neutral words, as far as these go; for another api."""
    return loosening.loosen(message, _loose_message, _loose_part)


def _loose_message(item: Json) -> Loose:
    match item:
        case {"role": str(role), "content": str() | list() as said} if role in _ROLES:
            parts = (Text(said),) if isinstance(said, str) else tuple(_part(part) for part in said)
            found = loosening.content(parts, _loose_part)
            lost = loosening.extras(item, ("role", "content"), "echo")
            return Loose(found.parts, (*found.losses, *lost), _ROLES[role])
    return loosening.dropped(item, "echo")


def _loose_part(item: Json) -> Loose:
    part = _proposed(item)
    if part is None:
        return loosening.dropped(item, "echo")
    loose = loosening.part(part, _loose_part)
    return loose._replace(losses=(*loosening.extras(item, _item(part), "echo"), *loose.losses))
