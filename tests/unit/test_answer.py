from __future__ import annotations

from collections.abc import Iterator

import pytest

from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from plcli.providers import answer
from plcli.providers.answer import DEPTH_LIMIT, events, parse, read


def refused(chunks: list[bytes], kind: str = "") -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        list(read(chunks, kind))
    assert caught.value.failure.kind == "protocol"
    assert not caught.value.retryable
    return caught.value


def test_names_comments_and_several_data_lines() -> None:
    stream = b': hello\nevent: delta\nid: 3\ndata: {"a":\ndata: 1}\n\ndata:{"b":2}\n\n'
    assert list(events([stream])) == [WireEvent({"a": 1}, "delta"), WireEvent({"b": 2})]


def test_a_line_feed_after_a_return_at_the_edge_of_a_chunk_ends_no_second_line() -> None:
    assert list(events([b'data: {"a":\r', b"", b"\ndata: 1}\r", b"\n\r", b"\n"])) == [WireEvent({"a": 1})]


def test_an_event_without_its_blank_line_is_delivered_if_it_parses() -> None:
    assert list(events([b'data: {"a":1}\n\ndata: {"b":2}'])) == [WireEvent({"a": 1}), WireEvent({"b": 2})]
    assert list(events([b'data: {"a":1}\n\ndata: {"b":'])) == [WireEvent({"a": 1})]


def test_the_end_marker_may_have_spaces_round_it() -> None:
    for stream in (b"data:[DONE]\n\n", b"data: [DONE] \n\n"):
        assert list(events([stream])) == [WireEvent("[DONE]")]


def test_nothing_is_read_after_the_end_marker() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'data: {"a":1}\n\ndata: [DONE]\n\n'
        raise AssertionError("read on")

    assert list(events(chunks())) == [WireEvent({"a": 1}), WireEvent("[DONE]")]


def test_events_come_as_soon_as_they_are_complete() -> None:
    stream = read(iter([b'data: {"a":1}\n\nda', b"ta: {}\n\n"]))
    assert next(stream) == WireEvent({"a": 1})


def test_an_error_in_the_middle_is_an_event() -> None:
    stream = b'data: {"a":1}\n\ndata: {"error":{"message":"no"}}\n\n'
    assert list(events([stream]))[1] == WireEvent({"error": {"message": "no"}})


@pytest.mark.parametrize(
    "data",
    [
        "hello",
        "[1]",
        "null",
        '"text"',
        "{",
        "{} {}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "[" * 1_000_000,
    ],
)
def test_data_that_is_no_sound_json_object_is_not_the_apis_format(data: str) -> None:
    assert "the stream is not the api's format" in refused([f"data: {data}\n\n".encode()]).message


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "application/json", "empty"),
        (b"  \n", "text/event-stream", "empty"),
        (b"<html><body>Welcome</body></html>", "text/html; charset=utf-8", "no JSON (text/html)"),
        (b"<html>", "text/event-stream", "no JSON (text/event-stream)"),
        (b"plain words", "text/plain", "plain words"),
        (b'{"a": 1', "application/json", "broken JSON"),
        (b'{"a": 1} trailing', "application/json", "broken JSON"),
        (b"[]", "application/json", "no JSON object"),
        (b"12", "application/json", "no JSON object"),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", "application/json", "too deeply nested"),
    ],
)
def test_a_body_that_is_no_answer_is_shown_with_a_hint(body: bytes, kind: str, said: str) -> None:
    error = refused([body], kind)
    assert said in error.message
    assert "base_url" in (error.hint or "")


def test_a_broken_event_after_a_sound_one_is_not_blamed_on_the_address() -> None:
    error = refused([b'data: {"a": 1}\n\ndata: {"b\n\n'])
    assert "not the api's format" in error.message
    assert "base_url" not in (error.hint or "")


def test_mislabelled_events_are_recognised() -> None:
    for kind in ("", "text/plain", "application/json"):
        for stream in (b'data: {"a":1}\n\n', b'\n\nevent: x\ndata: {"a":1}\n\n', b': hi\n\ndata:{"a":1}\n\n'):
            assert [event.data for event in read([stream[:3], stream[3:]], kind)] == [{"a": 1}]


def test_broken_utf8_is_replaced_and_the_answer_kept() -> None:
    assert list(events([b'data: {"a":"\xff"}\n\n'])) == [WireEvent({"a": "\ufffd"})]


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "EVENT_LIMIT", 100)
    monkeypatch.setattr(answer, "BODY_LIMIT", 100)
    assert "larger" in refused([b"data: ", b"x" * 200]).message
    assert "larger" in refused([b"data: x\n"] * 100).message
    assert "larger" in refused([b'{"a": "', *[b"x" * 50] * 3]).message


def test_depth_is_bounded_but_far_beyond_what_an_api_sends() -> None:
    assert parse("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT)
    with pytest.raises(ValueError, match="nested"):
        parse("[" * (DEPTH_LIMIT + 1) + "]" * (DEPTH_LIMIT + 1))
    assert len(parse("[" + "[]," * 1000 + "[]]")) == 1001


def test_a_stream_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "EVENTS_LIMIT", 3)
    assert "does not end" in refused([b"data: {}\n\n"] * 4).message
    monkeypatch.setattr(answer, "BODY_LIMIT", 20)
    assert "does not end" in refused([b'data: {"a":1}\n\n'] * 2).message
