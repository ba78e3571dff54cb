"""A captured exchange made a record, as if plcli itself had sent it.

The wire is what was captured, without the switches of its transport; the answer is folded, lifted and read by the
adapter. Keys are computed before secrets are taken out. Every exchange is a run of its own, also those of a tool loop.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from plcli import __version__, expect, prices
from plcli.brevity import counted
from plcli.delivery import stated
from plcli.engine import KEPT_HEADERS, now
from plcli.errors import PlcliError
from plcli.exchange import Attempt, Exchange, Target, key_of
from plcli.imports.answers import Answer, answer_of
from plcli.imports.captured import Captured, Copied, Reply, Source, Spot, Unfit
from plcli.imports.moments import moment
from plcli.imports.sites import Site, site_of
from plcli.media import Json, Media, lift, mapped, references
from plcli.mediastore import MediaStore
from plcli.providers import answer
from plcli.providers.reading import table
from plcli.providers.registry import Adapter, adapter, provider
from plcli.record_secrets import without_secrets
from plcli.records import Cost, Record, ResponseRecord
from plcli.redact import Redactor
from plcli.request import Request
from plcli.response import Response
from plcli.signatures import UNKNOWN, sniff
from plcli.traffic import exchange_of, exchange_records, wire_requests
from plcli.wireshapes import Guess, guess, of_target, without_switches
from plcli.workspace import MEDIA

COMMAND = "import"
"""What records that were not made here name as their command."""

FIELD = "import"
"""The field of `metadata` that says where such a record is from."""

_BODY_TIMES = ("created_at", "created", "createTime")
_NEEDS_API = "name who is asked: --provider openai --api chat, or the like"
_NEEDS_MODEL = "name it: --model ID"

_SAID = frozenset({"content", "input", "instructions", "prompt", "text"})
"""Where the words of a request stand, in all apis."""


class _Words(NamedTuple):
    """A text that is none of the media."""

    text: str


class Given(NamedTuple):
    """What the command line says of wires that do not say it themselves, and the words to find the runs by."""

    provider: str | None = None
    api: str | None = None
    model: str | None = None
    tags: tuple[str, ...] = ()


class Medium(NamedTuple):
    """Bytes that a record refers to, and their type."""

    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A record, the media that it refers to, and what of it did not come along.

    `beside` holds the media of a record that was one before.
    """

    record: Record
    media: tuple[Medium, ...] = ()
    notes: tuple[str, ...] = ()
    beside: MediaStore | None = None


def record_of(found: Captured | Copied, given: Given, redactor: Redactor) -> Imported:
    """The record of what was found, without secrets; the log mints its id. Raises `Unfit`."""
    return _copied(found, given, redactor) if isinstance(found, Copied) else _made(found, given, redactor)


def _made(captured: Captured, given: Given, redactor: Redactor) -> Imported:
    asked, made = _asked(captured, given)
    target = made.target_of(captured.wire, asked.model or "")
    try:
        wire, sent_media = _lifted(without_switches(asked.provider, captured.wire), made)
        request = made.uncompile(wire, target)
        key = key_of(asked.provider, asked.api, target, wire)
    except (ValueError, RecursionError, PlcliError) as error:
        raise Unfit(f"its request cannot be read: {error}") from None
    site = site_of(captured.url, asked)
    came = answer_of(captured, made, request, wire)
    media = {**sent_media, **came.media}
    time = captured.time or _time(captured.reply)
    undated = time is None
    exchange = _exchange(captured, came, target, time or _changed(captured.spot.source))
    exchange = exchange._replace(key=key, request=redactor.json(wire), response=redactor.json(came.body))
    response = came.response
    record = Record(
        id="",
        time=exchange.started,
        command=COMMAND,
        plcli=__version__,
        variables=dict(captured.variables) if captured.variables else None,
        provider=asked.provider,
        api=asked.api,
        model=target.model,
        served_model=response.served_model if response else None,
        endpoint=site.endpoint,
        exchanges=exchange_records([exchange]),
        response=_response_record(response, request) if response else None,
        usage=response.usage if response else None,
        cost=_cost(response, request, site) if response else None,
        error=came.failure,
        tags=list(dict.fromkeys([*captured.tags, *given.tags])) or None,
        metadata={**captured.metadata, FIELD: _origin(captured.spot, undated)},
    )
    notes = tuple(filter(None, (captured.note, came.note)))
    return Imported(without_secrets(record, redactor), tuple(_media(media, (wire, came.body), redactor)), notes)


def _copied(copied: Copied, given: Given, redactor: Redactor) -> Imported:
    record = copied.record
    store = MediaStore(copied.spot.source.path.parent / MEDIA)
    try:
        wires = wire_requests(record.exchanges)
        exchanges = [
            exchange_of(kept, Target(kept.operation, record.model or ""), wire)
            for kept, wire in zip(record.exchanges, wires, strict=True)
        ]
        exchanges = [
            one._replace(request=redactor.json(one.request), response=redactor.json(one.response)) for one in exchanges
        ]
    except (ValueError, RecursionError) as error:
        raise Unfit(f"the record is damaged: {error}") from None
    digests = {ref.digest for one in exchanges for wire in (one.request, one.response) for ref in references(wire)}
    missing = sum(store.path(digest) is None for digest in digests)
    record = record.model_copy(
        update={
            "command": COMMAND,
            "parent": None,
            "batch": None,
            "exchanges": exchange_records(exchanges),
            "tags": list(dict.fromkeys([*(record.tags or ()), *given.tags])) or None,
            "metadata": {**(record.metadata or {}), FIELD: {**_origin(copied.spot), "id": record.id}},
        }
    )
    notes = (f"{counted(missing, 'file')} of its media missing in {store.folder}",) if missing else ()
    return Imported(without_secrets(record, redactor), notes=notes, beside=store)


