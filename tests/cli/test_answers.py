"""`plcli run --tools`, `--continue`, `--answer` and `--message` on the command line, with scripts that call tools."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.environment import user_side
from plcli.handling.permission import digests
from plcli.toolbox import load_tool
from plcli.workspace import find
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


def allow(monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    """Let the user's side allow a tool, with what its handler names now."""
    home = Path("home")
    (home / "plcli").mkdir(parents=True, exist_ok=True)
    workspace = find(Path.cwd())
    behind = digests(workspace, load_tool(workspace, tool), user_side(os.environ, config=home / "none.toml"))
    allowed = json.dumps([named.digest for named in behind])
    (home / "plcli" / "config.toml").write_text(f"trust_tools = {allowed}\n")
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


def test_a_model_that_repairs_its_calls_may_get_others_wrong(cli: Cli, write: Write) -> None:
    wrong = "{tool_call: {name: look_up, arguments: {wrod: sun}}}"
    write("models/caller.yaml", script(wrong, wrong, wrong, call("sun"), wrong, "{text: Done.}"))
    outcome = cli("run", "ask.yaml", "--tools", "stub")
    assert (outcome.code, outcome.out) == (0, "Done.\n")


@pytest.mark.parametrize("name", ["mcp_approval", "shell", "local_shell", "apply_patch", "computer", "tool_search"])
def test_what_a_providers_own_tool_asks_can_have_a_policy(name: str, cli: Cli) -> None:
    outcome = cli("run", "ask.yaml", "--tools", "stub", "--tools", f"{name}=stop")
    assert (outcome.code, "no such tool" in outcome.err) == (0, False)


def test_a_request_without_tools_can_be_given_one(cli: Cli) -> None:
    asked = ("run", "--prompt", "What is the sun?", "-m", "caller", "--tools", "look_up=stub")
    refused = cli(*asked)
    assert (refused.code, refused.err.splitlines()[-1]) == (
        2, "hint: it has none; to give it this one: --set 'tools=[look_up]'",
    )  # fmt: skip
    assert cli(*asked, "--set", "tools=[look_up]").code == 0


def test_words_before_a_call_that_waits_are_shown_once(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(f"{{commentary: Let me see.}}, {call('sun')}"))
    outcome = cli("run", "ask.yaml")
    assert outcome.out == 'look_up({"word": "sun"})  # call_1\n'
    assert outcome.err.startswith("Let me see.\ntool_calls")


def test_answers_are_compared_without_the_calls_that_led_to_them(cli: Cli, write: Write) -> None:
    write("models/waits.yaml", script(call("sun")).replace("model: caller", "model: waits"))
    args = ("-m", "caller", "-m", "waits", "--tools", "stub", "--max-rounds", "1")
    answers = [row.split("\t")[-1] for row in cli("run", "ask.yaml", *args).out.splitlines()]
    assert answers == ["The sun is a star.", 'look_up({"word": "sun"}) # call_2']


def test_lines_of_a_result_do_not_look_like_others(cli: Cli, write: Write) -> None:
    write("tools/look_up.yaml", "kind: tool\nname: look_up\nparameters: {}\nstubs: [{return: 'a\n\n  ok · b'}]\n")
    assert "\n  = a\n    ok · b  # stub\n" in cli("run", "ask.yaml", "--tools", "stub").err


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


def test_calls_that_are_left_count_against_no_bound(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(f"{call('sun')}, {call('moon')}"))
    outcome = cli("run", "ask.yaml", "--max-calls", "1")
    assert (outcome.code, records()[0]["response"]["state"]) == (0, "tool_calls")


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
    allow(monkeypatch, "look_up")
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
    allow(monkeypatch, "look_up")
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
        assert terminal.plain.endswith('look_up({"word": "sun"})  # call_1\nlook_up: here\n')
        terminal.press("\x03")
        terminal.wait_for("^C")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert "^C\ntool_calls · caller" in terminal.plain
    (record,) = records()
    assert f"to go on: plcli run --continue {record['id'][-5:]} --tools run" in terminal.plain
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
        ("--continue", "last", "--message", ""),
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


