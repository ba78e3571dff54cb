"""A provider's own items in neutral words: what the `loosen` of all apis does alike.

A message of native parts alone stands in the wire as its items, so these are read as items; a native
part among others is a piece of the message's content, and so is one in a tool result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from plcli.media import Json
from plcli.paths import show
from plcli.providers.registry import Loosened
from plcli.providers.turns import only_native
from plcli.request import Loss, Message, Native, Part, Role, ToolCall, ToolResult

_BOOKKEEPING = frozenset(("type", "id", "status", "index", "object"))
"""Keys whose values tell nothing once an item has left its api."""

_LONGEST_NAME = 40

KEPT_FILE = "it names a file that only the provider keeps"
"""Why a file by its id is dropped."""


class Loose(NamedTuple):
    """An item in neutral words and what was lost of it; the paths of the losses begin at the item.

    `role` is whose turn it is, where the item itself says so.
    """

    parts: tuple[Part, ...] = ()
    losses: tuple[Loss, ...] = ()
    role: Role | None = None


Item = Callable[[Json], Loose]
"""Reads an item of a wire, and a piece of a message's content."""


def loosen(message: Message, item: Item, piece: Item) -> Loosened:
    """The turns that a message with native parts makes; one turn has no two neighbours of its role."""
    turns: list[Message] = []
    losses: list[Loss] = []
    for loose in _each(message.parts, item if only_native(message.parts) else piece):
        role = loose.role or message.role
        losses += loose.losses
        if turns and turns[-1].role == role:
            turns[-1] = Message(role, (*turns[-1].parts, *loose.parts))
        elif loose.parts:
            turns.append(Message(role, loose.parts))
    return Loosened(tuple(turns), tuple(losses))


def content(parts: Iterable[Part], piece: Item) -> Loose:
    """The parts of a message or of a tool result with native pieces loosened; paths begin with `content`."""
    found = list(_each(parts, piece))
    return Loose(
        tuple(part for loose in found for part in loose.parts), tuple(loss for loose in found for loss in loose.losses)
    )


def part(held: Part, piece: Item) -> Loose:
    """A part with the native pieces in it loosened; a result holds words and media only."""
    if isinstance(held, Native):
        return piece(held.item)
    if not isinstance(held, ToolResult) or not is_native(held):
        return Loose((held,))
    told: list[Part] = []
    losses: list[Loss] = []
    for index, loose in enumerate(_each((inner for inner in held.content if not isinstance(inner, str)), piece)):
        fit = not any(isinstance(inner, ToolCall | ToolResult) for inner in loose.parts)
        told += loose.parts if fit else ()
        losses += loose.losses if fit else [Loss(f"content[{index}]", "no call or result can stand in a result")]
    return Loose((replace(held, content=tuple(told) or ""),), tuple(losses))


def is_native(held: Part) -> bool:
    """Whether there is something in a part, or the part itself, that only its own api understands."""
    if isinstance(held, ToolResult) and not isinstance(held.content, str):
        return any(isinstance(inner, Native | ToolCall | ToolResult) for inner in held.content)
    return isinstance(held, Native)


def _each(parts: Iterable[Part], item: Item) -> Iterable[Loose]:
    for index, held in enumerate(parts):
        loose = part(held, item)
        yield loose._replace(losses=under(f"content[{index}]", loose.losses))


def under(path: str, losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """The losses of something that stands at a path."""
    return tuple(
        loss._replace(path=f"{path}.{loss.path}" if loss.path and loss.path[0] != "[" else path + loss.path)
        for loss in losses
    )


def dropped(item: Json, api: str, reason: str | None = None) -> Loose:
    """Nothing is left of an item that other apis cannot take."""
    kind = item.get("type") if isinstance(item, Mapping) else None
    named = kind if isinstance(kind, str) and kind.isprintable() and len(kind) <= _LONGEST_NAME else "this"
    return Loose(losses=(Loss("", reason or f"{named} is an item of the {api} api alone"),))


def extras(item: Mapping[str, Json], read: Iterable[str], api: str) -> tuple[Loss, ...]:
    """What an item says beyond the keys that were read of it; empty values and bookkeeping say nothing."""
    known = _BOOKKEEPING.union(read)
    return tuple(
        Loss(show((key,)), f"only the {api} api has this")
        for key, value in item.items()
        if key not in known and value is not None and value not in ("", [], {})
    )
