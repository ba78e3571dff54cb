"""`plcli tools import` on the command line: from JSON, from a run, from Python, from an MCP server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.exchangerecords import ExchangeRecord, ToolResultRecord
from plcli.records import Record, line
from tests.support.cli import Cli, Said, Write

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

LIST = json.dumps(
    [
        {"type": "function", "function": {"name": "get_weather", "description": "Now.", "parameters": SCHEMA}},
        {
            "type": "function",
            "name": "geo.find",
            "strict": True,
            "parameters": {**SCHEMA, "additionalProperties": False},
        },
        {"type": "custom", "name": "calc", "format": {"type": "grammar", "syntax": "lark", "definition": "a\nb"}},
        {"type": "web_search", "filters": {}},
        {"functionDeclarations": [{"name": "../../up", "parameters": {"type": "OBJECT", "nullable": True}}]},
        {"name": "geo find"},
        {"name": "calc"},
    ]
)

PYTHON = '''
import os
os.remove("handlers/weather.py")  # would be noticed

def get_weather(city: str, days: int = 1) -> dict[str, float]:
    """The weather in a city.

    Args:
        city: Its name.
    """
'''


def record(**fields: Any) -> Record:
    wires = fields.pop("wires")
    exchanges = [
        ExchangeRecord(key="k", operation="o", started="s", duration_ms=1, request=wire, response={}) for wire in wires
    ]
    given = {"id": "20261123T165539123-k7m2q", "time": "2026-11-23T16:55:39.123Z", "command": "run", "plcli": "0"}
    return Record(**given, exchanges=exchanges, **fields)


def result(name: str, arguments: Any, answer: Any = None, **fields: Any) -> ToolResultRecord:
    return ToolResultRecord(exchange=0, name=name, arguments=arguments, source="run", result=answer, **fields)


def files(folder: str = "tools") -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def test_a_list_of_tools_becomes_files(said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion) -> None:
    write("list.json", LIST)
    assert said("tools", "import", "list.json", "--dry-run") == snapshot
    assert not Path("tools").exists()
    assert said("tools", "import", "list.json") == snapshot
    assert cli("validate").code == 0
    made = files()
    assert said("tools", "import", "list.json", "--format", "json") == snapshot
    assert files() == made
    assert cli("tools", "import", "-", "--out", "elsewhere", stdin=LIST.encode()).code == 0
    assert files("elsewhere") == made


def test_what_a_person_wrote_is_kept_and_its_place_is_taken_only_by_force(
    said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("list.json", LIST)
    write("tools/mine.toml", 'kind = "tool"\nname = "mine"\n')
    mine = """\
