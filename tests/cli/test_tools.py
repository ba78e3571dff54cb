"""`plcli tools` on the command line: what is listed and shown, and files for new tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write

FILES = {
    "plcli.toml": "model = 'echo/any'\n",
    "tools/get_weather.yaml": """\
kind: tool
name: get_weather
description: The weather in a city, now.
parameters:
  type: object
  properties:
    city: {type: string, description: Name of the city}
  required: [city]
  additionalProperties: false
strict: true
returns: {type: object}
env: [WEATHER_TOKEN, WEATHER_URL]
command: [python3, handlers/weather.py]
""",
    "tools/get_weather.stubs.yaml": """\
kind: stubs
stubs:
  - {when: {city: Paris}, return: {temperature: 21}}
  - {when: {city: Rome}, error: no such city}
  - {return_in_turn: [{temperature: 1}, {temperature: 2}]}
""",
    "handlers/weather.py": "print(1)\n",
    "tools/calc.toml": """\
kind = "tool"
name = "calc"
description = "Adds numbers."
format = {type = "regex", definition = "[0-9+]+"}
stubs = [{return = "2"}]
""",
    "tools/notes/find.yaml": """\
kind: tool
name: find
parameters: {type: object, properties: {}}
mcp: {url: "https://notes.example.com/mcp", tool: find.note}
""",
    "tools/add.yaml": "kind: tool\nname: add\npython: sums:add\n",
    "prompts/one.yaml": """\
kind: request
prompt: Hello
tools:
  - get_weather
  - {type: web_search}
  - {name: ask, description: Asks a person., parameters: {type: object}}
