"""Where two requests, or two answers, are not the same, in the words of a spec.

Requests are compared by what they mean, wires by what they say where that tells no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from plcli import paths
from plcli.diffing.deltas import ABSENT, deltas, rows_of
from plcli.errors import SetupError
from plcli.exchange import Target, identity_of
from plcli.media import Json, Redacted, digest_of, mapped
from plcli.outlines import outline, plain, tool_name, tools_by_name
from plcli.providers.registry import adapter, provider
from plcli.records import Record
from plcli.replayrecords import Difference
from plcli.request import Request, Tool
from plcli.resolve import Resolved
from plcli.response import ImagePart, ToolCallPart

Sent = tuple[Json, Target]
"""A wire, and where it goes."""


class Asked(NamedTuple):
    """A request as it is sent, and to whom."""

    provider: str
    api: str
    wire: Json
    target: Target

    @classmethod
    def of_run(cls, run: Record, at: int, wire: Json) -> Asked:
        """The request of an exchange of a run (from 0), whose wire is whole."""
        return cls(run.provider or "", run.api or "", wire, Target(run.exchanges[at].operation, run.model or ""))

    @classmethod
    def of_plan(cls, plan: Resolved) -> Asked:
        """The request that would be sent."""
        return cls(plan.request.provider, plan.request.api, plan.compiled.wire, plan.compiled.target)


MODEL = ("provider", "api", "model")
"""Fields of a request that say who answers it."""


def between(old: Request, new: Request) -> tuple[Difference, ...]:
    """The differences of two requests, in the order of the fields of a spec.

    Messages go by what they hold, so that a turn put in between is one difference; a place in them is named by its
    index in `new` (`messages[2].content`), or in `old` where it was removed. Tools go by name, or type
    (`tools.get_weather.parameters.properties.city`); of several of one name each has an index. Media go by digest.
    """
    before, after = outline(old), outline(new)
    found = list[Difference]()
    for name in dict.fromkeys([*MODEL, "messages", "tools", *before, *after]):
        if name == "tools":
            found += _of_tools(old.tools, new.tools)
        elif name == "messages":
            found += _of_messages(before[name], after[name])
        else:
            found += deltas(before.get(name, ABSENT), after.get(name, ABSENT), (name,))
    return tuple(found)


def of_wires(provider: str, api: str, old: Sent, new: Sent) -> tuple[Difference, ...]:
    """The differences of two wires of one api, each as the request that it is.

    Where the requests are the same and the wires are not, those of the wires, under `wire`. Law: none exactly where
    the keys of the two are equal; a text of one that was a secret in the other counts by its digest.
    """
    secrets = {leaf.digest for _, leaf in paths.leaves([old[0], new[0]]) if isinstance(leaf, Redacted)}
    if secrets:
        old, new = (_hidden(old[0], secrets), old[1]), (_hidden(new[0], secrets), new[1])
    if identity_of(provider, api, old[1], old[0]) == identity_of(provider, api, new[1], new[0]):
        return ()
    before, after = (request_of(provider, api, sent) for sent in (old, new))
    found = between(before, after) if before is not None and after is not None else ()
    if found:
        return found
    return tuple(
        difference
        for name, was, is_ in (
            ("model", old[1].model, new[1].model),
            ("operation", old[1].operation, new[1].operation),
            ("wire", plain(old[0]), plain(new[0])),
        )
        for difference in deltas(was, is_, (name,))
    )


def of_requests(old: Asked, new: Asked) -> tuple[Difference, ...]:
    """The differences of two requests as they are sent, whatever their apis."""
    if old[:2] == new[:2]:
        return of_wires(old.provider, old.api, old[2:], new[2:])
    before, after = (request_of(one.provider, one.api, one[2:]) for one in (old, new))
    if before is not None and after is not None:
        return between(before, after)
    return tuple(deltas(_bare(old), _bare(new)))


def request_of(provider_name: str, api: str, sent: Sent) -> Request | None:
    """The request that a wire is; None for one of an api that is not known, or that is no object."""
    wire, target = sent
    try:
        made = adapter(provider(provider_name), api)
    except SetupError:
        return None
    return made.uncompile(wire, target) if isinstance(wire, dict) else None


def of_answers(then: Record, now: Record) -> tuple[Difference, ...]:
    """The differences of what two runs were answered: state, words or structured output, calls, pictures, failure.

    Ids and the words of reasoning are no part of it.
    """
    return tuple(deltas(_answer(then), _answer(now), ("response",)))


def _bare(asked: Asked) -> Json:
    wire = plain(asked.wire)
    return {"provider": asked.provider, "api": asked.api, "model": asked.target.model, "wire": wire}


def _hidden(wire: Json, secrets: Collection[str]) -> Json:
    """A wire without the texts of these digests."""

    def hidden(leaf: Json) -> Json:
        if isinstance(leaf, str) and (digest := digest_of(leaf.encode("utf-8", "surrogatepass"))) in secrets:
            return Redacted(digest)
        return leaf

    return mapped(wire, hidden)


def _answer(record: Record) -> Json:
    response, error = record.response, record.error
    parts = response.parts if response else []
    words = response.output if response and response.output is not None else response and response.text
    told: dict[str, Json] = {
        "state": response.state if response else None,
        "finish_reason": response.finish_reason if response else None,
        "output" if response and response.output is not None else "text": words or None,
        "tool_calls": [
            {"name": part.name, "arguments": part.arguments} for part in parts if isinstance(part, ToolCallPart)
        ],
        "images": [
            {"media": part.media, "mime": part.mime, "width": part.width, "height": part.height}
            for part in parts
            if isinstance(part, ImagePart)
        ],
        "error": {"kind": error.kind, "message": error.message} if error else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _of_messages(old: list[Json], new: list[Json]) -> Iterator[Difference]:
    for i, j in rows_of(old, new, unlike=True):
        if i is None and j is not None:
            yield from deltas(ABSENT, new[j], ("messages", j))
        elif i is not None and j is None:
            yield from deltas(old[i], ABSENT, ("messages", i))
        elif i is not None and j is not None:
            was, is_ = old[i], new[j]
            if isinstance(was["content"], str) is not isinstance(is_["content"], str):
                was, is_ = _in_parts(was), _in_parts(is_)
            yield from deltas(was, is_, ("messages", j))


def _in_parts(message: dict[str, Json]) -> dict[str, Json]:
    """A turn whose words alone are its content, written like one of several parts."""
    content = message["content"]
    return message if isinstance(content, list) else {**message, "content": [{"type": "text", "text": content}]}


def _of_tools(old: Sequence[Tool], new: Sequence[Tool]) -> Iterator[Difference]:
    before, after = tools_by_name(old), tools_by_name(new)
    for name in {**before, **after}:
        mine, theirs = before.get(name, []), after.get(name, [])
        if max(len(mine), len(theirs)) == 1:
            yield from deltas([*mine, ABSENT][0], [*theirs, ABSENT][0], ("tools", name))
        else:
            yield from deltas(mine, theirs, ("tools", name))
    was, is_ = ([tool_name(tool) for tool in side] for side in (old, new))
    if sorted(was) == sorted(is_) and was != is_:
        yield Difference(path=paths.show(("tools",)), kind="changed", old=was, new=is_)
