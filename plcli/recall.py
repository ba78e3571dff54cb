"""Recalling: a recorded exchange answers in place of a connection. Nothing is sent, and no SDK is imported."""

from __future__ import annotations

from collections.abc import Callable

from plcli.errors import NotReplayable
from plcli.exchange import Exchange, Target, key_of
from plcli.media import Json, MediaMissing, MediaReader, lift, lower, references
from plcli.providers.reading import read_or_failed
from plcli.providers.registry import Adapter
from plcli.recordings import Recorded
from plcli.redact import MARK, marked
from plcli.response import Failure, ImagePart, Part, Response
from plcli.traffic import exchange_of

Answers = Callable[[str], Recorded | None]
"""Gives the recorded exchange that answers a key."""


def recalled(
    provider: str, api: str, adapter: Adapter, target: Target, wire: Json, answers: Answers, read_media: MediaReader
) -> tuple[Exchange, Response, Failure | None]:
    """The exchange that a recording answers a wire with, and what it means; a failure where none does.

    Raises `NotReplayable` where something of the recorded answer is gone.
    """
    key = key_of(provider, api, target, wire)
    found = answers(key)
    if found is None:
        absent = Failure(
            kind="offline",
            message="no recording answers this request",
            hint="run it without --recorded, and keep the run: plcli log keep last",
        )
        nothing = Exchange(key, target, wire, None, streamed=False, attempts=(), started="", duration_ms=0)
        return nothing, Response(state="error"), absent
    try:
        exchange = exchange_of(found.exchange, target, wire)
        response, failure = read_again(exchange, adapter, read_media)
        response = _addressed(response, found)
    except (ValueError, MediaMissing) as error:
        raise NotReplayable(
            f"the recorded answer of run {found.record.id} is not whole: {error}",
            hint="record it again: plcli run, then plcli log keep last",
        ) from None
    return exchange, response, failure


def read_again(exchange: Exchange, adapter: Adapter, read_media: MediaReader) -> tuple[Response, Failure | None]:
    """What a logged exchange means, and why it has no whole answer. Raises `MediaMissing`, `ValueError` for damage."""
    failure = exchange.attempts[-1].failure if exchange.attempts else None
    if exchange.response is None and failure is None:
        return Response(state="error"), None
    body = _as_it_came(exchange.response, adapter, read_media)
    response, failure = read_or_failed(adapter.read, body, failure)
    return response, failure or response.failure


def _as_it_came(body: Json, adapter: Adapter, read_media: MediaReader) -> Json:
    """An answer as the adapter read it: what was lifted out of its words is put back."""
    body = marked(body)
    if next(iter(references(body)), None) is None:
        return body
    return lift(lower(body, read_media), adapter.MEDIA, elsewhere=False)[0]


def _addressed(response: Response, found: Recorded) -> Response:
    """The answer with the addresses of its pictures as the record knows them, by which what was fetched is found.

    In the wire nothing is left of an address that is signed.
    """
    record, downloads = found.record, found.exchange.downloads
    urls = [one.url for one in downloads or ()]
    if downloads is None and len(record.exchanges) == 1 and record.response is not None:
        urls = [part.url for part in record.response.parts if isinstance(part, ImagePart) and part.url is not None]
    signed = (url for url in urls if MARK in url)

    def addressed(part: Part) -> Part:
        hidden = isinstance(part, ImagePart) and part.url == MARK
        return part.model_copy(update={"url": next(signed, MARK)}) if hidden else part

    return response.model_copy(update={"parts": tuple(map(addressed, response.parts))})
