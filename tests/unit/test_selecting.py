"""Selecting runs of a log: by name, by number, by filter, in either order."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import LogError, UsageError
from plcli.records import Note, Record, ResponseRecord, SpecRef, line
from plcli.render.screen import Screen
from plcli.runlog import RunLog
from plcli.selecting import NEWEST, places, selected, selection
from plcli.session import Session, open_session

WORDS = ("zero", "one", "two", "three", "four")


def a_record(text: str, spec: str | None = None) -> Record:
    return Record(
        id="",
        time="2026-11-23T16:55:39Z",
        command="run",
        plcli="0.1.0",
        spec=SpecRef(path=spec, sha256="0" * 64) if spec else None,
        response=ResponseRecord(state="ok", text=text),
        tags=[text[0]],
    )


@pytest.fixture
def ids() -> list[str]:
    """A log of five runs, with a note between them; their ids, oldest first."""
    log = RunLog(Path("runs.jsonl"))
    first = [entry.id for entry in log.append_all([a_record(word) for word in WORDS[:3]])]
    log.append(Note(id="", run=first[0], text="zero"))
    return first + [entry.id for entry in log.append_all([a_record(word) for word in WORDS[3:]])]


@pytest.fixture
def session(ids: list[str]) -> Session:
    return open_session(Screen(io.StringIO(), io.StringIO(), {}))


def words(session: Session, *runs: str, newest_first: bool = False, **options: Any) -> list[str | None]:
    chosen = selection(session.workspace, {"runs": runs, **options})
    found = selected(session, runs, chosen, newest_first=newest_first)
    return [record.response.text for record in found if record.response]


def said(session: Session) -> str:
    assert isinstance(session.screen.err, io.StringIO)
    return session.screen.err.getvalue()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, "zero one two three four"),
        ({"everything": True}, "zero one two three four"),
        ({"count": 2}, "three four"),
        ({"tag": ["t"]}, "two three"),
        ({"tag": ["t"], "count": 1}, "three"),
        ({"tag": ["t", "z"], "everything": True}, "zero two three"),
        ({"where": ["response.text ~ o"], "count": 3}, "one two four"),
        ({"where": ["response.text ~ o", "tags = t"], "tag": ["t"]}, "two three"),
        ({"state": ["ok"], "since": "2026-11-23"}, "zero one two three four"),
        ({"since": "2026-11-24"}, ""),
    ],
    ids=repr,
)
def test_runs_are_selected_by_filter_and_number(session: Session, options: dict[str, Any], wanted: str) -> None:
    assert words(session, **options) == wanted.split()
    assert words(session, newest_first=True, **options) == wanted.split()[::-1]


@pytest.mark.parametrize(
    ("runs", "wanted"),
    [
        ("last", "four"),
        ("last~1 last~3", "one three"),
        ("last last~0 {4} {4:.19}", "four"),
        ("{1}..{3}", "one two three"),
        ("{3}..{1}", "one two three"),
        ("last~1..", "three four"),
        ("{0} {1}..{2} {2}..last~1", "zero one two three"),
        ("{2}..{2}", "two"),
    ],
)
def test_runs_are_selected_by_name_in_the_order_of_the_log(
    session: Session, ids: list[str], runs: str, wanted: str
) -> None:
    named = [run.format(*ids) for run in runs.split()]
    assert words(session, *named) == wanted.split()
    assert words(session, *named, newest_first=True) == wanted.split()[::-1]


def test_runs_that_are_named_are_filtered_and_counted_too(session: Session) -> None:
    assert words(session, "last~4..last", tag=["t"]) == ["two", "three"]
    assert words(session, "last~4..last", count=2) == ["three", "four"]


def test_without_a_number_the_newest_few_are_selected(session: Session) -> None:
    session.log.append_all([a_record(f"more {n}") for n in range(NEWEST)])
    assert len(words(session)) == NEWEST
    assert len(words(session, everything=True)) == len(words(session, "last~24..")) == NEWEST + 5


def test_a_run_with_two_lines_is_selected_once_by_its_newest(session: Session, ids: list[str]) -> None:
    with session.log.path.open("a") as log:
        log.write(line(a_record("new").model_copy(update={"id": ids[4]})) + "\n")
    assert words(session, "last") == ["new"]


@pytest.mark.parametrize("run", ["zzzzz", "last~9", "..", "..last", "zzzzz..last", "last..zzzzz"])
def test_a_run_that_is_not_there_is_an_error(session: Session, run: str) -> None:
    with pytest.raises(UsageError, match="no run"):
        words(session, run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": ["okay"]}, "--state 'okay' is no state"),
        ({"since": "soon"}, "--since 'soon' is no time"),
        ({"where": ["tags = a", "tags"]}, "--where 'tags', column 5"),
        ({"count": 1, "everything": True}, "exclude each other"),
    ],
)
def test_what_selects_nothing_by_mistake_is_an_error(session: Session, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        words(session, **options)


def test_specs_are_named_as_they_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    RunLog(Path("runs.jsonl")).append_all([a_record("mine", "prompts/deep/mine.yaml"), a_record("stdin", "-")])
    Path("plcli.toml").touch()
    Path("prompts/deep").mkdir(parents=True)
    monkeypatch.chdir("prompts")
    session = open_session(Screen(io.StringIO(), io.StringIO(), {}))
    for spec in ("mine", "deep/mine.yaml", "../prompts/deep/mine.yaml", str(Path.cwd() / "deep" / "mine.yaml")):
        assert words(session, spec=[spec]) == ["mine"]
    assert words(session, spec=["-"]) == ["stdin"]
    assert words(session, spec=["mine.yaml", "prompts/deep/mine.yaml"]) == []


def test_a_spec_that_is_gone_is_still_named_by_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    RunLog(Path("runs.jsonl")).append_all([a_record("mine", "prompts/mine.yaml")])
    Path("plcli.toml").touch()
    Path("prompts").mkdir()
    monkeypatch.chdir("prompts")
    session = open_session(Screen(io.StringIO(), io.StringIO(), {}))
    for spec in ("mine", "mine.yaml", "./mine.yaml"):
        assert words(session, spec=[spec]) == ["mine"]


def test_damage_is_reported_whatever_is_asked_for(session: Session, ids: list[str]) -> None:
    lines = session.log.path.read_text().splitlines()
    lines[1] = lines[1][:60]
    lines[2] = lines[2].replace('"time"', ' "time"')
    session.log.path.write_text("\n".join(lines) + '\n{"v":1,"id"')
    assert words(session, where=["response.text ~ t"]) == ["two", "three"]
    assert said(session).count("is no record") == 2


def test_an_unknown_version_is_an_error_whatever_is_asked_for(session: Session) -> None:
    with session.log.path.open("a") as log:
        log.write('{"v":2,"id":"20991231T235959999-00000"}\n')
    with pytest.raises(LogError, match="version 2"):
        words(session, where=["response.text ~ t"])


def test_a_run_that_cannot_be_searched_is_left_out_with_a_warning(session: Session) -> None:
    session.log.append(a_record("two" * 500_000))
    assert words(session, where=["response.text ~ t.o"]) == ["two"]
    assert "is left out: a text of more than 1,000,000 characters is not searched" in said(session)


def test_that_nothing_was_selected_is_said(session: Session) -> None:
    assert words(session, tag=["x"]) == []
    assert said(session) == "no run matches\n"


# Places


def placed(session: Session, *runs: str, log: RunLog | None = None, **options: Any) -> list[str | None]:
    """The words of the runs at the places that are found."""
    where = log or session.log
    found = [
        where.record_at(at)
        for at in places(session, where, runs, selection(session.workspace, {"runs": runs, **options}))
    ]
    return [record.response.text for record in found if record is not None and record.response is not None]


@pytest.mark.parametrize(
    ("runs", "options"),
    [
        ((), {}),
        ((), {"everything": True}),
        ((), {"count": 2}),
        ((), {"tag": ["t"], "count": 1}),
        ((), {"where": ["response.text ~ o"]}),
        (("last", "last~2..last~1"), {}),
        (("last~4..",), {"count": 2}),
    ],
    ids=repr,
)
def test_places_are_those_of_the_runs_that_are_selected(
    session: Session, runs: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert placed(session, *runs, **options) == words(session, *runs, **options)


def test_replays_in_the_log_are_left_out_unless_they_are_named(session: Session) -> None:
    replay = session.log.append(a_record("again").model_copy(update={"command": "replay"}))
    assert placed(session) == list(WORDS)
    assert placed(session, count=2) == ["three", "four"]
    assert placed(session, replay.id, "last~1") == ["four", "again"]
    # In a file of recordings somebody has put them.
    assert placed(session, log=RunLog(session.log.path)) == [*WORDS, "again"]


def test_what_came_later_is_not_seen(session: Session, ids: list[str]) -> None:
    session.log.before = ids[3]
    assert placed(session) == words(session) == ["zero", "one", "two"]
    assert placed(session, "last") == ["two"]
    with pytest.raises(UsageError, match="no run"):
        placed(session, ids[3])
    assert session.log.append(a_record("five")).id > ids[4]


def test_places_are_found_in_lines_that_hands_have_formatted(session: Session) -> None:
    lines = session.log.path.read_text().splitlines()
    lines[1] = lines[1].replace('":', '": ')
    lines[2] = lines[2][:60]
    session.log.path.write_text("\r\n".join(lines))
    assert placed(session) == ["zero", "one", "three", "four"]
    assert said(session).count("is no record") == 1


def test_a_place_at_which_no_run_begins_is_damage_or_nothing(session: Session) -> None:
    assert session.log.record_at(3) is None
    assert session.log.record_at(10**9) is None
    assert said(session).count("is no record") == 1
