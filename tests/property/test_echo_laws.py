"""The laws of an adapter, for echo: nothing is lost on the way, and streams mean what bodies mean."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import MediaRef
from plcli.providers import echo
from plcli.providers.registry import Call, Tap
from plcli.providers.roundtrip import same
from plcli.request import (
    Audio,
    BuiltinTool,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Output,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)

relaxed = settings(deadline=None)

refs = st.builds(MediaRef, st.just("sha256:" + "0" * 64), st.sampled_from(["image/png", "audio/wav"]))
words = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | words | refs
jsons = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)


def near(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Objects with some of these fields, each now and then of any type, and perhaps one more."""
    optional = {name: st.one_of(field, field, field, jsons) for name, field in fields.items()}
    return st.builds(
        lambda known, more: {**more, **known},
        st.fixed_dictionaries({}, optional=optional),
        st.just({}) | st.dictionaries(words, jsons, max_size=1),
    )


parts = st.deferred(
    lambda: (
        near(type=st.just("text"), text=words, phase=words)
        | near(type=st.just("image"), source=refs | words, detail=words)
        | near(type=st.just("tool_call"), id=words, name=words, arguments=st.dictionaries(words, jsons, max_size=2))
        | near(type=st.just("tool_result"), id=words, content=words | st.lists(jsons, max_size=2))
        | jsons
    )
)
roles = st.sampled_from(["system", "developer", "user", "assistant", "tool"])
messages = near(role=roles, content=words | st.lists(parts, max_size=3))
tools = (
    near(type=st.just("function"), name=words, description=words, parameters=jsons, strict=st.booleans())
    | near(type=st.just("custom"), name=words, syntax=st.sampled_from(["regex", "lark"]), explicit_text=st.booleans())
    | near(type=st.just("web_search"))
)
modes = st.sampled_from(["auto", "none", "required"])
wires = near(
    model=st.just("m"),
    messages=st.lists(messages, max_size=3),
    tools=st.lists(tools, max_size=2),
    tool_choice=modes | near(mode=modes, tools=st.lists(words, max_size=2), forced=st.booleans()),
    parallel_tool_calls=st.booleans(),
    chain=st.sampled_from(["server", "echo"]),
    output=near(name=words, schema=jsons, strict=st.booleans(), description=words),
    image=near(size=words),
    params=near(temperature=st.floats(0, 2), stop=st.lists(words, max_size=2), seed=st.integers(0, 9)),
    script=jsons,
)


@given(wires)
@relaxed
def test_a_wire_comes_back_exactly(wire: dict[str, object]) -> None:
    target = Target("echo", "m")
    compiled = echo.compile(echo.uncompile(wire, target))
    assert same(compiled.wire, wire)
    assert compiled.target == target
    assert compiled.losses == ()


neutral_parts = (
    st.builds(Text, words, st.none() | st.sampled_from(["commentary", "final_answer"]))
    | st.builds(Image, refs | words, st.none() | words)
    | st.builds(File, refs | words, st.none() | words)
    | st.builds(Audio, refs, words)
    | st.builds(ToolCall, st.none() | words, words, words | st.dictionaries(words, jsons, max_size=2))
    | st.builds(ToolResult, st.none() | words, words | st.tuples(st.builds(Text, words)), st.none() | words)
)
natives = st.builds(lambda item: Native({"type": "foreign", "item": item}), jsons)
neutral_messages = st.builds(Message, roles, st.lists(neutral_parts, max_size=3).map(tuple)) | st.builds(
    Message, st.just("user"), st.tuples(natives)
)
neutral_tools = (
    st.builds(
        FunctionTool,
        words,
        st.none() | words,
        st.none() | st.dictionaries(words, words, max_size=2),
        st.none() | st.booleans(),
    )
    | st.builds(
        CustomTool,
        words,
        st.none() | words,
        st.none() | st.sampled_from(["regex", "lark"]),
        st.none() | words,
        st.booleans(),
    )
    | st.builds(BuiltinTool, st.just({"type": "web_search"}))
)
requests = st.builds(
    lambda **fields: Request(**fields),
    provider=st.just("echo"),
    api=st.just("echo"),
    model=words,
    messages=st.lists(neutral_messages, max_size=3).map(tuple),
    tools=st.lists(neutral_tools, max_size=2).map(tuple),
    tool_choice=st.none() | modes.map(ToolChoice) | st.builds(ToolChoice, modes, st.tuples(words), st.booleans()),
    parallel_tool_calls=st.none() | st.booleans(),
    chain=st.sampled_from(["echo", "server"]),
    output=st.none() | st.builds(Output, words, st.dictionaries(words, words, max_size=2), st.none() | st.booleans()),
    params=st.fixed_dictionaries({}, optional={"temperature": st.floats(0, 2), "top_k": st.integers(1, 9)}),
    image=st.none() | st.dictionaries(words, words, max_size=2),
    script=st.none() | st.just([{"text": "hi"}]),
)


@given(requests)
@relaxed
def test_a_request_comes_back_exactly(request: Request) -> None:
    compiled = echo.compile(request)
    assert echo.uncompile(compiled.wire, compiled.target) == request


