"""Filters: conditions on a record, and the fields that commands ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from plcli.conditions import parse
from plcli.errors import UsageError
from plcli.filters import Filter, moment
from plcli.regexes import Undecided

RECORD: dict[str, Any] = {
    "v": 1,
    "id": "20261126T070035123-k3x9p",
    "time": "2026-11-26T07:00:34.900Z",
    "spec": {"path": "prompts/weather.yaml"},
    "variables": {"n": "5", "ratio": 0.5, "a b": "x", "deep": [[1, [2]], {"k": "v"}], "on": True, "whole": 7.0},
    "provider": "openai",
    "model": "gpt-6.2-sol",
    "served_model": "gpt-6.2-sol-2026-11-01",
    "model_spec": "sol",
    "exchanges": [{"status": 429}, {"status": 200, "operation": "responses.create"}],
    "tool_results": [{"name": "get_weather", "result": {"wind": 3}}, {"name": "add_days", "error": "late"}],
    "response": {"state": "ok", "text": 'Rain, and "more" rain.\nC:\\dir', "parts": [{"type": "text"}]},
    "usage": {"output_tokens": 700},
    "tags": ["smoke", "and"],
}


@pytest.mark.parametrize(
    "text",
    [
        "usage.output_tokens > 500",
        "usage.output_tokens>=700",
        "usage.output_tokens = 700.0",
        "variables.whole = 7",
        "variables.ratio < 1",
        "model = gpt-6.2-sol",
        "model != openai/gpt-6.2-sol",
        "variables.on = true",
        'time >= 2026-11-26 and time < "2026-11-26T08"',
        # A bare word is what the record holds; in quotes it is text.
        "variables.n = 5",
        'variables.n = "5"',
        'variables.ratio != "0.5"',
        # Of a list any item counts, also on the way.
        "tags = smoke",
        "tags[0] = smoke",
        "exchanges.status = 429 and exchanges.status = 200",
        "exchanges.status > 400",
        "exchanges[1].operation ~ ^responses",
        "tool_results.name = add_days",
        "tool_results.result.wind <= 3",
        "variables.deep = 2",
        "variables.deep.k = v",
        "tags != other",
        # What is absent is null.
        "error = null",
        "error.kind != timeout",
        "exchanges.request = null",
        "response != null",
        # Regular expressions.
        "response.text ~ rain",
        'response.text ~ "rain[.]$|^Rain, .*more"',
        r'response.text ~ "\w+, \w+"',
        r"response.text ~ 'C:\\dir'",
        'response.text ~ "and ""more"""',
        "tags ~ ^sm",
        # Ways to write.
        "  tags=smoke  AND\nprovider=openai ",
        'tags = "and"',
        'variables["a b"] = x',
        "response.text ~ 'and \"more\"'",
    ],
)
def test_a_condition_that_holds(text: str) -> None:
    assert Filter(where=(parse(text),)).matches(RECORD)


