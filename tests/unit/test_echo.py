from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from plcli.errors import Exit, SpecError
from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import MediaRef
from plcli.providers import echo
from plcli.providers.registry import PROVIDERS, Call, Tap, adapter
from plcli.request import Message, Request, Text, ToolResult
from plcli.response import Event, Response, TextPart

TARGET = Target("echo", "parrot")
PICTURE = MediaRef("sha256:" + "a" * 64, "image/png")


def wire(script: object = None, *messages: Mapping[str, object]) -> dict[str, object]:
    body: dict[str, object] = {"model": "parrot", "messages": list(messages) or [{"role": "user", "content": "hi you"}]}
    return body if script is None else {**body, "script": script}


def call(**given: object) -> Call:
    tap = Tap(attempt=int(str(given.pop("attempt", 1))))
    return Call(read_media=lambda digest: b"", tap=tap, **given)  # type: ignore[arg-type]


def answer(body: dict[str, object], **given: object) -> Response:
    return echo.read(echo.fold(echo.send(body, TARGET, call(**given))).body)


def failure(body: dict[str, object], **given: object) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        list(echo.send(body, TARGET, call(**given)))
    return raised.value


def test_echo_is_an_adapter_like_any_other() -> None:
    assert adapter(PROVIDERS["echo"], "echo") is echo
    assert echo.MEDIA == (("parts", None, "source"),)
    request = Request("echo", "echo", "parrot", messages=(Message("user", (Text("hi"),)),))
    assert echo.defaults(request) is request
    assert echo.compile(request).wire == {"model": "parrot", "messages": [{"role": "user", "content": "hi"}]}


def test_without_a_script_it_repeats_the_last_user_message() -> None:
    said = [{"role": "user", "content": "first"}, {"role": "user", "content": [{"type": "text", "text": "last"}]}]
    response = answer(wire(None, *said, {"role": "assistant", "content": "no"}))
    assert response.state == "ok"
    assert response.text == "last"
    assert response.served_model == "parrot"
    assert response.finish_reason == "stop"


def test_without_any_user_message_it_says_nothing() -> None:
    assert answer({"model": "parrot"}).text == ""


def test_words_stand_for_tokens() -> None:
    usage = answer(wire(None, {"role": "system", "content": "be terse"}, {"role": "user", "content": "one two"})).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (4, 2, 6)


def test_an_unstreamed_answer_is_one_whole_event() -> None:
    [event] = echo.send(wire(), TARGET, call(stream=False))
    assert event.whole
    assert echo.progress(event) is None
    assert event.data == {
        "model": "parrot",
        "parts": [{"type": "text", "text": "hi you"}],
        "finish_reason": "stop",
        "usage": {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4},
    }


def test_a_stream_shows_each_kind_of_step() -> None:
    script = [
        {"reasoning": "hm"},
        {"commentary": "one moment"},
        {"text": "words in several pieces"},
        {"tool_call": {"name": "clock"}},
        {"image": {"source": PICTURE}},
        {"refusal": "no"},
    ]
    events = list(echo.send(wire(script), TARGET, call()))
    shown = [event for event in map(echo.progress, events) if event is not None]
    assert shown == [
        Event("reasoning", "hm"),
        Event("phase", "commentary"),
        Event("text", "one moment"),
        Event("phase", ""),
        Event("text", "words in sev"),
        Event("text", "eral pieces"),
        Event("tool_call", "clock"),
        Event("image"),
        Event("refusal", "no"),
    ]
    response = echo.read(echo.fold(events).body)
    assert [part.type for part in response.parts] == ["reasoning", "text", "text", "tool_call", "image", "refusal"]
    assert response.text == "words in several pieces"
    assert response.images[0].media == PICTURE.digest
    assert response.usage is not None
    assert response.usage.images == 1


def test_words_that_follow_each_other_are_one_part() -> None:
    assert answer(wire([{"text": "a"}, {"delay_ms": 1}, {"text": "b"}])).parts == (TextPart(text="ab"),)


def test_tool_calls_are_numbered_over_the_conversation() -> None:
    script = [[{"tool_call": {"name": "a"}}, {"tool_call": {"name": "b", "id": "own"}}], [{"tool_call": {"name": "c"}}]]
    body: dict[str, object] = wire(script)
    [first] = echo.send(body, TARGET, call(stream=False))
    assert [part.id for part in echo.read(first.data).tool_calls] == ["call_1", "own"]
    after = echo.next_turn(body, first.data, [Message("tool", (ToolResult("call_1", "ok"),))], "echo")
    second = answer(after)
    assert second.state == "tool_calls"
    assert [part.id for part in second.tool_calls] == ["call_3"]


def test_each_turn_has_its_answer_and_the_last_one_repeats() -> None:
    body: dict[str, object] = wire([[{"text": "one"}], [{"text": "two"}]])
    said = []
    for _ in range(3):
        [event] = echo.send(body, TARGET, call(stream=False))
        said.append(echo.read(event.data).text)
        body = echo.next_turn(body, event.data, [Message("user", (Text("more"),))], "server")
    assert said == ["one", "two", "two"]
    assert body["messages"][1] == {"role": "assistant", "content": "one"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ([{"text": "a"}], "ok"),
        ([], "ok"),
        ([{"text": "a"}, {"finish": "length"}], "incomplete"),
        ([{"finish": "content_filter"}], "blocked"),
        ([{"refusal": "no"}], "refused"),
        ([{"tool_call": {"name": "a"}}], "tool_calls"),
    ],
)
def test_the_state_follows_from_parts_and_finish(script: object, state: str) -> None:
    assert answer(wire(script)).state == state


