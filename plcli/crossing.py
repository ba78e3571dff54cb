"""What each part of a request becomes on its way to another api: turns, tools, ids of calls.

Every step keeps what the new api can carry as it is, says what is lost, and remembers where things stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from plcli import paths
from plcli.paths import Parts
from plcli.providers.loosening import is_native, under
from plcli.providers.registry import Adapter, Loosened
from plcli.providers.roundtrip import same
from plcli.providers.turns import only_native
from plcli.request import (
    BuiltinTool,
    Loss,
    Message,
    Part,
    Request,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)


class Side(NamedTuple):
    """One end of a move: the names of a provider and its api, and the adapter."""

    provider: str
    api: str
    adapter: Adapter

    def carries(self, **fields: Any) -> bool:
        """Whether the api can carry a request of these fields."""
        return not self.adapter.compile(Request(self.provider, self.api, "m", **fields)).losses

    @property
    def repeats(self) -> bool:
        """Whether the api has no names of its own, and repeats those of any other."""
        return not self.adapter.BUILTINS and self.carries(tools=(BuiltinTool({"type": "any"}),))

    @property
    def only_draws(self) -> bool:
        """Whether the api answers with a picture though nobody says that one is wanted."""
        return bool(self.adapter.wanted(self.adapter.compile(Request(self.provider, self.api, "m")).wire))


class Origin(NamedTuple):
    """Where something stood before a step; `exact` says that paths below it are still true."""

    place: Parts
    exact: bool = True


class Step(NamedTuple):
    """A request after one step of a move.

    The `losses` have paths of the request before the step; `origins` are of things that stand elsewhere now.
    """

    request: Request
    losses: tuple[Loss, ...] = ()
    origins: Mapping[Parts, Origin] = {}


def traced(losses: Iterable[Loss], trail: Sequence[Mapping[Parts, Origin]]) -> Iterator[Loss]:
    """The losses under the paths that these had at first; `trail` says, step by step, where things stood before."""
    for loss in losses:
        path = _parts(loss.path)
        for origins in reversed(trail):
            path = _before(path, origins)
        yield loss._replace(path=paths.show(path))


def _before(path: Parts, origins: Mapping[Parts, Origin]) -> Parts:
    for length in range(len(path), 0, -1):
        origin = origins.get(path[:length])
        if origin is not None:
            return (*origin.place, *path[length:]) if origin.exact else origin.place
    return path


def _parts(path: str) -> Parts:
    try:
        return paths.parse(path)
    except ValueError:
        return (path,)


def _any_names(old: Side, new: Side) -> bool:
    """Whether native names pass as they are."""
    return old.repeats or new.repeats


def same_names(old: Side, new: Side) -> bool:
    """Whether the two name pictures and choices alike."""
    return old.provider == new.provider or _any_names(old, new)


# Turns


def turns(request: Request, old: Side, new: Side) -> Step:
    """The provider's own items in neutral words; calls that were items apart are one turn, and so are results."""
    if not any(map(_has_native, request.messages)):
        return Step(request)
    turned: list[_Turn] = []
    losses: list[Loss] = []
    for index, message in enumerate(request.messages):
        loose, lost = _loosened(message, index, old)
        losses += lost
        for turn in loose:
            if turned and turn.continues(turned[-1]):
                turned[-1] = turned[-1].joined(turn)
            else:
                turned.append(turn)
    origins: dict[Parts, Origin] = {}
    for now, made in enumerate(turned):
        origins["messages", now] = Origin(("messages", made.at), exact=False)
        origins |= {("messages", now, "content", at): place for at, place in enumerate(made.places)}
    return Step(request._replace(messages=tuple(made.message for made in turned)), tuple(losses), origins)


class _Turn(NamedTuple):
    """A turn in neutral words: the message that it was made of, and where its parts stood."""

    message: Message
    at: int
    places: tuple[Origin, ...]

    def continues(self, before: _Turn) -> bool:
        """Whether the items of both were one turn: calls of one answer, or results of one round."""
        parts = (*before.message.parts[-1:], *self.message.parts[:1])
        return self.message.role == before.message.role and any(isinstance(p, ToolCall | ToolResult) for p in parts)

    def joined(self, more: _Turn) -> _Turn:
        """This turn, and the next one in it."""
        parts = (*self.message.parts, *more.message.parts)
        return _Turn(Message(self.message.role, parts), self.at, (*self.places, *more.places))


def _loosened(message: Message, index: int, old: Side) -> tuple[list[_Turn], list[Loss]]:
    """The turns of a message, each item by itself, and what is lost."""
    where: Parts = ("messages", index)
    if not only_native(message.parts):
        loose = old.adapter.loosen(message) if _has_native(message) else Loosened((message,))
        known = {id(part): Origin((*where, "content", at)) for at, part in enumerate(message.parts)}
        somewhere = Origin(where, exact=False)
        return [
            _Turn(turn, index, tuple(known.get(id(part), somewhere) for part in turn.parts)) for turn in loose.messages
        ], list(under(paths.show(where), loose.losses))
    turned: list[_Turn] = []
    losses: list[Loss] = []
    for at, item in enumerate(message.parts):
        place: Parts = (*where, "content", at)
        loose = old.adapter.loosen(Message(message.role, (item,)))
        losses += traced(loose.losses, [{("content", 0): Origin(place)}])
        turned += (_Turn(turn, index, (Origin(place, exact=False),) * len(turn.parts)) for turn in loose.messages)
    return turned, losses


