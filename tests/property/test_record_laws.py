"""Laws of the run log: what is written reads back, and what is cut off takes nothing else with it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plcli.exchange import Exchange, Target
from plcli.exchangerecords import ExchangeRecord, ToolResultRecord
from plcli.media import Json
from plcli.records import Note, Record, ResponseRecord, Source, SpecRef, line, parse
from plcli.response import NativePart, TextPart, ToolCallPart
from plcli.runlog import Damage, RunLog
from plcli.traffic import exchange_records, wire_requests

# A high surrogate before a low one is left out: JSON writes such a pair as one character.
TEXT = st.text(st.characters(exclude_categories=[], max_codepoint=0xDBFF), max_size=8) | st.sampled_from(
    ["\u2028\u2029\x85", "\n\r\0\x1b[2J", "\udc80", "é\U0001f600", '"\\', "{", "<<<<<<< HEAD"]
)
KEYS = TEXT | st.sampled_from(["$media", "$literal", "$same", "v", "id", "kind"])
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)
COUNTS = st.integers(0, 2**60)
PARTS = (
    st.builds(TextPart, text=TEXT, phase=st.none() | TEXT)
    | st.builds(ToolCallPart, id=st.none() | TEXT, name=TEXT, arguments=JSON)
    | st.builds(NativePart, item=JSON)
)
EXCHANGES = st.builds(
    ExchangeRecord,
    key=TEXT,
    operation=TEXT,
    request=JSON,
    response=JSON,
    started=TEXT,
    duration_ms=COUNTS,
    headers=st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
)
TOOL_RESULTS = st.builds(
    ToolResultRecord, exchange=COUNTS, name=TEXT, arguments=JSON, source=st.just("run"), result=JSON
)
RECORDS = st.builds(
    Record,
    id=TEXT,
    time=TEXT,
    command=TEXT,
    plcli=TEXT,
    spec=st.none() | st.builds(SpecRef, path=TEXT, sha256=TEXT),
    sources=st.none() | st.lists(st.builds(Source, path=TEXT, sha256=TEXT), max_size=2),
    overrides=st.none() | OBJECTS,
    variables=st.none() | OBJECTS,
    exchanges=st.lists(EXCHANGES, max_size=2),
    tool_results=st.none() | st.lists(TOOL_RESULTS, max_size=2),
    response=st.none() | st.builds(ResponseRecord, state=st.just("ok"), parts=st.lists(PARTS, max_size=3), output=JSON),
    tags=st.none() | st.lists(TEXT, max_size=2),
    metadata=st.none() | OBJECTS,
)
NOTES = st.builds(Note, id=TEXT, run=TEXT, score=st.none() | st.floats(-1, 1), text=st.none() | TEXT)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laws") / "runs.jsonl"


@settings(deadline=None)
@given(RECORDS | NOTES)
@example(
    Record(id="", time="", command="", plcli="", response=ResponseRecord(state="ok", parts=[NativePart(item=None)]))
)
def test_a_record_reads_back_from_its_line(record: Record | Note) -> None:
    written = line(record)
    assert parse(written) == parse(written.encode()) == record
    assert line(parse(written)) == written
    assert "\n" not in written


@settings(max_examples=25, deadline=None)
@given(st.lists(RECORDS | NOTES, max_size=4))
def test_a_log_gives_back_what_was_appended_in_both_directions(path: Path, records: list[Record | Note]) -> None:
    path.unlink(missing_ok=True)
    damages: list[Damage] = []
    log = RunLog(path, damages.append)
    kept = [log.append(record) for record in records]
    assert [entry.model_copy(update={"id": record.id}) for entry, record in zip(kept, records, strict=True)] == records
    assert list(log.entries()) == kept
    assert list(log.entries(reverse=True)) == kept[::-1]
    assert [entry.id for entry in kept] == sorted({entry.id for entry in kept})
    assert damages == []


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.data())
def test_a_log_cut_anywhere_in_its_last_record_keeps_all_others(
    path: Path, record: Record, data: st.DataObject
) -> None:
    path.unlink(missing_ok=True)
    log = RunLog(path)
    first = log.append(record)
    start = path.stat().st_size
    log.append(record)
    whole = path.read_bytes()
    cut = data.draw(st.integers(start + 1, len(whole) - 2))
    path.write_bytes(whole[:cut])
    for reverse in (False, True):
        damages: list[Damage] = []
        assert list(RunLog(path, damages.append).records(reverse)) == [first]
        assert [damage.offset for damage in damages] == [start]
    after = log.append(record)
    assert list(log.records()) == [first, after]
    assert path.read_bytes().startswith(whole[:cut])


@settings(max_examples=30, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\n", b"\r", b"\0", b"{", b'{"v":1', b"}", b"\xff"])).map(b"".join)
)
@example(b"\n")
@example(b"\n\n{")
def test_any_bytes_read_as_damage_and_a_record_behind_them_reads(path: Path, start: bytes) -> None:
    path.unlink(missing_ok=True)
    log = RunLog(path)
    path.write_bytes(start)
    kept = log.append(Record(id="", time="t", command="run", plcli="0"))
    assert path.read_bytes().startswith(start)
    assert list(log.records()) == list(log.records(reverse=True)) == [kept]
    assert b"".join(found.raw for found in log.scan()).split() == path.read_bytes().split()


@settings(deadline=None)
@given(st.text(max_size=30) | JSON.map(lambda value: json.dumps({"v": 1, "kind": "note", "x": value})))
def test_any_text_is_a_record_or_a_wrong_value(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.lists(JSON, max_size=4) | JSON, max_size=2), max_size=4))
def test_requests_come_back_whole_from_what_they_share(requests: list[Json]) -> None:
    exchanges = [
        Exchange("k", Target("o", "m"), request, None, False, (), "t", 1) for request in [*requests, *requests[-1:]]
    ]
    records = exchange_records(exchanges)
    assert json.dumps(wire_requests(records)) == json.dumps([exchange.request for exchange in exchanges])
