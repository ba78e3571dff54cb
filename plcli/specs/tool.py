"""Tool specs: what a model may call, and where the answers come from."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from plcli.specs.closed import Closed, Count, Items, JsonObject, ToolName
from plcli.specs.expectations import Expected


class Format(Closed):
    """The text that a free-form tool takes."""

    type: Literal["text", "regex", "lark"]
    """Any text, or text that a regular expression or a Lark grammar restricts."""
    definition: str | None = None
    """The expression or grammar; needed for `regex` and `lark`."""


class McpHandler(Closed):
    """A tool of an MCP server."""

    command: Items[str] | None = None
    """Program and arguments of a server that speaks over stdio."""
    url: str | None = None
    """Address of a server that speaks over http."""
    tool: str
    """The name of the tool there."""

    alone: ClassVar[tuple[str, ...]] = ("command", "url")
    needed: ClassVar[bool] = True


class Stub(Closed):
    """An answer written down; the first whose condition holds answers."""

    when: dict[str, Expected] | None = None
    """Some arguments, each a plain value or a matcher; without it the stub answers every call."""
    when_schema: JsonObject | None = None
    """A JSON Schema that the arguments must fit."""
    return_: JsonValue = Field(default=None, alias="return")
    """The answer."""
    return_in_turn: Items[JsonValue] | None = None
    """One answer after the other; the last one repeats."""
    error: str | None = None
    """The tool fails with these words."""
    delay_ms: Count | None = None
    """Wait before answering."""

    alone: ClassVar[tuple[str, ...]] = ("return", "return_in_turn", "error")
    needed: ClassVar[bool] = True


class StubsSpec(Closed):
    """Stubs in a file of their own, `NAME.stubs.yaml` beside the tool."""

    kind: Literal["stubs"] = "stubs"
    """What this file is."""
    stubs: Items[Stub]
    """The stubs, first match wins."""


class InlineTool(Closed):
    """A tool written where it is used."""

    name: ToolName
    """What the model calls it by."""
    description: str | None = None
    """What the tool does; the model reads this."""
    parameters: JsonObject | None = None
    """JSON Schema (2020-12) of the arguments."""
    strict: bool | None = None
    """Hold the model to the schema exactly; default: when the schema qualifies."""
    format: Format | None = None
    """Makes this a free-form tool, which takes text instead of arguments."""

    alone: ClassVar[tuple[str, ...]] = ("parameters", "format")
    needed: ClassVar[bool] = True


class ToolSpec(Closed):
    """A tool: what the model sees of it, and where its answers come from."""

    kind: Literal["tool"]
    """What this file is."""
    name: ToolName
    """What the model calls it by; equals the name of the file."""
    description: str | None = None
    """What the tool does; the model reads this."""
    parameters: JsonObject | None = None
    """JSON Schema (2020-12) of the arguments; absent: no arguments."""
    strict: bool | None = None
    """Hold the model to the schema exactly; default: when the schema qualifies."""
    returns: JsonObject | None = None
    """JSON Schema that results are checked against."""
    format: Format | None = None
    """Makes this a free-form tool, which takes text instead of arguments."""
    env: Items[str] = ()
    """Names of environment variables that the handler may see."""
    command: Items[str] | None = None
    """Handler: program and arguments; arguments come as JSON on its standard input. No shell."""
    python: str | None = None
    """Handler: `module:function`."""
    mcp: McpHandler | None = None
    """Handler: a tool of an MCP server."""
    stubs: Items[Stub] = ()
    """Written answers, first match wins."""

    alone: ClassVar[tuple[str, ...]] = ("command", "python", "mcp")
