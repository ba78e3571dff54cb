"""The laws of the OpenAI adapters, on generated wires, requests, answers and streams."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import Json, MediaRef
from plcli.paths import merge
from plcli.providers import openai_chat, openai_responses
from plcli.providers.roundtrip import rest, same, within
from plcli.providers.turns import arguments_value
from plcli.request import (
    Audio,
    BuiltinTool,
    File,
    Image,
    Message,
    Native,
    Part,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.property import wires
from tests.support.openai_streams import chat_events, responses_events

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
bodies = st.dictionaries(wires.words, wires.json_values, max_size=4)


def stream(events: list[Any]) -> list[WireEvent]:
    return [WireEvent(event) for event in events]


@laws
@given(wire=wires.responses_wires | bodies, model=st.sampled_from(["m", "other"]))
def test_a_responses_wire_comes_back_from_its_request(wire: Json, model: str) -> None:
    target = Target(openai_responses.OPERATION, model)
    compiled = openai_responses.compile(openai_responses.uncompile(wire, target))
    assert same(compiled.wire, wire)
    assert compiled.target == target


@laws
@given(wire=wires.chat_wires | bodies, model=st.sampled_from(["m", "other"]))
def test_a_chat_wire_comes_back_from_its_request(wire: Json, model: str) -> None:
    target = Target(openai_chat.OPERATION, model)
    compiled = openai_chat.compile(openai_chat.uncompile(wire, target))
    assert same(compiled.wire, wire)
    assert compiled.target == target


@laws
@given(request=wires.requests("responses"))
def test_a_request_comes_back_from_its_responses_wire(request: Request) -> None:
    compiled = openai_responses.compile(request)
    assert compiled.losses == ()
    assert openai_responses.uncompile(compiled.wire, compiled.target) == normal(request)


@laws
@given(request=wires.requests("chat"))
def test_a_request_comes_back_from_its_chat_wire(request: Request) -> None:
    compiled = openai_chat.compile(request)
    assert compiled.losses == ()
    assert openai_chat.uncompile(compiled.wire, compiled.target) == normal(request)


@laws
@given(body=wires.responses_bodies, chunk=st.integers(1, 5), emptied=st.booleans())
def test_a_responses_stream_reads_like_the_plain_answer(body: Json, chunk: int, emptied: bool) -> None:
    events = responses_events(body, chunk)
    if emptied:
        events[-1] = {**events[-1], "response": {**body, "output": []}}
    folded = openai_responses.fold(stream(events))
    assert folded.complete
    assert folded.body == body
    assert openai_responses.read(folded.body) == openai_responses.read(body)


@laws
@given(body=wires.chat_bodies, chunk=st.integers(1, 5))
def test_a_chat_stream_reads_like_the_plain_answer(body: Json, chunk: int) -> None:
    folded = openai_chat.fold(stream(chat_events(body, chunk)))
    assert folded.complete
    assert openai_chat.read(folded.body) == openai_chat.read(body)


@laws
@given(body=wires.responses_bodies, chunk=st.integers(1, 5), data=st.data())
def test_a_cut_responses_stream_is_an_error_with_what_came(body: Json, chunk: int, data: st.DataObject) -> None:
    events = responses_events(body, chunk)
    folded = openai_responses.fold(stream(events[: data.draw(st.integers(1, len(events) - 1))]))
    assert not folded.complete
    assert folded.body["status"] == "in_progress"
    assert openai_responses.read({"output": [], **folded.body}).state == "error"


@laws
@given(
    wire=wires.responses_wires,
    body=wires.responses_bodies,
    turns=wires.turns(phases=False),
)
def test_the_next_turn_of_responses_starts_with_the_old_turns(wire: Json, body: Json, turns: Any) -> None:
    old = wire.get("input", [])
    items = [{"role": "user", "content": old}] if isinstance(old, str) else old if isinstance(old, list) else []
    following = openai_responses.next_turn(wire, body, turns, "echo")
    before = [*items, *body["output"]]
    assert same(following["input"][: len(before)], before)
    assert only_unforced(following, wire, "input", turns)


@laws
@given(wire=wires.chat_wires, body=wires.chat_bodies, turns=wires.turns(phases=False))
def test_the_next_turn_of_chat_starts_with_the_old_turns(wire: Json, body: Json, turns: Any) -> None:
    old = wire.get("messages", [])
    before = [*(old if isinstance(old, list) else []), body["choices"][0]["message"]]
    following = openai_chat.next_turn(wire, body, turns, "echo")
    assert same(following["messages"][: len(before)], before)
    assert only_unforced(following, wire, "messages", turns)


def only_unforced(following: Json, wire: Json, place: str, turns: Any) -> bool:
    """Whether nothing but the new turns is new, and a choice that forced calls where these answer some."""
    answers = any(isinstance(part, ToolResult) for turn in turns for part in turn.parts)
    named = [wire.get("tool_choice"), following.get("tool_choice")]
    if answers and named[0] != named[1]:
        assert not any(forced in json.dumps(named[1], default=str) for forced in ('"required"', '"any"'))
        return same({**following, place: 0, "tool_choice": 0}, {**wire, place: 0, "tool_choice": 0})
    return same({**following, place: 0}, {**wire, place: 0})


@laws
@given(body=wires.responses_bodies, told=wires.words | st.builds(json.dumps, wires.json_values))
def test_what_waits_for_the_client_is_answered_by_its_id(body: Json, told: str) -> None:
    output = [{**item, "id": f"id_{at}", "call_id": f"call_{at}"} for at, item in enumerate(body["output"])]
    before = openai_responses.read({**body, "output": output}).tool_calls
    calls = [call for call in before if call.native is not None]
    turns = [Message("tool", tuple(ToolResult(call.id, told, call.name) for call in calls))] if calls else []
    answers = openai_responses.next_turn({}, {"output": output}, turns, "echo")["input"][len(output) :]
    assert [item.get("call_id", item.get("approval_request_id")) for item in answers] == [call.id for call in calls]
    after = openai_responses.read({**body, "output": [*output, *answers]}).tool_calls
    assert after == tuple(call for call in before if call.native is None)


@laws
@given(events=st.lists(wires.hostile_responses_events, max_size=6))
def test_no_responses_stream_breaks_fold_progress_or_read(events: list[Json]) -> None:
    for event in stream(events):
        openai_responses.progress(event)
    read_or_fail(openai_responses, openai_responses.fold(stream(events)).body)


@laws
@given(events=st.lists(wires.hostile_chat_events, max_size=6))
def test_no_chat_stream_breaks_fold_progress_or_read(events: list[Json]) -> None:
    for event in stream(events):
        openai_chat.progress(event)
    read_or_fail(openai_chat, openai_chat.fold(stream(events)).body)


@laws
@given(body=wires.hostile_responses_bodies)
def test_no_responses_body_breaks_read(body: Json) -> None:
    read_or_fail(openai_responses, body)
    openai_responses.next_turn({"model": "m"}, body, (), "echo")


@laws
@given(body=wires.hostile_chat_bodies)
def test_no_chat_body_breaks_read(body: Json) -> None:
    read_or_fail(openai_chat, body)
    openai_chat.next_turn({"model": "m"}, body, (), "echo")


@laws
@given(under=wires.json_values, over=wires.json_values)
def test_what_is_beyond_a_part_completes_it(under: Json, over: Json) -> None:
    whole = merge(under, over)
    if isinstance(whole, dict) and isinstance(over, dict):
        assert within(over, whole)
        assert same(merge(over, rest(whole, over)), whole)


def read_or_fail(adapter: Any, body: Json) -> None:
    with suppress(CallFailed):
        adapter.read(body).model_dump_json()


# The normal form of a request: what its wire can tell.


def normal(request: Request) -> Request:
    """The request as its own wire reads: equal wires, equal requests."""
    responses = request.api == "responses"
    choice = request.tool_choice
    if choice is not None and (choice.mode == "none" or not choice.tools):
        choice = ToolChoice(choice.mode)
    image = request.image
    if image is not None:
        image = {key: data_url(item) if key == "mask" else item for key, item in image.items()}
    return request._replace(
        messages=gathered((turn for message in request.messages for turn in split(message, responses)), responses),
        tools=tuple(tool if not isinstance(tool, BuiltinTool) else BuiltinTool(tool.item) for tool in request.tools),
        tool_choice=choice,
        image=image,
    )


def split(message: Message, responses: bool) -> list[Message]:
    """One message for each item or message of the wire."""
    parts = tuple(map(plain, message.parts))
    if parts and all(isinstance(part, Native) for part in parts):
        return [Message("assistant" if responses else "user", (part,)) for part in parts]
    if message.role == "tool":
        return [Message("tool", (part,)) for part in parts]
    if message.role != "assistant" or not parts:
        return [Message(message.role, parts)]
    if not responses:
        calls = [part for part in parts if isinstance(part, ToolCall)]
        return [Message("assistant", (*(part for part in parts if part not in calls), *calls))]
    runs: list[list[Part]] = []
    for part in parts:
        last = runs[-1][-1] if runs else None
        if isinstance(part, Text) and isinstance(last, Text) and part.phase == last.phase:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [Message("assistant", tuple(run)) for run in runs]


def gathered(messages: Any, responses: bool) -> tuple[Message, ...]:
    """Adjacent results are one message, and on Responses the items of one assistant turn are."""
    joined: list[Message] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last is not None and last.role == message.role and last.parts and message.parts:
            before, after = last.parts[-1], message.parts[0]
            results = isinstance(before, ToolResult)
            responses_turn = (
                responses
                and message.role == "assistant"
                and not isinstance(before, Native)
                and not isinstance(after, Native)
                and (isinstance(before, ToolCall) or isinstance(after, ToolCall) or before.phase != after.phase)
            )
            if results or responses_turn:
                joined[-1] = Message(last.role, (*last.parts, *message.parts))
                continue
        joined.append(message)
    return tuple(joined)


def plain(part: Part) -> Part:
    if isinstance(part, ToolCall) and isinstance(part.arguments, str):
        return replace(part, arguments=arguments_value(part.arguments))
    if isinstance(part, ToolResult):
        return replace(part, name=None)
    if isinstance(part, Image | File):
        return replace(part, source=data_url(part.source))
    if isinstance(part, Audio) and part.source.encoding != "base64":
        return replace(part, source=MediaRef(part.source.digest, part.source.mime))
    return part


def data_url(source: Any) -> Any:
    if isinstance(source, str) or source.encoding == "data-url":
        return source
    return MediaRef(source.digest, source.mime, "data-url")
