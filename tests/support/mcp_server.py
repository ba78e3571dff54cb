"""A server of the package `mcp`: over stdio, or with `http` over loopback, where it says its port first."""

from __future__ import annotations

import base64
import socket
import sys
from typing import Annotated, Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()

server = MCPServer("test", log_level="ERROR")


class Answer(BaseModel):
    """What somebody would be asked to fill in."""

    name: str


@server.tool()
def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@server.tool(structured_output=False)
def greet(name: str) -> str:
    """A greeting."""
    print(f"greeting {name}", file=sys.stderr, flush=True)
    return f"Hello, {name}!"


@server.tool()
def weather(city: str) -> dict[str, Any]:
    """A structured answer."""
    return {"city": city, "temperature": 21, "wind": None}


@server.tool(structured_output=False)
def route(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """A tool whose argument travels in a header too, for those that route by it."""
    return f"to {region}"


@server.tool(structured_output=False)
def album() -> list[Any]:
    """Every kind of content that there is."""
    return [
        TextContent(text="two pictures"),
        ImageContent(data=PNG, mime_type="image/png"),
        AudioContent(data="AAAA", mime_type="audio/wav"),
        EmbeddedResource(resource=TextResourceContents(uri="note://1", text="a note")),
        EmbeddedResource(
            resource=BlobResourceContents(uri="file:///a/b.pdf?x", blob="AAAA", mime_type="application/pdf")
        ),
        ResourceLink(uri="file:///far.txt", name="far"),
    ]


@server.tool()
def broken() -> str:
    """A tool that fails."""
    raise ToolError("the oven is cold")


@server.tool()
async def slow() -> str:
    """A tool that takes its time."""
    await anyio.sleep(60)
    return "late"


@server.tool(structured_output=False)
async def curious(ctx: Context[Any, Any]) -> str:
    """A tool that wants to know more from whoever calls."""
    asked = await ctx.elicit("What is your name?", Answer)
    return f"{asked.action}"


def serve_http() -> None:
    """Serve over http at a free port of loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    app = server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    serve_http() if sys.argv[1:] == ["http"] else server.run()
