"""Messages as Gemini's contents and system instruction, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from plcli.media import Json, MediaRef
from plcli.providers.reading import rows, table
from plcli.providers.roundtrip import same
from plcli.providers.turns import arguments_text, arguments_value, parse_object, text_at, turn_losses
from plcli.request import Audio, File, Image, Loss, Message, Native, Part, Role, Text, ToolCall, ToolResult

FREE_TEXT = "input"
"""The one argument of a call whose arguments are free text, or no JSON."""

UNSIGNED = "skip_thought_signature_validator"
"""The signature that Gemini documents for calls that none of its models made."""

_BY_URL = "the gemini api fetches nothing by URL"
_HINTS = {_BY_URL: "download it and name the file; a gs:// or Files-API URI goes in a native part with `fileData`"}

_ROLES: Mapping[str, Role] = {"user": "user", "model": "assistant"}
_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}


def unfit(role: str, part: Part) -> str | None:
    """Why a part cannot stand in a message of that role (`tool`: in a tool result), or None."""
    if role in ("system", "developer") and not isinstance(part, Text | Native):
        return "the gemini api takes only text in a system message"
    if isinstance(part, Image | File) and isinstance(part.source, str):
        return _BY_URL
    return None


def contents_losses(messages: Sequence[Message]) -> Iterator[Loss]:
    """What of the messages Gemini cannot carry."""
    for loss in turn_losses(messages, unfit, ids=False):
        yield loss._replace(hint=_HINTS.get(loss.message, loss.hint))
    names: dict[str, str] = {}
    started = False
    for at, message in enumerate(messages):
        system = message.role in ("system", "developer")
        if system and started:
            reason = "the gemini api takes system messages only at the start"
            yield Loss(f"messages[{at}]", reason, "move it to the start", "changed")
        started = started or not system
        for index, part in enumerate(message.parts):
            yield from _part_losses(f"messages[{at}].content[{index}]", part, names)


def _part_losses(path: str, part: Part, names: dict[str, str]) -> Iterator[Loss]:
    """What of a part Gemini cannot carry; `names` gathers those of the calls by their ids."""
    if isinstance(part, Image) and part.detail is not None:
        hint = "drop it, or write body.generationConfig.mediaResolution"
        yield Loss(f"{path}.detail", "the gemini api has no detail", hint)
    if isinstance(part, ToolCall) and isinstance(part.arguments, str) and parse_object(part.arguments) is None:
        reason = "the gemini api takes only objects as arguments"
        yield Loss(f"{path}.arguments", reason, "write an object", "changed")
    names.update(_call_names([_piece(part)] if isinstance(part, ToolCall) else _inner(part)))
    if isinstance(part, ToolResult):
        if part.name is None and names.get(part.id or "") is None:
            reason = "the gemini api pairs results by the tool's name"
            yield Loss(f"{path}.name", reason, "write the `name` of the tool")
        for index, piece in enumerate(() if isinstance(part.content, str) else part.content):
            yield from _part_losses(f"{path}.content[{index}]", piece, names)


def _inner(part: Part) -> list[Json]:
    """The wire parts that a native part holds."""
    if not isinstance(part, Native):
        return []
    return rows(table(part.item).get("parts")) if is_content(part.item) else [part.item]


def with_signatures(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with a signature on each call that needs one, since newer models refuse calls without.

    That is the first call of every step since the user spoke last. Calls that are native stay as they are.
    """
    spoken = max(
        (at for at, message in enumerate(messages) if message.role == "user" and _write(message, {})), default=-1
    )
    steps = (at > spoken and message.role == "assistant" for at, message in enumerate(messages))
    return tuple(
        message._replace(parts=_with_signature(message.parts)) if step else message
        for message, step in zip(messages, steps, strict=True)
    )


