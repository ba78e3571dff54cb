"""Runs whose calls of tools are answered, on every api: what the server receives each round, and what is logged."""

from __future__ import annotations

import base64
import json

import pytest

from plcli.media import digest_of, lower
from plcli.traffic import wire_requests
from tests.support.tool_loop import (
    GEMINI,
    GOTHAM,
    OSLO,
    RESPONSES,
    ROME,
    TOOL,
    Json,
    Loop,
    free_form_call,
    response,
    said,
    write_json,
)


def test_one_call_is_answered_from_its_stub(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("Cold."))
    outcome = loop.run()
    assert (outcome.code, "Cold." in outcome.out.splitlines()) == (0, True)
    assert loop.added(1, called) == [("c1", said(loop.api, {"t": 3}))]
    first, second = (request.json for request in loop.server.received)
    assert {**second, loop.api.place: 0} == {**first, loop.api.place: 0}
    record = loop.record
    (result,) = loop.results
    assert (result.exchange, result.call_id, result.name, result.source) == (0, "c1", "get_weather", "stub")
    assert (result.arguments, result.result, result.error) == ({"city": "Oslo"}, {"t": 3}, None)
    assert [exchange.streamed for exchange in record.exchanges] == [loop.stream] * 2
    assert [exchange.status for exchange in record.exchanges] == [200, 200]
    switches = ("stream", "stream_options")
    sent = [{key: item for key, item in request.items() if key not in switches} for request in (first, second)]
    assert [lower(wire, loop.read) for wire in wire_requests(record.exchanges)] == sent
    assert record.usage is not None
    assert record.usage.total_tokens == 30
    assert record.response is not None
    types = [part.type for part in record.response.parts if part.type not in ("reasoning", "image")]
    assert types == ["text", "tool_call", "text"]


def test_parallel_calls_are_answered_in_one_turn_and_a_repeated_name_by_its_id(loop: Loop) -> None:
    calls = (("c1", "get_weather", OSLO), ("c2", "get_weather", ROME), ("c3", "get_weather", OSLO))
    called = loop.api.calls(1, calls)
    loop.answer(called, loop.api.says("Cold, warm, cold."))
    assert loop.run().code == 0
    told = [("c1", {"t": 3}), ("c2", {"t": 19}), ("c3", {"t": 3})]
    assert loop.added(1, called) == [(named, said(loop.api, value)) for named, value in told]
    assert [(result.call_id, result.result) for result in loop.results] == told
    if loop.api is GEMINI:
        assert len(loop.turns(1)) == len(loop.turns(0)) + 2


def test_a_chain_of_rounds_that_comes_letter_by_letter(loop: Loop) -> None:
    rounds = [
        loop.api.calls(1, (("c1", "get_weather", OSLO),)),
        loop.api.calls(2, (("c2", "get_weather", ROME), ("c3", "get_weather", OSLO))),
        loop.api.calls(3, (("c4", "get_weather", GOTHAM),)),
    ]
    told: list[list[tuple[str, Json]]]
    loop.answer(*rounds, loop.api.says("Done."), chunk=1)
    assert loop.run().code == 0
    told = [[("c1", {"t": 3})], [("c2", {"t": 19}), ("c3", {"t": 3})], [("c4", {"error": "no such city"})]]
    for at, (called, results) in enumerate(zip(rounds, told, strict=True), 1):
        assert loop.added(at, called) == [(named, said(loop.api, value)) for named, value in results]
    assert [(result.exchange, result.call_id) for result in loop.results] == [
        (0, "c1"),
        (1, "c2"),
        (1, "c3"),
        (2, "c4"),
    ]
    assert loop.results[-1].error == "no such city"
    assert (loop.state(), len(loop.record.exchanges)) == ("ok", 4)


