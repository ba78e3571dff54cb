"""`plcli replay` on the command line, and recordings that answer `plcli run`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said, Write
from tests.support.repository import commit

CITY = """\
kind: request
model: echo/any
variables:
  city: {type: string, default: Oslo}
messages:
  - {role: system, content: Be terse.}
  - role: user
    content: What is the weather in {{ city }}?
params: {max_output_tokens: 50}
"""
Told = Callable[..., str]


@pytest.fixture
def told(said: Said) -> Told:
    """What a command line says, without names of batches and without times."""

    def run(*args: str) -> str:
        text = re.sub(r"(batch |--resume )[0-9a-f]{12}", r"\1<batch>", said(*args))
        return re.sub(r"(?m)^(time(?: \(of \d+\))?)\b.*$", r"\1 …", text)

    return run


@pytest.fixture
def runs(write: Write, cli: Cli) -> None:
    """A workspace with a log of three runs, of which two are recordings too."""
    write("plcli.toml", "")
    write("prompts/city.yaml", CITY)
    assert cli("run", "city").code == 0
    assert cli("run", "city", "--var", "city=Rome", "--set", "params.seed=3").code == 0
    assert cli("run", "--prompt", "Hello", "-m", "echo/any").code == 0
    assert cli("log", "keep", "last~2", "last~1").code == 0


def test_help(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("replay", "--help") == snapshot


@pytest.mark.parametrize(
    "args",
    [
        "last",
        "last --format card",
        "last --format json",
        "last -q",
        "last~2..last",
        "last~2..last --format card",
        "--all --jobs 2 -q",
        "last~1 --set params.temperature=0.5 --check text,usage=2",
        "last~1 --var city=Bonn",
        "last~1 --var city=Bonn --baseline --check similar=0.5,tool-calls",
        "last~1 --repeat 3",
        "last~1 --each",
        "last~1 --model openai/gpt-x --dry-run",
        "--recorded",
        "--recorded --format card",
        "--recorded last",
        "--from recordings/city.jsonl --shard 2/2",
        "--update",
        "--tag none",
    ],
)
def test_replays(runs: None, told: Told, snapshot: SnapshotAssertion, args: str) -> None:
    shown = told("replay", *args.split())
    if "--format json" in args:
        shown = re.sub(r'"(of|key|sha256|started)": ?"[^"]*"', r'"\1":"…"', shown)
    assert shown == snapshot


@pytest.mark.parametrize("shape", ["text", "card"])
def test_a_recorded_request_that_has_changed_shows_where(
    runs: None, told: Told, write: Write, snapshot: SnapshotAssertion, shape: str
) -> None:
    changed = CITY.replace("Be terse", "Be brief").replace("50}", "60, temperature: 0.5}").replace("weather", "time")
    write("prompts/city.yaml", changed)
    assert told("replay", "--recorded", "--format", shape) == snapshot


def test_a_dry_run_shows_what_would_be_asked(runs: None, cli: Cli, write: Write) -> None:
    write("prompts/city.yaml", CITY.replace("weather", "time"))
    for args, word in ((("last~2",), "weather"), (("--recorded", "-n1"), "time"), (("--update", "-n1"), "time")):
        done = cli("replay", *args, "--dry-run")
        assert done.code == 0
        assert f"What is the {word} in" in done.out


def test_run_recorded_shows_the_nearest_recording(
    runs: None, told: Told, write: Write, snapshot: SnapshotAssertion
) -> None:
    assert told("run", "city", "--recorded") == snapshot
    assert told("run", "city", "--recorded", "--var", "city=Bonn") == snapshot
    write("prompts/city.yaml", CITY.replace("Be terse", "Be brief"))
    assert told("run", "city", "--recorded", "--format", "card") == snapshot
    assert told("run", "--prompt", "Something else", "-m", "gemini/g", "--recorded") == snapshot
    write("none.jsonl", "")
    assert told("run", "city", "--recorded", "--recordings", "none.jsonl") == snapshot


def test_the_cycle_of_a_recording(runs: None, told: Told, write: Write, snapshot: SnapshotAssertion) -> None:
    write("prompts/city.yaml", CITY + "expect:\n  - text: {contains: Oslo}\n")
    assert told("replay", "--recorded") == snapshot
    write("prompts/city.yaml", CITY.replace("weather", "time") + "expect:\n  - text: {contains: Oslo}\n")
    assert told("replay", "--update") == snapshot
    assert told("replay", "--recorded") == snapshot


def test_an_old_revision_is_tried(runs: None, told: Told, write: Write, snapshot: SnapshotAssertion) -> None:
    commit(Path.cwd(), {".gitignore": "runs.jsonl\nmedia/\n"})
    write("prompts/city.yaml", CITY.replace("weather", "time"))
    assert told("replay", "last~2", "--with", "prompts/city.yaml@HEAD", "-q") == snapshot
    assert told("replay", "last~2", "--with", "prompts/city.yaml", "-q") == snapshot


@pytest.mark.parametrize(
    "args",
    [
        "",
        "zzzzz",
        "last --check nonsense",
        "last --check similar",
        "last --baseline",
        "last --recorded --model echo/any",
        "last --recorded --each",
        "last --update --var city=x",
        "last --update --no-log",
        "last --each --model echo/any",
        "last --resume nonesuch",
        "last --resume nonesuch --no-log",
        "last --shard 3",
        "--from nowhere.jsonl",
        "--from prompts",
        "--update --from runs.jsonl",
        "last --model nonesuch",
        "last --model nowhere/x",
        "last~1 --set nonsense=1",
        "last --with nowhere",
        "last~1 --var nonsense=1",
        "last~1 --var city=1",
        "last --tools nonsense",
        "last --report nonsense",
        "last --state nonsense",
        "--all -n 2",
    ],
)
def test_what_cannot_be_done_is_said(runs: None, told: Told, snapshot: SnapshotAssertion, args: str) -> None:
    assert told("replay", *args.split()) == snapshot


def test_without_a_log_or_recordings_there_is_nothing(told: Told, write: Write, snapshot: SnapshotAssertion) -> None:
    write("plcli.toml", "")
    for args in (("last",), ("--all",), ("--recorded",), ("--update",)):
        assert told("replay", *args) == snapshot


def test_damage_is_told_and_the_others_are_replayed(runs: None, told: Told, snapshot: SnapshotAssertion) -> None:
    for path in (Path("runs.jsonl"), Path("recordings/city.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([b"<<<<<<< HEAD\n", *lines, lines[0][:50]]))
    for args in (("--all",), ("--recorded",)):
        shown = re.sub(r"at byte \d+", "at byte …", told("replay", *args))
        assert shown == snapshot


def test_recordings_of_which_nothing_can_be_read_are_not_green(runs: None, cli: Cli) -> None:
    Path("recordings/city.jsonl").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert cli("replay", "--recorded", "--report", "junit=j.xml").code == 8
    assert "1 line of the recordings cannot be read" in Path("j.xml").read_text()


def test_a_link_among_the_recordings_does_not_lead_out_of_the_workspace(
    runs: None, said: Said, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "runs.jsonl"
    elsewhere.write_bytes(Path("recordings/city.jsonl").read_bytes())
    Path("recordings/more.jsonl").symlink_to(elsewhere)
    for command in (("replay",), ("run", "city")):
        shown = said(*command, "--recorded")
        assert shown.startswith("exit 3")
        assert "more.jsonl leads out of the workspace" in shown


def test_reports_are_written(runs: None, told: Told, cli: Cli, snapshot: SnapshotAssertion) -> None:
    assert told("replay", "--recorded", "-q", "--report", "junit=j.xml,json=r.json,markdown=r.md") == snapshot
    assert "<testsuite" in Path("j.xml").read_text()


@pytest.mark.usefixtures("runs")
def test_a_replay_says_of_what_it_is_and_what_came_of_it(cli: Cli) -> None:
    assert cli("replay", "last", "--set", "params.seed=7", "--no-log").code == 0
    assert cli("replay", "last~2", "--var", "city=Rome").code == 1
    assert re.search(r"(?m)^replay +drifted, of \S+: text: was ", cli("log", "show", "last").out)


@pytest.mark.usefixtures("runs")
def test_a_selection_that_holds_nothing_does_not_blame_the_recordings(cli: Cli) -> None:
    for option in ("--shard 9/9", "--tag none"):
        assert cli("replay", "--recorded", *option.split()).err == "nothing to replay\n"


@pytest.mark.usefixtures("runs")
def test_a_recording_is_found_by_its_name_where_there_is_no_log(cli: Cli) -> None:
    tail = re.findall(r"run ([0-9a-z]{5})", cli("replay", "--recorded").out)[1]
    Path("runs.jsonl").unlink()
    shown = cli("replay", tail, "--recorded")
    assert (shown.code, shown.out.count(tail), shown.out.count("identical")) == (0, 1, 1)
    Path("recordings/more.jsonl").write_text("")
    assert cli("replay", tail, "--recorded").out == shown.out
    assert cli("replay", "zzzzz", "--recorded").code == 2
    assert cli("replay", "last", "--recorded").code == 2


@pytest.mark.usefixtures("runs")
def test_the_last_of_several_files_is_no_run_of_the_log(cli: Cli) -> None:
    Path("recordings/more.jsonl").write_text("")
    last = cli("replay", "last", "--from", "recordings/city.jsonl", "--from", "recordings/more.jsonl")
    assert (last.code, "'last' is of one file, and there are 2" in last.err) == (2, True)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(("args", "code"), [("--spec none", 9), ("--shard 9/9", 0), ("--shard 1/9 --tag none", 0)])
def test_a_suite_that_is_empty_is_no_success(cli: Cli, args: str, code: int) -> None:
    assert cli("replay", "--recorded", *args.split()).code == code
