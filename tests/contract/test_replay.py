"""`plcli replay`: what the servers receive again, how that is compared, and what cannot be sent."""

from __future__ import annotations

import base64
import json

import pytest

from plcli.media import digest_of
from plcli.records import Record
from tests.support import pictures
from tests.support.replays import Bench, says, sent
from tests.support.tool_loop import OSLO, RESPONSES, ROME, Json, Loop, message, response, words, write_json

CALLED = (("c1", "get_weather", OSLO),)


def verdicts(found: list[Record]) -> list[str]:
    return [record.replay.verdict for record in found if record.replay]


# What the server receives


def test_a_request_arrives_again_byte_for_byte(loop: Loop) -> None:
    picture = pictures.png(3, 3)
    (loop.folder / "prompts" / "dot.png").write_bytes(picture)
    content = [{"type": "text", "text": "Grüße, 🦊\u2028"}, {"type": "image", "source": "./dot.png"}]
    more = {"params": {"max_output_tokens": 9}, "body": {"new": {"deep": [1, None]}}}
    loop.write(messages=[{"role": "user", "content": content}], **more)
    loop.answer(loop.api.says("Hello"))
    assert loop.run().code == 0
    # All that the request was made of may be gone.
    for file in (*(loop.folder / "prompts").iterdir(), *(loop.folder / "tools").iterdir()):
        file.unlink()
    done = loop.cli("replay", "last")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    first, second = sent(loop.server)
    assert second == first
    assert base64.b64encode(picture) in second[1]
    then, now = loop.records
    assert now.replay is not None
    assert (now.replay.of, now.command, now.spec, now.variables) == (then.id, "replay", then.spec, then.variables)
    assert now.exchanges[0].key == then.exchanges[0].key
    assert now.exchanges[0].streamed == then.exchanges[0].streamed == loop.stream


def test_rounds_of_calls_are_sent_again_with_the_answers_of_then(loop: Loop) -> None:
    rounds = [loop.api.calls(1, CALLED), loop.api.calls(2, (("c2", "get_weather", ROME),)), loop.api.says("Cold.")]
    loop.answer(*rounds)
    assert loop.run().code == 0
    then = sent(loop.server)
    # What stubs would say today is nobody's business.
    (loop.folder / "tools" / "get_weather.json").unlink()
    loop.answer(*rounds)
    done = loop.cli("replay", "last")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    assert sent(loop.server) == then
    assert [result.source for result in loop.results] == ["history"] * 2


def test_a_call_that_was_not_made_then_is_drift_and_no_error(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    sent(loop.server)
    loop.answer(loop.api.calls(1, (("c1", "get_weather", ROME),)))
    done = loop.cli("replay", "last")
    assert done.code == 1
    assert done.out.startswith("drifted")
    assert "tool-calls" in done.out
    assert "error:" not in done.err
    assert len(sent(loop.server)) == 1
    assert verdicts(loop.records) == ["drifted"]


def test_a_run_that_stopped_at_a_limit_is_the_same_where_it_stops_there_again(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED))
    assert loop.run("--max-rounds", "2").code == 7
    for how in (["--max-rounds", "2", "--check", "exact"], ["--max-rounds", "2"], ["--recorded"]):
        done = loop.cli("replay", loop.records[0].id, *how)
        assert (done.code, done.out.split()[0]) == (0, "identical")


def test_a_run_that_failed_is_sent_again_as_it_was_to_be_answered(loop: Loop) -> None:
    loop.server.answer(400, json={"error": {"message": "no"}})
    assert loop.run().code == 4
    assert loop.cli("replay", "last").out.startswith("identical")
    first, second = sent(loop.server)
    if loop.stream:
        assert second == first


