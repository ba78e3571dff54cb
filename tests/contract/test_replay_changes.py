"""`plcli replay` with something changed: what the servers receive, what is lost on the way, and what is only noise."""

from __future__ import annotations

import json
import shutil

import pytest

from plcli.traffic import wire_requests
from tests.support.loopback import Loopback
from tests.support.replays import Bench
from tests.support.repository import commit
from tests.support.tool_loop import OSLO, candidate, chat_calls, message, response, words, write_json

TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def last(bench: Bench) -> dict[str, object]:
    return dict(bench.server.received[-1].json)


# Another model


def test_another_model_of_the_same_api_gets_the_same_request(bench: Bench) -> None:
    bench.model("other", model="m-2")
    bench("run", "hi", "--no-stream", "--var", "n=7")
    done = bench("replay", "last", "--model", "other")
    assert (done.code, done.out.split()[0]) == (0, "identical")
    first, second = (request.json for request in bench.server.received)
    assert second == {**first, "model": "m-2"}
    now = bench.records[-1]
    assert (now.model, now.model_spec, now.overrides) == ("m-2", "other", {"model": "other"})
    assert now.replay
    assert [one.path for one in now.replay.differences or ()] == ["model"]


@pytest.mark.parametrize("api", ["responses", "generate_content"])
def test_another_provider_gets_what_it_can_carry_and_the_rest_is_told(api: str, bench: Bench) -> None:
    with Loopback() as other:
        gemini = api == "generate_content"
        url = other.url if gemini else other.base_url
        bench.model("other", provider="gemini" if gemini else "openai", api=api, model="m-2", base_url=url)
        other.answer(
            json=candidate({"text": "Hello"}) if gemini else response(1, message("final_answer", words("Hello")))
        )
        bench.spec(params={"seed": 7, "temperature": 0.5}, body={"logit_bias": {"50256": -100}})
        bench("run", "hi", "--no-stream")
        done = bench("replay", "last", "--model", "other")
        assert done.code == 0
        assert done.out.split()[0] in ("identical", "equivalent")
        (request,) = other.received
        assert "Number 0" in request.body.decode()
        (replay,) = bench.replays
        assert replay.losses
        assert [loss.path for loss in replay.losses if "logit_bias" in loss.path]
        strict = bench("replay", "last~1", "--model", "other", "--strict")
        assert strict.code == 3
        assert "logit_bias" in strict.out
        assert len(other.received) == 1


def test_answers_of_tools_go_with_the_request_to_another_provider(bench: Bench) -> None:
    with Loopback() as other:
        bench.model("other", provider="gemini", api="generate_content", model="g", base_url=other.url)
        stubs = [{"return": {"t": 3}}]
        write_json(bench.folder / "tools" / "get_weather.json", {"kind": "tool", **TOOL, "stubs": stubs})
        bench.spec(tools=["get_weather"])
        bench.answers(chat_calls(1, (("c1", "get_weather", OSLO),)), "Cold.")
        assert bench("run", "hi", "--no-stream", "--tools", "stub").code == 0
        call = {"functionCall": {"name": "get_weather", "args": json.loads(OSLO)}}
        other.answer(json=candidate(call))
        other.answer(json=candidate({"text": "Cold."}))
        done = bench("replay", "last", "--model", "other", "--check", "tool-calls")
        assert done.code == 0, done.out
        _, second = (request.json for request in other.received)
        (part,) = second["contents"][-1]["parts"]
        assert part["functionResponse"]["response"] == {"output": {"t": 3}}


# Another spec, other variables, other values


@pytest.mark.parametrize("gone", [True, False])
def test_variables_are_changed_in_the_request_of_then(gone: bool, bench: Bench) -> None:
    (bench.folder / "prompts" / "words.txt").write_text("Count to {{ n }}, {{ who }}.")
    variables = {"n": {"type": "integer"}, "who": {"type": "string", "default": "Ada"}}
    bench.spec(variables=variables, messages=[{"role": "user", "content": {"file": "./words.txt"}}])
    assert bench("run", "hi", "--no-stream", "--var", "n=7").code == 0
    # The tree moves on.
    if gone:
        shutil.rmtree(bench.folder / "prompts")
    else:
        (bench.folder / "prompts" / "words.txt").write_text("Say {{ n }}.")
        bench.spec(variables={}, messages=[{"role": "user", "content": "Something else"}])
    done = bench("replay", "last", "--var", "n=8")
    assert done.code == 0, done.out + done.err
    first, second = (json.dumps(request.json) for request in bench.server.received)
    assert second == first.replace("Count to 7, Ada.", "Count to 8, Ada.") != first
    then, now = bench.records
    assert now.variables == {"n": 8, "who": "Ada"}
    assert now.spec == then.spec
    assert now.replay
    assert [one.path for one in now.replay.differences or ()]


