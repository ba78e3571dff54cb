"""Sessions with servers of MCP, in the event loop that the package `mcp` needs, which has a thread of its own here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from logging import NullHandler, getLogger
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from plcli import __version__
from plcli.handling.mcp_answers import McpFailed, McpTool, cut
from plcli.handling.mcp_http import Refusals

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from anyio.from_thread import BlockingPortal
    from mcp.client import ClientSession, Transport

T = TypeVar("T")

PAGES = 100
"""Pages of a list of tools that are read."""

CLOSING = 5.0
"""Seconds that a server has to close, and to say why it broke."""


class Session:
    """One server: the way to it, and while it is open, what asks it."""

    def __init__(self, name: str, way: Transport, refusals: Refusals | None = None) -> None:
        import anyio

        self.name = name
        self.open: ClientSession | None = None
        self.over = False
        """Whether it has ended, for good."""
        self.failure = McpFailed(f"{name} has closed the connection")
        """Why it ended."""
        self._way = way
        self._refusals = refusals
        self._ready, self._stop, self._ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def serve(self) -> None:
        """Open it, and keep it open until it is told to close, or breaks."""
        import anyio
        from mcp import Client
        from mcp.types import Implementation

        us = Implementation(name="plcli", version=__version__)
        try:
            with anyio.CancelScope() as self._scope:
                async with Client(self._way, client_info=us, cache=None) as client:
                    self.open = client.session
                    self._ready.set()
                    await self._stop.wait()
        except Exception as error:  # noqa: BLE001  whatever broke it is what its calls come to
            self.failure = self._reason(error)
        finally:
            self.open, self.over = None, True
            self._ready.set()
            self._ended.set()

    async def ask(self, question: Callable[[ClientSession], Awaitable[T]]) -> T:
        """What it answers once it is open. Raises `McpFailed`."""
        import anyio

        await self._ready.wait()
        if self.open is None:
            raise self.failure
        try:
            return await question(self.open)
        except Exception as error:  # noqa: BLE001  a server can answer anything, and the package raise anything
            if _is_closed(error):
                with anyio.move_on_after(CLOSING):
                    await self._ended.wait()
            raise self.failure if self.over else self._reason(error) from None

    async def close(self) -> None:
        """Let it end, for a while; after that, or where it never opened, make it."""
        import anyio

        if self.open is not None:
            self._stop.set()
            with anyio.move_on_after(CLOSING):
                await self._ended.wait()
        self._scope.cancel()
        await self._ended.wait()

    def _reason(self, error: BaseException) -> McpFailed:
        """What an error says, of the package or of the libraries under it."""
        import httpx2
        from mcp import MCPError

        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        match error:
            case McpFailed():
                return error
            case MCPError():
                status = f" ({self._refusals.last})" if self._refusals and self._refusals.last else ""
                there = (
                    "; is an MCP server there? its url often ends in /mcp" if self._refusals and not self.open else ""
                )
                return McpFailed(f"{self.name} answers: {cut(error.message)}{status}{there}")
            case httpx2.HTTPError():
                return McpFailed(f"{self.name} cannot be reached: {cut(str(error)) or type(error).__name__}")
            case ValidationError():
                return McpFailed(f"{self.name} answers what is not of MCP: {_first(error)}")
        return McpFailed(f"{self.name}: {cut(str(error)) or type(error).__name__}")


class Loop:
    """The thread of an event loop, and the sessions that it keeps open. Of the thread that makes it."""

    def __init__(self) -> None:
        import anyio

        for name in ("mcp", "client"):
            # Without a handler Python prints their tracebacks of servers that misbehave.
            getLogger(name).addHandler(NullHandler())
        self._sessions: list[Session] = []
        started: Future[BlockingPortal] = Future()
        self._thread = Thread(target=anyio.run, args=(self._run, started), name="mcp", daemon=True)
        self._thread.start()
        self._portal = started.result()

    def ask(self, session: Session, question: Callable[[ClientSession], Awaitable[T]], seconds: float) -> Future[T]:
        """What a session answers, which is opened first; its error is `TimeoutError` after so many seconds."""
        return self._portal.start_task_soon(self._ask, session, question, seconds)

    def close(self) -> None:
        """End all sessions, and the thread."""
        try:
            self._end()
        except KeyboardInterrupt:
            # It comes once, and must not leave a server behind.
            self._end()
            raise

    def _end(self) -> None:
        with suppress(RuntimeError):  # it was told already
            self._portal.call(self._portal.stop)
        self._thread.join()

    async def _run(self, started: Future[BlockingPortal]) -> None:
        import anyio
        from anyio.from_thread import BlockingPortal

        async with BlockingPortal() as portal, anyio.create_task_group() as tasks:
            self._tasks: TaskGroup = tasks
            started.set_result(portal)
            await portal.sleep_until_stopped()
            for session in self._sessions:
                tasks.start_soon(session.close)

    async def _ask(self, session: Session, question: Callable[[ClientSession], Awaitable[T]], seconds: float) -> T:
        import anyio

        if session not in self._sessions:
            self._sessions.append(session)
            self._tasks.start_soon(session.serve)
        with anyio.fail_after(seconds):
            return await session.ask(question)


async def call_tool(session: ClientSession, tool: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
    """The answer to a call, as on the wire. The server gets no input while it works on it: that is refused.

    The package would hold structured results against the schema that the server lists, whose patterns could take
    for ever; what a result must be, the tool spec says.
    """
    from mcp import MCPError
    from mcp.types import HEADER_MISMATCH, CallToolRequest, CallToolRequestParams, CallToolResult, InputRequiredResult

    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
    kinds: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
    try:
        answer = await session.send_request(request, kinds)
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
        # Some arguments travel in headers too; which they are, only the list of tools tells.
        await list_tools(session)
        answer = await session.send_request(request, kinds)
    if isinstance(answer, InputRequiredResult):
        raise McpFailed("the server wants more input in the middle of the call, and gets none")
    return answer.model_dump(mode="json", by_alias=True, exclude_unset=True)


async def list_tools(session: ClientSession) -> list[McpTool]:
    """All tools of a server, from every page of its list."""
    from mcp.types import PaginatedRequestParams

    found: list[McpTool] = []
    cursor = None
    for _ in range(PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        found += [McpTool(tool.name, tool.description, tool.input_schema, tool.output_schema) for tool in page.tools]
        cursor = page.next_cursor
        if not cursor:
            return found
    raise McpFailed(f"the server lists its tools on more than {PAGES} pages")


def _is_closed(error: Exception) -> bool:
    from mcp import MCPError
    from mcp.types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return cut(f"{problem['msg']} (at {'.'.join(map(str, problem['loc']))})")
