"""Strict versions of schemas: what becomes of each keyword, and what has no strict form."""

from __future__ import annotations

import time
from typing import Any

import pytest

from plcli.paths import show
from plcli.providers.openai_strict import obstacles
from plcli.strictness.strictly import strictly


def closed(**properties: Any) -> dict[str, Any]:
    """An object schema as strict mode wants it."""
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def needs(part: Any, **more: Any) -> dict[str, Any]:
    """A schema with one property, which is required."""
    return {"type": "object", "properties": {"x": part}, "required": ["x"], **more}


def told(schema: Any) -> list[str]:
    return [f"{show(change.path)}: {change.message}" for change in strictly(schema).changes]


@pytest.mark.parametrize(
    ("part", "written"),
    [
        ({"type": "string"}, {"type": ["string", "null"]}),
        ({"type": ["string", "integer"], "minimum": 1}, {"type": ["string", "integer", "null"], "minimum": 1}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        (
            {"description": "d", "type": "string", "enum": ["a"]},
            {"description": "d", "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
        ),
        ({"enum": ["a", None]}, {"enum": ["a", None]}),
        ({"const": 1}, {"anyOf": [{"const": 1}, {"type": "null"}]}),
        ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    ],
)
def test_an_optional_property_becomes_one_that_may_be_null(part: Any, written: Any) -> None:
    made = strictly({"type": "object", "properties": {"x": part}})
    assert made.schema == closed(x=written)
    assert "properties.x: was optional; now it is required and may be null" in told(
        {"type": "object", "properties": {"x": part}}
    )


@pytest.mark.parametrize(
    ("part", "written", "change"),
    [
        ({"type": "string", "default": "a"}, {"type": "string"}, "default: dropped; the handler has to set it"),
        ({"type": "string", "minLength": 1}, {"type": "string"}, "minLength: dropped; the handler has to check it"),
        ({"type": "string", "format": "uri"}, {"type": "string"}, "format: dropped; the handler has to check it"),
        ({"type": "string", "x-unit": "m"}, {"type": "string"}, "x-unit: dropped"),
        ({"properties": {}}, closed(), ": the type is object"),
        ({"pattern": "a"}, {"type": "string", "pattern": "a"}, ": the type is string"),
        ({"allOf": [{"type": "string"}]}, {"type": "string"}, "allOf: is written out in its place"),
        (
            {"allOf": [{"$ref": "#/$defs/a"}], "description": "d"},
            {"description": "d", "anyOf": [{"$ref": "#/$defs/a"}]},
            "$ref: stands under anyOf now, since a $ref must stand alone",
        ),
        (
            {
                "allOf": [
                    {"$ref": "#/$defs/a"},
                    {"type": "object", "properties": {"c": {"const": 1}}, "required": ["c"]},
                ]
            },
            closed(b={"type": "string"}, c={"const": 1}),
            "allOf: is written out in its place",
        ),
        ({"$ref": "#/$defs/a", "type": "object"}, closed(b={"type": "string"}), "$ref: is written out in its place"),
        ({"$ref": "#/$defs/a/properties/b"}, {"type": "string"}, "$ref: is written out in its place"),
        ({"$ref": "#/%24defs/a"}, {"$ref": "#/$defs/a"}, "$ref: is spelt #/$defs/a"),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}, "oneOf: is anyOf now"),
        (
            {"type": "object", "anyOf": [{"properties": {}}, {"type": "object", "properties": {}}]},
            {"anyOf": [closed(), closed()]},
            "type: stands in each of the forms now",
        ),
        (
            {"type": "array", "items": {"properties": {}}},
            {"type": "array", "items": closed()},
            "items: the type is object",
        ),
    ],
)
def test_each_keyword_is_written_so_that_strict_mode_takes_it(part: Any, written: Any, change: str) -> None:
    definitions = {"a": {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}}
    schema = needs(part, **{"$defs": definitions})
    made = strictly(schema)
    assert made.left == ()
    assert made.schema["properties"]["x"] == written
    place = "properties.x"
    assert any(line in (f"{place}.{change}", f"{place}{change}") for line in told(schema)), told(schema)
    assert obstacles(made.schema) == ()


