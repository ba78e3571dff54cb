"""Messages as Chat Completions writes them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

from plcli.media import Json, MediaRef
from plcli.providers import loosening
from plcli.providers.loosening import Loose
from plcli.providers.openai_turns import data_url
from plcli.providers.reading import rows, table
from plcli.providers.registry import Loosened
from plcli.providers.roundtrip import same
from plcli.providers.turns import arguments_text, arguments_value, only_native, text_at
from plcli.request import Audio, File, Image, Loss, Message, Native, Part, Role, Text, ToolCall, ToolResult

_API = "chat"
_ROLES = ("system", "developer", "user", "assistant", "tool")

_READ = {"role": str, "content": str | list, "refusal": str, "tool_calls": list, "function_call": dict}
"""What a message says that neutral parts have words for, and in which types."""


def unfit(role: str, part: Part) -> str | None:
    """Why a part cannot stand in a message of that role, or None."""
    if isinstance(part, Image | File | Audio) and role in ("assistant", "tool"):
        return f"the chat api takes only text in {'an assistant message' if role == 'assistant' else 'a tool result'}"
    if isinstance(part, File) and isinstance(part.source, str):
        return "the chat api takes no files by URL"
    return None


def chat_of(messages: Iterable[Message], custom: AbstractSet[str]) -> list[Json]:
    """The messages as the api has them; `custom` names the tools that take free text."""
    return [written for message in messages for written in _write(message, custom)]


def messages_of(chat: Iterable[Json], custom: AbstractSet[str]) -> tuple[Message, ...]:
    """The messages that are written so: `chat_of(messages_of(chat, custom), custom) == chat`.

    Adjacent tool results become one message.
    """
    turns: list[tuple[Role, list[Part]]] = []
    for written in chat:
        message = _read(written)
        if message is None or not same(_write(message, custom), [written]):
            message = Message(_native_role(written), (Native(written),))
        if turns and _results(turns[-1][1]) and _results(message.parts):
            turns[-1][1].extend(message.parts)
        else:
            turns.append((message.role, list(message.parts)))
    return tuple(Message(role, tuple(parts)) for role, parts in turns)


def _results(parts: Sequence[Part]) -> bool:
    return bool(parts) and isinstance(parts[0], ToolResult)


def without_id(part: Part) -> Part:
    """A result as chat takes it of a call without an id (`function_call`): named by its tool. Others as they are."""
    if not isinstance(part, ToolResult) or part.name is None:
        return part
    return Native({"role": "function", "name": part.name, "content": table(_result(part))["content"]})


def _write(message: Message, custom: AbstractSet[str]) -> list[Json]:
    if only_native(message.parts):
        return [part.item for part in message.parts if isinstance(part, Native)]
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    written: list[Json] = [_result(result) for result in results]
    calls = [_call(part, custom) for part in message.parts if isinstance(part, ToolCall)]
    said = [part for part in message.parts if not isinstance(part, ToolCall | ToolResult)]
    content = [part for part in said if not unfit(message.role, part)]
    if content or calls or not message.parts:
        whole: dict[str, Json] = {"role": message.role, "content": _content(content) if content or not calls else None}
        written.append({**whole, "tool_calls": calls} if calls else whole)
    return written


def _content(parts: Sequence[Part]) -> Json:
    alone = parts[0] if len(parts) == 1 else None
    return alone.text if isinstance(alone, Text) else [_piece(part) for part in parts]


def _piece(part: Part) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        detail = {} if part.detail is None else {"detail": part.detail}
        return {"type": "image_url", "image_url": {"url": data_url(part.source), **detail}}
    if isinstance(part, File):
        name = {} if part.filename is None else {"filename": part.filename}
        return {"type": "file", "file": {**name, "file_data": data_url(part.source)}}
    if isinstance(part, Audio):
        source = part.source
        data = source if source.encoding == "base64" else MediaRef(source.digest, source.mime)
        return {"type": "input_audio", "input_audio": {"data": data, "format": part.format}}
    return cast(Native, part).item


def _call(call: ToolCall, custom: AbstractSet[str]) -> Json:
    known = {} if call.id is None else {"id": call.id}
    given = arguments_text(call.arguments)
    if call.name in custom:
        return {**known, "type": "custom", "custom": {"name": call.name, "input": given}}
    return {**known, "type": "function", "function": {"name": call.name, "arguments": given}}


def _result(result: ToolResult) -> Json:
    content: Json = result.content
    if not isinstance(result.content, str):
        content = [_piece(part) for part in result.content if not unfit("tool", part)]
        if result.content and not content:
            content = ""  # an empty list would be refused
    known = {} if result.id is None else {"tool_call_id": result.id}
    return {"role": "tool", **known, "content": content}


def _read(written: Json) -> Message | None:
    """The message that this seems to be; whether it is, only writing it again can tell."""
    if not isinstance(written, dict) or written.get("role") not in _ROLES:
        return None
    role, content, calls = written["role"], written.get("content"), written.get("tool_calls")
    if role == "tool":
        given = tuple(_parts(content)) if isinstance(content, list) else text_at(written, "content")
        return None if given is None else Message(role, (ToolResult(text_at(written, "tool_call_id"), given),))
    parts: list[Part] = [Text(content)] if isinstance(content, str) else []
    if isinstance(content, list):
        parts = _parts(content)
    for call in calls if isinstance(calls, list) else []:
        read = _read_call(call)
        if read is None:
            return None
        parts.append(read)
    return Message(role, tuple(parts))


def _read_call(call: Json) -> ToolCall | None:
    if not isinstance(call, dict):
        return None
    free = call.get("type") == "custom"
    stated = call.get("custom" if free else "function")
    if not isinstance(stated, dict) or not isinstance(stated.get("name"), str):
        return None
    given = stated.get("input" if free else "arguments")
    if not isinstance(given, str):
        return None
    return ToolCall(text_at(call, "id"), stated["name"], given if free else arguments_value(given))


def _parts(content: list[Json]) -> list[Part]:
    parts = ((_read_piece(piece), piece) for piece in content)
    return [part if part is not None and same(_piece(part), piece) else Native(piece) for part, piece in parts]


def _read_piece(piece: Json) -> Part | None:
    if not isinstance(piece, dict):
        return None
    kind = piece.get("type")
    stated = piece.get(kind) if kind in ("text", "image_url", "file", "input_audio") else None
    if kind == "text":
        return Text(stated) if isinstance(stated, str) else None
    if not isinstance(stated, dict):
        return None
    if kind == "image_url" and isinstance(stated.get("url"), MediaRef | str):
        return Image(stated["url"], text_at(stated, "detail"))
    if kind == "file" and isinstance(stated.get("file_data"), MediaRef):
        return File(stated["file_data"], text_at(stated, "filename"))
    if kind == "input_audio" and isinstance(stated.get("data"), MediaRef):
        return Audio(stated["data"], text_at(stated, "format") or "")
    return None


def _native_role(written: Json) -> Role:
    role = written.get("role") if isinstance(written, dict) else None
    return cast(Role, role) if role in _ROLES else "user"


def loosen(message: Message) -> Loosened:
    """A turn with the api's own messages and pieces in neutral words, as far as these go; for another api."""
    return loosening.loosen(message, _loose_message, _loose_piece)


