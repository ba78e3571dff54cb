"""Laws of reading server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.exchange import WireEvent
from plcli.failures import CallFailed
from plcli.providers.answer import DONE, events, read

# Characters of one to four bytes, separators that end no line here, and half a surrogate pair.
TEXT = st.text(st.sampled_from('aé€😀\u2028\u0085\ud83d :\\"'), max_size=20)
OBJECT = st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT, max_size=3), max_size=4)
END = st.sampled_from(["\n", "\r\n", "\r"])
NOISE = st.sampled_from(["", ": ping", ":", "id: 7", "retry: 10", "unknown", "data", "data:"])
NAME = st.sampled_from(["", "response.created", "müde"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[WireEvent]]:
    """The bytes of a stream, and the events in it."""
    end = draw(END)
    expected, text = [], draw(st.sampled_from(["", "\ufeff"]))
    for value, name in draw(st.lists(st.tuples(OBJECT, NAME), max_size=6)):
        noise = draw(NOISE)
        escaped = "\ud83d" in json.dumps(value, ensure_ascii=False) or draw(st.booleans())
        data = json.dumps(value, ensure_ascii=escaped, indent=draw(st.sampled_from([None, 1])))
        lines = [noise] if noise else []
        lines += [f"event:{draw(st.sampled_from(['', ' ']))}{name}"] if name else []
        lines += [f"data: {line}" for line in data.split("\n")]
        text += end.join([*lines, "", ""])
        expected.append(WireEvent(value, name))
    return text.encode(), expected


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@settings(deadline=None)
@given(streams(), st.integers(1, 40))
def test_events_do_not_depend_on_how_the_stream_is_cut(stream: tuple[bytes, list[WireEvent]], size: int) -> None:
    data, expected = stream
    assert list(events(cut(data, size))) == list(events([data])) == expected
    assert list(events([b"", *cut(data, size), b""])) == expected


@settings(deadline=None)
@given(streams(), st.integers(0, 400))
def test_a_cut_stream_gives_a_prefix_of_its_events(stream: tuple[bytes, list[WireEvent]], length: int) -> None:
    data, expected = stream
    seen = list(events([data[:length]]))
    assert seen == expected[: len(seen)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30)), st.sampled_from(["", "text/event-stream", "application/json", "text/html"]))
def test_any_bytes_give_events_or_a_protocol_failure(chunks: list[bytes], kind: str) -> None:
    seen: list[WireEvent] = []
    failures: list[str] = []
    try:
        seen.extend(read(chunks, kind))
    except CallFailed as error:
        failures.append(error.failure.kind)
    assert failures in ([], ["protocol"])
    assert all(isinstance(event.data, dict) or event.data == DONE for event in seen)


@settings(deadline=None)
@given(OBJECT, st.integers(1, 10), st.sampled_from(["application/json", "", "text/event-stream", "text/plain"]))
def test_a_json_object_is_one_whole_event_whatever_its_label(value: dict[str, Any], size: int, kind: str) -> None:
    for text in (json.dumps(value), "\ufeff\n " + json.dumps(value, indent=2)):
        assert list(read(cut(text.encode(), size), kind)) == [WireEvent(value, whole=True)]


@pytest.mark.parametrize(("size", "length"), [(1, 300_000), (1024, 1_000_000), (10**9, 1_000_000)])
@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [
        (b'data: {"a": "', b"x", b'"}\n\n'),
        (b"", b"data:\n", b""),
        (b"", b"\r", b""),
        (b": ", b"x", b""),
        (b'data: {"a":\n', b"data: \n", b"data: 1}\n\n"),
    ],
    ids=["one line", "empty data", "carriage returns", "a comment", "many data lines"],
)
def test_much_is_read_in_linear_time(before: bytes, repeated: bytes, after: bytes, size: int, length: int) -> None:
    data = before + repeated * (length // len(repeated)) + after
    started = time.process_time()
    list(events(cut(data, size)))
    assert time.process_time() - started < 5 * length / 1_000_000
