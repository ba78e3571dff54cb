from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from plcli.errors import Exit
from plcli.variables import Given, Raw, WrongVariables, problem_with, resolve


def one(schema: Any, given: Given) -> Any:
    return resolve({"x": schema}, {"x": given})["x"]


def faults(declared: dict[str, Any], given: dict[str, Given]) -> WrongVariables:
    with pytest.raises(WrongVariables) as caught:
        resolve(declared, given)
    return caught.value


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        ("string", "12", "12"),
        ("string", "", ""),
        ("integer", "12", 12),
        ("integer", "1.0", 1),
        ("integer", "0x10", 16),
        ("number", "1e3", 1000.0),
        ("number", "1.0", 1.0),
        ("boolean", "true", True),
        ("null", "null", None),
        ("null", "", None),
        ("array", '["a", 1]', ["a", 1]),
        ("array", "[a, 1]", ["a", 1]),
        ("object", '{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ("object", "{a: [1, on]}", {"a": [1, "on"]}),
        (["integer", "string"], "12", 12),
        (["integer", "string"], "12x", "12x"),
        (["string", "integer"], "12", "12"),
        (["null", "boolean"], "false", False),
        ([], "12", "12"),
    ],
)
def test_text_takes_the_declared_type(declared: Any, text: str, value: Any) -> None:
    found = one({"type": declared}, Raw(text))
    assert (found, type(found)) == (value, type(value))


def test_an_undeclared_variable_is_text_and_a_typed_value_stays() -> None:
    assert resolve({}, {"a": Raw("12"), "b": 12, "c": [None]}) == {"a": "12", "b": 12, "c": [None]}


def test_defaults_fill_what_is_not_given_and_null_is_a_default() -> None:
    declared = {"a": {"type": "string", "default": "x"}, "b": {"default": None}, "c": {"type": "array", "default": []}}
    assert resolve(declared, {"a": Raw("y")}) == {"a": "y", "b": None, "c": []}


def test_everything_missing_or_wrong_is_reported_at_once() -> None:
    error = faults(
        {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "ok": {"default": 1},
            "tags": {"type": ["array", "null"]},
        },
        {"days": Raw("many"), "tags": {"a": 1}},
    )
    assert error.exit is Exit.USAGE
    assert error.faults == {
        "city": "the variable `city` has no value (expected string)",
        "days": "the variable `days` must be integer, not many",
        "tags": 'the variable `tags` must be array or null, not {"a": 1}',
    }
    assert error.hint == "--var city=… --var days=… --var tags=…"


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("integer", Raw("1.5")),
        ("integer", Raw("true")),
        ("integer", True),
        ("integer", 1.5),
        ("integer", Raw("9" * 5000)),
        ("number", Raw("NaN")),
        ("number", Raw("1e400")),
        ("number", Raw(".inf")),
        ("number", "1"),
        ("boolean", Raw("1")),
        ("boolean", 0),
        ("string", 1),
        ("null", Raw("nothing")),
        ("array", Raw("a, b")),
        ("array", Raw("[" * 100_000)),
        ("array", Raw("[!!python/object:x y]")),
        ("array", Raw('["\\ud800"]')),
        ("array", Raw("[1e999]")),
        ("object", Raw("[]")),
        ("object", Raw("{a: 1, a: 2}")),
        ("string", Raw("\udcff")),
    ],
)
def test_what_does_not_fit_the_type_is_a_fault(declared: str, given: Given) -> None:
    assert "`x`" in faults({"x": {"type": declared}}, {"x": given}).message


def test_bytes_that_are_no_text_are_a_fault_for_undeclared_names_too() -> None:
    assert faults({}, {"x": Raw("\udcff")}).message == "the variable `x` is not UTF-8"


@pytest.mark.parametrize(
    ("schema", "given", "message"),
    [
        (
            {"type": "string", "enum": ["a", "b"]},
            Raw("c"),
            "the variable `x` does not fit its schema: 'c' is not one of",
        ),
        (
            {"type": "array", "items": {"type": "integer"}},
            Raw("[1, a]"),
            "does not fit its schema: [1]: 'a' is not of type",
        ),
        ({"type": "integer", "minimum": 1}, Raw("0"), "0 is less than the minimum"),
        ({"type": "string", "pattern": "^a"}, Raw("b"), "does not match"),
        ({"type": "string", "pattern": "(a+)+$"}, Raw("a" * 40 + "!"), "the variable `x` cannot be checked"),
        ({"type": "integer", "default": "a"}, None, "the default of `x` must be integer"),
        ({"type": "integer", "minimum": 1, "default": 0}, None, "the default of `x` does not fit its schema"),
    ],
)
def test_a_value_is_held_against_the_rest_of_its_schema(
    schema: Any, given: Given, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plcli.regexes.SECONDS", 0.3)
    assert message in faults({"x": schema}, {} if given is None else {"x": given}).message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("string", "must be declared by a schema"),
        ({"type": "text"}, "the type of the variable `x` must be one of string"),
        ({"type": ["string", ["x"]]}, "must be one of"),
        ({"type": 1}, "must be one of"),
        ({"minimum": "x"}, "the schema of the variable `x` is wrong at minimum"),
        ({"pattern": "("}, "is wrong at pattern"),
        ({"$ref": "https://example.com/x"}, "leads out of the schema"),
        ({"anyOf": [{"items": {"$dynamicRef": "#x"}}]}, "leads nowhere"),
        ({"type": "string", "default": 1}, "the default of `x` must be string, not 1"),
    ],
)
def test_a_declaration_that_is_wrong_is_told_before_and_at_use(schema: Any, message: str) -> None:
    assert message in (problem_with("x", schema) or "")
    assert message in faults({"x": schema}, {} if "default" in schema else {"x": Raw("1")}).message


def test_a_sound_declaration_has_no_problem() -> None:
    assert problem_with("x", {"type": "string"}) is None
    assert problem_with("x", {"enum": [1, 2], "default": 1, "description": "one or two"}) is None


def test_plain_types_do_not_import_jsonschema() -> None:
    code = (
        "import sys; from plcli.variables import Raw, resolve; "
        "resolve({'a': {'type': 'array', 'default': [], 'title': 't'}, 'b': {'type': 'integer'}}, {'b': Raw('1')}); "
        "print('jsonschema' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
