"""`plcli run --tools`, `--continue`, `--answer` and `--message` on the command line, with scripts that call tools."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.media import digest_of
from tests.support.cli import Cli, Process, Said, Write

TOOL = """\
kind: tool
name: look_up
description: Looks a word up.
parameters:
  type: object
  properties: {word: {type: string}}
  required: [word]
  additionalProperties: false
returns: {type: object, required: [meaning]}
"""

STUBS = """\
stubs:
  - {when: {word: sun}, return: {meaning: a star}}
  - {when: {word: moon}, return_in_turn: [{meaning: a satellite}, {meaning: a month}]}
  - {when: {word: void}, error: nothing is known of it}
"""

COMMAND = """\
command: [python3, -c, "import json, sys; print(json.dumps({'meaning': json.load(sys.stdin)['word'][::-1]}))"]
"""

REQUEST = """\
kind: request
model: caller
prompt: What are these?
tools: [look_up]
"""


def script(*entries: str) -> str:
    return "kind: model\nprovider: echo\nmodel: caller\nscript:\n" + "".join(f"  - [{entry}]\n" for entry in entries)


def call(word: str) -> str:
    return f"{{tool_call: {{name: look_up, arguments: {{word: {word}}}}}}}"


SUN = script(f"{{text: Let me see.}}, {call('sun')}", "{text: The sun is a star.}")


@pytest.fixture(autouse=True)
def _files(write: Write) -> None:
    write("plcli.toml", "")
    write("ask.yaml", REQUEST)
    write("tools/look_up.yaml", TOOL + STUBS)
    write("models/caller.yaml", SUN)


def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("runs.jsonl").read_text().splitlines()]


def allow(monkeypatch: pytest.MonkeyPatch, *files: str) -> None:
    """Let the user's side allow these files."""
    home = Path("home")
    (home / "plcli").mkdir(parents=True, exist_ok=True)
    digests = [digest_of(Path(file).read_bytes()) for file in files]
    (home / "plcli" / "config.toml").write_text(f"trust_tools = {json.dumps(digests)}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.resolve()))


# Policies


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--tools", "stop"),
        ("--tools", "stub"),
        ("--tools", "look_up=stub"),
        ("--tools", "stub", "--tools", "look_up=stop"),
        ("--tools", "stub", "--no-stream"),
        ("--tools", "stub", "-q"),
        ("--tools", "run"),
        ("--tools", "stubs"),
        ("--tools", "look_ap=stub"),
        ("--tools", "=stub"),
        ("--tools", "history"),
        ("--tools", "ask"),
    ],
    ids=" ".join,
)
def test_calls_are_answered_as_the_command_line_says(
    args: tuple[str, ...], said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said("run", "ask.yaml", *args) == snapshot


def test_a_call_without_a_stub_shows_the_nearest(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/caller.yaml", script(call("earth"), "{text: Done.}"))
    assert said("run", "ask.yaml", "--tools", "stub") == snapshot
    assert records()[0]["error"]["kind"] == "tool"
    assert records()[0]["response"]["state"] == "tool_calls"


def test_stubs_answer_in_turn_and_fail_when_told(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write(
        "models/caller.yaml", script(f"{call('moon')}, {call('moon')}", f"{call('moon')}, {call('void')}", "{text: .}")
    )
    assert said("run", "ask.yaml", "--tools", "stub") == snapshot
    (record,) = records()
    assert [result["exchange"] for result in record["tool_results"]] == [0, 0, 1, 1]
    assert [result.get("error") for result in record["tool_results"]] == [None, None, None, "nothing is known of it"]


def test_a_wrong_call_is_told_to_the_model_which_may_repair_it(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    wrong = "{tool_call: {name: look_up, arguments: {word: 1}}}, {tool_call: {name: look_ap, arguments: {}}}"
    write("models/caller.yaml", script(wrong, call("sun"), "{text: Done.}"))
    assert said("run", "ask.yaml", "--tools", "stub") == snapshot
    assert said("run", "ask.yaml", "--tools", "stub", "--strict-tools") == snapshot


def test_a_model_that_never_repairs_its_calls_is_stopped(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/caller.yaml", script("{tool_call: {name: look_up, arguments: nonsense}}"))
    assert said("run", "ask.yaml", "--tools", "stub", "-q") == snapshot


@pytest.mark.parametrize("args", [("--max-rounds", "2"), ("--max-calls", "1")], ids=" ".join)
def test_rounds_and_calls_are_bounded(
    args: tuple[str, ...], said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("models/caller.yaml", script(call("sun")))
    assert said("run", "ask.yaml", "--tools", "stub", *args) == snapshot


def test_a_stub_that_does_not_fit_what_the_tool_returns_ends_the_run(cli: Cli, write: Write) -> None:
    write("tools/look_up.yaml", TOOL + "stubs: [{return_in_turn: [{meaning: a star}, star]}]\n")
    write("models/caller.yaml", script(call("sun"), call("sun"), "{text: .}"))
    outcome = cli("run", "ask.yaml", "--tools", "stub")
    assert outcome.code in (3, 7)
    assert "returns" in outcome.err


def test_expectations_see_the_calls_of_all_rounds(cli: Cli, write: Write) -> None:
    expected = "{tool_called: {name: look_up, arguments: {word: sun}}}, {text: The sun is a star.}, {state: ok}"
    write("ask.yaml", REQUEST + f"expect: [{expected}]\n")
    assert cli("run", "ask.yaml", "--tools", "stub").code == 0
    assert all(expectation["passed"] for expectation in records()[0]["expectations"])


def test_many_runs_answer_their_calls_at_once(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(f"{call('moon')}, {call('moon')}", "{text: Done.}"))
    assert cli("run", "ask.yaml", "--tools", "stub", "--repeat", "6", "--jobs", "3").code == 0
    meanings = [[result["result"]["meaning"] for result in record["tool_results"]] for record in records()]
    assert meanings == [["a satellite", "a month"]] * 6


# Handlers


def test_a_handler_runs_where_the_command_line_says_so(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("tools/look_up.yaml", TOOL + COMMAND)
    assert said("run", "ask.yaml", "--tools", "run") == snapshot


def test_a_failing_handler_is_told_to_the_model(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("tools/look_up.yaml", TOOL + 'command: [sh, -c, "echo no such word >&2; exit 3"]\n')
    assert said("run", "ask.yaml", "--tools", "run") == snapshot
    assert said("run", "ask.yaml", "--tools", "run", "--strict-tools") == snapshot


def test_a_result_that_the_tool_does_not_promise_is_a_failure(cli: Cli, write: Write) -> None:
    write("tools/look_up.yaml", TOOL + "command: [echo, '[]']\n")
    assert cli("run", "ask.yaml", "--tools", "run").code == 0
    assert "not as `returns` says" in records()[0]["tool_results"][0]["error"]


def test_a_tool_that_the_users_side_allows_runs_until_its_file_changes(
    cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("tools/look_up.yaml", TOOL + COMMAND)
    allow(monkeypatch, "tools/look_up.yaml")
    assert cli("run", "ask.yaml").code == 0
    assert records()[-1]["tool_results"][0]["source"] == "run"
    assert cli("run", "ask.yaml", "--tools", "stop").code == 0
    write("tools/look_up.yaml", TOOL + COMMAND + "\n")
    cli("run", "ask.yaml")
    assert [record.get("tool_results") for record in records()[1:]] == [None, None]


def test_a_script_that_changed_behind_an_allowed_tool_does_not_run(
    cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("tools/look_up.yaml", TOOL + "command: [sh, look.sh]\n")
    write("look.sh", 'echo \'{"meaning": "a star"}\'\n')
    allow(monkeypatch, "tools/look_up.yaml", "look.sh")
    assert cli("run", "ask.yaml").code == 0
    write("look.sh", "touch stolen\n")
    cli("run", "ask.yaml")
    assert [bool(record.get("tool_results")) for record in records()] == [True, False]
    assert not Path("stolen").exists()


def test_what_handlers_answer_becomes_stubs(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("tools/look_up.yaml", TOOL + COMMAND)
    assert said("run", "ask.yaml", "--tools", "run", "--record-stubs") == snapshot
    assert Path("tools/look_up.stubs.yaml").read_text() == snapshot
    assert said("run", "ask.yaml", "--tools", "stub") == snapshot


def test_stubs_are_not_recorded_beside_those_of_the_tool_file(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("tools/look_up.yaml", TOOL + COMMAND + STUBS)
    assert said("run", "ask.yaml", "--tools", "run", "--record-stubs") == snapshot


def test_what_holds_a_secret_is_not_recorded(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "very-secret-token-123")
    write(
        "tools/look_up.yaml",
        TOOL + 'env: [SHOP_TOKEN]\ncommand: [sh, -c, \'echo "{\\"meaning\\": \\"$SHOP_TOKEN\\"}"\']\n',
    )
    outcome = cli("run", "ask.yaml", "--tools", "run", "--record-stubs")
    assert not Path("tools/look_up.stubs.yaml").exists()
    assert "very-secret" not in outcome.out + outcome.err + Path("runs.jsonl").read_text()


def test_ctrl_c_ends_a_handler_and_keeps_what_was_done(plcli_process: Process, write: Write) -> None:
    write("tools/look_up.yaml", TOOL + "command: [sh, -c, 'echo here >&2; sleep 60']\n")
    with plcli_process.terminal("run", "ask.yaml", "--tools", "run") as terminal:
        terminal.wait_for("look_up: here")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    (record,) = records()
    assert record["error"]["kind"] == "interrupted"
    assert record["exchanges"][0]["response"]


# Going on


def test_a_run_goes_on_with_answers_stubs_and_words(said: Said, snapshot: SnapshotAssertion) -> None:
    said("run", "ask.yaml")
    assert said("run", "--continue", "last", "--answer", 'call_1={"meaning": "hot"}') == snapshot
    assert said("run", "--continue", "last", "--message", "And the moon?") == snapshot
    assert said("log", "show", "last") == snapshot
    first, second, third = records()
    assert (second["parent"], third["parent"]) == (first["id"], second["id"])
    assert second["tool_results"][0] == {
        "exchange": -1, "call_id": "call_1", "name": "look_up", "arguments": {"word": "sun"}, "source": "answer",
        "result": {"meaning": "hot"},
    }  # fmt: skip
    assert third["exchanges"][0]["request"]["messages"][:3] == second["exchanges"][0]["request"]["messages"]
    assert second["spec"] == first["spec"]


@pytest.mark.parametrize(
    "args",
    [
        ("--continue", "last"),
        ("--continue", "last", "--message", "Hm?"),
        ("--continue", "last", "--answer", "call_2={}"),
        ("--continue", "last", "--answer", "call_1=sunny"),
        ("--continue", "last", "--answer", "call_1=[]"),
        ("--continue", "last", "--answer", "call_1"),
        ("--continue", "last", "--answer", 'call_1={"meaning": 1}', "--answer", 'look_up={"meaning": 2}'),
        ("--continue", "last", "ask.yaml"),
        ("--continue", "last", "--model", "nobody", "--tools", "stub"),
        ("--continue", "nothing"),
        ("--message", "Hm?", "ask.yaml"),
        ("--continue", "last", "--tools", "stub", "--dry-run"),
    ],
    ids=" ".join,
)
def test_what_a_run_can_go_on_with(args: tuple[str, ...], said: Said, snapshot: SnapshotAssertion) -> None:
    said("run", "ask.yaml")
    assert said("run", *args) == snapshot


def test_a_run_goes_on_with_another_model(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    said("run", "ask.yaml")
    write("models/other.yaml", "kind: model\nprovider: echo\nmodel: other\nparams: {temperature: 0.5}\n")
    assert said("run", "--continue", "last", "--tools", "stub", "--model", "other") == snapshot
    assert records()[-1]["model"] == "other"
    assert records()[-1]["exchanges"][0]["request"]["params"] == {"temperature": 0.5}


def test_a_run_whose_answers_are_partly_there_asks_for_the_others(cli: Cli, write: Write) -> None:
    write("tools/add.yaml", "kind: tool\nname: add\nparameters: {type: object}\nstubs: [{return: 3}]\n")
    write("ask.yaml", REQUEST.replace("[look_up]", "[look_up, add]"))
    write(
        "models/caller.yaml", script(f"{{tool_call: {{name: add, arguments: {{}}}}}}, {call('sun')}", "{text: Done.}")
    )
    assert cli("run", "ask.yaml", "--tools", "add=stub").code == 0
    assert [result["name"] for result in records()[0]["tool_results"]] == ["add"]
    assert cli("run", "--continue", "last", "--answer", 'look_up={"meaning": "x"}').code == 0
    told = records()[1]["exchanges"][0]["request"]["messages"][-1]
    assert [part["content"] for part in told["content"]] == ["3", '{"meaning":"x"}']


def test_answers_to_calls_of_one_tool_are_given_in_order(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(f"{call('sun')}, {call('moon')}", "{text: Done.}"))
    cli("run", "ask.yaml")
    answers = [f'look_up={{"meaning": "{word}"}}' for word in ("one", "two")]
    assert cli("run", "--continue", "last", "--answer", answers[0], "--answer", answers[1]).code == 0
    assert [result["result"]["meaning"] for result in records()[1]["tool_results"]] == ["one", "two"]


def test_what_would_be_sent_next_needs_no_key(cli: Cli) -> None:
    answer = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}]}
    logged(answer)
    outcome = cli("run", "--continue", "last", "--message", "Hm?", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert [message["content"] for message in json.loads(outcome.out)["wire"]["messages"]] == ["Hi", "Hello.", "Hm?"]
    assert cli("run", "--continue", "last", "--message", "Hm?").code == 6


def test_an_answer_that_is_none_cannot_be_gone_on_from(said: Said, snapshot: SnapshotAssertion) -> None:
    logged({"nothing": "of the api"})
    assert said("run", "--continue", "last", "--message", "Hm?") == snapshot


def logged(answer: object) -> None:
    """Write a log with one run, which was answered so by a server of Chat Completions."""
    exchange = {
        "key": "k", "operation": "chat.completions.create", "started": "t", "duration_ms": 1, "response": answer,
        "request": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    }  # fmt: skip
    record = {
        "v": 1, "id": "20260101T000000000-aaaaa", "time": "t", "command": "run", "plcli": "0", "provider": "openai",
        "api": "chat", "model": "m", "exchanges": [exchange],
    }  # fmt: skip
    Path("runs.jsonl").write_text(json.dumps(record) + "\n")


def test_answers_in_turn_go_on_across_processes(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(call("moon"), call("moon"), "{text: Done.}"))
    cli("run", "ask.yaml", "--tools", "stub", "--max-rounds", "1")
    cli("run", "--continue", "last", "--tools", "stub")
    meanings = [result["result"]["meaning"] for record in records() for result in record["tool_results"]]
    assert meanings == ["a satellite", "a month"]


def test_answers_come_from_the_run_itself(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(call("sun"), "{text: One.}", call("sun"), "{text: Two.}"))
    cli("run", "ask.yaml", "--tools", "stub")
    write("tools/look_up.yaml", TOOL)
    outcome = cli("run", "--continue", "last", "--message", "Again", "--tools", "history")
    assert outcome.code == 0, outcome.err
    assert records()[-1]["tool_results"][0]["source"] == "history"


def test_a_run_that_lost_its_connection_goes_on_where_it_was(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(call("sun"), "{cut: true}", "{text: Done.}"))
    assert cli("run", "ask.yaml", "--tools", "stub", "--retries", "0").code == 5
    write("models/caller.yaml", script(call("sun"), "{text: Done.}"))
    assert len(records()[0]["tool_results"]) == 1
    assert cli("run", "--continue", "last").code == 5  # what was sent is sent again: the script is part of it
    assert len(records()[1]["exchanges"]) == 1


def test_a_stubbed_run_is_the_same_to_the_byte(cli: Cli) -> None:
    first, second = (cli("run", "ask.yaml", "--tools", "stub", "-q") for _ in range(2))
    assert (first.out, first.err) == (second.out, second.err)
    told = [
        {name: record[name] for name in ("tool_results", "response", "usage", "sources", "variables") if name in record}
        | {"sent": [(exchange["key"], exchange["request"], exchange["response"]) for exchange in record["exchanges"]]}
        for record in records()
    ]
    assert json.dumps(told[0]) == json.dumps(told[1])


# A person is asked


def test_a_person_decides_each_call(plcli_process: Process, write: Write) -> None:
    write("models/caller.yaml", script(f"{call('sun')}, {call('moon')}", call("void"), "{text: Done.}"))
    with plcli_process.terminal("run", "ask.yaml", "--tools", "ask") as terminal:
        terminal.wait_for("[l]eave it: ")
        terminal.type("s")
        terminal.wait_for("a star")
        terminal.wait_for("[l]eave it: ")
        terminal.type("a")
        terminal.wait_for("plain words: ")
        terminal.type('{"meaning": "mine"}')
        terminal.wait_for("# ask")
        terminal.wait_for("void")
        terminal.type("l")
        assert terminal.end() == 0
    (record,) = records()
    assert [result["source"] for result in record["tool_results"]] == ["stub", "ask"]
    assert record["response"]["state"] == "tool_calls"