@given(requests, st.dictionaries(words, jsons, max_size=2))
@relaxed
def test_body_is_merged_last_and_survives_the_way_back(request: Request, body: dict[str, object]) -> None:
    compiled = echo.compile(request._replace(body=body))
    again = echo.compile(echo.uncompile(compiled.wire, compiled.target))
    assert same(again.wire, compiled.wire)


steps = st.one_of(
    st.fixed_dictionaries({"text": st.text(max_size=40)}),
    st.fixed_dictionaries({"commentary": st.text(max_size=40)}),
    st.fixed_dictionaries({"reasoning": st.text(max_size=40)}),
    st.fixed_dictionaries({"refusal": st.text(max_size=40)}),
    st.fixed_dictionaries(
        {
            "tool_call": st.fixed_dictionaries(
                {"name": words}, optional={"arguments": st.dictionaries(words, words), "id": words}
            )
        }
    ),
    st.fixed_dictionaries({"image": st.fixed_dictionaries({"source": refs}, optional={"revised_prompt": words})}),
    st.fixed_dictionaries({"finish": st.sampled_from(["stop", "length", "content_filter"])}),
    st.fixed_dictionaries(
        {"usage": st.dictionaries(st.sampled_from(["input_tokens", "output_tokens"]), st.integers(0, 9))}
    ),
)
scripts = st.lists(steps, max_size=5) | st.lists(st.lists(steps, max_size=4), min_size=1, max_size=3)


def call(stream: bool) -> Call:
    return Call(read_media=lambda digest: b"", tap=Tap(), stream=stream)


def wire_of(script: object) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "script": script}


@given(scripts)
@relaxed
def test_a_stream_means_what_the_body_means_and_is_always_the_same(script: object) -> None:
    wire, target = wire_of(script), Target("echo", "m")
    streamed = list(echo.send(wire, target, call(stream=True)))
    [plain] = echo.send(wire, target, call(stream=False))
    folded = echo.fold(streamed)
    assert plain.whole
    assert folded.complete
    assert folded.body == plain.data
    assert echo.read(folded.body) == echo.read(plain.data)
    assert streamed == list(echo.send(wire, target, call(stream=True)))


@given(scripts, st.data())
@relaxed
def test_a_stream_may_be_cut_anywhere(script: object, data: st.DataObject) -> None:
    events = list(echo.send(wire_of(script), Target("echo", "m"), call(stream=True)))
    cut = data.draw(st.integers(0, len(events) - 1))
    folded = echo.fold(events[:cut])
    assert not folded.complete
    response = echo.read(folded.body)
    assert response.state == "error"
    whole = echo.read(echo.fold(events).body)
    assert all(part.type == other.type for part, other in zip(response.parts, whole.parts, strict=False))


@given(wires, scripts, st.lists(neutral_messages, max_size=2))
@relaxed
def test_the_next_turn_starts_with_the_old_turns(wire: dict[str, object], script: object, turns: list[Message]) -> None:
    [answer] = echo.send(wire_of(script), Target("echo", "m"), call(stream=False))
    old = wire.get("messages")
    after = echo.next_turn(wire, answer.data, turns, "echo")
    answers = any(isinstance(part, ToolResult) for turn in turns for part in turn.parts)
    choice = "tool_choice" if answers and after.get("tool_choice") != wire.get("tool_choice") else "messages"
    assert same({**after, "messages": old, choice: old}, {**wire, "messages": old, choice: old})
    if isinstance(old, list):
        assert same(after["messages"][: len(old)], old)
    assert echo.next_turn(wire, answer.data, turns, "server") == after


events = (
    near(
        type=st.sampled_from(["start", "part", "delta", "end", "error"]),
        part=parts,
        kind=st.sampled_from(["text", "refusal"]),
        text=words,
        finish_reason=words,
        usage=near(input_tokens=st.integers(-2, 2)),
        error=near(status=st.integers(0, 600), message=words),
    )
    | jsons
).map(WireEvent)


@given(st.lists(events, max_size=6))
@relaxed
def test_foreign_events_are_folded_and_read_without_a_crash(items: list[WireEvent]) -> None:
    for event in items:
        echo.progress(event)
    echo.read(echo.fold(items).body)


@given(
    near(
        parts=st.lists(parts, max_size=3), finish_reason=words, usage=near(input_tokens=st.integers(-2, 2)), error=jsons
    )
    | jsons
)
@relaxed
def test_reading_foreign_json_raises_nothing_but_a_protocol_failure(body: object) -> None:
    if isinstance(body, dict) and isinstance(body.get("parts"), list):
        echo.read(body)
    else:
        with pytest.raises(CallFailed) as raised:
            echo.read(body)
        assert raised.value.failure.kind == "protocol"


@given(
    near(
        script=jsons | st.lists(near(text=words, tool_call=near(name=words), delay_ms=st.just(0)), max_size=3),
        messages=st.lists(messages, max_size=2),
    )
)
@relaxed
def test_any_script_ends_in_an_answer_or_a_failure(wire: dict[str, object]) -> None:
    with suppress(CallFailed):
        echo.read(echo.fold(echo.send(wire, Target("echo", "m"), call(stream=True))).body)
