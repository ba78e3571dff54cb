"""Laws of filters: reading and matching end well on anything, and the quick look never loses a run."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plcli.conditions import Condition, parse, reached
from plcli.errors import UsageError
from plcli.filters import Filter, moment
from plcli.media import Json
from plcli.paths import find, show
from plcli.records import Record
from plcli.response import STATES

WORDS = st.sampled_from(["rain", "smoke test", "gpt-6.2", "a/b", "é", '"', "\\", "\udc80", "5", "", "\n", "\\u0061"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 10**30) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
KEYS = st.sampled_from(["text", "state", "path", "name", "a.b"])
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from([*Record.model_fields])
TIMES = st.sampled_from(["2026-11-26T07:00:34.900Z", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "never", ""])
USUAL = st.fixed_dictionaries(
    {},
    optional={
        "time": TIMES,
        "tags": st.lists(WORDS, max_size=2),
        "model": WORDS,
        "spec": st.fixed_dictionaries({"path": WORDS}),
        "response": st.fixed_dictionaries({"state": st.sampled_from(STATES), "text": WORDS}),
    },
)
RECORDS = st.builds(lambda any, usual: {**any, **usual}, st.dictionaries(FIELDS, JSONS, max_size=3), USUAL)
PATHS = st.tuples(FIELDS, st.lists(KEYS | st.integers(0, 2), max_size=2)).map(lambda pair: (pair[0], *pair[1]))
SIGNS = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])
PATTERNS = st.sampled_from(["rain", "^rain", "ra?in", "rai.", "rainy*", "x|rain", "smoke.test", "gpt-6[.]2", "é", ""])
ORDERS = {">": gt, ">=": ge, "<": lt, "<=": le, "=": eq, "!=": ne}
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=4) | WORDS
SOME = st.lists(WORDS, max_size=2).map(tuple)


def quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def conditions() -> st.SearchStrategy[Condition]:
    """Conditions with a text in quotes, or with a pattern."""

    def condition(path: tuple[str | int, ...], sign: str, text: str) -> Condition:
        return parse(f"{show(path)} {sign} {quoted(text)}")[0]

    return st.builds(condition, PATHS, SIGNS, WORDS) | st.builds(condition, PATHS, st.just("~"), PATTERNS)


ASKED: dict[str, st.SearchStrategy[Any]] = {
    "spec": SOME,
    "model": SOME,
    "tags": SOME,
    "state": st.lists(st.sampled_from(STATES), max_size=2).map(tuple),
    "since": st.none() | st.datetimes(timezones=st.just(UTC)),
    "where": st.lists(st.lists(conditions(), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
}
FILTERS = st.builds(Filter, **ASKED) | st.one_of(
    *(st.builds(Filter, **{name: values}) for name, values in ASKED.items())
)
PIECES = st.sampled_from(["model", "tags", ".", "[0]", '["', '"', "'", "=", "!=", "~", " ", "and", "(", "1", "é", "\0"])


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20))
def test_reading_a_condition_ends_with_conditions_or_its_own_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse(text)


@given(st.text("0123456789-:T+Zmhdw today", max_size=25) | st.text(max_size=5))
def test_reading_a_time_ends_with_a_time_or_its_own_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert moment(text, datetime(2026, 11, 26, tzinfo=UTC)).tzinfo is not None


@given(FILTERS, RECORDS)
def test_a_filter_says_yes_or_no_to_anything(filter: Filter, record: dict[str, Json]) -> None:
    assert filter.matches(record) in (True, False)


@given(FILTERS, RECORDS, st.booleans())
def test_the_quick_look_never_says_no_to_a_record_that_matches(
    filter: Filter, record: dict[str, Json], ascii: bool
) -> None:
    raw = json.dumps(record, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    assert filter.sieve()("99991231T235959999-zzzzz", raw) or not filter.matches(record)


@given(PATHS, WORDS, RECORDS)
def test_unequal_is_the_opposite_of_equal(path: tuple[str | int, ...], word: str, record: dict[str, Json]) -> None:
    equal, unequal = (parse(f"{show(path)} {sign} {quoted(word)}") for sign in ("=", "!="))
    assert Filter(where=(equal,)).matches(record) is not Filter(where=(unequal,)).matches(record)


@given(st.sampled_from([*ORDERS]), st.tuples(NUMBERS, NUMBERS) | st.tuples(TEXTS, TEXTS))
def test_numbers_and_texts_compare_as_they_do_in_python(sign: str, pair: tuple[Any, Any]) -> None:
    left, right = pair
    written = quoted(right) if isinstance(right, str) else json.dumps(right)
    condition = parse(f"metadata.x {sign} {written}")
    assert Filter(where=(condition,)).matches({"metadata": {"x": left}}) is ORDERS[sign](left, right)


@given(conditions(), conditions(), RECORDS)
def test_conditions_of_one_entry_hold_together_and_of_two_entries_either(
    left: Condition, right: Condition, record: dict[str, Json]
) -> None:
    each = [Filter(where=((condition,),)).matches(record) for condition in (left, right)]
    assert Filter(where=((left, right),)).matches(record) is all(each)
    assert Filter(where=((left,), (right,))).matches(record) is any(each)


@given(PATHS, RECORDS)
def test_what_a_path_finds_is_reached(path: tuple[str | int, ...], record: dict[str, Json]) -> None:
    missing = object()
    found = find(record, path, missing)
    if found is missing or isinstance(found, list):
        return
    assert found in reached(record, path)


@given(st.integers(1, 3000))
def test_depth_is_no_obstacle(depth: int) -> None:
    nested: Json = "x"
    for _ in range(depth):
        nested = [nested]
    assert Filter(tags=("x",), where=(parse("tags = x"),)).matches({"tags": nested})
