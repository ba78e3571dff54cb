"""Comparing a logged run with a new one: what each check lets through, and the verdict that follows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plcli.brevity import first_difference
from plcli.checks import LONGEST, likeness
from plcli.compare import CHECKS, REASONS, Check, compare, default_checks, parse_checks, verdict_of
from plcli.errors import UsageError
from plcli.exchangerecords import DownloadRecord, ExchangeRecord, ToolResultRecord
from plcli.media import digest_of
from plcli.records import Cost, ExpectationRecord, Record, ResponseRecord
from plcli.regexes import Undecided
from plcli.replayrecords import CheckRecord
from plcli.response import (
    Failure,
    ImagePart,
    NativePart,
    Part,
    ReasoningPart,
    RefusalPart,
    State,
    TextPart,
    ToolCallPart,
    Usage,
)

Json = Any

OSLO, ROME = ({"city": city} for city in ("Oslo", "Rome"))


def a_run(
    text: str | None = None,
    *parts: Part,
    state: State = "ok",
    output: Json = None,
    finish: str | None = "stop",
    answered: Json = (),
    took: int | None = None,
    tokens: int | None = None,
    cost: Cost | None = None,
    error: Failure | None = None,
    exchanges: int = 1,
    **fields: Json,
) -> Record:
    """A record; `answered` are (exchange, call) of calls with a result, `took` the milliseconds of each exchange."""
    spoken = [TextPart(text=text)] if text is not None else []
    exchange = ExchangeRecord(key="k", operation="echo", started="t", duration_ms=took if took is not None else 5)
    return Record(
        id="20261126T094532432-hr6an",
        time="t",
        command="run",
        plcli="0.1.0",
        exchanges=[exchange] * exchanges,
        tool_results=[
            ToolResultRecord(exchange=n, call_id=call.id, name=call.name, source="stub") for n, call in answered
        ],
        response=ResponseRecord(state=state, parts=[*parts, *spoken], text=text, output=output, finish_reason=finish),
        usage=Usage(total_tokens=tokens) if tokens is not None else None,
        cost=cost,
        error=error,
        **fields,
    )


NEVER_ANSWERED = a_run().model_copy(update={"response": None})


def call(name: str, arguments: Json = None, id: str | None = None) -> ToolCallPart:
    return ToolCallPart(id=id, name=name, arguments=arguments)


def picture(width: int | None = 64, mime: str | None = "image/png", data: str = "a") -> ImagePart:
    return ImagePart(media=digest_of(data.encode()), mime=mime, width=width, height=width, url=f"https://x/{data}")


def unfetched(data: str) -> ImagePart:
    return picture(None, data=data).model_copy(update={"media": None})


def held(check: str, then: Record, now: Record, schema: Json = None) -> CheckRecord:
    (found,) = compare(then, now, parse_checks([check]), output_schema=schema)
    return found


def dollars(amount: float, *, complete: bool = True) -> Cost:
    return Cost(amount=amount, source="user", complete=complete)


FETCHED = ExchangeRecord(
    key="k", operation="echo", started="t", duration_ms=100, downloads=[DownloadRecord(url="u", duration_ms=300)]
)
TWO_CALLS = (call("a", OSLO, "1"), call("a", ROME, "2"))
SAME = {
    "exact": [
        (a_run("hi"), a_run("hi")),
        (a_run(None, call("a", {"x": 1, "y": [2]}, "1")), a_run(None, call("a", {"y": [2.0], "x": 1}, "2"))),
        (a_run(None, picture()), a_run(None, picture().model_copy(update={"url": "https://y", "id": "7"}))),
        (
            a_run("hi", NativePart(item={"id": "1", "item_id": "a", "call": {"thoughtSignature": "s", "q": [1]}})),
            a_run("hi", NativePart(item={"id": "2", "item_id": "b", "call": {"thoughtSignature": "t", "q": [1]}})),
        ),
    ],
    "text": [
        (a_run("It is  21 °C.\n"), a_run(" It is\t21 °C.")),
        (a_run("caf\u00e9"), a_run("cafe\u0301")),
        (a_run(None), a_run("")),
        (a_run("\udc80"), a_run("\udc80")),
    ],
    "json": [(a_run('{"a": 1, "b": null}'), a_run('{"b":null,"a":1.0}'))],
    "tool-calls": [
        (a_run("hi"), a_run("other words")),
        (a_run(None, *TWO_CALLS), a_run(None, *TWO_CALLS[::-1])),
        (
            a_run(None, *TWO_CALLS, exchanges=2, answered=[(0, TWO_CALLS[0]), (1, TWO_CALLS[1])]),
            a_run(None, *TWO_CALLS, exchanges=2, answered=[(0, TWO_CALLS[0])]),
        ),
    ],
    "finish": [(a_run("a"), a_run("b")), (a_run(finish=None), a_run(finish=None))],
    "state": [(a_run(state="refused"), a_run("no", state="refused"))],
    "images": [
        (a_run(None, picture(data="a")), a_run(None, picture(data="b"))),
        (a_run(None, picture(None)), a_run(None, picture(None))),
        (a_run(None, unfetched("a")), a_run(None, unfetched("a"))),
        (a_run(None, picture(None, "image/svg+xml")), a_run(None, picture(None, "image/svg+xml", "b"))),
        (a_run("a"), a_run("b")),
    ],
    "usage": [(a_run(tokens=100), a_run(tokens=110)), (a_run(tokens=0), a_run(tokens=0))],
    "usage=2": [(a_run(tokens=100), a_run(tokens=200))],
    "latency": [(a_run(took=1), a_run(took=100)), (a_run(took=1), a_run(took=200)), (a_run(took=300), a_run(took=600))],
    "cost": [
        (a_run(cost=dollars(0.1)), a_run(cost=dollars(0.11))),
        (a_run(cost=dollars(0.1, complete=False)), a_run(cost=dollars(0.1))),
    ],
    "served-model": [(a_run(served_model="m"), a_run(served_model="m"))],
    "similar=0.8": [(a_run("It is 21 degrees."), a_run("It is 22 degrees.")), (a_run(None), a_run(None))],
    "similar=1": [(a_run("a  b"), a_run("a b"))],
}
OTHER = {
    "exact": [
        (a_run("hi"), a_run("hi "), 'parts[0]: was {"phase":null,"text":"hi"}, is {"phase":null,"text":"hi "}'),
        (a_run("hi"), a_run("hi", finish="length"), 'finish_reason: was "stop", is "length"'),
        (a_run("hi", ReasoningPart(text="hm")), a_run("hi"), 'parts[0]: was {"reasoning":"hm"}, is {"phase":null,'),
        (a_run("hi"), a_run("hi", RefusalPart(text="no")), "parts[0]: was"),
        (a_run(None, picture()), a_run(None, picture(data="b")), "parts[0]: was"),
    ],
    "text": [
        (a_run("It is 21 °C."), a_run("It is 22 °C."), 'was "It is 21 °C.", is "It is 22 °C."'),
        (a_run("hi"), a_run(None), 'was "hi", is ""'),
    ],
    "json": [
        (a_run('{"a": 1}'), a_run('{"a": true}'), 'was {"a":1}, is {"a":true}'),
        (a_run("words"), a_run("{}"), "cannot be told: the logged answer is no JSON"),
        (a_run("{}"), a_run("```json\n{}\n```"), "cannot be told: the new answer is no JSON"),
        (a_run("{}"), a_run(None), "cannot be told: the new answer is no JSON"),
        (NEVER_ANSWERED, a_run("{}"), "cannot be told: the logged answer is no JSON"),
    ],
    "tool-calls": [
        (a_run(None, call("a", OSLO)), a_run(None, call("a", ROME)), 'was a({"city":"Oslo"}), is a({"city":"Rome"})'),
        (a_run(None, call("a")), a_run("hi"), "was a(null), is no call"),
        (
            a_run(None, *TWO_CALLS, exchanges=2, answered=[(0, TWO_CALLS[0])]),
            a_run(None, *TWO_CALLS[::-1], exchanges=2, answered=[(0, TWO_CALLS[1])]),
            'was a({"city":"Oslo"}), is a({"city":"Rome"})',
        ),
        (
            a_run(None, *TWO_CALLS, exchanges=1),
            a_run(None, *TWO_CALLS, exchanges=2, answered=[(0, TWO_CALLS[0])]),
            'was a({"city":"Oslo"}), a({"city":"Rome"}), is a({"city":"Oslo"})',
        ),
    ],
    "finish": [(a_run(finish=None), a_run(), "was nothing, is stop")],
    "state": [
        (a_run("a"), a_run(state="refused"), "was ok, is refused"),
        (
            a_run(state="error", error=Failure(kind="server", message="")),
            a_run(state="error", error=Failure(kind="timeout", message="")),
            "was error (server), is error (timeout)",
        ),
    ],
    "images": [
        (a_run("a"), a_run(None, picture()), "was 0 pictures, is 1"),
        (
            a_run(None, picture()),
            a_run(None, picture(mime="image/webp", data="b")),
            "picture 1 was 64x64 image/png, is 64x64 image/webp",
        ),
        (
            a_run(None, picture(), picture(data="b")),
            a_run(None, picture(), picture(32, data="c")),
            "picture 2 was 64x64 image/png, is 32x32 image/png",
        ),
        (a_run(None, picture(None)), a_run(None, picture(None, data="b")), "the size of the logged picture 1 is not"),
        (a_run(None, unfetched("a")), a_run(None, unfetched("b")), "the size of the logged picture 1 is not known"),
    ],
    "usage": [
        (a_run(tokens=100), a_run(tokens=111), "was 100 tokens, is 111 tokens, more than 1.1 times as much"),
        (a_run(), a_run(tokens=1), "the number of tokens of the logged run is not known"),
        (a_run(tokens=1), a_run(), "the number of tokens of the new run is not known"),
    ],
    "latency": [
        (a_run(took=1), a_run(took=201), "was 1 ms, is 201 ms"),
        (a_run(took=100), a_run(exchanges=0), "the time of the new run is not known"),
        (
            a_run(took=100),
            a_run().model_copy(update={"exchanges": [FETCHED]}),
            "was 100 ms, is 400 ms, more than 2 times as much",
        ),
    ],
    "cost=2": [
        (a_run(cost=dollars(0.1)), a_run(cost=dollars(0.21)), "was $0.100000, is $0.210000, more than 2 times"),
        (a_run(cost=dollars(0.1)), a_run(cost=dollars(0.9, complete=False)), "was $0.100000, is $0.900000"),
        (a_run(cost=dollars(0.1)), a_run(), "the cost of the new run is not known"),
        (a_run(cost=dollars(1)), a_run(cost=dollars(1, complete=False)), "not everything that the new run used"),
        (a_run(cost=dollars(1, complete=False)), a_run(cost=dollars(9)), "not everything that the logged run used"),
    ],
    "served-model": [
        (a_run(served_model="m-1"), a_run(served_model="m-2"), 'was "m-1", is "m-2"'),
        (a_run(), a_run(), "the serving model of the logged run is not known"),
    ],
    "similar=0.8": [(a_run("yes"), a_run("no"), 'alike by 0.000, not 0.8: was "yes", is "no"')],
    "similar=1": [(a_run("aaaa"), a_run("aaab"), "alike by 0.750, not 1: was")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "then", "now"), [(check, *pair) for check, pairs in SAME.items() for pair in pairs], ids=lambda _: ""
)
def test_what_is_the_same_passes(check: str, then: Record, now: Record) -> None:
    found = held(check, then, now)
    assert (found.passed, found.message, found.noise) == (True, None, None)


@pytest.mark.parametrize(
    ("check", "then", "now", "message"),
    [(check, *one) for check, many in OTHER.items() for one in many],
    ids=lambda _: "",
)
def test_what_is_another_or_cannot_be_told_fails_and_says_why(
    check: str, then: Record, now: Record, message: str
) -> None:
    found = held(check, then, now)
    assert not found.passed
    assert message in (found.message or "")


def test_every_check_is_known_by_its_name_and_has_passed_and_failed_above() -> None:
    names = {check.partition("=")[0] for table in (SAME, OTHER) for check in table}
    assert set(CHECKS) == {*names, "schema"}


@pytest.mark.parametrize(
    ("words", "message"),
    [('{"n": 1}', None), ('{"n": "1"}', "the output is not valid: n: '1' is not of type 'integer'"), ("hi", "no JSON")],
)
def test_a_schema_judges_the_new_answer_alone(words: str, message: str | None) -> None:
    schema = {"properties": {"n": {"type": "integer"}}}
    found = held("schema", a_run("anything"), a_run(words), schema)
    assert found.passed is (message is None)
    assert (message or "") in (found.message or "").replace("not JSON", "no JSON")
    assert "no structured output" in (held("schema", a_run("{}"), a_run("{}")).message or "")


def test_what_was_wanted_and_what_came_are_kept_as_far_as_they_are_of_use() -> None:
    found = held("text", a_run("It is\n21."), a_run("It is\n22."))
    assert (found.wanted, found.got) == ("It is\n21.", "It is\n22.")
    found = held("tool-calls", a_run(None, call("a", OSLO)), a_run("hi"))
    assert (found.wanted, found.got) == ([{"name": "a", "arguments": OSLO}], [])
    found = held("usage", a_run(tokens=10), a_run(tokens=50))
    assert (found.wanted, found.got) == (10, 50)
    found = held("usage", a_run(tokens=10), a_run(tokens=5))
    assert (found.wanted, found.got) == (10, 5)


@pytest.mark.parametrize("check", ["text", "exact", "json", "similar=1", "tool-calls"])
def test_of_long_answers_the_place_is_kept_in_which_they_differ(check: str) -> None:
    long = "lorem " * 20_000
    then, now = (
        a_run(json.dumps(f"{long}{word}{long}"), call("a", {"x": f"{long}{word}{long}"})) for word in ("OLD", "NEW")
    )
    found = held(check, then, now)
    assert "OLD" in found.wanted
    assert "NEW" in found.got
    assert "OLD" in (found.message or "")
    assert "NEW" in (found.message or "")
    assert max(map(len, (found.wanted, found.got))) <= LONGEST
    assert len(found.message or "") < 300


def test_texts_without_bound_are_compared_in_bounded_time() -> None:
    one, other = "ab" * 3_000_000, "ba" * 3_000_000
    assert "too long to tell" in (held("similar=0.5", a_run(one), a_run(other)).message or "")
    assert held("similar=0.9", a_run(one), a_run(one + "c")).passed
    assert not held("text", a_run(one), a_run(other)).passed
    deep: Json = 1
    for _ in range(900):
        deep = [deep]
    assert held("tool-calls", a_run(None, call("a", deep)), a_run(None, call("a", [deep]))).message is not None


@pytest.mark.parametrize(
    ("old", "new", "share"),
    [("", "", 1), ("a", "", 0), ("ab", "ac", 0.5), ("xaay", "xay", 6 / 7), ("aa", "aaaa", 2 / 3)],
)
def test_likeness_is_the_share_of_what_both_have(old: str, new: str, share: float) -> None:
    assert likeness(old, new) == pytest.approx(share)
    assert likeness(new, old) == pytest.approx(share)


def test_likeness_of_endless_texts_is_not_told() -> None:
    with pytest.raises(Undecided):
        likeness("a" * 10**6, "b" * 10**6)
    assert [first_difference(*pair) for pair in (("", ""), ("ab", "a"), ("abc", "abd"), ("x", "y"))] == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], []),
        (["text"], ["text"]),
        (["text, tool-calls", "state", "text"], ["text", "tool-calls", "state"]),
        (["usage,latency=3,cost=1.25"], ["usage=1.1", "latency=3", "cost=1.25"]),
        (["similar=0.85", "similar=1"], ["similar=0.85", "similar=1"]),
    ],
)
def test_checks_are_read_from_the_command_line(texts: list[str], names: list[str]) -> None:
    assert list(map(str, parse_checks(texts))) == names


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("txet", "--check 'txet' is no check", "did you mean text?"),
        ("tool_call", "is no check", "did you mean tool-calls?"),
        ("", "--check '' is no check", "it is one of: exact, text, json,"),
        ("state,", "is no check", "it is one of"),
        ("text=1", "text takes no number", "write --check text"),
        ("similar", "--check similar needs a number", "write --check similar=0.8"),
        ("similar=80", "takes a number over 0 and up to 1", "similar=0.8"),
        ("similar=0", "takes a number over 0 and up to 1", "similar=0.8"),
        ("usage=much", "takes a number over 0", "write --check usage=1.1"),
        ("usage=nan", "takes a number over 0", "write --check usage=1.1"),
        ("latency=inf", "takes a number over 0", "write --check latency=2"),
    ],
)
def test_a_check_that_is_none_is_refused_with_a_way_out(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_checks([text])
    assert message in error.value.message
    assert hint in (error.value.hint or "")


@pytest.mark.parametrize(
    ("then", "now", "names"),
    [
        (a_run("a"), a_run("a"), "state tool-calls text"),
        (a_run("{}", output={}), a_run("{}", output={}), "state tool-calls json"),
        (a_run("{}", output={}), a_run("oh"), "state tool-calls text"),
        (NEVER_ANSWERED, a_run("{}", output={}), "state tool-calls text"),
        (a_run(None, picture()), a_run("a"), "state tool-calls images text"),
    ],
)
def test_without_a_choice_the_checks_are_those_that_fit(then: Record, now: Record, names: str) -> None:
    assert [check.name for check in compare(then, now)] == names.split()
    assert default_checks(then, now) == tuple(map(Check, names.split()))


WRONG = ExpectationRecord(path="expect[0].text", passed=False, message='"a" is not "b"')
RIGHT = ExpectationRecord(path="expect[0].text", passed=True)
SERVER, INVALID, BLOCKED = (Failure(kind=kind, message=f"it is {kind}") for kind in ("server", "invalid", "safety"))


@pytest.mark.parametrize(
    ("then", "now", "checks", "expectations", "verdict", "reason"),
    [
        (a_run("a"), a_run("a"), "", [RIGHT], "identical", None),
        (a_run("a"), a_run("a "), "", [], "equivalent", "the same by state, tool-calls, text"),
        (a_run("a", ReasoningPart(text="x")), a_run("a"), "text", [], "equivalent", "the same by text"),
        (a_run("a"), a_run("b"), "", [], "drifted", 'text: was "a", is "b"'),
        (a_run("a"), a_run("b"), "state", [], "equivalent", "the same by state"),
        (a_run("a"), a_run("a"), "", [RIGHT, WRONG], "drifted", 'expect[0].text: "a" is not "b"'),
        (a_run("a", tokens=1), a_run("a", tokens=2), "usage", [], "drifted", "usage=1.1: was 1 token, is 2 tokens"),
        (a_run("a"), a_run("a"), "cost", [], "drifted", "cost=1.1: cannot be told: the cost of the logged run"),
        (a_run("a"), a_run(state="error", error=SERVER), "", [], "failed", "server: it is server"),
        (a_run("a"), a_run(state="error", error=INVALID), "", [WRONG], "failed", "invalid: it is invalid"),
        (a_run(state="error", error=SERVER), a_run(state="error", error=SERVER), "", [], "failed", "server: it is"),
        (a_run(state="error", error=INVALID), a_run(state="error", error=INVALID), "", [], "identical", None),
        (a_run("a"), a_run(state="blocked", error=BLOCKED), "state", [], "drifted", "state: was ok, is blocked"),
        (a_run(state="blocked", error=BLOCKED), a_run(state="blocked", error=BLOCKED), "", [], "identical", None),
        (a_run(state="error", error=SERVER), a_run("a"), "state", [], "drifted", "state: was error (server), is ok"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_failure_checks_and_expectations(
    then: Record, now: Record, checks: str, expectations: list[ExpectationRecord], verdict: str, reason: str | None
) -> None:
    found = compare(then, now, parse_checks([checks] if checks else []))
    told, why = verdict_of(then, now, found, expectations)
    assert told == verdict
    assert (why is None) if reason is None else (why or "").startswith(reason)


def test_what_the_unchanged_request_fails_too_is_no_drift() -> None:
    then, now = a_run("a"), a_run("b")
    noisy = [check.model_copy(update={"noise": True}) for check in compare(then, now, parse_checks(["text"]))]
    assert verdict_of(then, now, noisy, []) == ("equivalent", "unchanged it differs too by text")
    assert verdict_of(then, now, noisy, [WRONG])[0] == "drifted"
    found = compare(then, now, parse_checks(["text", "state"]))
    mixed = [check.model_copy(update={"noise": not check.passed or None}) for check in found]
    assert verdict_of(then, now, mixed, [])[1] == "the same by state; unchanged it differs too by text"


def test_many_reasons_are_told_by_the_first_of_them() -> None:
    found = compare(a_run("a"), a_run("b", state="refused", finish="x"), parse_checks(["text,state,finish,exact"]))
    reason = verdict_of(a_run("a"), a_run("b"), found, [WRONG])[1] or ""
    assert reason.count(";") == REASONS
    assert reason.endswith("; and 3 more")
