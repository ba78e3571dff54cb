from __future__ import annotations

from typing import Any

import pytest

from plcli.providers.openai_strict import obstacles


def schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string", "enum": ["a"], "description": "d"},
        {"type": ["string", "null"], "format": "date-time"},
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 3},
        {"$ref": "#"},
        {"const": 1},
        schema(deep={"type": "number"}),
    ],
)
def test_a_schema_of_supported_keywords_qualifies(part: Any) -> None:
    assert obstacles({**schema(part=part), "$defs": {"node": schema(next={"$ref": "#/$defs/node"})}}) == ()


@pytest.mark.parametrize(
    ("part", "path", "reason"),
    [
        ({"type": "string", "minLength": 1}, "properties.x.minLength", "this keyword is not supported"),
        ({"type": "string", "format": "uri"}, "properties.x.format", "this format is not supported"),
        ({"type": "string", "format": ["date"]}, "properties.x.format", "this format is not supported"),
        ({"type": "array"}, "properties.x", "a list needs items"),
        ({"oneOf": []}, "properties.x.oneOf", "this keyword is not supported"),
        ({}, "properties.x", "needs a type"),
        (True, "properties.x", "must be an object schema"),
        ({"$ref": "#/$defs/none"}, "properties.x.$ref", "must point to a definition of this schema"),
        ({"$ref": "#", "description": "d"}, "properties.x.$ref", "must stand alone"),
        (
            {"anyOf": [{"type": "object"}]},
            "properties.x.anyOf[0].additionalProperties",
            "must be false",
        ),
        (
            {**schema(a={"type": "null"}, b={"type": "null"}), "required": ["a"]},
            "properties.x.required",
            "must list every property; missing: b",
        ),
        (
            {**schema(a={"type": "null"}), "required": ["a", "b"]},
            "properties.x.required",
            "must list properties only; unknown: b",
        ),
    ],
)
def test_each_obstacle_is_named_with_its_path(part: Any, path: str, reason: str) -> None:
    assert (path, reason) in obstacles(schema(x=part))


@pytest.mark.parametrize("root", [None, True, "x", [], {"type": "array", "items": {"type": "string"}}, {"anyOf": []}])
def test_the_root_must_be_an_object_schema(root: Any) -> None:
    assert obstacles(root)


def test_a_schema_that_is_too_deep_or_too_large_is_refused() -> None:
    deep: Any = {"type": "string"}
    for _ in range(2000):
        deep = schema(x=deep)
    assert any("deeper" in reason for _, reason in obstacles(deep))
    wide = schema(**{f"p{number}": {"type": "string"} for number in range(5001)})
    assert ("", "has 5001 properties, at most 5000 are allowed") in obstacles(wide)
    long = schema(x={"enum": [str(number) for number in range(1001)]})
    assert ("", "has 1001 enum values, at most 1000 are allowed") in obstacles(long)
