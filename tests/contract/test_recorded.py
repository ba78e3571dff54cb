"""Recordings: runs that answer again, without a connection, a key or an SDK, until what is asked is another thing."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.support import pictures
from tests.support.replays import Bench, offline, records, sent, without_log
from tests.support.tool_loop import OSLO, RESPONSES, ROME, Loop, write_json

CALLED = (("c1", "get_weather", OSLO),)

# Answering


def test_a_run_is_answered_by_its_recording(loop: Loop) -> None:
    rounds = [loop.api.calls(1, CALLED), loop.api.calls(2, (("c2", "get_weather", ROME),)), loop.api.says("Cold.")]
    loop.answer(*rounds)
    first = loop.run("--format", "json")
    asked = len(sent(loop.server))
    then = loop.record
    assert loop.cli("log", "keep", "last").code == 0
    without_log(loop.folder)
    # Whoever has the recordings has no server.
    (loop.folder / "models" / "m.json").write_text(
        (loop.folder / "models" / "m.json").read_text().replace(loop.server.url, "https://elsewhere.invalid")
    )
    again = loop.run("--recorded", "--format", "json")
    assert (again.code, asked, sent(loop.server)) == (0, 3, [])
    now, before = (json.loads(outcome.out) for outcome in (again, first))
    assert now["response"] == before["response"]
    assert now["tool_results"][0]["result"] == before["tool_results"][0]["result"]
    assert not (loop.folder / "runs.jsonl").exists()
    done = loop.cli("replay", "--recorded")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    assert done.out.count("\n") == 1
    assert records(loop.folder / "recordings" / "ask.jsonl") == [then]
    assert not (loop.folder / "runs.jsonl").exists()


def test_a_no_answers_again_and_a_lost_connection_does_not(loop: Loop) -> None:
    loop.answer(loop.api.refuses)
    assert loop.run().code == 4
    assert loop.cli("log", "keep", "last").code == 0
    assert loop.run("--recorded").code == 4
    loop.server.forget()
    loop.server.reset()
    loop.write(params={"max_output_tokens": 7})
    assert loop.run("--retries", "0").code == 5
    kept = loop.cli("log", "keep", "last")
    assert kept.code == 1
    assert "was not answered" in kept.err
    assert loop.run("--recorded").code == 9


@pytest.mark.parametrize("stream", [False], ids=["plain"], indirect=True)
def test_nothing_is_imported_or_opened(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    loop.cli("log", "keep", "last")
    for args in (("replay", "--recorded"), ("run", "ask", "--model", "m", "--tools", "stub", "--recorded")):
        done = offline(*args)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    loop.write(params={"max_output_tokens": 7})
    assert offline("run", "ask", "--model", "m", "--recorded").returncode == 9


def test_the_newest_recording_answers_and_those_of_files_before_the_log(bench: Bench) -> None:
    for text in ("old", "new"):
        bench.answers(text)
        bench("run", "hi", "--no-stream")
    bench("log", "keep", "last~1", "--to", "recordings/b.jsonl")
    assert bench("run", "hi", "--recorded").out == "old\n"
    bench("log", "keep", "last", "--to", "recordings/a.jsonl")
    assert bench("run", "hi", "--recorded").out == "new\n"
    assert bench("run", "hi", "--recorded", "--recordings", "recordings/b.jsonl").out == "old\n"
    shutil.rmtree(bench.folder / "recordings")
    assert bench("run", "hi", "--recorded").out == "new\n"
    assert len(bench.records) == 2


def test_rows_are_answered_by_their_own_recordings(bench: Bench) -> None:
    path = bench.folder / "rows.jsonl"
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(5)))
    bench.answers(*(f"answer {n}" for n in range(5)))
    bench("run", "hi", "--no-stream", "--vars", "rows.jsonl")
    bench("log", "keep", "--all")
    without_log(bench.folder)
    bench.server.forget()
    again = bench("run", "hi", "--vars", "rows.jsonl", "--recorded")
    assert (again.code, again.out.split("\n")[:5]) == (0, [f"answer {n}" for n in range(5)])
    done = bench("replay", "--recorded")
    assert done.code == 0
    assert done.out.count("identical") >= 5


# Drift


def test_what_is_asked_otherwise_is_told_with_its_place(bench: Bench) -> None:
    bench("run", "hi", "--no-stream", "--var", "n=7")
    bench("log", "keep", "last")
    text = (bench.folder / "prompts" / "hi.json").read_text()
    text = text.replace("Number", "\\n\\nCount").replace('"messages"', '\n\n"messages"')
    (bench.folder / "prompts" / "hi.json").write_text(text)
    done = bench("replay", "--recorded")
    assert done.code == 1
    assert done.out.startswith("drifted")
    assert "messages[0].content" in done.out
    assert "prompts/hi.json:3" in done.out
    missing = bench("run", "hi", "--var", "n=7", "--recorded")
    assert missing.code == 9
    assert "nearest recording" in missing.err
    assert "prompts/hi.json:3" in missing.err
    assert len(bench.server.received) == 1


def test_what_is_asked_later_in_a_run_drifts_too(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    loop.cli("log", "keep", "last")
    tool = json.loads((loop.folder / "tools" / "get_weather.json").read_text())
    tool["stubs"][0]["return"] = {"t": 4}
    write_json(loop.folder / "tools" / "get_weather.json", tool)
    # Answers are those of then, unless somebody says otherwise.
    assert loop.cli("replay", "--recorded").code == 0
    done = loop.cli("replay", "--recorded", "--tools", "stub")
    assert done.code == 1
    assert "request 2 of the run is not the one that was recorded" in done.out
    assert loop.run("--recorded").code == 9


def test_expectations_are_those_of_today(bench: Bench) -> None:
    bench("run", "hi", "--no-stream")
    bench("log", "keep", "last")
    bench.spec(expect=[{"text": {"contains": "Hell"}}])
    assert bench("replay", "--recorded").code == 0
    bench.spec(expect=[{"text": {"contains": "Heaven"}}])
    done = bench("replay", "--recorded")
    assert (done.code, done.out.split()[0]) == (1, "drifted")
    assert "expect[0]" in done.out


def test_a_spec_that_is_gone_or_wrong_is_told_and_the_others_go_on(bench: Bench) -> None:
    for name in ("hi", "gone", "wrong"):
        bench.spec(name)
        bench("run", name, "--no-stream")
        bench("log", "keep", "last")
    (bench.folder / "prompts" / "gone.json").unlink()
    bench.spec("wrong", nonsense=1)
    done = bench("replay", "--recorded")
    assert done.code == 9
    assert "there is no prompts/gone.json in the workspace any more" in done.out
    assert "unknown key 'nonsense' (at nonsense)" in done.out
    assert "3 replays: 1 identical, 1 failed, 1 not-replayable" in done.out


def test_a_value_that_was_a_secret_is_told_and_can_be_given_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "key-of-mine-0123456789"
    monkeypatch.setenv("SOME_API_KEY", secret)
    bench.spec(variables={"n": {"type": "string"}})
    bench("run", "hi", "--no-stream", "--var", f"n={secret}")
    bench("log", "keep", "last")
    assert secret not in (bench.folder / "recordings" / "hi.jsonl").read_text()
    for args in (("--recorded",), ("last", "--set", "params.seed=1"), ("last", "--with", "hi")):
        done = bench("replay", *args)
        assert done.code == 9
        assert "a secret was taken out of the value of variable 'n'" in done.out
        assert "--var n=" in done.out
    assert len(bench.server.received) == 1
    assert bench("run", "hi", "--recorded", "--var", f"n={secret}").code == 0
    assert bench("replay", "last", "--with", "hi", "--var", "n=another").code == 0
    assert bench.asked == ["Number another", f"Number {secret}"]


def test_a_set_value_that_was_a_secret_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "key-of-mine-0123456789")
    bench("run", "hi", "--no-stream", "--set", "body.user=key-of-mine-0123456789")
    bench("log", "keep", "last")
    done = bench("replay", "--recorded")
    assert done.code == 9
    assert "a secret was taken out of its --set body.user" in done.out


@pytest.mark.parametrize(
    "command", [("replay", "--from", "nowhere.jsonl"), ("run", "hi", "--recordings", "nowhere.jsonl", "--recorded")]
)
def test_a_file_that_is_not_there_is_an_error(command: tuple[str, ...], bench: Bench) -> None:
    done = bench(*command)
    assert (done.code, len(bench.server.received)) == (2, 0)
    assert "there is no file nowhere.jsonl" in done.err


@pytest.mark.parametrize("loop", [RESPONSES], ids=str, indirect=True)
def test_a_conversation_kept_by_the_provider_answers_from_its_recording(loop: Loop) -> None:
    loop.write(chain="server")
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    loop.cli("log", "keep", "last")
    sent(loop.server)
    assert loop.run("--recorded").code == 0
    assert loop.cli("replay", "--recorded").code == 0
    assert sent(loop.server) == []


def test_where_connections_are_forbidden_recordings_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench("run", "hi", "--no-stream")
    bench("log", "keep", "last")
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (9, "failed")
    assert "PLCLI_OFFLINE" in done.out
    assert bench("replay", "--recorded").code == 0
    assert bench("run", "hi", "--recorded").code == 0
    assert len(bench.server.received) == 1


@pytest.mark.parametrize(("fetched", "code"), [(True, 0), (False, 4)])
def test_a_picture_at_a_signed_address_is_known_again(fetched: bool, code: int, bench: Bench) -> None:
    bench.model(api="images", model="dall-e-3")
    url = f"{bench.server.url}/a.png?st=2026-03-31&sig=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789%2BabcdEFGH%3D"
    bench.answers({"created": 1, "data": [{"url": url}]})
    if fetched:
        bench.server.answer(body=pictures.png(8, 8), type="image/png")
    else:
        bench.server.answer(404, body=b"no", type="text/plain")
    assert bench("run", "hi").code == code
    assert "sig=[redacted]" in bench.folder.joinpath("runs.jsonl").read_text()
    assert bench("log", "keep", "last", "--to", "recordings/kept.jsonl").code == 0
    without_log(bench.folder)
    sent(bench.server)
    done = bench("replay", "--recorded", "--from", "recordings/kept.jsonl")
    assert (done.code, done.out.split()[0], sent(bench.server)) == (0, "identical", [])
