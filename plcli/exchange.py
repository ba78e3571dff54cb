"""One wire request with its wire response: where it goes, how it went, and what it is known by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from plcli.media import Json, MediaRef, encode
from plcli.response import Failure


class Target(NamedTuple):
    """What the wire does not hold: the operation (`responses.create`, …) and the model asked."""

    operation: str
    model: str


class WireEvent(NamedTuple):
    """One piece of an answer as the provider sent it.

    `whole` marks a complete body that came in one piece; then `data` is that body. The end marker
    `[DONE]` of Chat Completions is the string `[DONE]`.
    """

    data: Json
    name: str = ""
    whole: bool = False


class Folded(NamedTuple):
    """The body that the same call would have returned unstreamed; `complete` is False for a cut stream."""

    body: Json
    complete: bool


class Attempt(NamedTuple):
    """One HTTP call. `started` is UTC, ISO 8601; `waited_ms` is the pause before it."""

    started: str
    duration_ms: int
    status: int | None = None
    request_id: str | None = None
    waited_ms: int | None = None
    failure: Failure | None = None


class Download(NamedTuple):
    """The bytes behind an address of an answer (`media`: their digest), or why there are none."""

    url: str
    duration_ms: int
    status: int | None = None
    media: str | None = None
    mime: str | None = None
    failure: Failure | None = None


class Exchange(NamedTuple):
    """A wire request, its wire response (None where none came), all attempts at it, and what was fetched after it."""

    key: str
    target: Target
    request: Json
    response: Json
    streamed: bool
    attempts: tuple[Attempt, ...]
    started: str
    duration_ms: int
    status: int | None = None
    request_id: str | None = None
    first_event_ms: int | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    downloads: tuple[Download, ...] = ()

    @property
    def answer(self) -> Json:
        """What the next turn goes on from: the wire response, with the bytes that were fetched in it."""
        return with_downloads(self.response, [(d.url, d.media, d.mime) for d in self.downloads if d.media and d.mime])


def with_downloads(body: Json, found: Iterable[tuple[str, str, str]]) -> Json:
    """An answer with the bytes, by reference, in place of the addresses (`url`, digest, mime) that were fetched."""
    refs = {url: MediaRef(digest, mime, "data-url") for url, digest, mime in found}

    return _replaced(body, refs) if refs else body


def _replaced(value: Json, refs: Mapping[str, MediaRef]) -> Json:
    if isinstance(value, str):
        return refs.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(item, refs) for key, item in value.items()}
    return [_replaced(item, refs) for item in value] if isinstance(value, list) else value


def canonical(value: Json) -> str:
    """JSON with sorted keys and no white space; the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def key_of(provider: str, api: str, target: Target, wire: Json) -> str:
    """The key of a recording: `sha256:` and the digest of what the request is."""
    return "sha256:" + hashlib.sha256(identity_of(provider, api, target, wire).encode("ascii")).hexdigest()


def identity_of(provider: str, api: str, target: Target, wire: Json) -> str:
    """What a request is, whoever sends it: canonical `{provider, api, operation, model, body}`.

    Media count by digest alone (`{"$media": "sha256:…"}`), so the way they were written makes no
    difference; base URL, headers and streaming do not count. The README shows an example.
    """
    identity = {
        "provider": provider,
        "api": api,
        "operation": target.operation,
        "model": target.model,
        "body": encode(wire, describe=lambda ref: {"$media": ref.digest}),
    }
    return canonical(identity)
