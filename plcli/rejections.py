"""Why a document does not fit the schema of its kind, in words for people, each reason with its place.

Works on what jsonschema reports; of the branches of a union it tells about the one that was meant.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from plcli.documents import Document
from plcli.errors import Problem
from plcli.media import Json
from plcli.places import Step
from plcli.spelling import did_you_mean

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Error = Any
"""A `jsonschema.ValidationError`, most of whose attributes its stubs leave open."""

MOST = 100
"""Reasons of one document that are worth a reader's time."""

_KINDS = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}


class _Reason(NamedTuple):
    """One reason; `missing` are keys one of which is absent, `meant` the one that a misspelt key stands for."""

    path: tuple[Step, ...]
    message: str
    hint: str | None = None
    at_key: bool = False
    missing: tuple[str, ...] = ()
    meant: str | None = None


def reasons(schema: Mapping[str, Json], document: Document) -> list[Problem]:
    """Every reason why a document does not fit one of the schemas of `plcli.schemas`, in order of place."""
    name = str(schema["$id"])
    errors = _kept(name, schema).iter_errors(document.value)
    told = (reason for error in errors for meant in _meant(error, schema) for reason in _told(meant))
    found = dict.fromkeys(islice(told, MOST))
    misspelt = {(reason.path[:-1], reason.meant) for reason in found if reason.meant}
    problems = [
        document.problem(reason.path, reason.message, reason.hint, of="key" if reason.at_key else "value")
        for reason in found
        if not any((reason.path, key) in misspelt for key in reason.missing)
    ]
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0, problem.path))


_VALIDATORS: dict[str, Validator] = {}


def _kept(name: str, schema: Mapping[str, Json]) -> Validator:
    """The validator of a schema; making one is what takes the time."""
    from jsonschema import Draft202012Validator

    if name not in _VALIDATORS:
        _VALIDATORS[name] = Draft202012Validator(schema)
    return _VALIDATORS[name]


