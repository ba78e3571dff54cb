"""Who answers the calls of a run: stubs and handlers of free-form tools, handlers at their limits, and the log."""

from __future__ import annotations

import json

import pytest

from tests.support.tool_loop import (
    CHAT,
    OSLO,
    RESPONSES,
    ROME,
    TOOL,
    Json,
    Loop,
    completion,
    response,
    said,
    write_json,
)

PLAIN = pytest.mark.parametrize("stream", [False], ids=["plain"])
GRAMMARS = {"regex": "[0-9]+", "lark": 'start: DIGIT+\nDIGIT: "0".."9"'}


def free_call(loop: Loop, round_: int, text: str) -> Json:
    """An answer that calls a free-form tool with a text."""
    if loop.api is CHAT:
        call = {"id": f"c{round_}", "type": "custom", "custom": {"name": "calc", "input": text}}
        return completion({"content": None, "tool_calls": [call]}, "tool_calls")
    return response(round_, {"type": "custom_tool_call", "call_id": f"c{round_}", "name": "calc", "input": text})


def told(loop: Loop, at: int) -> str:
    """What a request says that the free-form tool has answered."""
    turn = loop.turns(at)[-1]
    return str(turn["content" if loop.api is CHAT else "output"])


@pytest.mark.parametrize("syntax", GRAMMARS)
@pytest.mark.parametrize("policy", ["stub", "run"])
@pytest.mark.parametrize("loop", [CHAT, RESPONSES], ids=str, indirect=True)
def test_a_tool_with_a_grammar_gets_its_text_and_answers(loop: Loop, policy: str, syntax: str) -> None:
    form = {"type": syntax, "definition": GRAMMARS[syntax]}
    stubs = [{"when_schema": {"const": "12"}, "return": "12"}]
    handled = {"stubs": stubs} if policy == "stub" else {"command": ["cat"]}
    write_json(loop.folder / "tools" / "calc.json", {"kind": "tool", "name": "calc", "format": form, **handled})
    loop.write(tools=["calc"])
    loop.answer(free_call(loop, 1, "12"), loop.api.says("Twelve."))
    assert loop.run(policy=policy).code == 0
    grammar = {"syntax": syntax, "definition": GRAMMARS[syntax]}
    (sent,) = loop.server.received[0].json["tools"]
    if loop.api is CHAT:
        assert sent["custom"] == {"name": "calc", "format": {"type": "grammar", "grammar": grammar}}
    else:
        assert (sent["type"], sent["format"]) == ("custom", {"type": "grammar", **grammar})
    assert told(loop, 1) == "12"
    (result,) = loop.results
    assert (result.arguments, result.result, result.source) == ("12", "12", policy)


@PLAIN
@pytest.mark.parametrize("loop", [CHAT, RESPONSES], ids=str, indirect=True)
def test_text_that_does_not_fit_its_expression_is_told_to_the_model_which_tries_again(loop: Loop) -> None:
    form = {"type": "regex", "definition": "[0-9]+"}
    tool = {"kind": "tool", "name": "calc", "format": form, "command": ["cat"]}
    write_json(loop.folder / "tools" / "calc.json", tool)
    loop.write(tools=["calc"])
    loop.answer(free_call(loop, 1, "12; rm"), free_call(loop, 2, "12"), loop.api.says("Twelve."))
    assert loop.run(policy="run").code == 0
    assert "the arguments are wrong" in json.loads(told(loop, 1))["error"]
    assert told(loop, 2) == "12"


@PLAIN
def test_a_handler_that_answers_too_much_is_ended_and_the_model_is_told(loop: Loop) -> None:
    much = {**TOOL, "stubs": [], "command": ["head", "-c", "2000000", "/dev/zero"]}
    write_json(loop.folder / "tools" / "get_weather.json", much)
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("Too much."))
    assert loop.run(policy="run").code == 0
    error = "it wrote more than 1 MB, and was ended"
    assert loop.added(1, called) == [("c1", {"error": error})]
    assert (loop.results[0].error, loop.results[0].result) == (error, None)


@pytest.mark.parametrize("loop", [RESPONSES], ids=str, indirect=True)
def test_a_conversation_that_the_server_keeps_goes_on_from_its_first_answer(loop: Loop) -> None:
    loop.write(chain="server")
    loop.answer(loop.api.calls(1, (("c1", "get_weather", OSLO),)), loop.api.says("Cold."), loop.api.says("Bye."))
    assert loop.run(policy="stop").code == 0
    assert loop.go_on("--tools", "stub").code == 0
    assert loop.go_on("--message", "Thanks").code == 0
    first, second, third = (request.json for request in loop.server.received)
    assert "previous_response_id" not in first
    assert (second["previous_response_id"], loop.api.results(second["input"])) == ("resp_1", [("c1", {"t": 3})])
    assert (third["previous_response_id"], len(third["input"])) == ("resp_9", 1)
    assert all(wire.get("store") is not False for wire in (first, second, third))


@PLAIN
def test_the_log_answers_what_it_was_asked_before_and_nothing_else(loop: Loop) -> None:
    called, other = (loop.api.calls(at, ((f"c{at}", "get_weather", city),)) for at, city in ((1, OSLO), (2, ROME)))
    loop.answer(called, loop.api.says("Cold."), called, other)
    assert loop.run().code == 0
    write_json(loop.folder / "tools" / "get_weather.json", {**TOOL, "stubs": [{"return": {"t": 99}}]})
    outcome = loop.go_on("--message", "Again?", "--tools", "history")
    assert outcome.code == 7
    assert "the logged run has no answer to get_weather(" in outcome.err
    assert "Rome" in outcome.err
    assert loop.added(3, called) == [("c1", said(loop.api, {"t": 3}))]
    assert [(result.source, result.result) for result in loop.results] == [("history", {"t": 3})]