@pytest.mark.parametrize("args", [(), ("--no-log",)], ids=" ".join)
def test_what_a_handler_answered_is_kept_where_another_call_waits(
    args: tuple[str, ...], cli: Cli, write: Write
) -> None:
    write("tools/add.yaml", "kind: tool\nname: add\nparameters: {type: object}\ncommand: [echo, '3']\n")
    write("ask.yaml", REQUEST.replace("[look_up]", "[look_up, add]"))
    write(
        "models/caller.yaml", script(f"{{tool_call: {{name: add, arguments: {{}}}}}}, {call('sun')}", "{text: Done.}")
    )
    cli("run", "ask.yaml")
    outcome = cli("run", "--continue", "last", "--tools", "add=run", *args)
    assert outcome.code == 2
    kept = not args
    assert ("what was answered is kept: plcli run --continue " in outcome.err) == kept
    assert [len(record.get("tool_results", ())) for record in records()] == ([0, 1] if kept else [0])


def test_answers_to_calls_of_one_tool_are_given_in_order(cli: Cli, write: Write) -> None:
    write("models/caller.yaml", script(f"{call('sun')}, {call('moon')}", "{text: Done.}"))
    cli("run", "ask.yaml")
    answers = [f'look_up={{"meaning": "{word}"}}' for word in ("one", "two")]
    assert cli("run", "--continue", "last", "--answer", answers[0], "--answer", answers[1]).code == 0
    assert [result["result"]["meaning"] for result in records()[1]["tool_results"]] == ["one", "two"]


def test_what_was_answered_before_an_interrupt_is_not_done_again(
    plcli_process: Process, cli: Cli, write: Write, snapshot: SnapshotAssertion
) -> None:
    slow = "cat >asked; echo done >>did; grep -q moon asked && { echo here >&2; sleep 60; }; echo '{\"meaning\": 1}'"
    write("tools/look_up.yaml", TOOL + f"command: [sh, -c, {json.dumps(slow)}]\n")
    write("models/caller.yaml", script(f"{call('sun')}, {call('moon')}", "{text: Done.}"))
    cli("run", "ask.yaml")
    with plcli_process.terminal("run", "--continue", "last", "--tools", "run") as terminal:
        terminal.wait_for("look_up: here")
        terminal.press("\x03")
        terminal.wait_for("^C")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert "^C\nwhat was answered is kept: plcli run --continue" in terminal.plain
    kept = records()[-1]
    assert (kept["exchanges"], kept["error"]["kind"], kept["response"]["state"]) == ([], "interrupted", "tool_calls")
    assert [(result["exchange"], result["result"]) for result in kept["tool_results"]] == [(-1, {"meaning": 1})]
    assert cli("log", "show", "last").code == 0
    assert cli("run", "--continue", "last", "--answer", 'look_up={"meaning": 2}').code == 0
    told = records()[-1]["exchanges"][0]["request"]["messages"][-1]
    assert [part["content"] for part in told["content"]] == ['{"meaning":1}', '{"meaning":2}']
    assert Path("did").read_text() == "done\ndone\n"


