"""The closed list of `params`, put into a wire and taken out of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from plcli.media import Json
from plcli.paths import find, place
from plcli.providers.roundtrip import Reader
from plcli.request import Request


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _word(value: Json) -> bool:
    return isinstance(value, str)


def _words(value: Json) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(map(_word, value)))


_FITS: Mapping[str, Callable[[Json], bool]] = {
    "temperature": _number,
    "top_p": _number,
    "top_k": _integer,
    "max_output_tokens": _integer,
    "stop": _words,
    "seed": _integer,
    "presence_penalty": _number,
    "frequency_penalty": _number,
    "reasoning_effort": _word,
    "verbosity": _word,
    "service_tier": _word,
}


def put_params(header: dict[str, Json], request: Request, places: Mapping[str, str]) -> dict[str, Json]:
    """The header with the params that the api has; `places` says where they stand in its wire."""
    for name, path in places.items():
        if name in request.params:
            header = cast(dict[str, Json], place(header, path, request.params[name]))
    return header


def params_reader(places: Mapping[str, str]) -> Reader:
    """A reader of every param whose value has the type that a spec allows."""

    def read(wire: Mapping[str, Json], request: Request) -> Request:
        found = {name: find(wire, path) for name, path in places.items()}
        return request._replace(params={name: value for name, value in found.items() if _FITS[name](value)})

    return read
