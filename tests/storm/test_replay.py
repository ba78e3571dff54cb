"""Replays of many runs that are killed at any moment, and how much memory they take."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from plcli.runlog import Damage, RunLog
from tests.support.cli import Cli, Process
from tests.support.loopback import Loopback
from tests.support.replays import Bench, says

pytestmark = pytest.mark.storm

RUNS, REPEAT, KILLS = 1_500, 2, 50


@pytest.fixture
def bench(tmp_path: Path, cli: Cli) -> Iterator[Bench]:
    """A log of many runs, and a server that takes a moment for each."""
    with Loopback() as server:
        made = Bench(tmp_path, server, cli)
        made.prepare()
        made.rows(RUNS, "--jobs", "32")
        server.forget()
        server.answer(json=says("Hello"), delay=0.05)
        yield made


def test_killed_at_any_moment_no_run_is_lost_and_none_is_replayed_twice(bench: Bench, plcli_process: Process) -> None:
    dice = random.Random(11)
    args = ["replay", "--all", "--jobs", "32", "--repeat", str(REPEAT), "--set", "params.seed=1", "--format", "jsonl"]
    batch: str | None = None
    for _ in range(KILLS):
        resume = ["--resume", batch] if batch else []
        with plcli_process.start(*args, *resume) as process:
            assert process.stdout is not None
            for _ in range(dice.randint(0, 30)):
                assert process.stdout.readline(), "all was done before it was killed often enough"
            time.sleep(dice.uniform(0, 0.05))
            process.kill()
        log = RunLog(bench.folder / "runs.jsonl")
        batch = batch or next((one.batch.id for one in log.records(reverse=True) if one.replay and one.batch), None)
    assert batch is not None
    assert plcli_process(*args, "--resume", batch).code == 0
    damages: list[Damage] = []
    records = list(RunLog(bench.folder / "runs.jsonl", damages.append).records())
    replays = [(one.replay, one.batch.repeat) for one in records if one.replay and one.batch and one.error is None]
    answered = Counter((replay.of, repeat) for replay, repeat in replays)
    assert {one.batch.id for one in records if one.replay and one.batch} == {batch}
    runs = [record.id for record in records if not record.replay]
    assert len(runs) == RUNS
    assert answered == Counter((run, repeat) for run in runs for repeat in range(REPEAT))
    assert len(damages) <= KILLS
    assert [record.id for record in records] == sorted({record.id for record in records})


def test_memory_does_not_grow_with_the_number_of_replays(tmp_path: Path, plcli_process: Process) -> None:
    (tmp_path / "plcli.toml").touch()
    (tmp_path / "hi.json").write_text(
        json.dumps(
            {
                "kind": "request",
                "model": "echo/m",
                "variables": {"n": {"type": "integer"}},
                "messages": [{"role": "user", "content": "Number {{ n }}" + "x" * 2000}],
            }
        )
    )
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(5_000)))
    assert plcli_process("run", "hi.json", "--vars", "rows.jsonl", "--jobs", "32", "-q").code == 0
    for args in ((), ("--recorded",)):
        few, many = (_peak(plcli_process, *args, "-n", str(count)) for count in (200, 5_000))
        assert many < 1.5 * few, f"{few / 2**20:.0f} MB for 200, {many / 2**20:.0f} MB for 5,000"


def _peak(plcli_process: Process, *args: str) -> int:
    """The most memory that a replay takes, in bytes."""
    command = plcli_process.command("replay", "-q", "--from", "runs.jsonl", "--jobs", "32", *args)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=plcli_process.environ({"PLCLI_LOG": ""}))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
