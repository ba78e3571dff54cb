"""Calls of OpenAI's own tools that wait for the client: read as calls, and answered by items of their own."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import Target, WireEvent
from plcli.media import MediaRef, digest_of
from plcli.providers import openai_responses as adapter
from plcli.request import FunctionTool, Image, Message, Part, Request, Text, ToolResult
from plcli.response import Event, NativePart, ToolCallPart
from tests.support.openai_streams import responses_events

SCREEN = MediaRef(digest_of(b"x"), "image/png")

APPROVAL = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "deep",
    "name": "search",
    "arguments": '{"q":"x"}',
}
SHELL = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "call_1",
    "action": {"commands": ["ls"], "timeout_ms": 100, "max_output_length": 4096},
    "environment": {"type": "local"},
    "status": "completed",
}
LOCAL_SHELL = {
    "type": "local_shell_call",
    "id": "lsh_1",
    "call_id": "call_2",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
    "status": "completed",
}
PATCH = {
    "type": "apply_patch_call",
    "id": "apc_1",
    "call_id": "call_3",
    "operation": {"type": "create_file", "path": "a.txt", "diff": "+a"},
    "status": "completed",
}
SCREENSHOT = {
    "type": "computer_call",
    "id": "cu_1",
    "call_id": "call_4",
    "action": {"type": "screenshot"},
    "pending_safety_checks": [],
    "status": "completed",
}
SEARCH = {
    "type": "tool_search_call",
    "id": "ts_1",
    "call_id": "call_5",
    "execution": "client",
    "arguments": {"queries": ["rates"]},
    "status": "completed",
}
FUNCTION = {"type": "function_call", "id": "fc_1", "call_id": "call_9", "name": "shell", "arguments": "{}"}
ITEMS: list[Any] = [APPROVAL, SHELL, LOCAL_SHELL, PATCH, SCREENSHOT, SEARCH]

CALLS = (
    ToolCallPart(
        id="mcpr_1",
        name="mcp_approval",
        arguments={"server_label": "deep", "name": "search", "arguments": {"q": "x"}},
        native="mcp_approval_request",
    ),
    ToolCallPart(id="call_1", name="shell", arguments={"action": SHELL["action"]}, native="shell_call"),
    ToolCallPart(
        id="call_2", name="local_shell", arguments={"action": LOCAL_SHELL["action"]}, native="local_shell_call"
    ),
    ToolCallPart(
        id="call_3", name="apply_patch", arguments={"operation": PATCH["operation"]}, native="apply_patch_call"
    ),
    ToolCallPart(id="call_4", name="computer", arguments={"action": {"type": "screenshot"}}, native="computer_call"),
    ToolCallPart(
        id="call_5", name="tool_search", arguments={"arguments": {"queries": ["rates"]}}, native="tool_search_call"
    ),
)


def answer(*output: Any) -> Any:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}


def stream(body: Any) -> list[WireEvent]:
    return [WireEvent(event) for event in responses_events(body, 1)]


def next_item(call: Any, *said: str | Part) -> Any:
    """The item that answers a call with words, or with parts."""
    parts = tuple(Text(each) if isinstance(each, str) else each for each in said)
    content = said[0] if len(said) == 1 and isinstance(said[0], str) else parts
    result = ToolResult(call.get("call_id", call["id"]), content, "x")
    following = adapter.next_turn({"input": []}, answer(call), [Message("tool", (result,))], "echo")
    assert following["input"][:-1] == [call]
    return following["input"][-1]


@pytest.mark.parametrize("streamed", [True, False])
def test_what_waits_for_the_client_is_a_call(streamed: bool) -> None:
    body = answer(*ITEMS)
    read = adapter.read(adapter.fold(stream(body)).body if streamed else body)
    assert (read.state, read.parts) == ("tool_calls", CALLS)


def test_a_stream_shows_what_waits_by_the_name_of_its_tool() -> None:
    hosted = {**SHELL, "call_id": "call_5", "environment": {"type": "container_reference", "container_id": "c"}}
    seen = [adapter.progress(event) for event in stream(answer(*ITEMS, hosted))]
    assert [event for event in seen if event] == [Event("tool_call", call.name) for call in CALLS]


@pytest.mark.parametrize(
    "output",
    [
        [SHELL, {"type": "shell_call_output", "id": "sho_1", "call_id": "call_1", "output": []}],
        [{**SHELL, "environment": {"type": "container_reference", "container_id": "c"}}],
        [APPROVAL, {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}],
        [{**SHELL, "call_id": None}],
        [{**SEARCH, "execution": "server"}],
        [{**APPROVAL, "id": ""}],
        [{"type": "mcp_call", "id": "mcp_1", "name": "search", "arguments": "{}", "server_label": "deep"}],
        [{"type": ["shell_call"]}],
    ],
)
def test_what_a_hosted_tool_does_itself_is_no_call(output: Any) -> None:
    read = adapter.read(answer(*output))
    assert (read.state, read.parts) == ("ok", tuple(NativePart(item=item) for item in output))


def test_arguments_that_are_no_json_are_shown_as_they_are() -> None:
    [call] = adapter.read(answer({**APPROVAL, "arguments": "{q: x"})).tool_calls
    assert call.arguments["arguments"] == "{q: x"


APPROVED = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1"}
TOLD = {"type": "shell_call_output", "call_id": "call_1", "max_output_length": 4096}
PATCHED = {"type": "apply_patch_call_output", "call_id": "call_3"}
FOUND = {"type": "tool_search_output", "call_id": "call_5", "execution": "client"}
LISTED = {"type": "local_shell_call_output", "call_id": "call_2"}
CHUNK: dict[str, Any] = {"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}


@pytest.mark.parametrize(
    ("said", "item"),
    [
        ('{"approve":true}', {**APPROVED, "approve": True}),
        ('{"approve":false,"reason":"no"}', {**APPROVED, "approve": False, "reason": "no"}),
        ("true", {**APPROVED, "approve": True}),
        ("yes, do", {**APPROVED, "approve": False, "reason": "yes, do"}),
        ('{"reason":"no"}', {**APPROVED, "approve": False, "reason": "no"}),
        ('{"error":"declined"}', {**APPROVED, "approve": False, "reason": "declined"}),
        ("", {**APPROVED, "approve": False}),
    ],
)
def test_nothing_but_a_plain_yes_approves(said: str, item: Any) -> None:
    assert next_item(APPROVAL, said) == item


@pytest.mark.parametrize(
    ("call", "said", "item"),
    [
        (SHELL, '{"output":[],"status":"completed"}', {**TOLD, "output": [], "status": "completed"}),
        (SHELL, '{"output":[],"max_output_length":5}', {**TOLD, "output": [], "max_output_length": 5}),
        (SHELL, "a", {**TOLD, "output": [CHUNK]}),
        (SHELL, '{"a":1}', {**TOLD, "output": [{**CHUNK, "stdout": '{"a":1}'}]}),
        (
            SHELL,
            '{"error":"a"}',
            {**TOLD, "output": [{"stdout": "", "stderr": "a", "outcome": {"type": "exit", "exit_code": 1}}]},
        ),
        (LOCAL_SHELL, '{"output":"a"}', {**LISTED, "output": "a"}),
        (LOCAL_SHELL, '{"a":1}', {**LISTED, "output": '{"a":1}'}),
        (PATCH, "done", {**PATCHED, "status": "completed", "output": "done"}),
        (PATCH, '{"error":"no"}', {**PATCHED, "status": "failed", "output": "no"}),
        (PATCH, '{"status":"failed"}', {**PATCHED, "status": "failed"}),
        (PATCH, '{"output":"ok"}', {**PATCHED, "status": "completed", "output": "ok"}),
        (SEARCH, '{"tools":[{"name":"f"}]}', {**FOUND, "status": "completed", "tools": [{"name": "f"}]}),
        (SEARCH, "nothing like it", {**FOUND, "status": "completed", "tools": []}),
        (SEARCH, '{"error":"no index"}', {**FOUND, "status": "incomplete", "tools": []}),
    ],
)
def test_an_object_gives_the_fields_and_words_stand_where_they_fit(call: Any, said: str, item: Any) -> None:
    assert next_item(call, said) == item


def test_a_screen_is_a_picture_an_address_or_the_fields() -> None:
    named = {"type": "computer_call_output", "call_id": "call_4"}
    shown = {"type": "computer_screenshot", "image_url": MediaRef(SCREEN.digest, "image/png", "data-url")}
    address = {"type": "computer_screenshot", "image_url": "https://x/y.png"}
    checks = [{"id": "c", "code": "malicious", "message": "m"}]
    assert next_item(SCREENSHOT, Image(SCREEN)) == {**named, "output": shown}
    assert next_item(SCREENSHOT, "https://x/y.png") == {**named, "output": address}
    given = '{"acknowledged_safety_checks":[{"id":"c","code":"malicious","message":"m"}]}'
    assert next_item(SCREENSHOT, given, Image(SCREEN)) == {
        **named,
        "output": shown,
        "acknowledged_safety_checks": checks,
    }


@pytest.mark.parametrize("call", ITEMS, ids=lambda call: call["type"])
def test_an_answer_cannot_name_another_call_or_be_of_another_type(call: Any) -> None:
    named = "approval_request_id" if call is APPROVAL else "call_id"
    item = next_item(call, f'{{"type":"message","{named}":"other","approve":true,"output":"x","status":"x"}}')
    assert (item["type"], item[named]) == (next_item(call, "x")["type"], call.get("call_id", call["id"]))


def test_a_function_of_the_same_name_is_told_apart() -> None:
    read = adapter.read(answer(SHELL, FUNCTION))
    assert [(call.name, call.native) for call in read.tool_calls] == [("shell", "shell_call"), ("shell", None)]
    results = (ToolResult("call_9", "f", "shell"), ToolResult("call_1", "a", "shell"))
    wire = {"tools": [{"type": "function", "name": "shell"}]}
    following = adapter.next_turn(wire, answer(SHELL, FUNCTION), [Message("tool", results)], "echo")
    assert following["input"][2:] == [
        {"type": "function_call_output", "call_id": "call_9", "output": "f"},
        {**TOLD, "output": [CHUNK]},
    ]


def test_the_server_keeps_what_waited_and_gets_only_the_answer() -> None:
    turn = Message("tool", (ToolResult("mcpr_1", "true", "mcp_approval"),))
    following = adapter.next_turn({"input": "hi"}, answer(APPROVAL), [turn], "server")
    assert following == {"previous_response_id": "resp_1", "input": [{**APPROVED, "approve": True}]}


def test_a_wire_with_answers_of_this_kind_comes_back() -> None:
    items = [SHELL, {**TOLD, "output": []}, APPROVAL, {**APPROVED, "approve": True}, FUNCTION]
    wire = {"model": "m", "input": [*items, {"type": "function_call_output", "call_id": "call_1", "output": "x"}]}
    request = adapter.uncompile(wire, Target(adapter.OPERATION, "m"))
    assert adapter.compile(request).wire == wire


def test_a_function_without_parameters_takes_nothing_and_is_strict() -> None:
    request = adapter.defaults(Request("openai", "responses", "m", tools=(FunctionTool("now"),)))
    nothing = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert request.tools == (FunctionTool("now", None, nothing, True),)
