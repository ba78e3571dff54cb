"""The network under the HTTP clients of this process: each step ends at the deadline of the running call."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from plcli.failures import CallFailed, failed
from plcli.providers.registry import Call

if TYPE_CHECKING:
    import httpx2

CALL: ContextVar[Call] = ContextVar("call")
"""The call that this thread is sending."""

_PIECE = 16 * 1024

_READING_AND_WRITING = 2
"""`socket.SHUT_RDWR`, whose module would cost start-up time before anything is sent."""


def until_deadline(call: Call, timeout: float) -> float:
    """The timeout, cut at the deadline. Raises `CallFailed` when that has passed."""
    if call.deadline is None:
        return timeout
    left = call.deadline - time.monotonic()
    if left <= 0:
        raise past_deadline(call)
    return min(timeout, left)


def past_deadline(call: Call) -> CallFailed:
    """The failure of a call that is not done at the deadline of the run."""
    spent = time.monotonic() - call.tap.started
    return failed("timeout", f"the deadline of the run passed, {spent:.1f} s into this call", "raise --deadline")


class Network:
    """httpcore's network, with the deadline of the running call on each step."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, host: str, port: int, timeout: float, **options: Any) -> Stream:
        """A connection. Raises `CallFailed` at the deadline, and what httpcore raises."""
        call = CALL.get()
        return Stream(self._inner.connect_tcp(host, port, timeout=until_deadline(call, timeout), **options))


class Stream:
    """A connection that ends each step at the deadline of the call that wrote to it last.

    A timeout alone is for one step: a server that dribbles would hold a call for ever.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._call = CALL.get()
        self.close: Callable[[], None] = inner.close
        self.get_extra_info: Callable[[str], Any] = inner.get_extra_info

    def write(self, buffer: bytes, timeout: float) -> None:
        """Send all of it."""
        self._call = CALL.get()
        self._call.tap.first_byte = None
        # In pieces, since a server that takes little at a time could hold one long write for ever.
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], until_deadline(self._call, timeout))

    def read(self, max_bytes: int, timeout: float) -> bytes:
        """Some bytes; none at the end. Ends when the work of the call shall."""
        with self._call.cancel.ending(self._abort):
            data: bytes = self._inner.read(max_bytes, until_deadline(self._call, timeout))
        if self._call.tap.first_byte is None:
            self._call.tap.first_byte = time.monotonic()
        return data

    def _abort(self) -> None:
        """Wake whoever reads, from another thread."""
        connection: Any = self._inner.get_extra_info("socket")
        with suppress(OSError):
            # Not the TLS socket's own method, which would take its state away from under the reader.
            plain: Any = super(type(connection), connection)
            plain.shutdown(_READING_AND_WRITING)

    def start_tls(self, ssl_context: Any, server_hostname: str, timeout: float) -> Stream:
        """The same connection, encrypted."""
        return Stream(self._inner.start_tls(ssl_context, server_hostname, until_deadline(self._call, timeout)))


def lay(client: httpx2.Client, direct: type[Network] = Network) -> None:
    """Put networks of ours under a client: `direct` where no proxy stands between, else a `Network`."""
    # httpx2 has no public way to hand a network backend to its pools, and a transport of our own
    # would lose the proxies of the environment.
    sender: Any
    for sender in {client._transport, *client._mounts.values()} - {None}:
        network = direct if sender is client._transport else Network
        sender._pool._network_backend = network(sender._pool._network_backend)
