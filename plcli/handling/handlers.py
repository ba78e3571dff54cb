"""Handlers: a call of a tool answered by a program, a Python function, or a server of tools.

Nothing here asks whether a handler may run: who calls has permission (see `permission`). A model's arguments are
data on standard input and never part of a command line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from plcli.brevity import cut
from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.handling.children import ChildFailed, command_line, environment, run_child
from plcli.handling.mcp_answers import McpFailed
from plcli.handling.mcp_client import Servers
from plcli.media import Json
from plcli.providers.answer import parse
from plcli.providers.outgoing import encode
from plcli.specs import ToolSpec
from plcli.toolbox import Tool
from plcli.workspace import Workspace

ERROR_LIMIT = 2_000
"""Characters of a failure that are told."""

_PROGRAM = str(Path(__file__).with_name("python_handler.py"))
# No file that was compiled elsewhere counts for its source, and none is written.
_PYTHON = (sys.executable, "-P", "-B", "--check-hash-based-pycs", "always", _PROGRAM)


class HandlerFailed(Exception):
    """A handler gave no result; the text says why, and the model may be told."""


class Handlers:
    """The handlers of one run. Close it at the end: servers of tools run until then.

    `tell` gets a tool's name and a line that its handler wrote to stderr, as it came; a server speaks for the tool
    of its that was called last.
    """

    def __init__(
        self, workspace: Workspace, user: UserSide, *, tell: Callable[[str, str], None], cancel: Cancel
    ) -> None:
        self._workspace = workspace
        self._user = user
        self._tell = tell
        self._cancel = cancel
        self._servers: Servers | None = None
        self._called = ""

    def call(self, tool: Tool, arguments: Json, seconds: float) -> Json:
        """What the handler of a tool answers to some arguments (an object, or the text of a free-form tool).

        Raises `HandlerFailed` where it has no handler, where it fails, or takes longer than `seconds`;
        `SetupError` where something to run it with is missing.
        """
        try:
            env = environment(self._user.variables, tool.spec.env)
            return self._answer(tool.spec, env, arguments, seconds)
        except (ChildFailed, McpFailed) as error:
            raise HandlerFailed(cut(str(error), ERROR_LIMIT)) from None

    def close(self) -> None:
        """End the servers."""
        if self._servers is not None:
            self._servers.close()
            self._servers = None

    def _answer(self, spec: ToolSpec, env: Mapping[str, str], arguments: Json, seconds: float) -> Json:
        if spec.command is not None:
            argv = command_line(spec.command, self._workspace.root, self._user.variables.get("PATH"))
            return _result(self._output(spec.name, argv, env, arguments, seconds))
        if spec.python is not None:
            return self._returned(spec.name, spec.python, env, arguments, seconds)
        if spec.mcp is not None:
            self._called = spec.name
            if self._servers is None:
                self._servers = Servers(self._workspace, self._user, tell=self._told, cancel=self._cancel)
            return self._servers.call(spec.mcp, env, arguments, seconds)
        raise HandlerFailed("it has no handler")

    def _told(self, line: str) -> None:
        self._tell(self._called, line)

    def _returned(self, name: str, target: str, env: Mapping[str, str], arguments: Json, seconds: float) -> Json:
        """What a Python function returns."""
        module, _, function = target.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), function)):
            raise HandlerFailed(f"{target!r} names no function; write module:function")
        failure: ChildFailed | None = None
        try:
            output = self._output(name, (*_PYTHON, str(self._workspace.root), target), env, arguments, seconds)
        except ChildFailed as error:
            output, failure = error.output, error
        match _reply(output):
            case {"error": str(reason)}:
                raise HandlerFailed(cut(reason, ERROR_LIMIT))
            case {"result": result} if failure is None:
                return result
        raise failure or HandlerFailed(f"{target} ended the process before it had returned")

    def _output(self, name: str, argv: Sequence[str], env: Mapping[str, str], arguments: Json, seconds: float) -> bytes:
        try:
            stdin = encode(arguments)
        except (ValueError, RecursionError) as error:
            raise HandlerFailed(f"its arguments cannot be written as JSON: {error}") from None
        root, tell = self._workspace.root, partial(self._tell, name)
        return run_child(argv, stdin=stdin, env=env, cwd=root, seconds=seconds, cancel=self._cancel, tell=tell)


def _result(output: bytes) -> Json:
    """What a program answers: JSON, else the text without its last line end; null where it says nothing."""
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HandlerFailed(f"its output is no UTF-8 text (byte {error.start})") from None
    try:
        return parse(text) if text else None
    except ValueError:
        return text.removesuffix("\n").removesuffix("\r")


def _reply(output: bytes) -> Json:
    """What `python_handler` wrote, if anything."""
    try:
        return parse(output.decode("ascii")) if output else None
    except ValueError as error:
        raise HandlerFailed(f"its result cannot be read: {error}") from None