def test_stubs_answer_where_the_command_line_says_so(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    sent(loop.server)
    loop.answer(loop.api.calls(1, (("c1", "get_weather", ROME),)), loop.api.says("Cold."))
    assert loop.cli("replay", "last", "--tools", "stub").code == 1
    assert [(result.source, result.arguments) for result in loop.results] == [("stub", {"city": "Rome"})]


def test_handlers_answer_where_the_command_line_says_so(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    path = loop.folder / "tools" / "get_weather.json"
    tool = {name: value for name, value in json.loads(path.read_text()).items() if name != "stubs"}
    write_json(path, {**tool, "command": ["cat"]})
    sent(loop.server)
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    assert loop.cli("replay", "last", "--tools", "run").code == 0
    assert [(result.source, result.result) for result in loop.results] == [("run", json.loads(OSLO))]


def test_each_exchange_is_sent_on_its_own(loop: Loop) -> None:
    loop.answer(loop.api.calls(1, CALLED), loop.api.says("Cold."))
    loop.run()
    then = sent(loop.server)
    loop.answer(loop.api.says("Cold."))
    assert loop.cli("replay", "last", "--each").code == 1
    assert sent(loop.server) == then
    found = [(record.replay.exchange, record.replay.verdict) for record in loop.records if record.replay]
    assert found == [(0, "drifted"), (1, "identical")]


def test_each_exchange_is_as_it_was_where_it_is_answered_so(loop: Loop) -> None:
    rounds = [loop.api.calls(1, CALLED), loop.api.says("Cold.")]
    loop.answer(*rounds)
    loop.run()
    sent(loop.server)
    loop.answer(*rounds)
    assert loop.cli("replay", "last", "--each").code == 0
    assert verdicts(loop.records) == ["identical", "identical"]


@pytest.mark.parametrize("loop", [RESPONSES], ids=str, indirect=True)
def test_a_conversation_that_the_provider_keeps_is_begun_anew(loop: Loop) -> None:
    loop.write(chain="server")
    rounds = [loop.api.calls(1, CALLED), loop.api.says("Cold.")]
    loop.answer(*rounds)
    loop.run()
    then = sent(loop.server)
    assert json.loads(then[1][1])["previous_response_id"] == "resp_1"
    loop.answer({**rounds[0], "id": "resp_new"}, rounds[1])
    assert loop.cli("replay", "last").code == 0
    now = [json.loads(body) for _, body in sent(loop.server)]
    assert now[0] == json.loads(then[0][1])
    assert now[1] == {**json.loads(then[1][1]), "previous_response_id": "resp_new"}


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_deployment_of_azure_gets_it_again(api: str, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY", "azure-key-0123456789")
    azure = {"endpoint": bench.server.url, **({"deployment": "d-1"} if api == "chat" else {})}
    bench.model(api=api, api_key_env="AZURE_KEY", base_url=None, azure=azure, api_version="2025-04-01-preview")
    bench.answers("Hello" if api == "chat" else response(1, message("final_answer", words("Hello"))))
    assert bench("run", "hi", "--no-stream").code == 0
    assert bench("replay", "last").code == 0
    first, second = bench.server.received
    assert (second.path, second.body) == (first.path, first.body)
    assert "api-version=2025-04-01-preview" in second.path
    assert second.headers["api-key"] == "azure-key-0123456789"


def test_a_run_that_was_answered_elsewhere_is_sent_where_its_model_is_today_and_that_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-mine-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", bench.server.base_url)
    asked = {"model": "deep-1", "messages": [{"role": "user", "content": "Hi"}]}
    taken = {"request": asked, "response": says("Hello"), "url": "https://api.deepseek.com/chat/completions"}
    write_json(bench.folder / "taken.json", taken)
    assert bench("log", "import", "taken.json").code == 0
    done = bench("replay", "last", "--repeat", "2")
    assert done.code == 0
    assert done.err.count("went to api.deepseek.com, and is sent to 127.0.0.1:") == 1
    assert [request.json for request in bench.server.received] == [asked] * 2
    assert "went to" not in bench("replay", "last").err


# What comes of it


@pytest.mark.parametrize(
    ("status", "error", "code", "verdict"),
    [
        (400, {"code": "previous_response_not_found", "message": "gone"}, 9, "not-replayable"),
        (404, {"code": "file_not_found", "message": "gone"}, 9, "not-replayable"),
        (400, {"message": "no such parameter"}, 4, "failed"),
        (500, {"message": "down"}, 5, "failed"),
        (401, {"message": "who are you?"}, 4, "failed"),
    ],
)
def test_a_call_that_fails_says_why(status: int, error: Json, code: int, verdict: str, bench: Bench) -> None:
    bench("run", "hi")
    bench.server.forget()
    bench.server.answer(status, json={"error": error})
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (code, verdict)
    assert error["message"] in done.out
    assert "Traceback" not in done.err


def test_a_server_that_is_down_is_a_failure(bench: Bench) -> None:
    bench("run", "hi")
    bench.model(base_url="http://127.0.0.1:1/v1")
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (5, "failed")
    assert bench.verdicts == ["failed"]


def test_a_key_that_is_missing_is_told_and_nothing_is_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "key-of-mine-0123456789")
    bench.model(api_key_env="MY_KEY")
    assert bench("run", "hi").code == 0
    monkeypatch.delenv("MY_KEY")
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (6, "failed")
    assert "MY_KEY is not set" in done.out
    assert len(bench.server.received) == 1


@pytest.mark.parametrize(
    "said",
    [{"state": "ok"}, {"text": {"contains": "Hell"}}],
)
def test_expectations_are_those_of_today(said: Json, bench: Bench) -> None:
    bench("run", "hi")
    bench.spec(expect=[said])
    assert bench("replay", "last").code == 0
    bench.spec(expect=[{"not": said}])
    done = bench("replay", "last~1")
    assert (done.code, done.out.split()[0]) == (1, "drifted")
    assert "expect[0]" in done.out


def test_a_secret_that_was_taken_out_of_the_request_cannot_be_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "key-of-mine-0123456789")
    bench("run", "--prompt", "The key is key-of-mine-0123456789", "-m", "local")
    assert "$redacted" in (bench.folder / "runs.jsonl").read_text()
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (9, "not-replayable")
    assert "secrets were taken out of what was sent" in done.out
    assert len(bench.server.received) == 1


def test_a_picture_that_is_gone_cannot_be_sent(bench: Bench) -> None:
    (bench.folder / "dot.png").write_bytes(pictures.png())
    image = {"type": "image", "source": "../dot.png"}
    bench.spec(messages=[{"role": "user", "content": [image]}])
    bench("run", "hi")
    kept = next((bench.folder / "media").glob(f"{digest_of(pictures.png()).removeprefix('sha256:')}.*"))
    kept.unlink()
    done = bench("replay", "last")
    assert (done.code, done.out.split()[0]) == (9, "not-replayable")
    assert digest_of(pictures.png()) in done.out
    assert len(bench.server.received) == 1


def test_a_no_that_comes_again_is_as_it_was(loop: Loop) -> None:
    loop.answer(loop.api.refuses)
    assert loop.run().code == 4
    done = loop.cli("replay", "last")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    sent(loop.server)
    loop.answer(loop.api.says("Well then."))
    assert loop.cli("replay", "last~1").code == 1
