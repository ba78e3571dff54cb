"""On a terminal, in a pipe that breaks, and when a person has had enough: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, Process, Write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals and signals")

SLOW = """\
kind: model
provider: echo
model: slow
script: [{text: The beginning}, {delay_ms: 600000}, {text: the end}]
"""


def last_record() -> dict[str, Any]:
    line = Path("runs.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    return dict(json.loads(line))


def test_a_card_has_a_line_above_and_a_line_below(workspace: Path, plcli_process: Process) -> None:
    with plcli_process.terminal("run", "hello") as terminal:
        assert terminal.end() == 0
    above, reasoning, answer, below = terminal.plain.splitlines()
    assert above == "prompts/hello.yaml · echo-hello"
    assert reasoning == "The user wants a greeting, so I greet."
    assert answer.startswith("Oh, hello! ")
    assert below.startswith("ok · echo-hello · 4 + 26 tokens · ")
    assert f"\x1b[1m{above}\x1b[0m\n\x1b[2mThe" in terminal.text
    assert f"\n{answer}\n\x1b[32mok\x1b[0m" in terminal.text


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(workspace: Path, plcli_process: Process, variables: dict[str, str]) -> None:
    for args in (("run", "hello"), ("log", "list"), ("log", "show")):
        with plcli_process.terminal(*args, **variables) as terminal:
            assert terminal.end() == 0
        assert "\x1b" not in terminal.text


def test_an_error_is_red_on_a_terminal(workspace: Path, plcli_process: Process) -> None:
    with plcli_process.terminal("run", "hello", "--set", "expect=[{text: nothing}]") as terminal:
        assert terminal.end() == 1
    assert "\x1b[33mwarning:\x1b[0m expectation failed" in terminal.text


def test_what_a_model_says_cannot_command_the_terminal(plcli_process: Process, write: Write) -> None:
    script = '[{text: "a\\e[2Jb\\e]0;title\\ac\\x9b2J"}]'
    write("models/evil.yaml", f"kind: model\nprovider: echo\nmodel: e\nscript: {script}\n")
    asked, shown = ("run", "--prompt", "x", "-m", "evil"), ("log", "show")
    for args in (asked, ("log", "list"), shown, *((*each, "--format", "json") for each in (asked, shown))):
        with plcli_process.terminal(*args, NO_COLOR="1") as terminal:
            assert terminal.end() == 0
        assert not set("\x1b\x07\x9b") & set(terminal.text)
    assert last_record()["response"]["text"] == "a\x1b[2Jb\x1b]0;title\x07c\x9b2J"


def test_a_list_fits_a_narrow_window(workspace: Path, cli: Cli, plcli_process: Process) -> None:
    cli("run", "hello")
    tail = last_record()["id"][-5:]
    for columns in (24, 80, 200):
        with plcli_process.terminal("log", "list", columns=columns) as terminal:
            assert terminal.end() == 0
        heads, row = terminal.plain.splitlines()
        assert heads.startswith("run    ")
        assert row.startswith(f"{tail}  ")
        assert len(row) <= columns
        assert "Oh, hello!" in row


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_keeps_what_came(plcli_process: Process, write: Write, number: signal.Signals) -> None:
    write("models/slow.yaml", SLOW)
    with plcli_process.terminal("run", "--prompt", "x", "-m", "slow", NO_COLOR="1") as terminal:
        terminal.wait_for("The beginning")
        terminal.process.send_signal(number)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    assert "incomplete · slow" in terminal.text
    record = last_record()
    assert (record["response"]["state"], record["response"]["text"]) == ("incomplete", "The beginning")
    assert record["error"]["kind"] == "interrupted"


def test_an_impatient_second_control_c_loses_no_record(plcli_process: Process, write: Write) -> None:
    write("models/slow.yaml", SLOW)
    with plcli_process.terminal("run", "--prompt", "x", "-m", "slow") as terminal:
        terminal.wait_for("The beginning")
        for _ in range(50):
            if terminal.process.poll() is None:
                terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert last_record()["error"]["kind"] == "interrupted"


def test_an_interrupted_batch_does_not_start_the_next(plcli_process: Process, write: Write) -> None:
    write("models/slow.yaml", SLOW)
    write("rows.jsonl", '{"n": 1}\n{"n": 2}\n')
    args = ("run", "--prompt", "{{ n }}", "-m", "slow", "--vars", "rows.jsonl")
    with plcli_process.terminal(*args) as terminal:
        terminal.wait_for("The beginning")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert len(Path("runs.jsonl").read_text().splitlines()) == 1


def test_control_c_while_standard_input_is_awaited(plcli_process: Process) -> None:
    with plcli_process.terminal("run", "-") as terminal:
        terminal.type("kind: request")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text


def test_a_reader_that_goes_away_loses_no_run(plcli_process: Process, write: Write) -> None:
    write(
        "models/long.yaml", "kind: model\nprovider: echo\nmodel: long\nscript: [{text: '" + "words " * 50_000 + "'}]\n"
    )
    with plcli_process.start("run", "--prompt", "x", "-m", "long", "--no-log") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read().decode()
        assert process.wait() == 0
    assert "Traceback" not in errors
    with plcli_process.start("run", "--prompt", "x", "-m", "long") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
    assert last_record()["response"]["text"] == "words " * 50_000


def test_a_list_can_be_cut_by_its_reader(cli: Cli, plcli_process: Process) -> None:
    spec = "kind: request\nmodel: echo/any\nprompt: " + "word " * 50_000
    for _ in range(2):
        cli("run", "-", stdin=spec.encode())
    with plcli_process.start("log", "list", "--format", "jsonl") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read().decode()
        assert process.wait() == 0
    assert errors == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_loses_no_run(plcli_process: Process, write: Write) -> None:
    write("models/two.yaml", "kind: model\nprovider: echo\nmodel: two\nscript: [{text: 'one '}, {text: two}]\n")
    with open("/dev/full", "wb") as full:
        command = plcli_process.command("run", "--prompt", "x", "-m", "two")
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=plcli_process.environ({}), check=False)
    assert done.returncode == 6
    assert b"error: standard output cannot be written: no space left on device" in done.stderr
    assert last_record()["response"]["text"] == "one two"


def test_a_traceback_cannot_command_the_terminal(plcli_process: Process, write: Write) -> None:
    write("evil.yaml", 'kind: request\n"x\\e[2J": 1\n')
    with plcli_process.terminal("run", "evil.yaml", "--traceback", NO_COLOR="1") as terminal:
        assert terminal.end() == 3
    assert "Traceback" in terminal.text
    assert "\x1b" not in terminal.text


def test_closed_streams_are_no_crash(plcli_process: Process) -> None:
    command = [
        "/bin/sh",
        "-c",
        'exec "$@" >&- 2>&-',
        "sh",
        *plcli_process.command("run", "--prompt", "x", "-m", "echo/any"),
    ]
    done = subprocess.run(command, env=plcli_process.environ({}), check=False)
    assert done.returncode == 0
    assert last_record()["response"]["text"] == "x"


def test_a_narrow_encoding_is_no_crash(plcli_process: Process) -> None:
    outcome = plcli_process("run", "--prompt", "naïve 日本", "-m", "echo/any", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (outcome.code, outcome.out) == (0, "na\\xefve \\u65e5\\u672c\n")
