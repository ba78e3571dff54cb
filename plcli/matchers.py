"""Matchers held against values: what a spec wants of a piece of JSON, and why it is not so.

Where the values come from, and what follows, is for expectations and stubs to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from plcli.brevity import cut
from plcli.conformance import mismatch as schema_mismatch
from plcli.media import Json
from plcli.regexes import Undecided, search
from plcli.specs.expectations import Expected, Matcher

SHOWN = 80
"""Characters of a value that a message shows."""


def mismatch(expected: Expected, value: Json) -> str | None:
    """Why a value is not as expected, or None where it is; a plain value means `equals`.

    Raises `Undecided` where that cannot be told: a pattern or schema that is none, or takes too long.
    """
    try:
        if isinstance(expected, Matcher):
            return "; ".join(_reasons(expected, value)) or None
        return None if equal(expected, value) else f"{shown(value)} is not {shown(expected)}"
    except RecursionError:
        raise Undecided("too deeply nested to be compared") from None


def members_mismatch(wanted: Mapping[str, Expected], value: Json) -> str | None:
    """Why an object lacks some members, or has them otherwise than expected; other members are free.

    Raises `Undecided` as `mismatch` does.
    """
    if not isinstance(value, dict):
        return f"{shown(value)} is not an object"
    for name, expected in wanted.items():
        reason = mismatch(expected, value[name]) if name in value else "missing"
        if reason is not None:
            return f"{name}: {reason}"
    return None


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON: numbers by value (`1 == 1.0`), and `true` is not `1`."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def includes(value: Json, wanted: Json) -> bool:
    """Whether a text has this text in it, a list an item that is or includes this, an object these members."""
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, list):
        return any(_covers(item, wanted) for item in value)
    return isinstance(value, dict) and isinstance(wanted, dict) and _covers(value, wanted)


def shown(value: Json) -> str:
    """A value as compact JSON, cut to `SHOWN` characters."""
    return cut(json.dumps(value, ensure_ascii=False, default=str), SHOWN)


def _covers(value: Json, wanted: Json) -> bool:
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(key in value and _covers(value[key], item) for key, item in wanted.items())
    return equal(value, wanted)


def _reasons(matcher: Matcher, value: Json) -> Iterator[str]:
    if "equals" in matcher.model_fields_set and not equal(matcher.equals, value):
        yield f"{shown(value)} is not {shown(matcher.equals)}"
    if "contains" in matcher.model_fields_set and not includes(value, matcher.contains):
        yield f"{shown(value)} does not contain {shown(matcher.contains)}"
    if matcher.matches is not None:
        if not isinstance(value, str):
            yield f"{shown(value)} is no text that could match {matcher.matches!r}"
        elif not search(matcher.matches, value):
            yield f"{shown(value)} does not match {matcher.matches!r}"
    if matcher.schema_ is not None:
        reason = schema_mismatch(value, matcher.schema_)
        if reason is not None:
            yield f"not valid under the schema: {reason}"
    if matcher.min is not None or matcher.max is not None:
        yield from _out_of_bounds(matcher, value)
    if matcher.count is not None:
        if not isinstance(value, str | list | dict):
            yield f"{shown(value)} has nothing to count"
        elif len(value) != matcher.count:
            unit = "characters" if isinstance(value, str) else "items"
            yield f"{shown(value)} has {len(value)} {unit}, not {matcher.count}"


def _out_of_bounds(matcher: Matcher, value: Json) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{shown(value)} is not a number"
        return
    if matcher.min is not None and value < matcher.min:
        yield f"{shown(value)} is less than {matcher.min:.15g}"
    if matcher.max is not None and value > matcher.max:
        yield f"{shown(value)} is more than {matcher.max:.15g}"
