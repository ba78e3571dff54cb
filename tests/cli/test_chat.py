"""`plcli chat` on the command line: from a pipe, line by line, and on a terminal."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Terminal, Write

ECHO = ("--model", "echo/any")

TWICE = """\
kind: model
provider: echo
model: twice
script: [[{text: "one "}, {text: answer}], [{text: another}], [{error: {status: 500, message: overloaded}}]]
"""

_CALL = "{tool_call: {name: get_weather, arguments: {city: Paris}}}"
TWO_CALLS = f"kind: model\nprovider: echo\nmodel: two\nscript: [[{_CALL}, {_CALL}], [{{text: Done}}]]\n"

SYSTEM = """\
kind: request
model: echo/any
variables: {how: {type: string}}
messages: [{role: system, content: "Be {{ how }}."}]
"""


def lines(*entries: str) -> bytes:
    return "".join(f"{entry}\n" for entry in entries).encode()


def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("runs.jsonl").read_text(encoding="utf-8").splitlines()]


def sent(record: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(turn["role"], turn["content"]) for turn in record["exchanges"][-1]["request"]["messages"]]


# What is said


def test_each_line_is_a_turn(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("chat", *ECHO, stdin=lines("Hello", "Who are you?")) == snapshot


def test_a_turn_knows_what_was_said_before_it(cli: Cli) -> None:
    cli("chat", *ECHO, "--tag", "t", stdin=lines("one", "", "two"))
    first, second = records()
    assert (first["command"], first["tags"], second["tags"]) == ("chat", ["t"], ["t"])
    assert "parent" not in first
    assert second["parent"] == first["id"]
    assert sent(second) == [("user", "one"), ("assistant", "one"), ("user", "two")]


def test_a_backslash_goes_on_in_the_next_line(cli: Cli) -> None:
    assert cli("chat", *ECHO, "-q", stdin=b"one\\\ntwo\\\n\nlast\\").out == "one\ntwo\nlast\n"


def test_a_spec_that_ends_with_the_person_is_answered_first(said: Said, workspace: Path, snapshot: Any) -> None:
    assert said("chat", "hello", "--var", "name=Ada", stdin=lines("And you?")) == snapshot


def test_a_spec_of_system_words_waits_for_the_person(cli: Cli, write: Write) -> None:
    write("s.yaml", SYSTEM)
    assert cli("chat", "s.yaml", "--var", "how=terse").out == ""
    cli("chat", "s.yaml", "--var", "how=terse", stdin=lines("hi"))
    assert sent(records()[0]) == [("system", "Be terse."), ("user", "hi")]
    assert records()[0]["spec"]["path"] == "s.yaml"


def test_what_is_said_is_no_template(cli: Cli) -> None:
    assert cli("chat", *ECHO, stdin=lines("{{ 7 * 7 }}")).out == "{{ 7 * 7 }}\n"


def test_records_go_out_where_a_program_listens(cli: Cli) -> None:
    outcome = cli("chat", *ECHO, "--format", "jsonl", stdin=lines("one", "two", "/nothing"))
    assert [json.loads(line)["response"]["text"] for line in outcome.out.splitlines()] == ["one", "two"]
    assert json.loads(outcome.err)["error"]["message"] == "there is no command /nothing"


def test_a_turn_that_is_not_logged_has_no_parent(cli: Cli) -> None:
    outcome = cli("chat", *ECHO, "--format", "jsonl", "--no-log", stdin=lines("one", "two"))
    assert "parent" not in json.loads(outcome.out.splitlines()[1])


def test_what_env_may_not_set_is_told_once(cli: Cli, write: Write) -> None:
    write(".env", "PATH=/nowhere\n")
    assert cli("chat", *ECHO, stdin=lines("one", "two")).err.count("PATH") == 1


def test_nothing_is_kept_where_nothing_shall_be(cli: Cli) -> None:
    assert cli("chat", *ECHO, "--no-log", stdin=lines("one", "two")).out == "one\ntwo\n"
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [
        ("chat",),
        ("chat", "-"),
        ("chat", "absent"),
        ("chat", "--var", "a=b", *ECHO),
        ("chat", "--model", "nobody/any"),
        ("chat", "--model", "openai/m"),
        ("chat", "--tools", "ask", *ECHO),
        ("chat", "--tools", "history", *ECHO),
        ("chat", "--tools", "x=stub", *ECHO),
    ],
    ids=" ".join,
)
def test_what_cannot_begin(said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]) -> None:
    assert said(*args, stdin=lines("hi")) == snapshot


# What ends a turn, and not the chat


def test_a_turn_that_fails_is_logged_and_not_part_of_the_conversation(said: Said, write: Write, snapshot: Any) -> None:
    write("models/twice.yaml", TWICE)
    assert said("chat", "-m", "twice", "--retries", "0", stdin=lines("a", "b", "c", "d")) == snapshot
    assert [record["response"]["state"] for record in records()] == ["ok", "ok", "error", "error"]
    assert records()[3]["parent"] == records()[1]["id"]
    assert sent(records()[3])[-2:] == [("assistant", "another"), ("user", "d")]


def test_words_that_are_no_text_are_an_error(cli: Cli) -> None:
    outcome = cli("chat", *ECHO, stdin=b"fine\n\xff\n")
    assert outcome.code == 2
    assert "standard input is not UTF-8" in outcome.err


# Commands


def test_the_commands_are_told(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("chat", *ECHO, stdin=lines("/help")) == snapshot


@pytest.mark.parametrize("entry", ["/nothing", "/mdoel", "/undo", "/answer", "/answer 1", "/tools stop it", "/model x"])
def test_a_command_that_does_nothing_says_why(said: Said, snapshot: SnapshotAssertion, entry: str) -> None:
    assert said("chat", *ECHO, stdin=lines(entry)) == snapshot


def test_words_may_begin_with_a_slash(cli: Cli) -> None:
    outcome = cli("chat", *ECHO, stdin=lines("/etc/hosts", "//help me", "/ is a slash", "/quit", "too late"))
    assert outcome.out == "/etc/hosts\n/help me\n/ is a slash\n"


def test_a_turn_can_be_taken_back(cli: Cli) -> None:
    outcome = cli("chat", *ECHO, stdin=lines("one", "two", "/undo", "three", "/undo", "/undo", "/undo", "four"))
    assert "there is no turn to take back" in outcome.err
    _, _, third, last = records()
    assert sent(third) == [("user", "one"), ("assistant", "one"), ("user", "three")]
    assert third["parent"] == records()[0]["id"]
    assert sent(last) == [("user", "four")]
    assert "parent" not in last


FIRST = """\
kind: model
provider: echo
model: first
params: {seed: 7, top_p: 0.5}
body: {own: first}
script: [[{text: The first answers.}]]
"""


def test_the_conversation_moves_to_another_model(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("models/first.yaml", FIRST)
    entries = lines("a", "/model", "/model echo/any", "b", "/undo", "/model", "/model absent", "c")
    assert said("chat", "-m", "first", "--set", "params.top_p=0.7", stdin=entries) == snapshot
    first, second, third = records()
    assert [record["model"] for record in records()] == ["first", "any", "any"]
    assert sent(second) == [("user", "a"), ("assistant", "The first answers."), ("user", "b")]
    assert second["exchanges"][0]["request"]["params"] == {"top_p": 0.7}
    assert second["exchanges"][0]["request"].keys() == {"model", "messages", "params"}
    assert second["parent"] == third["parent"] == first["id"]


def test_what_a_model_cannot_carry_is_told_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    outcome = cli("chat", *ECHO, "--set", "params.seed=1", stdin=lines("/model openai/m", "/model"))
    assert outcome.err.splitlines() == [
        "warning: params.seed: dropped: the responses api has no seed",
        "openai/m",
    ]


# Tools


def test_calls_wait_for_an_answer(said: Said, workspace: Path, snapshot: SnapshotAssertion) -> None:
    entries = lines("Hello?", "/answer warm", "Thanks")
    assert said("chat", "weather", "-m", "echo-weather", stdin=entries) == snapshot
    first, second, _ = records()
    assert (first["response"]["state"], second["response"]["state"]) == ("tool_calls", "ok")
    assert [(each["exchange"], each["source"], each["result"]) for each in second["tool_results"]] == [
        (-1, "answer", "warm")
    ]


def test_an_answer_can_name_its_call(workspace: Path, cli: Cli) -> None:
    entries = lines("/answer other={}", "/undo", "/answer call_1={}")
    cli("chat", "weather", "-m", "echo-weather", stdin=entries)
    assert records()[1]["tool_results"][0]["result"] == "other={}"
    (workspace / "runs.jsonl").unlink()
    cli("chat", "weather", "-m", "echo-weather", stdin=lines('/answer call_1={"temperature": 3}'))
    assert records()[1]["tool_results"][0]["result"] == {"temperature": 3}


def test_calls_that_wait_are_answered_by_a_new_policy(said: Said, workspace: Path, snapshot: SnapshotAssertion) -> None:
    entries = lines("/tools", "/tools get_weather=stub", "/tools")
    assert said("chat", "weather", "-m", "echo-weather", stdin=entries) == snapshot


def test_broken_json_is_no_answer(workspace: Path, cli: Cli) -> None:
    outcome = cli("chat", "weather", "-m", "echo-weather", stdin=lines('/answer {"temperature": ', "/answer {}"))
    assert outcome.err.count("error: this is no JSON: ") == 1
    assert records()[1]["tool_results"][0]["result"] == {}


def test_calls_go_on_waiting_until_all_are_answered(workspace: Path, cli: Cli, write: Write) -> None:
    write("models/two.yaml", TWO_CALLS)
    entries = lines("/tools stop", "/answer call_2={}", "/answer {}")
    outcome = cli("chat", "weather", "-m", "two", stdin=entries)
    assert outcome.code == 0
    assert "get_weather=stop\nget_weather waits for an answer\n" in outcome.err
    assert records()[1]["response"]["text"] == "Done"


def test_an_answer_says_which_of_several_calls_it_is_for(workspace: Path, cli: Cli, write: Write) -> None:
    write("models/two.yaml", TWO_CALLS)
    outcome = cli("chat", "weather", "-m", "two", stdin=lines("/answer {}"))
    assert "error: several calls wait for an answer; those that do: call_1, call_2\n" in outcome.err
    assert len(records()) == 1


def test_tools_are_answered_while_a_turn_goes_on(said: Said, workspace: Path, snapshot: SnapshotAssertion) -> None:
    assert said("chat", "weather", "-m", "echo-weather", "--tools", "stub") == snapshot


TURNS = """\
kind: tool
name: draw
parameters: {type: object, properties: {}}
stubs: [{return_in_turn: [first, second, third]}]
"""

DRAWING = """\
kind: model
provider: echo
model: drawing
script: [[{tool_call: {name: draw, arguments: {}}}], [{text: drawn}], [{tool_call: {name: draw, arguments: {}}}],
  [{text: drawn}]]
