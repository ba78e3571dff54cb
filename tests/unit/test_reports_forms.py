"""What the reports of a batch say: JUnit, JSON, Markdown, and what GitHub Actions is given."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from plcli.media import Json
from plcli.outcomes import Outcome
from plcli.records import ExpectationRecord, SpecRef
from plcli.render.reports import Reports, parse
from plcli.render.reports.actions import ANNOTATIONS
from plcli.render.reports.markdown import COMMENT, SUMMARY
from plcli.render.reports.sides import LINE, LINES, sides
from plcli.render.screen import Screen
from plcli.replayrecords import CheckRecord, Difference, LossRecord, Replay
from tests.support.outcomes import a_run, an_outcome, drifted, failed, not_replayable, totals_of

GREEN = an_outcome("identical", file="prompts/weather.yaml", line=1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(form: str, *outcomes: Outcome, stopped: str | None = None) -> str:
    with Reports(parse([f"{form}=r.{form}"]), root=Path.cwd(), command="replay", redact=str) as made:
        for outcome in outcomes:
            made.add(outcome)
        made.close(totals_of(*outcomes), stopped=stopped)
    return Path(f"r.{form}").read_text(encoding="utf-8")


def junit(*outcomes: Outcome, stopped: str | None = None) -> Element:
    return ElementTree.fromstring(report("junit", *outcomes, stopped=stopped))


def case(outcome: Outcome) -> Element:
    found = junit(outcome).find(".//testcase")
    assert found is not None
    return found


# What Jenkins' own schema (junit-10.xsd) allows, and beside it what everybody writes: place and properties of a case.
ELEMENTS: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "time", "tests", "failures", "errors", "skipped", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "time", "classname", "file", "line"}, {"failure", "error", "properties"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
}
NEEDED = {"name", "tests", "failures", "errors"}


def test_junit_has_no_element_and_no_attribute_that_its_readers_do_not_know() -> None:
    root = junit(GREEN, drifted(), failed(), not_replayable(), stopped="stopped after 2 failures: 1 not run")
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = ELEMENTS[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    for suite in (root, root[0]):
        assert set(suite.attrib) >= NEEDED
        counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors")}
        assert counts == {"tests": 5, "failures": 1, "errors": 3}
    assert root[0].attrib["skipped"] == "0"
    datetime.strptime(root[0].attrib["timestamp"], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the schema knows no zones


@pytest.mark.parametrize(
    ("outcome", "tag"),
    [
        (GREEN, None),
        (an_outcome("equivalent", reason="text is equal"), None),
        (drifted(), "failure"),
        (failed(), "error"),
        (not_replayable(), "error"),
    ],
)
def test_a_case_is_green_only_where_the_replay_is_as_it_was(outcome: Outcome, tag: str | None) -> None:
    found = [part for part in case(outcome) if part.tag != "properties"]
    assert [part.tag for part in found] == ([tag] if tag else [])
    for part in found:
        assert part.attrib == {"type": outcome.verdict, "message": outcome.reason}
        assert (part.text or "").startswith(outcome.reason or "")


def test_a_case_says_where_its_request_stands_and_what_is_known_of_it() -> None:
    found = case(drifted(served_model="m-2026"))
    assert found.attrib == {
        "classname": "prompts/weather.yaml",
        "name": "weather (run aaaaa)",
        "file": "prompts/weather.yaml",
        "line": "7",
        "time": "1.500",
    }
    assert {one.attrib["name"]: one.attrib["value"] for one in found.iter("property")} == {
        "run": "20261126T070000000-aaaaa",
        "verdict": "drifted",
        "replay": "20261126T090000000-aaaaa",
        "provider": "openai",
        "model": "m",
        "served_model": "m-2026",
        "state": "ok",
        "input_tokens": "10",
        "output_tokens": "3",
        "cost": "0.25",
        "duration_ms": "1500",
    }


def test_a_run_without_a_spec_has_a_class_but_no_place() -> None:
    then = a_run("20261126T070000000-aaaaa", spec=None)
    found = case(an_outcome("identical", then=then, line=3))
    assert found.attrib == {"classname": "runs without a spec", "name": "weather (run aaaaa)", "time": "1.500"}


def test_a_change_of_another_file_leaves_a_case_in_its_class() -> None:
    found = case(drifted(file="tools/get_weather.yaml"))
    assert (found.attrib["classname"], found.attrib["file"]) == ("prompts/weather.yaml", "tools/get_weather.yaml")


def test_an_end_before_the_end_is_a_case_of_its_own() -> None:
    last = list(junit(GREEN, stopped="stopped at PLCLI_MAX_COST ($1)").iter("testcase"))[-1]
    assert last.attrib == {"classname": "plcli replay", "name": "everything is replayed", "time": "0.000"}
    assert [part.attrib["message"] for part in last] == ["stopped at PLCLI_MAX_COST ($1)"]


def test_the_details_show_what_was_wanted_and_what_came(snapshot: object) -> None:
    outcome = drifted(
        differences=[
            Difference(path="messages[0].content", kind="changed", old="You are terse.", new="You are verbose.",
                       file="prompts/weather.yaml", line=7, column=5),
            Difference(path="tools[1]", kind="added", new={"type": "web_search"}, file="prompts/weather.yaml"),
            Difference(path="params.temperature", kind="removed", old=0.5),
            Difference(path="params.seed", kind="changed", old=1, new=2, cause="--set params.seed"),
        ],
        checks=[
            CheckRecord(name="state", passed=True),
            CheckRecord(name="text", passed=False, wanted="a\nb\nc\nd", got="a\nb\nC\nd", message="words differ"),
            CheckRecord(name="usage=1.1", passed=False, wanted=10, got=20, noise=True),
        ],
        expectations=[
            ExpectationRecord(path="expect[0].state", passed=True),
            ExpectationRecord(path="expect[1].text", passed=False, wanted={"contains": "rain"}, got="It snows."),
        ],
        losses=[LossRecord(path="params.seed", kind="dropped", message="this model has no seed")],
    )  # fmt: skip
    assert case(outcome).findtext("failure") == snapshot
    assert case(failed()).findtext("error") == snapshot


def test_of_a_call_that_failed_nothing_is_said_twice_and_no_check() -> None:
    checks = [CheckRecord(name="text", passed=False, wanted="a", got="")]
    outcome = failed()
    error = outcome.now.error
    assert error is not None
    why = f"{error.kind}: {error.message}"
    replay = Replay(of="x", verdict="failed", reason=why, checks=checks)
    told = case(outcome._replace(now=outcome.now.model_copy(update={"replay": replay}))).findtext("error") or ""
    assert (told.count(why), "check text" in told) == (1, False)


def test_json_says_all_of_a_batch_and_of_each_replay() -> None:
    outcome = drifted(exchange=2, losses=[LossRecord(path="params.seed", kind="dropped", message="no seed")])
    found = json.loads(report("json", outcome, stopped="interrupted"))
    started = found.pop("started")
    datetime.strptime(started, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - Z is UTC
    then, now = (
        {"run": f"20261126T{time}-aaaaa", "time": "2026-11-26T07:00:00Z", "provider": "openai", "model": "m",
         "state": "ok", "input_tokens": 10, "output_tokens": 3, "cost": 0.25, "duration_ms": 1500}
        for time in ("070000000", "090000000")
    )  # fmt: skip
    assert found == {
        "plcli": "0.1.0",
        "command": "replay",
        "stopped": "interrupted",
        "totals": {
            "runs": 1,
            "verdicts": {"drifted": 1},
            "exit": 1,
            "tokens": {"then": 13, "now": 13, "of": 1},
            "cost": {"then": 0.25, "now": 0.25, "of": 1},
            "duration_ms": {"then": 1500, "now": 1500, "of": 1},
        },
        "outcomes": [
            {
                "name": "weather (run aaaaa, exchange 3)",
                "spec": "prompts/weather.yaml",
                "file": "prompts/weather.yaml",
                "line": 7,
                "verdict": "drifted",
                "reason": "text: the words differ",
                "then": then,
                "now": now,
                "exchange": 2,
                "checks": [
                    {
                        "name": "text",
                        "passed": False,
                        "wanted": "It rains.",
                        "got": "It snows.",
                        "message": "the words differ",
                    }
                ],
                "losses": [{"path": "params.seed", "kind": "dropped", "message": "no seed"}],
            }
        ],
    }


def test_json_has_a_line_for_each_replay() -> None:
    lines = report("json", GREEN, drifted(), failed()).splitlines()
    assert [json.loads(line.rstrip(","))["verdict"] for line in lines[1:-1]] == ["identical", "drifted", "failed"]
    assert json.loads(report("json"))["outcomes"] == []


def test_markdown_shows_what_changed_and_what_is_not_as_before(snapshot: object) -> None:
    slow = an_outcome("equivalent", "bbbbb", usage={"total_tokens": 26}, cost={"amount": 0.5, "source": "user",
                      "complete": True})  # fmt: skip
    assert report("markdown", GREEN, slow, drifted(), not_replayable("ccccc"), stopped="interrupted") == snapshot
    assert report("markdown", GREEN) == snapshot
    assert report("markdown") == snapshot


@pytest.mark.parametrize("count", [40, 600])
def test_markdown_is_as_long_as_a_comment_may_be_and_counts_the_rest(count: int) -> None:
    outcomes = [drifted(f"{n:05}", checks=[CheckRecord(name="text", passed=False, wanted="é" * 2_000, got="x" * 2_000)])
                for n in range(count)]  # fmt: skip
    text = report("markdown", *outcomes)
    assert len(text.encode()) <= COMMENT
    rows, details = text.count("\n| drifted |"), text.count("<details>")
    assert rows == count or f"\n… and {count - rows} more.\n" in text
    assert f"\nNo room here for the details of {count - details} more.\n" in text
    assert rows > 30
    assert details > 10


def nested(depth: int) -> Json:
    value: Json = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        "\x1b\n" * 500_000,
        [["x" * 1000] * 1000] * 1000,
        {str(n): None for n in range(100_000)},
        {"k" * 1_000_000: 1},
        nested(5_000),
        10**4000,
    ],
    ids=["words", "controls", "lists", "fields", "key", "nested", "number"],
)
def test_the_size_of_a_report_does_not_depend_on_what_a_replay_holds(value: Json) -> None:
    words = value if isinstance(value, str) else "x"
    checks = [CheckRecord(name=words, passed=False, wanted=value, got=words, message=words)] * 20
    outcome = drifted(reason=words, name=words, file=words, checks=checks, served_model=words)
    sizes = {form: len(report(form, outcome).encode()) for form in ("junit", "json", "markdown")}
    assert sizes["junit"] < 200_000
    assert sizes["json"] < 1_000_000
    assert sizes["markdown"] <= COMMENT


HOSTILE = [
    "a|b\n\n# heading",
    "`x` ``y`` ```\n```\n</code></details><img src=x onerror=alert(1)>",
    "![p](https://evil.example/p.png) [l](javascript:alert(1)) <https://evil.example> www.evil.example",
    "@octocat #1 GH-1 octo/repo#1 a@b.example :+1: &lt;b&gt; \\",
    "````diff\n~~~~\n<!-- ",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_model_says_gets_out_of_its_place_in_markdown(text: str) -> None:
    check = CheckRecord(name=text, passed=False, wanted=text, got="x", message=text)
    tokens = markdown(report("markdown", drifted(reason=text, name=text, file=text, checks=[check]), stopped=text))
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h3"]
    cells = [token for token in tokens if token.type == "td_open"]
    assert len(cells) == 3 * 4 + 4
    blocks = [token for token in tokens if token.type == "html_block"]
    assert [block.content.split(">")[0] for block in blocks] == ["<!-- plcli report --", "<details", "</details"]
    assert [token.info for token in tokens if token.type == "fence"] == ["diff"]
    inline = [part for token in tokens for part in token.children or ()]
    assert {part.content for part in inline if part.type == "html_inline"} == {"<code>", "</code>"}
    kinds = {"text", "html_inline", "strong_open", "strong_close", "text_special"}
    assert {part.type for part in inline} <= kinds


def markdown(text: str) -> Sequence[object]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(text)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a", "b", ["-a", "+b"]),
        (None, "b", ["+b"]),
        ("a", None, ["-a"]),
        ("", "", [" "]),
        ("same", "same", [" same"]),
        ("1\n2\n3\n4\n5\n6\n7", "1\nX\n3\n4\n5\nY\n7", [" 1", "-2", "+X", " 3", " …", " 5", "-6", "+Y", " 7"]),
        ("p" * 300 + "old", "p" * 300 + "new", [f"-…{'p' * 80}old", f"+…{'p' * 80}new"]),
        ("x" * (LINE + 1), "y", ["-" + "x" * (LINE - 2) + "…", "+y"]),
    ],
)
def test_two_values_stand_beside_each_other(old: str | None, new: str | None, shown: list[str]) -> None:
    assert list(sides(old, new)) == shown


def test_of_very_long_values_the_beginnings_are_shown() -> None:
    shown = list(sides("\n".join(map(str, range(1_000))), "new"))
    assert shown[:2] == ["-0", "-1"]
    assert shown[LINES:] == ["+new", " … 940 more lines"]


class Runner:
    """What a step of GitHub Actions sees."""

    def __init__(self, summary: str | None = "summary.md", environ: Iterable[tuple[str, str]] = ()) -> None:
        named = {"GITHUB_STEP_SUMMARY": summary} if summary is not None else {}
        self.screen = Screen(
            io.StringIO(), io.StringIO(), {"GITHUB_ACTIONS": "true", **named, **dict(environ)}, quiet=True
        )

    def sees(self, *outcomes: Outcome, stopped: str | None = None) -> list[str]:
        with Reports((), root=Path.cwd(), command="replay", redact=str, screen=self.screen) as made:
            for outcome in outcomes:
                made.add(outcome)
            made.close(totals_of(*outcomes), stopped=stopped)
        assert self.screen.out.getvalue() == ""  # type: ignore[attr-defined]
        return self.screen.err.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_what_is_not_as_before_is_annotated_where_it_stands() -> None:
    assert Runner(None).sees(GREEN, drifted(checks=[]), failed("bbbbb")) == [
        "::error file=prompts/weather.yaml,line=7,title=drifted%3A weather (run aaaaa)::text: the words differ",
        "::error title=failed%3A weather (run bbbbb)::slow down%0A rate_limit: slow down%0A hint: wait a moment",
    ]


@pytest.mark.parametrize(
    ("count", "stopped", "last"),
    [
        (ANNOTATIONS, None, "weather (run 00009)"),
        (ANNOTATIONS + 1, None, "::2 more are not as before"),
        (ANNOTATIONS, "interrupted", "::2 more are not as before"),
        (ANNOTATIONS - 1, "interrupted", "weather (run 00008)"),
    ],
)
def test_github_shows_ten_of_which_the_last_counts_the_rest(count: int, stopped: str | None, last: str) -> None:
    seen = Runner(None).sees(*[drifted(f"{n:05}") for n in range(count)], stopped=stopped)
    assert len(seen) == ANNOTATIONS
    assert last in seen[-1]
    assert (stopped is not None) == ("::interrupted" in seen[0])


def test_no_answer_commands_the_runner() -> None:
    text = "x\r\n::set-output name=a::b\n::stop-commands::t\r::add-mask::x\u2028::error::y ##[add-path]z,line=1:2%0A"
    check = CheckRecord(name=text, passed=False, wanted=text, got=None, message=text)
    (line,) = Runner(None).sees(drifted(name=text, reason=text, file=text, checks=[check]))
    head, _, message = line.removeprefix("::error ").partition("::")
    assert [part.partition("=")[0] for part in head.split(",")] == ["file", "line", "title"]
    assert ":" not in head
    assert line.isprintable()
    assert "%250A" in message


def test_the_summary_is_added_to_what_stands_there() -> None:
    Path("summary.md").write_text("before")
    Runner().sees(GREEN)
    text = Path("summary.md").read_text()
    assert text.startswith("before\n<!-- plcli report -->\n### plcli replay: 1 run, all as before\n")


def test_the_summary_has_more_room_than_a_comment_but_not_more_than_github_takes() -> None:
    Path("summary.md").write_text("b" * 500_000)
    wanted = "\n".join("w" * 300 for _ in range(50))
    Runner().sees(*[drifted(f"{n:05}", checks=[CheckRecord(name="text", passed=False, wanted=wanted)])
                    for n in range(100)])  # fmt: skip
    size = os.path.getsize("summary.md")
    assert SUMMARY - 30_000 < size <= SUMMARY
    Runner().sees(*[drifted(f"{n:05}") for n in range(1000)])
    assert os.path.getsize("summary.md") <= SUMMARY


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "link"])
def test_a_summary_that_is_no_plain_file_is_left_alone(kind: str) -> None:
    match kind:
        case "folder":
            Path("summary.md").mkdir()
        case "pipe":
            os.mkfifo("summary.md")
        case "link":
            Path("target").touch()
            Path("summary.md").symlink_to("target")
    (warning,) = Runner().sees(GREEN)
    assert warning.startswith("warning: the summary of the step cannot be written: ")
    assert kind != "link" or Path("target").read_text() == ""


def test_nothing_is_said_to_github_elsewhere() -> None:
    Path("summary.md").touch()
    assert Runner(environ=[("GITHUB_ACTIONS", "")]).sees(drifted(), stopped="interrupted") == []
    assert Path("summary.md").read_text() == ""


def test_a_spec_read_from_standard_input_is_no_file() -> None:
    then = a_run("20261126T070000000-aaaaa", spec=SpecRef(path="-", sha256="sha256:0"))
    assert case(an_outcome("identical", then=then)).attrib["classname"] == "-"
