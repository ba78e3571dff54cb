"""Laws of strict versions: they qualify, they are their own, and they ask for nothing that was not allowed before."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from plcli.documents import parse
from plcli.inplace import amend
from plcli.jsonschemas import faults
from plcli.providers.openai_strict import obstacles
from plcli.strictness.strictly import strictly
from plcli.writing import write

NAMES = st.sampled_from(["a", "b", "c"])
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["d", "two\nlines"]),
        "default": st.none() | st.integers(0, 3),
        "title": st.just("t"),
    },
)


def _with(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(parts, WORDS).map(lambda pair: {**pair[0], **pair[1]})


LEAVES = _with(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "minLength": 1},
            {"type": ["integer", "null"]},
            {"type": "number", "minimum": 1},
            {"enum": ["x", 1, None]},
            {"type": "string", "enum": ["x", "y"]},
            {"const": "x"},
            {"pattern": "^x"},
            {"type": "boolean"},
            {"$ref": "#/$defs/d"},
            {"$ref": "#/$defs/e"},
            {"$ref": "#"},
            {"$ref": "#/$defs/e", "type": "object"},
            {"$ref": "#/$defs/e", "type": "object", "properties": {"z": {"const": 1}}},
            {"$ref": "#/$defs/e/properties"},
            {"type": "string", "format": "uri"},
        ]
    )
)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, inner, max_size=3))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    more = draw(
        st.sampled_from(
            [{}, {"additionalProperties": False}, {"additionalProperties": True}, {"unevaluatedProperties": False}]
        )
    )
    return {"type": "object", "properties": properties, "required": required, **more}


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: _with(
        objects(inner)
        | inner.map(lambda item: {"type": "array", "items": item, "maxItems": 2})
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: {"anyOf": items})
        | st.lists(inner, min_size=1, max_size=2).map(lambda items: {"oneOf": items})
        | st.lists(inner, min_size=1, max_size=2).map(lambda items: {"allOf": items})
    ),
    max_leaves=6,
)
ROOTS = st.tuples(objects(SCHEMAS), SCHEMAS, objects(SCHEMAS)).map(
    lambda parts: {**parts[0], "$defs": {"d": parts[1], "e": parts[2]}}
)
TOOLS = ROOTS.filter(lambda schema: not [fault for fault in faults(schema) if fault.severity == "error"])


@given(TOOLS)
def test_a_strict_version_qualifies_and_is_its_own(schema: Any) -> None:
    before = copy.deepcopy(schema)
    made = strictly(schema)
    assert schema == before
    if made.left:
        assert made.schema is schema
        assert made.changes == ()
        return
    assert obstacles(made.schema) == ()
    assert faults(made.schema) == []
    assert bool(made.changes) == (made.schema != schema)
    assert strictly(made.schema) == (made.schema, (), ())


@given(TOOLS, st.data())
def test_what_fits_the_strict_version_fits_the_old_one_without_its_nulls(schema: Any, data: st.DataObject) -> None:
    made = strictly(schema)
    assume(made.changes and not any(change.loosens for change in made.changes))
    value = data.draw(fitting(made.schema, made.schema, 4))
    assume(value is not NONE and Draft202012Validator(made.schema).is_valid(value))
    validator = Draft202012Validator(schema)
    assert any(validator.is_valid(candidate) for candidate in without_nulls(value))


@given(TOOLS, st.sampled_from(["yaml", "toml", "json"]))
def test_a_file_amended_in_place_says_what_was_meant_and_keeps_its_comments(schema: Any, format: Any) -> None:
    made = strictly(schema)
    old = {"kind": "tool", "parameters": schema, "name": "x"}
    new = {"kind": "tool", "parameters": made.schema, "strict": True, "name": "x"}
    assume(format != "toml" or "null" not in write(old, "json").replace('"null"', ""))
    start = "" if format == "json" else "# first\n"
    document = parse(start + write(old, format), file="x", format=format)
    amended = amend(document, new)
    assert parse(amended.text, file="x", format=format).value == new
    if format == "yaml":
        assert amended.text.startswith("# first\n")
        assert amended.lost == ()


NONE = object()
"""Stands for a value that was not to be found in the depth."""


def fitting(root: Any, part: Any, depth: int) -> st.SearchStrategy[Any]:
    """Values that probably fit a schema that is strict."""
    if depth < 0:
        return st.just(NONE)
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return fitting(root, root if name == "#" else root["$defs"][name], depth - 1)
    if "anyOf" in part:
        return st.one_of([fitting(root, item, depth) for item in part["anyOf"]])
    if "enum" in part or "const" in part:
        return st.sampled_from(part.get("enum", [part.get("const")]))
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return st.one_of([_of_kind(root, part, kind, depth) for kind in kinds])


def _of_kind(root: Any, part: Any, kind: str, depth: int) -> st.SearchStrategy[Any]:
    match kind:
        case "object":
            fields = {name: fitting(root, item, depth - 1) for name, item in part["properties"].items()}
            return st.fixed_dictionaries(fields).map(lambda made: NONE if NONE in made.values() else made)
        case "array":
            items = st.lists(fitting(root, part["items"], depth - 1), max_size=2)
            return items.map(lambda made: [item for item in made if item is not NONE])
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "string":
            return st.sampled_from(["", "x", "xy"])
    return st.integers(0, 3)


def without_nulls(value: Any) -> list[Any]:
    """The value, and what it can be without some nulls in objects."""
    if isinstance(value, list):
        made: list[Any] = [[]]
        for item in value:
            made = [[*each, form] for each in made for form in without_nulls(item)]
        return made
    if not isinstance(value, dict):
        return [value]
    objects: list[Any] = [{}]
    for name, item in value.items():
        kept = [{**each, name: form} for each in objects for form in without_nulls(item)]
        objects = kept + (objects if item is None else [])
    return objects