def _loose_message(item: Json) -> Loose:
    stated = table(item)
    if stated.get("role") == "function":
        return _loose_function_result(stated)
    calls = rows(stated.get("tool_calls"))
    if isinstance(stated.get("function_call"), dict):
        calls = [*calls, {"type": "function", "function": stated["function_call"]}]
    message = _read({**stated, "tool_calls": [call for call in calls if _read_call(call) is not None]})
    if message is None:
        return loosening.dropped(item, _API)
    said = loosening.content(message.parts, _loose_piece)
    spoken = [part for part in said.parts if not isinstance(part, ToolCall)]
    losses = list(said.losses)
    if refusal := text_at(stated, "refusal"):
        spoken.append(Text(refusal))
        losses.append(Loss("refusal", "a refusal becomes plain words", kind="changed"))
    for index, call in enumerate(calls):
        losses += loosening.under(f"tool_calls[{index}]", _lost_of_call(call))
    drawn = [_read_piece(piece) for piece in rows(stated.get("images"))]
    spoken += (picture for picture in drawn if isinstance(picture, Image))
    read = [key for key, kind in _READ.items() if isinstance(stated.get(key), kind)]
    read += ["tool_call_id"] if message.role == "tool" else []
    read += [] if None in drawn else ["images"]
    made = (*spoken, *(part for part in said.parts if isinstance(part, ToolCall)))
    return Loose(made, (*losses, *loosening.extras(stated, read, _API)), message.role)


def _loose_function_result(stated: dict[str, Json]) -> Loose:
    """The answer to a call as chat wrote it before calls had ids."""
    told = text_at(stated, "content")
    if told is None:
        return loosening.dropped(stated, _API)
    result = ToolResult(None, told, text_at(stated, "name"))
    return Loose((result,), loosening.extras(stated, ("role", "content", "name"), _API), "tool")


def _lost_of_call(call: Json) -> tuple[Loss, ...]:
    if _read_call(call) is None:
        return loosening.dropped(call, _API).losses
    kind = "custom" if call.get("type") == "custom" else "function"
    inner = loosening.extras(call[kind], ("name", "input" if kind == "custom" else "arguments"), _API)
    return (*loosening.extras(call, (kind,), _API), *loosening.under(kind, inner))


def _loose_piece(piece: Json) -> Loose:
    stated = table(piece)
    if stated.get("type") == "refusal" and isinstance(stated.get("refusal"), str):
        return Loose((Text(stated["refusal"]),), (Loss("", "a refusal becomes plain words", kind="changed"),))
    part = _read_piece(piece)
    if part is None:
        kept = "file_id" in table(stated.get("file"))
        return loosening.dropped(piece, _API, loosening.KEPT_FILE if kept else None)
    written = _piece(part)
    kind = stated["type"]
    inner = loosening.extras(stated[kind], written[kind], _API) if isinstance(stated[kind], dict) else ()
    return Loose((part,), (*loosening.extras(stated, written, _API), *loosening.under(kind, inner)))
