"""The turn after calls of tools, on every api: nothing is forced any more, and odd calls get their answers too."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import WireEvent
from plcli.media import MediaRef, digest_of
from plcli.providers.registry import Adapter, adapter, provider
from plcli.request import (
    Audio,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Message,
    Part,
    Request,
    Text,
    ToolChoice,
    ToolResult,
)
from tests.support.gemini_streams import gemini_events
from tests.support.openai_streams import chat_events, responses_events

PROVIDER = {"responses": "openai", "chat": "openai", "generate_content": "gemini", "echo": "echo"}
APIS = list(PROVIDER)
PICTURE = MediaRef(digest_of(b"x"), "image/png")
ASKED = Message("user", (Text("hi"),))
ANSWERED = Message("tool", (ToolResult("c1", "3", "f"),))
TOOLS = (FunctionTool("f"), FunctionTool("g"), CustomTool("sql"))


def of(api: str) -> Adapter:
    return adapter(provider(PROVIDER[api]), api)


def body(api: str, *calls: tuple[str | None, str, str]) -> Any:
    """An answer with these calls: their ids, names, and arguments as text."""
    if api == "chat":
        made = [
            {**_known("id", named), "type": "function", "function": {"name": name, "arguments": text}}
            for named, name, text in calls
        ]
        message = {"role": "assistant", "content": None, "tool_calls": made}
        return {
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        }
    if api == "responses":
        output = [
            {"type": "function_call", "id": f"fc_{at}", **_known("call_id", named), "name": name, "arguments": text}
            for at, (named, name, text) in enumerate(calls)
        ]
        return {"id": "resp_1", "object": "response", "status": "completed", "output": output}
    parts = [
        {"functionCall": {**_known("id", named), "name": name, "args": {"text": text}}} for named, name, text in calls
    ]
    return {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}]}


def _known(key: str, named: str | None) -> dict[str, str]:
    return {} if named is None else {key: named}


# A choice that forces calls

REQUIRED = ToolChoice("required")
FORCED = ToolChoice("required", ("f",), forced=True)
FORCED_FREE = ToolChoice("required", ("sql",), forced=True)
SUBSET = ToolChoice("required", ("f", "g"))


def test_forced_choices_of_openai_are_free_after_a_result() -> None:
    flat = [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]
    nested = [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}}]
    for choice, responses, chat in (
        (REQUIRED, "auto", "auto"),
        (FORCED, "auto", "auto"),
        (FORCED_FREE, "auto", "auto"),
        (
            SUBSET,
            {"type": "allowed_tools", "mode": "auto", "tools": flat},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": nested}},
        ),
    ):
        assert following("responses", choice)["tool_choice"] == responses
        assert following("chat", choice)["tool_choice"] == chat


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (REQUIRED, {"mode": "AUTO"}),
        (FORCED, {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        (SUBSET, {"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_forced_choices_of_gemini_are_free_after_a_result(choice: ToolChoice, config: Any) -> None:
    kept = {"toolConfig": {"retrievalConfig": {"languageCode": "de"}}}
    after = following("generate_content", choice, body=kept)
    assert after["toolConfig"] == {"functionCallingConfig": config, **kept["toolConfig"]}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (REQUIRED, "auto"),
        (FORCED, {"mode": "auto", "tools": ["f"]}),
        (SUBSET, {"mode": "auto", "tools": ["f", "g"]}),
    ],
)
def test_forced_choices_of_echo_are_free_after_a_result(choice: ToolChoice, written: Any) -> None:
    assert following("echo", choice)["tool_choice"] == written


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("choice", [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("auto", ("f", "g"))])
def test_a_choice_that_forces_nothing_stays(api: str, choice: ToolChoice | None) -> None:
    wire = asking(api, choice)
    after = of(api).next_turn(wire, body(api), [ANSWERED], "echo")
    assert _choice(after) == _choice(wire)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("choice", [REQUIRED, FORCED, SUBSET])
def test_words_of_the_user_leave_a_forced_choice_in_force(api: str, choice: ToolChoice) -> None:
    wire = asking(api, choice)
    after = of(api).next_turn(wire, body(api), [ASKED], "echo")
    assert _choice(after) == _choice(wire)


def test_a_choice_that_only_openai_understands_is_free_too() -> None:
    for forced in ({"type": "mcp", "server_label": "x"}, {"type": "shell"}, "any"):
        after = of("responses").next_turn({"tool_choice": forced}, body("responses"), [ANSWERED], "echo")
        assert after["tool_choice"] == "auto"


def test_a_conversation_that_the_server_keeps_forces_nothing_either() -> None:
    after = of("responses").next_turn(asking("responses", REQUIRED), body("responses"), [ANSWERED], "server")
    assert after["tool_choice"] == "auto"
    assert after["previous_response_id"] == "resp_1"


def asking(api: str, choice: ToolChoice | None, **fields: Any) -> Any:
    request = Request(PROVIDER[api], api, "m", (ASKED,), TOOLS, choice, **fields)
    return of(api).compile(request).wire


def following(api: str, choice: ToolChoice, **fields: Any) -> Any:
    return of(api).next_turn(asking(api, choice, **fields), body(api), [ANSWERED], "echo")


def _choice(wire: Any) -> Any:
    return wire.get("tool_choice"), wire.get("toolConfig")


# What the results of tools may be


@pytest.mark.parametrize(
    ("part", "refusing"),
    [
        (Text("a"), {}),
        (Image(PICTURE), {"chat": "only text"}),
        (Image("https://x/y.png"), {"chat": "only text", "generate_content": "by URL"}),
        (File(PICTURE, "a.pdf"), {"chat": "only text"}),
        (File("https://x/y.pdf"), {"chat": "only text", "generate_content": "by URL"}),
        (Audio(PICTURE, "wav"), {"chat": "only text", "responses": "no sound"}),
    ],
)
@pytest.mark.parametrize("api", APIS)
def test_an_api_says_which_parts_a_result_cannot_hold(api: str, part: Part, refusing: dict[str, str]) -> None:
    reason = of(api).cannot_return(part)
    assert (reason is None) is (api not in refusing)
    assert refusing.get(api, "") in (reason or "")
    result = Message("tool", (ToolResult("c1", (Text("it"), part), "f"),))
    losses = of(api).compile(Request(PROVIDER[api], api, "m", (result,))).losses
    assert [loss.message for loss in losses] == ([reason] if reason else [])


def test_a_picture_goes_back_where_an_api_takes_it() -> None:
    seen = Message("tool", (ToolResult("c1", (Text("look"), Image(PICTURE)), "f"),))
    url = MediaRef(PICTURE.digest, "image/png", "data-url")
    content = [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": url}]
    called = body("responses", ("c1", "f", "{}"))
    after = of("responses").next_turn({}, called, [seen], "echo")
    assert after["input"][-1] == {"type": "function_call_output", "call_id": "c1", "output": content}
    after = of("generate_content").next_turn({}, body("generate_content", ("c1", "f", "{}")), [seen], "echo")
    assert after["contents"][-1]["parts"] == [
        {
            "functionResponse": {
                "id": "c1",
                "name": "f",
                "response": {"output": "look"},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}],
            }
        }
    ]


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ('{"error":"no such city"}', {"error": "no such city"}),
        ('{"error":{"code":5}}', {"error": {"code": 5}}),
        ('{"error":"x","more":1}', {"output": {"error": "x", "more": 1}}),
        ('{"error": "not compact"}', {"output": '{"error": "not compact"}'}),
        ("error", {"output": "error"}),
    ],
)
def test_a_tool_that_failed_says_so_where_gemini_has_a_word_for_it(content: str, response: Any) -> None:
    gemini = of("generate_content")
    turn = Message("tool", (ToolResult("c1", content, "f"),))
    made = gemini.compile(Request("gemini", "generate_content", "m", (turn,)))
    assert made.wire["contents"][0]["parts"] == [{"functionResponse": {"id": "c1", "name": "f", "response": response}}]
    assert gemini.uncompile(made.wire, made.target).messages == (turn,)


# Odd calls

ODD: dict[str, list[tuple[str | None, str, str]]] = {
    "no id": [(None, "f", "{}"), (None, "g", "{}")],
    "repeated ids": [("c1", "f", '{"a":1}'), ("c1", "f", '{"a":2}')],
    "a repeated name": [("c1", "f", '{"a":1}'), ("c2", "f", '{"a":1}')],
    "an unknown name": [("c1", "nobody's", "{}"), ("c2", "", "{}")],
    "arguments that are no JSON": [("c1", "f", "{city: Oslo"), ("c2", "f", "")],
    "arguments that are no object": [("c1", "f", "[1]"), ("c2", "f", "null")],
    "letters that were cut in two": [("c1", "f", '{"a":"🦊"}'), ("c2", "f", '{"å":"\\ud83e"}')],
}


@pytest.mark.parametrize("calls", ODD.values(), ids=ODD)
@pytest.mark.parametrize("api", ["responses", "chat", "generate_content"])
def test_odd_calls_are_read_and_answered_in_order(api: str, calls: Any) -> None:
    answer = body(api, *calls)
    read = of(api).read(answer)
    assert read.state == "tool_calls"
    assert [(call.id, call.name) for call in read.tool_calls] == [(named, name) for named, name, _ in calls]
    turn = Message("tool", tuple(ToolResult(call.id, str(at), call.name) for at, call in enumerate(read.tool_calls)))
    after = of(api).next_turn({}, answer, [turn], "echo")
    assert results_of(api, after) == [(named, str(at)) for at, (named, _, _) in enumerate(calls)]


def results_of(api: str, wire: Any) -> list[Any]:
    """The ids and words of the results at the end of a wire."""
    if api == "responses":
        outputs = [item for item in wire["input"] if item["type"] == "function_call_output"]
        return [(item.get("call_id"), item["output"]) for item in outputs]
    if api == "chat":
        return [(item.get("tool_call_id"), item["content"]) for item in wire["messages"] if item["role"] == "tool"]
    told = [part["functionResponse"] for part in wire["contents"][-1]["parts"]]
    return [(item.get("id"), item["response"]["output"]) for item in told]


@pytest.mark.parametrize("calls", ODD.values(), ids=ODD)
@pytest.mark.parametrize("api", ["responses", "chat", "generate_content"])
def test_odd_calls_that_come_letter_by_letter_are_the_same(api: str, calls: Any) -> None:
    answer = body(api, *calls)
    streams: dict[str, Any] = {
        "responses": responses_events, "chat": chat_events, "generate_content": gemini_events
    }  # fmt: skip
    events = streams[api](answer, 1)
    folded = of(api).fold([WireEvent(event) for event in events])
    assert folded.complete
    assert of(api).read(folded.body).parts == of(api).read(answer).parts


def test_an_id_that_two_kinds_of_calls_share_is_answered_as_the_last_one() -> None:
    free = {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "select 1"}
    rows = {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"}
    old = {"input": [free, rows], "tools": [{"type": "custom", "name": "sql"}]}
    after = of("responses").next_turn(old, body("responses", ("c1", "f", "{}")), [ANSWERED], "echo")
    assert after["input"][-1]["type"] == "function_call_output"
