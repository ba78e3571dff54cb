"""JSON Schemas that people write: what is wrong with one, told without trusting it to be harmless."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from plcli.brevity import cut
from plcli.media import Json
from plcli.places import Step
from plcli.spelling import did_you_mean

LONGEST_PATTERN = 2000
"""Characters of the longest regular expression that is read."""

LONGEST_LIST = 2000
"""Items of a list that are compared with each other."""

MOST = 50
"""Faults of one schema that are worth a reader's time."""

TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
"""The types of JSON Schema."""

_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
_ESCAPED = re.compile("%([0-9a-fA-F]{2})")


class Fault(NamedTuple):
    """What is wrong with a schema, and where in it; a warning where only plcli cannot use it."""

    path: tuple[Step, ...]
    message: str
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"


def faults(schema: Json) -> list[Fault]:
    """Why a value is no JSON Schema 2020-12 that can be used; nothing when it is one.

    Besides breaking the rules of JSON Schema, references that lead out of the schema or nowhere are
    faults, and regular expressions that Python does not know.
    """
    if not isinstance(schema, dict | bool):
        return [Fault((), "a JSON Schema is an object", "write for example {type: object, properties: {…}}")]
    long = next((path for path, item in _values(schema) if _is_slow(item)), None)
    if long is not None:
        return [Fault(long, f"a list of more than {LONGEST_LIST:,} items that are not all strings")]
    try:
        found = list(_broken_rules(schema))
    except RecursionError:
        return [Fault((), "nested too deeply")]
    objects = [(path, item) for path, item in _values(schema) if isinstance(item, dict)]
    anchors = {f"#{item[key]}" for _, item in objects for key in _ANCHORS if key in item}
    for path, item in objects:
        for key in _REFERENCES:
            target = item.get(key)
            if isinstance(target, str) and not (target in anchors or _leads_inside(schema, target)):
                where = "nowhere" if target.startswith("#") else "out of the schema"
                hint = 'put what is meant under $defs and write $ref: "#/$defs/NAME"'
                found.append(Fault((*path, key), f"{key} {cut(target, 160)!r} leads {where}", hint))
        named = item.get("patternProperties")
        patterns = [((*path, "patternProperties", name), name) for name in (named if isinstance(named, dict) else ())]
        if isinstance(item.get("pattern"), str):
            patterns.append(((*path, "pattern"), item["pattern"]))
        for place, pattern in patterns:
            if wrong := regex_fault(pattern):
                found.append(Fault(place, wrong, "providers may know it; plcli cannot check it", "warning"))
    return list(dict.fromkeys(found))[:MOST]


def _broken_rules(schema: Json) -> Iterator[Fault]:
    """What the schema of schemas says."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    for error in islice(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema), MOST):
        path = tuple(error.absolute_path)
        if path[-1:] == ("type",) and isinstance(error.instance, str):
            meant = did_you_mean(error.instance, TYPES)
            hint = f"did you mean {meant!r}?" if meant else f"write one of {', '.join(TYPES)}"
            yield Fault(path, f"unknown type {cut(error.instance, 160)!r}", hint)
        else:
            told = best_match([error]) or error
            yield Fault(tuple(told.absolute_path), f"no valid JSON Schema: {cut(told.message, 160)}")


def regex_fault(pattern: str) -> str | None:
    """Why Python cannot use a regular expression, or None."""
    if len(pattern) > LONGEST_PATTERN:
        return f"a regular expression of more than {LONGEST_PATTERN:,} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"no regular expression: {cut(str(error), 160) or 'nested too deeply'}"
    return None


def _values(schema: Json) -> Iterator[tuple[tuple[Step, ...], Json]]:
    """Every value of a schema with its path."""
    waiting: list[tuple[tuple[Step, ...], Json]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


def _is_slow(value: Json) -> bool:
    """Whether finding repeated items in a list would take a time that is quadratic in its length."""
    return isinstance(value, list) and len(value) > LONGEST_LIST and not all(isinstance(item, str) for item in value)


def _leads_inside(schema: Json, target: str) -> bool:
    """Whether a JSON pointer (`#/…`) leads to a place of the schema."""
    head, *steps = target.split("/")
    if head != "#":
        return False
    value = schema
    for step in steps:
        name = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), step).replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and len(name) < 10 and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return False
    return True
