"""What comes in, whichever SDK asked: the bytes of a response as they come, read as wire events."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from plcli.exchange import WireEvent
from plcli.media import Json
from plcli.providers import answer, transport
from plcli.providers.registry import Call

if TYPE_CHECKING:
    import httpx2


def events(response: httpx2.Response, call: Call) -> Generator[WireEvent]:
    """The events of a response, or its body as one whole event.

    Closing the generator closes the connection. Raises `CallFailed` where the connection breaks, the
    time is over, or the answer is none.
    """
    try:
        yield from answer.read(_chunks(response, call), response.headers.get("content-type", ""))
    finally:
        response.close()


def document(response: httpx2.Response, call: Call) -> Json:
    """The one JSON object that a response is; None for a stream of nothing. Raises as `events` does."""
    with closing(events(response, call)) as found:
        return next(found, WireEvent(None)).data


def _chunks(response: httpx2.Response, call: Call) -> Iterator[bytes]:
    """The bytes of an answer as they come, content encoding undone."""
    chunks = response.iter_bytes()
    while True:
        # Entered for each chunk: a generator's context would leak to its caller while it is suspended.
        with transport.calling(call):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk
