"""Records and the exchanges in them: the format as documented, and what is refused."""

from __future__ import annotations

import json

import pytest

from plcli.exchange import Attempt, Exchange, Target
from plcli.exchangerecords import ExchangeRecord, ToolResultRecord
from plcli.media import Json, MediaRef, digest_of, encode
from plcli.records import Note, Record, UnknownVersion, line, parse
from plcli.response import Failure
from plcli.traffic import exchange_records, wire_requests

DOCUMENTED_ORDER = (
    "v, id, time, command, plcli, parent, batch, spec, sources, overrides, variables, provider, api, model, "
    "served_model, model_spec, endpoint, exchanges, tool_results, response, usage, cost, expectations, replay, "
    "error, tags, metadata"
)


def a_record(**fields: Json) -> Record:
    return Record(id="x", time="2026-11-23T16:55:39Z", command="run", plcli="0.1.0", **fields)


def an_exchange(request: Json, response: Json = None) -> Exchange:
    attempt = Attempt("2026-11-23T16:55:39Z", 12, 500, failure=Failure(kind="server", message="no"))
    return Exchange(
        key=digest_of(b""),
        target=Target("echo", "m"),
        request=request,
        response=response,
        streamed=False,
        attempts=(attempt,),
        started="2026-11-23T16:55:39Z",
        duration_ms=12,
    )


def test_the_fields_stand_in_the_documented_order() -> None:
    assert ", ".join(Record.model_fields) == DOCUMENTED_ORDER


def test_own_fields_hold_no_nulls_and_foreign_values_keep_theirs() -> None:
    record = a_record(
        variables={"a": None},
        overrides={"set": {"b": [None, {"c": None}]}},
        exchanges=exchange_records([an_exchange({"n": None, "l": [None]}, {"usage": None})]),
        tool_results=[ToolResultRecord(exchange=0, name="t", source="run", arguments={"a": None}, result=[None])],
    )
    value = json.loads(line(record))
    assert list(value) == [name for name in Record.model_fields if name in value]
    assert (value["variables"], value["overrides"]) == ({"a": None}, {"set": {"b": [None, {"c": None}]}})
    assert value["exchanges"][0]["request"] == {"n": None, "l": [None]}
    assert value["exchanges"][0]["response"] == {"usage": None}
    assert value["tool_results"][0] == {
        "exchange": 0,
        "name": "t",
        "arguments": {"a": None},
        "source": "run",
        "result": [None],
    }
    assert "status" not in value["exchanges"][0]


def test_a_line_is_utf_8_and_a_lone_surrogate_makes_it_ascii() -> None:
    assert "é\u2028" in line(a_record(tags=["é\u2028"]))
    record = a_record(tags=["é\udc80"], variables={"\ud800": "\udfff"})
    assert line(record).isascii()
    assert parse(line(record)) == record


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_does_not_have_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        line(a_record(variables={"x": value}))


def test_what_is_nested_without_end_is_refused_in_both_directions() -> None:
    value: Json = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested"):
        line(a_record(variables={"x": value}))
    with pytest.raises(ValueError, match="nested"):
        parse("[" * 100_000)


def test_a_note_is_told_from_a_record() -> None:
    note = Note(id="y", run="x", score=1, text="ok")
    assert line(note) == '{"v":1,"id":"y","kind":"note","run":"x","score":1.0,"text":"ok"}'
    assert parse(line(note)) == note


@pytest.mark.parametrize("version", [2, 0, "1", None, [], {"a": 1}, "x" * 10_000])
def test_an_unknown_version_is_named(version: Json) -> None:
    with pytest.raises(UnknownVersion, match="is not known") as caught:
        parse(json.dumps({"v": version}))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"v":1}',
        '{"v":true}',
        b"\xff",
        '{"v":1,"kind":"note","id":1}',
        "1e",
        "Infinity",
        "-1e999",
    ],
)
def test_what_is_no_record_is_a_wrong_value_and_no_version(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"^it is ") as caught:
        parse(text)
    assert not isinstance(caught.value, UnknownVersion)


def test_utf_16_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="it is no"):
        parse(line(a_record()).encode("utf-16-le"))


# exchanges


def test_a_later_request_holds_only_what_is_new() -> None:
    media = MediaRef(digest_of(b"x"), "image/png")
    first = {"model": "m", "input": ["a", {"image": media}], "tools": [{"$ref": 1}]}
    second = {"model": "m", "input": ["a", {"image": media}, "c"], "tools": [{"$ref": 1}]}
    third = {"model": "m", "input": ["z", {"$same": 1}]}
    requests = [first, second, third]
    records = exchange_records([an_exchange(request) for request in requests])
    assert records[1].request == {"model": "m", "input": [{"$same": 2}, "c"], "tools": [{"$same": 1}]}
    assert records[2].request == encode(third)
    assert wire_requests(records) == requests
    assert records[0].attempts[0].error == Failure(kind="server", message="no")


def test_equal_in_python_is_not_the_same_on_the_wire() -> None:
    requests: list[Json] = [{"l": [1, {"a": 1, "b": 2}]}, {"l": [True, {"b": 2, "a": 1}]}, {"l": [1.0]}, {"l": [1]}]
    restored = wire_requests(exchange_records([an_exchange(request) for request in requests]))
    assert json.dumps(restored) == json.dumps(requests)


def hostile(*requests: Json) -> list[ExchangeRecord]:
    return [ExchangeRecord(key="k", operation="o", request=request, started="t", duration_ms=1) for request in requests]


@pytest.mark.parametrize(
    "requests",
    [
        [{"l": [{"$same": 1}]}],
        [{"l": ["a"]}, {"l": [{"$same": 2}]}],
        [{"l": ["a"]}, {"l": [{"$same": -1}]}],
        [{"l": ["a"]}, {"l": [{"$same": True}]}],
        [{"l": ["a"]}, {"l": [{"$same": "1"}]}],
        [{"l": "a"}, {"l": [{"$same": 1}]}],
        ["text", {"l": [{"$same": 1}]}],
        [{"l": ["a"]}, {"$redacted": [{"$same": 1}]}],
        [{"l": ["a"]}, {"$media": digest_of(b""), "mime": "a/b", "as": "hex", "l": [{"$same": 1}]}],
    ],
)
def test_a_same_without_such_items_is_a_wrong_value(requests: list[Json]) -> None:
    with pytest.raises(ValueError, match=r"\$|mark"):
        wire_requests(hostile(*requests))


def test_same_marks_cannot_blow_up_the_memory() -> None:
    with pytest.raises(ValueError, match="more than"):
        wire_requests(hostile({"l": [0] * 10_000}, *[{"l": [{"$same": 10_000}]} for _ in range(1000)]))
