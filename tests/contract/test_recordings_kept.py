"""Recordings that are kept and replaced: only what drifted and is as expected, with its media, and never history."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import time

import pytest

from plcli.media import digest_of
from tests.support import pictures
from tests.support.cli import Process
from tests.support.image_streams import image_events
from tests.support.replays import Bench, offline, records, sent, without_log


def test_only_what_drifted_is_run_and_replaced(bench: Bench) -> None:
    for name in ("same", "other"):
        bench.spec(name)
        bench("run", name, "--no-stream")
        bench("log", "keep", "last", "--to", "recordings/all.jsonl")
    file = bench.folder / "recordings" / "all.jsonl"
    before = file.read_bytes().splitlines()
    bench.spec("other", messages=[{"role": "user", "content": "Count {{ n }}"}])
    bench.answers("Good day")
    done = bench("replay", "--update")
    assert done.code == 0
    assert bench.asked == ["Count 0"]
    after = file.read_bytes().splitlines()
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert len(after) == 2
    assert "1 recording of recordings/all.jsonl replaced" in done.err
    # What takes their place is in the log too, and answers from now on.
    assert bench.records[-1] == records(file)[1]
    without_log(bench.folder)
    bench.server.forget()
    assert bench("replay", "--recorded").code == 0
    assert bench("run", "other", "--recorded").out == "Good day\n"
    assert bench("replay", "--update").code == 0
    assert file.read_bytes().splitlines() == after


@pytest.mark.parametrize("way", ["expectation", "failure", "connection"])
def test_what_is_not_as_expected_replaces_nothing(way: str, bench: Bench) -> None:
    bench("run", "hi", "--no-stream")
    bench("log", "keep", "last")
    file = bench.folder / "recordings" / "hi.jsonl"
    before = file.read_bytes()
    expected = {"text": {"contains": "Hello"}} if way == "expectation" else {"text": {"min": 0}}
    bench.spec(messages=[{"role": "user", "content": "Count"}], expect=[expected])
    bench.server.forget()
    if way == "failure":
        bench.server.answer(500, json={"error": {"message": "down"}})
    elif way == "expectation":
        bench.answers("Good day")
    else:
        bench.server.reset()
    done = bench("replay", "--update")
    assert done.code == (1 if way == "expectation" else 5)
    assert file.read_bytes() == before
    assert "recording of recordings/hi.jsonl replaced" not in done.err
    assert "1 recording not replaced: the new run failed, or is not what its spec expects" in done.err
    assert len(bench.server.received) == 1


def test_history_is_never_replaced(bench: Bench) -> None:
    bench("run", "hi", "--no-stream")
    before = (bench.folder / "runs.jsonl").read_bytes()
    bench.spec(messages=[{"role": "user", "content": "Count"}])
    (bench.folder / "link.jsonl").symlink_to(bench.folder / "runs.jsonl")
    for args in (("--from", "runs.jsonl"), ("--from", "link.jsonl")):
        done = bench("replay", "--update", *args)
        assert (done.code, len(bench.server.received)) == (2, 1)
    assert bench("replay", "last", "--update").code == 9
    assert (bench.folder / "runs.jsonl").read_bytes() == before


def test_pictures_are_kept_and_answer_again(bench: Bench, stream: bool) -> None:
    drawn, given = pictures.png(4, 4), pictures.png(3, 3)
    (bench.folder / "given.png").write_bytes(given)
    answer = {"created": 7, "data": [{"b64_json": base64.b64encode(drawn).decode()}], "usage": {"total_tokens": 9}}
    bench.model("draws", api="images", model="gpt-image-3")
    content = [{"type": "text", "text": "add a hat"}, {"type": "image", "source": "../given.png"}]
    spec = {"model": "draws", "variables": {}, "messages": [{"role": "user", "content": content}]}
    bench.spec("hat", image={"partial_images": 1} if stream else {}, **spec)
    bench.server.forget()
    (bench.server.stream(image_events(answer, drafts=1, edit=True)) if stream else bench.server.answer(json=answer))
    assert bench("image", "hat", "--out", "out").code == 0
    bench("log", "keep", "last")
    without_log(bench.folder)
    media = bench.folder / "recordings" / "media"
    kept = {digest_of(path.read_bytes()) for path in media.iterdir()}
    assert {digest_of(drawn), digest_of(given)} <= kept
    for folder in ("out", "again"):
        shutil.rmtree(bench.folder / folder, ignore_errors=True)
    assert offline("replay", "--recorded").returncode == 0
    done = offline("image", "hat", "--recorded", "--out", "again")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    (file,) = (bench.folder / "again").iterdir()
    assert file.read_bytes() == drawn
    assert len(bench.server.received) == 1
    # Live, with the picture of then from beside the recordings.
    (bench.folder / "given.png").unlink()
    live = bench("replay", "--from", "recordings/hat.jsonl")
    assert live.code == 0, live.out
    first, second = bench.server.received
    assert second.body == first.body


def test_pictures_that_replace_others_are_kept_beside_the_recordings(bench: Bench) -> None:
    old, new = pictures.png(4, 4), pictures.png(5, 5)
    bench.model("draws", api="images", model="gpt-image-3")
    bench.spec("fox", model="draws", variables={}, messages=[{"role": "user", "content": "a fox"}])
    for data in (old, new):
        bench.answers({"created": 7, "data": [{"b64_json": base64.b64encode(data).decode()}]})
        if data is old:
            assert bench("image", "fox", "--out", "out").code == 0
            bench("log", "keep", "last")
            bench.spec("fox", model="draws", variables={}, messages=[{"role": "user", "content": "a vixen"}])
    assert bench("replay", "--update").code == 0
    without_log(bench.folder)
    media = bench.folder / "recordings" / "media"
    assert digest_of(new) in {digest_of(path.read_bytes()) for path in media.iterdir()}
    assert bench("replay", "--recorded").code == 0


def test_what_was_run_before_an_interrupt_is_replaced(bench: Bench, plcli_process: Process) -> None:
    bench.rows(3)
    bench("log", "keep", "--all")
    bench.spec(messages=[{"role": "user", "content": "Count {{ n }}"}])
    bench.answers("One", "Two")
    bench.server.hang()
    # The last answer is for ever: the third request hangs.
    file = bench.folder / "recordings" / "hi.jsonl"
    before = file.read_bytes().splitlines()
    with plcli_process.start("replay", "--update") as process:
        while len(bench.server.received) < 3 or len(bench.replays) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    after = file.read_bytes().splitlines()
    assert after[2] == before[2]
    assert [record.response.text for record in records(file) if record.response][:2] == ["One", "Two"]
    assert b"2 recordings of recordings/hi.jsonl replaced" in err


def test_what_is_replayed_from_recordings_stands_in_the_log_without_them(bench: Bench) -> None:
    (bench.folder / "given.png").write_bytes(pictures.png(3, 3))
    content = [{"type": "text", "text": "What is it? {{ n }}"}, {"type": "image", "source": "../given.png"}]
    bench.spec(messages=[{"role": "user", "content": content}])
    bench("run", "hi", "--no-stream")
    assert bench("log", "keep", "last", "--to", "recordings/r.jsonl").code == 0
    shutil.rmtree(bench.folder / "media")
    (bench.folder / "runs.jsonl").unlink()
    (bench.folder / "given.png").unlink()
    assert bench("replay", "--from", "recordings/r.jsonl").code == 0
    shutil.rmtree(bench.folder / "recordings")
    assert bench("replay", "last").code == 0
    assert bench("replay", "last~1", "--set", "params.max_output_tokens=9").code == 0
    first, again, verbatim, changed = (json.loads(body) for _, body in sent(bench.server))
    assert first == again == verbatim
    assert changed["messages"] == first["messages"]
    assert changed != first
