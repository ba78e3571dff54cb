"""What a conversation consists of, as a page shows it: words, calls of tools, pictures, and whatever else there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from plcli.exchangerecords import ToolResultRecord
from plcli.media import Json, MediaRef, decode, encode
from plcli.records import Record
from plcli.render.calls import with_results
from plcli.render.page.figures import Figure, Figures
from plcli.render.picturefacts import facts
from plcli.request import Audio, File, Image, Native, Part, Text, ToolCall, ToolResult
from plcli.response import ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from plcli.response import Part as AnswerPart
from plcli.toolanswers import parts_of

LONGEST_JSON = 100_000
"""Characters of one JSON value that a page shows; the log holds them all."""

ALT = 300
"""Characters of a prompt that stand for a picture."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text; `voice` says what it is: text, commentary, reasoning or refusal."""

    kind: ClassVar[str] = "words"
    text: str
    voice: str = "text"


@dataclass(frozen=True, slots=True)
class Code:
    """JSON or a line about something that is not text; `title` says what it is where it is folded."""

    kind: ClassVar[str] = "code"
    title: str
    text: str
    folded: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool (None: an answer whose call stands elsewhere), what it was answered, and by whom."""

    kind: ClassVar[str] = "call"
    name: str
    id: str | None
    arguments: str | None
    source: str | None = None
    answer: tuple[Block, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures that follow each other."""

    kind: ClassVar[str] = "gallery"
    figures: tuple[Figure, ...]


Block = Words | Code | Call | Gallery


def pretty(value: Json) -> str:
    """JSON for reading; cut where it is very long."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"
    return text if len(text) <= LONGEST_JSON else f"{text[:LONGEST_JSON]}\n… ({len(text):,} characters in the log)"


def value_text(value: Json) -> str:
    """A value on one line: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(encode(value), ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"


def answer_blocks(record: Record, figures: Figures, prompt: str) -> tuple[Block, ...]:
    """The answer of a run in order, each call with its result; `prompt` stands for pictures without words."""
    if record.response is None:
        return ()
    blocks: list[Block] = []
    for part, result in with_results(record.response.parts, record.tool_results or ()):
        if isinstance(part, ToolCallPart) or (part is None and result is not None):
            blocks.append(_call(part, result, figures))
        elif part is not None:
            blocks.append(_answered(part, record, figures, prompt))
    return gathered(blocks)


def message_blocks(parts: Iterable[Part], figures: Figures) -> tuple[Block, ...]:
    """The parts of a message in order."""
    return gathered([_asked(part, figures) for part in parts])


def gathered(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks with pictures that follow each other in one gallery."""
    made: list[Block] = []
    for pictures, group in groupby(blocks, lambda block: isinstance(block, Gallery)):
        if pictures:
            found = (figure for block in group if isinstance(block, Gallery) for figure in block.figures)
            made.append(Gallery(tuple(found)))
        else:
            made += group
    return tuple(made)


def _answered(part: AnswerPart, record: Record, figures: Figures, prompt: str) -> Block:
    match part:
        case TextPart():
            return Words(part.text, "commentary" if part.phase == "commentary" else "text")
        case ReasoningPart():
            return Words(part.text, "reasoning")
        case RefusalPart():
            return Words(part.text, "refusal")
        case ImagePart():
            alt = (part.revised_prompt or prompt or "a picture without words")[:ALT]
            known = facts(part, record)
            if part.media is not None:
                return Gallery((figures.figure(part.media, part.mime, alt, known),))
            notes = (*known.faults, *((f"at {part.url}",) if part.url else ()))
            return Gallery((figures.absent(alt, notes or ("it came without bytes",), known),))
        case NativePart():
            return _native(part.item)
        case ToolCallPart():
            return _call(part, None, figures)


def _call(part: AnswerPart | None, result: ToolResultRecord | None, figures: Figures) -> Call:
    call = part if isinstance(part, ToolCallPart) else None
    asked = call or result
    name, arguments = (asked.name, asked.arguments) if asked else ("", None)
    shown = arguments if isinstance(arguments, str) else pretty(arguments)
    id = call.id if call else result.call_id if result else None
    if result is None:
        return Call(name, id, shown)
    answer = () if result.error is not None else _result(result.result, figures)
    return Call(name, id, shown, result.source, answer, result.error)


def _result(result: Json, figures: Figures) -> tuple[Block, ...]:
    """What a tool answered: parts where it gave parts."""
    if isinstance(result, str):
        return (Words(result),)
    try:
        parts = parts_of(decode(result))
    except ValueError:
        parts = None
    return message_blocks(parts, figures) if parts else (Code("result", pretty(result), folded=False),)


def _asked(part: Part, figures: Figures) -> Block:
    match part:
        case Text():
            return Words(part.text, "commentary" if part.phase == "commentary" else "text")
        case Image(source=MediaRef() as source):
            return Gallery((figures.figure(source.digest, source.mime, "an input picture"),))
        case Image(source=url):
            return Gallery((figures.absent("an input picture", (f"at {url}",)),))
        case File():
            where = part.source if isinstance(part.source, str) else f"{part.source.mime}, {part.source.digest}"
            return Code("file", " · ".join(filter(None, (part.filename, where))))
        case Audio():
            return Code("audio", f"{part.format}, {part.source.digest}")
        case ToolCall():
            arguments = part.arguments if isinstance(part.arguments, str) else pretty(encode(part.arguments))
            return Call(part.name, part.id, arguments)
        case ToolResult(content=content):
            told = (Words(content),) if isinstance(content, str) else message_blocks(content, figures)
            return Call(part.name or "result", part.id, None, "answer", told)
        case Native():
            return _native(encode(part.item))


def _native(item: Json) -> Code:
    """An item of the provider's own; its `type`, where it has one, is its title."""
    named = item.get("type") if isinstance(item, dict) else None
    return Code(named if isinstance(named, str) else "item of the provider", pretty(item))
