"""No handler runs without permission, whatever calls, specs and logs say; and stubs always answer alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.answering import Answering
from plcli.environment import user_side
from plcli.errors import PlcliError
from plcli.ingredients import offered_tool
from plcli.policies import Asked, Policies, ToolTerms
from plcli.response import ToolCallPart
from plcli.toolanswers import Policy
from plcli.toolbox import load_tool
from plcli.workspace import Workspace, find
from tests.support.cli import Cli

HANDLERS = {
    "by_command": "command: [sh, -c, 'touch ran']",
    "by_script": "command: [./script.sh]",
    "by_python": 'python: "module:function"',
    "by_server": "mcp: {command: [sh, -c, 'touch ran'], tool: x}",
}

names = st.one_of(
    st.sampled_from(
        [*HANDLERS, "none", "shell", "mcp_approval", "../tools/by_command", "by_command\x00", "BY_COMMAND"]
    ),
    st.text(max_size=20),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["; touch ran", "$(touch ran)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
calls = st.builds(
    ToolCallPart,
    id=st.none() | st.text(max_size=10),
    name=names,
    arguments=values,
    native=st.none() | st.sampled_from(["shell_call", "mcp_approval_request"]),
)
harmless: st.SearchStrategy[Policy] = st.sampled_from(["stop", "stub", "history"])
policies = st.builds(
    Policies,
    st.none() | harmless,
    # What holds for one tool, or for a name that is like its name, holds for no other.
    st.dictionaries(names, harmless, max_size=3)
    | st.dictionaries(st.sampled_from(["none", "by", "by_command ", "By_command"]), st.just("run"), max_size=2),
)
digests = st.sets(st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}"), max_size=3)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    Path("plcli.toml").touch()
    Path("tools").mkdir()
    for name, handler in HANDLERS.items():
        stub = "stubs: [{when: {word: sun}, return: a star}]"
        Path(f"tools/{name}.yaml").write_text(f"kind: tool\nname: {name}\nparameters: {{}}\n{handler}\n{stub}\n")
    Path("script.sh").write_text("#!/bin/sh\ntouch ran\n")
    Path("script.sh").chmod(0o755)
    Path("module.py").write_text("open('ran', 'w')\ndef function(**given): open('ran', 'w')\n")
    yield find(tmp_path)
    assert not Path("ran").exists()


@given(call=calls, policies=policies, trusted=digests, strict=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_nothing_runs_that_was_not_allowed(
    home: Workspace, call: ToolCallPart, policies: Policies, trusted: set[str], strict: bool
) -> None:
    tools = {name: load_tool(home, name) for name in HANDLERS}
    user = user_side({"PATH": "/usr/bin:/bin"}, config=Path("nothing.toml"))
    terms = ToolTerms(policies, strict=strict, record_stubs=True, ask=lambda call, tool, fault: Asked("stop"))
    offered = {name: offered_tool(tool.spec) for name, tool in tools.items()}
    user = type(user)(user.variables, user.config, trusted_tools=frozenset(trusted))
    answering = Answering(home, user, terms, tools, lambda: offered)
    with suppress(PlcliError):
        answer = answering.answer(call, 5)
        assert answer is None or answer.source != "run" or answer.wrong
    answering.close()
    assert not Path("ran").exists()


@given(name=names, arguments=values, other=st.sampled_from(["stop", "stub", "history"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
def test_a_log_that_somebody_wrote_runs_nothing(
    home: Workspace, cli: Cli, name: str, arguments: Any, other: str
) -> None:
    asked = {
        "model": "m", "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "name": name, "parameters": {}}, {"type": "function", "name": "by_command"}],
    }  # fmt: skip
    said = [
        {"type": "tool_call", "id": f"call_{n}", "name": called, "arguments": arguments}
        for n, called in enumerate((name, "by_command", "by_python"))
    ]
    exchange = {
        "key": "k", "operation": "echo", "request": asked, "started": "x", "duration_ms": 1, "attempts": [],
        "response": {"model": "m", "parts": said, "finish": "tool_calls"},
    }  # fmt: skip
    results = [{"exchange": 0, "call_id": "call_0", "name": name, "source": "run", "result": "x"}]
    record = {
        "v": 1, "id": "20260101T000000000-aaaaa", "time": "x", "command": "run", "plcli": "0", "provider": "echo",
        "api": "echo", "model": "m", "exchanges": [exchange], "tool_results": results,
        "sources": [{"path": "tools/by_command.yaml", "sha256": "x"}], "metadata": {"tools": "run"},
    }  # fmt: skip
    Path("runs.jsonl").write_text(json.dumps(record) + "\n")
    outcome = cli("run", "--continue", "last", "--tools", other, "--record-stubs", "--no-log")
    assert outcome.code in (0, 2, 3, 7, 9), outcome.err
    assert not Path("ran").exists()


@given(arguments=st.dictionaries(st.sampled_from(["word", "x"]), values, max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_stubs_answer_alike_whenever_they_are_asked(home: Workspace, arguments: dict[str, Any]) -> None:
    tool = load_tool(home, "by_command")
    user = user_side({}, config=Path("nothing.toml"))
    call = ToolCallPart(name="by_command", arguments=arguments)

    def answer() -> object:
        offered = {"by_command": offered_tool(tool.spec)}
        one = Answering(home, user, ToolTerms(Policies("stub")), {"by_command": tool}, lambda: offered)
        try:
            return one.answer(call, 5)
        except PlcliError as error:
            return error.message, error.hint

    assert answer() == answer()
