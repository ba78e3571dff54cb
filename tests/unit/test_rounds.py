"""Rounds: what several exchanges come to together, and which calls are left."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from plcli import prices
from plcli.answering import Answering
from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.engine import Turn
from plcli.environment import UserSide
from plcli.exchange import Exchange, Target
from plcli.ingredients import offered_tool
from plcli.policies import Asked, Policies, ToolTerms
from plcli.providers.registry import PROVIDERS, adapter
from plcli.records import Cost
from plcli.request import FunctionTool
from plcli.response import Response, TextPart, ToolCallPart, Usage
from plcli.rounds import BEFORE, Answered, Rounds, Watching, converse, total
from plcli.toolanswers import ToolAnswer
from plcli.toolbox import Tool, read_tool
from plcli.workspace import find


def turn(*calls: ToolCallPart, usage: Usage | None = None, text: str = "") -> Turn:
    parts = [*([TextPart(text=text)] if text else []), *calls]
    response = Response(state="tool_calls" if calls else "ok", parts=tuple(parts), usage=usage)
    return Turn(Exchange("k", Target("echo", "m"), {}, {}, False, (), "t", 7), response, {})


def call(name: str, identity: str | None = None) -> ToolCallPart:
    return ToolCallPart(id=identity, name=name, arguments={})


@pytest.mark.parametrize(
    ("usages", "sums"),
    [
        ([], None),
        ([None, None], None),
        ([None, {"input_tokens": 3}], {"input_tokens": 3}),
        ([{"input_tokens": 3, "output_tokens": 1}, {"input_tokens": 4}], {"input_tokens": 7, "output_tokens": 1}),
        (
            [{"tools": {"search": {"requests": 1}}}, None, {"tools": {"search": {"requests": 2}, "x": 1}}],
            {"tools": {"search": {"requests": 3}, "x": 1}},
        ),
        ([{"tools": {"x": "a", "y": True}}, {"tools": {"x": "b", "y": 1}}], {"tools": {"x": "a", "y": True}}),
    ],
    ids=str,
)  # fmt: skip
def test_tokens_of_all_exchanges_are_added(usages: list[Any], sums: dict[str, Any] | None) -> None:
    found = total([usage and Usage(**usage) for usage in usages])
    assert (found and found.model_dump(exclude_none=True)) == sums


@pytest.mark.parametrize(
    ("costs", "amount", "complete"),
    [([], None, None), ([None], None, None), ([0.1, 0.2], 0.3, True), ([0.1, None], 0.1, False)],
)
def test_costs_of_all_exchanges_are_added(costs: list[float | None], amount: float | None, complete: bool) -> None:
    found = prices.together(cost and Cost(amount=cost, source="user", complete=True) for cost in costs)
    assert (found and pytest.approx(found.amount)) == amount
    assert (found and found.complete) == complete


def test_a_cost_that_is_not_complete_leaves_the_sum_so() -> None:
    costs = [Cost(amount=1, source="user", complete=complete) for complete in (False, True)]
    assert prices.together(costs) == Cost(amount=2, source="user", complete=False)


@pytest.mark.parametrize(
    ("calls", "answered", "left"),
    [
        ([call("a", "1"), call("b", "2")], [], ["a", "b"]),
        ([call("a", "1"), call("b", "2")], [call("a", "1")], ["b"]),
        ([call("a"), call("b"), call("a")], [call("a"), call("a")], ["b"]),
        ([call("a", "1"), call("a", "1")], [call("a", "1")], ["a"]),
        ([call("a", "1")], [call("a", "1")], []),
    ],
)
def test_the_calls_that_wait_are_those_of_the_last_answer_without_one(
    calls: list[ToolCallPart], answered: list[ToolCallPart], left: list[str]
) -> None:
    given = [Answered(exchange, each, ToolAnswer("stub")) for each in answered for exchange in (BEFORE, 1)]
    rounds = Rounds((turn(call("a", "1")), turn(*calls)), (Answered(0, call("b", "2"), ToolAnswer("stub")), *given))
    assert [each.name for each in rounds.waiting] == left


STEP = {"tool_call": {"name": "t", "arguments": {}}}


def conversed(answering: Answering, *script: list[Any], deadline: float = 60.0) -> Rounds:
    """What a run comes to that has so many seconds, with a model that answers from a script."""
    return converse(
        Connection(PROVIDERS["echo"], "echo", adapter(PROVIDERS["echo"], "echo"), 60.0, deadline, 0),
        Target("echo", "m"),
        {"messages": [{"role": "user", "content": "Hi"}], "script": list(script)},
        chain="echo",
        stream=False,
        read_media=lambda digest: b"",
        watching=Watching(lambda event: None, lambda failure, seconds: None),
        answering=answering,
    )


@pytest.mark.parametrize(("command", "kept"), [(["echo", "3"], ["3"]), (["false"], [])], ids=["answers", "fails"])
def test_what_a_handler_has_done_is_kept_where_the_batch_ends_at_that_moment(
    tmp_path: Path, command: list[str], kept: list[str]
) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"kind": "tool", "name": "t", "command": command}))
    workspace, cancel = find(tmp_path), Cancel()
    user = UserSide({"PATH": "/usr/bin:/bin"}, config=tmp_path / "config.toml")
    tool = read_tool(workspace, file)

    class Ending(Answering):
        """Answers, and by then the batch has ended."""

        def answer(self, *given: Any) -> ToolAnswer | None:
            answer = super().answer(*given)
            cancel.ask()
            return answer

    told = {"t": offered_tool(tool.spec)}
    answering = Ending(workspace, user, ToolTerms(Policies("run")), {"t": tool}, lambda: told, cancel=cancel)
    rounds = conversed(answering, [STEP, STEP])
    assert [str(each.answer.result) for each in rounds.answered] == kept
    assert rounds.failure is not None
    assert (rounds.failure.kind, len(rounds.waiting)) == ("interrupted", 2 - len(kept))


def test_while_a_person_thinks_the_deadline_of_the_run_waits(tmp_path: Path) -> None:
    def think(call: ToolCallPart, tool: Tool | None, fault: str | None) -> Asked:
        time.sleep(0.7)
        return Asked(None, "an answer")

    file = tmp_path / "slow.json"
    file.write_text(json.dumps({"kind": "tool", "name": "slow", "stubs": [{"return": 1, "delay_ms": 1}]}))
    workspace, told = find(tmp_path), {"t": FunctionTool("t"), "slow": FunctionTool("slow")}
    terms = ToolTerms(Policies("stub", {"t": "ask"}), ask=think)
    tools = {"slow": read_tool(workspace, file)}
    answering = Answering(workspace, UserSide({}, config=tmp_path), terms, tools, lambda: told)
    slow = {"tool_call": {"name": "slow", "arguments": {}}}
    rounds = conversed(answering, [STEP, slow], [{"text": "Done."}], deadline=0.6)
    assert [each.answer.result for each in rounds.answered] == ["an answer", 1]


def test_rounds_come_to_their_last_answer_and_to_all_calls() -> None:
    rounds = Rounds((turn(call("a"), text="Let me see."), turn(text="Done.")))
    assert rounds.response.text == "Done."
    assert [each.name for each in rounds.calls] == ["a"]
    assert rounds.duration_ms == 14
    assert rounds.waiting == ()
