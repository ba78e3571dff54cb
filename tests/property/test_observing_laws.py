"""Laws of looking at logged runs: a record tells what the run itself knew, and is the same as itself."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plcli.agreement import Agreement
from plcli.canonical import calls_of
from plcli.compare import CHECKS, compare, parse_checks, verdict_of
from plcli.expect import check
from plcli.expecting import expectations_of, held
from plcli.mediastore import MediaStore
from plcli.observing import observed, own_findings
from plcli.records import Record, parse
from plcli.workspace import find
from tests.property.test_record_laws import RECORDS
from tests.support.cli import Cli
from tests.support.pictures import png

Json = Any

WORDS = st.sampled_from(["hi", "", " ", '{"a": 1}', '{"a": "b"}', "null", "```json\n1\n```", "é\u0301 \u2028x"])
CALLS = st.builds(
    lambda name, city: {"tool_call": {"name": name, "arguments": {"city": city}}},
    st.sampled_from(["get_weather", "note"]),
    st.sampled_from(["Oslo", "Rome", "Gotham"]),
)
STEPS = (
    st.builds(lambda kind, text: {kind: text}, st.sampled_from(["text", "commentary", "reasoning"]), WORDS)
    | CALLS
    | st.sampled_from(
        [
            {"refusal": "no"},
            {"image": {"source": "x.png"}},
            {"finish": "length"},
            {"finish": "content_filter"},
            {"usage": {"input_tokens": 3, "output_tokens": 4}},
            {"usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}},
            {"error": {"status": 400}},
            {"error": {"status": 500}},
            {"cut": True},
        ]
    )
)
SCRIPTS = st.lists(st.lists(STEPS, max_size=4), min_size=1, max_size=3)
EXPECTED = st.lists(
    st.sampled_from(
        [
            {"text": "hi"},
            {"text": {"contains": "{{ who }}"}},
            {"state": {"matches": "ok|tool_calls"}},
            {"output": {"path": "a", "equals": 1}},
            {"tool_called": {"name": "get_weather", "count": 2}},
            {"tool_called": {"name": "note", "arguments": {"city": "Rome"}}},
            {"tool_not_called": "note"},
            {"images": {"max": 1}},
            {"tokens": {"max": 20}},
            {"cost": {"max": 0.00001}},
            {"latency_ms": {"max": 60_000}},
            {"not": {"any": [{"text": ""}, {"state": "refused"}]}},
        ]
    ),
    max_size=6,
)
TOOL = {
    "kind": "tool",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "stubs": [{"when": {"city": "Gotham"}, "error": "none"}, {"return": "rain"}],
}


def run_of(folder: Path, script: Json, expected: Json, *, structured: bool, options: tuple[str, ...] = ()) -> Record:
    """The record that a run of this script leaves."""
    request = {
        "kind": "request",
        "model": "scripted",
        "variables": {"who": {"type": "string", "default": "h"}},
        "prompt": "Speak, {{ who }}.",
        "tools": ["get_weather", {"name": "note", "parameters": {"type": "object"}}],
        "expect": expected,
    }
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    model = {
        "kind": "model",
        "provider": "echo",
        "model": "m",
        "script": script,
        "retries": 0,
        "pricing": {"input": 1, "output": 2},
    }
    files = {
        "plcli.toml": "",
        "prompts/speak.json": json.dumps(request | ({"output": {"schema": schema}} if structured else {})),
        "models/scripted.json": json.dumps(model),
        "tools/get_weather.json": json.dumps(TOOL),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "models" / "x.png").write_bytes(png(3, 2))
    outcome = Cli()("run", "speak", "--workspace", str(folder), "--tools", "get_weather=stub", *options)
    assert outcome.code in (0, 1, 4, 5, 7), outcome.err
    record = parse((folder / "runs.jsonl").read_bytes().strip().split(b"\n")[-1])
    assert isinstance(record, Record)
    return record


@given(script=SCRIPTS, expected=EXPECTED, structured=st.booleans(), stream=st.booleans())
@example(
    script=[[{"tool_call": {"name": "get_weather", "arguments": {"city": "Oslo"}}}], [{"text": '{"a": 1}'}]],
    expected=[{"output": {"path": "a", "equals": 1}}, {"tool_called": "get_weather"}],
    structured=True,
    stream=True,
)
@example(script=[[{"text": '{"a": "b"}'}]], expected=[{"output": {"path": "a"}}], structured=True, stream=False)
@example(script=[[{"error": {"status": 500}}]], expected=[{"text": "h"}], structured=False, stream=True)
def test_a_record_holds_expectations_as_its_run_did(
    script: Json, expected: Json, structured: bool, stream: bool
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        record = run_of(folder, script, expected, structured=structured, options=() if stream else ("--no-stream",))
        workspace = find(folder)
        expectations = expectations_of(workspace, record, MediaStore(workspace.media))
        assert [one.given() for one in expectations] == json.loads(json.dumps(expected).replace("{{ who }}", "h"))
        found = [*own_findings(record), *held(record, expectations)]
        if record.expectations or record.error is None:
            own = [one for one in record.expectations or () if one.path != "output"]
            assert list(check(expectations, observed(record))) == own
            assert found == (record.expectations or [])
        else:
            assert [one.passed for one in found] == [False] * bool(expected)


EASY = [name for name in CHECKS if name not in ("json", "schema", "images", "usage", "cost", "latency", "served-model")]


@given(RECORDS)
def test_a_run_is_the_same_as_itself(record: Record) -> None:
    found = compare(record, record)
    assert all(one.passed for one in found)
    checks = parse_checks([name if name != "similar" else "similar=1" for name in EASY])
    assert all(one.passed for one in compare(record, record, checks))
    verdict, reason = verdict_of(record, record, found, ())
    expected = "failed" if record.error is not None else "identical"
    assert (verdict, reason is None) == (expected, expected == "identical")


@given(RECORDS, RECORDS)
def test_any_two_records_can_be_compared_and_what_is_found_can_be_logged(then: Record, now: Record) -> None:
    found = compare(then, now, parse_checks([name if name != "similar" else "similar=0.5" for name in CHECKS]))
    assert [one.name.partition("=")[0] for one in found] == list(CHECKS)
    assert all(one.passed or one.message for one in found)
    exact = found[0]
    verdict, _ = verdict_of(then, now, [exact], ())
    assert verdict in (("failed",) if now.error is not None else ("identical",) if exact.passed else ("drifted",))
    assert all(len(json.dumps(one.model_dump())) < 30_000 for one in found)


@given(st.lists(RECORDS, max_size=6))
def test_agreement_counts_every_run_once(records: list[Record]) -> None:
    agreement = Agreement()
    for record in records:
        agreement.count(record)
    assert agreement.states.total() == len(records)
    assert agreement.answers.total() == agreement.calls.total() <= len(records)
    assert len(agreement.lines()) == (len(records) > 1)


@pytest.mark.parametrize("tools", ["get_weather=stub", "get_weather=stop"])
def test_the_calls_of_a_loop_are_told_apart_by_their_exchanges(tmp_path: Path, tools: str) -> None:
    call = {"tool_call": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
    record = run_of(
        tmp_path, [[call, call], [call], [{"text": "hi"}]], [], structured=False, options=("--tools", tools)
    )
    rounds = [len(calls) for calls in calls_of(record)]
    assert rounds == ([2, 1] if tools.endswith("stub") else [2])
