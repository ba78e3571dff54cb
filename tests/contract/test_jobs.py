"""`plcli run` with many rows at once: what the servers see, what is logged, and how a batch goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from plcli.records import Record, parse
from tests.support.cli import Cli, Process
from tests.support.loopback import Loopback

COMPLETION = {
    "object": "chat.completion",
    "model": "m-1",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace with a request of one variable, twelve rows, and a model at the loopback server."""
    model(tmp_path, server)
    (tmp_path / "plcli.toml").touch()
    spec = {
        "kind": "request",
        "model": "local",
        "variables": {"n": {"type": "integer"}},
        "messages": [{"role": "user", "content": "Number {{ n }}"}],
    }
    (tmp_path / "hi.json").write_text(json.dumps(spec))
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(12)))
    return tmp_path


def model(folder: Path, server: Loopback, name: str = "local", **more: Any) -> None:
    (folder / "models").mkdir(exist_ok=True)
    spec = {"kind": "model", "provider": "openai", "api": "chat", "model": "m-1", "base_url": server.base_url, **more}
    (folder / "models" / f"{name}.json").write_text(json.dumps(spec))


def records(here: Path) -> list[Record]:
    lines = (here / "runs.jsonl").read_bytes().splitlines()
    return [record for record in map(parse, lines) if isinstance(record, Record)]


def rows_of(found: list[Record]) -> list[int | None]:
    return sorted(record.batch.row for record in found if record.batch and record.batch.row is not None)


def asked(server: Loopback) -> list[str]:
    return sorted(received.json["messages"][0]["content"] for received in server.received)


ROWS = ("run", "hi.json", "--vars", "rows.jsonl", "--no-stream")


@pytest.mark.parametrize(("more", "most"), [({}, 4), ({"limits": {"concurrency": 2}}, 2)])
def test_as_many_as_asked_are_sent_at_once_and_no_more_than_the_model_bears(
    more: dict[str, Any], most: int, here: Path, server: Loopback, cli: Cli
) -> None:
    model(here, server, **more)
    server.answer(json=COMPLETION, delay=0.1)
    done = cli(*ROWS, "--jobs", "4")
    assert done.code == 0
    assert server.most_at_once == most
    assert asked(server) == sorted(f"Number {n}" for n in range(12))
    assert rows_of(records(here)) == list(range(12))
    assert "12 of 12 runs: 12 ok" in done.err


def test_text_comes_in_the_order_of_the_rows(here: Path, server: Loopback, cli: Cli) -> None:
    for n in range(12):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"answer {n}"}}
        server.answer(json={**COMPLETION, "choices": [choice]}, delay=0.05 if n % 3 == 0 else 0)
    out = cli(*ROWS, "--jobs", "6").out.splitlines()
    by_row = sorted(records(here), key=lambda record: record.batch.row if record.batch and record.batch.row else 0)
    assert out == [record.response.text for record in by_row if record.response]