def _has_native(message: Message) -> bool:
    return any(map(is_native, message.parts))


def with_ids(request: Request, old: Side, new: Side) -> Step:
    """Ids for calls that have none, and for their results, where the new api pairs them so.

    A result without an id answers the first open call of its name. Nothing is lost by this.
    """
    if new.carries(messages=(Message("assistant", (ToolCall(None, "f", {}),)),)):
        return Step(request)
    parts = [part for message in request.messages for part in message.parts]
    taken = {part.id for part in parts if isinstance(part, ToolCall | ToolResult)}
    fresh = (name for name in map("call_{}".format, count(1)) if name not in taken)
    waiting: list[ToolCall] = []

    def named(part: Part) -> Part:
        if isinstance(part, ToolCall) and part.id is None:
            waiting.append(replace(part, id=next(fresh)))
            return waiting[-1]
        if isinstance(part, ToolResult) and part.id is None:
            call = next((call for call in waiting if part.name in (None, call.name)), None)
            if call is not None:
                waiting.remove(call)
                return replace(part, id=call.id)
        return part

    messages = tuple(Message(message.role, tuple(map(named, message.parts))) for message in request.messages)
    return Step(request._replace(messages=messages))


# Tools


def tools(request: Request, old: Side, new: Side) -> Step:
    """The tools with the new api's own in place of those of the old one, and the choice among them."""
    kept: list[Tool] = []
    losses: list[Loss] = []
    origins: dict[Parts, Origin] = {}
    names: dict[str, str | None] = {}
    for index, tool in enumerate(request.tools):
        made: Tool | None = tool
        if isinstance(tool, BuiltinTool):
            made, lost = _builtin(tool, old, new)
            losses += under(f"tools[{index}]", lost)
            names[_kind(tool)] = None if made is None else _kind(made)
        if made is not None:
            origins["tools", len(kept)] = Origin(("tools", index))
            kept.append(made)
    names |= {tool.name: tool.name for tool in kept if not isinstance(tool, BuiltinTool)}
    moved = request._replace(tools=tuple(kept))
    if request.tools and not kept:
        given = [name for name in ("tool_choice", "parallel_tool_calls") if getattr(request, name) is not None]
        losses += (Loss(name, "no tool is left to which it applies") for name in given)
        moved = moved._replace(tool_choice=None, parallel_tool_calls=None)
    elif request.tool_choice is not None:
        choice, lost = _choice(request.tool_choice, names, keep=same_names(old, new))
        losses += lost
        moved = moved._replace(tool_choice=choice)
    return Step(moved, tuple(losses), origins)


def _builtin(tool: BuiltinTool, old: Side, new: Side) -> tuple[BuiltinTool | None, tuple[Loss, ...]]:
    """A built-in tool as the new api has it, or None; the paths of the losses begin at the tool."""
    if _any_names(old, new):
        return tool, ()
    kind = _kind(tool)
    word = next((word for word, own in old.adapter.BUILTINS.items() if own["type"] == kind), None)
    theirs = new.adapter.BUILTINS.get(word) if word is not None else None
    if kind in ("function", "custom"):
        return None, (Loss("", f"only the {old.api} api understands all that this tool says"),)
    if word is None or theirs is None:
        return None, (Loss("", f"the {new.api} api has no {kind or 'such tool'}"),)
    made, usual = dict(theirs), old.adapter.BUILTINS[word]
    losses = [Loss("", f"{kind} becomes {made['type']}", kind="approximated")] if made["type"] != kind else []
    for name, value in tool.item.items():
        if name == "type" or same(value, usual.get(name)):
            continue
        if old.provider == new.provider and new.carries(tools=(BuiltinTool({**made, name: value}),)):
            made[name] = value
        else:
            losses.append(Loss(paths.show((name,)), f"only the {kind} of the {old.api} api has this"))
    return BuiltinTool(made), tuple(losses)


def _kind(tool: BuiltinTool) -> str:
    kind = tool.item.get("type") if isinstance(tool.item, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _choice(
    choice: ToolChoice, names: Mapping[str, str | None], *, keep: bool
) -> tuple[ToolChoice | None, tuple[Loss, ...]]:
    """The choice among tools that are named otherwise now, or are gone (None); `keep`: names that no tool has stay."""
    named = (names.get(name, name if keep else None) for name in choice.tools)
    left = tuple(name for name in named if name is not None)
    if len(left) == len(choice.tools):
        return choice._replace(tools=left), ()
    gone = Loss("tool_choice", "names tools that are dropped", kind="changed" if left else "dropped")
    return (choice._replace(tools=left) if left else None), (gone,)
