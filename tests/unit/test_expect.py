from __future__ import annotations

import json

import pytest

from plcli.expect import Observed, check, names, parse_output
from plcli.matchers import members_mismatch, mismatch
from plcli.records import ExpectationRecord
from plcli.regexes import Undecided
from plcli.response import ToolCallPart
from plcli.specs.expectations import Expectation, Matcher

CALLS = (
    ToolCallPart(id="1", name="get_weather", arguments={"city": "Paris", "unit": "C"}),
    ToolCallPart(id="2", name="get_weather", arguments={"city": "Rome"}),
    ToolCallPart(id="3", name="note", arguments="free text"),
)
OBSERVED = Observed(
    text="It is 21 °C in Paris.",
    state="ok",
    output={"city": "Paris", "days": [{"high": 21}, {"high": 19}]},
    tool_calls=CALLS,
    images=2,
    cost=0.002,
    latency_ms=1500,
    tokens=120,
)


def judged(expectation: dict[str, object], observed: Observed = OBSERVED) -> ExpectationRecord:
    [record] = check([Expectation.model_validate(expectation)], observed)
    return record


@pytest.mark.parametrize(
    "expectation",
    [
        {"text": "It is 21 °C in Paris."},
        {"text": {"contains": "Paris", "matches": r"\d+ °C"}},
        {"text": {"count": 21}},
        {"output": {"path": "city", "equals": "Paris"}},
        {"output": {"path": "days", "count": 2, "contains": {"high": 21.0}}},
        {"output": {"path": "days[1].high", "min": 19, "max": 19}},
        {"output": {"path": "days"}},
        {"output": {"contains": {"city": "Paris"}}},
        {"output": {"schema": {"required": ["city"]}}},
        {"tool_called": "note"},
        {"tool_called": {"name": "get_weather", "arguments": {"city": "Rome"}}},
        {"tool_called": {"name": "get_weather", "arguments": {"city": {"matches": "^[PR]"}}, "count": 2}},
        {"tool_called": {"name": "get_time", "count": 0}},
        {"tool_not_called": "get_time"},
        {"state": "ok"},
        {"state": {"matches": "^(ok|incomplete)$"}},
        {"images": 2},
        {"images": {"min": 1}},
        {"cost": {"max": 0.01}},
        {"latency_ms": {"max": 2000}},
        {"tokens": {"max": 200}},
        {"any": [{"text": "no"}, {"text": {"contains": "Paris"}}]},
        {"not": {"text": {"contains": "Rome"}}},
        {"not": {"any": [{"text": "no"}, {"state": "refused"}]}},
    ],
)
def test_what_holds_passes_and_keeps_only_what_was_wanted(expectation: dict[str, object]) -> None:
    record = judged(expectation)
    [(name, wanted)] = expectation.items()
    assert record == ExpectationRecord(path=f"expect[0].{name}", passed=True, wanted=wanted)


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({"text": "Rome"}, '"It is 21 °C in Paris." is not "Rome"'),
        ({"text": {"contains": "Rome"}}, '"It is 21 °C in Paris." does not contain "Rome"'),
        ({"text": {"contains": "Rome", "count": 3}}, 'Rome"; "It is 21 °C in Paris." has 21 characters, not 3'),
        ({"output": {"path": "town"}}, "the output has nothing at town"),
        ({"output": {"path": "days[2]"}}, "the output has nothing at days[2]"),
        ({"output": {"path": "days", "count": 3}}, "has 2 items, not 3"),
        ({"output": {"path": "city", "min": 3}}, '"Paris" is not a number'),
        ({"output": {"path": "days[0].high", "max": 20}}, "21 is more than 20"),
        ({"output": {"schema": {"required": ["town"]}}}, "not valid under the schema: 'town' is a required property"),
        ({"tool_called": "get_time"}, "get_time was not called, but get_weather, note"),
        (
            {"tool_called": {"name": "get_weather", "arguments": {"city": "Oslo"}}},
            'get_weather was called with other arguments: city: "Paris" is not "Oslo"',
        ),
        ({"tool_called": {"name": "get_weather", "arguments": {"when": "now"}}}, "arguments: when: missing"),
        ({"tool_called": {"name": "note", "arguments": {"a": 1}}}, '"free text" is not an object'),
        ({"tool_called": {"name": "get_weather", "count": 1}}, "get_weather was called 2 times, not once"),
        ({"tool_not_called": "note"}, "note was called"),
        ({"state": "refused"}, '"ok" is not "refused"'),
        ({"images": {"count": 2}}, "2 has nothing to count"),
        ({"cost": {"max": 0.001}}, "0.002 is more than 0.001"),
        ({"any": [{"text": "a"}, {"state": "error"}]}, "none of these holds: "),
        ({"any": []}, "nothing to hold"),
        ({"not": {"state": "ok"}}, "it should not hold, but does: state"),
    ],
)
def test_what_does_not_hold_says_why(expectation: dict[str, object], message: str) -> None:
    record = judged(expectation)
    assert not record.passed
    assert message in (record.message or "")