# yaml-language-server: $schema=../../schemas/tool.schema.json
# Ask Ada before changing this.
kind: tool
name: get_weather
description: Old.
strict: false
env: [TOKEN]
command: [python3, weather.py]
stubs: [{return: 5}]
"""
    write("tools/sub/get_weather.yaml", mine)
    assert said("tools", "import", "list.json") == snapshot
    assert files() == {"get_weather.yaml": mine, "mine.toml": 'kind = "tool"\nname = "mine"\n'}
    assert said("tools", "import", "list.json", "--force") == snapshot
    assert Path("tools/sub/get_weather.yaml").read_text() == snapshot
    assert cli("validate").code == 0


def test_the_format_of_a_file_stays_as_it_is(cli: Cli, write: Write, snapshot: SnapshotAssertion) -> None:
    write("one.json", json.dumps({"name": "a", "parameters": {"type": "object", "properties": {}, "required": []}}))
    write("null.json", json.dumps({"name": "a", "parameters": {"enum": [None]}}))
    write("tools/a.toml", 'kind = "tool"\nname = "a"\n')
    assert cli("tools", "import", "one.json", "--force").code == 0
    assert Path("tools/a.toml").read_text() == snapshot
    outcome = cli("tools", "import", "null.json", "--force")
    assert (outcome.code, outcome.err) == (3, snapshot)
    assert Path("tools/a.toml").read_text() == snapshot


def test_a_tool_that_no_file_may_hold_is_told_and_hides_no_other(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    wrong = {"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}, "b": {"type": "strin"}}}
    write("list.json", json.dumps([{"name": "wrong", "parameters": wrong}, {"name": "right"}]))
    assert said("tools", "import", "list.json") == snapshot
    assert said("tools", "import", "list.json", "--format", "json") == snapshot


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.json", ""),
        ("torn.json", "[{"),
        ("twice.json", '{"name": "a", "name": "b"}'),
        ("nothing.json", "[]"),
        ("deep.json", "[" * 5000 + "]" * 5000),
        ("deeper.json", '{"tools":' * 900 + "1" + "}" * 900),
        ("infinite.json", '[{"name": "a", "parameters": {"maximum": 1e999}}]'),
        ("half.json", '[{"name": "a", "description": "\\ud800"}]'),
        ("bytes.json", "\udcff"),
        ("many.json", json.dumps([{"name": f"a{n % 7}.{n}"} for n in range(20_000)])),
        ("spec.yaml", "kind: request\nprompt: x\n"),
        ("list.yaml", "- name: a\n  name: b\n"),
        ("absent.json", None),
    ],
)
def test_a_file_without_tools_is_told(cli: Cli, name: str, text: str | None) -> None:
    if text is not None:
        Path(name).write_bytes(text.encode(errors="surrogateescape"))
    outcome = cli("tools", "import", name)
    assert outcome.code in (2, 3)
    assert outcome.err.count("error: ") == 1
    assert not Path("tools").exists()


def test_foreign_words_are_harmless_where_they_are_told(cli: Cli, write: Write) -> None:
    entries = [{"name": "a\x1b[2Jb", "x\x1b[2J\ny": 1}, {"type": "\x1b[2J" + "y" * 100_000}, {"name": "\x1b"}]
    write("list.json", json.dumps(entries))
    outcome = cli("tools", "import", "list.json")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out + outcome.err
    assert len(outcome.err) < 2000
    assert list(files()) == ["a_2Jb.yaml"]


def test_the_tools_of_a_run_come_with_stubs_of_what_they_answered(
    said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion
) -> None:
    tools = [
        {"type": "function", "function": {"name": "get.weather", "parameters": SCHEMA, "strict": False}},
        {"type": "function", "function": {"name": "silent"}},
    ]
    results = [
        result("get.weather", {"city": "Paris"}, {"temperature": 21}),
        result("get.weather", {"city": "Rome"}, {"equals": [1, None]}),
        result("get.weather", {"city": "Rome"}, {"equals": [1, None]}),
        result("get.weather", {"city": "Oslo"}, error="no such city"),
        result("get.weather", {"city": "Bonn"}, {"$media": f"sha256:{'0' * 64}", "mime": "image/png", "as": "base64"}),
        result("unknown", {}, 1),
    ]
    wires = [{"model": "m", "tools": tools}, {"model": "m", "tools": [{"$same": 2}]}]
    write("runs.jsonl", line(record(wires=wires, tool_results=results)) + "\n")
    assert said("tools", "import", "last", "--dry-run") == snapshot
    assert said("tools", "import", "k7m2q") == snapshot
    assert files() == snapshot
    assert cli("validate").code == 0
    assert "kept" in cli("tools", "import", "last").out
    assert cli("tools", "import", "last", "--out", "../outside").code == 0


def test_a_run_that_cannot_be_read_or_has_no_tools_is_told(
    said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion
) -> None:
    assert said("tools", "import", "lst") == snapshot
    write("runs.jsonl", line(record(wires=[{"model": "m"}])) + "\n")
    assert said("tools", "import", "last") == snapshot
    write("runs.jsonl", line(record(wires=[{"tools": [{"$same": 5}]}])) + "\n")
    assert said("tools", "import", "last") == snapshot


def test_a_python_function_is_read_and_never_run(
    said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("handlers/weather.py", PYTHON)
    write("handlers/__init__.py", "raise SystemExit")
    assert said("tools", "import", "handlers/weather.py:get_weather", "--env", "TOKEN") == snapshot
    assert Path("tools/get_weather.yaml").read_text() == snapshot
    assert Path("handlers/weather.py").read_text() == PYTHON
    assert cli("validate").code == 0


@pytest.mark.parametrize(
    "source",
    [
        "handlers/weather.py",
        "handlers/weather.py:",
        "handlers/weather.py:get_wether",
        "handlers/wether.py:get_weather",
        "/outside.py:f",
        "my-handlers/weather.py:f",
        "handlers/torn.py:f",
        "handlers/latin.py:f",
    ],
)
def test_a_function_that_cannot_be_a_tool_is_told(
    said: Said, write: Write, snapshot: SnapshotAssertion, source: str
) -> None:
    write("handlers/weather.py", PYTHON)
    write("handlers/torn.py", "def f(")
    write("my-handlers/weather.py", "def f(): ...")
    Path("handlers/latin.py").write_bytes(b"def f(): '\xff'")
    assert said("tools", "import", source) == snapshot


@pytest.mark.parametrize(
    "args",
    [
        ("mcp",),
        ("mcp", "--env", "ABSENT", "x"),
        ("a.json", "b.json"),
        ("mcp", "no-such-program"),
        ("mcp", "x://y"),
        ("mcp", "http://127.0.0.1:9/mcp"),
    ],
)
def test_a_source_that_cannot_be_asked_is_told(said: Said, snapshot: SnapshotAssertion, args: tuple[str, ...]) -> None:
    assert said("tools", "import", *args) == snapshot


def test_offline_no_server_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLCLI_OFFLINE", "1")
    assert cli("tools", "import", "mcp", "http://127.0.0.1:9/mcp").code == 9


SERVER = """
import os
from mcp.server import MCPServer

server = MCPServer("s")

@server.tool(name="find.note", description="Finds.")
def find(words: str) -> dict[str, str]:
    return {}

@server.tool()
def told() -> str:
    "What the server was told."
    return ""

print("asked as", os.environ.get("GRANTED"), file=__import__("sys").stderr)
server.run()
"""


def test_the_tools_of_an_mcp_server_become_files_that_call_it(
    said: Said, cli: Cli, write: Write, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp")
    monkeypatch.setenv("GRANTED", "given-1")
    monkeypatch.setenv("WITHHELD", "withheld-2")
    write("server.py", SERVER)
    asked = ("tools", "import", "--env", "GRANTED", "mcp", "--", sys.executable, "server.py")
    assert said(*asked) == snapshot
    assert {name: text.replace(sys.executable, "<python>") for name, text in files().items()} == snapshot
    assert cli("validate").code == 0
    assert cli("tools", "show", "find_note").code == 0
