"""Moving a request to another api, and telling of everything that does not come along.

The header is neutral already. What stands in `body` is compiled and read back, so that all of it that
has a neutral name gets this name; the rest of it is dropped. What every other part of the request
becomes is the business of `crossing` and `picture_crossing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from plcli import crossing, paths, picture_crossing
from plcli.crossing import Origin, Side, Step, traced
from plcli.media import Json
from plcli.paths import Parts
from plcli.providers.registry import Provider, adapter, provider
from plcli.providers.roundtrip import same, within
from plcli.request import Loss, Request

_FIELDS = ("messages", "tools", "tool_choice", "parallel_tool_calls", "chain", "output", "image", "script")
"""What of a request a wire can tell, besides `params`."""

_IN_BODY = "write it in the header, or in the body of a model spec"
_DEEPEST = 20
"""Levels of a body that are told of one by one."""


class Moved(NamedTuple):
    """A request in the words of another api, without what only the old api knows, and the way that led there.

    `losses` have the paths of the request as it was written; `trail` is for `traced`.
    """

    request: Request
    losses: tuple[Loss, ...]
    trail: tuple[Mapping[Parts, Origin], ...]

    def report(self, compiling: Iterable[Loss]) -> tuple[Loss, ...]:
        """All losses, each told once, with those of compiling the moved request for its new api."""
        return tuple(dict.fromkeys((*self.losses, *traced(compiling, self.trail))))


def move(request: Request, to: Provider, api: str, model: str) -> Moved:
    """The request for another api and model, without `omit` and what only the old api knows of `body`; no defaults.

    Raises `SetupError` for a provider or an api that does not exist.
    """
    old = Side(request.provider, request.api, adapter(provider(request.provider), request.api))
    new = Side(to.name, api, adapter(to, api))
    trail: list[Mapping[Parts, Origin]] = []
    losses: list[Loss] = []
    steps = (_read_back, crossing.turns, picture_crossing.drawn_on, crossing.tools, picture_crossing.picture,
             crossing.with_ids)  # fmt: skip
    for take in steps:
        step = take(request, old, new)
        losses += traced(step.losses, trail)
        trail.append(step.origins)
        request = step.request
    return Moved(request._replace(provider=to.name, api=api, model=model), tuple(losses), tuple(trail))


def _read_back(request: Request, old: Side, new: Side) -> Step:
    """The request without `omit`, and of `body` only what is common to the apis of the provider.

    What these change in the old wire the header says where it can.
    """
    header = request._replace(body={}, omit=())
    as_it_is = old.adapter.uncompile(*old.adapter.compile(header)[:2])
    plain, cut, read = (_reread(form, old) for form in (header, request._replace(body={}), request))
    if not request.body and not request.omit and not _changes(as_it_is, plain):
        return Step(header)
    compiled = old.adapter.compile(request)
    written = old.adapter.respell(dict(request.body))
    usual = old.adapter.defaults(header, None).body
    shared = _shared(old, new)
    kept = {name: item for name, item in written.items() if name in shared and name in read.body}
    left = tuple(
        place for place in _unread(read.body, written) if place[0] not in kept and not _stands(usual, place, written)
    )
    losses = [loss for loss in compiled.losses if loss.path.startswith("omit[")]
    losses += (Loss(paths.show(("body", *place)), f"only the {old.api} api has this", _IN_BODY) for place in left)
    losses += (*_garbled(plain, cut, "omit", {}), *_garbled(cut, read, "body", written))
    # Several functions may have been one entry.
    several = len(plain.tools) != len(as_it_is.tools)
    origins: dict[Parts, Origin] = {("tools",): Origin(("tools",), exact=False)} if several else {}
    for name, item in request.body.items():
        if (name,) not in left:
            origins |= _origins((name,), item, header, plain, old)
    origins |= _turns_behind(header, plain, read)
    changed = _changes(as_it_is, read)
    params = {name: value for name, value in header.params.items() if ("params", name) not in changed}
    params |= {name: value for name, value in read.params.items() if ("params", name) in changed}
    fields = {name: getattr(read, name) for name in _FIELDS if (name,) in changed}
    return Step(header._replace(**fields, params=params, body=kept), tuple(losses), origins)


def _shared(old: Side, new: Side) -> frozenset[str]:
    """The fields of a body that both apis understand alike."""
    alike = provider(old.provider).shared if old.provider == new.provider else {}
    return alike.get(old.api, frozenset()) & alike.get(new.api, frozenset())


def _reread(request: Request, side: Side) -> Request:
    """The request as its own wire reads, whoever's spelling stands in it."""
    wire, target, _ = side.adapter.compile(request)
    return side.adapter.uncompile(side.adapter.respell(wire), target)


def _stands(usual: Mapping[str, Json], place: Parts, written: Mapping[str, Json]) -> bool:
    """Whether a body says at this place what would be there without it."""
    return same(paths.find(usual, place, ...), paths.find(written, place))


def _garbled(before: Request, after: Request, cause: str, written: Mapping[str, Json]) -> Iterator[Loss]:
    """The fields that nothing reads any more, though they stand in the wire: `cause` has changed a part of each."""
    if not within(after.body, written):
        for path in (path for path in _said(before) if path not in _said(after)):
            yield Loss(paths.show(path), f"with the changes of `{cause}`, only the {before.api} api understands it")


def _said(request: Request) -> dict[Parts, Json]:
    """The neutral fields that a request has, under their paths; each of `params` by itself."""
    fields: dict[Parts, Json] = {(name,): getattr(request, name) for name in _FIELDS}
    fields |= {("params", name): value for name, value in request.params.items()}
    return {path: value for path, value in fields.items() if value is not None and value != ()}


def _changes(before: Request, after: Request) -> set[Parts]:
    """The paths of neutral fields that differ."""
    old, new = _said(before), _said(after)
    return {path for path in old.keys() | new.keys() if path not in old or path not in new or old[path] != new[path]}


def _unread(left: Mapping[str, Json], written: Mapping[str, Json], at: Parts = ()) -> Iterator[Parts]:
    """The paths of what is written in a body and was not read from it; a whole where nothing of it was."""
    for name, item in written.items():
        if name not in left:
            continue
        inner = left[name]
        deeper = isinstance(item, Mapping) and isinstance(inner, Mapping) and len(at) < _DEEPEST
        if deeper and (len(item) == 1 or not within(item, inner)):
            yield from _unread(inner, item, (*at, name))
        else:
            yield (*at, name)


def _turns_behind(header: Request, plain: Request, read: Request) -> dict[Parts, Origin]:
    """Where the turns of the header stood, if a body has put others before them."""
    ahead = len(read.messages) - len(plain.messages)
    if len(plain.messages) != len(header.messages) or read.messages[ahead:] != plain.messages:
        return {}
    return {("messages", ahead + at): Origin(("messages", at)) for at in range(len(plain.messages))}


def _origins(place: Parts, item: Json, header: Request, plain: Request, side: Side) -> dict[Parts, Origin]:
    """What of the neutral fields comes from this place of a body; params as exactly as can be."""
    changed = _changes(plain, _reread(header._replace(body=paths.place({}, place, item)), side))
    several = len(changed) > 1 or any(path[0] == "params" for path in changed)
    if not (several and isinstance(item, Mapping) and len(place) < _DEEPEST):
        return dict.fromkeys(changed, Origin(("body", *place), exact=False))
    inner = (_origins((*place, name), below, header, plain, side) for name, below in item.items())
    return {path: origin for origins in inner for path, origin in origins.items()}