"""


def test_stubs_in_turn_go_on_from_turn_to_turn(cli: Cli, write: Write) -> None:
    write("tools/draw.yaml", TURNS)
    write("models/drawing.yaml", DRAWING)
    write("r.yaml", "kind: request\nmodel: drawing\ntools: [draw]\n")
    cli("chat", "r.yaml", "--tools", "stub", stdin=lines("a", "b", "/undo", "c"))
    assert [record["tool_results"][0]["result"] for record in records()] == ["first", "second", "second"]


# Saving


def test_a_conversation_is_saved_as_a_spec(said: Said, workspace: Path, cli: Cli, snapshot: SnapshotAssertion) -> None:
    entries = lines("Thanks", "/save", "/save", "/save tea", "/save tea.json", "/save notes/tea.toml")
    assert said("chat", "weather", "-m", "echo-weather", "--tools", "stub", stdin=entries) == snapshot
    assert Path("prompts/chat.yaml").read_text() == snapshot(name="spec")
    assert cli("validate", "prompts/chat.yaml", "prompts/tea.yaml", "notes/tea.toml").code == 0
    cli("chat", "chat", stdin=lines("More"))
    assert sent(records()[-1])[:-1] == [
        *sent(records()[1]), ("assistant", records()[1]["response"]["text"]),
    ]  # fmt: skip


def test_saving_replaces_nothing(workspace: Path, cli: Cli) -> None:
    before = Path("prompts/hello.yaml").read_bytes()
    outcome = cli("chat", *ECHO, stdin=lines("a", "/save hello", "/save prompts/hello.yaml", "/save greeting"))
    assert outcome.err.count("is there already") == 3
    assert outcome.code == 2
    assert Path("prompts/hello.yaml").read_bytes() == before


def test_what_no_file_can_hold_is_told(said: Said, snapshot: SnapshotAssertion) -> None:
    entries = lines("a", "/save x.toml", "/save no/folder\0/x.yaml")
    assert said("chat", *ECHO, "--set", "body={x: null}", stdin=entries) == snapshot


def test_a_picture_of_a_tool_is_saved_though_nothing_is_logged(workspace: Path, cli: Cli, write: Write) -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
    stub = f"{{return: {{content: [{{type: image, source: 'data:image/png;base64,{png}'}}]}}}}"
    write("tools/draw.yaml", f"kind: tool\nname: draw\nparameters: {{type: object}}\nstubs: [{stub}]\n")
    write("models/artist.yaml", TWO_CALLS.replace("get_weather", "draw").replace("model: two", "model: artist"))
    write("prompts/sun.yaml", "kind: request\nmodel: artist\nprompt: Draw the sun.\ntools: [draw]\n")
    outcome = cli("chat", "sun", "--no-log", "--tools", "stub", stdin=lines("/save drawn"))
    assert (outcome.code, Path("runs.jsonl").exists(), png in Path("prompts/drawn.yaml").read_text()) == (
        0,
        False,
        True,
    )


def test_a_picture_stays_the_file_that_it_is(workspace: Path, cli: Cli) -> None:
    cli("chat", "vision", *ECHO, stdin=lines("/save near", "/save elsewhere/far.yaml"))
    assert "source: triangle.png" in Path("prompts/near.yaml").read_text()
    assert "source: ../prompts/triangle.png" in Path("elsewhere/far.yaml").read_text()


# On a terminal

SLOW = """\
kind: model
provider: echo
model: slow
script: [[{text: "The beginning"}, {delay_ms: 600000}, {text: the end}], [{text: Back again}]]
"""

EDITOR = {"PROMPT_TOOLKIT_NO_CPR": "1"}
"""The terminal of these tests does not tell where its cursor is."""

on_terminals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals and signals")


@pytest.fixture(params=["editor", "plain"])
def variables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a terminal with the line editor, and of one where its package is not installed."""
    if request.param == "editor":
        return EDITOR
    folder = tmp_path_factory.mktemp("without")
    (folder / "prompt_toolkit.py").write_text("raise ImportError")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}", "NO_COLOR": "1"}


