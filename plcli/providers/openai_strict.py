"""What keeps a JSON Schema from OpenAI's strict mode. Source: OpenAI's guide to structured outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plcli.media import Json
from plcli.paths import Parts, show

KEYWORDS = frozenset((
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "definitions", "title", "description", "format", "pattern", "multipleOf", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
))  # fmt: skip
FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
MOST_PROPERTIES = 5000
MOST_ENUM_VALUES = 1000
MOST_CHARACTERS = 120_000
"""Characters of all property names, definition names and enum values together."""
DEEPEST = 10
"""Levels of nested objects and lists."""

Obstacle = tuple[str, str]
"""A path in the schema (dotted with `[n]`; empty for the root) and what is wrong there."""


def obstacles(schema: Json) -> tuple[Obstacle, ...]:
    """Everything that keeps a schema from strict mode; empty if it qualifies."""
    if not isinstance(schema, Mapping):
        return (("", "must be an object schema"),)
    found: list[Obstacle] = []
    if schema.get("type") != "object":
        found.append(("", "the root must have type object"))
    if "anyOf" in schema:
        found.append(("anyOf", "is not allowed at the root"))
    properties = values = characters = 0
    for path, part, depth in _parts(schema):
        where = show(path)
        if depth > DEEPEST:
            found.append((where, f"is nested deeper than {DEEPEST} levels"))
            break
        found += ((show((*path, *at)), reason) for at, reason in _faults(part, schema))
        if isinstance(part, Mapping):
            names = [*_object(part, "properties"), *_object(part, "$defs"), *_object(part, "definitions")]
            choices = part["enum"] if isinstance(part.get("enum"), list) else []
            properties += len(_object(part, "properties"))
            values += len(choices)
            characters += sum(map(len, names)) + sum(len(choice) for choice in choices if isinstance(choice, str))
    for count, most, what in (
        (properties, MOST_PROPERTIES, "properties"),
        (values, MOST_ENUM_VALUES, "enum values"),
        (characters, MOST_CHARACTERS, "characters of names and enum values"),
    ):
        if count > most:
            found.append(("", f"has {count} {what}, at most {most} are allowed"))
    return tuple(found)


def _parts(root: Json) -> Iterator[tuple[Parts, Json, int]]:
    """Every schema inside a schema, in order, with its path and its level of nesting."""
    waiting: list[tuple[Parts, Json, int]] = [((), root, 0)]
    while waiting:
        path, part, depth = waiting.pop()
        yield path, part, depth
        if not isinstance(part, Mapping):
            continue
        below: list[tuple[Parts, Json, int]] = []
        for word, levels in (("properties", 1), ("$defs", 0), ("definitions", 0)):
            below += (((*path, word, name), item, depth + levels) for name, item in _object(part, word).items())
        if "items" in part:
            below.append(((*path, "items"), part["items"], depth + 1))
        if isinstance(part.get("anyOf"), list):
            below += (((*path, "anyOf", index), item, depth) for index, item in enumerate(part["anyOf"]))
        waiting += reversed(below)


def _faults(part: Json, root: Mapping[str, Json]) -> Iterator[tuple[Parts, str]]:
    """What is wrong with one schema, not looking at the schemas inside it."""
    if not isinstance(part, Mapping):
        yield (), "must be an object schema"
        return
    for word in part:
        if word not in KEYWORDS:
            yield (word,), "this keyword is not supported"
    if "$ref" in part:
        if len(part) > 1:
            yield ("$ref",), "must stand alone"
        if not _resolves(part["$ref"], root):
            yield ("$ref",), "must point to a definition of this schema"
    elif not part.keys() & {"type", "anyOf", "enum", "const"}:
        yield (), "needs a type"
    if "format" in part and not (isinstance(part["format"], str) and part["format"] in FORMATS):
        yield ("format",), "this format is not supported"
    if "array" in _types(part) and "items" not in part:
        yield (), "a list needs items"
    if "object" in _types(part) or "properties" in part:
        yield from _object_faults(part)


def _object_faults(part: Mapping[str, Json]) -> Iterator[tuple[Parts, str]]:
    if part.get("additionalProperties") is not False:
        yield ("additionalProperties",), "must be false"
    names, listed = _object(part, "properties"), part.get("required", [])
    required = dict.fromkeys(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else {}
    missing = [name for name in names if name not in required]
    if missing:
        yield ("required",), f"must list every property; missing: {_listed(missing)}"
    unknown = [name for name in required if name not in names]
    if unknown:
        yield ("required",), f"must list properties only; unknown: {_listed(unknown)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def _resolves(reference: Json, root: Mapping[str, Json]) -> bool:
    if reference == "#":
        return True
    steps = reference.split("/") if isinstance(reference, str) else []
    if len(steps) != 3 or steps[0] != "#" or steps[1] not in ("$defs", "definitions"):
        return False
    return steps[2].replace("~1", "/").replace("~0", "~") in _object(root, steps[1])


def _types(part: Mapping[str, Json]) -> tuple[Json, ...]:
    stated = part.get("type")
    return tuple(stated) if isinstance(stated, list) else (stated,)


def _object(part: Mapping[str, Json], word: str) -> Mapping[str, Json]:
    value = part.get(word)
    return value if isinstance(value, Mapping) else {}
