"""Variables of a spec: what is declared as JSON Schema properties meets what was given.

Text from the command line takes the declared type; every missing or wrong variable is reported at
once. Filling texts with the values is for `templates`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from plcli import yaml12
from plcli.brevity import cut
from plcli.conformance import mismatch
from plcli.errors import SpecError, UsageError
from plcli.jsonschemas import TYPES
from plcli.jsonschemas import faults as schema_faults
from plcli.media import Json
from plcli.paths import show
from plcli.regexes import Undecided

_DESCRIBING = {"type", "default", "description", "title", "examples"}
_SHOWN = 60


class Raw(NamedTuple):
    """Text of a variable as it stood on the command line, not converted yet."""

    text: str


Given = Raw | Json
"""A value for a variable: text still to be converted, or plain JSON."""


class WrongVariables(UsageError):
    """One or more variables are missing or wrong; `faults` names each of them."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(
            "; ".join(faults.values()),
            hint=" ".join(f"--var {name}=…" for name in faults),
        )
        self.faults = dict(faults)


def resolve(declared: Mapping[str, Json], given: Mapping[str, Given]) -> dict[str, Json]:
    """A value for each variable: the one given, else its default.

    `declared` holds a JSON Schema for each name. Given text becomes the first declared type that it
    can be; without a declared type, and for names that are not declared, it stays text. Raises
    `WrongVariables` with everything that is missing or wrong.
    """
    values: dict[str, Json] = {}
    faults: dict[str, str] = {}
    for name, schema in declared.items():
        try:
            values[name] = _value(name, schema, given)
        except ValueError as error:
            faults[name] = str(error)
    for name, value in given.items():
        if name not in declared:
            try:
                values[name] = _converted(name, value.text, ()) if isinstance(value, Raw) else value
            except ValueError as error:
                faults[name] = str(error)
    if faults:
        raise WrongVariables(faults)
    return values


def problem_with(name: str, schema: Json) -> str | None:
    """What is wrong with the declaration of a variable, its default included; None where nothing is."""
    try:
        _types(name, schema)
        _check_schema(name, schema)
        if "default" in schema:
            _checked(f"the default of `{name}`", name, schema, schema["default"])
    except ValueError as error:
        return str(error)
    return None


def _value(name: str, schema: Json, given: Mapping[str, Given]) -> Json:
    """The value of a declared variable. Raises `ValueError` with the message for people."""
    types = _types(name, schema)
    if name not in given:
        if "default" not in schema:
            raise ValueError(f"the variable `{name}` has no value (expected {_listed(types)})")
        return _checked(f"the default of `{name}`", name, schema, schema["default"])
    value = given[name]
    if isinstance(value, Raw):
        value = _converted(name, value.text, types)
    return _checked(f"the variable `{name}`", name, schema, value)


def _types(name: str, schema: Json) -> tuple[str, ...]:
    """The declared types in their order; empty where any will do."""
    if not isinstance(schema, Mapping):
        raise ValueError(f"the variable `{name}` must be declared by a schema, like {{type: string}}")
    declared = schema.get("type", [])
    types = [declared] if isinstance(declared, str) else declared
    if not isinstance(types, list) or any(one not in TYPES for one in types):
        raise ValueError(f"the type of the variable `{name}` must be one of {', '.join(TYPES)}")
    return tuple(types)


def _converted(name: str, text: str, types: tuple[str, ...]) -> Json:
    """Command-line text as the first of the types that it can be."""
    _check_unicode(name, text)
    for wanted in types or ("string",):
        if wanted == "string":
            return text
        value = _parsed(text)
        if not isinstance(value, Raw) and _is(wanted, value):
            return value
    raise ValueError(f"the variable `{name}` must be {_listed(types)}, not {cut(text, _SHOWN)}")


def _check_unicode(name: str, text: str) -> None:
    """Refuse bytes of a command line that were no text."""
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"the variable `{name}` is not UTF-8")


def _parsed(text: str) -> Json | Raw:
    """Text as JSON, or as YAML writes values in one line (`[a, b]`, `{a: 1}`); `Raw` where it is neither."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return value
    except (ValueError, RecursionError):
        pass
    try:
        return yaml12.read(text, "")[0]
    except SpecError:
        return Raw(text)


def _checked(what: str, name: str, schema: Mapping[str, Json], value: Json) -> Json:
    """The value, when it has a declared type and fits the rest of the schema."""
    types = _types(name, schema)
    if types and not any(_is(one, value) for one in types):
        raise ValueError(f"{what} must be {_listed(types)}, not {cut(json.dumps(value, ensure_ascii=False), _SHOWN)}")
    if isinstance(value, float) and value.is_integer() and "integer" in types and "number" not in types:
        value = int(value)
    if schema.keys() <= _DESCRIBING:
        return value
    _check_schema(name, schema)
    try:
        wrong = mismatch(value, dict(schema))
    except Undecided as error:
        raise ValueError(f"{what} cannot be checked: {error}") from None
    if wrong is not None:
        raise ValueError(f"{what} does not fit its schema: {wrong}")
    return value


def _check_schema(name: str, schema: Mapping[str, Json]) -> None:
    """Refuse what is no schema, or leads out of itself."""
    if schema.keys() <= _DESCRIBING:
        return
    wrong = next(iter(schema_faults(dict(schema))), None)
    if wrong is not None:
        at = f" at {show(wrong.path)}" if wrong.path else ""
        raise ValueError(f"the schema of the variable `{name}` is wrong{at}: {wrong.message}")


def _is(wanted: str, value: Json) -> bool:
    """Whether a value is of a type of JSON Schema; a number without a fraction is an integer."""
    if isinstance(value, bool) or value is None:
        return wanted == ("null" if value is None else "boolean")
    if isinstance(value, float) and wanted == "integer":
        return value.is_integer()
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "array": (list,),
        "object": (dict,),
    }
    return isinstance(value, kinds.get(wanted, ()))


def _listed(types: tuple[str, ...]) -> str:
    return " or ".join(types) or "any value"
