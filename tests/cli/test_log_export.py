"""`plcli log export` on the command line."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.render.page import MARKER
from tests.support.cli import Cli, Process, Said
from tests.support.pages import Page


@pytest.fixture
def ids(workspace: Path, cli: Cli) -> list[str]:
    """A log of three runs; gives their ids, oldest first."""
    cli("run", "--prompt", "one", "-m", "echo/any")
    cli("run", "hello", "--var", "name=Ada", "--tag", "mine")
    cli("run", "weather", "-m", "echo-weather")
    return [json.loads(line)["id"] for line in Path("runs.jsonl").read_text().splitlines()]


def sized(told: str) -> str:
    """What was said, without the size of the page."""
    return re.sub(r"[\d.]+ KB", "<size>", told)


def shown(html: str) -> list[str]:
    """The ids of the runs on a page, in order."""
    return [card["id"].removeprefix("run-") for card in Page(html).all("article")]


def test_a_page_goes_to_a_file_or_to_a_pipe(ids: list[str], cli: Cli, said: Said, snapshot: SnapshotAssertion) -> None:
    assert sized(said("log", "export", "--as", "html", "--out", "page.html")) == snapshot
    page = Path("page.html").read_bytes()
    assert page.startswith(MARKER)
    assert shown(page.decode()) == ids[::-1]
    outcome = cli("log", "export", "--as", "html")
    assert (outcome.code, outcome.out, outcome.err) == (0, page.decode(), "")


@pytest.mark.parametrize(
    ("args", "places"),
    [
        (("last",), [2]),
        (("last~2", "last"), [2, 0]),
        (("last~2..",), [2, 1, 0]),
        (("-n", "2"), [2, 1]),
        (("--all",), [2, 1, 0]),
        (("--tag", "mine"), [1]),
        (("--state", "tool_calls"), [2]),
        (("--spec", "hello", "--spec", "weather"), [2, 1]),
        (("--where", "provider = nobody"), []),
    ],
)
def test_a_selection_of_runs_is_on_the_page(ids: list[str], cli: Cli, args: tuple[str, ...], places: list[int]) -> None:
    assert shown(cli("log", "export", *args, "--as", "html").out) == [ids[place] for place in places]


def test_a_page_is_replaced_and_nothing_else_is(ids: list[str], said: Said, snapshot: SnapshotAssertion) -> None:
    Path("notes.html").write_text("<!DOCTYPE html>\nmine")
    Path("empty.html").touch()
    Path("page.html").write_bytes(MARKER + b"old")
    Path("link.html").symlink_to("page.html")
    for out in ("page.html", "notes.html", "empty.html", "link.html", "prompts", "nowhere/page.html"):
        assert sized(said("log", "export", "last", "--as", "html", "--out", out)) == snapshot(name=out)
    assert Path("notes.html").read_text().endswith("mine")
    assert not Path("page.html").read_bytes().endswith(b"old")
    assert [name for name in os.listdir() if name.startswith(".") and "html" in name] == []


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--as", "pdf"),
        ("--as", "html", "zzzzz"),
        ("--as", "html", "--all", "-n", "3"),
        ("--as", "csv", "--each"),
        ("--as", "html", "--exchange", "1"),
        ("--as", "curl", "--exchange", "1", "--each"),
        ("--as", "openai-batch", "--out", "batch.jsonl"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_exported_is_an_error(
    ids: list[str], said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]
) -> None:
    assert said("log", "export", *args) == snapshot


def test_a_log_that_cannot_be_read_to_its_end_leaves_no_page(ids: list[str], cli: Cli) -> None:
    log = Path("runs.jsonl")
    log.write_text('{"v":2,"id":"20000101T000000000-00000"}\n' + log.read_text())
    Path("page.html").write_bytes(MARKER + b"old")
    assert cli("log", "export", "--as", "html", "--all", "--out", "page.html").code == 8
    assert Path("page.html").read_bytes().endswith(b"old")
    assert [name for name in os.listdir() if "html" in name] == ["page.html"]


def test_a_terminal_is_no_place_for_a_page(ids: list[str], plcli_process: Process) -> None:
    with plcli_process.terminal("log", "export", "--as", "html") as terminal:
        assert terminal.end() == 2
    assert "--out page.html" in terminal.plain


def test_secrets_of_the_environment_are_not_on_the_page_even_from_an_old_log(
    workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", "--prompt", "the key is sk-from-before-0123456789", "-m", "echo/any")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-before-0123456789")
    outcome = cli("log", "export", "--as", "html")
    assert "[redacted]" in outcome.out
    assert "sk-from-before" not in outcome.out


@pytest.fixture
def asked(workspace: Path, cli: Cli) -> str:
    """A log of one run that OpenAI answered; gives its id."""
    cli("run", "--prompt", "Name a 'fish'.", "-m", "echo/any")
    record = json.loads(Path("runs.jsonl").read_text())
    wire = {"model": "gpt-6.2-sol", "input": "Name a 'fish'. \u202e"}
    exchange = {
        "key": "k",
        "operation": "responses.create",
        "request": wire,
        "started": record["time"],
        "duration_ms": 5,
    }
    told = {"provider": "openai", "api": "responses", "model": "gpt-6.2-sol", "exchanges": [exchange]}
    Path("runs.jsonl").write_text(json.dumps({**record, **told}) + "\n")
    return str(record["id"])


FORMS = ["curl", "python", "openai-batch", "promptlayer", "jsonl", "csv"]


def named(told: str, run: str) -> str:
    """What was said, without what is another with every run."""
    return re.sub(
        r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "<time>", told.replace(run, "<id>").replace(run[-5:], "<tail>")
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_form_goes_to_a_pipe_or_to_a_file_and_only_its_own_files_are_replaced(
    asked: str, cli: Cli, form: str, snapshot: SnapshotAssertion
) -> None:
    noun = "run" if form in ("jsonl", "csv") else "request"
    piped = cli("log", "export", "--as", form)
    assert piped.code == 0
    assert named(piped.out, asked) == snapshot
    assert (
        cli("log", "export", "--as", form, "--out", "new").err.splitlines()[-1].startswith(f"written: new (1 {noun}, ")
    )
    assert Path("new").read_text() == piped.out
    again = cli("log", "export", "--as", form, "--out", "new")
    assert (again.code, Path("new").read_text()) == (2 if form == "jsonl" else 0, piped.out)
    for name, text in {
        "empty": "",
        "mine": f"# mine\n{piped.out}",
        "runs.jsonl": Path("runs.jsonl").read_text(),
    }.items():
        Path(name).write_text(text)
        outcome = cli("log", "export", "--as", form, "--out", name)
        assert (outcome.code, Path(name).read_text()) == (2, text)
        assert "is there already, and no such export of plcli" in outcome.err


def test_what_is_left_out_is_told_and_leaves_no_file(ids: list[str], said: Said, snapshot: SnapshotAssertion) -> None:
    Path("old.sh").write_text("#!/usr/bin/env bash\n# Made by plcli log export --as curl\nold")
    told = said("log", "export", "--as", "curl", "--out", "old.sh", "-q")
    assert told.startswith("exit 9\n")
    assert Path("old.sh").read_text().endswith("old")
    tails = dict.fromkeys((id[-5:] for id in ids), "<tail>")
    assert re.sub("|".join(tails), "<tail>", told) == snapshot


def test_the_oldest_run_comes_first(ids: list[str], cli: Cli) -> None:
    rows = cli("log", "export", "--as", "csv", "-n", "2").out.splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == ids[1:]
    lines = cli("log", "export", "--as", "jsonl", "--all").out.splitlines()
    assert lines == Path("runs.jsonl").read_text().splitlines()


def test_on_a_terminal_a_command_shows_what_is_hidden(asked: str, plcli_process: Process) -> None:
    with plcli_process.terminal("log", "export", "--as", "curl") as terminal:
        assert terminal.end() == 0
    assert "\u202e" not in terminal.text
    assert r"\u202e" in terminal.text


def test_a_key_of_the_environment_is_in_no_export(asked: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment-0123456789")
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    for form in FORMS:
        outcome = cli("log", "export", "--as", form)
        assert outcome.code == 0
        assert "sk-from-the-environment" not in outcome.out
