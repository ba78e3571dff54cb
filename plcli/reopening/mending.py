"""A spec put right, field by field, by another one that is known to make the request that is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from plcli import paths
from plcli.errors import Problem, SpecError
from plcli.media import Json
from plcli.providers.roundtrip import same
from plcli.request import Request
from plcli.resolve import Resolved

FIELDS: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "api"),
    "tools": ("tools",),
    "tool_choice": ("tool_choice",),
    "parallel_tool_calls": ("parallel_tool_calls",),
    "chain": ("chain",),
    "output": ("output",),
    "params": ("params",),
    "image": ("image",),
    "body": ("omit", "body"),
}
"""What can be put right, as the fields of a spec that say it; words cannot: they may be templates."""

_NAMING = ("model", "tools", "output", "image")
"""Fields that name files."""

_INNER = re.compile(r"messages\[\d+\]\.[^.]+[.\[]")
"""Paths inside of what a turn says: another model may know no `detail` of a picture."""


class Mended(NamedTuple):
    """The spec, and the paths of what is said otherwise than before: fields of the other one, and what was left out."""

    value: dict[str, Json]
    changed: tuple[str, ...]


def mended(
    value: dict[str, Json],
    file: str,
    by: Mapping[str, Json],
    wanted: Request,
    made: Callable[[dict[str, Json]], Resolved],
) -> Mended | None:
    """The spec with those fields of another that it does not say, or says otherwise; None where its words are wrong.

    `made` resolves a spec whose problems are those of `file`, `wanted` is what the other one resolves to.
    """
    taken: list[str] = []
    dropped: list[str] = []
    while True:
        try:
            blamed = list(_differing(made(value).request, wanted))
        except SpecError as error:
            blamed = _blamed(error.problems, file, taken)
            if not blamed:
                inner = [problem.path for problem in error.problems if _INNER.match(problem.path)]
                if not inner or dropped[-1:] == inner[-1:]:
                    return None
                dropped += inner
                for path in inner:
                    value = paths.remove(value, path)
                continue
        fields = [name for name in blamed if name not in taken]
        if not fields:
            return Mended(value, (*taken, *dropped))
        taken += fields
        keys = [key for name in fields for key in FIELDS[name]]
        left = {key: item for key, item in value.items() if key not in keys}
        value = {**left, **{key: by[key] for key in keys if key in by}}


def _blamed(problems: tuple[Problem, ...], file: str, taken: Sequence[str]) -> list[str]:
    """The fields that problems stand in, none for what no field is; for another file the first that may name one."""
    if any(problem.file != file for problem in problems):
        return [name for name in _NAMING if name not in taken][:1]
    steps = {paths.parse(problem.path)[:1] for problem in problems}
    return [name for name, keys in FIELDS.items() if steps & {(key,) for key in keys}]


def _differing(said: Request, wanted: Request) -> Iterator[str]:
    for name in FIELDS:
        one, other = (_field(request, name) for request in (said, wanted))
        if one != other or not same(one, other):
            yield name


def _field(request: Request, name: str) -> Json:
    match name:
        case "model":
            return [request.provider, request.api, request.model]
        case "body":
            return [sorted(request.omit), dict(request.body)]
        case "params" | "image":
            fields = getattr(request, name)
            return fields if fields is None else dict(fields)
    return getattr(request, name)
