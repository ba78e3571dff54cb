"""Gemini's requests as other clients spell them, and schemas in OpenAPI's words."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import Target
from plcli.providers import gemini
from plcli.providers.gemini_spellings import json_schema, respell

SCHEMA = {"type": "object", "properties": {"a_b": {"type": "string"}}}
OPENAPI = {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}, "property_ordering": ["a_b"]}
FUNCTION = {"name": "f", "parametersJsonSchema": SCHEMA}


@pytest.mark.parametrize(
    ("wire", "same"),
    [
        ({"generation_config": {"top_p": 1, "thinking_config": {"thinking_budget": 0}}},
         {"generationConfig": {"topP": 1, "thinkingConfig": {"thinkingBudget": 0}}}),
        ({"generationConfig": {"candidateCount": 1, "responseModalities": ["TEXT"]}}, {}),
        ({"generationConfig": {"responseJsonSchema": {}, "imageConfig": {}}},
         {"generationConfig": {"responseJsonSchema": {}}}),
        ({"generationConfig": {"candidateCount": 2, "responseModalities": ["IMAGE"], "topK": None}},
         {"generationConfig": {"candidateCount": 2, "responseModalities": ["IMAGE"]}}),
        ({"generationConfig": {"responseMimeType": "application/json", "responseSchema": OPENAPI}},
         {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}}),
        ({"systemInstruction": {"role": "user", "parts": {"text": "a"}}},
         {"systemInstruction": {"parts": [{"text": "a"}]}}),
        ({"systemInstruction": {"role": "user"}}, {}),
        ({"tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}}},
         {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}}),
        ({"toolConfig": {"includeServerSideToolInvocations": True}},) * 2,
        ({"tools": {"function_declarations": [{"name": "f", "parameters": OPENAPI}]}},
         {"tools": [{"functionDeclarations": [FUNCTION]}]}),
        ({"tools": [{"functionDeclarations": [{"name": "f", "parameters_json_schema": SCHEMA}], "google_search": {}},
                    {"functionDeclarations": [{"name": "g"}]}]},
         {"tools": [{"functionDeclarations": [FUNCTION, {"name": "g"}]}, {"googleSearch": {}}]}),
        ({"tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}, {"name": "g"}]}, "odd"]},
         {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]},
                    {"functionDeclarations": [{"name": "g"}]}, "odd"]}),
        ({"generationConfig": "odd", "tools": "odd", "toolConfig": "odd", "systemInstruction": "odd"},) * 2,
        ({"top_p": 1, "topP": 2}, {"top_p": 1, "topP": 2}),
    ],
)  # fmt: skip
def test_a_wire_is_spelled_as_ours(wire: Any, same: Any) -> None:
    assert respell(wire) == same
    assert respell(same) == same


@pytest.mark.parametrize(
    ("schema", "same"),
    [
        (OPENAPI, SCHEMA),
        (SCHEMA, SCHEMA),
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True},
         {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        ({"type": "ARRAY", "items": {"type": "NUMBER", "nullable": False}, "minItems": "1", "max_items": 3},
         {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3}),
        ({"properties": {"nullable": {"type": "BOOLEAN"}, "type": {"type": "STRING"}}},
         {"properties": {"nullable": {"type": "boolean"}, "type": {"type": "string"}}}),
        (True, True),
        ({"type": 1, "properties": [], "anyOf": {}, "minItems": "x", "maxItems": "9" * 5000},) * 2,
    ],
)  # fmt: skip
def test_a_schema_in_the_words_of_openapi_is_json_schema(schema: Any, same: Any) -> None:
    assert json_schema(schema) == same


def test_what_our_requests_compile_to_is_spelled_so_already() -> None:
    wire = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [{"role": "user", "parts": [{"text": "u"}]}],
        "tools": [{"functionDeclarations": [FUNCTION]}, {"googleSearch": {}}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        "generationConfig": {
            "temperature": 0,
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"imageSize": "1K"},
        },
    }
    target = Target(gemini.OPERATION, "m")
    assert respell(gemini.compile(gemini.uncompile(wire, target)).wire) == wire
