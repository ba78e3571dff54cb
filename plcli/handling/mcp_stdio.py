"""A server of MCP as a child process: each message is a line of its stdin or stdout, and its stderr is told.

It ends with all that it started, politely first: its stdin is closed, as the protocol has it.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import Popen
from typing import IO, TYPE_CHECKING, NoReturn

from plcli.handling.children import GRACE, Lines, child_process, ending, pipes
from plcli.handling.mcp_answers import MESSAGE_LIMIT, McpFailed

if TYPE_CHECKING:
    from mcp.client import Transport
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

_PIECE = 64 * 1024
_TICK = 0.01
"""Seconds between two looks at whether a child has ended."""


def over_stdio(argv: Sequence[str], env: Mapping[str, str], cwd: Path, tell: Callable[[str], None]) -> Transport:
    """The way to a server that is started with `argv`, of which the first is an absolute path, when it is entered.

    Lines of stdout that are no messages are told as if they came on stderr. While the way is open, it raises
    `McpFailed` as soon as the server ends, with its exit code and its last words; entering raises `ChildFailed`
    for a program that cannot be started.
    """
    return _streams(argv, env, cwd, tell)


@asynccontextmanager
async def _streams(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, tell: Callable[[str], None]
) -> AsyncIterator[TransportStreams]:
    import anyio
    from mcp.shared.message import SessionMessage

    with child_process(argv, env, cwd) as child:
        to_client, incoming = anyio.create_memory_object_stream[SessionMessage | Exception]()
        outgoing, to_server = anyio.create_memory_object_stream[SessionMessage]()
        server = _Server(child, tell)
        try:
            async with to_client, incoming, outgoing, to_server, anyio.create_task_group() as tasks:
                tasks.start_soon(server.listen)
                tasks.start_soon(server.read, to_client.send)
                tasks.start_soon(server.write, to_server)
                try:
                    yield incoming, outgoing
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            # Also where the work is cancelled: it ends soon, and so does the child.
            with anyio.CancelScope(shield=True):
                server.given.close()
                await _ended(child)


class _Server:
    """A server while it runs: what is read from it and written to it, each by a task of its own."""

    def __init__(self, child: Popen[bytes], tell: Callable[[str], None]) -> None:
        import anyio

        self.child = child
        self.given, self.answered, self.told = pipes(child)
        for pipe in (self.given, self.answered, self.told):
            os.set_blocking(pipe.fileno(), False)
        self.said, self.stray = Lines(tell), Lines(tell)
        self.heard = anyio.Event()
        """Whether all that it writes to stderr has come."""

    async def listen(self) -> None:
        """Tell what comes on stderr."""
        while piece := await _read(self.told):
            self.said.feed(piece)
        self.said.end()
        self.heard.set()

    async def read(self, hand_on: Callable[[SessionMessage], Awaitable[None]]) -> None:
        """Hand on the messages that come on stdout, and tell the other lines."""
        async for line in _split(self.answered):
            message = _message(line)
            if message is None:
                self.stray.feed(line + b"\n")
            else:
                await hand_on(message)
        await self.break_off()

    async def write(self, messages: AsyncIterable[SessionMessage]) -> None:
        """Write the messages, as they come."""
        async for message in messages:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                await _write(self.given, text.encode() + b"\n")
            except BrokenPipeError:
                await self.break_off()

    async def break_off(self) -> NoReturn:
        """Raise `McpFailed`, which says how the server ended; its last words may still be on their way."""
        import anyio

        ended = await _ended(self.child)
        with anyio.move_on_after(GRACE / 4):
            await self.heard.wait()
        last = (*self.stray.last, *self.said.last)
        how = ending(self.child.returncode, last) if ended else "its stdin or stdout is closed"
        raise McpFailed(f"the server ended: {how}")


async def _ended(child: Popen[bytes]) -> bool:
    """Whether a child ends within the grace that it has."""
    import anyio

    with anyio.move_on_after(GRACE):
        while child.poll() is None:
            await anyio.sleep(_TICK)
    return child.returncode is not None


async def _read(pipe: IO[bytes]) -> bytes:
    """The next bytes of a pipe; none at its end."""
    import anyio

    while True:
        await anyio.wait_readable(pipe.fileno())
        try:
            return os.read(pipe.fileno(), _PIECE)
        except BlockingIOError:
            continue


async def _write(pipe: IO[bytes], data: bytes) -> None:
    import anyio

    left = memoryview(data)
    while left:
        await anyio.wait_writable(pipe.fileno())
        left = left[os.write(pipe.fileno(), left[:_PIECE]) :]


async def _split(pipe: IO[bytes]) -> AsyncIterator[bytes]:
    """The lines that come from a pipe, without their ends. Raises `McpFailed` for one that is too long."""
    rest = bytearray()
    while piece := await _read(pipe):
        start = len(rest)
        rest += piece
        if (end := rest.rfind(b"\n", start)) >= 0:
            for line in bytes(rest[:end]).split(b"\n"):
                yield line
            del rest[: end + 1]
        if len(rest) > MESSAGE_LIMIT:
            raise McpFailed(f"the server sent a message of more than {MESSAGE_LIMIT // 1024 // 1024} MB")
    if rest:
        yield bytes(rest)


def _message(line: bytes) -> SessionMessage | None:
    """The message in a line, if any. An answer that is none fails the call that it is for, which would wait for it."""
    from mcp.shared.message import SessionMessage
    from mcp.types import PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        pass
    try:
        match json.loads(line):
            case {"id": int(number), **rest} if "method" not in rest:
                said = line[:200].decode("utf-8", "replace")
                error = ErrorData(code=PARSE_ERROR, message=f"what is no message of MCP: {said}")
                return SessionMessage(JSONRPCError(jsonrpc="2.0", id=number, error=error))
    except (ValueError, RecursionError):
        pass
    return None
