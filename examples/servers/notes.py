"""A server of MCP over stdio: it finds notes in the folder beside it. Needs the package `mcp`."""

from __future__ import annotations

from pathlib import Path

from mcp.server import MCPServer

NOTES = Path(__file__).with_suffix("")

server = MCPServer("notes")


@server.tool()
def find_note(words: str) -> dict[str, str]:
    """Notes that hold all of some words: what they say, by their titles."""
    notes = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(NOTES.glob("*.md"))}
    wanted = words.lower().split()
    return {title: text for title, text in notes.items() if all(word in f"{title} {text}".lower() for word in wanted)}


if __name__ == "__main__":
    server.run()
