"""Runs in rounds against servers that answer oddly: calls cut off, without arguments or ids, the same call for ever."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from plcli.exchange import Target, key_of
from plcli.records import line, parse
from plcli.traffic import wire_requests
from tests.support.loopback import sse
from tests.support.tool_loop import (
    CHAT,
    GEMINI,
    GOTHAM,
    OSLO,
    RESPONSES,
    ROME,
    TOOL,
    Api,
    Json,
    Loop,
    completion,
    free_form_call,
    said,
    write_json,
)

HANDLED = {**{key: value for key, value in TOOL.items() if key != "stubs"}, "command": ["touch", "ran"]}

PLAIN = pytest.mark.parametrize("stream", [False], ids=["plain"])


def tool(loop: Loop, name: str = "get_weather", **fields: Json) -> None:
    """The file of a tool, anew."""
    write_json(loop.folder / "tools" / f"{name}.json", {**TOOL, "name": name, **fields})


def with_reason(reason: str | None) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        ended = body.get("choices") or body["candidates"]
        ended[0]["finish_reason" if "choices" in body else "finishReason"] = reason

    return change


def with_status(status: str, **fields: Json) -> Callable[[Json], None]:
    return lambda body: body.update(status=status, **fields)


ENDS: list[tuple[Api, str, Callable[[Json], None]]] = [
    (CHAT, "incomplete", with_reason("length")),
    (CHAT, "blocked", with_reason("content_filter")),
    (CHAT, "error", with_reason("error")),
    (CHAT, "error", lambda body: body.update(error={"message": "upstream is gone", "code": 502})),
    (RESPONSES, "incomplete", with_status("incomplete", incomplete_details={"reason": "max_output_tokens"})),
    (RESPONSES, "blocked", with_status("incomplete", incomplete_details={"reason": "content_filter"})),
    (RESPONSES, "error", with_status("failed", error={"code": "server_error", "message": "upstream is gone"})),
    (RESPONSES, "error", with_status("cancelled")),
    (RESPONSES, "error", with_status("in_progress")),
    (GEMINI, "incomplete", with_reason("MAX_TOKENS")),
    (GEMINI, "blocked", with_reason("SAFETY")),
    (GEMINI, "error", with_reason("MALFORMED_FUNCTION_CALL")),
    (GEMINI, "error", with_reason(None)),
]


@PLAIN
@pytest.mark.parametrize(
    ("loop", "state", "change"),
    ENDS,
    indirect=["loop"],
    ids=[f"{api}-{state}-{at}" for at, (api, state, _) in enumerate(ENDS)],
)
def test_calls_of_an_answer_that_is_not_whole_are_neither_answered_nor_sent_back(
    loop: Loop, state: str, change: Callable[[Json], None]
) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    change(called)
    loop.answer(called, loop.api.says("Cold."))
    loop.run()
    assert (loop.state(), loop.results, len(loop.server.received)) == (state, [], 1)
    outcome = loop.go_on("--tools", "stub")
    assert (outcome.code, "Cold." in outcome.out.splitlines(), loop.results) == (0, True, [])
    assert loop.turns(1) == loop.turns(0)


LAST = {"chat": '"finish_reason": "', "responses": '"response.completed"', "gemini": '"finishReason": "'}
"""What the event that ends the answer says, and no event before it."""


@pytest.mark.parametrize("stream", [True], ids=["streamed"])
def test_a_handler_runs_for_a_whole_stream_only(loop: Loop) -> None:
    write_json(loop.folder / "tools" / "get_weather.json", HANDLED)
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    events = loop.api.events(called, 9)
    cut = sse(event for event in events if LAST[loop.api.name] not in json.dumps(event)).removesuffix(sse(["[DONE]"]))
    for end in (*range(0, len(cut), len(cut) // 8), len(cut)):
        for broken in (True, False):
            loop.server.forget()
            loop.server.stream(cut if broken else cut[:end], cut_after=end if broken else None)
            assert loop.run(policy="run").code == 5
            assert not (loop.folder / "ran").exists()
    loop.server.forget()
    loop.answer(called, loop.api.says("Cold."))
    assert loop.run(policy="run").code == 0
    assert (loop.folder / "ran").exists()


ABSENT = object()
NOTHING = [(api, value) for api in (CHAT, RESPONSES) for value in ("", " ", "null", None, ABSENT)]


@PLAIN
@pytest.mark.parametrize(("loop", "value"), [*NOTHING, (GEMINI, None), (GEMINI, ABSENT)], indirect=["loop"])
def test_a_tool_without_parameters_is_called_with_nothing_however_a_server_writes_that(loop: Loop, value: Json) -> None:
    now = {"kind": "tool", "name": "now", "stubs": [{"when": {}, "return": "noon"}]}
    write_json(loop.folder / "tools" / "now.json", now)
    loop.write(tools=["now"])
    called = loop.api.calls(1, (("c1", "now", "{}"),))
    if loop.api is CHAT:
        call = called["choices"][0]["message"]["tool_calls"][0]["function"]
    else:
        call = called["output"][-1] if loop.api is RESPONSES else called["candidates"][0]["content"]["parts"][-1]
    call = call.get("functionCall", call)
    del call["args" if loop.api is GEMINI else "arguments"]
    if value is not ABSENT:
        call["args" if loop.api is GEMINI else "arguments"] = value
    loop.answer(called, loop.api.says("It is noon."))
    assert loop.run().code == 0
    (result,) = loop.results
    assert (result.arguments, result.result) == ({}, "noon")
    before = [*loop.turns(0), *loop.api.echoed(called)]
    assert loop.turns(1)[: len(before)] == before


def test_calls_that_have_no_ids_are_answered_in_their_order(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO), ("c2", "get_weather", ROME)))
    bare = _without_ids(called)
    loop.answer(bare, loop.api.says("Cold, warm."))
    assert loop.run().code == 0
    assert [(result.call_id, result.result) for result in loop.results] == [(None, {"t": 3}), (None, {"t": 19})]
    told = json.dumps(loop.turns(1)[len(loop.turns(0)) + len(loop.api.echoed(bare)) :])
    assert 0 < told.index("3") < told.index("19")


def _without_ids(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_ids(item) for key, item in value.items() if item not in ("c1", "c2")}
    return [_without_ids(item) for item in value] if isinstance(value, list) else value


def test_calls_that_share_an_id_are_answered_one_by_one_across_runs(loop: Loop) -> None:
    boss = {"name": "ask_boss", "parameters": {"type": "object", "properties": {}}}
    loop.write(tools=["get_weather", boss])
    calls = (
        ("c1", "ask_boss", "{}"),
        ("c1", "get_weather", OSLO),
        ("c1", "ask_boss", "{}"),
        ("c1", "get_weather", ROME),
    )
    called = loop.api.calls(1, calls)
    loop.answer(called, loop.api.says("Go."))
    assert loop.run("--tools", "ask_boss=stop").code == 0
    assert loop.go_on("--answer", 'ask_boss={"go":1}', "--answer", 'ask_boss={"go":2}').code == 0
    told = [{"go": 1}, {"t": 3}, {"go": 2}, {"t": 19}]
    assert loop.added(1, called) == [("c1", said(loop.api, value)) for value in told]


@PLAIN
def test_the_same_call_for_ever_ends_at_the_limit_and_goes_on_from_there(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(*[called] * 3, loop.api.says("Cold."))
    assert loop.run("--max-rounds", "2").code == 7
    assert (loop.state(), len(loop.record.exchanges), len(loop.results)) == ("tool_calls", 3, 2)
    assert loop.go_on("--tools", "stub").code == 0
    assert loop.added(3, called) == [("c1", said(loop.api, {"t": 3}))]


@PLAIN
def test_calls_that_wait_are_bounded_as_those_of_a_run_are(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO), ("c2", "get_weather", ROME)))
    loop.answer(called, loop.api.says("Cold."))
    assert loop.run(policy="stop").code == 0
    stopped = loop.go_on("--tools", "stub", "--max-calls", "1")
    assert (stopped.code, len(loop.server.received), len(loop.records)) == (7, 1, 1)
    assert "stopped at --max-calls 1" in stopped.err
    assert loop.go_on("--answer", 'c1={"t":3}', "--tools", "stub", "--max-calls", "2").code == 0


@PLAIN
def test_a_server_that_is_busy_between_rounds_is_asked_again(loop: Loop) -> None:
    model = loop.folder / "models" / "m.json"
    write_json(model, {**json.loads(model.read_text()), "retries": 1})
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called)
    loop.server.answer(429, json={"error": {"message": "busy", "code": 429}}, headers={"Retry-After": "0"})
    loop.answer(loop.api.says("Cold."))
    assert loop.run().code == 0
    assert loop.turns(2) == loop.turns(1)
    assert [len(exchange.attempts) for exchange in loop.record.exchanges] == [1, 2]
    assert len(loop.results) == 1


@pytest.mark.parametrize("delay", [60_000, 10**400], ids=["a minute", "an age"])
@PLAIN
def test_a_stub_that_takes_longer_than_a_call_may_is_told_to_the_model(loop: Loop, delay: int) -> None:
    tool(loop, stubs=[{"return": 1, "delay_ms": delay}])
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("Late."))
    assert loop.run("--tool-timeout", "0.02").code == 0
    told = "it took longer than 0.02 s, and was ended"
    assert loop.added(1, called) == [("c1", {"error": told})]
    assert (loop.results[0].error, loop.results[0].duration_ms) == (told, 20)


@PLAIN
@pytest.mark.parametrize("loop", [CHAT], ids=str, indirect=True)
def test_a_slow_stub_ends_with_the_run(loop: Loop) -> None:
    tool(loop, stubs=[{"return": 1, "delay_ms": 600_000}])
    loop.answer(loop.api.calls(1, (("c1", "get_weather", OSLO),)))
    assert loop.run("--deadline", "1").code == 5
    assert loop.record.error is not None
    assert (loop.record.error.kind, len(loop.server.received)) == ("timeout", 1)


def test_a_stubbed_run_sends_and_logs_the_same_again(loop: Loop) -> None:
    rounds = [
        loop.api.calls(1, (("c1", "get_weather", OSLO), ("c2", "get_whether", ROME))),
        loop.api.calls(2, (("c3", "get_weather", GOTHAM), ("c4", "get_weather", '{"city": 5}'))),
        loop.api.says("Done."),
    ]
    for _ in range(2):
        loop.answer(*rounds)
    outcomes = [loop.run() for _ in range(2)]
    bodies = [request.body for request in loop.server.received]
    assert bodies[:3] == bodies[3:]
    assert outcomes[0].out == outcomes[1].out
    first, second = loop.records
    assert first.tool_results == second.tool_results
    for record, raw in zip(loop.records, (loop.folder / "runs.jsonl").read_bytes().splitlines(), strict=True):
        target = [Target(exchange.operation, record.model or "") for exchange in record.exchanges]
        keys = [
            key_of(record.provider, record.api, *sent)
            for sent in zip(target, wire_requests(record.exchanges), strict=True)
        ]
        assert [exchange.key for exchange in record.exchanges] == keys
        assert len(set(keys)) == 3
        assert line(parse(raw)).encode() == raw


@PLAIN
def test_what_a_run_comes_to_is_that_of_all_its_rounds(loop: Loop) -> None:
    model = loop.folder / "models" / "m.json"
    write_json(model, {**json.loads(model.read_text()), "pricing": {"input": 1_000_000, "output": 2_000_000}})
    loop.write(
        output={"schema": {"type": "object", "properties": {"t": {"type": "integer"}}, "required": ["t"]}},
        expect=[
            {"tool_called": {"name": "get_weather", "arguments": {"city": "Oslo"}}},
            {"tool_called": {"name": "get_weather", "count": 2}},
            {"output": {"path": "t", "equals": 11}},
            {"tokens": {"equals": 45}},
            {"cost": {"equals": 60}},
        ],
    )
    rounds = [loop.api.calls(at, ((f"c{at}", "get_weather", city),)) for at, city in ((1, OSLO), (2, ROME))]
    loop.answer(*rounds, loop.api.says('{"t":11}'))
    assert loop.run().code == 0
    assert loop.record.response is not None
    assert loop.record.response.output == {"t": 11}
    assert [each.passed for each in loop.record.expectations or []] == [True] * 5


@PLAIN
def test_a_batch_that_missed_a_stub_is_resumed(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", '{"city": "Lima"}'),))
    loop.answer(called)
    assert loop.run("--repeat", "2").code == 7
    assert loop.record.batch is not None
    tool(loop, stubs=[{"return": {"t": 21}}])
    loop.server.forget()
    for _ in range(2):
        loop.answer(called, loop.api.says("Warm."))
    again = ("--repeat", "2", "--resume", loop.record.batch.id)
    assert loop.run(*again).code == 0
    assert loop.run(*again).err.startswith("nothing is left")
    assert len(loop.server.received) == 4


@PLAIN
def test_the_text_of_a_free_form_tool_is_logged_as_text_whoever_answers(loop: Loop) -> None:
    form = {"kind": "tool", "name": "sql", "format": {"type": "text"}}
    path = loop.folder / "tools" / "sql.json"
    write_json(path, {**form, "stubs": [{"when_schema": {"const": "select 2"}, "return": "two"}]})
    loop.write(model="openai/gpt-6", tools=["sql"])
    loop.answer(free_form_call(loop.api), loop.api.says("One."))
    assert loop.run(policy="stop").code == 0
    missed = loop.go_on("--tools", "stub")
    assert (missed.code, 'add {when_schema: {const: "select 1"}, return: …}' in missed.err) == (7, True)
    assert loop.go_on("--answer", 'c1="one"').code == 0
    (result,) = loop.results
    assert (result.arguments, result.result) == ("select 1", "one")


@pytest.mark.parametrize("loop", [GEMINI], ids=str, indirect=True)
def test_gemini_is_told_of_the_tool_that_it_was_not_given(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "list_files", "{}"),))
    with_reason("UNEXPECTED_TOOL_CALL")(called)
    loop.answer(called, loop.api.calls(2, (("c2", "get_weather", OSLO),)), loop.api.says("Cold."))
    assert loop.run().code == 0
    assert loop.added(1, called) == [("c1", {"error": "there is no tool 'list_files'; the tools are: get_weather"})]
    assert [result.result for result in loop.results] == [None, {"t": 3}]


@pytest.mark.parametrize("loop", [CHAT], ids=str, indirect=True)
def test_a_call_as_chat_wrote_it_before_calls_had_ids_is_answered_so_too(loop: Loop) -> None:
    loop.answer(
        completion({"content": None, "function_call": {"name": "get_weather", "arguments": OSLO}}, "function_call"),
        loop.api.says("Cold."),
    )
    assert loop.run().code == 0
    assert loop.turns(1)[-1] == {"role": "function", "name": "get_weather", "content": '{"t":3}'}


@PLAIN
def test_a_hundred_tools_with_names_at_the_limit_are_called_at_once(loop: Loop) -> None:
    names = [f"t{number:03}_".ljust(64, "x") for number in range(100)]
    for name in names:
        tool(loop, name, parameters=None, stubs=[{"return": name[:4]}])
    loop.write(tools=names)
    called = loop.api.calls(1, tuple((name[:4], name, "{}") for name in names))
    loop.answer(called, loop.api.says("Done."), called)
    assert loop.run().code == 0
    assert [(result.call_id, result.name, result.result) for result in loop.results] == [
        (name[:4], name, name[:4]) for name in names
    ]
    assert loop.run("--max-calls", "99").code == 7
    assert loop.results == []
