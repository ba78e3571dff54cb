"""The strict version of a tool's parameters: a schema that OpenAI's strict mode takes, with all that it changes.

Strict mode has no optional properties: they become required and may be null, which handlers then see as null.
"""

from __future__ import annotations

from typing import NamedTuple

from plcli import paths
from plcli.media import Json
from plcli.paths import Parts
from plcli.providers.openai_strict import FORMATS, KEYWORDS, obstacles
from plcli.strictness.flatschemas import WORDS_ONLY, flat, without
from plcli.strictness.keywords import DEFINITIONS, Note, target
from plcli.strictness.schemaforms import are_objects, exclude_each_other, nullable, types

MOST = 20_000
"""Schemas that the strict version may hold; references that are written out can multiply them."""

DEEPEST = 60
"""Steps from the root to the deepest schema that is looked at; spec files end not far below."""

_BOUNDS = frozenset((
    "minLength", "maxLength", "uniqueItems", "contains", "minContains", "maxContains", "minProperties",
    "maxProperties", "propertyNames",
))  # fmt: skip
_NO_FORM = {
    "prefixItems": "has no form in strict mode; write an object with a property for each place",
    "patternProperties": "has no form in strict mode; write a list of objects with a name and a value",
    "not": "has no form in strict mode; say it in the description",
    "if": "has no form in strict mode; write the cases under anyOf",
    "then": "has no form in strict mode; write the cases under anyOf",
    "else": "has no form in strict mode; write the cases under anyOf",
    "dependentRequired": "has no form in strict mode; write the cases under anyOf",
    "dependentSchemas": "has no form in strict mode; write the cases under anyOf",
    "unevaluatedItems": "has no form in strict mode; say under items what the list holds",
    "$dynamicRef": "has no form in strict mode; write $ref",
}
_FREE_KEYS = "has keys that no property names; write a list of objects with a name and a value"
_TYPE_OF = {
    "properties": "object",
    "required": "object",
    "items": "array",
    "minItems": "array",
    "maxItems": "array",
    "pattern": "string",
    "minLength": "string",
    "maxLength": "string",
    "format": "string",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}
_SHAPE = ("properties", "required", "items", "additionalProperties")


class Change(NamedTuple):
    """What is different in the strict version; `loosens` where it holds the model to less than before."""

    path: Parts
    message: str
    loosens: bool = False


class Strict(NamedTuple):
    """The strict version of a schema; where `left` holds something there is none, and `schema` is the old one."""

    schema: Json
    changes: tuple[Change, ...] = ()
    left: tuple[Note, ...] = ()


def strictly(schema: Json) -> Strict:
    """The strict version of the parameters of a tool (None: no arguments), which must be a sound JSON Schema.

    A schema that qualifies is its own strict version.
    """
    if not obstacles(schema):
        return Strict(schema)
    writer = _Writer({"type": "object"} if schema is None else schema)
    try:
        made = writer.whole()
    except _TooLarge as error:
        message = "is too large or too deep to be written strictly, or contains itself"
        return Strict(schema, left=(Note(_written(writer.root, error.path), message),))
    left = tuple(writer.left) or tuple(Note(paths.parse(path), reason) for path, reason in obstacles(made))
    return Strict(schema, left=left) if left else Strict(made, tuple(writer.changes))


class _TooLarge(Exception):
    def __init__(self, path: Parts) -> None:
        self.path = path


