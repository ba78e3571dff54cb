"""What a run asked for, made from its first wire request as the log holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from plcli.errors import SetupError
from plcli.exchange import Target
from plcli.media import Json, encode, references
from plcli.providers.registry import adapter, provider
from plcli.records import Record
from plcli.render.page.blocks import Block, Code, message_blocks, pretty, value_text
from plcli.render.page.figures import Figures
from plcli.request import BuiltinTool, Image, Request, Text
from plcli.traffic import wire_requests


class Turn(NamedTuple):
    """A message: who speaks, and what; or a picture that a setting names, such as a mask."""

    role: str
    blocks: tuple[Block, ...]


class Asked(NamedTuple):
    """What was asked: the messages, the settings by name, and the words that a picture would be made of."""

    turns: tuple[Turn, ...]
    settings: tuple[tuple[str, str], ...]
    prompt: str = ""


def asked(record: Record, wires: list[Json], figures: Figures) -> Asked:
    """What a run asked for; the wire itself where no adapter can read it. `wires` are its whole wire requests."""
    if not wires:
        return Asked((), ())
    wire = wires[0]
    request = _request(record, wire)
    if request is None:
        return Asked((Turn("wire", (Code("request", pretty(encode(wire))),)),), ())
    turns = [Turn(message.role, message_blocks(message.parts, figures)) for message in request.messages]
    for name, value in (request.image or {}).items():
        if pictures := [Image(ref) for ref in references(value)]:
            turns.append(Turn(f"image.{name}", message_blocks(pictures, figures)))
    return Asked(tuple(turns), tuple(_settings(request)), _prompt(request))


def wires_of(record: Record) -> list[Json] | None:
    """The wire requests of a run, whole again; None where the log holds them damaged."""
    try:
        return wire_requests(record.exchanges)
    except ValueError:
        return None


def _request(record: Record, wire: Json) -> Request | None:
    if record.provider is None or record.api is None or not isinstance(wire, dict):
        return None
    try:
        made = adapter(provider(record.provider), record.api)
        return made.uncompile(wire, Target(record.exchanges[0].operation, record.model or ""))
    except (SetupError, ValueError):
        return None


def _settings(request: Request) -> Iterator[tuple[str, str]]:
    yield from _named("params", request.params)
    # A mask stands among the messages, as a picture.
    plain = {name: value for name, value in (request.image or {}).items() if not any(references(value))}
    yield from _named("image", plain)
    tools = [_tool_name(tool.item) if isinstance(tool, BuiltinTool) else tool.name for tool in request.tools]
    if tools:
        yield "tools", ", ".join(tools)
    choice = request.tool_choice
    if choice is not None:
        yield "tool_choice", " ".join((choice.mode, *choice.tools))
    if request.parallel_tool_calls is not None:
        yield "parallel_tool_calls", value_text(request.parallel_tool_calls)
    if request.output is not None:
        yield "output", request.output.name
    yield from _named("body", request.body)


def _named(field: str, values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield f"{field}.{name}", value_text(value)


def _tool_name(item: Json) -> str:
    named = item.get("type") or next(iter(item), None) if isinstance(item, dict) else None
    return named if isinstance(named, str) else "a built-in tool"


def _prompt(request: Request) -> str:
    """The last words of a person."""
    for message in reversed(request.messages):
        words = " ".join(part.text for part in message.parts if isinstance(part, Text))
        if message.role == "user" and words:
            return words
    return ""
