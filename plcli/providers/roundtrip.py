"""How a wire becomes a request again: one mechanism for every api.

A reader proposes a neutral form of some field; the form is kept only if compiling it gives exactly
what stands in the wire. Whatever no neutral form covers stays in `body`, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from plcli.media import Json
from plcli.paths import merge, remove
from plcli.request import Loss, Request

Header = Callable[[Request], dict[str, Json]]
"""Compiles the neutral header of a request, without `omit` and `body`."""

Reader = Callable[[Mapping[str, Json], Request], Request | None]
"""Proposes the request with one more field read from the wire, or None."""


def finish(header: Mapping[str, Json], request: Request) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The wire of a compiled header: `omit` taken out, then `body` merged over it."""
    wire, losses = dict(header), []
    for index, path in enumerate(request.omit):
        try:
            wire = remove(wire, path)
        except ValueError as malformed:
            losses.append(Loss(f"omit[{index}]", str(malformed), "write a path like reasoning.effort"))
    return merge(wire, request.body), tuple(losses)


def take(wire: Mapping[str, Json], request: Request, header: Header, readers: Iterable[Reader]) -> Request:
    """The request with every field that the readers can take from the wire, and the rest as its `body`.

    Law: where `header(request)` is within the wire at the start, `finish` gives back the wire.
    """
    written = header(request)
    for read in readers:
        candidate = read(wire, request)
        if candidate is not None and within(proposed := header(candidate), wire):
            request, written = candidate, proposed
    return request._replace(body=rest(wire, written))


def same(left: Json, right: Json) -> bool:
    """Whether two wires are the same JSON: `1`, `1.0` and `true` are three values."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def within(part: Json, whole: Json) -> bool:
    """Whether everything that `part` says stands in `whole` too; lists and leaves must be the same."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and within(item, whole[key]) for key, item in part.items())
    return same(part, whole)


def rest(whole: Mapping[str, Json], part: Mapping[str, Json]) -> dict[str, Json]:
    """What `whole` says beyond `part`: `merge(part, rest(whole, part)) == whole` if `part` is within."""
    left: dict[str, Json] = {}
    for key, item in whole.items():
        if key not in part:
            left[key] = item
        elif not same(item, part[key]):
            both = isinstance(item, dict) and isinstance(part[key], dict)
            left[key] = rest(item, part[key]) if both else item
    return left
