"""JSON text, read strictly, and the place of each value in it.

Reading and placing are apart: places cost a second pass, which is made only when one is asked for.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from plcli.errors import Problem, SpecError
from plcli.media import Json
from plcli.paths import show
from plcli.places import Place, Step

_HINT = "JSON has no comments, no trailing commas, and only double quotes"
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]+')


def read(text: str, file: str) -> Json:
    """The value of a JSON text; numbers that are not finite come through as floats.

    Raises `SpecError`, naming every repeated key with both of its places.
    """
    repeated = False

    def build(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal repeated
        value = dict(pairs)
        repeated = repeated or len(value) != len(pairs)
        return value

    try:
        value = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise SpecError([Problem(file, message, "", error.lineno, error.colno, _HINT)]) from None
    except RecursionError:
        raise SpecError([Problem(file, "nested too deeply")]) from None
    except ValueError:
        message = "a number with more digits than can be read"
        raise SpecError([Problem(file, message, hint="put it in quotes to make it a string")]) from None
    if repeated:
        raise SpecError(_scan(text, file)[1])
    return value


def printable(text: str) -> str:
    """Text that can be written as UTF-8, with `?` for each half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def places(text: str) -> Place:
    """Where each value of a text stands that `read` has accepted."""
    return _scan(text, "")[0]


def _scan(text: str, file: str) -> tuple[Place, list[Problem]]:
    """The places of a text that is known to be JSON, and a problem for each repeated key."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    problems: list[Problem] = []
    root: Place | None = None
    stack: list[Place] = []
    path: list[Step | None] = []
    key_at: tuple[int, int] | None = None
    for match in _TOKEN.finditer(text):
        token, at = match[0], position(match.start())
        if token in "}]":
            stack.pop()
            path.pop()
        elif token == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif token == ":":
            continue
        elif path and path[-1] is None:
            key = json.loads(token)
            path[-1], key_at = key, at
            first = stack[-1].children.get(key)
            if first is not None and first.key is not None:
                where = f"line {first.key[0]}, column {first.key[1]}"
                message = f"the key `{printable(key)}` is repeated; it stands first at {where}"
                shown = printable(show(tuple(step for step in path if step is not None)))
                problems.append(Problem(file, message, shown, *at, hint="remove one of the two"))
        else:
            place = Place(*at, key=key_at)
            key_at = None
            if stack and path[-1] is not None:
                stack[-1].children.setdefault(path[-1], place)
            root = root or place
            if token in "{[":
                stack.append(place)
                path.append(None if token == "{" else 0)
    return root or Place(1, 1), problems
