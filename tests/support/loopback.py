"""A loopback HTTP server for tests: it answers as scripted and keeps what it received.

    with Loopback() as server:
        server.answer(json={"ok": True})
        server.stream([{"delta": "a"}, {"delta": "b"}, "[DONE]"])
        ...  # the first request gets the JSON, the second the stream, and so do all after it
        assert server.received[0].json == {"model": "m"}

Each answer is used once, the last one for all further requests.
"""

from __future__ import annotations

import json as jsonlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return jsonlib.loads(self.body)


def sse(events: Iterable[Any], names: bool = False) -> bytes:
    """Server-sent events: objects as JSON, strings (`[DONE]`) as they are; `names` adds their `type`."""
    pieces = []
    for event in events:
        name = f"event: {event['type']}\n" if names and isinstance(event, dict) and "type" in event else ""
        data = event if isinstance(event, str) else jsonlib.dumps(event, ensure_ascii=not _is_utf8(event))
        pieces.append(f"{name}data: {data}\n\n".encode())
    return b"".join(pieces)


def _is_utf8(event: Any) -> bool:
    """Whether the event has a form in UTF-8; half of a surrogate pair has none."""
    try:
        jsonlib.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class Loopback:
    """The server. `url` is its root without a slash, `base_url` that with `/v1`.

    `most_at_once` is how many requests it has had in hand at one time.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.most_at_once = 0
        self._busy = 0
        self._script: list[Callable[[_Handler], None]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return self._server.accepted

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._sockets:
                _shut(connection)
        self._server.server_close()

    def answer(
        self,
        status: int = 200,
        json: Any = None,
        headers: Headers = (),
        body: bytes = b"",
        type: str | None = None,
        delay: float = 0.0,
    ) -> None:
        """A whole answer after a `delay`: `json`, or the bytes of `body` with content type `type`."""
        data = body if json is None else jsonlib.dumps(json, ensure_ascii=False).encode()
        kind = "application/json" if json is not None and type is None else type

        def act(handler: _Handler) -> None:
            if delay and self._ended.wait(delay):
                return
            handler.head(status, headers, kind, {"Content-Length": str(len(data))})
            handler.send(data)

        self._script.append(act)

    def stream(
        self,
        events: Iterable[Any] | bytes,
        *,
        chunk: int | None = None,
        delay: float = 0.0,
        cut_after: int | None = None,
        reset: bool = False,
        headers: Headers = (),
        type: str | None = "text/event-stream",
        names: bool = False,
    ) -> None:
        """A chunked answer of server-sent events (or of bytes as they are), with `delay` between chunks.

        `chunk` cuts the bytes into pieces of that size; `cut_after` breaks the connection after so
        many bytes, with a TCP reset if `reset`.
        """
        data = events if isinstance(events, bytes) else sse(events, names)
        shown = data if cut_after is None else data[:cut_after]
        size = chunk or len(shown) or 1

        def act(handler: _Handler) -> None:
            handler.head(200, headers, type, {"Transfer-Encoding": "chunked"})
            for start in range(0, len(shown), size):
                piece = shown[start : start + size]
                handler.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                if delay and self._ended.wait(delay):
                    return
            if cut_after is None:
                handler.send(b"0\r\n\r\n")
            else:
                handler.hang_up(reset)

        self._script.append(act)

    def forget(self) -> None:
        """Drop what is scripted and what was received, for a second act."""
        with self._lock:
            self._script.clear()
            self.received.clear()

    def dribble(self, data: bytes, every: float) -> None:
        """Raw bytes of an answer, status line and headers included, one at a time; then silence."""

        def act(handler: _Handler) -> None:
            for start in range(len(data)):
                handler.send(data[start : start + 1])
                if self._ended.wait(every):
                    return
            self._ended.wait()

        self._script.append(act)

    def hang(self, after: bytes = b"") -> None:
        """Send some raw bytes, then nothing until the test ends or the client leaves."""

        def act(handler: _Handler) -> None:
            handler.send(after)
            self._ended.wait()

        self._script.append(act)

    def reset(self) -> None:
        """Break the connection with a TCP reset instead of answering."""
        self._script.append(lambda handler: handler.hang_up(reset=True))

    def raw(self, data: bytes) -> None:
        """Raw bytes of an answer, status line and headers included; then the connection ends."""

        def act(handler: _Handler) -> None:
            handler.send(data)
            handler.hang_up()

        self._script.append(act)

    def redirect(self, location: str, status: int = 307) -> None:
        """An answer that points elsewhere."""
        self.answer(status, headers={"Location": location})

    def _serve(self, handler: _Handler, request: Received) -> None:
        with self._lock:
            self.received.append(request)
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
            act = self._script.pop(0) if len(self._script) > 1 else self._script[0] if self._script else None
        try:
            if act is None:
                handler.head(500, (), "text/plain", {"Content-Length": "0"})
            else:
                act(handler)
        finally:
            with self._lock:
                self._busy -= 1

    def _track(self, connection: socket.socket, *, alive: bool) -> None:
        with self._lock:
            (self._sockets.add if alive else self._sockets.discard)(connection)


class _Server(ThreadingHTTPServer):
    loopback: Loopback
    accepted = 0
    daemon_threads = False
    request_queue_size = 256

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        self.loopback._track(request, alive=True)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.loopback._track(request, alive=False)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave whenever they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small pieces must leave at once
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.loopback._serve(self, Received(self.command, self.path, headers, body))

    do_GET = do_POST

    def head(self, status: int, headers: Headers, kind: str | None, more: Mapping[str, str]) -> None:
        self.send_response(status)
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if kind is not None:
            pairs.append(("Content-Type", kind))
        for name, value in [*pairs, *more.items()]:
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)

    def hang_up(self, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


def _shut(connection: socket.socket) -> None:
    # The client may have been faster.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
