"""What came back in a captured exchange, folded, lifted and read by the adapter as if it had just come."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from plcli.delivery import stated, told
from plcli.exchange import WireEvent
from plcli.failures import CallFailed, classify
from plcli.imports.captured import Captured, Reply, Unfit
from plcli.media import Json, encode, lift
from plcli.providers import answer
from plcli.providers.reading import failed_state, read_or_failed
from plcli.providers.registry import Adapter
from plcli.request import Request
from plcli.response import Failure, Response


class Answer(NamedTuple):
    """What came back: the wire response, what it means (None: nothing came), its media, and why it is not whole."""

    body: Json = None
    response: Response | None = None
    media: Mapping[str, bytes] = MappingProxyType({})
    streamed: bool = False
    failure: Failure | None = None
    note: str | None = None


def answer_of(captured: Captured, made: Adapter, request: Request, wire: Json) -> Answer:
    """What the reply says. Raises `Unfit` for what is no answer of the api."""
    reply = captured.reply
    if captured.failure is not None:
        return Answer(response=_failed(captured.failure), failure=captured.failure)
    if reply is None:
        return Answer()
    if not 200 <= reply.status < 300:
        refused = classify(reply.status, _error_body(reply), reply.headers).failure
        return Answer(response=_failed(refused), failure=refused)
    events, failure = _events(reply)
    folded = made.fold(iter(events))
    body, pictures = lift(folded.body, made.MEDIA, elsewhere=False)
    if failure is None and not folded.complete:
        failure = Failure(kind="protocol", message="the answer ended before it was complete")
    response, failure = read_or_failed(made.read, body, failure)
    body, others = lift(body)
    media = pictures | others
    wanted = made.wanted(wire) if failure is None and response.failure is None else 0
    if response.images or wanted:
        said = stated(request)
        asked = None if said is None else {name: encode(value) for name, value in said.items()}
        response = told(response, asked, wanted, (), media.get)
    streamed = any(not event.whole for event in events)
    cut = "the answer is cut" if failure is not None and not folded.complete else None
    return Answer(body, response, media, streamed, failure or response.failure, cut)


def _events(reply: Reply) -> tuple[list[WireEvent], Failure | None]:
    """The events of an answer, and why they ended early. Raises `Unfit` where not one of them can be read."""
    if not isinstance(reply.body, bytes):
        return [WireEvent(reply.body, whole=True)], None
    events: list[WireEvent] = []
    try:
        events.extend(answer.read((reply.body,), reply.headers.get("content-type", "")))
    except CallFailed as error:
        if not events:
            pieces = _listed(reply.body)
            if pieces:
                return pieces, None
            raise Unfit(error.message) from None
        return events, error.failure
    return events, None


def _listed(body: bytes) -> list[WireEvent]:
    """The events of a stream that came as one list, as Gemini streams where nobody asks for server-sent events."""
    with suppress(ValueError):
        pieces = answer.parse(body.decode("utf-8-sig"))
        if isinstance(pieces, list) and all(isinstance(piece, dict) for piece in pieces):
            return [WireEvent(piece) for piece in pieces]
    return []


def _error_body(reply: Reply) -> Json:
    """The body of an error as JSON, or as text where it is none."""
    if not isinstance(reply.body, bytes):
        return reply.body
    text = reply.body.decode("utf-8-sig", "replace")
    with suppress(ValueError):
        return answer.parse(text)
    with suppress(CallFailed):
        return next((event.data for event in answer.events((reply.body,))), text)
    return text


def _failed(failure: Failure) -> Response:
    return Response(state=failed_state(failure))
