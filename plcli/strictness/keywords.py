"""Keywords of JSON Schema: where schemas stand in a schema, and what apis make of those of a tool's parameters.

As of 2026-11-23. Sources: OpenAI's guides to structured outputs and to custom tools; Google's reference of
`parametersJsonSchema`. An api that is not listed here is taken to read every keyword.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from plcli import paths
from plcli.media import Json
from plcli.paths import Parts
from plcli.providers import openai_strict

ONE_SCHEMA = (
    "items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
"""Keywords whose value is a schema."""

LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords whose value is a list of schemas."""

DEFINITIONS = ("$defs", "definitions")
"""Keywords that keep schemas by name, for `$ref`."""

NAMED = ("properties", "patternProperties", "dependentSchemas", *DEFINITIONS)
"""Keywords whose value holds schemas by name."""

_OF_GEMINI = frozenset((
    "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
    "minItems", "maxItems", "minimum", "maximum", "anyOf", "properties", "additionalProperties", "required",
    "propertyOrdering",
))  # fmt: skip

_ESCAPED = re.compile("%([0-9a-fA-F]{2})")
_NOT_IN_GRAMMARS = (
    (re.compile(r"(?<!\\)\(\?<?[=!]"), "a grammar cannot look ahead or behind"),
    (re.compile(r"^\s*%import\s+(?!common\b)", re.MULTILINE), "a grammar can import from `common` only"),
    (re.compile(r"^\s*%declare\b", re.MULTILINE), "a grammar cannot declare terminals"),
)


class Note(NamedTuple):
    """What an api makes of a place of a schema."""

    path: Parts
    message: str

    @property
    def keyword(self) -> str:
        """The last key of the path; empty for the root."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


Rule = Callable[[Json], tuple[Note, ...]]


class Rules(NamedTuple):
    """How an api reads the parameters of a tool.

    `obstacles` keep a schema from being held to exactly; `ignored` is read past; `refused` makes the api refuse
    every request with the tool, and `refused_strictly` only those that ask for strict mode. `grammar` says what it
    does not take in the regular expression or the grammar of a free-form tool.
    """

    obstacles: Rule
    ignored: Rule
    refused: Rule
    refused_strictly: Rule
    grammar: Callable[[str], list[str]]


def children(part: Json) -> Iterator[tuple[Parts, Json]]:
    """The schemas that stand in a schema, each with its steps from there; not those inside them."""
    if not isinstance(part, Mapping):
        return
    for word, value in part.items():
        if word in ONE_SCHEMA:
            yield (word,), value
        elif word in LISTED and isinstance(value, list):
            yield from (((word, n), item) for n, item in enumerate(value))
        elif word in NAMED and isinstance(value, Mapping):
            yield from (((word, name), item) for name, item in value.items())


def schemas(root: Json) -> Iterator[tuple[Parts, Mapping[str, Json]]]:
    """Every object schema in a schema, itself first, with its path."""
    waiting: list[tuple[Parts, Json]] = [((), root)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, Mapping):
            yield path, part
            waiting += reversed([((*path, *steps), item) for steps, item in children(part)])


def target(root: Json, reference: Json) -> tuple[Parts, Json] | None:
    """Where a `$ref` leads in a schema, with what stands there; None where it is no JSON pointer into it."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    steps: list[str | int] = []
    value = root
    for step in reference.split("/")[1:]:
        name = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), step).replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and name in value:
            steps.append(name)
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and len(name) < 10 and int(name) < len(value):
            steps.append(int(name))
            value = value[int(name)]
        else:
            return None
    return tuple(steps), value


def _obstacles(schema: Json) -> tuple[Note, ...]:
    return tuple(Note(paths.parse(path), reason) for path, reason in openai_strict.obstacles(schema))


def _unknown_to_strict_mode(schema: Json) -> tuple[Note, ...]:
    found: list[Note] = []
    for path, part in schemas(schema):
        found += (Note((*path, word), "unknown in strict mode") for word in part if word not in openai_strict.KEYWORDS)
        if "format" in part and part["format"] not in openai_strict.FORMATS:
            found.append(Note((*path, "format"), "unknown in strict mode"))
    return tuple(found)


def _past_gemini(schema: Json) -> tuple[Note, ...]:
    return tuple(
        Note((*path, word), "read as anyOf" if word == "oneOf" else "ignored")
        for path, part in schemas(schema)
        for word in part
        if word not in _OF_GEMINI
    )


def _refused_by_gemini(schema: Json) -> tuple[Note, ...]:
    beside = [
        Note((*path, "$ref"), "must stand alone")
        for path, part in schemas(schema)
        if "$ref" in part and any(not word.startswith("$") for word in part)
    ]
    return (*beside, *_endless(schema))


def _endless(root: Json) -> Iterator[Note]:
    """The references that lead back to where they stand, without a property on the way that may be left out."""
    needs: dict[Parts, list[tuple[Parts, Parts]]] = {}
    waiting: list[Parts] = [()]
    while waiting:
        start = waiting.pop()
        if start not in needs:
            needs[start] = list(_needed(root, start))
            waiting += [end for _, end in needs[start]]
    told: set[Parts] = set()
    for start, references in needs.items():
        for path, end in references:
            if path not in told and _leads(needs, end, start):
                told.add(path)
                yield Note(path, "a schema may contain itself only in a property that is not required")


def _needed(root: Json, start: Parts) -> Iterator[tuple[Parts, Parts]]:
    """The references in the schema at a path that no optional property holds, each with where it leads."""
    waiting: list[tuple[Parts, Json]] = [(start, paths.find(root, start))]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        led = target(root, part.get("$ref"))
        if led is not None:
            yield (*path, "$ref"), led[0]
        listed = part.get("required")
        required = frozenset(listed if isinstance(listed, list) else ())
        for steps, item in children(part):
            optional = steps[0] == "properties" and steps[1] not in required
            if steps[0] not in DEFINITIONS and not optional:
                waiting.append(((*path, *steps), item))


def _leads(needs: Mapping[Parts, list[tuple[Parts, Parts]]], start: Parts, end: Parts) -> bool:
    seen: set[Parts] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            waiting += [there for _, there in needs.get(here, ())]
    return False


def _grammar_faults(definition: str) -> list[str]:
    return [message for pattern, message in _NOT_IN_GRAMMARS if pattern.search(definition)]


def _nothing(schema: Json) -> tuple[Note, ...]:
    return ()


_OPENAI = Rules(_obstacles, _nothing, _nothing, _unknown_to_strict_mode, _grammar_faults)

RULES: Mapping[str, Rules] = {
    "responses": _OPENAI,
    "chat": _OPENAI,
    "generate_content": Rules(_nothing, _past_gemini, _refused_by_gemini, _nothing, lambda definition: []),
}
"""By api. `generate_content` holds any schema to what it reads of it (mode VALIDATED)."""

OTHER = Rules(_nothing, _nothing, _nothing, _nothing, lambda definition: [])
"""Of an api that is not listed."""
