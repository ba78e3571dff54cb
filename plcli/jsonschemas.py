"""JSON Schemas that people write: whether one is sound, and validators that open no connection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from plcli.media import Json
from plcli.places import Step

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

LONGEST_PATTERN = 2000
"""Characters of a regular expression that are worth compiling."""

_INTO_ITSELF = ("$ref", "$dynamicRef")


class Fault(NamedTuple):
    """What is wrong with a schema, and where in it."""

    path: tuple[Step, ...]
    message: str
    hint: str | None = None


def validator(schema: Json) -> Validator:
    """A validator (2020-12) of a sound schema; keep it, making one is what takes the time.

    References that lead out of the schema raise instead of being fetched.
    """
    from jsonschema import Draft202012Validator

    # Not imported at the top: it is a part of jsonschema and as heavy.
    registry = import_module("referencing").Registry()
    return Draft202012Validator(schema, registry=registry)


def faults(schema: Json) -> list[Fault]:
    """Why a value is no JSON Schema 2020-12 that can be used; nothing when it is one."""
    from jsonschema import Draft202012Validator

    if not isinstance(schema, dict | bool):
        return [Fault((), "a JSON Schema is an object")]
    found = [
        Fault(tuple(error.absolute_path), f"no valid JSON Schema: {_said(error.message)}", "see json-schema.org")
        for error in _deepest(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    ]
    anchors = {f"#{item[key]}" for _, item in _objects(schema) for key in ("$anchor", "$dynamicAnchor") if key in item}
    for path, item in _objects(schema):
        for key in _INTO_ITSELF:
            target = item.get(key)
            if isinstance(target, str) and not _leads_inside(schema, target, anchors):
                outside = not target.startswith("#")
                message = f"{key} {target!r} " + ("leads out of the schema" if outside else "leads nowhere")
                found.append(Fault((*path, key), message, "put the definition under $defs: {$ref: '#/$defs/NAME'}"))
        pattern = item.get("pattern")
        if isinstance(pattern, str) and (wrong := regex_fault(pattern)):
            found.append(Fault((*path, "pattern"), wrong))
        patterns = item.get("patternProperties")
        for name in patterns if isinstance(patterns, dict) else ():
            if wrong := regex_fault(name):
                found.append(Fault((*path, "patternProperties", name), wrong))
    return found


def regex_fault(pattern: str) -> str | None:
    """Why a regular expression cannot be used, or None."""
    if len(pattern) > LONGEST_PATTERN:
        return f"a regular expression of more than {LONGEST_PATTERN} characters"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"no regular expression: {str(error)[:100] or 'too deep'}"
    return None


def _objects(schema: Json) -> Iterator[tuple[tuple[Step, ...], dict[str, Json]]]:
    waiting: list[tuple[tuple[Step, ...], Json]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            yield path, value
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


def _leads_inside(schema: Json, target: str, anchors: Iterable[str]) -> bool:
    if not target.startswith("#/"):
        return target == "#" or target in anchors
    value = schema
    for step in target[2:].split("/"):
        name = re.sub("%([0-9a-fA-F]{2})", lambda hexed: chr(int(hexed[1], 16)), step)
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return False
    return True


def _deepest(errors: Iterable[Json]) -> Iterator[Json]:
    """The errors behind `allOf` and the like, each place once."""
    seen = set()
    for error in errors:
        for deep in _deepest(error.context) if error.context else (error,):
            place = (tuple(deep.absolute_path), deep.validator)
            if place not in seen:
                seen.add(place)
                yield deep


def _said(message: str) -> str:
    return message if len(message) <= 160 else message[:157] + "…"
