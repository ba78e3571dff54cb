"""`plcli replay` of many runs: what goes on at once, what stops it, and how it goes on."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import Any

import pytest

from plcli.records import Record
from tests.support.cli import Process
from tests.support.replays import Bench, says


def answered(found: list[Record]) -> Counter[tuple[str, int | None]]:
    """How often each run, and each repetition of it, has an answer."""
    return Counter(
        (record.replay.of, record.batch.repeat if record.batch else None)
        for record in found
        if record.replay and record.error is None
    )


@pytest.mark.parametrize(("more", "most"), [({}, 4), ({"limits": {"concurrency": 2}}, 2)])
def test_as_many_as_asked_are_sent_at_once_and_no_more_than_the_model_bears(
    more: dict[str, Any], most: int, bench: Bench
) -> None:
    bench.rows(12)
    bench.model(**more)
    bench.server.forget()
    bench.server.answer(json=says("Hello"), delay=0.1)
    done = bench("replay", "--all", "--jobs", "4")
    assert done.code == 0
    assert bench.server.most_at_once <= 4
    assert len(bench.server.received) == 12
    assert bench.verdicts == ["identical"] * 12
    assert len({record.batch.id for record in bench.records[12:] if record.batch}) == 1
    assert bench.records[-1].batch
    assert bench.records[-1].batch.n == 12
    assert answered(bench.records) == Counter((record.id, None) for record in bench.records[:12])


def test_replays_are_not_replayed_unless_they_are_named(bench: Bench) -> None:
    bench.rows(2)
    for _ in range(3):
        assert bench("replay", "--all").code == 0
    assert len(bench.server.received) == 6
    assert bench("replay", "last", "last~1").code == 0
    of = [replay.of for replay in bench.replays]
    assert of[:6] == [record.id for record in bench.records[:2]] * 3
    assert of[6:] == [record.id for record in bench.records[6:8]]


def test_one_that_is_told_to_wait_holds_the_others_back(bench: Bench) -> None:
    bench.rows(4)
    bench.model(retries=2)
    bench.server.forget()
    bench.server.answer(429, json={"error": {"message": "slow down"}}, headers={"retry-after-ms": "300"})
    bench.server.answer(json=says("Hello"))
    started = time.monotonic()
    assert bench("replay", "--all").code == 0
    assert time.monotonic() - started >= 0.3
    assert len(bench.server.received) == 5
    assert bench.verdicts == ["identical"] * 4


def test_a_server_that_asks_for_a_long_pause_ends_the_batch(bench: Bench) -> None:
    bench.rows(4)
    bench.server.forget()
    bench.server.answer(json=says("Hello"))
    bench.server.answer(429, json={"error": {"message": "come back later"}}, headers={"retry-after": "3600"})
    done = bench("replay", "--all")
    assert (done.code, len(bench.server.received)) == (5, 2)
    assert "asks for a pause of 3600 s" in done.err
    assert "--resume" in done.err


def test_one_whose_placeholders_may_not_be_filled_stops_none_of_the_others(bench: Bench) -> None:
    bench.rows(3)
    bench.server.forget()
    bench.server.answer(json=says("Hello"))
    lines = (bench.folder / "runs.jsonl").read_text().splitlines(keepends=True)
    tools = '"tools":[{"type":"mcp","server_url":"https://example.com","authorization":"${OPENAI_API_KEY}"}],'
    lines[0] = lines[0].replace('"messages":[', f'{tools}"messages":[', 1)
    (bench.folder / "runs.jsonl").write_text("".join(lines))
    done = bench("replay", "--all")
    assert (done.code, len(bench.server.received)) == (6, 2)
    assert "authorization uses OPENAI_API_KEY, which is a provider's own key" in done.out
    assert bench.verdicts == ["identical"] * 2


@pytest.mark.parametrize("recorded", [False, True])
def test_after_enough_that_are_not_as_they_were_no_more_are_started(recorded: bool, bench: Bench) -> None:
    bench.rows(8)
    if recorded:
        bench.spec(params={"seed": 1})
    else:
        bench.answers("Good day")
    done = bench("replay", "--all", "--max-fail", "3", *(["--recorded", "--from", "runs.jsonl"] if recorded else []))
    assert done.code == 1
    assert done.out.count("drifted") >= 3
    assert len(done.out.split("drifted  ")) == 4
    assert len(bench.server.received) == (0 if recorded else 3)
    assert "not all were replayed" in done.err
    assert ("--resume" in done.err) is not recorded


@pytest.mark.parametrize("option", [True, False])
def test_a_batch_stops_before_it_costs_too_much(option: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.rows(6)
    # 10 + 5 tokens at these prices are one dollar.
    bench.model(pricing={"input": 1e6 / 15, "output": 1e6 / 15})
    if not option:
        monkeypatch.setenv("PLCLI_MAX_COST", "3.5")
    done = bench("replay", "--all", "--jobs", "3", *(["--max-cost", "3.5"] if option else []))
    assert (done.code, len(bench.server.received)) == (6, 3)
    assert "stopped at the cost limit ($3.5)" in done.err
    assert "--resume" in done.err


def test_the_parts_of_a_shard_are_all_and_none_twice(bench: Bench) -> None:
    bench.rows(7)
    for part in ("1/3", "2/3", "3/3"):
        assert bench("replay", "--all", "--shard", part).code == 0
    assert bench.asked == sorted(f"Number {n}" for n in range(7))


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/2/3", "1/9999999", "１/２"])
def test_a_part_that_is_none_is_an_error(part: str, bench: Bench) -> None:
    bench.rows(1)
    done = bench("replay", "--all", f"--shard={part}")
    assert (done.code, len(bench.server.received)) == (2, 0)


def test_repetitions_are_counted_and_their_agreement_is_told(bench: Bench) -> None:
    bench.rows(1)
    bench.answers("Hello", "Hello", "Good day", "Hello")
    done = bench("replay", "last", "--repeat", "4")
    assert done.code == 1
    assert bench.verdicts == ["identical", "identical", "drifted", "identical"]
    assert [record.batch.repeat for record in bench.records[1:] if record.batch] == [0, 1, 2, 3]
    assert "2 distinct" in done.err or "2 different" in done.err, done.err


@pytest.mark.parametrize("more", [(), ("--repeat", "2"), ("--each",), ("--baseline", "--set", "params.seed=3")])
def test_a_batch_goes_on_where_it_was_stopped(more: tuple[str, ...], bench: Bench) -> None:
    bench.rows(4)
    bench.answers("Hello", "Hello", "Hello", {"nonsense": True}, "Hello")
    bench("replay", "--all", "--max-fail", "1", *more)
    stopped = len(bench.server.received)
    assert 4 <= stopped < 8
    batch = bench.records[-1].batch
    assert batch
    # What else happened since is not of the batch.
    bench("run", "hi", "--no-stream")
    done = bench("replay", "--all", "--resume", batch.id, *more)
    assert done.code == 0, done.out + done.err
    held = [
        record for record in bench.records if record.replay and bool(record.replay.baseline) == ("--baseline" in more)
    ]
    counted = answered(held)
    assert len(counted) == (8 if "--repeat" in more else 4)
    assert set(counted.values()) == {1}
    before = len(bench.server.received)
    again = bench("replay", "--all", "--resume", batch.id, *more)
    assert (again.code, len(bench.server.received)) == (0, before)


def test_an_unknown_batch_is_no_batch(bench: Bench) -> None:
    bench.rows(1)
    done = bench("replay", "--all", "--resume", "nonesuch")
    assert (done.code, len(bench.server.received)) == (2, 0)
    assert "there is no batch 'nonesuch'" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_batch_keeps_every_answer_and_goes_on(
    number: signal.Signals, bench: Bench, plcli_process: Process
) -> None:
    bench.rows(8)
    bench.server.forget()
    for _ in range(3):
        bench.server.answer(json=says("Hello"))
    bench.server.hang()
    with plcli_process.start("replay", "--all", "--jobs", "2") as process:
        while len(bench.server.received) < 5 or len(bench.replays) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    killed = number == signal.SIGKILL
    assert process.returncode == (-number if killed else 130)
    kept = answered(bench.records)
    assert (len(kept), set(kept.values())) == (3, {1})
    batch = bench.records[-1].batch
    assert batch
    assert batch.id in err.decode()
    assert killed or f"--resume {batch.id}" in err.decode()
    bench.answers("Hello")
    assert bench("replay", "--all", "--resume", batch.id, "--jobs", "3").code == 0
    assert len(bench.server.received) == 5
    whole = answered(bench.records)
    assert (len(whole), set(whole.values())) == (8, {1})