@pytest.mark.parametrize(
    ("forms", "loosens"),
    [
        ([{"type": "string"}, {"type": "integer"}], False),
        ([{"type": "number"}, {"type": "integer"}], True),
        ([closed(k={"const": "a"}), closed(k={"enum": ["b"]})], False),
        ([closed(k={"const": "a"}), closed(k={"type": "string"})], True),
        ([{"enum": ["a"]}, {"enum": ["b"]}], True),
    ],
)
def test_forms_that_exclude_each_other_are_held_to_as_before(forms: Any, loosens: bool) -> None:
    changes = strictly(needs({"oneOf": forms})).changes
    assert [change.loosens for change in changes if change.message == "is anyOf now"] == [loosens]


@pytest.mark.parametrize(
    ("schema", "place", "reason"),
    [
        (needs({}), "properties.x", "says nothing of the value; give it a type"),
        (needs(True), "properties.x", "says nothing of the value; give it a type"),
        (needs({"minimum": 1, "pattern": "a"}), "properties.x", "says nothing of the value; give it a type"),
        (needs({"type": "array"}), "properties.x", "says nothing of what the list holds; write items"),
        (needs({"type": "object"}), "properties.x", "has keys that no property names"),
        (needs({"type": "object", "additionalProperties": {"type": "null"}}), "properties.x", "has keys that no"),
        (needs({"type": "array", "prefixItems": []}), "properties.x.prefixItems", "has no form in strict mode"),
        (needs({"type": "string", "not": {}}), "properties.x.not", "has no form in strict mode"),
        (needs({"type": "null", "required": ["y"], "properties": {}}), "properties.x.required", "lists 'y'"),
        (
            needs({"anyOf": [{"type": "null"}], "properties": {}}),
            "properties.x.anyOf",
            "cannot stand beside properties",
        ),
        (needs({"allOf": [{"minimum": 1}, {"minimum": 2}]}), "properties.x.allOf", "cannot be one with what stands"),
        (
            needs({"allOf": [closed(a={"type": "null"}), closed(b={"type": "null"})]}),
            "properties.x.allOf",
            "cannot be one with what stands",
        ),
        (needs({"$ref": "#/properties/x", "type": "object"}), "properties.x.$ref", "cannot be written out here"),
        (needs({"items": {"$ref": "#/properties/x"}}), "", "is too large or too deep"),
        ({"type": "object", "anyOf": [{"type": "object"}, closed()]}, "", "has several forms"),
        ({"type": "string"}, "type", "must be object, since arguments are"),
        ({"$ref": "#"}, "$ref", "cannot be written out here"),
        (False, "", "must be an object schema"),
    ],
)
def test_what_has_no_strict_form_is_named_and_nothing_is_changed(schema: Any, place: str, reason: str) -> None:
    made = strictly(schema)
    assert made.schema is schema
    assert made.changes == ()
    assert any(note.message.startswith(reason) and show(note.path).startswith(place) for note in made.left), made.left


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"n": {"$ref": "#/$defs/a"}}}}},
        {"oneOf": [{"type": "object", "properties": {"n": {"type": "string"}}}]},
        {"type": "object", "properties": {}},
        {"properties": {"n": {"type": "string"}}},
        None,
    ],
)
def test_the_root_becomes_one_object(schema: Any) -> None:
    made = strictly(schema)
    assert made.schema["type"] == "object"
    assert obstacles(made.schema) == ()


def test_a_definition_that_nothing_refers_to_is_dropped_and_told() -> None:
    schema = {**needs({"$ref": "#/$defs/b"}), "$defs": {"a": {"not": {}}, "b": {"type": "string"}}}
    made = strictly(schema)
    assert made.schema == {**closed(x={"$ref": "#/$defs/b"}), "$defs": {"b": {"type": "string"}}}
    assert "$defs.a: dropped: nothing refers to it now" in told(schema)


def test_a_schema_that_qualifies_is_its_own_strict_version() -> None:
    schema = closed(x={"anyOf": [{"type": "string"}]})
    assert strictly(schema) == (schema, (), ())


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 3} for n in range(40)} | {"d40": {}}},
        {"$defs": {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}", "type": "object"} for k in "abc"}}
                   for n in range(40)} | {"d40": {}}},
        {"$defs": {"d0": {"properties": {f"p{n}": {} for n in range(30_000)},
                          "required": [f"p{n}" for n in range(30_000)]}}},
    ],
)  # fmt: skip
def test_a_hostile_schema_takes_no_long_time(schema: Any) -> None:
    start = time.process_time()
    assert strictly({**needs({"$ref": "#/$defs/d0", "description": "d"}), **schema}).left
    assert time.process_time() - start < 60