def test_a_failure_keeps_what_was_found() -> None:
    assert judged({"tokens": {"max": 100}}).got == 120
    assert judged({"tool_not_called": "note"}).got == [
        {"name": "get_weather", "arguments": {"city": "Paris", "unit": "C"}},
        {"name": "get_weather", "arguments": {"city": "Rome"}},
        {"name": "note", "arguments": "free text"},
    ]
    assert judged({"output": {"path": "city", "equals": "Rome"}}).got == "Paris"


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({"cost": {"max": 1}}, "cost: not known"),
        ({"latency_ms": {"max": 1}}, "latency_ms: not known"),
        ({"tokens": {"max": 1}}, "tokens: not known"),
        ({"output": {"path": "a"}}, "the answer is not JSON"),
        ({"text": {"matches": "("}}, "no regular expression"),
        ({"text": {"schema": {"type": "strin"}}}, "the schema is wrong at type"),
        ({"any": None}, "null expects nothing"),
        ({"output": None}, "null expects nothing"),
    ],
)
def test_what_is_not_known_holds_neither_as_it_is_nor_under_not(expectation: dict[str, object], message: str) -> None:
    observed = Observed(text="", state="ok", output_error="the answer is not JSON")
    for tried in (expectation, {"not": expectation}, {"not": {"not": expectation}}, {"not": {"any": [expectation]}}):
        record = judged(tried, observed)
        assert not record.passed
        assert message in (record.message or "")


def test_a_malformed_path_is_said() -> None:
    assert "not understood" in (judged({"output": {"path": "a..b"}}).message or "")


def test_every_expectation_gets_its_place() -> None:
    expectations = [Expectation.model_validate(item) for item in ({"text": "a"}, {"not": {"text": "a"}})]
    assert [record.path for record in check(expectations, OBSERVED)] == ["expect[0].text", "expect[1].not"]


@pytest.mark.parametrize(
    ("expectation", "named"),
    [
        ({"state": "refused"}, True),
        ({"not": {"state": "ok"}}, True),
        ({"any": [{"text": "a"}, {"not": {"state": "ok"}}]}, True),
        ({"text": "state"}, False),
        ({"any": [{"text": "a"}]}, False),
    ],
)
def test_an_expectation_on_the_state_is_seen_at_any_depth(expectation: dict[str, object], named: bool) -> None:
    assert names("state", [Expectation(text="a"), Expectation.model_validate(expectation)]) is named


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_an_output_that_fits_is_parsed() -> None:
    assert parse_output(' {"city": "Paris"}\n', SCHEMA) == ({"city": "Paris"}, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the answer is empty"),
        ("Paris", "the answer is not JSON"),
        ('```json\n{"city": "Paris"}\n```', "it is wrapped in a markdown fence"),
        ('{"city": NaN}', "NaN is not JSON"),
        ('{"city": 1e999}', "out of range"),
        ("[" * 100_000, "too deeply nested"),
        ("1" * 5000, "the answer is not JSON"),
    ],
)
def test_words_that_are_no_strict_json_are_no_output(text: str, problem: str) -> None:
    output, said = parse_output(text, SCHEMA)
    assert output is None
    assert problem in (said or "")


def test_an_output_that_does_not_fit_is_given_with_the_place() -> None:
    assert parse_output('{"city": 3}', SCHEMA) == (
        {"city": 3},
        "the output is not valid: city: 3 is not of type 'string'",
    )


def test_an_output_that_cannot_be_checked_says_so() -> None:
    output, said = parse_output("{}", {"$ref": "https://example.com/x"})
    assert output == {}
    assert "could not be checked" in (said or "")


def test_plain_values_are_compared_as_json() -> None:
    assert mismatch(1, 1.0) is None
    assert mismatch(1, True) == "true is not 1"
    assert mismatch(True, 1) is not None
    assert mismatch({"a": [1]}, {"a": [True]}) is not None
    assert mismatch(None, None) is None
    assert mismatch({"equals": 1, "other": 2}, {"equals": 1.0, "other": 2}) is None


def test_null_can_be_equalled_and_contained() -> None:
    assert mismatch(Matcher(equals=None), None) is None
    assert mismatch(Matcher(equals=None), 0) == "0 is not null"
    assert mismatch(Matcher(contains=None), [None]) is None
    assert mismatch(Matcher(contains=None), []) is not None


def test_members_are_matched_and_others_are_free() -> None:
    wanted = {"city": Matcher(matches="^P"), "unit": "C"}
    assert members_mismatch(wanted, {"city": "Paris", "unit": "C", "more": 1}) is None
    assert members_mismatch(wanted, {"city": "Paris"}) == "unit: missing"
    assert members_mismatch({}, {}) is None
    assert members_mismatch(wanted, []) == "[] is not an object"


def test_values_nested_past_the_stack_are_undecided() -> None:
    deep: object = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(Undecided):
        mismatch(deep, deep)


def test_long_values_are_cut_in_messages() -> None:
    said = mismatch("short", "x" * 100_000)
    assert said is not None
    assert len(said) < 200


def test_records_of_expectations_are_json() -> None:
    record = judged({"not": {"tool_called": {"name": "note"}}})
    assert json.loads(record.model_dump_json(exclude_none=True))["wanted"] == {"tool_called": {"name": "note"}}