def prompted(terminal: Terminal, variables: dict[str, str], times: int = 1) -> None:
    """Wait for the prompt to be there for the so-manieth time."""
    terminal.wait_for("\x1b[?2004h" if variables == EDITOR else "> ", times)


def control_c(terminal: Terminal, variables: dict[str, str]) -> None:
    """Press it at the prompt. The editor reads it as a key; else the terminal makes a signal of it."""
    if variables == EDITOR:
        terminal.press("\x03")
    else:
        terminal.process.send_signal(signal.SIGINT)


@on_terminals
def test_a_person_talks(plcli_process: Process, variables: dict[str, str]) -> None:
    with plcli_process.terminal("chat", *ECHO, **variables) as terminal:
        prompted(terminal, variables)
        terminal.type("Hello there")
        prompted(terminal, variables, 2)
        terminal.type("over two \\")
        terminal.wait_for("\x1b[?2004h" if variables == EDITOR else "\n. ", 3 if variables == EDITOR else 1)
        terminal.type("lines")
        prompted(terminal, variables, 4 if variables == EDITOR else 3)
        terminal.press("\x04")
        assert terminal.end() == 0
    assert "/help tells what can be typed" in terminal.plain
    assert [record["response"]["text"] for record in records()] == ["Hello there", "over two \nlines"]


