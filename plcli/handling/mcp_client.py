"""Servers of MCP: opened when they are first needed, asked for their tools and for calls, closed with the run.

Whether a server may be started or asked at all is decided before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Self, TypeVar

from plcli.address import parse
from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.handling.children import ChildFailed, command_line
from plcli.handling.mcp_answers import McpFailed, McpTool, result_of
from plcli.handling.mcp_http import Refusals, over_http
from plcli.handling.mcp_session import Loop, Session, call_tool, list_tools
from plcli.handling.mcp_stdio import over_stdio
from plcli.media import Json
from plcli.specs.tool import McpHandler
from plcli.toolanswers import compact
from plcli.trust import allow_connection
from plcli.workspace import Workspace

if TYPE_CHECKING:
    from mcp.client import ClientSession

T = TypeVar("T")
Listing = list[McpTool]


class Servers:
    """The servers of one run. Each is opened once, and again where it has ended; `close` ends them all.

    Of one thread. `tell` gets a line of a server's stderr; it is called from another thread.
    """

    def __init__(self, workspace: Workspace, user: UserSide, *, tell: Callable[[str], None], cancel: Cancel) -> None:
        self._workspace = workspace
        self._user = user
        self._tell = tell
        self._cancel = cancel
        self._loop: Loop | None = None
        self._sessions: dict[tuple[object, ...], Session] = {}

    def call(self, handler: McpHandler, env: Mapping[str, str], arguments: Json, seconds: float) -> Json:
        """What a tool of a server answers, as `mcp_answers.result_of` reads it.

        `env` is all that a server sees of the environment when it is started; `seconds` hold for all that is to be
        done, opening it too. Raises `McpFailed`, `OfflineError` where no URL may be called, and `SetupError` without
        the package `mcp`.
        """
        if not isinstance(arguments, dict):
            raise McpFailed("a tool of an MCP server takes arguments by name, and no text")
        try:
            compact(arguments).encode()
        except UnicodeEncodeError:
            raise McpFailed("the arguments hold half of a character, which no MCP server can read") from None
        session = self._session(handler.command, handler.url, env)
        return result_of(self._ask(session, lambda to: call_tool(to, handler.tool, arguments), seconds))

    def list(self, command: Sequence[str] | None, url: str | None, env: Mapping[str, str], seconds: float) -> Listing:
        """The tools of a server that `command` starts or that answers at `url`; limits and errors as in `call`."""
        return self._ask(self._session(command, url, env), list_tools, seconds)

    def close(self) -> None:
        """End all servers, and the processes that they started."""
        if self._loop is not None:
            self._loop.close()
        self._loop = None
        self._sessions.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _session(self, command: Sequence[str] | None, url: str | None, env: Mapping[str, str]) -> Session:
        """The session with a server, which need not be open yet."""
        key = (url,) if url is not None else (tuple(command or ()), tuple(sorted(env.items())))
        session = self._sessions.get(key)
        if session is None or session.over:
            session = self._answering(url) if url is not None else self._started(command or (), env)
            self._sessions[key] = session
        return session

    def _answering(self, url: str) -> Session:
        allow_connection(self._user)
        try:
            address = parse(url)
        except ValueError as error:
            raise McpFailed(f"the url of the server {error}: write https://host[:port]/path, and no more") from None
        _need_package()
        place = address.url + "/" * (bool(address.path) and url.endswith("/"))
        refusals = Refusals()
        return Session(place, over_http(place, refusals), refusals)

    def _started(self, command: Sequence[str], env: Mapping[str, str]) -> Session:
        try:
            argv = command_line(command, self._workspace.root, self._user.variables.get("PATH"))
        except ChildFailed as error:
            raise McpFailed(str(error)) from None
        _need_package()
        return Session(command[0], over_stdio(argv, env, self._workspace.root, self._tell))

    def _ask(self, session: Session, question: Callable[[ClientSession], Awaitable[T]], seconds: float) -> T:
        """What a server answers; the time, the run and an interrupt end the question."""
        if self._loop is None:
            self._loop = Loop()
        asked = self._loop.ask(session, question, seconds)

        def end() -> None:
            asked.cancel()

        try:
            with self._cancel.ending(end):
                return asked.result()
        except CancelledError:
            raise McpFailed("it was cancelled") from None
        except TimeoutError:
            doing = "answered" if session.open else "got ready to speak MCP"
            raise McpFailed(f"{session.name} has not {doing} within {seconds:g} s") from None
        finally:
            end()


def _need_package() -> None:
    try:
        from mcp import Client  # noqa: F401  older versions have none
    except ImportError:
        raise SetupError("MCP needs the package mcp, 2.3 or newer", hint="pip install 'plcli[mcp]'") from None
