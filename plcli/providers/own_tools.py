"""The tools that providers run themselves, by their `type`: which of them only one provider knows.

Types that stand in neither list are sent as they are, since providers add new ones.
Sources: `ToolParam` of openai, `Tool` of google-genai.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from plcli.request import BuiltinTool, Tool

OF_OPENAI = frozenset((
    "apply_patch", "code_interpreter", "computer", "computer_use_preview", "image_generation", "local_shell", "mcp",
    "namespace", "programmatic_tool_calling", "shell", "tool_search", "web_search", "web_search_2025_08_26",
    "web_search_preview", "web_search_preview_2025_03_11",
))  # fmt: skip
"""Types that OpenAI has and Gemini has not, or names otherwise."""

OF_GEMINI = frozenset((
    "code_execution", "enterprise_web_search", "exa_ai_search", "function_declarations", "google_maps",
    "google_search", "google_search_retrieval", "mcp_servers", "parallel_ai_search", "retrieval", "url_context",
))  # fmt: skip
"""Types that Gemini has and OpenAI has not, or names otherwise; in snake case."""


def kind_of(tool: Tool) -> str | None:
    """The type of a provider's own tool, or None for a tool of the request and for one that states none."""
    kind = tool.item.get("type") if isinstance(tool, BuiltinTool) and isinstance(tool.item, dict) else None
    return kind if isinstance(kind, str) else None


def snake(name: str) -> str:
    """`googleSearch` as `google_search`."""
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


def camel(name: str) -> str:
    """`google_search` as `googleSearch`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def closest(kind: str, likes: Mapping[str, str]) -> str:
    """What to do about a tool that an api has not; `likes` names those that it has instead."""
    return f"use {{type: {likes[kind]}}}" if kind in likes else "drop it"
