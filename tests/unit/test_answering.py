"""Answering calls: what is checked before a handler runs, and what of its answer is taken."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plcli.answering import Answering
from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.ingredients import offered_tool
from plcli.policies import Policies, ToolTerms
from plcli.request import CustomTool, FunctionTool
from plcli.response import ToolCallPart
from plcli.toolanswers import ToolAnswer
from plcli.toolbox import read_tool
from plcli.workspace import find

ROGUE = [sys.executable, "-I", "-S", str(Path(__file__).parents[1] / "support" / "mcp_rogue.py")]
ALL_RUN = ToolTerms(Policies("run"))


def answered(
    folder: Path,
    arguments: Any,
    offered: FunctionTool | CustomTool | None = None,
    *,
    left: float = 60,
    terms: ToolTerms = ALL_RUN,
    cancel: Cancel | None = None,
    **fields: Any,
) -> ToolAnswer:
    """What a call of a tool with a handler comes to, in a run that has so many seconds left."""
    (folder / "plcli.toml").touch()
    file = folder / "t.json"
    file.write_text(json.dumps({"kind": "tool", "name": "t", **fields}))
    workspace, user = find(folder), UserSide({"PATH": "/usr/bin:/bin"}, config=folder / "config.toml")
    tool = read_tool(workspace, file)
    told = {"t": offered or offered_tool(tool.spec)}
    answering = Answering(workspace, user, terms, {"t": tool}, lambda: told, cancel=cancel or Cancel())
    try:
        answer = answering.answer(ToolCallPart(name="t", arguments=arguments), left)
    finally:
        answering.close()
    assert answer is not None
    return answer


@pytest.mark.parametrize("offered", [None, FunctionTool("t", None, {}), FunctionTool("t"), CustomTool("t")])
def test_a_handler_gets_what_its_file_lets_it_take_whatever_the_model_was_told(
    tmp_path: Path, offered: FunctionTool | CustomTool | None
) -> None:
    few = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}}
    answer = answered(tmp_path, {"n": 6}, offered, parameters=few, command=["touch", "ran"])
    assert answer.wrong
    assert answer.error is not None
    assert "6 is greater than the maximum of 5" in answer.error
    assert not (tmp_path / "ran").exists()


def test_a_free_form_tool_gets_the_text_of_its_format_where_an_api_wraps_it(tmp_path: Path) -> None:
    wrapped = FunctionTool("t", None, {"type": "object", "properties": {"input": {"type": "string"}}})
    digits = {"type": "regex", "definition": "[0-9]+"}
    assert answered(tmp_path, {"input": "12"}, wrapped, format=digits, command=["cat"]).result == "12"
    assert answered(tmp_path, {"input": "12; rm"}, wrapped, format=digits, command=["cat"]).wrong


def test_a_server_names_no_files_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("private")
    answer = answered(tmp_path, {}, parameters={}, mcp={"command": ROGUE, "tool": "path"})
    assert (answer.error, answer.media) == ("content[0]: a server of MCP cannot name files of the workspace", {})


@pytest.mark.parametrize(("left", "seconds"), [(0.1, 30), (60, 0.1)])
def test_a_call_takes_no_longer_than_it_may_and_than_the_run_has_left(
    tmp_path: Path, left: float, seconds: float
) -> None:
    terms = replace(ALL_RUN, seconds=seconds)
    answer = answered(tmp_path, {}, left=left, terms=terms, parameters={}, command=["sleep", "20"])
    assert answer.error == "it took longer than 0.1 s, and was ended"


def test_a_slow_stub_ends_with_the_batch(tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.ask()
    began = time.monotonic()
    terms = ToolTerms(Policies("stub"))
    answered(tmp_path, {}, terms=terms, cancel=cancel, parameters={}, stubs=[{"return": 1, "delay_ms": 20_000}])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("argument", "said", "kept"), [("a", "b", True), ("secret", "b", False), ("a", "secret", False)]
)
def test_a_secret_becomes_no_stub_wherever_it_stands(tmp_path: Path, argument: str, said: str, kept: bool) -> None:
    def protect(value: Any) -> Any:
        return json.loads(json.dumps(value).replace("secret", "[redacted]"))

    terms = replace(ALL_RUN, record_stubs=True, protect=protect)
    assert answered(tmp_path, {"a": argument}, terms=terms, parameters={}, command=["echo", said]).result == said
    assert (tmp_path / "t.stubs.yaml").exists() == kept