def test_an_unknown_tool_is_told_to_the_model(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_whether", OSLO), ("c2", "get_weather", ROME)))
    loop.answer(called, loop.api.says("Warm."))
    assert loop.run().code == 0
    wrong, right = loop.added(1, called)
    assert wrong == ("c1", {"error": loop.results[0].error})
    assert "did you mean 'get_weather'?" in str(wrong)
    assert right == ("c2", said(loop.api, {"t": 19}))


def test_wrong_arguments_are_told_to_the_model_which_tries_again(loop: Loop) -> None:
    wrong = '{"city": 5}' if loop.api is GEMINI else '{"city": "Os'
    rounds = [loop.api.calls(at, (("c1", "get_weather", text),)) for at, text in ((1, wrong), (2, OSLO))]
    loop.answer(*rounds, loop.api.says("Cold."))
    assert loop.run().code == 0
    ((named, told),) = loop.added(1, rounds[0])
    assert (named, list(told)) == ("c1", ["error"])
    assert "the arguments are wrong" in told["error"]
    assert loop.added(2, rounds[1]) == [("c1", said(loop.api, {"t": 3}))]
    assert loop.results[0].arguments == ({"city": 5} if loop.api is GEMINI else wrong)


def test_a_picture_goes_back_where_the_api_takes_it_and_words_say_so_elsewhere(loop: Loop) -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    (loop.folder / "tools" / "map.png").write_bytes(data)
    parts = [{"type": "text", "text": "a map"}, {"type": "image", "source": "./map.png"}]
    write_json(loop.folder / "tools" / "get_weather.json", {**TOOL, "stubs": [{"return": {"content": parts}}]})
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("I see."))
    shown = loop.run()
    assert (shown.code, "  = a map\n    [image/png]  # stub" in shown.err) == (0, True)
    (kept,) = (loop.folder / "media").glob(f"{digest_of(data).removeprefix('sha256:')}.*")
    assert f"  = a map\n    {kept.relative_to(loop.folder)}  # stub" in loop.cli("log", "show", "last").err
    told = loop.turns(1)[-1]
    text = base64.b64encode(data).decode()
    if loop.api is GEMINI:
        answer = told["parts"][0]["functionResponse"]
        assert answer["response"] == {"output": "a map"}
        (blob,) = answer["parts"]
        sent = blob["inlineData"]["data"].translate(str.maketrans("-_", "+/"))
        assert (blob["inlineData"]["mimeType"], sent) == ("image/png", text)
    else:
        first, second = told["output" if loop.api is RESPONSES else "content"]
        assert first["text"] == "a map"
        if loop.api is RESPONSES:
            assert second == {"type": "input_image", "image_url": f"data:image/png;base64,{text}"}
        else:
            assert second == {"type": "text", "text": "[the chat api takes only text in a tool result]"}
    assert loop.results[0].result["content"][1]["source"]["$media"] == digest_of(data)
    assert loop.read(digest_of(data)) == data


def test_a_free_form_tool_gets_and_gives_text(loop: Loop) -> None:
    query = {"kind": "tool", "name": "sql", "format": {"type": "text"}, "stubs": [{"return": "one row"}]}
    write_json(loop.folder / "tools" / "sql.json", query)
    # On Gemini, which has no such tools, it becomes a function with one string when the request moves there.
    loop.write(model="openai/gpt-6", tools=["sql"])
    loop.answer(free_form_call(loop.api), loop.api.says("One."))
    assert loop.run().code == 0
    told = loop.turns(1)[-1]
    assert (
        told
        == {
            "chat": {"role": "tool", "tool_call_id": "c1", "content": "one row"},
            "responses": {"type": "custom_tool_call_output", "call_id": "c1", "output": "one row"},
            "gemini": {
                "role": "user",
                "parts": [{"functionResponse": {"id": "c1", "name": "sql", "response": {"output": "one row"}}}],
            },
        }[loop.api.name]
    )


def test_a_refusal_after_a_call_is_the_end_of_the_run(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, (("c1", "get_weather", OSLO),)), loop.api.refuses)
    assert loop.run().code == 4
    assert (loop.state(), len(loop.record.exchanges), len(loop.results)) == (loop.api.refused, 2, 1)


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "in the midst of the answer"])
def test_a_lost_connection_between_rounds_is_logged_and_gone_on_from(begun: bool, loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called)
    if begun:
        loop.server.stream(loop.api.events(loop.api.says("Cold and wet."), 1), cut_after=500, reset=True)
    else:
        loop.server.reset()
    loop.answer(loop.api.says("Cold."))
    outcome = loop.run()
    assert outcome.code == 5
    lost = loop.record
    assert lost.error is not None
    assert (lost.error.kind, len(lost.exchanges), [result.call_id for result in loop.results]) == (
        "connection",
        2,
        ["c1"],
    )
    outcome = loop.go_on("--tools", "stub")
    assert (outcome.code, "Cold." in outcome.out.splitlines()) == (0, True)
    assert loop.added(1, called) == [("c1", said(loop.api, {"t": 3}))]
    assert loop.turns(2) == loop.turns(1)
    assert (loop.record.parent, loop.state()) == (lost.id, "ok")