def test_programs_get_each_record_as_it_ends(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=COMPLETION)
    lines = cli(*ROWS, "--jobs", "3", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [record.id for record in records(here)]


def test_one_that_is_told_to_wait_holds_the_others_of_its_model_back(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(429, json={"error": {"message": "slow down"}}, headers={"retry-after-ms": "400"})
    server.answer(json=COMPLETION)
    started = time.monotonic()
    assert cli(*ROWS, "--jobs", "1").code == 0
    assert time.monotonic() - started >= 0.4
    assert len(server.received) == 13


def test_a_pause_is_kept_where_the_one_that_was_told_is_not_tried_again(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(429, json={"error": {"message": "slow down"}}, headers={"retry-after-ms": "400"})
    server.answer(json=COMPLETION)
    started = time.monotonic()
    done = cli(*ROWS, "--jobs", "1", "--retries", "0")
    assert (done.code, len(server.received)) == (5, 12)
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("more", [(), ("--format", "jsonl")], ids=["text", "jsonl"])
def test_a_server_that_asks_for_a_long_pause_ends_the_batch(
    more: tuple[str, ...], here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(json=COMPLETION)
    server.answer(429, json={"error": {"message": "come back later"}}, headers={"retry-after": "3600"})
    done = cli(*ROWS, "--jobs", "1", *more)
    assert (done.code, len(server.received)) == (5, 2)
    assert "local asks for a pause of 3600 s: 10 not run" in done.err
    assert "--resume" in done.err


def test_after_enough_failures_no_more_are_started(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(400, json={"error": {"message": "no such thing"}})
    done = cli(*ROWS, "--jobs", "2", "--max-fail", "3")
    assert done.code == 4
    assert 3 <= len(server.received) <= 4
    assert len(records(here)) == len(server.received)
    assert "stopped after" in done.err
    assert "--resume" in done.err


def test_a_batch_goes_on_where_it_was_stopped(here: Path, server: Loopback, cli: Cli) -> None:
    for _ in range(5):
        server.answer(json=COMPLETION)
    server.answer(500, json={"error": {"message": "down"}})
    cli(*ROWS, "--jobs", "1", "--max-fail", "1", "--retries", "0")
    first = records(here)
    assert len(first) == 6
    assert first[0].batch
    server.forget()
    server.answer(json=COMPLETION)
    batch = first[0].batch.id
    assert cli(*ROWS, "--jobs", "4", "--resume", batch).code == 0
    assert asked(server) == sorted(f"Number {n}" for n in range(5, 12))
    assert {record.batch.id for record in records(here) if record.batch} == {batch}
    again = cli(*ROWS, "--resume", batch)
    assert (again.code, len(server.received)) == (0, 7)
    assert "nothing is left" in again.err


def test_a_single_run_that_goes_on_is_one_of_the_batch(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(500, json={"error": {"message": "down"}})
    cli(*ROWS, "--retries", "0")
    batch = records(here)[0].batch
    assert batch
    (here / "rows.jsonl").write_text('{"n": 7}\n')
    server.forget()
    server.answer(json=COMPLETION)
    for said in ("1 of 1 runs: 1 ok", "nothing is left"):
        done = cli(*ROWS, "--resume", batch.id)
        assert done.code == 0
        assert said in done.err
    assert len(server.received) == 1


def test_an_unknown_batch_is_no_batch(here: Path, server: Loopback, cli: Cli) -> None:
    done = cli(*ROWS, "--resume", "nonesuch")
    assert (done.code, len(server.received)) == (2, 0)
    assert "there is no batch 'nonesuch'" in done.err


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_an_interrupted_batch_keeps_every_answer_and_says_how_to_go_on(
    jobs: str, here: Path, server: Loopback, plcli_process: Process, cli: Cli
) -> None:
    for _ in range(3):
        server.answer(json=COMPLETION)
    server.hang()
    with plcli_process.start(*ROWS, "--jobs", jobs) as process:
        while len(server.received) < 3 + int(jobs) or len(_lines(here)) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    found = records(here)
    kept = [record for record in found if record.error is None]
    assert len(kept) == 3
    assert {record.error.kind for record in found if record.error} == {"interrupted"}
    assert len(found) == 3 + int(jobs)
    assert f"interrupted: {9 - int(jobs)} not run" in err.decode()
    assert kept[0].batch
    batch = kept[0].batch.id
    assert f"--resume {batch}" in err.decode()
    server.forget()
    server.answer(json=COMPLETION)
    cli(*ROWS, "--jobs", "3", "--resume", batch)
    assert len(server.received) == 9


def _lines(here: Path) -> list[bytes]:
    log = here / "runs.jsonl"
    return log.read_bytes().splitlines() if log.exists() else []


def test_one_bad_plan_stops_a_batch_before_anything_is_sent(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=COMPLETION)
    done = cli("run", "hi.json", "--model", "local", "--model", "openai/m", "--var", "n=1")
    assert (done.code, len(server.received)) == (6, 0)
    assert "OPENAI_API_KEY is not set" in done.err


def test_models_are_asked_at_once_and_compared(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=COMPLETION, delay=0.2)
    model(here, server, "other", model="m-2")
    done = cli("run", "hi.json", "--model", "local", "--model", "other", "--model", "echo/any", "--var", "n=1")
    assert done.code == 0
    assert server.most_at_once == 2
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[0] for line in lines] == ["local", "other (m-1)", "echo/any"]
    assert [line[-1] for line in lines] == ["Hello", "Hello", "Number 1"]
    assert sorted(record.model_spec or "" for record in records(here)) == ["", "local", "other"]


@pytest.mark.parametrize("priced", [True, False])
def test_a_batch_stops_before_it_costs_too_much(
    priced: bool, here: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 11 + 7 tokens at these prices are one dollar.
    model(here, server, **({"pricing": {"input": 1e6 / 18, "output": 1e6 / 18}} if priced else {}))
    monkeypatch.setenv("PLCLI_MAX_COST", "3.5")
    server.answer(json=COMPLETION)
    done = cli(*ROWS, "--jobs", "5")
    if priced:
        assert (done.code, len(server.received)) == (6, 3)
        assert "stopped at the cost limit ($3.5): 9 not run" in done.err
    else:
        assert (done.code, len(server.received)) == (0, 12)
        assert "the cost limit does not hold where prices are not known" in done.err


def test_each_model_tells_what_it_costs_before_more_of_it_are_started(
    here: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = 1e6 / 18
    model(here, server, pricing={"input": price, "output": price})
    monkeypatch.setenv("PLCLI_MAX_COST", "0.5")
    server.answer(json=COMPLETION, delay=0.1)
    done = cli(*ROWS, "--model", "echo/any", "--model", "local", "--jobs", "8")
    assert (done.code, len(server.received)) == (6, 1)
    assert "stopped at the cost limit ($0.5)" in done.err
    # A script costs nothing, which is no unknown price.
    assert "does not hold" not in done.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_table_that_nobody_can_read_loses_no_run(here: Path, server: Loopback, plcli_process: Process) -> None:
    model(here, server)
    server.answer(json=COMPLETION)
    args = ("run", "hi.json", "--model", "local", "--model", "echo/any", "--var", "n=1", "--format", "card")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            plcli_process.command(*args), stdout=full, stderr=subprocess.PIPE, env=dict(os.environ), check=False
        )
    assert done.returncode == 6
    assert b"standard output cannot be written: no space left on device" in done.stderr
    assert len(records(here)) == 2