def _with_signature(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    for at, part in enumerate(parts):
        if isinstance(part, ToolCall):
            return (*parts[:at], Native({**_piece(part), "thoughtSignature": UNSIGNED}), *parts[at + 1 :])
        if any("functionCall" in table(item) for item in _inner(part)):
            break
    return parts


def instruction_of(messages: Iterable[Message]) -> Json:
    """The system instruction of a conversation, or None."""
    system = [message for message in messages if message.role in ("system", "developer")]
    parts = [_piece(part) for message in system for part in message.parts if not unfit(message.role, part)]
    return {"parts": parts} if system else None


def contents_of(messages: Iterable[Message], before: Iterable[Json] = ()) -> list[Json]:
    """The contents of messages that follow the contents `before`; system messages are none of them.

    Adjacent tool results become one content, since Gemini wants all answers of a batch in one.
    """
    names = dict(_call_names(part for content in before for part in rows(table(content).get("parts"))))
    contents: list[Json] = []
    batch: list[Json] | None = None
    for message in messages:
        if message.role in ("system", "developer"):
            continue
        for written in _write(message, names):
            names.update(_call_names(rows(table(written).get("parts"))))
            if message.role == "tool" and not _is_native(message, written):
                if batch is not None:
                    batch += written["parts"]
                    continue
                batch = written["parts"]
            else:
                batch = None
            contents.append(written)
    return contents


def _is_native(message: Message, written: Json) -> bool:
    return any(isinstance(part, Native) and part.item is written for part in message.parts)


def messages_of(contents: Sequence[Json], instruction: Json) -> tuple[Message, ...]:
    """The messages that are written so, as far as they are; the caller holds them against the wire."""
    messages: list[Message] = []
    if isinstance(instruction, dict) and isinstance(instruction.get("parts"), list):
        parts = zip(_parts(instruction["parts"]), instruction["parts"], strict=True)
        messages.append(
            Message("system", tuple(part if isinstance(part, Text) else Native(item) for part, item in parts))
        )
    names: dict[str, str] = {}
    for content in contents:
        message = _read(content)
        joins = message is not None and message.role == "tool" and messages and messages[-1].role == "tool"
        if message is None or joins or not same(_write(message, names), [content]):
            message = Message(_ROLES.get(str(table(content).get("role")), "user"), (Native(content),))
        names.update(_call_names(rows(table(content).get("parts"))))
        messages.append(message)
    return tuple(messages)


def is_content(item: Json) -> bool:
    """Whether a native item is a whole content, not a part of one."""
    return not isinstance(item, dict) or "parts" in item or "role" in item


def output_text(output: Json) -> str | None:
    """The words of a tool's output: text, or an object as compact JSON; None where bytes or secrets were taken out."""
    try:
        return arguments_text(output) if isinstance(output, str | dict) else None
    except TypeError:
        return None


def read_part(item: Json) -> Part | None:
    """The part that this seems to be; whether it is, only writing it again can tell."""
    stated = table(item)
    if "text" in stated:
        text = text_at(stated, "text")
        return None if text is None else Text(text)
    if "functionCall" in stated:
        call = table(stated["functionCall"])
        name, given = text_at(call, "name"), call.get("args")
        return ToolCall(text_at(call, "id"), name, given) if name is not None and isinstance(given, dict) else None
    if "functionResponse" in stated:
        return _read_result(table(stated["functionResponse"]))
    return _read_blob(table(stated.get("inlineData")))


def _write(message: Message, names: Mapping[str, str]) -> list[Json]:
    """The contents of a message: one, but for the native items in it that are contents of their own."""
    role = "model" if message.role == "assistant" else "user"
    contents: list[Json] = []
    run: list[Json] = []
    for part in message.parts:
        if isinstance(part, Native) and is_content(part.item):
            contents += [{"role": role, "parts": run}] if run else []
            contents.append(part.item)
            run = []
        elif not unfit(message.role, part):
            run.append(_piece(part, names))
    return [*contents, {"role": role, "parts": run}] if run or not message.parts else contents


def _piece(part: Part, names: Mapping[str, str] | None = None) -> Json:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, ToolCall):
        known = {} if part.id is None else {"id": part.id}
        return {"functionCall": {**known, "name": part.name, "args": _arguments(part.arguments)}}
    if isinstance(part, ToolResult):
        return {"functionResponse": _result(part, names or {})}
    if isinstance(part, Image | File | Audio):
        return {"inlineData": _blob(part)}
    return part.item


