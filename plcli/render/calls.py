"""Show calls of tools, and what they were answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from plcli.exchangerecords import ToolResultRecord
from plcli.media import Json
from plcli.render.screen import Screen
from plcli.response import Part, ToolCallPart

LONGEST = 400
"""Characters that are shown of a call that was answered, and of a result, unless more is asked for."""


def call_line(call: ToolCallPart) -> str:
    """A call of a tool: `name({"argument": …})` and its id."""
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    return f"{call.name}({arguments})" + (f"  # {call.id}" if call.id else "")


def show_call(call: ToolCallPart, screen: Screen) -> None:
    """A call that was answered; not with `--quiet`."""
    screen.say((_bounded(call_line(call), screen), "cyan"))


def show_result(
    source: str, result: Json, error: str | None, screen: Screen, path: Callable[[str], Path | None]
) -> None:
    """What a call was answered, and by whom; `path` gives the file of a picture's digest, where there is one."""
    text = error if error is not None else _words(result, path)
    text = _bounded(text, screen).replace("\n", "\n    ")  # so that no line of a result looks like one of ours
    sign, style = ("!", "red") if error is not None else ("=", "dim")
    screen.say((f"  {sign} {text}", style), (f"  # {source}", "dim"))


def near(path: Path) -> Path:
    """The path from the current folder, where it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _words(result: Json, path: Callable[[str], Path | None]) -> str:
    """A result as it is shown: text as it is, parts line by line, anything else as JSON."""
    match result:
        case str():
            return result
        case {"content": [_, *_] as parts, **others} if not others:
            lines = [_part(part, path) for part in parts]
            whole = [line for line in lines if line is not None]
            if len(whole) == len(lines):
                return "\n".join(whole)
    return json.dumps(result, ensure_ascii=False)


def _part(part: Json, path: Callable[[str], Path | None]) -> str | None:
    match part:
        case {"type": "text", "text": str(text)} | {"type": "image" | "file", "source": str(text)}:
            return text
        case {"type": "image" | "file", "source": {"$media": str(digest), "mime": str(mime)}}:
            found = path(digest)
            return str(near(found)) if found else f"[{mime}]"
    return None


def _bounded(text: str, screen: Screen) -> str:
    shorter = len(text) > LONGEST and not screen.verbose
    return f"{text[:LONGEST]}… ({len(text):,} characters; -v shows all)" if shorter else text


def with_results(
    parts: Iterable[Part], results: Iterable[ToolResultRecord]
) -> Iterator[tuple[Part | None, ToolResultRecord | None]]:
    """The parts of an answer in order, each call with its result where it has one.

    Results that come first belong to calls of the run before; they stand alone. Results are in the order of
    the calls, some of which may have none.
    """
    waiting = list(results)
    while waiting and waiting[0].exchange < 0:
        yield None, waiting.pop(0)
    for part in parts:
        found = bool(waiting) and isinstance(part, ToolCallPart) and _answers(waiting[0], part)
        yield part, waiting.pop(0) if found else None


def _answers(result: ToolResultRecord, call: ToolCallPart) -> bool:
    return (result.name, result.call_id) == (call.name, call.id)
