"""`plcli tools call`: one call of a tool, as a model would make it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Said, Write

FILES = {
    "plcli.toml": "",
    "tools/look_up.yaml": """\
kind: tool
name: look_up
parameters: {type: object, properties: {word: {type: string}}, required: [word]}
stubs:
  - {when: {word: sun}, return: {meaning: a star}}
  - {when: {word: void}, error: nothing is known of it}
  - {when: {word: words}, return: in words}
""",
    "tools/count.yaml": """\
kind: tool
name: count
parameters: {type: object}
command: [sh, -c, "cat; echo counting >&2"]
""",
    "tools/gone.yaml": "kind: tool\nname: gone\ncommand: [no-such-program]\n",
    "tools/say.yaml": "kind: tool\nname: say\nformat: {type: text}\nstubs: [{return: hello}]\n",
    "tools/bare.yaml": "kind: tool\nname: bare\nparameters: {type: object}\n",
}


@pytest.fixture(autouse=True)
def _files(write: Write) -> None:
    for name, text in FILES.items():
        write(name, text)


@pytest.mark.parametrize(
    "args",
    [
        ("look_up", "--args", '{"word": "sun"}'),
        ("look_up", "--args", '{"word": "words"}', "-q"),
        ("look_up", "--args", '{"word": "void"}'),
        ("look_up", "--args", '{"word": "moon"}'),
        ("look_up", "--args", '{"word": "sun"}', "--format", "json"),
        ("look_up", "--args", '{"word": "void"}', "--format", "json"),
        ("look_up",),
        ("look_up", "--args", '"sun"'),
        ("look_up", "--args", "{word: sun}"),
        ("look_up", "--args", '{"word": "sun"}', "--tools", "run"),
        ("look_up", "--args", '{"word": "sun"}', "--tools", "stop"),
        ("look_up", "--args", '{"word": "sun"}', "--tools", "ask"),
        ("look_up", "--args", '{"word": "sun"}', "--tools", "history"),
        ("look_up", "--args", '{"word": "sun"}', "--tools", "look_ap=stub"),
        ("count", "--args", '{"n": 1}', "--tools", "run"),
        ("count", "--args", '{"n": 1}', "--tools", "count=run", "--format", "json"),
        ("count", "--tools", "stub"),
        ("gone", "--tools", "run"),
        ("say", "--args", "free words"),
        ("bare",),
        ("nothing",),
        ("look_up", "--args", "@nothing.json"),
    ],
    ids=" ".join,
)
def test_a_call_is_answered_or_says_why_not(args: tuple[str, ...], said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("tools", "call", *args) == snapshot


def test_a_handler_needs_permission(cli: Cli) -> None:
    outcome = cli("tools", "call", "count")
    assert (outcome.code, outcome.out) == (6, "")
    assert "--tools count=run" in outcome.err


def test_what_the_handler_answered_can_be_kept_as_a_stub(cli: Cli) -> None:
    given = ("tools", "call", "count", "--args", '{"n": 1}')
    assert cli(*given, "--tools", "run", "--record-stubs").out == '{"n":1}\n'
    assert cli(*given, "--tools", "stub").out == '{"n":1}\n'


def test_arguments_come_from_a_file_or_from_standard_input(cli: Cli) -> None:
    arguments = json.dumps({"word": "sun"})
    Path("args.json").write_text(arguments)
    for args, stdin in (("@args.json", b""), ("-", arguments.encode())):
        assert cli("tools", "call", "look_up", "--args", args, stdin=stdin).out == '{"meaning":"a star"}\n'


def test_a_tool_of_another_workspace_is_told(cli: Cli, write: Write) -> None:
    write("inner/plcli.toml", "")
    write("inner/tools/say.yaml", FILES["tools/say.yaml"])
    outcome = cli("tools", "call", "inner/tools/say.yaml", "--args", "words")
    assert (outcome.code, outcome.out) == (0, "hello\n")
    assert "inner/tools/say.yaml belongs to the workspace inner: add --workspace inner" in outcome.err
