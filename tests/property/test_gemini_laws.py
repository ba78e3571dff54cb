"""The laws of the Gemini adapter, on generated wires, requests, answers and streams."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import Json, MediaRef, lift, lower
from plcli.paths import find, place
from plcli.providers import answer, gemini
from plcli.providers.roundtrip import same
from plcli.providers.turns import parse_object
from plcli.request import (
    Audio,
    BuiltinTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.property import gemini_wires as wires
from tests.property.wires import json_values, words
from tests.support.gemini_streams import gemini_events

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TARGET = Target(gemini.OPERATION, "m")
CHOICE = "toolConfig.functionCallingConfig.mode"

WEATHER = json.loads(
    """{"contents": [
      {"role": "user", "parts": [{"text": "Weather in Oslo and Rome?"}]},
      {"role": "model", "parts": [
        {"functionCall": {"id": "f1", "name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "Cs…"},
        {"functionCall": {"id": "f2", "name": "get_weather", "args": {"city": "Rome"}}}]},
      {"role": "user", "parts": [
        {"functionResponse": {"id": "f1", "name": "get_weather", "response": {"output": {"t": 3}}}},
        {"functionResponse": {"id": "f2", "name": "get_weather", "response": {"output": {"t": 19}}}}]}],
    "tools": [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": {"type": "object"}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "system_instruction": {"parts": {"text": "snake"}}, "generation_config": {"top_k": null}, "cachedContent": null}"""
)


def stream(events: list[Any]) -> list[WireEvent]:
    return [WireEvent(event) for event in events]


@laws
@given(wire=wires.wires | st.dictionaries(words, json_values, max_size=4))
def test_a_wire_comes_back_from_its_request(wire: Json) -> None:
    compiled = gemini.compile(gemini.uncompile(wire, TARGET))
    assert same(compiled.wire, wire)
    assert compiled.target == TARGET
    assert all(loss.path == "body.generationConfig.candidateCount" for loss in compiled.losses)


def test_a_recorded_wire_comes_back_and_is_understood() -> None:
    request = gemini.uncompile(WEATHER, TARGET)
    assert same(gemini.compile(request).wire, WEATHER)
    assert [message.role for message in request.messages] == ["user", "assistant", "tool"]
    assert request.body.keys() == {"system_instruction", "generation_config", "cachedContent"}


@laws
@given(request=wires.requests)
def test_a_request_comes_back_from_its_wire(request: Request) -> None:
    compiled = gemini.compile(request)
    assert compiled.losses == ()
    assert gemini.uncompile(compiled.wire, compiled.target) == normal(request)


@laws
@given(body=wires.bodies, chunk=st.integers(1, 5))
def test_a_stream_reads_like_the_plain_answer(body: Json, chunk: int) -> None:
    folded = gemini.fold(stream(gemini_events(body, chunk)))
    assert folded.complete
    first, *others = folded.body["candidates"]
    plain_first, *plain_others = body["candidates"]
    # Where a text is cut before its signature tells nothing, but stays in what is not read.
    assert len(others) == len(plain_others)
    folded_alone, plain_alone = {**folded.body, "candidates": [first]}, {**body, "candidates": [plain_first]}
    assert gemini.read(folded_alone) == gemini.read(plain_alone)


@laws
@given(body=wires.bodies, chunk=st.integers(1, 5), data=st.data())
def test_a_cut_stream_is_an_error_with_what_came(body: Json, chunk: int, data: st.DataObject) -> None:
    events = gemini_events({**body, "candidates": body["candidates"][:1]}, chunk)
    folded = gemini.fold(stream(events[: data.draw(st.integers(1, len(events) - 1))]))
    assert not folded.complete
    assert gemini.read(folded.body).state == "error"


@laws
@given(wire=wires.wires, body=wires.bodies, turns=wires.turns)
def test_the_next_turn_starts_with_the_old_turns(wire: Json, body: Json, turns: Any) -> None:
    old = wire.get("contents", [])
    before = [*(old if isinstance(old, list) else []), body["candidates"][0]["content"]]
    following = gemini.next_turn(wire, body, turns, "echo")
    assert same(following["contents"][: len(before)], before)
    before_choice, choice = (find(each, CHOICE) for each in (wire, following))
    answers = any(isinstance(part, ToolResult) for turn in turns for part in turn.parts)
    if answers and before_choice == "ANY":
        assert choice in ("AUTO", "VALIDATED")
        following = place(following, CHOICE, "ANY")
    assert {**following, "contents": None} == {**wire, "contents": None}


@laws
@given(data=st.binary(max_size=40), urlsafe=st.booleans(), padded=st.booleans(), snake=st.booleans())
def test_media_of_an_answer_come_back_byte_for_byte(data: bytes, urlsafe: bool, padded: bool, snake: bool) -> None:
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    blob = {"mimeType": "image/png", "data": text if padded else text.rstrip("=")}
    wire = {"candidates": [{"content": {"parts": [{"inline_data" if snake else "inlineData": blob}]}}]}
    lifted, found = lift(wire, gemini.MEDIA)
    assert list(found.values()) == ([data] if data else [])
    assert lower(lifted, found.__getitem__) == wire


@laws
@given(bodies=st.lists(wires.hostile_bodies, max_size=5))
def test_no_stream_breaks_fold_progress_or_read(bodies: list[Json]) -> None:
    for event in stream(bodies):
        gemini.progress(event)
    folded = gemini.fold(stream(bodies))
    with suppress(CallFailed):
        response = gemini.read(folded.body)
        response.model_dump_json()
        several = len(folded.body.get("candidates") or ()) > 1
        assert folded.complete or several or response.state not in ("ok", "tool_calls")


@laws
@given(body=wires.hostile_bodies)
def test_no_body_breaks_read_or_the_next_turn(body: Json) -> None:
    with suppress(CallFailed):
        gemini.read(body).model_dump_json()
    gemini.next_turn({"contents": None}, body, (), "echo")


@laws
@given(body=wires.bodies, chunk=st.integers(1, 9), data=st.data())
def test_cut_or_damaged_bytes_are_never_a_false_success(body: Json, chunk: int, data: st.DataObject) -> None:
    lowered = lower({**body, "candidates": body["candidates"][:1]}, lambda digest: digest.encode())
    sent = b"".join(b"data: %s\r\n\r\n" % json.dumps(event).encode() for event in gemini_events(lowered, chunk))
    damaged = bytearray(sent[: data.draw(st.integers(1, len(sent)))])
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=3)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    with suppress(CallFailed):
        folded = gemini.fold(answer.read([bytes(damaged)], "text/event-stream"))
        response = gemini.read(lift(folded.body, gemini.MEDIA)[0])
        json.dumps(response.model_dump())
        assert folded.complete or response.state not in ("ok", "tool_calls")


@laws
@given(
    message=wires.messages("assistant", wires.spoken)
    | wires.messages("user", wires.foreign_contents | wires.foreign_parts)
)
def test_loosened_turns_hold_nothing_native(message: Message) -> None:
    loosened = gemini.loosen(message)
    parts = [part for turn in loosened.messages for part in turn.parts]
    inside = [piece for part in parts if isinstance(part, ToolResult) for piece in part.content]
    assert not any(isinstance(part, Native) for part in [*parts, *inside])
    assert all(loss.path.startswith("content[") for loss in loosened.losses)
    natives = sum(isinstance(part, Native) for part in message.parts)
    assert natives or loosened.messages == (() if not message.parts else (message,))


# The normal form of a request: what its wire can tell.


def normal(request: Request) -> Request:
    """The request as its own wire reads: equal wires, equal requests."""
    strict = any(isinstance(tool, FunctionTool) and tool.strict for tool in request.tools)
    choice = request.tool_choice
    if choice is not None:
        names = () if choice.mode == "none" else choice.tools
        choice = ToolChoice(choice.mode, names, forced=choice.mode == "required" and len(names) == 1)
    validated = strict and choice in (None, ToolChoice("auto"))
    stop = request.params.get("stop")
    params = {**request.params, "stop": [stop]} if isinstance(stop, str) else request.params
    return request._replace(
        messages=gathered(request.messages),
        tools=tuple(plain_tools(request.tools, True if validated else None)),
        tool_choice=None if validated else choice,
        parallel_tool_calls=None,
        output=request.output and request.output._replace(name="answer", strict=None),
        params=params,
    )


def plain_tools(tools: tuple[Tool, ...], strict: bool | None) -> list[Tool]:
    """All functions where the first one stands; built-in tools by their snake-case type."""
    functions: list[Tool] = [tool._replace(strict=strict) for tool in tools if isinstance(tool, FunctionTool)]
    listed: list[Tool] = []
    for tool in tools:
        if isinstance(tool, BuiltinTool):
            kind = {"codeExecution": "code_execution"}.get(tool.item["type"], tool.item["type"])
            listed.append(BuiltinTool({**tool.item, "type": kind}))
        elif functions:
            listed += functions
            functions = []
    return listed


def gathered(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """System messages are one, adjacent tool messages are one, and a native content is a message of its own."""
    system = [message for message in messages if message.role in ("system", "developer")]
    joined = [Message("system", tuple(part for message in system for part in message.parts))] if system else []
    for message in messages:
        if message in system:
            continue
        parts = tuple(plain(part) for part in message.parts)
        results = bool(parts) and all(isinstance(part, ToolResult) for part in parts)
        if parts and all(isinstance(part, Native) and "parts" in part.item for part in parts):
            joined += [Message("user", (part,)) for part in parts]
        elif results and joined and joined[-1].role == "tool":
            joined[-1] = Message("tool", (*joined[-1].parts, *parts))
        else:
            joined.append(Message(message.role, parts))
    return tuple(joined)


def plain(part: Part) -> Part:
    if isinstance(part, ToolCall) and isinstance(part.arguments, str):
        return replace(part, arguments=parse_object(part.arguments))
    if isinstance(part, ToolResult) and not isinstance(part.content, str):
        said = "\n".join(piece.text for piece in part.content if isinstance(piece, Text))
        media = tuple(plain(piece) for piece in part.content if not isinstance(piece, Text))
        if not media:
            return replace(part, content=said)
        texts = (Text(said),) if len(media) < len(part.content) else ()
        return replace(part, content=(*texts, *media))
    if isinstance(part, Image | File | Audio) and isinstance(part.source, MediaRef):
        source = part.source
        if source.encoding == "data-url":
            source = MediaRef(source.digest, source.mime)
        return File(source) if isinstance(part, File) else replace(part, source=source)
    return part
