"""What came of replays and of checks, on the screen."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from unittest import mock

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.exchangerecords import ExchangeRecord
from plcli.outcomes import Outcome, Totals
from plcli.records import Cost, ExpectationRecord, Record, ResponseRecord, SpecRef, line, parse
from plcli.render.held import show_expectation, show_held
from plcli.render.screen import Screen
from plcli.render.verdicts import show_outcome, show_totals
from plcli.replayrecords import CheckRecord, Difference, LossRecord, Replay, Verdict
from plcli.response import Failure, Usage

Json = Any


class Window(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def a_screen(width: int | None = None, **fields: Json) -> Screen:
    """A pipe, or a terminal of so many columns."""
    stream = io.StringIO if width is None else Window
    return Screen(
        stream(), stream(), {"COLUMNS": str(width)}, redact=lambda text: text.replace("s3cret", "[…]"), **fields
    )


def shown(screen: Screen) -> str:
    assert isinstance(screen.out, io.StringIO)
    return screen.out.getvalue()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def a_run(id: str, *, tokens: int = 10, cost: float = 0.001, took: int = 1000, **fields: Json) -> Record:
    return Record(
        id=id,
        time="t",
        command="replay",
        plcli="0.1.0",
        provider="echo",
        model="m",
        spec=SpecRef(path="prompts/weather.yaml", sha256="sha256:" + "0" * 64),
        exchanges=[ExchangeRecord(key="k", operation="echo", started="t", duration_ms=took)],
        response=ResponseRecord(state="ok", text="It is 21 °C."),
        usage=Usage(total_tokens=tokens),
        cost=Cost(amount=cost, source="user", complete=True),
        **fields,
    )


def an_outcome(verdict: Verdict, reason: str | None = None, now: Json = None, **replay: Json) -> Outcome:
    made = Replay(of="20261126T094532432-aaaaa", verdict=verdict, reason=reason, **replay)
    then = a_run("20261126T094532432-aaaaa")
    return Outcome(then, a_run("20261126T104532432-bbbbb", replay=made, **(now or {})), "prompts/weather.yaml")


CHECKS = [
    CheckRecord(name="state", passed=True),
    CheckRecord(name="text", passed=False, wanted="It is 21.\nWarm.", got="It is 22.\x1b[2J", message="was …, is …"),
    CheckRecord(name="json", passed=False, wanted={"a": [1, 2]}, got={"a": [1, 3]}, message="was …"),
    CheckRecord(name="images", passed=False, wanted=1, got=2, message="was 1 picture, is 2"),
    CheckRecord(name="usage=1.1", passed=False, wanted=10, got=50, message="was 10 tokens", noise=True),
]
EXPECTED = [
    ExpectationRecord(path="expect[0].text", passed=True, wanted="x"),
    ExpectationRecord(
        path="expect[1].text", passed=False, wanted={"contains": "Rome"}, got="s3cret", message="no\nRome"
    ),
    ExpectationRecord(path="expect[2].cost", passed=False, wanted={"max": 1}, message="cost: not known"),
]
OUTCOMES = [
    an_outcome("identical"),
    an_outcome("equivalent", "the same by state, text"),
    an_outcome("drifted", "text: was …, is …; and more", now={"expectations": EXPECTED}, checks=CHECKS),
    an_outcome(
        "drifted",
        "the request is another one",
        differences=[
            Difference(path="params.seed", kind="changed", old=1, new=2, file="prompts/weather.yaml", line=3, column=9)
        ],
    ),
    an_outcome("failed", "server: it is down", now={"error": Failure(kind="server", message="it is down")}),
    an_outcome("not-replayable", "sha256:… is not in media")._replace(name="prompts/x\ny.yaml"),
]


@pytest.mark.parametrize("detail", [True, False])
def test_each_verdict_has_a_line_and_what_is_behind_it(detail: bool, snapshot: SnapshotAssertion) -> None:
    screen = a_screen()
    for outcome in OUTCOMES:
        show_outcome(outcome, screen, detail=detail)
    assert shown(screen) == snapshot


def test_quiet_shows_only_what_is_not_as_it_was() -> None:
    screen = a_screen(quiet=True)
    for outcome in OUTCOMES:
        show_outcome(outcome, screen, detail=False)
    assert [told.split()[0] for told in shown(screen).splitlines()] == [
        "drifted",
        "drifted",
        "failed",
        "not-replayable",
    ]


def test_as_json_an_outcome_is_its_record() -> None:
    screen = a_screen(format="jsonl")
    for outcome in OUTCOMES:
        show_outcome(outcome, screen, detail=True)
    assert shown(screen).splitlines() == [line(outcome.now) for outcome in OUTCOMES]
    assert [parse(told) for told in shown(screen).splitlines()] == [outcome.now for outcome in OUTCOMES]


@pytest.mark.parametrize("width", [48, 200])
def test_on_a_terminal_a_reason_has_the_rest_of_the_line(width: int) -> None:
    screen = a_screen(width)
    with mock.patch.dict("os.environ", {"COLUMNS": str(width)}):
        for outcome in OUTCOMES:
            show_outcome(outcome._replace(name="x"), screen, detail=False)
    assert "\x1b[3" in shown(screen)
    assert all(len(told) <= width for told in plain(shown(screen)).splitlines())
    assert ("run bbbbb  the same by state, text" in plain(shown(screen))) == (width == 200)
    assert "the same by state, text" in plain(shown(screen))


def test_a_reason_that_nothing_else_tells_is_told_whole() -> None:
    reason = "there is no prompts/weather.yaml in the workspace any more"
    error = Failure(kind="not_replayable", message=reason, hint="remove the line")
    for width, end in ((60, "\n"), (200, "")):
        screen = a_screen(width)
        with mock.patch.dict("os.environ", {"COLUMNS": str(width)}):
            show_outcome(an_outcome("not-replayable", reason, {"error": error}), screen, detail=True)
        assert f"run bbbbb{end}  {reason}\n  hint: remove the line\n" in plain(shown(screen))


def test_what_does_not_come_along_is_told() -> None:
    screen = a_screen()
    losses = [LossRecord(path="params.seed", kind="dropped", message="the api\nhas no seed")]
    show_outcome(an_outcome("equivalent", losses=losses), screen, detail=True)
    assert "\n  dropped  params.seed: the api has no seed\n" in shown(screen)


@pytest.mark.parametrize("verdict", ["failed", "not-replayable", "drifted"])
def test_checks_of_no_answer_are_not_shown(verdict: Verdict) -> None:
    screen = a_screen()
    show_outcome(an_outcome(verdict, "down", {"expectations": EXPECTED}, checks=CHECKS), screen, detail=True)
    told = "text: was" in shown(screen), "expect[" in shown(screen)
    assert told == ((True, True) if verdict == "drifted" else (False, False))


def test_no_colours_are_shown_where_nobody_wants_them() -> None:
    screen = a_screen(80)
    screen.environ["NO_COLOR"] = "1"
    for outcome in OUTCOMES[:3]:
        show_outcome(outcome, screen, detail=True)
    assert "\x1b" not in shown(screen)


def totals_of(*outcomes: Outcome) -> Totals:
    totals = Totals()
    for outcome in outcomes:
        totals.count(outcome)
    return totals


@pytest.mark.parametrize("width", [None, 80, 40])
def test_the_table_at_the_end_tells_then_and_now(width: int | None, snapshot: SnapshotAssertion) -> None:
    more = an_outcome("equivalent")
    later = a_run("x", tokens=15, cost=0.0005, took=1000, replay=more.now.replay)
    screen = a_screen(width)
    screen.environ["NO_COLOR"] = "1"
    with mock.patch.dict("os.environ", {"COLUMNS": str(width)}):
        show_totals(totals_of(*OUTCOMES, more._replace(now=later)), screen)
    assert shown(screen) == snapshot


@pytest.mark.parametrize("fields", [{"quiet": True}, {"format": "json"}])
def test_programs_and_the_quiet_get_no_table(fields: dict[str, Json]) -> None:
    screen = a_screen(**fields)
    show_totals(totals_of(*OUTCOMES), screen)
    assert shown(screen) == ""


def test_nothing_replayed_is_said_in_one_line() -> None:
    screen = a_screen()
    show_totals(Totals(), screen)
    assert shown(screen) == "0 replays\n"


@pytest.mark.parametrize("found", [EXPECTED, EXPECTED[:1], []])
def test_expectations_are_shown_one_by_one(found: list[ExpectationRecord], snapshot: SnapshotAssertion) -> None:
    screen, quiet, machine = a_screen(), a_screen(quiet=True), a_screen(format="json")
    for each in (screen, quiet, machine):
        show_held(a_run("20261126T094532432-aaaaa"), found, each)
    assert shown(screen) == snapshot
    assert (shown(quiet) == "") == all(one.passed for one in found)
    told = json.loads(shown(machine))
    kept = [one.model_dump(exclude_none=True) for one in found]
    assert told["expectations"] == json.loads(json.dumps(kept).replace("s3cret", "[…]"))
    assert told.get("passed") == (all(one.passed for one in found) if found else None)


def test_an_expectation_that_does_not_say_why_it_failed_is_shown() -> None:
    screen = a_screen()
    show_expectation(ExpectationRecord(path="p", passed=False), screen)
    assert shown(screen) == "  failed  p: not as wanted\n"


def test_long_texts_are_cut_and_hidden_ones_stay_hidden() -> None:
    screen, verbose = a_screen(80), a_screen(80, verbose=True)
    text = "\n".join(f"line {n} \x1b]0;x\x07s3cret" for n in range(1000))
    for each in (screen, verbose):
        show_expectation(ExpectationRecord(path="p", passed=False, message="a\nb", wanted=text, got=["x" * 3000]), each)
    assert len(plain(shown(screen))) < 6_000
    assert "more characters; -v shows all" in shown(screen)
    assert "line 999" not in shown(screen)
    assert "line 999" in shown(verbose)
    assert all("s3cret" not in shown(each) and "\x1b]" not in shown(each) for each in (screen, verbose))