def test_what_would_be_sent_next_needs_no_key(cli: Cli) -> None:
    answer = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}]}
    logged(answer)
    outcome = cli("run", "--continue", "last", "--message", "Hm?", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert [message["content"] for message in json.loads(outcome.out)["wire"]["messages"]] == ["Hi", "Hello.", "Hm?"]
    assert cli("run", "--continue", "last", "--message", "Hm?").code == 6


@pytest.mark.parametrize(
    "allowed", [(), ("--tools", "run"), ("--tools", "stub", "--tools", "look_up=run")], ids=" ".join
)
def test_asking_what_would_be_sent_next_runs_nothing(
    allowed: tuple[str, ...], cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("tools/look_up.yaml", TOOL + "command: [touch, ran]\n")
    cli("run", "ask.yaml", "--tools", "stop")
    allow(monkeypatch, "look_up")
    outcome = cli("run", "--continue", "last", *allowed, "--dry-run")
    assert (outcome.code, outcome.out, Path("ran").exists()) == (2, "", False)
    assert "look_up (call_1) waits for an answer" in outcome.err


def test_an_answer_that_broke_off_is_no_part_of_the_conversation(cli: Cli) -> None:
    answer = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hel"}}]}
    failure = {"kind": "connection", "message": "the connection was lost"}
    logged(answer, attempts=[{"started": "t", "duration_ms": 1, "status": 200, "error": failure}])
    outcome = cli("run", "--continue", "last", "--message", "Hm?", "--dry-run")
    assert [message["content"] for message in json.loads(outcome.out)["wire"]["messages"]] == ["Hi", "Hm?"]


def test_an_answer_that_is_none_cannot_be_gone_on_from(said: Said, snapshot: SnapshotAssertion) -> None:
    logged({"nothing": "of the api"})
    assert said("run", "--continue", "last", "--message", "Hm?") == snapshot


def logged(answer: object, request: object = None, attempts: object = (), **fields: object) -> None:
    """Write a log with one run, which was answered so by a server of Chat Completions, if no field says otherwise."""
    exchange = {
        "key": "k", "operation": "chat.completions.create", "started": "t", "duration_ms": 1, "response": answer,
        "request": request or {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
        "attempts": attempts,
    }  # fmt: skip
    record = {
        "v": 1, "id": "20260101T000000000-aaaaa", "time": "t", "command": "run", "plcli": "0", "provider": "openai",
        "api": "chat", "model": "m", "exchanges": [exchange], **fields,
    }  # fmt: skip
    Path("runs.jsonl").write_text(json.dumps(record) + "\n")


HELLO = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}
KEPT_BY_SERVER = {"set": {"chain": "server"}}


@pytest.mark.parametrize(
    ("answer", "overrides", "before", "items"),
    [
        ({"id": "resp_1", "status": "completed", "output": [HELLO]}, {}, None, 3),
        ({"id": "resp_1", "status": "completed", "output": [HELLO]}, KEPT_BY_SERVER, "resp_1", 1),
        (None, KEPT_BY_SERVER, None, 2),
    ],
    ids=["resent", "kept", "not answered"],
)
def test_a_conversation_that_the_server_keeps_goes_on_from_what_it_has(
    answer: object, overrides: dict[str, Any], before: str | None, items: int, cli: Cli
) -> None:
    logged(answer, {"model": "m", "input": "Hi"}, api="responses", overrides=overrides)
    outcome = cli("run", "--continue", "last", "--message", "Hm?", "--dry-run")
    wire = json.loads(outcome.out)["wire"]
    assert (wire.get("previous_response_id"), len(wire["input"])) == (before, items)


def test_a_call_that_has_the_id_of_an_earlier_one_waits_for_its_own_answer(cli: Cli, write: Write) -> None:
    same = [call(word).replace("name:", "id: c, name:") for word in ("sun", "moon")]
    write("models/caller.yaml", script(*same, "{text: Done.}"))
    cli("run", "ask.yaml", "--tools", "stub", "--max-rounds", "1")
    assert cli("run", "--continue", "last", "--tools", "stub").code == 0
    assert [record["tool_results"][0]["result"]["meaning"] for record in records()] == ["a star", "a satellite"]


def test_an_answer_that_held_a_secret_cannot_be_sent_from_the_log(
    cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "very-secret-token-123")
    command = "env: [SHOP_TOKEN]\ncommand: [sh, -c, 'echo $SHOP_TOKEN']\n"
    write("tools/add.yaml", f"kind: tool\nname: add\nparameters: {{type: object}}\n{command}")
    write("ask.yaml", REQUEST.replace("[look_up]", "[look_up, add]"))
    write(
        "models/caller.yaml", script(f"{{tool_call: {{name: add, arguments: {{}}}}}}, {call('sun')}", "{text: Done.}")
    )
    cli("run", "ask.yaml", "--tools", "add=run")
    outcome = cli("run", "--continue", "last", "--answer", 'look_up={"meaning": "x"}')
    assert (outcome.code, len(records())) == (9, 1)
    assert "secrets were taken out" in outcome.err


def test_answers_in_turn_go_on_across_processes(cli: Cli, write: Write) -> None:
    answers = ", ".join(f"{{meaning: {n}}}" for n in range(4))
    write("tools/look_up.yaml", f"{TOOL}stubs: [{{return_in_turn: [{answers}]}}]\n")
    write("models/caller.yaml", script(*[call("moon")] * 4, "{text: Done.}"))
    cli("run", "ask.yaml", "--tools", "stub", "--max-rounds", "1")
    for _ in range(2):
        cli("run", "--continue", "last", "--tools", "stub", "--max-rounds", "1")
    meanings = [[result["result"]["meaning"] for result in record["tool_results"]] for record in records()]
    assert meanings == [[0], [1, 2], [3]]


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
    # What was sent is sent again, and the script is part of it.
    assert cli("run", "--continue", "last", "--retries", "0").code == 5
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
    assert [terminal.plain.count(word) for word in ('"sun"', '"moon"')] == [1, 1]
    (record,) = records()
    assert [result["source"] for result in record["tool_results"]] == ["stub", "ask"]
    assert record["response"]["state"] == "tool_calls"


@pytest.mark.parametrize("code", [130, 0], ids=["ctrl-c", "ctrl-d"])
def test_a_person_who_does_not_answer_leaves_the_line(plcli_process: Process, code: int) -> None:
    with plcli_process.terminal("run", "ask.yaml", "--tools", "ask") as terminal:
        terminal.wait_for("[l]eave it: ")
        if code:
            terminal.process.send_signal(signal.SIGINT)
        else:
            terminal.press("\x04")
        assert terminal.end() == code
    told = "tool_calls · caller" if code else 'look_up({"word": "sun"})'
    assert f"[l]eave it: \n{told}" in terminal.plain


def test_broken_json_is_no_answer_and_neither_is_the_end_of_input(plcli_process: Process) -> None:
    with plcli_process.terminal("run", "ask.yaml", "--tools", "ask") as terminal:
        for n, typed in enumerate(('{"meaning": ', "", None), 1):
            terminal.wait_for("[l]eave it: ", n)
            terminal.type("a")
            terminal.wait_for("plain words: ", n)
            terminal.press("\x04" if typed is None else f"{typed}\n")
        assert terminal.end() == 0
    assert terminal.plain.count("warning: this is no JSON: ") == 2
    (record,) = records()
    assert "tool_results" not in record


def test_nobody_is_asked_in_several_runs(plcli_process: Process) -> None:
    with plcli_process.terminal("run", "ask.yaml", "ask.yaml", "--tools", "ask") as terminal:
        assert terminal.end() == 2
    assert "nobody can be asked in several runs" in terminal.plain
    assert not Path("runs.jsonl").exists()


def test_what_handlers_say_stands_above_the_line_that_tells_how_far_a_batch_is(
    plcli_process: Process, write: Write
) -> None:
    write("tools/look_up.yaml", TOOL + "command: [sh, -c, 'sleep 0.5; echo here >&2; echo {}']\n")
    with plcli_process.terminal("run", "ask.yaml", "ask.yaml", "--tools", "run", "-j", "2") as terminal:
        assert terminal.end() == 0
    assert "2 running" in terminal.plain
    assert terminal.plain.count("\x1b[Klook_up: here\n") + terminal.plain.count("\nlook_up: here\n") == 2