""",
    "prompts/two.yaml": "kind: request\nprompt: Hello\ntools: [calc, get_weather, {type: web_search}]\n",
    "prompts/rows.json": "{}",
}


@pytest.fixture
def workspace(tmp_path: Path, write: Write) -> Path:
    """A workspace with a tool of every kind, and two requests."""
    for name, text in FILES.items():
        write(name, text)
    return tmp_path


def test_tools_are_listed_with_who_answers_and_who_uses_them(
    workspace: Path, said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said("tools", "list") == snapshot


def test_a_list_is_json_too(workspace: Path, cli: Cli, snapshot: SnapshotAssertion) -> None:
    told = json.loads(cli("tools", "list", "--format", "json").out)
    assert told == snapshot
    lines = cli("tools", "list", "--format", "jsonl").out
    assert [json.loads(line) for line in lines.splitlines()] == told


def test_what_is_missing_or_wrong_is_told_and_hides_nothing(
    workspace: Path, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("prompts/lost.yaml", "kind: request\nprompt: x\ntools: [get_wether, wrong, twice]\n")
    write("prompts/wrong.yaml", "kind: request\nprompt: x\ntols: []\n")
    write("tools/wrong.yaml", "kind: tool\nname: wrong\ncomand: [x]\n")
    write("tools/a/twice.yaml", "kind: tool\nname: twice\n")
    write("tools/b/twice.yaml", "kind: tool\nname: twice\n")
    assert said("tools", "list") == snapshot


def test_a_workspace_without_tools_says_what_to_type(tmp_path: Path, said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("tools", "list") == snapshot


@pytest.mark.parametrize("name", ["get_weather", "calc", "find", "tools/add.yaml"])
def test_a_tool_is_shown_with_all_that_is_known_of_it(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WEATHER_TOKEN", "a-secret-of-ours-1234")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace))
    for form in ("text", "json"):
        shown = said("tools", "show", name, "--format", form)
        assert shown == snapshot
        assert "a-secret" not in shown


def test_a_tool_that_the_users_side_allows_is_shown_so(
    workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace))
    told = json.loads(cli("tools", "show", "get_weather", "--format", "json").out)["permission"]
    assert (told["allowed"], [one["allowed"] for one in told["digests"]]) == (False, [False, False])
    config = workspace / "plcli" / "config.toml"
    config.parent.mkdir()
    config.write_text(f"trust_tools = {json.dumps([one['digest'] for one in told['digests']])}")
    told = json.loads(cli("tools", "show", "get_weather", "--format", "json").out)["permission"]
    assert (told["allowed"], [one["allowed"] for one in told["digests"]]) == (True, [True, True])
    Path("handlers/weather.py").write_text("print(2)")
    told = json.loads(cli("tools", "show", "get_weather", "--format", "json").out)["permission"]
    assert (told["allowed"], [one["allowed"] for one in told["digests"]]) == (False, [True, False])


@pytest.mark.parametrize("api", ["responses", "chat", "generate_content", "echo"])
def test_a_tool_is_printed_as_an_api_gets_it(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, api: str
) -> None:
    assert said("tools", "show", "get_weather", "--api", api) == snapshot
    assert said("tools", "show", "calc", "--api", api) == snapshot


@pytest.mark.parametrize(
    "args",
    [("get_wether",), ("web_search",), ("tools/nothing.yaml",), ("prompts/one.yaml",), ("calc", "--api", "chatt")],
)
def test_what_is_no_tool_or_no_api_is_told(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]
) -> None:
    assert said("tools", "show", *args) == snapshot


def test_a_table_is_shown_on_a_terminal_and_hostile_words_are_harmless_there(
    workspace: Path, plcli_process: Process, write: Write
) -> None:
    write("tools/evil.yaml", 'kind: tool\nname: evil\ndescription: "\\e[2J\\ttab\\nline"\n')
    with plcli_process.terminal("tools", "list", columns=160) as terminal:
        assert terminal.end() == 0
    assert terminal.plain.splitlines()[0].split()[:3] == ["tool", "kind", "handler"]
    assert "\x1b[2J" not in terminal.text
    with plcli_process.terminal("tools", "show", "evil") as terminal:
        assert terminal.end() == 0
    assert "\x1b[2J" not in terminal.text


def test_a_new_tool_is_sound_and_answers_by_its_stub(
    workspace: Path, said: Said, cli: Cli, snapshot: SnapshotAssertion, write: Write
) -> None:
    write("schemas/tool.schema.json", "{}")
    assert said("tools", "new", "ask_person") == snapshot
    assert Path("tools/ask_person.yaml").read_text() == snapshot
    outcome = cli("validate", "tools/ask_person.yaml")
    assert (outcome.code, outcome.err) == (0, "1 file, 0 errors, 0 warnings\n")
    script = "[[{tool_call: {name: ask_person, arguments: {query: hi}}}], [{text: done}]]"
    write("models/asks.yaml", f"kind: model\nprovider: echo\nmodel: asks\nscript: {script}\n")
    write("prompts/ask.yaml", "kind: request\nmodel: asks\nprompt: Hello\ntools: [ask_person]\n")
    assert cli("run", "ask", "--tools", "stub").code == 0


def test_a_new_tool_may_have_a_handler_and_stand_elsewhere(
    workspace: Path, cli: Cli, snapshot: SnapshotAssertion
) -> None:
    args = ("--description", 'Counts: words & "lines".', "--command", "wc -w 'a b'", "--out", "tools/text")
    told = json.loads(cli("tools", "new", "count", *args, "--format", "json").out)
    assert told == {"tools": [{"name": "count", "file": "tools/text/count.yaml", "action": "created"}], "skipped": []}
    assert Path("tools/text/count.yaml").read_text() == snapshot
    assert cli("validate", "tools/text/count.yaml").code == 0


def test_what_a_new_handler_answers_can_be_kept_as_stubs(workspace: Path, cli: Cli) -> None:
    cli("tools", "new", "count", "--command", "wc -c")
    call = ("tools", "call", "count", "--args", '{"query": "a"}')
    assert cli(*call, "--tools", "run", "--record-stubs").out == "13\n"
    assert cli(*call, "--tools", "stub").out == "13\n"


@pytest.mark.parametrize(
    "args",
    [
        ("get_weather",),
        ("calc", "--out", "tools"),
        ("../x",),
        ("get.weather",),
        ("天気",),
        ("",),
        ("x", "--command", "wc '"),
        ("x", "--command", ""),
        ("x", "--out", "plcli.toml"),
    ],
)
def test_a_new_tool_never_takes_the_place_of_anything(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]
) -> None:
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    assert said("tools", "new", *args) == snapshot
    assert {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()} == before


def test_no_file_is_written_through_a_folder_that_leads_out(tmp_path: Path, cli: Cli, monkeypatch: Any) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "tools").symlink_to(tmp_path / "outside")
    monkeypatch.chdir(tmp_path / "inside")
    outcome = cli("tools", "new", "x")
    assert outcome.code == 2
    assert "leads out of the workspace" in outcome.err
    assert list((tmp_path / "outside").iterdir()) == []
