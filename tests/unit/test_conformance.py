from __future__ import annotations

import pytest

from plcli.conformance import mismatch
from plcli.regexes import Undecided


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("regexes", "conformance"):
        monkeypatch.setattr(f"plcli.{room}.SECONDS", 0.5)


ANSWER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"$ref": "#/$defs/day"}}},
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"day": {"type": "object", "properties": {"high": {"type": "integer"}}}},
}


def test_a_value_that_fits_has_no_mismatch() -> None:
    assert mismatch({"city": "Paris", "days": [{"high": 21}, {"high": 22.0}]}, ANSWER) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"city": 3}, "city: 3 is not of type 'string'"),
        ({"city": "Paris", "days": [{"high": 1}, {"high": "x"}]}, "days[1].high: 'x' is not of type 'integer'"),
        ({}, "'city' is a required property"),
        ([], "[] is not of type 'object'"),
        (None, "None is not of type 'object'"),
    ],
)
def test_a_mismatch_names_its_place(value: object, said: str) -> None:
    assert mismatch(value, ANSWER) == said


def test_a_long_value_is_cut_in_the_message() -> None:
    said = mismatch({"city": ["x" * 10_000]}, ANSWER)
    assert said is not None
    assert len(said) < 300


def test_patterns_are_checked() -> None:
    assert mismatch("2026-11-23", {"pattern": r"^\d{4}-\d{2}-\d{2}$"}) is None
    assert mismatch("today", {"pattern": r"^\d+$"}) == r"'today' does not match '^\\d+$'"
    assert mismatch(5, {"pattern": r"^\d+$"}) is None
    keyed = {"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}
    assert mismatch({"x-a": 1}, keyed) is None
    assert mismatch({"x-a": "1"}, keyed) is not None
    assert mismatch({"y": 1}, keyed) is not None


@pytest.mark.parametrize(
    "draft", ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
)
def test_a_declared_draft_does_not_lift_the_limits(draft: str) -> None:
    schema = {"$schema": draft, "properties": {"a": {"$schema": draft, "pattern": "(a|a)*$"}}}
    with pytest.raises(Undecided):
        mismatch({"a": "a" * 60 + "b"}, schema)


def chain(keyword: str) -> dict[str, object]:
    links: dict[str, object] = {
        f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(60)
    }
    return {"$defs": {**links, "d60": {"type": "integer"}}, "$ref": "#/$defs/d0", "unevaluatedProperties": False}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (5, 1),
        ({"type": "strin"}, 1),
        ({"$ref": "https://example.com/schema.json"}, 1),
        ({"$ref": "#/$defs/absent"}, 1),
        (
            {
                "$id": "https://example.com/a",
                "$defs": {"b": {"$id": "https://example.com/b/c", "$ref": "#/$defs/b"}},
                "$ref": "#/$defs/b",
            },
            1,
        ),
        ({"unevaluatedProperties": False, "$ref": "http://127.0.0.1:1/x"}, {"a": 1}),
        ({"pattern": "("}, "a"),
        ({"patternProperties": {"(": {}}}, {"a": 1}),
        ({"patternProperties": {"^(a|a)*$": {}}}, {"a" * 60 + "b": 1}),
        ({"$ref": "#"}, 1),
        (chain("allOf"), {}),
        (chain("anyOf"), {}),
        ({"uniqueItems": True}, [{"n": n} for n in range(5000)]),
    ],
)
def test_what_cannot_be_checked_soon_and_here_is_undecided(schema: object, value: object) -> None:
    with pytest.raises(Undecided):
        mismatch(value, schema)


def test_recursion_over_the_value_is_bounded_too() -> None:
    tree = {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}
    value: object = {}
    for _ in range(60):
        value = {"a": value}
    with pytest.raises(Undecided):
        mismatch(value, tree)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_numbers_past_every_bound_are_no_crash(value: int) -> None:
    with pytest.raises(Undecided, match="too large"):
        mismatch(value, {"multipleOf": 0.1})
    assert mismatch(value, {"multipleOf": 5}) is None
