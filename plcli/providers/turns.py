"""Turns of a conversation: what all apis ask of their parts, and arguments as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from plcli.media import Json
from plcli.providers import answer
from plcli.request import Loss, Message, Native, Part, Text, ToolCall, ToolResult

_DROP = "drop the part, or use an api that carries it"
_NO_PHASE = "only an assistant's words on the responses api have a phase"


def text_at(item: Mapping[str, Json], key: str) -> str | None:
    """The text under a key, or None where there is none."""
    value = item.get(key)
    return value if isinstance(value, str) else None


def only_native(parts: Sequence[Part]) -> bool:
    """Whether a turn is nothing but the provider's own items."""
    return bool(parts) and all(isinstance(part, Native) for part in parts)


def turn_losses(
    messages: Iterable[Message],
    unfit: Callable[[str, Part], str | None],
    *,
    ids: bool = True,
    phases: Collection[str] = (),
) -> Iterator[Loss]:
    """The parts that an api cannot carry; `unfit` says why, for a role and a part.

    `ids`: calls need them; `phases`: the roles whose words may have one.
    """
    for at, message in enumerate(messages):
        for index, part in enumerate(message.parts):
            path = f"messages[{at}].content[{index}]"
            if reason := unfit(message.role, part):
                yield Loss(path, reason, _DROP)
            if _phase(part) and message.role not in phases:
                yield Loss(f"{path}.phase", _NO_PHASE, "drop it")
            if ids and isinstance(part, ToolCall | ToolResult) and part.id is None:
                yield Loss(f"{path}.id", "a tool call and its result need an id", "write the same `id` on both")
            if isinstance(part, ToolResult) and not isinstance(part.content, str):
                for inner, piece in enumerate(part.content):
                    if reason := unfit("tool", piece):
                        yield Loss(f"{path}.content[{inner}]", reason, _DROP)
                    if _phase(piece):
                        yield Loss(f"{path}.content[{inner}].phase", _NO_PHASE, "drop it")


def _phase(part: Part) -> str | None:
    return part.phase if isinstance(part, Text) else None


def answer_calls(turns: Iterable[Message]) -> bool:
    """Whether turns answer calls of tools."""
    return any(isinstance(part, ToolResult) for message in turns for part in message.parts)


def unforced(wire: Mapping[str, Json], turns: Iterable[Message]) -> Mapping[str, Json]:
    """The wire without a `tool_choice` that forces calls, where turns answer some: such a run would never end."""
    if "tool_choice" not in wire or not answer_calls(turns):
        return wire
    choice = wire["tool_choice"]
    match choice:
        case "required" | "any":
            choice = "auto"
        case {"mode": "required"}:
            choice = {key: value for key, value in choice.items() if key != "forced"} | {"mode": "auto"}
        case {"allowed_tools": {"mode": "required", **subset}}:
            choice = {**choice, "allowed_tools": {"mode": "auto", **subset}}
        case {"type": str(kind)} if kind != "allowed_tools":
            choice = "auto"
    return {**wire, "tool_choice": choice}


def arguments_text(arguments: Json) -> str:
    """The arguments of a call as a wire holds them: compact JSON, or the text as it is."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)


def arguments_value(text: str) -> Json:
    """The arguments as an object where its compact JSON is this very text; else the text."""
    value = parse_object(text)
    return value if value is not None and arguments_text(value) == text else text


def parse_object(text: str) -> dict[str, Json] | None:
    """The JSON object in a text, or None where there is none."""
    try:
        value = answer.parse(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
