"""A server of MCP over http: no credential, no redirect, and no more bytes than a message may have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from plcli.handling.mcp_answers import MESSAGE_LIMIT, McpFailed

if TYPE_CHECKING:
    import httpx2
    from mcp.client import Transport
    from mcp.client._transport import TransportStreams

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a server; how long an answer may take is the caller's business."""


class Refusals:
    """What statuses tell, which the package does not: `last` is that of the last message, where it is none of 2xx."""

    def __init__(self) -> None:
        self.last: str | None = None


def over_http(url: str, refusals: Refusals) -> Transport:
    """The way to the server at a URL, when it is entered; a connection that breaks ends it with an error of httpx2.

    Proxies are those of the process environment. Raises `McpFailed` for a redirect.
    """
    return _streams(url, refusals)


@asynccontextmanager
async def _streams(url: str, refusals: Refusals) -> AsyncIterator[TransportStreams]:
    from mcp.client.streamable_http import streamable_http_client

    async with (
        _client(refusals) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MESSAGE_LIMIT) as streams,
    ):
        yield streams


def _client(refusals: Refusals) -> httpx2.AsyncClient:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MESSAGE_LIMIT
            async for piece in self._inner:
                left -= len(piece)
                if left < 0:
                    raise McpFailed(f"the server sent more than {MESSAGE_LIMIT // 1024 // 1024} MB")
                yield piece

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def judge(response: httpx2.Response) -> None:
        if response.request.method == "POST":
            refused = f"{response.status_code} {response.reason_phrase}".rstrip()
            refusals.last = None if response.is_success else refused
        if response.has_redirect_location:
            place = response.url.join(response.headers["location"]).copy_with(userinfo=b"", query=None, fragment=None)
            raise McpFailed(f"the server redirects to {place}, where nothing is sent; if it is right, write it as url")
        if response.headers.get("content-encoding", "identity") != "identity":
            # A few bytes could become very many.
            raise McpFailed("the server sent compressed bytes, which were not asked for")
        response.stream = Bounded(response.stream)

    return httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT),
        event_hooks={"response": [judge]},
    )
