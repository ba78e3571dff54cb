"""`plcli tools check` on the command line: what it tells, and what `--fix` writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.cli import Cli, Process, Said, Write

FILES = {
    "plcli.toml": "",
    "tools/settled.yaml": """\
kind: tool
name: settled
description: Qualifies as it is.
parameters:
  type: object
  properties: {city: {type: string}}
  required: [city]
  additionalProperties: false
""",
    "tools/search.yaml": """\
# yaml-language-server: $schema=../schemas/tool.schema.json
kind: tool
name: search
description: Finds pages.
parameters:
  type: object
  properties:
    words: {type: string, minLength: 1}
    # how many
    limit:
      type: integer
      default: 5    # pages
    where: {$ref: "#/$defs/place", description: Where to look}
  required: [words]
  $defs:
    place:
      oneOf:
        - {type: string}
        - {type: integer}
stubs:
  - {return: []}    # nothing
""",
    "tools/pair.json": """\
{
  "kind": "tool",
  "name": "pair",
  "strict": true,
  "parameters": {
    "type": "object",
    "properties": {"p": {"type": "array", "prefixItems": [{"type": "number"}]}}
  }
}
""",
    "tools/free.toml": 'kind = "tool"\nname = "free"\ndescription = "d"\n[format]\ntype = "text"\n',
}


@pytest.fixture
def workspace(tmp_path: Path, write: Write) -> Path:
    """A workspace with four tools."""
    for name, text in FILES.items():
        write(name, text)
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "",
        "settled free",
        "tools/search.yaml",
        "search --format json",
        "pair --format github",
        "pair --quiet",
        "nope",
        "serch",
        "tools/none.yaml",
    ],
)
def test_checking_tells_what_each_api_makes_of_a_tool(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, line: str
) -> None:
    assert said("tools", "check", *line.split()) == snapshot


@pytest.mark.parametrize("line", ["", "search --format json", "pair --format github", "settled"])
def test_fixing_writes_strict_versions_and_lists_the_changes(
    workspace: Path, said: Said, snapshot: SnapshotAssertion, line: str
) -> None:
    told = said("tools", "check", "--fix", *line.split())
    changed = {name: text for name in FILES if (text := Path(name).read_text(encoding="utf-8")) != FILES[name]}
    assert "\n".join([told, *(f"=== {name}\n{text}" for name, text in changed.items())]) == snapshot


def test_fixing_twice_changes_nothing_more(workspace: Path, cli: Cli) -> None:
    assert cli("tools", "check", "search", "--fix").code == 0
    text = Path("tools/search.yaml").read_text(encoding="utf-8")
    assert cli("tools", "check", "search", "--fix").out == "as it was  tools/search.yaml\n"
    assert Path("tools/search.yaml").read_text(encoding="utf-8") == text
    assert cli("tools", "check", "search").code == 0


def test_files_that_are_wrong_are_told_beside_the_others(workspace: Path, said: Said, write: Write) -> None:
    write("tools/wrong.yaml", "kind: tool\nname: wrong\nparameters: {type: objct}\n")
    told = said("tools", "check", "settled", "wrong", "--fix")
    assert told.startswith("exit 3\n--- stdout\nas it was  tools/settled.yaml\n")
    assert "tools/wrong.yaml:3:20: error: unknown type 'objct' (at parameters.type)" in told
    outcome = json.loads(Cli()("tools", "check", "wrong", "settled", "--format", "json").out)
    assert [one["path"] for one in outcome] == ["tools/settled.yaml", "tools/wrong.yaml"]


def test_the_files_of_a_folder_may_be_named_by_the_shell(workspace: Path, cli: Cli, write: Write) -> None:
    write("tools/settled.stubs.yaml", "kind: stubs\nstubs: [{return: 1}]\n")
    assert (
        cli("tools", "check", "tools/settled.yaml", "tools/settled.stubs.yaml", "settled").out.count("settled\tchat")
        == 1
    )


def test_nothing_outside_the_workspace_is_written(workspace: Path, cli: Cli, write: Write) -> None:
    write("inner/plcli.toml", "")
    outcome = cli("tools", "check", "tools/search.yaml", "--fix", "--workspace", "inner")
    assert outcome.code == 2
    assert "is not in the workspace" in outcome.err
    assert Path("tools/search.yaml").read_text(encoding="utf-8") == FILES["tools/search.yaml"]


def test_a_link_stays_a_link(workspace: Path, cli: Cli) -> None:
    os.rename("tools/search.yaml", "search.yaml")
    os.symlink("../search.yaml", "tools/search.yaml")
    cli("tools", "check", "search", "--fix")
    assert os.path.islink("tools/search.yaml")


def test_a_workspace_without_tools_says_where_they_would_be(cli: Cli) -> None:
    assert cli("tools", "check").err == "no tools: tool specs are files in tools/\n"


def test_words_of_a_file_cannot_drive_the_terminal(workspace: Path, write: Write, plcli_process: Process) -> None:
    name = r"\u001b[2Jx"
    schema = f'{{"type": "object", "properties": {{"{name}": {{"type": "string", "{name}": 1}}}}}}'
    write("tools/evil.json", f'{{"kind": "tool", "name": "evil", "description": "d", "parameters": {schema}}}')
    for option in ((), ("--fix",)):
        with plcli_process.terminal("tools", "check", "evil", *option) as terminal:
            terminal.end()
        assert "\x1b[2J" not in terminal.text


@pytest.mark.parametrize("columns", [24, 80])
def test_each_row_names_its_api_in_the_narrowest_window(workspace: Path, plcli_process: Process, columns: int) -> None:
    with plcli_process.terminal("tools", "check", "settled", columns=columns) as terminal:
        assert terminal.end() == 0
    rows = [row.split() for row in terminal.plain.splitlines()[1:4]]
    assert [row[1][:4] for row in rows] == ["resp", "chat", "gene"]
    assert all(row[2].startswith("y") for row in rows)
