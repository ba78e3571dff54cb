"""Lists of tools in the JSON of other clients, and names that every provider accepts."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.declarations import Declared, Skipped, declarations, neutral_name

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = Declared("w", {"description": "d", "parameters": SCHEMA})
STRICT = Declared("w", {"description": "d", "parameters": SCHEMA, "strict": True})
FLAT = {"name": "w", "description": "d", "parameters": SCHEMA}
CONVERTED = ("parameters: OpenAPI's words became those of JSON Schema",)
OPENAPI = {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": True}}, "propertyOrdering": ["city"]}
NULLABLE = {"type": "object", "properties": {"city": {"type": ["string", "null"]}}}


def free(**written: str) -> Declared:
    return Declared("w", {"format": written})


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"type": "function", "function": {**FLAT, "strict": True}}, STRICT),
        ({"type": "function", **FLAT, "strict": True}, STRICT),
        ({"type": "function", **FLAT, "strict": None}, TOOL),
        ({"function": FLAT}, TOOL),
        (FLAT, TOOL),
        ([FLAT], TOOL),
        ({"model": "m", "input": "x", "tools": [{"type": "function", **FLAT}]}, TOOL),
        ({"custom_id": "1", "body": {"tools": [FLAT]}}, TOOL),
        ({"functions": [FLAT]}, TOOL),
        ({"functionDeclarations": [{**FLAT, "parameters": None, "parametersJsonSchema": SCHEMA}]}, TOOL),
        ({"tools": {"function_declarations": [FLAT]}}, TOOL),
        ([{"functionDeclarations": [FLAT]}], TOOL),
        ({"config": {"tools": [{"functionDeclarations": [FLAT]}]}}, TOOL),
        ({**FLAT, "parameters": OPENAPI}, Declared("w", {"description": "d", "parameters": NULLABLE}, CONVERTED)),
        (
            {"functionDeclarations": [{**FLAT, "parameters": OPENAPI}]},
            Declared("w", {"description": "d", "parameters": NULLABLE}, CONVERTED),
        ),
        (
            {"jsonrpc": "2.0", "result": {"tools": [{"name": "w", "inputSchema": SCHEMA, "outputSchema": SCHEMA}]}},
            Declared("w", {"parameters": SCHEMA, "returns": SCHEMA}),
        ),
        ({"name": "w", "input_schema": SCHEMA}, Declared("w", {"parameters": SCHEMA})),
        ({"name": "w", "defer_loading": True}, Declared("w", {}, ("left out: defer_loading",))),
        (
            {"type": "namespace", "name": "crm", "description": "x", "tools": [{"type": "function", **FLAT}]},
            TOOL._replace(changes=("it stood in the namespace crm, and tool specs have none",)),
        ),
        ({"type": "custom", "name": "w"}, free(type="text")),
        ({"type": "custom", "custom": {"name": "w", "format": {"type": "text"}}}, free(type="text")),
        (
            {"type": "custom", "name": "w", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
            free(type="regex", definition="a+"),
        ),
        (
            {"type": "custom", "custom": {"name": "w", "format": {"grammar": {"syntax": "lark", "definition": "a"}}}},
            free(type="lark", definition="a"),
        ),
        ({"type": "custom", "name": "w", "syntax": "regex", "definition": "a"}, free(type="regex", definition="a")),
    ],
)
def test_a_tool_is_found_however_it_is_written(value: Any, found: Declared) -> None:
    assert list(declarations(value)) == [found]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"type": "web_search", "filters": {}}, "web_search"),
        ({"googleSearch": {}}, "googleSearch"),
        ({"type": "bash_20250124", "name": "bash"}, "bash_20250124"),
        ({"functionDeclarations": [], "codeExecution": {}}, "codeExecution"),
        ({"name": "w", "parameters": []}, "w"),
        ({"name": "w", "description": 5}, "w"),
        ({"name": "w", "strict": "yes"}, "w"),
        ({"type": "custom", "name": "w", "format": {"type": "ebnf"}}, "w"),
        ({"type": "function", "function": "w"}, "an entry"),
        ({"functionDeclarations": ["w"]}, "an entry"),
        ({"name": 5}, "an entry"),
        ({}, "an entry"),
        ([None], "an entry"),
        ("w", "an entry"),
    ],
)
def test_what_is_no_tool_of_ours_is_told(value: Any, what: str) -> None:
    (skipped,) = declarations(value)
    assert isinstance(skipped, Skipped)
    assert skipped.what == what


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("get_weather", "get_weather"),
        ("_x-1", "_x-1"),
        ("get.weather", "get_weather"),
        ("crm: find  note", "crm_find_note"),
        ("../../etc/passwd", "etc_passwd"),
        ("2fast", "_2fast"),
        ("-rf", "rf"),
        ("météo", "m_t_o"),
        ("w\n", "w_"),
        ("a" * 70, "a" * 64),
        ("天気", ""),
        ("", ""),
    ],
)
def test_a_name_becomes_one_that_every_provider_accepts(name: str, neutral: str) -> None:
    assert neutral_name(name) == neutral
