"""Where the document of a spec says what its request holds: a turn of the conversation, a tool.

Documents are taken as they stand, right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from plcli.media import Json
from plcli.paths import Parts
from plcli.providers.reading import rows, table

_NAMES = ("name", "type")
"""What a tool is known by that stands in the spec itself."""


def turn_place(value: Json, variables: Mapping[str, Json], at: int, rest: Parts) -> Parts:
    """The place in a spec of something in a turn; of a turn that is not there, of all of them.

    `value` is the document of the spec, whose histories have as many turns as their variables hold.
    """
    if "prompt" in table(value):
        return ("prompt",)
    for n, item in enumerate(rows(table(value).get("messages"))):
        name = table(item).get("history")
        count = len(rows(variables.get(name))) if isinstance(name, str) else 1
        if at < count:
            return ("messages", n, "history") if isinstance(name, str) else _inside(item, ("messages", n), rest)
        at -= count
    return ("messages",)


def tool_place(value: Json, name: str, inner: Parts) -> Parts:
    """Where a spec names a tool, or says what is in it; of several of one name, `inner` begins with which."""
    tools = rows(table(value).get("tools"))
    named = [n for n, item in enumerate(tools) if item == name or name in (table(item).get(key) for key in _NAMES)]
    if not named:
        return ("tools",)
    which = [step for step in inner[:1] if isinstance(step, int)]
    at = named[min(*which, len(named) - 1)] if which else named[0]
    return ("tools", at, *inner[len(which) :]) if isinstance(tools[at], Mapping) else ("tools", at)


def _inside(message: Json, place: Parts, rest: Parts) -> Parts:
    """Where something of a turn stands in its message, whose words may stand alone or as one of its parts."""
    content = table(message).get("content")
    if rest[:1] != ("content",) or (isinstance(content, list) and len(rest) > 1):
        return (*place, *rest)
    alone = isinstance(content, list) and len(content) == 1
    return (*place, "content", 0, "text") if alone else (*place, "content")
