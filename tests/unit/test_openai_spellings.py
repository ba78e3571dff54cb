"""OpenAI's requests as older clients, compatible servers and short forms spell them."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.providers.openai_spellings import respell_chat, respell_responses

FUNCTION = {"name": "f", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
FORCED = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("wire", "same"),
    [
        ({"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"max_tokens": 9, "max_completion_tokens": 8}, {"max_tokens": 9, "max_completion_tokens": 8}),
        ({"functions": [FUNCTION], "function_call": {"name": "f"}}, {"tools": [TOOL], "tool_choice": FORCED}),
        ({"functions": [FUNCTION], "function_call": "auto"}, {"tools": [TOOL], "tool_choice": "auto"}),
        ({"tools": [{"type": "function", "function": {**FUNCTION, "description": None, "strict": None}}]},
         {"tools": [TOOL]}),
        ({"tools": [{"function": FUNCTION}], "tool_choice": {"function": {"name": "f"}}},
         {"tools": [TOOL], "tool_choice": FORCED}),
        ({"tools": [{"type": "openrouter:web_search"}], "tool_choice": "any"},
         {"tools": [{"type": "openrouter:web_search"}], "tool_choice": "required"}),
        ({"stream": True, "stream_options": {}, "n": 1, "tools": [], "stop": None}, {}),
        ({"response_format": {"type": "text"}}, {}),
        ({"max_tokens": "9"},) * 2,
        ({"n": 2, "stop": "", "web_search_options": {}},) * 2,
        ({"functions": "odd", "tools": "odd", "tool_choice": []},) * 2,
    ],
)  # fmt: skip
def test_a_wire_of_chat_is_spelled_as_ours(wire: Any, same: Any) -> None:
    assert respell_chat(wire) == same
    assert respell_chat(same) == same


@pytest.mark.parametrize(
    ("wire", "same"),
    [
        ({"input": "hi"}, {"input": [{"role": "user", "content": "hi"}]}),
        ({"instructions": "be terse", "input": "hi"},
         {"input": [{"role": "system", "content": "be terse"}, {"role": "user", "content": "hi"}]}),
        ({"instructions": "", "stream": True, "tools": [], "text": {"format": {"type": "text"}}}, {}),
        ({"instructions": [], "input": {}}, {"input": {}}),
        ({"instructions": "be terse", "input": {}},) * 2,
        ({"tools": [{"type": "function", **FUNCTION, "description": None}, {"type": "x", "y": None}, "odd"]},
         {"tools": [{"type": "function", **FUNCTION}, {"type": "x", "y": None}, "odd"]}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}},) * 2,
    ],
)  # fmt: skip
def test_a_wire_of_responses_is_spelled_as_ours(wire: Any, same: Any) -> None:
    assert respell_responses(wire) == same
    assert respell_responses(same) == same
