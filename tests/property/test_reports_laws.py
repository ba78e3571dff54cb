"""Laws of reports: whatever a replay holds, every reader takes them, and they command nobody."""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from plcli.outcomes import Outcome, Totals
from plcli.records import ExpectationRecord, SpecRef
from plcli.render.reports import Reports, parse
from plcli.render.reports.sides import sides
from plcli.render.reports.values import DEEPEST, Values
from plcli.render.screen import Screen
from plcli.replayrecords import VERDICTS, CheckRecord, Difference, LossRecord, Replay
from plcli.response import Failure
from tests.property.test_page_laws import JSON, MAYBE, OBJECT, records

TEXT = st.one_of(
    st.text(),
    st.text(alphabet="<>\"'&/=-!`|*_[]()#@:\\~ \n\r\t\x00\x7f\x85\u2028\u202e\ud800\udfff\ufffe\uffffabc%{}"),
    st.sampled_from(
        ["]]>", "```\n</details>", "\n::error::x", "##[group]x", "<!--", "| a |\n|---|", "\x1b[2J", "..", "-"]
    ),
)
LINE = st.none() | st.integers(-1, 10**40)
CHECKS = st.builds(CheckRecord, name=TEXT, passed=st.booleans(), wanted=JSON, got=JSON, message=st.none() | TEXT)
DIFFERENCES = st.builds(
    Difference,
    path=TEXT,
    kind=st.sampled_from(["added", "removed", "changed"]),
    old=JSON,
    new=JSON,
    file=st.none() | TEXT,
    line=LINE,
    column=LINE,
)
LOSSES = st.builds(LossRecord, path=TEXT, kind=st.just("dropped"), message=TEXT)
EXPECTATIONS = st.builds(ExpectationRecord, path=TEXT, passed=st.booleans(), wanted=JSON, got=JSON, message=MAYBE)
FAILURES = st.builds(Failure, kind=TEXT, message=TEXT, hint=st.none() | TEXT)
SPECS = st.builds(SpecRef, path=TEXT, sha256=TEXT)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """A replay that may hold anything."""
    then, now = draw(records()), draw(records())
    replay = Replay(
        of=then.id,
        verdict=draw(st.sampled_from(VERDICTS)),
        reason=draw(st.none() | TEXT),
        checks=draw(st.none() | st.lists(CHECKS, max_size=3)),
        differences=draw(st.none() | st.lists(DIFFERENCES, max_size=3)),
        losses=draw(st.none() | st.lists(LOSSES, max_size=2)),
    )
    said = {
        "replay": draw(st.sampled_from([replay, replay, replay, None])),
        "expectations": draw(st.none() | st.lists(EXPECTATIONS, max_size=2)),
        "error": draw(st.none() | FAILURES),
    }
    then = then.model_copy(update={"spec": draw(st.none() | SPECS)})
    return Outcome(then, now.model_copy(update=said), draw(TEXT), draw(st.none() | TEXT), draw(LINE))


FORMS = ("junit", "json", "markdown")


def made(found: list[Outcome], stopped: str | None) -> tuple[dict[str, str], str]:
    """The reports by their forms, and what GitHub Actions is told."""
    screen = Screen(io.StringIO(), io.StringIO(), {"GITHUB_ACTIONS": "true"})
    totals = Totals()
    with tempfile.TemporaryDirectory() as folder:
        wanted = parse([f"{form}={folder}/{form}" for form in FORMS])
        with Reports(wanted, root=Path(folder), command="replay", redact=str, screen=screen) as reports:
            for outcome in found:
                totals.count(outcome)
                reports.add(outcome)
            reports.close(totals, stopped=stopped)
        texts = {one.form: one.path.read_bytes().decode("utf-8") for one in wanted}
    return texts, screen.err.getvalue()  # type: ignore[attr-defined]


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


@given(st.lists(outcomes(), max_size=3), st.none() | TEXT)
def test_whatever_replays_hold_their_reports_are_sound(found: list[Outcome], stopped: str | None) -> None:
    texts, told = made(found, stopped)
    green = [outcome.verdict in ("identical", "equivalent") for outcome in found]

    root = ElementTree.fromstring(texts["junit"])
    wrong = [case.find("failure") is not None or case.find("error") is not None for case in root.iter("testcase")]
    assert wrong == [not each for each in green] + ([True] if stopped is not None else [])

    verdicts = [one["verdict"] for one in json.loads(texts["json"])["outcomes"]]
    assert verdicts == [outcome.verdict for outcome in found]

    tokens = MarkdownIt("commonmark").enable("table").parse(texts["markdown"])
    inline = [part for token in tokens for part in token.children or ()]
    assert {part.content for part in inline if part.type == "html_inline"} <= {"<code>", "</code>"}
    assert not {part.type for part in inline} & {"link_open", "image", "em_open", "code_inline", "s_open"}
    rows = [token for token in tokens if token.type == "tr_open"]
    sums = texts["markdown"].count("\n| tokens ") + texts["markdown"].count("\n| cost ")
    sums += texts["markdown"].count("\n| time ")
    assert len(rows) == (1 + sums if sums else 0) + (1 + green.count(False) if False in green else 0)
    folded = texts["markdown"].count("\n<details><summary>")
    assert len([token for token in tokens if token.type == "fence"]) == folded

    assert len(told.splitlines()) == green.count(False) + (stopped is not None)
    assert all(line.startswith("::error ") for line in told.splitlines())
    for text in (*texts.values(), told):
        assert not CONTROLS.search(text)


@given(OBJECT)
def test_a_value_that_fits_is_taken_as_it_is(value: dict[str, object]) -> None:
    assert Values(str).take(value) == value


@given(JSON, st.integers(0, 500))
def test_a_value_never_takes_more_than_its_room(value: object, room: int) -> None:
    taken = Values(str, room).take([value] * 20)
    assert len(json.dumps(taken, ensure_ascii=False)) <= 6 * room + 10 * DEEPEST


@given(TEXT, TEXT)
def test_both_texts_can_be_told_from_their_lines(old: str, new: str) -> None:
    old, new = old.replace("\r", ""), new.replace("\r", "")
    shown = list(sides(old, new))
    changed = {line[0] for line in shown if line[0] in "+-"}
    assert bool(changed) == (old != new)
    assert all("\n" not in line for line in shown)