@on_terminals
def test_control_c_stops_the_answer_and_then_leaves(
    plcli_process: Process, write: Write, variables: dict[str, str]
) -> None:
    write("models/slow.yaml", SLOW)
    with plcli_process.terminal("chat", "-m", "slow", **variables) as terminal:
        prompted(terminal, variables)
        terminal.type("x")
        terminal.wait_for("The beginning")
        terminal.process.send_signal(signal.SIGINT)
        prompted(terminal, variables, 2)
        control_c(terminal, variables)
        assert terminal.end() == 0
    assert "not part of the conversation" in terminal.text
    assert "Traceback" not in terminal.text
    (record,) = records()
    assert (record["response"]["text"], record["error"]["kind"]) == ("The beginning", "interrupted")


HANDLED = """\
kind: tool
name: draw
parameters: {type: object, properties: {}}
command: [/bin/sh, -c, "echo drawing >&2; sleep 600"]
"""


@on_terminals
def test_control_c_ends_a_handler_and_its_call_waits(plcli_process: Process, write: Write) -> None:
    write("tools/draw.yaml", HANDLED)
    write("models/drawing.yaml", DRAWING)
    write("r.yaml", "kind: request\nmodel: drawing\ntools: [draw]\n")
    with plcli_process.terminal("chat", "r.yaml", "--tools", "run", **EDITOR) as terminal:
        prompted(terminal, EDITOR)
        terminal.type("x")
        terminal.wait_for("draw: drawing")
        terminal.process.send_signal(signal.SIGINT)
        prompted(terminal, EDITOR, 2)
        terminal.type("/answer by hand")
        prompted(terminal, EDITOR, 3)
        terminal.press("\x04")
        assert terminal.end() == 0
    stopped, answered = records()
    assert stopped["error"]["kind"] == "interrupted"
    assert answered["tool_results"][0]["result"] == "by hand"
    assert answered["response"]["text"] == "drawn"