def _arguments(arguments: Json) -> Json:
    if not isinstance(arguments, str):
        return arguments
    value = parse_object(arguments)
    return {FREE_TEXT: arguments} if value is None else value


def _result(result: ToolResult, names: Mapping[str, str]) -> dict[str, Json]:
    """A function response: words are its output, media its parts.

    The compact JSON of an object is that object, and of `{"error": …}` the whole response.
    """
    known: dict[str, Json] = {} if result.id is None else {"id": result.id}
    name = result.name if result.name is not None else names.get(result.id or "")
    if name is not None:
        known["name"] = name
    parts = (Text(result.content),) if isinstance(result.content, str) else result.content
    said = [part.text for part in parts if isinstance(part, Text)]
    media = [_piece(part) for part in parts if not isinstance(part, Text) and not unfit("tool", part)]
    output = arguments_value("\n".join(said))
    response = output if _is_error(output) else {"output": output} if said or not media else {}
    return {**known, "response": response, **({"parts": media} if media else {})}


def _is_error(value: Json) -> bool:
    """Whether this is how a tool says that it failed, in a result and in a function response alike."""
    return isinstance(value, dict) and value.keys() == {"error"}


def _blob(part: Image | File | Audio) -> dict[str, Json]:
    source = cast(MediaRef, part.source)
    mime = source.mime
    if isinstance(part, Audio) and not mime.startswith("audio/"):
        mime = f"audio/{part.format}"
    if source.encoding in ("base64", "base64url"):
        return {"mimeType": mime, "data": replace(source, mime=mime, prefix=None)}
    return {"mimeType": mime, "data": MediaRef(source.digest, mime)}


def _call_names(parts: Iterable[Json]) -> Iterator[tuple[str, str]]:
    for part in parts:
        call = table(table(part).get("functionCall"))
        identity, name = call.get("id"), call.get("name")
        if isinstance(identity, str) and isinstance(name, str):
            yield identity, name


def _read(content: Json) -> Message | None:
    role, parts = table(content).get("role"), table(content).get("parts")
    if not isinstance(role, str) or role not in _ROLES or not isinstance(parts, list):
        return None
    read = tuple(_parts(parts))
    results = bool(read) and all(map(_is_result, read))
    return Message("tool" if results and role == "user" else _ROLES[role], read)


def _is_result(part: Part) -> bool:
    return isinstance(part, ToolResult) or (isinstance(part, Native) and "functionResponse" in table(part.item))


def _parts(items: Iterable[Json]) -> Iterator[Part]:
    for item in items:
        part = read_part(item)
        yield part if part is not None and same(_piece(part), item) else Native(item)


def _read_result(stated: Mapping[str, Json]) -> ToolResult | None:
    response = table(stated.get("response"))
    said = output_text(response if _is_error(response) else response.get("output"))
    media = tuple(_parts(rows(stated.get("parts"))))
    identity, name = text_at(stated, "id"), text_at(stated, "name")
    if name is None or (said is None and not media):
        return None
    words = () if said is None else (Text(said),)
    return ToolResult(identity, (*words, *media) if media else said or "", name)


def _read_blob(stated: Mapping[str, Json]) -> Image | File | Audio | None:
    mime, data = text_at(stated, "mimeType"), stated.get("data")
    if mime is None or not isinstance(data, MediaRef):
        return None
    source = replace(data, mime=mime)
    kind, _, form = mime.partition("/")
    if kind == "image":
        return Image(source)
    return Audio(source, _FORMATS.get(form, form)) if kind == "audio" else File(source)
