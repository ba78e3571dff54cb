"""Arguments and results held against what a tool says of them."""

from __future__ import annotations

import pytest

from plcli.request import CustomTool, FunctionTool
from plcli.toolfit import argument_fault, result_fault

Json = object

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"$ref": "#/$defs/days"}},
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"days": {"type": "integer", "minimum": 1}},
}
ABSENT = object()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"city": "Paris"}, None),
        ({"city": "Paris", "days": 3.0}, None),
        ({}, "'city' is a required property"),
        ({"city": 5}, "city: 5 is not of type 'string'"),
        ({"city": "Paris", "days": 0}, "days: 0 is less than the minimum of 1"),
        ({"city": "Paris", "unit": "C"}, "Additional properties are not allowed ('unit' was unexpected)"),
        ([], "they are no JSON object: this is a list"),
        (None, "they are no JSON object: this is null"),
        (True, "they are no JSON object: this is a boolean"),
        ('{"city": "Pa', "they are no JSON object: unterminated string starting at (character 10 of 12)"),
        ("", "they are no JSON object: expecting value (character 1 of 0)"),
        ("[1]", "they are no JSON object: this is a list"),
        ("[" * 100_000, "they are no JSON object: too deeply nested, or a number too large"),
        ("1" * 10_000, "they are no JSON object: too deeply nested, or a number too large"),
        ('{"city": 1e999}', "they are no JSON object: too deeply nested, or a number too large"),
    ],
)
def test_the_arguments_of_a_function_fit_its_schema(arguments: Json, fault: str | None) -> None:
    assert argument_fault(FunctionTool("x", parameters=WEATHER), arguments) == fault


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}])
@pytest.mark.parametrize("arguments", [{}, {"a": [1]}])
def test_without_a_schema_any_object_will_do(parameters: Json, arguments: Json) -> None:
    assert argument_fault(FunctionTool("x", parameters=parameters), arguments) is None
    assert argument_fault(FunctionTool("x", parameters=parameters), "{}") is not None


@pytest.mark.parametrize("schema", [{"type": "strnig"}, {"$ref": "https://example.org/x"}, 5, {"pattern": "("}])
def test_what_cannot_be_checked_is_a_fault(schema: Json) -> None:
    said = argument_fault(FunctionTool("x", parameters={"properties": {"a": schema}}), {"a": "b"})
    assert said is not None
    assert said.startswith("this cannot be checked: ")
    assert result_fault({"properties": {"a": schema}}, {"a": "b"}) == said


@pytest.mark.parametrize(
    ("tool", "arguments", "fault"),
    [
        (CustomTool("x"), "any text", None),
        (CustomTool("x"), "", None),
        (CustomTool("x"), {"input": "a"}, "this is an object, and the tool takes text"),
        (CustomTool("x"), None, "this is null, and the tool takes text"),
        (CustomTool("x", syntax="lark", definition='start: "a"'), "b", None),
        (CustomTool("x", syntax="regex", definition="a|b+"), "bbb", None),
        (CustomTool("x", syntax="regex", definition="a|b+"), "abb", "'a|b+'"),
        (CustomTool("x", syntax="regex", definition="a"), "a\n", "'a'"),
        (CustomTool("x", syntax="regex", definition="^a$"), "a", None),
        (CustomTool("x", syntax="regex", definition="(?i)[a-c]+"), "ABC", None),
        (CustomTool("x", syntax="regex", definition="(?is)a.b"), "A\nB", None),
        (CustomTool("x", syntax="regex", definition="a)|(b"), "b", "this cannot be checked: no regular expression"),
        (CustomTool("x", syntax="regex", definition=r"\p{L}+"), "b", "this cannot be checked: no regular expression"),
        (CustomTool("x", syntax="regex", definition="(?x)a # b"), "a", "this cannot be checked: "),
    ],
)
def test_the_text_of_a_free_form_tool_fits_its_format(tool: CustomTool, arguments: Json, fault: str | None) -> None:
    said = argument_fault(tool, arguments)
    assert (said is None) if fault is None else (said is not None and fault in said)


def test_an_expression_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plcli.regexes.SECONDS", 0.3)
    said = argument_fault(CustomTool("x", syntax="regex", definition="(a+a+)+b"), "a" * 40)
    assert said is not None
    assert "took longer than" in said


@pytest.mark.parametrize(
    ("returns", "result", "fault"),
    [
        (None, object(), None),
        ({"type": "integer"}, 5, None),
        ({"type": "integer"}, "5", "'5' is not of type 'integer'"),
        ({"type": "integer"}, {"content": [{"type": "text", "text": "5"}]}, None),
        ({"type": "integer"}, {"content": []}, "{'content': []} is not of type 'integer'"),
        ({"type": "integer"}, {"content": [5]}, "{'content': [5]} is not of type 'integer'"),
    ],
)
def test_a_result_fits_what_the_tool_returns_unless_it_consists_of_parts(
    returns: Json, result: Json, fault: str | None
) -> None:
    assert result_fault(returns, result) == fault