def _meant(error: Error, root: Mapping[str, Json]) -> Iterator[Error]:
    """The errors to tell about: of a union, those of the branch that was meant."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        yield error
        return
    branches: dict[Any, list[Error]] = {}
    for below in error.context:
        branches.setdefault(below.schema_path[0], []).append(below)
    open_to = {name: errors for name, errors in branches.items() if not _wrong_type(errors)}
    if not open_to or _needs_one(error):
        yield error
        return
    if len(open_to) > 1:
        tagged = {name: errors for name, errors in open_to.items() if not _wrong_tag(errors)}
        if not tagged:
            yield error
            return
        open_to = tagged
    strangeness = functools.partial(_strangeness, error.instance, error.schema[error.validator], root)
    best = min(open_to, key=lambda name: strangeness(name, open_to[name]))
    for below in open_to[best]:
        yield from _meant(below, root)


def _here(error: Error) -> bool:
    """Whether an error of a branch is about the very value that the union is about."""
    return not error.relative_path


def _wrong_type(errors: Iterable[Error]) -> bool:
    return any(error.validator in ("type", "enum") and _here(error) for error in errors)


def _wrong_tag(errors: Iterable[Error]) -> bool:
    return any(error.validator == "const" and len(error.relative_path) == 1 for error in errors)


def _needs_one(error: Error) -> bool:
    """Whether a union says which keys are needed, and nothing else."""
    return all(set(branch) == {"required"} for branch in error.schema[error.validator])


def _strangeness(
    value: Json, branches: Sequence[Json], root: Mapping[str, Json], name: int, errors: Sequence[Error]
) -> tuple[int, int]:
    """How far a value is from a branch: keys that it does not know or lacks, then everything else."""
    branch = branches[name]
    if "$ref" in branch:
        branch = root["$defs"][branch["$ref"].rpartition("/")[2]]
    known = branch.get("properties", {}).keys()
    unknown = sum(not did_you_mean(key, known) for key in value.keys() - known) if isinstance(value, dict) else 0
    missing = sum(error.validator == "required" and _here(error) for error in errors)
    needed = sum(error.validator == "oneOf" and _here(error) for error in errors)
    return unknown + missing + needed, len(errors)


def _told(error: Error) -> Iterator[_Reason]:
    path = tuple(error.absolute_path)
    wanted: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            yield from _unknown_keys(path, error)
        case "required":
            missing = next(key for key in wanted if key not in error.instance and f"{key!r} is" in error.message)
            yield _Reason(path, f"missing key {missing!r}", _what(error.schema, missing), missing=(missing,))
        case "type":
            yield _Reason(path, f"must be {_kind(wanted)}, not {_got(error.instance)}")
        case "enum":
            yield _choice(path, error.instance, wanted)
        case "const":
            yield _choice(path, error.instance, [wanted])
        case "anyOf" | "oneOf" if not _needs_one(error):
            yield _union(path, error)
        case "not" | "oneOf" if not isinstance(error.instance, dict):
            # Rules between keys hold nothing against what is no object; its type is told already.
            return
        case "oneOf":
            yield _needed(path, error.instance, wanted)
        case "not":
            yield _exclusive(path, error.instance, wanted)
        case "pattern":
            yield _Reason(path, f"{_got(error.instance)} does not fit the pattern {_plain(wanted)}")
        case "minItems" | "minLength":
            yield _Reason(path, "must not be empty")
        case bound if bound in _BOUNDS:
            yield _Reason(path, f"must be {_BOUNDS[str(bound)].format(wanted)}, not {_got(error.instance)}")
        case _:
            yield _Reason(path, error.message)


def _unknown_keys(path: tuple[Step, ...], error: Error) -> Iterator[_Reason]:
    known = list(error.schema.get("properties", ()))
    patterns = list(error.schema.get("patternProperties", ()))
    for key in error.instance:
        if key in known:
            continue
        if patterns:
            if not re.search(patterns[0], key):
                message = f"the name {key!r} does not fit the pattern {_plain(patterns[0])}"
                yield _Reason((*path, key), message, at_key=True)
            continue
        meant = did_you_mean(key, [name for name in known if name not in error.instance])
        hint = f"did you mean {meant!r}?" if meant else f"known here: {', '.join(known)}"
        yield _Reason((*path, key), f"unknown key {key!r}", hint, at_key=True, meant=meant)


def _union(path: tuple[Step, ...], error: Error) -> _Reason:
    tags = [below for below in error.context or () if below.validator == "const" and len(below.relative_path) == 1]
    if tags and isinstance(error.instance, dict):
        return _choice(tuple(tags[0].absolute_path), tags[0].instance, [tag.validator_value for tag in tags])
    choices = [below for below in error.context or () if below.validator == "enum" and _here(below)]
    if choices and isinstance(error.instance, str):
        return _choice(path, error.instance, choices[0].validator_value)
    kinds = [below.validator_value for below in error.context or () if below.validator == "type" and _here(below)]
    return _Reason(path, f"must be {_kind(kinds)}, not {_got(error.instance)}")


def _needed(path: tuple[Step, ...], value: Mapping[str, Json], wanted: Sequence[Json]) -> _Reason:
    keys = tuple(branch["required"][0] for branch in wanted)
    present = [key for key in keys if key in value]
    if present:
        return _both(path, *present[:2])
    return _Reason(path, f"one of {', '.join(keys)} is needed", missing=keys)


def _exclusive(path: tuple[Step, ...], value: Mapping[str, Json], wanted: Json) -> _Reason:
    pairs = [pair["required"] for pair in wanted.get("anyOf", [wanted])]
    one, other = next(pair for pair in pairs if all(key in value for key in pair))
    return _both(path, one, other)


def _both(path: tuple[Step, ...], one: str, other: str) -> _Reason:
    return _Reason((*path, other), f"{one!r} and {other!r} exclude each other", "keep one of them", at_key=True)


def _choice(path: tuple[Step, ...], value: Json, wanted: Sequence[Json]) -> _Reason:
    words = [item for item in wanted if isinstance(item, str)]
    meant = did_you_mean(value, words) if isinstance(value, str) else None
    listed = ", ".join(words) if len(words) == len(wanted) else ", ".join(json.dumps(item) for item in wanted)
    message = f"must be {'one of ' if len(wanted) > 1 else ''}{listed}, not {_got(value)}"
    return _Reason(path, message, f"did you mean {meant!r}?" if meant else None)


def _what(schema: Mapping[str, Json], key: str) -> str | None:
    """What a missing key is for, or the one value that it may have."""
    wanted = schema.get("properties", {}).get(key, {})
    if "const" in wanted:
        return f"write {key}: {wanted['const']}"
    about = wanted.get("description")
    return f"{key}: {about.rstrip('.')}" if about else None


def _kind(wanted: Json) -> str:
    names = [wanted] if isinstance(wanted, str) else [name for name in dict.fromkeys(wanted) if name != "null"]
    words = [_KINDS.get(name, name) for name in names]
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _got(value: Json) -> str:
    """A value for a message: short ones as they stand, long ones by their kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > 40:
        return f"{text[:37]}…"
    return f"the string {text}" if isinstance(value, str) else text


def _plain(pattern: str) -> str:
    return pattern.removesuffix(r"(?!\n)")
