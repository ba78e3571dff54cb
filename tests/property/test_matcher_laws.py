"""Laws of matchers and expectations: they agree with JSON, with `re`, and with logic."""

from __future__ import annotations

import copy
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.conformance import mismatch as schema_mismatch
from plcli.expect import Observed, check, parse_output
from plcli.matchers import equal, includes, members_mismatch, mismatch
from plcli.regexes import Undecided, cheap, search
from plcli.specs.expectations import Expectation, Matcher

relaxed = settings(deadline=None)

scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -2.0, 0.5]) | st.text("ab", max_size=2)
)
jsons = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)
)


def normal(value: object) -> str:
    """JSON text in which numbers of one value look the same."""

    def plain(item: object) -> object:
        if isinstance(item, dict):
            return {key: plain(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return int(item) if isinstance(item, float) and item.is_integer() else item

    return json.dumps(plain(value), sort_keys=True)


@given(jsons, jsons)
@relaxed
def test_equality_is_that_of_json(left: object, right: object) -> None:
    assert equal(left, right) == (normal(left) == normal(right)) == equal(right, left)
    assert equal(left, copy.deepcopy(left))


@given(jsons)
@relaxed
def test_every_value_is_as_its_own_matcher_says(value: object) -> None:
    assert mismatch(value, copy.deepcopy(value)) is None
    assert mismatch(Matcher(equals=value), value) is None  # type: ignore[arg-type]
    assert mismatch(Matcher.model_validate({"schema": {"const": value}}), value) is None
    if isinstance(value, str | list | dict):
        assert mismatch(Matcher(count=len(value)), value) is None


@given(jsons, jsons)
@relaxed
def test_the_plain_value_and_equals_mean_the_same(wanted: object, value: object) -> None:
    assert mismatch(wanted, value) == mismatch(Matcher(equals=wanted), value)  # type: ignore[arg-type]


@given(st.dictionaries(st.text("ab", max_size=2), jsons, max_size=3), st.data())
@relaxed
def test_an_object_includes_any_of_its_members(value: dict[str, object], data: st.DataObject) -> None:
    part = {key: item for key, item in value.items() if data.draw(st.booleans())}
    assert includes(value, part)
    assert members_mismatch(part, value) is None
    assert includes([0, value], part)


@given(st.lists(jsons, min_size=1, max_size=3), st.data())
@relaxed
def test_a_list_includes_each_of_its_items(value: list[object], data: st.DataObject) -> None:
    assert includes(value, data.draw(st.sampled_from(value)))


@given(st.text(max_size=20), st.integers(0, 20), st.integers(0, 20))
@relaxed
def test_a_text_includes_each_of_its_slices(text: str, start: int, end: int) -> None:
    assert includes(text, text[start:end])


@given(st.text(r"ab.*+?|[](){}^$\d", max_size=6), st.text("ab1", max_size=8))
@relaxed
def test_searches_agree_with_re(pattern: str, text: str) -> None:
    if not cheap(pattern, len(text)):
        return
    try:
        wanted = re.search(pattern, text) is not None
    except (re.error, OverflowError):
        wanted = None
    try:
        found = search(pattern, text)
    except Undecided:
        found = None
    assert found == wanted


@given(jsons)
@relaxed
def test_json_written_down_is_the_output(value: object) -> None:
    assert parse_output(json.dumps(value), True) == (value, None)
    assert schema_mismatch(value, {"const": value}) is None


@given(st.text(max_size=30))
@relaxed
def test_any_words_are_an_output_or_a_finding(text: str) -> None:
    output, problem = parse_output(text, {"type": "object"})
    assert isinstance(output, dict) == (problem is None)


facts = st.one_of(
    st.builds(lambda text: {"text": text}, jsons.filter(lambda value: not isinstance(value, dict))),
    st.builds(lambda state: {"state": state}, st.sampled_from(["ok", "refused"])),
    st.builds(lambda bound: {"cost": {"max": bound}}, st.integers(0, 2)),
    st.builds(lambda bound: {"tokens": {"min": bound}}, st.integers(0, 2)),
    st.just({"tool_not_called": "clock"}),
)
expectations = st.recursive(
    facts,
    lambda inner: (
        st.builds(lambda item: {"not": item}, inner)
        | st.builds(lambda items: {"any": items}, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=5,
)
observations = st.builds(
    Observed,
    text=st.text("ab", max_size=2),
    state=st.sampled_from(["ok", "refused"]),
    cost=st.none() | st.integers(0, 2),
    tokens=st.none() | st.integers(0, 2),
)


def passes(expectation: object, observed: Observed) -> bool:
    [record] = check([Expectation.model_validate(expectation)], observed)
    assert record.passed == (record.message is None)
    return record.passed


@given(expectations, observations)
@relaxed
def test_not_turns_what_is_known_and_an_expectation_and_its_opposite_never_both_hold(
    expectation: object, observed: Observed
) -> None:
    assert not (passes(expectation, observed) and passes({"not": expectation}, observed))
    assert passes({"not": {"not": expectation}}, observed) == passes(expectation, observed)
    if observed.cost is not None and observed.tokens is not None:
        assert passes({"not": expectation}, observed) is not passes(expectation, observed)


@given(st.lists(expectations, min_size=1, max_size=3), observations)
@relaxed
def test_any_holds_if_one_of_them_holds(items: list[object], observed: Observed) -> None:
    assert passes({"any": items}, observed) == any(passes(item, observed) for item in items)
