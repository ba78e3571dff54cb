"""Whether a value fits a JSON Schema, with the place where it does not, in bounded time.

Schemas come with the repository and values from a model, so neither is trusted to be harmless.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from plcli.brevity import cut
from plcli.jsonschemas import faults
from plcli.media import Json
from plcli.paths import show
from plcli.regexes import Undecided, cheap, search, seconds_left

SECONDS = 2.0
"""Longest time for one value."""

MANY = 2_000
"""Lists or objects in a list that are compared with each other (`uniqueItems`)."""

Keyword = Callable[..., Iterator[Any] | None]


def mismatch(value: Json, schema: Json) -> str | None:
    """Why a value does not fit a JSON Schema 2020-12 (`place: reason`), or None where it does.

    Raises `Undecided` for a schema that is none or leads out of itself, and where checking takes too long.
    """
    from jsonschema.exceptions import best_match

    try:
        sound, patterns = _sound(json.dumps(schema))
        longest = max(map(len, _names(value)), default=0) if patterns else 0
        for pattern in patterns:
            if not cheap(pattern, longest):
                raise Undecided(f"the schema's patternProperties {pattern!r} may take too long; write it more simply")
        error = best_match(_validator(sound).iter_errors(value))
    except Undecided:
        raise
    except RecursionError:
        raise Undecided("too deeply nested to be checked against the schema") from None
    except ArithmeticError:
        raise Undecided("a number is too large to be checked against the schema") from None
    except (_referencing().exceptions.Unresolvable, ValueError):
        # A nested $id can turn a reference that looks sound away from its target.
        raise Undecided("the schema refers to something that is not in it") from None
    if error is None:
        return None
    place = show(tuple(error.absolute_path))
    reason = cut(error.message, 200)
    return f"{place}: {reason}" if place else reason


@functools.lru_cache(maxsize=64)
def _sound(text: str) -> tuple[Json, tuple[str, ...]]:
    """A schema that can be used, and the names of its `patternProperties`."""
    schema = _undeclared(json.loads(text))
    wrong = faults(schema)
    if wrong:
        place = show(wrong[0].path)
        raise Undecided(f"the schema is wrong{f' at {place}' if place else ''}: {wrong[0].message}")
    return schema, tuple(_patterns(schema))


def _undeclared(schema: Json) -> Json:
    """The schema without `$schema`, which would switch to a validator without limits."""
    if isinstance(schema, dict):
        return {
            key: _undeclared(item) for key, item in schema.items() if not (key == "$schema" and isinstance(item, str))
        }
    return [_undeclared(item) for item in schema] if isinstance(schema, list) else schema


def _patterns(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        named = schema.get("patternProperties")
        yield from named if isinstance(named, dict) else ()
    yield from (pattern for item in _items(schema) for pattern in _patterns(item))


def _names(value: Json) -> Iterator[str]:
    """The keys of all objects of a value."""
    if isinstance(value, dict):
        yield from value
    yield from (name for item in _items(value) for name in _names(item))


def _items(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _validator(schema: Json) -> Any:
    """A validator whose every step looks at the clock, and which fetches nothing."""
    from jsonschema import Draft202012Validator, validators

    end = time.monotonic() + seconds_left(SECONDS)

    def timed(keyword: Keyword) -> Keyword:
        def step(*given: Any) -> Iterator[Any] | None:
            if time.monotonic() > end:
                raise Undecided(f"checking against the schema took longer than {SECONDS:g} s")
            return keyword(*given)

        return step

    keywords = {**Draft202012Validator.VALIDATORS, "pattern": _pattern}
    keywords["uniqueItems"] = _bounded(keywords["uniqueItems"])
    extend: Callable[..., Any] = validators.extend
    limited = extend(Draft202012Validator, {name: timed(check) for name, check in keywords.items()})
    return limited(schema, registry=_referencing().Registry())


def _referencing() -> Any:
    # Not imported at the top: it is a part of jsonschema and as heavy.
    return import_module("referencing")


def _pattern(validator: Any, pattern: str, value: Json, schema: Json) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and not search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _bounded(unique_items: Keyword) -> Keyword:
    def check(validator: Any, wanted: Json, value: Json, schema: Json) -> Iterator[Any] | None:
        if isinstance(value, list) and sum(isinstance(item, dict | list) for item in value) > MANY:
            raise Undecided(f"more than {MANY:,} items are not compared with each other (uniqueItems)")
        return unique_items(validator, wanted, value, schema)

    return check