@on_terminals
def test_a_person_is_asked_how_to_answer(workspace: Path, plcli_process: Process) -> None:
    with plcli_process.terminal("chat", "weather", "-m", "echo-weather", "--tools", "ask", **EDITOR) as terminal:
        terminal.wait_for("[l]eave it: ")
        terminal.type("s")
        prompted(terminal, EDITOR)
        terminal.press("\x04")
        assert terminal.end() == 0
    assert records()[0]["tool_results"][0]["source"] == "stub"


@on_terminals
def test_control_c_at_the_prompt_leaves_the_second_time(plcli_process: Process, variables: dict[str, str]) -> None:
    with plcli_process.terminal("chat", *ECHO, **variables) as terminal:
        prompted(terminal, variables)
        control_c(terminal, variables)
        prompted(terminal, variables, 2)
        terminal.type("still here")
        prompted(terminal, variables, 3)
        control_c(terminal, variables)
        prompted(terminal, variables, 4)
        control_c(terminal, variables)
        assert terminal.end() == 0
    assert "Ctrl-C again, or Ctrl-D, leaves" in terminal.text
    assert [record["response"]["text"] for record in records()] == ["still here"]


@on_terminals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("meanwhile", ["waiting", "answering"])
def test_the_end_of_the_terminal_ends_the_chat(
    plcli_process: Process, write: Write, number: signal.Signals, meanwhile: str, variables: dict[str, str]
) -> None:
    write("models/slow.yaml", SLOW)
    with plcli_process.terminal("chat", "-m", "slow", **variables) as terminal:
        prompted(terminal, variables)
        if meanwhile == "answering":
            terminal.type("x")
            terminal.wait_for("The beginning")
        terminal.process.send_signal(number)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text


@on_terminals
def test_the_editor_keeps_what_was_typed_for_its_user_alone(plcli_process: Process) -> None:
    with plcli_process.terminal("chat", *ECHO, **EDITOR) as terminal:
        prompted(terminal, EDITOR)
        terminal.press("two\x1b\rlines\r")
        prompted(terminal, EDITOR, 2)
        terminal.press("\x04")
        assert terminal.end() == 0
    assert records()[0]["response"]["text"] == "two\nlines"
    (history,) = Path.home().rglob("chat_history")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    with plcli_process.terminal("chat", *ECHO, **EDITOR) as terminal:
        prompted(terminal, EDITOR)
        terminal.press("\x1b[A\r")
        prompted(terminal, EDITOR, 2)
        terminal.press("\x04")
        assert terminal.end() == 0
    assert records()[1]["response"]["text"] == "two\nlines"
    before = history.read_bytes()
    with plcli_process.terminal("chat", *ECHO, "--no-log", **EDITOR) as terminal:
        prompted(terminal, EDITOR)
        terminal.press("unsaid\r")
        prompted(terminal, EDITOR, 2)
        terminal.press("\x04")
        assert terminal.end() == 0
    assert history.read_bytes() == before


@on_terminals
def test_the_prompt_is_no_part_of_the_answer(plcli_process: Process) -> None:
    outcome = plcli_process("chat", *ECHO, stdin=lines("one"))
    assert outcome.out == "one\n"
    assert ">" not in outcome.err


def test_a_logged_run_goes_on_as_a_chat(said: Said, workspace: Path, snapshot: SnapshotAssertion) -> None:
    said("run", "weather", "-m", "echo-weather")
    assert (
        said("chat", "--continue", "last", "--tools", "stub", stdin=lines("/tools", "/tools stub", "thanks"))
        == snapshot
    )
    assert said("chat", "--continue", "last", "-m", "echo/any", stdin=lines("again")) == snapshot
    assert said("chat", "weather", "--continue", "last") == snapshot
    ids = [record["id"] for record in records()]
    assert [record.get("parent") for record in records()] == [None, *ids[:3]]


def test_what_is_saved_names_its_schema_where_the_workspace_has_it(cli: Cli, write: Write) -> None:
    write("plcli.toml", "")
    write("schemas/request.schema.json", "{}")
    assert cli("chat", *ECHO, stdin=lines("Hello", "/save")).code == 0
    first = Path("prompts/chat.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/request.schema.json"