def test_a_value_is_set_in_the_request_of_then(bench: Bench) -> None:
    bench("run", "hi", "--no-stream", "--set", "params.seed=3", "--var", "n=5")
    bench.spec(messages=[{"role": "user", "content": "Something else"}])
    assert bench("replay", "last", "--set", "params.temperature=0.5").code == 0
    first, second = (request.json for request in bench.server.received)
    assert second == {**first, "temperature": 0.5}
    assert first["seed"] == 3
    assert bench.records[-1].overrides == {"set": {"params.seed": 3, "params.temperature": 0.5}}


def test_a_run_of_no_spec_is_changed_too_but_has_no_variables(bench: Bench) -> None:
    bench("run", "--no-stream", "--prompt", "Hello {{ you }}", "-m", "local", "--var", "you=Ada")
    assert bench("replay", "last", "--set", "params.temperature=0.5").code == 0
    first, second = (request.json for request in bench.server.received)
    assert second == {**first, "temperature": 0.5}
    done = bench("replay", "last~1", "--var", "you=Bob")
    assert done.code == 9
    assert "it was made of no spec" in done.out


def test_another_spec_is_tried_with_the_variables_of_then(bench: Bench) -> None:
    bench.rows(3)
    bench.spec("new", messages=[{"role": "user", "content": "Please count to {{ n }}"}])
    assert bench("replay", "--all", "--with", "new").code == 0
    assert bench.asked == [f"Please count to {n}" for n in range(3)]
    assert {record.spec.path for record in bench.records[3:] if record.spec} == {"prompts/new.json"}


def test_a_variable_that_another_spec_does_not_know_or_lacks_is_told(bench: Bench) -> None:
    bench("run", "hi", "--no-stream", "--var", "n=7")
    bench.spec("new", variables={"m": {"type": "string"}}, messages=[{"role": "user", "content": "{{ m }}"}])
    done = bench("replay", "last", "--with", "new")
    assert done.code == 3
    assert "m" in done.out
    assert len(bench.server.received) == 1
    assert bench("replay", "last", "--with", "new", "--var", "m=x").code == 0


def test_the_spec_of_an_old_revision_is_tried(bench: Bench) -> None:
    commit(bench.folder, {".gitignore": "runs.jsonl\nmedia/\n"})
    bench.spec(messages=[{"role": "user", "content": "Now {{ n }}"}])
    bench("run", "hi", "--no-stream", "--var", "n=7")
    assert bench("replay", "last", "--with", "prompts/hi.json@HEAD").code == 0
    assert bench.asked == ["Now 7", "Number 7"]


# Noise


def test_what_the_unchanged_request_does_too_is_noise(bench: Bench) -> None:
    bench.model("other", model="m-2")
    bench("run", "hi", "--no-stream")
    bench.answers("a", "b", "c")
    done = bench("replay", "last", "--model", "other", "--baseline")
    assert (done.code, done.out.split()[0]) == (0, "equivalent")
    assert [request.json["model"] for request in bench.server.received] == ["m-1", "m-2"]
    unchanged, changed = bench.replays
    assert (unchanged.verdict, unchanged.baseline) == ("drifted", None)
    assert changed.baseline is not None
    assert changed.baseline.run == bench.records[1].id
    assert [check.name for check in changed.checks or () if check.noise] == ["text"]


def test_what_only_the_changed_request_does_is_drift(bench: Bench) -> None:
    bench.model("other", model="m-2")
    bench("run", "hi", "--no-stream")
    bench.answers("Hello", "Good day")
    done = bench("replay", "last", "--model", "other", "--baseline")
    assert (done.code, done.out.split()[0]) == (1, "drifted")
    assert bench.replays[1].baseline is not None
    assert bench.replays[1].baseline.verdict == "identical"


def test_many_baselines_are_each_held_against_their_own(bench: Bench) -> None:
    bench.rows(6)
    done = bench("replay", "--all", "--set", "params.temperature=0.5", "--baseline", "--jobs", "4")
    assert done.code == 0
    assert len(bench.server.received) == 12
    by_id = {record.id: record for record in bench.records}
    held = [record for record in bench.records if record.replay and record.replay.baseline]
    assert len(held) == 6
    for record in held:
        assert record.replay
        assert record.replay.baseline
        other = by_id[record.replay.baseline.run or ""]
        assert other.replay
        assert other.replay.of == record.replay.of
        first, second = (wire_requests(one.exchanges)[0] for one in (other, record))
        assert second == {**first, "temperature": 0.5}