def test_a_run_that_stopped_at_a_call_goes_on_with_an_answer_of_a_person(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO), ("c2", "get_weather", ROME)))
    loop.answer(called, loop.api.says("Cold."))
    assert loop.run(policy="stop").code == 0
    assert (loop.state(), loop.results) == ("tool_calls", [])
    outcome = loop.go_on("--answer", 'c1={"t":-20}', "--tools", "stub")
    assert outcome.code == 0
    assert loop.added(1, called) == [("c1", said(loop.api, {"t": -20})), ("c2", said(loop.api, {"t": 19}))]
    assert [(result.call_id, result.source) for result in loop.results] == [("c1", "answer"), ("c2", "stub")]


def test_what_has_been_answered_waits_for_what_has_not(loop: Loop) -> None:
    boss = {"name": "ask_boss", "parameters": {"type": "object", "properties": {}}}
    loop.write(tools=["get_weather", boss])
    called = loop.api.calls(1, (("c1", "ask_boss", "{}"), ("c2", "get_weather", OSLO)))
    loop.answer(called, loop.api.says("Go."))
    assert loop.run("--tools", "ask_boss=stop").code == 0
    assert (loop.state(), [result.call_id for result in loop.results]) == ("tool_calls", ["c2"])
    assert loop.go_on("--answer", 'ask_boss={"go":true}').code == 0
    assert loop.added(1, called) == [("c1", said(loop.api, {"go": True})), ("c2", said(loop.api, {"t": 3}))]


def test_the_user_speaks_after_the_answer(loop: Loop) -> None:
    called, cold = loop.api.calls(1, (("c1", "get_weather", OSLO),)), loop.api.says("Cold.")
    loop.answer(called, cold, loop.api.says("Colder."))
    assert loop.run().code == 0
    assert loop.go_on("--message", "And tomorrow?").code == 0
    *before, asked = loop.turns(2)
    assert before == [*loop.turns(1), *loop.api.echoed(cold)]
    assert asked["role"] == "user"
    assert "And tomorrow?" in json.dumps(asked)


def test_a_forced_choice_is_free_after_the_first_round(loop: Loop) -> None:
    loop.write(tool_choice={"tool": "get_weather"})
    loop.answer(loop.api.calls(1, (("c1", "get_weather", OSLO),)), loop.api.says("Cold."))
    assert loop.run().code == 0
    choices = [request.json.get("tool_choice", request.json.get("toolConfig")) for request in loop.server.received]
    assert choices == {
        "chat": [{"type": "function", "function": {"name": "get_weather"}}, "auto"],
        "responses": [{"type": "function", "name": "get_weather"}, "auto"],
        "gemini": [
            {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": ["get_weather"]}}
            for mode in ("ANY", "VALIDATED")
        ],
    }[loop.api.name]  # fmt: skip


@pytest.mark.parametrize("loop", [RESPONSES], ids=str, indirect=True)
def test_a_conversation_that_the_server_keeps_gets_only_the_results(loop: Loop) -> None:
    loop.write(chain="server", body={"instructions": "Be terse."})
    rounds = [loop.api.calls(at, ((f"c{at}", "get_weather", OSLO),)) for at in (1, 2)]
    loop.answer(*rounds, loop.api.says("Cold."))
    assert loop.run().code == 0
    first, second, third = (request.json for request in loop.server.received)
    assert "previous_response_id" not in first
    assert [wire["previous_response_id"] for wire in (second, third)] == ["resp_1", "resp_2"]
    assert [loop.api.results(wire["input"]) for wire in (second, third)] == [
        [("c1", {"t": 3})],
        [("c2", {"t": 3})],
    ]
    for wire in (second, third):
        assert (wire["tools"], wire["instructions"]) == (first["tools"], "Be terse.")
        assert wire.get("store") is not False


@pytest.mark.parametrize("loop", [RESPONSES], ids=str, indirect=True)
def test_an_approval_waits_for_a_person_whatever_answers_the_tools(loop: Loop) -> None:
    asked = {
        "type": "mcp_approval_request", "id": "mcpr_1", "server_label": "deep", "name": "search",
        "arguments": '{"q":"x"}',
    }  # fmt: skip
    loop.write(tools=["get_weather", {"type": "mcp", "server_label": "deep", "server_url": "https://example.org/mcp"}])
    loop.answer(response(1, asked), loop.api.says("Found."))
    assert loop.run().code == 0
    assert (loop.state(), len(loop.server.received)) == ("tool_calls", 1)
    outcome = loop.go_on("--answer", 'mcpr_1={"approve":true}')
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "Found.")
    answer = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    assert loop.turns(1) == [*loop.turns(0), asked, answer]
    (result,) = loop.results
    assert (result.name, result.source, result.result) == ("mcp_approval", "answer", {"approve": True})