@pytest.mark.parametrize(
    "text",
    [
        "usage.output_tokens > 700",
        "usage.output_tokens > x",
        'usage.output_tokens = "700"',
        "usage.output_tokens ~ 7",
        "variables.on = 1",
        "variables.on > 0",
        "model = sol",
        "tags != smoke",
        "exchanges.status != 200",
        "exchanges[2].status = 200",
        "exchanges[0].operation ~ .",
        "error != null",
        "error.kind = timeout",
        "error > 0",
        "response = ok",
        "response.text.more = x",
        "response.text ~ snow",
        "response.text ~ ^more",
        "tags = smoke and tags = other",
    ],
)
def test_a_condition_that_does_not_hold(text: str) -> None:
    assert not Filter(where=(parse(text),)).matches(RECORD)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "a path is expected"),
        ("= 1", 1, "a path is expected"),
        ("tags", 5, "an operator is expected, one of = != > >= < <= ~"),
        ("tags smoke", 6, "an operator is expected"),
        ("tags =", 7, "a value is expected after ="),
        ("tags == smoke", 7, "a value is expected after ="),
        ("tags = and model = x", 8, "a value is expected after ="),
        ('tags = "smoke', 8, "a value is expected after ="),
        ("tags = smoke test", 14, "`and` is expected"),
        ("tags = a or tags = b", 10, "`and` is expected"),
        ("tags = smoke and", 17, "a path is expected"),
        ("model = x and state = ok", 15, "a record has no field 'state'"),
        ("[0] = 1", 1, "a record has no field '0'"),
        ("tags..x = 1", 1, "path 'tags..x': not understood"),
        ("response.text ~ (", 17, "'(' is no regular expression"),
    ],
)
def test_a_condition_that_is_none_is_told_with_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert f"column {column}: {said}" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("state = ok", "did you mean response.state?"),
        ("Modle = x", "did you mean model?"),
        ("output-tokens > 1", "did you mean usage.output_tokens?"),
        ("zzz = 1", "its fields are: v, id, time, "),
        ("tags = a or tags = b", "for either of two, give --where twice"),
        ("tags = a b", "a text with blanks needs quotes"),
    ],
)
def test_a_hint_says_what_was_probably_meant(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


def test_a_plain_text_is_looked_for_in_texts_of_any_length() -> None:
    record = {"response": {"text": "x" * 3_000_000 + "rain"}}
    assert Filter(where=(parse("response.text ~ rain"),)).matches(record)
    with pytest.raises(Undecided):
        Filter(where=(parse("response.text ~ r.in"),)).matches(record)


@pytest.mark.parametrize(
    ("filter", "meant"),
    [
        (Filter(), True),
        (Filter(spec=("weather",)), True),
        (Filter(spec=("prompts/weather.yaml",)), True),
        (Filter(spec=("other", "weather")), True),
        (Filter(spec=("weather.yaml",)), False),
        (Filter(spec=("prompts",)), False),
        (Filter(model=("gpt-6.2-sol",)), True),
        (Filter(model=("openai/gpt-6.2-sol",)), True),
        (Filter(model=("gpt-6.2-sol-2026-11-01",)), True),
        (Filter(model=("sol",)), True),
        (Filter(model=("gpt-6.2",)), False),
        (Filter(tags=("smoke",)), True),
        (Filter(tags=("other", "smoke")), True),
        (Filter(tags=("smok",)), False),
        (Filter(state=("ok",)), True),
        (Filter(state=("error", "refused")), False),
        (Filter(since=datetime(2026, 11, 26, 7, 0, 34, tzinfo=UTC)), True),
        (Filter(since=datetime(2026, 11, 26, 9, 0, 34, tzinfo=timezone(timedelta(hours=2)))), True),
        (Filter(since=datetime(2026, 11, 26, 7, 0, 35, tzinfo=UTC)), False),
        (Filter(spec=("weather",), tags=("other",)), False),
        (Filter(where=(parse("tags = other"), parse("provider = openai"))), True),
        (Filter(where=(parse("tags = other"), parse("provider = gemini"))), False),
    ],
    ids=repr,
)
def test_a_filter_asks_for_any_value_of_a_field_and_for_all_fields(filter: Filter, meant: bool) -> None:
    assert filter.matches(RECORD) is meant
    assert not meant or filter.sieve()(RECORD["id"], repr(RECORD).encode())


def test_a_run_without_an_answer_ended_in_an_error() -> None:
    assert Filter(state=("error",)).matches({"error": {"message": "no key"}})
    assert not Filter(state=("ok",)).matches({})


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        (b'{"response":{"text":"It rains."},"tags":["smoke"]}', True),
        (b'{"response":{"text":"It snows."},"tags":["smoke"]}', False),
        (b'{"response":{"text":"It rains."},"tags":[]}', False),
        (b'{"response":{"text":"It r\\u0061ins."},"tags":[]}', True),
    ],
)
def test_a_sieve_drops_lines_that_lack_a_text(raw: bytes, passes: bool) -> None:
    may_match = Filter(
        tags=("smoke", "other"), where=(parse("response.text ~ rain and exchanges.status > 200"),)
    ).sieve()
    assert may_match("20261126T070035123-k3x9p", raw) is passes


@pytest.mark.parametrize(
    ("pattern", "text", "passes"),
    [
        ("rain.*wind", "rain and wind", True),
        ("rain.*wind", "snow and wind", False),
        ("rainy?", "rain", True),
        ("rain{0}", "rai", True),
        ("snow|rain", "rain", True),
        ("(?i)rain", "RAIN", True),
    ],
)
def test_a_sieve_knows_how_a_pattern_must_begin(pattern: str, text: str, passes: bool) -> None:
    may_match = Filter(where=(parse(f"response.text ~ '{pattern}'"),)).sieve()
    assert may_match("20261126T070035123-k3x9p", f'{{"response":{{"text":"{text}"}}}}'.encode()) is passes


def test_a_sieve_drops_lines_that_are_days_older() -> None:
    may_match = Filter(since=datetime(2026, 11, 26, 7, tzinfo=UTC)).sieve()
    assert not may_match("20261125T065959999-k3x9p", b"")
    assert may_match("20261125T070000000-k3x9p", b"")
    assert Filter(since=datetime(1, 1, 1, tzinfo=UTC)).sieve()("19700101T000000000-k3x9p", b"")


NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("today", "2026-11-26T00:00+00:00"),
        ("yesterday", "2026-11-25T00:00+00:00"),
        ("90m", "2026-11-26T06:00+00:00"),
        ("2h", "2026-11-26T05:30+00:00"),
        ("7 d", "2026-11-19T07:30+00:00"),
        ("4w", "2026-10-29T07:30+00:00"),
        ("2026-11-25", "2026-11-25T00:00+00:00"),
        ("2026-11-25T10:00:30", "2026-11-25T10:00:30+00:00"),
        ("2026-11-25 10:00+02:00", "2026-11-25T08:00+00:00"),
        ("2026-11-25T10:00Z", "2026-11-25T10:00+00:00"),
    ],
)
def test_since_is_a_time(text: str, time: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(time)


@pytest.mark.parametrize(
    "text", ["", "x", "7", "7y", "-2h", "999999w", "2026-13-01", "0001-01-01T00:00+23:00", "\0", "²d"]
)
def test_since_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment(text, NOW)
