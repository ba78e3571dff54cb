"""`plcli run` with many rows, models and repetitions, on the command line, with the echo provider."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write

SPEC = "kind: request\nmodel: echo/any\nvariables: {n: {type: integer}}\nprompt: Number {{ n }}\n"
FAILING = "kind: model\nprovider: echo\nmodel: failing\nscript: [{error: {status: 400, message: no}}]\n"
SLOW = "kind: model\nprovider: echo\nmodel: slow\nscript: [{delay_ms: 400}, {text: Done.}]\n"


@pytest.fixture(autouse=True)
def _files(write: Write) -> None:
    write("plcli.toml", "")
    write("count.yaml", SPEC)
    write("rows.jsonl", '{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    write("models/failing.yaml", FAILING)
    write("models/slow.yaml", SLOW)


def batch(text: str) -> str:
    """The text without the ids of batches and the times of runs in process order."""
    return re.sub(r"\b[0-9a-f]{12}\b", "<batch>", text)


@pytest.mark.parametrize(
    "args",
    [
        ("--vars", "rows.jsonl"),
        ("--vars", "rows.jsonl", "--repeat", "2", "-q"),
        ("--vars", "rows.jsonl", "--model", "failing", "--max-fail", "2"),
        ("--var", "n=1", "--model", "echo/a", "--model", "echo/b"),
        ("--var", "n=1", "--model", "echo/a", "--model", "failing", "--jobs", "1"),
        ("--var", "n=1", "--model", "echo/a", "--model", "echo/b", "--format", "card"),
        ("--vars", "rows.jsonl", "--model", "echo/a", "--model", "echo/b", "--dry-run"),
        ("--vars", "rows.jsonl", "--max-fail", "0"),
        ("--var", "n=1", "--resume", "abc"),
    ],
    ids=" ".join,
)
def test_several_runs(args: tuple[str, ...], said: Said, snapshot: SnapshotAssertion) -> None:
    assert batch(said("run", "count.yaml", *args)) == snapshot


def test_each_run_says_its_place_in_the_batch(cli: Cli) -> None:
    cli("run", "count.yaml", "--vars", "rows.jsonl", "--repeat", "2", "--jobs", "3")
    places = [json.loads(line)["batch"] for line in Path("runs.jsonl").read_text().splitlines()]
    assert len({place["id"] for place in places}) == 1
    assert sorted((place["row"], place["repeat"], place["n"]) for place in places) == [
        (row, repeat, 6) for row in range(3) for repeat in range(2)
    ]


def test_a_budget_that_is_no_amount_is_explained(
    said: Said, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLCLI_MAX_COST", "much")
    assert said("run", "count.yaml", "--vars", "rows.jsonl") == snapshot


def test_without_a_log_nothing_is_said_of_going_on(cli: Cli) -> None:
    done = cli("run", "count.yaml", "--vars", "rows.jsonl", "--model", "failing", "--max-fail", "1", "--no-log")
    assert "2 not run" in done.err
    assert "--resume" not in done.err


def test_a_terminal_shows_how_far_a_batch_is(plcli_process: Process) -> None:
    args = ("run", "count.yaml", "--vars", "rows.jsonl", "--model", "slow", "--jobs", "2")
    with plcli_process.terminal(*args) as terminal:
        terminal.wait_for("of 3 · 2 running · 0:00")
        assert terminal.end() == 0
    # The line is gone before something else is shown.
    assert "\r\x1b[K" in terminal.text
    assert "3 of 3 runs: 3 ok" in terminal.plain
    assert terminal.plain.count("Done.\n") == 3


def test_answers_of_models_stand_side_by_side_where_there_is_room(plcli_process: Process) -> None:
    args = ("run", "count.yaml", "--var", "n=7", "--model", "echo/a", "--model", "echo/b")
    with plcli_process.terminal(*args, columns=80, NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert re.search(r"^echo/a +echo/b *\nNumber 7 +Number 7 *$", terminal.plain, re.MULTILINE)
    with plcli_process.terminal(*args, columns=40, NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert re.search(r"^echo/b .*Number 7", terminal.plain, re.MULTILINE)