def _asked(captured: Captured, given: Given) -> tuple[Guess, Adapter]:
    """Whose the wire is, with its model. Raises `Unfit`."""
    told_by_file = of_target(captured.target) if captured.target else guess(captured.wire, captured.url)
    named = captured.provider or given.provider, captured.api or given.api
    if captured.target is None and captured.url is None and any(named):
        told_by_file = _named(*named, told_by_file)
    if told_by_file is None:
        raise Unfit("its api is not known: the body tells none", _NEEDS_API)
    asked = told_by_file._replace(model=told_by_file.model or captured.model or given.model)
    if asked.model is None:
        raise Unfit("it names no model", _NEEDS_MODEL)
    try:
        return asked, adapter(provider(asked.provider), asked.api)
    except PlcliError as error:
        raise Unfit(f"{error.message}", error.hint) from None


def _lifted(wire: Json, made: Adapter) -> tuple[Json, Media]:
    """A request without its bytes. What a person says stays words, whatever it looks like, as in a run of plcli."""
    lifted, media = lift(_kept(wire), made.MEDIA)
    return mapped(lifted, lambda leaf: leaf.text if isinstance(leaf, _Words) else leaf), media


def _kept(value: Json, name: str = "") -> Json:
    if isinstance(value, str):
        return _Words(value) if name in _SAID else value
    if isinstance(value, dict):
        return {key: _kept(item, key) for key, item in value.items()}
    return [_kept(item) for item in value] if isinstance(value, list) else value


def _named(name: str | None, api: str | None, guessed: Guess | None) -> Guess:
    """Whose a wire is that somebody says of, as far as they say. Raises `Unfit`."""
    name = name or (guessed.provider if guessed else "openai")
    same = guessed is not None and guessed.provider == name
    model = guessed.model if guessed else None
    try:
        api = api or (guessed.api if guessed and same else provider(name).default_api(model or ""))
        adapter(provider(name), api)
    except PlcliError as error:
        raise Unfit(error.message, error.hint) from None
    return Guess(name, api, "", model)


def _exchange(captured: Captured, came: Answer, target: Target, started: str) -> Exchange:
    """The exchange, still without its key and its request."""
    reply = captured.reply
    headers = reply.headers if reply else {}
    identified = headers.get("x-request-id") or headers.get("apim-request-id")
    status = reply.status if reply else None
    attempt = Attempt(started, captured.duration_ms, status, identified, failure=came.failure)
    return Exchange(
        key="",
        target=target,
        request=None,
        response=None,
        streamed=came.streamed,
        attempts=(attempt,) if came.response else (),
        started=started,
        duration_ms=captured.duration_ms,
        status=status,
        request_id=identified,
        headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
    )


def _time(reply: Reply | None) -> str | None:
    """When an answer says that it was made."""
    if reply is None:
        return None
    body = table(reply.body)
    if isinstance(reply.body, bytes):
        with suppress(ValueError):
            body = table(answer.parse(reply.body.decode("utf-8-sig", "replace")))
    times = (*(body.get(name) for name in _BODY_TIMES), reply.headers.get("date"))
    return next((found for value in times if (found := moment(value))), None)


def _changed(source: Source) -> str:
    """When a file was written last."""
    with suppress(OSError):
        return moment(os.path.getmtime(source.path)) or now()
    return now()


def _origin(spot: Spot, undated: bool = False) -> dict[str, Json]:
    """Where a record is from: the file, the place in it, and whether nobody says when it was."""
    found = {"file": spot.source.shown, "path": spot.path or None, "line": spot.line, "undated": undated or None}
    return {name: value for name, value in found.items() if value is not None}


def _response_record(response: Response, request: Request) -> ResponseRecord:
    output: Json = None
    if request.output is not None and response.state == "ok":
        output, _ = expect.parse_output(response.text, request.output.schema)
    return ResponseRecord.of(response, response.parts, output)


def _cost(response: Response, request: Request, site: Site) -> Cost | None:
    drawing = table(stated(request)).get("model")
    return prices.cost_of(
        response.usage,
        provider=request.provider,
        model=request.model,
        served_model=response.served_model,
        pricing=None,
        images=len(response.images),
        own_host=site.own,
        image_model=drawing if isinstance(drawing, str) else None,
        service_tier=response.service_tier,
    )


def _media(media: Media, wires: Iterable[Json], redactor: Redactor) -> Iterator[Medium]:
    """What is kept of the bytes: none that hold a secret."""
    mimes = {ref.digest: ref.mime for wire in wires for ref in references(wire)}
    for digest, data in media.items():
        if redactor.bytes(data) is data:
            seen = sniff(data)
            yield Medium(data, mimes.get(digest, seen) if seen == UNKNOWN else seen)