def test_a_blocked_answer_says_so() -> None:
    found = answer(wire([{"finish": "content_filter"}])).failure
    assert found is not None
    assert found.kind == "safety"


def test_scripted_usage_replaces_the_count_of_words() -> None:
    usage = answer(wire([{"text": "a b"}, {"usage": {"input_tokens": 7, "reasoning_tokens": 2}}])).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (7, None, 2)


def test_an_error_before_anything_was_sent_is_an_http_status() -> None:
    given = call()
    script = [{"delay_ms": 1}, {"error": {"status": 429, "message": "slow down", "retry_after": 2}}]
    with pytest.raises(CallFailed) as raised:
        list(echo.send(wire(script), TARGET, given))
    assert given.tap.status == 429
    assert given.tap.first_byte is None
    assert raised.value.retryable
    assert raised.value.failure.kind == "rate_limit"
    assert raised.value.failure.message == "slow down"
    assert raised.value.failure.retry_after == 2
    assert raised.value.exit == Exit.UNAVAILABLE


def test_an_error_may_pass_after_so_many_tries() -> None:
    script = [{"error": {"status": 500, "times": 2}}, {"text": "at last"}]
    assert failure(wire(script), attempt=1).retryable
    assert failure(wire(script), attempt=2).retryable
    assert answer(wire(script), attempt=3).text == "at last"


def test_an_error_after_words_is_a_failing_stream() -> None:
    script = [{"text": "half an"}, {"error": {"status": 503, "message": "overloaded", "code": "busy"}}]
    given = call()
    folded = echo.fold(echo.send(wire(script), TARGET, given))
    assert folded.complete
    assert given.tap.status == 200
    response = echo.read(folded.body)
    assert response.state == "error"
    assert response.text == "half an"
    assert response.failure is not None
    assert (response.failure.kind, response.failure.code) == ("server", "busy")
    assert failure(wire(script), stream=False).failure.status == 503


def test_a_cut_stream_keeps_what_came() -> None:
    script = [{"text": "half an"}, {"cut": True}, {"text": " answer"}]
    folded = echo.fold(echo.send(wire(script), TARGET, call()))
    assert not folded.complete
    response = echo.read(folded.body)
    assert (response.state, response.text) == ("error", "half an")
    assert failure(wire(script), stream=False).failure.kind == "connection"


def test_a_cut_before_anything_was_sent_is_a_lost_connection() -> None:
    failed = failure(wire([{"cut": True}]))
    assert failed.failure.kind == "connection"
    assert failed.retryable


def test_a_delay_past_the_timeout_or_the_deadline_is_a_timeout() -> None:
    script = [{"delay_ms": 10**400}, {"text": "late"}]
    for given in ({"timeout": 0.01}, {"deadline": time.monotonic() + 0.01}, {"deadline": time.monotonic() - 1}):
        failed = failure(wire(script), **given)
        assert failed.failure.kind == "timeout"
        assert failed.retryable


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("text", "script: not a list"),
        ([{"text": 5}], "script[0].text: "),
        ([{"text": "a"}, {"txet": "a"}], "script[1].txet: "),
        ([["text"], []], "script[0]: "),
        ([{"text": "a", "refusal": "b"}], "script[0]: "),
    ],
)
def test_a_script_that_is_none_is_refused_with_its_place(script: object, place: str) -> None:
    failed = failure(wire(script))
    assert failed.failure.kind == "invalid"
    assert failed.failure.status == 400
    assert place in failed.failure.message


@pytest.mark.parametrize("body", [None, [], "text", {}, {"parts": "text"}])
def test_an_answer_of_somebody_else_is_a_protocol_failure(body: object) -> None:
    with pytest.raises(CallFailed) as raised:
        echo.read(body)
    assert raised.value.failure.kind == "protocol"


def test_a_part_that_is_not_understood_stays_native() -> None:
    [part] = echo.read({"parts": [{"type": "hologram", "data": PICTURE}], "finish_reason": "stop"}).parts
    assert part.model_dump() == {
        "type": "native",
        "item": {"type": "hologram", "data": {"$media": PICTURE.digest, "mime": "image/png", "as": "base64"}},
    }


def test_split_surrogate_pairs_are_mended() -> None:
    events = [
        WireEvent({"type": "part", "part": {"type": "text", "text": ""}}),
        WireEvent({"type": "delta", "kind": "text", "text": "\ud83d"}),
        WireEvent({"type": "delta", "kind": "text", "text": "\ude00"}),
    ]
    assert echo.read(echo.fold(events).body).text == "😀"


def test_a_wire_that_is_no_object_is_a_problem() -> None:
    with pytest.raises(SpecError):
        echo.uncompile([], TARGET)


def test_a_path_of_omit_that_is_none_is_a_loss() -> None:
    [loss] = echo.compile(Request("echo", "echo", "parrot", omit=("a[",))).losses
    assert loss.path == "omit[0]"