class _Writer:
    """Writes one schema strictly; notes what it changes, and what it has to leave."""

    def __init__(self, root: Json) -> None:
        self.root = root
        self.changes: dict[Change, None] = {}
        self.left: dict[Note, None] = {}
        self.used: dict[tuple[str, str], None] = {}
        self.count = 0

    def whole(self) -> Json:
        """The strict version of all, with the definitions that it needs."""
        if not isinstance(self.root, dict):
            self._leave((), "must be an object schema")
            return self.root
        top = {word: value for word, value in self.root.items() if word not in DEFINITIONS}
        top = self._flat(top, (), at_root=True)
        if "anyOf" in top or "oneOf" in top:
            self._leave((), "has several forms; strict mode wants one object: put them under a property")
        if top.get("type") != "object":
            if "type" in top and "object" not in types(top):
                self._leave(("type",), "must be object, since arguments are")
            self._change((), "the type is object")
            top = {**top, "type": "object"}
        if "additionalProperties" not in top:
            top = {"properties": {}, **top}
        made = self._made(top, ())
        written: dict[str, dict[str, Json]] = {}
        done: set[tuple[str, str]] = set()
        while waiting := [place for place in self.used if place not in done]:
            for word, name in waiting:
                done.add((word, name))
                written.setdefault(word, {})[name] = self._write(self.root[word][name], (word, name))
        for word in DEFINITIONS:
            for name in self.root.get(word, ()):
                if (word, name) not in done:
                    self._change((word, name), "dropped: nothing refers to it now")
        return {**made, **written}

    def _change(self, path: Parts, message: str, *, loosens: bool = False) -> None:
        self.changes[Change(path, message, loosens)] = None

    def _leave(self, path: Parts, message: str) -> None:
        self.left[Note(path, message)] = None

    def _write(self, part: Json, path: Parts) -> Json:
        """A schema below the root."""
        self.count += 1
        if self.count > MOST or len(path) > DEEPEST:
            raise _TooLarge(path[:DEEPEST])
        if not isinstance(part, dict):
            self._leave(path, "says nothing of the value; give it a type")
            return part
        part = self._flat(part, path)
        return self._reference(part, path) if "$ref" in part else self._made(part, path)

    def _flat(self, part: dict[str, Json], path: Parts, *, at_root: bool = False) -> dict[str, Json]:
        """The schema with what cannot stand in it written out."""
        found = flat(self.root, part, at_root=at_root)
        for steps in found.written:
            self._change((*path, *steps), "is written out in its place")
        for note in found.left:
            self._leave((*path, *note.path), note.message)
        return found.schema

    def _reference(self, part: dict[str, Json], path: Parts) -> Json:
        """A `$ref` to a definition; words beside it go around it."""
        words = {word: part[word] for word in part if word in WORDS_ONLY}
        for word in part:
            if word not in words and word != "$ref":
                self._drop((*path, word))
        alone = self._definition(part["$ref"])
        if not words:
            if alone["$ref"] != part["$ref"]:
                self._change((*path, "$ref"), f"is spelt {alone['$ref']}")
            return alone
        self._change((*path, "$ref"), "stands under anyOf now, since a $ref must stand alone")
        return {**words, "anyOf": [alone]}

    def _definition(self, reference: Json) -> dict[str, Json]:
        """The reference as strict mode wants it; the definition is written too."""
        place, _ = target(self.root, reference) or ((), None)
        if place:
            word, name = place
            self.used[str(word), str(name)] = None
        return {"$ref": "/".join(("#", *(str(step).replace("~", "~0").replace("/", "~1") for step in place)))}

    def _made(self, part: dict[str, Json], path: Parts) -> dict[str, Json]:
        """An object schema without `$ref` and `allOf`, all inside it written too."""
        if not part.keys() & {"type", "anyOf", "oneOf", "enum", "const"}:
            part = self._typed(part, path)
        forms = "oneOf" if "oneOf" in part else "anyOf"
        if forms in part and (beside := [word for word in ("anyOf", *_SHAPE) if word in part and word != forms]):
            self._leave((*path, forms), f"cannot stand beside {beside[0]}; write it into each of the forms")
        elif forms in part and are_objects(part, part[forms]):
            self._change((*path, "type"), "stands in each of the forms now")
            part = {**without(part, "type"), forms: [{"type": "object", **form} for form in part[forms]]}
        made: dict[str, Json] = {}
        for word, value in part.items():
            here = (*path, word)
            if word in ("properties", "required", "additionalProperties", "unevaluatedProperties"):
                continue
            if word == "items":
                made[word] = self._write(value, here)
            elif word in ("anyOf", "oneOf"):
                made["anyOf"] = [self._write(item, (*here, n)) for n, item in enumerate(value)]
                if word == "oneOf":
                    self._change(here, "is anyOf now", loosens=not exclude_each_other(value))
            elif word in _NO_FORM:
                self._leave(here, _NO_FORM[word])
            elif word not in KEYWORDS or word in DEFINITIONS or (word == "format" and value not in FORMATS):
                self._drop(here)
            else:
                made[word] = value
        kinds = types(part)
        if "array" in kinds and "items" not in part:
            self._leave(path, "says nothing of what the list holds; write items")
        if "object" in kinds or "properties" in part:
            made |= self._object(part, path)
        return made

    def _typed(self, part: dict[str, Json], path: Parts) -> dict[str, Json]:
        """The schema with the type that its other keywords speak of."""
        meant = {_TYPE_OF[word] for word in part if word in _TYPE_OF}
        if len(meant) != 1:
            self._leave(path, "says nothing of the value; give it a type")
            return part
        kind = meant.pop()
        self._change(path, f"the type is {kind}")
        return {"type": kind, **part}

    def _object(self, part: dict[str, Json], path: Parts) -> dict[str, Json]:
        """The keywords of an object: every property required, and no others."""
        others = [part.get(word, True) for word in ("additionalProperties", "unevaluatedProperties")]
        bare = "properties" not in part and others[0] is not False
        if bare or any(not isinstance(each, bool) and each != {} for each in others):
            self._leave(path, _FREE_KEYS)
        if "unevaluatedProperties" in part:
            self._drop((*path, "unevaluatedProperties"))
        if part.get("additionalProperties") is not False:
            self._change((*path, "additionalProperties"), "is false")
        listed, properties = part.get("required", []), {}
        required = frozenset(listed)
        for name, value in part.get("properties", {}).items():
            here = (*path, "properties", name)
            written = self._write(value, here)
            if name not in required and isinstance(written, dict):
                self._change(here, "was optional; now it is required and may be null")
                written = nullable(written)
            properties[name] = written
        for name in listed:
            if name not in properties:
                self._leave((*path, "required"), f"lists {name!r}, which is no property")
        complete = listed if required >= properties.keys() else list(properties)
        return {"properties": properties, "required": complete, "additionalProperties": False}

    def _drop(self, path: Parts) -> None:
        """Tell of a keyword that the strict version has not."""
        word = path[-1]
        if word in _BOUNDS or word == "format":
            self._change(path, "dropped; the handler has to check it", loosens=True)
        elif word == "default":
            self._change(path, "dropped; the handler has to set it")
        else:
            self._change(path, "dropped")


def _written(schema: Json, path: Parts) -> Parts:
    """The part of a path that the schema itself has."""
    while path and paths.find(schema, path, path) is path:
        path = path[:-1]
    return path
