"""What the adapters write and what the tests stream, held against the types of the installed SDK."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from plcli.providers import openai_chat, openai_images, openai_responses
from plcli.request import (
    BuiltinTool,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Message,
    Output,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.support.image_streams import image_events
from tests.support.openai_streams import chat_events, responses_events

TOOLS = (
    FunctionTool("add", "adds", {"type": "object", "properties": {"a": {"type": "integer"}}}),
    CustomTool("sql", "asks", "lark", "start: x"),
    CustomTool("any"),
    BuiltinTool({"type": "web_search", "user_location": {"type": "approximate", "city": "Oslo"}}),
)
MESSAGES = (
    Message("system", (Text("be terse"),)),
    Message("user", (Text("look"), Image("https://x/y.png", "low"))),
    Message("assistant", (Text("hm"), ToolCall("c1", "add", {"a": 1}), ToolCall("c2", "sql", "select 1"))),
    Message("tool", (ToolResult("c1", "1"), ToolResult("c2", (Text("1"),)))),
)
CHOICES = [
    ToolChoice("auto"),
    ToolChoice("required", ("add", "sql")),
    ToolChoice("required", ("add",), forced=True),
    ToolChoice("required", ("sql",), forced=True),
]


def request(api: str, choice: ToolChoice, **fields: Any) -> Request:
    given: dict[str, Any] = {
        "messages": MESSAGES,
        "tools": TOOLS,
        "tool_choice": choice,
        "parallel_tool_calls": True,
        "output": Output("o", {"type": "object"}),
        "params": {"temperature": 1, "max_output_tokens": 9, "reasoning_effort": "low", "verbosity": "low"},
    }
    return Request(provider="openai", api=api, model="m", **{**given, **fields})


@pytest.mark.parametrize("choice", CHOICES)
def test_a_responses_wire_is_of_the_sdks_type(choice: ToolChoice) -> None:
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

    file = Message("user", (Text("read"), Image("https://x/y.png", "high"), File("https://x/a.pdf")))
    made = request("responses", choice, messages=(*MESSAGES, file), image={"size": "1024x1024"})
    wire = openai_responses.compile(openai_responses.defaults(made)).wire
    TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(wire)


def test_answers_to_what_waits_for_the_client_are_of_the_sdks_type() -> None:
    from openai.types.responses import ResponseInputItemParam, ResponseOutputItem

    waiting: list[Any] = [
        {"type": "mcp_approval_request", "id": "a", "server_label": "s", "name": "f", "arguments": "{}"},
        {"type": "shell_call", "id": "s", "call_id": "b", "status": "completed",
         "action": {"commands": ["ls"], "max_output_length": 9}},
        {"type": "local_shell_call", "id": "l", "call_id": "c", "status": "completed",
         "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "apply_patch_call", "id": "p", "call_id": "d", "status": "completed",
         "operation": {"type": "delete_file", "path": "x"}},
        {"type": "computer_call", "id": "u", "call_id": "e", "status": "completed", "pending_safety_checks": [],
         "action": {"type": "screenshot"}},
    ]  # fmt: skip
    TypeAdapter(list[ResponseOutputItem]).validate_python(waiting)
    for said in ("true", "some words", '{"error":"no"}', (Text(""), Image("https://x/y.png"))):
        turn = Message("tool", tuple(ToolResult(item.get("call_id", item["id"]), said) for item in waiting))
        following = openai_responses.next_turn({}, {"output": waiting}, [turn], "echo")
        answers = following["input"][len(waiting) :]
        assert len(answers) == len(waiting)
        for item in answers:
            # The server asks for the call's id where the type of a local shell's output has another.
            named = {"id": item["call_id"]} if item["type"] == "local_shell_call_output" else {}
            TypeAdapter(ResponseInputItemParam).validate_python({**item, **named})


@pytest.mark.parametrize("choice", CHOICES)
def test_a_chat_wire_is_of_the_sdks_type(choice: ToolChoice) -> None:
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

    wire = openai_chat.compile(openai_chat.defaults(request("chat", choice))).wire
    TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(wire)


def test_the_streamed_events_of_responses_are_of_the_sdks_types() -> None:
    from openai.types.responses import ResponseStreamEvent

    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "phase": "final_answer"}
    text = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
    body = {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
            {**message, "content": [text, {"type": "refusal", "refusal": "no"}]},
            {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
            {"type": "custom_tool_call", "id": "s", "call_id": "d", "name": "sql", "input": "select"},
            {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "aGk="},
        ],
    }
    TypeAdapter(list[ResponseStreamEvent]).validate_python(responses_events(body))


def test_the_streamed_chunks_of_chat_are_of_the_sdks_type() -> None:
    from openai.types.chat import ChatCompletionChunk

    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "hi", "refusal": None, "tool_calls": [call]}
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    *chunks, end = chat_events(body)
    assert end == "[DONE]"
    TypeAdapter(list[ChatCompletionChunk]).validate_python(chunks)


def test_a_wire_for_a_picture_is_of_the_sdks_type() -> None:
    from openai.types.image_generate_params import ImageGenerateParamsNonStreaming

    image = {"size": "1536x864", "quality": "max", "n": 2, "output_format": "svg", "svg": {"model": "m"}}
    wire = openai_images.compile(
        Request("openai", "images", "m", (Message("user", (Text("a fox"),)),), image=image)
    ).wire
    TypeAdapter(ImageGenerateParamsNonStreaming).validate_python(wire)


def test_going_on_from_a_picture_drops_what_only_a_generation_takes() -> None:
    from openai.types.image_edit_params import ImageEditParamsBase
    from openai.types.image_generate_params import ImageGenerateParamsBase

    generation, edit = (set(params.__annotations__) for params in (ImageGenerateParamsBase, ImageEditParamsBase))
    body = {"data": [{"url": "https://x/y.png"}]}
    following = openai_images.next_turn(dict.fromkeys(generation, "x"), body, MESSAGES[1:2], "echo")
    assert following.keys() - edit == {"images"}
    assert following.keys() >= generation & edit


@pytest.mark.parametrize("edit", [True, False])
def test_the_streamed_events_of_pictures_are_of_the_sdks_types(edit: bool) -> None:
    from openai.types import ImageEditStreamEvent, ImageGenStreamEvent

    details = {"image_tokens": 1, "text_tokens": 2}
    usage = {"input_tokens": 3, "input_tokens_details": details, "output_tokens": 4, "total_tokens": 7}
    served = {"background": "opaque", "output_format": "png", "quality": "low", "size": "auto"}
    body = {"created": 1, **served, "data": [{"b64_json": "AA=="}], "usage": usage}
    kind: Any = ImageEditStreamEvent if edit else ImageGenStreamEvent
    TypeAdapter(list[kind]).validate_python(image_events(body, drafts=2, edit=edit))
