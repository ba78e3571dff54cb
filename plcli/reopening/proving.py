"""Whether a request is one that was sent before: held against the key of the recording, differences told."""

from __future__ import annotations

from typing import NamedTuple

from plcli import paths
from plcli.brevity import counted
from plcli.diffing.differing import of_wires
from plcli.exchange import Target, key_of
from plcli.media import Json, MediaMissing, MediaReader, Redacted, lower
from plcli.providers.roundtrip import same
from plcli.replayrecords import Difference
from plcli.resolve import Resolved

_PLACES = 3
"""Places of secrets that are told one by one."""

_CHANGED = "it compiles to the wire in the log, whose key is that of another: the log was changed"


class Wanted(NamedTuple):
    """A request as it was sent; `key` is that of the recording."""

    provider: str
    api: str
    wire: Json
    target: Target
    key: str


class Proof(NamedTuple):
    """Whether a request is the one that was sent. `reason` says why that is not so, or not known; None: it is.

    `secrets` are the places of the wire where one was taken out, so that nothing can be proved of them.
    """

    reason: str | None = None
    differences: tuple[Difference, ...] = ()
    secrets: tuple[str, ...] = ()


def prove(resolved: Resolved, wanted: Wanted, read: MediaReader) -> Proof:
    """Hold a request against one that was sent; `read` gives the bytes of media that the request does not hold."""
    request, (wire, target, _) = resolved.request, resolved.compiled
    if key_of(request.provider, request.api, target, wire) == wanted.key:
        return Proof()
    if (request.provider, request.api) != (wanted.provider, wanted.api):
        asked, asks = f"{wanted.provider}/{wanted.api}", f"{request.provider}/{request.api}"
        return Proof("it compiles for another api", (Difference(path="api", kind="changed", old=asked, new=asks),))
    secrets = tuple(paths.show(at) for at, leaf in paths.leaves(wanted.wire) if isinstance(leaf, Redacted))
    if not secrets and target == wanted.target and _same_bytes(resolved, wanted, read):
        return Proof() if _key(wanted) == wanted.key else Proof(_CHANGED)
    sent = (wanted.wire, wanted.target)
    differences = of_wires(wanted.provider, wanted.api, sent, (_covered(wire, wanted.wire), target))
    if differences:
        return Proof("it compiles to another wire", differences, secrets)
    if secrets:
        shown = ", ".join(secrets[:_PLACES])
        more = f" and {counted(len(secrets) - _PLACES, 'more place')}" if len(secrets) > _PLACES else ""
        reason = f"it compiles to the same wire, but for the secrets that were taken out of it at {shown}{more}"
        return Proof(reason, (), secrets)
    return Proof(_CHANGED)


def _key(wanted: Wanted) -> str:
    return key_of(wanted.provider, wanted.api, wanted.target, wanted.wire)


def _same_bytes(resolved: Resolved, wanted: Wanted, read: MediaReader) -> bool:
    """Whether two wires are the same once their media are put back: not every place of them is known to hold some."""

    def bytes_of(digest: str) -> bytes:
        return resolved.media[digest] if digest in resolved.media else read(digest)

    try:
        return same(lower(resolved.compiled.wire, bytes_of), lower(wanted.wire, bytes_of))
    except MediaMissing:
        return False


def _covered(now: Json, then: Json) -> Json:
    """A wire without what stands where another one had secrets."""
    if isinstance(then, Redacted):
        return then
    if isinstance(now, dict) and isinstance(then, dict):
        return {name: _covered(item, then.get(name)) for name, item in now.items()}
    if isinstance(now, list) and isinstance(then, list):
        return [_covered(item, then[n] if n < len(then) else None) for n, item in enumerate(now)]
    return now
