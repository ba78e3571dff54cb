"""Stubs: which one answers, with what, and what is said where none does."""

from __future__ import annotations

import time

import pytest

from plcli.specs.tool import Stub
from plcli.stubs import NoStub, StubAnswer, Stubs

Json = object


def stubs(*written: dict[str, Json]) -> Stubs:
    return Stubs([Stub.model_validate(one) for one in written], lambda index: f"tools/x.stubs.yaml:{index + 3}")


def unanswered(answering: Stubs, arguments: Json) -> str:
    with pytest.raises(NoStub) as raised:
        answering.answer(arguments)
    return str(raised.value)


SEVERAL: tuple[dict[str, Json], ...] = (
    {"when": {"city": "Paris"}, "return": {"high": 18}},
    {"when": {"city": {"matches": "^L"}, "unit": "F"}, "return": 64},
    {"when_schema": {"type": "object", "required": ["unit"]}, "error": "no units today", "delay_ms": 5},
    {"when": {"city": "Rome"}, "when_schema": {"maxProperties": 1}, "return": None},
    {"when": {"range": {"equals": {"min": 1}}}, "return": "a matcher's name is an argument too"},
    {"when_schema": {"const": "now"}, "return": "12:00", "delay_ms": 1.0},
)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"city": "Paris"}, StubAnswer({"high": 18})),
        ({"city": "Paris", "unit": "F"}, StubAnswer({"high": 18})),
        ({"city": "London", "unit": "F"}, StubAnswer(64)),
        ({"city": "London", "unit": "C"}, StubAnswer(error="no units today", delay_ms=5)),
        ({"city": "Rome"}, StubAnswer(None)),
        ({"range": {"min": 1.0}}, StubAnswer("a matcher's name is an argument too")),
        ("now", StubAnswer("12:00", delay_ms=1)),
    ],
)
def test_the_first_stub_whose_conditions_all_hold_answers(arguments: Json, answer: StubAnswer) -> None:
    assert stubs(*SEVERAL).answer(arguments) == answer


@pytest.mark.parametrize("arguments", [{}, {"a": [1]}, "text", [1], None, 5])
def test_a_stub_without_a_condition_answers_whatever_comes(arguments: Json) -> None:
    assert stubs({"return": [1]}).answer(arguments) == StubAnswer([1])


@pytest.mark.parametrize("arguments", ["text", "", [1], None, 5])
def test_what_is_no_object_has_no_members_that_a_condition_could_ask_for(arguments: Json) -> None:
    assert "is not an object" in unanswered(stubs({"when": {}, "return": 1}), arguments)
    assert stubs({"when": {}, "return": 1}).answer({"a": 1}) == StubAnswer(1)


def test_answers_in_turn_are_counted_for_each_stub_and_the_last_repeats() -> None:
    answering = stubs(
        {"when": {"a": 1}, "return_in_turn": ["x", None], "delay_ms": 2}, {"return_in_turn": [1, 2, 3]}
    )  # fmt: skip
    calls = [{"a": 1}, {}, {"a": 1}, {"a": 1}, {}, {}, {}]
    assert [answering.answer(call).result for call in calls] == ["x", 1, None, None, 2, 3, 3]
    assert answering.answer({"a": 1}).delay_ms == 2
    assert "stubs[0] (tools/x.stubs.yaml:3) has no answers" in unanswered(stubs({"return_in_turn": []}), {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"city": "Rom"}, 'stubs[1] (tools/x.stubs.yaml:4): city: "Rom" is not "Rome"'),
        ({"city": "Osla"}, 'stubs[3] (tools/x.stubs.yaml:6): city: "Osla" is not "Oslo"'),
        ({"city": "Paris", "unit": "K"}, 'stubs[0] (tools/x.stubs.yaml:3): unit: "K" is not "C"'),
        ({"town": "Oslo"}, "stubs[2] (tools/x.stubs.yaml:5): town: \"Oslo\" does not match '^B'"),
        ({}, "stubs[1] (tools/x.stubs.yaml:4): city: missing"),
        ("city: Paris, unit: C", 'stubs[0] (tools/x.stubs.yaml:3): "city: Paris, unit: C" is not an object'),
    ],
)
def test_the_nearest_stub_is_shown_and_what_differs(arguments: Json, said: str) -> None:
    answering = stubs(
        {"when": {"city": "Paris", "unit": "C"}, "return": 1},
        {"when": {"city": "Rome"}, "return": 2},
        {"when": {"town": {"matches": "^B"}}, "return": 3},
        {"when": {"city": "Oslo"}, "return": 4},
    )
    assert unanswered(answering, arguments).partition("; the nearest is ")[2] == said


def test_what_differs_is_told_within_bounds() -> None:
    answering = stubs({"when": {f"{n}" * 300: n for n in range(5)}, "return": 1})
    said = unanswered(answering, {"a": "x" * 1_000_000})
    assert said.startswith('no stub answers {"a": "xxx')
    assert said.endswith("; and 2 more")
    assert len(said) < 1000


def test_a_schema_that_does_not_hold_is_a_difference() -> None:
    said = unanswered(stubs({"when_schema": {"required": ["city"]}, "return": 1}), {})
    assert said.endswith("not valid under when_schema: 'city' is a required property")


def test_a_tool_without_stubs_says_so() -> None:
    assert unanswered(stubs(), {}) == "it has no stubs"


@pytest.mark.parametrize(
    "condition",
    [
        {"when": {"a": {"matches": "("}}},
        {"when": {"a": {"matches": "(x+x+)+y"}}},
        {"when_schema": {"type": "strnig"}},
        {"when_schema": {"$ref": "https://example.org/x.json"}},
    ],
)
def test_a_condition_that_cannot_be_decided_answers_nothing_and_lets_no_later_stub_answer(
    condition: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plcli.regexes.SECONDS", 0.3)
    said = unanswered(stubs({**condition, "return": 1}, {"return": 2}), {"a": "x" * 40})
    assert said.startswith("whether stubs[0] (tools/x.stubs.yaml:3) answers")
    assert "cannot be told" in said


def test_a_condition_that_is_not_reached_needs_no_decision() -> None:
    assert stubs({"when": {"a": 1}, "return": 1}, {"when": {"a": {"matches": "("}}, "return": 2}).answer({"a": 1})
    both = stubs({"when": {"a": 2, "b": {"matches": "("}}, "return": 1}, {"when": {"a": 3}, "return": 1})
    assert "the nearest is stubs[1]" in unanswered(both, {"a": 1, "b": "x"})


def test_many_dear_stubs_end_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plcli.stubs.SECONDS", 0.2)
    answering = stubs(*({"when": {"a": str(n)}, "return": n} for n in range(3000)))
    start = time.monotonic()
    assert unanswered(answering, {"a": "x" * 1_000_000})
    assert time.monotonic() - start < 5


def test_arguments_may_hold_anything() -> None:
    deep: Json = None
    for _ in range(100_000):
        deep = [deep]
    answering = stubs({"when": {"a": {"contains": 1}}, "return": 1})
    for arguments in ({"a": "\ud800\x00"}, {"a": deep}, deep, {"\ud800": 1}, {"a": {"$ref": "x"}}):
        assert unanswered(answering, arguments)
