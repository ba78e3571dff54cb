"""Calls of OpenAI's own tools that wait for the client: approvals, commands, patches, screens, tools to be found.

What a hosted tool does itself is none of them, and neither is a call that the same answer answers.
Sources: `ResponseOutputItem` and `ResponseInputItemParam` of openai, and for the output of a local shell, whose
type has no `call_id` though the server asks for it, https://platform.openai.com/docs/guides/tools-local-shell
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from plcli.media import Json, encode
from plcli.providers.openai_turns import data_url
from plcli.providers.reading import table, words
from plcli.providers.turns import arguments_text, parse_object
from plcli.request import Image, Text, ToolResult
from plcli.response import ToolCallPart


class _Said(NamedTuple):
    """What a result says where it does not give the fields of the answer itself."""

    words: str
    failed: bool = False
    picture: Json = None


class _Kind(NamedTuple):
    """A kind of item that waits.

    `tool` is what its call is named, `asks` are the fields that say what is to be done. The `answer` names the
    item's `id` under `names`; it has the `fields`, and where only words are there, those that `told` makes of them.
    """

    tool: str
    asks: frozenset[str]
    answer: str
    fields: frozenset[str]
    told: Callable[[_Said], dict[str, Json]]
    id: str = "call_id"
    names: str = "call_id"


def _approval(said: _Said) -> dict[str, Json]:
    """Nothing but a plain yes is one."""
    if said.words == "true":
        return {"approve": True}
    return {"approve": False, **({"reason": said.words} if said.words else {})}


def _shell(said: _Said) -> dict[str, Json]:
    stdout, stderr = ("", said.words) if said.failed else (said.words, "")
    return {
        "output": [{"stdout": stdout, "stderr": stderr, "outcome": {"type": "exit", "exit_code": int(said.failed)}}]
    }


def _local_shell(said: _Said) -> dict[str, Json]:
    return {"output": said.words}


def _patch(said: _Said) -> dict[str, Json]:
    return {"status": "failed" if said.failed else "completed", **({"output": said.words} if said.words else {})}


def _screen(said: _Said) -> dict[str, Json]:
    return {"output": {"type": "computer_screenshot", "image_url": said.picture or said.words}}


def _search(said: _Said) -> dict[str, Json]:
    """Words name no tools: such a search has found none."""
    return {"execution": "client", "status": "incomplete" if said.failed else "completed", "tools": []}


_KINDS = {
    "mcp_approval_request": _Kind(
        "mcp_approval", frozenset(("server_label", "name", "arguments")),
        "mcp_approval_response", frozenset(("approve", "reason")), _approval, "id", "approval_request_id",
    ),
    "shell_call": _Kind(
        "shell", frozenset(("action",)),
        "shell_call_output", frozenset(("output", "max_output_length", "status")), _shell,
    ),
    "local_shell_call": _Kind(
        "local_shell", frozenset(("action",)),
        "local_shell_call_output", frozenset(("output", "status")), _local_shell,
    ),
    "apply_patch_call": _Kind(
        "apply_patch", frozenset(("operation",)),
        "apply_patch_call_output", frozenset(("status", "output")), _patch,
    ),
    "computer_call": _Kind(
        "computer", frozenset(("action", "actions", "pending_safety_checks")),
        "computer_call_output", frozenset(("output", "acknowledged_safety_checks", "status")), _screen,
    ),
    "tool_search_call": _Kind(
        "tool_search", frozenset(("arguments",)),
        "tool_search_output", frozenset(("tools", "status", "execution")), _search,
    ),
}  # fmt: skip
_NAMED_UNDER = {kind.answer: kind.names for kind in _KINDS.values()}

TOOLS = frozenset(kind.tool for kind in _KINDS.values())
"""What calls are named that wait for the client."""


def answered(output: Iterable[Json]) -> frozenset[str]:
    """The ids of the calls that an answer has the answers to itself."""
    ids = (item.get(_NAMED_UNDER.get(words(item.get("type")) or "", "")) for item in map(table, output))
    return frozenset(named for named in ids if isinstance(named, str))


def call_id(item: Mapping[str, Json]) -> str | None:
    """What the answer to an item that waits has to name; None for other items."""
    kind = _kind(item)
    hosted = table(item.get("environment")).get("type") == "container_reference" or item.get("execution") == "server"
    named = item.get(kind.id) if kind is not None and not hosted else None
    return named if isinstance(named, str) and named else None


def call_part(item: Mapping[str, Json]) -> ToolCallPart | None:
    """The call that an item waits with; None for other items."""
    kind, named = _kind(item), call_id(item)
    if kind is None or named is None:
        return None
    asked = {name: encode(value) for name, value in item.items() if name in kind.asks and value not in (None, [])}
    if isinstance(asked.get("arguments"), str):
        asked["arguments"] = parse_object(asked["arguments"]) or asked["arguments"]
    return ToolCallPart(id=words(named), name=kind.tool, arguments=asked, native=item["type"])


def answer_to(call: Mapping[str, Json], result: ToolResult) -> Json:
    """The item that answers an item that waits.

    A JSON object with any of the answer's fields gives them; anything else stands where the answer has words.
    """
    kind = _KINDS[call["type"]]
    parts = (Text(result.content),) if isinstance(result.content, str) else result.content
    text = "\n".join(part.text for part in parts if isinstance(part, Text))
    picture = next((data_url(part.source) for part in parts if isinstance(part, Image)), None)
    given = parse_object(text) or {}
    if given.keys() & kind.fields:
        fields = {**kind.told(_Said("", picture=picture)), **given}
    elif given.keys() == {"error"}:
        fields = kind.told(_Said(arguments_text(given["error"]), failed=True))
    else:
        fields = kind.told(_Said(text, picture=picture))
    limit = table(call.get("action")).get("max_output_length")
    if limit is not None and "max_output_length" in kind.fields:
        fields = {"max_output_length": limit, **fields}
    named = {"type": kind.answer, kind.names: result.id}
    return {**named, **fields, **named}


def _kind(item: Mapping[str, Json]) -> _Kind | None:
    stated = item.get("type")
    return _KINDS.get(stated) if isinstance(stated, str) else None
