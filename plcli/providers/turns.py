"""Turns of a conversation: what all apis ask of their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from plcli.media import Json
from plcli.request import Loss, Message, Native, Part, ToolCall, ToolResult

_DROP = "drop the part, or use an api that carries it"


def text_at(item: Mapping[str, Json], key: str) -> str | None:
    """The text under a key, or None where there is none."""
    value = item.get(key)
    return value if isinstance(value, str) else None


def only_native(parts: Sequence[Part]) -> bool:
    """Whether a turn is nothing but the provider's own items."""
    return bool(parts) and all(isinstance(part, Native) for part in parts)


def turn_losses(
    messages: Iterable[Message], unfit: Callable[[str, Part], str | None], *, ids: bool = True
) -> Iterator[Loss]:
    """The parts that an api cannot carry; `unfit` says why, for a role and a part. `ids`: calls need them."""
    for at, message in enumerate(messages):
        for index, part in enumerate(message.parts):
            path = f"messages[{at}].content[{index}]"
            if reason := unfit(message.role, part):
                yield Loss(path, reason, _DROP)
            if ids and isinstance(part, ToolCall | ToolResult) and part.id is None:
                yield Loss(f"{path}.id", "a tool call and its result need an id", "write the same `id` on both")
            if isinstance(part, ToolResult) and not isinstance(part.content, str):
                for inner, piece in enumerate(part.content):
                    if reason := unfit("tool", piece):
                        yield Loss(f"{path}.content[{inner}]", reason, _DROP)
