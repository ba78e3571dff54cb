"""Moving a request to another api: what becomes neutral, what is lost, and under which path that is told."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.media import MediaRef
from plcli.moving import move
from plcli.paths import find
from plcli.providers.registry import adapter, provider
from plcli.request import (
    Audio,
    BuiltinTool,
    CustomTool,
    FunctionTool,
    Image,
    Message,
    Native,
    Output,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)

RESPONSES, CHAT, GEMINI, ECHO = (
    ("openai", "responses"),
    ("openai", "chat"),
    ("gemini", "generate_content"),
    ("echo", "echo"),
)
PICTURE = MediaRef("sha256:" + "0" * 64, "image/png")


def moved(old: tuple[str, str], new: tuple[str, str], **fields: Any) -> tuple[Request, dict[str, str]]:
    """The request in its new api, and the kinds of its losses under their paths."""
    to = provider(new[0])
    made = move(Request(*old, "old", **fields), to, new[1], "new")
    lost = made.report(adapter(to, new[1]).compile(made.request).losses)
    return made.request, {loss.path: loss.kind for loss in lost}


def items(*native: dict[str, Any], role: Any = "assistant") -> tuple[Message, ...]:
    return (Message(role, tuple(map(Native, native))),)


def test_a_header_moves_as_it_is() -> None:
    fields: dict[str, Any] = {
        "messages": (Message("system", (Text("s"),)), Message("user", (Text("u"), Image(PICTURE)))),
        "tools": (FunctionTool("f", "d", {"type": "object"}),),
        "tool_choice": ToolChoice("required", ("f",), forced=True),
        "output": Output("answer", {"type": "object"}),
        "params": {"temperature": 0.5, "max_output_tokens": 9},
    }
    for old in (RESPONSES, CHAT, GEMINI, ECHO):
        for new in (RESPONSES, CHAT, GEMINI, ECHO):
            assert moved(old, new, **fields) == (Request(*new, "new", **fields), {})


@pytest.mark.parametrize(
    ("old", "body", "said"),
    [
        (RESPONSES, {"temperature": 1, "reasoning": {"effort": "low"}}, {"temperature": 1, "reasoning_effort": "low"}),
        (RESPONSES, {"text": {"verbosity": "low"}}, {"verbosity": "low"}),
        (CHAT, {"max_completion_tokens": 3, "seed": 1}, {"max_output_tokens": 3, "seed": 1}),
        (GEMINI, {"generationConfig": {"topK": 2, "stopSequences": ["x"]}}, {"top_k": 2, "stop": ["x"]}),
        (CHAT, {"max_tokens": 3, "stream": True}, {"max_output_tokens": 3}),
        (GEMINI, {"generation_config": {"top_k": 2, "response_modalities": ["TEXT"]}}, {"top_k": 2}),
    ],
)
def test_what_has_a_neutral_name_comes_out_of_the_body(old: Any, body: Any, said: Any) -> None:
    request, losses = moved(old, ECHO, messages=(Message("user", (Text("u"),)),), body=body)
    assert (request.params, request.body, losses) == (said, {}, {})


@pytest.mark.parametrize(
    ("old", "body"),
    [
        (RESPONSES, {"instructions": "s", "input": "u"}),
        (GEMINI, {"system_instruction": {"role": "user", "parts": {"text": "s"}},
                  "contents": [{"role": "user", "parts": [{"text": "u"}]}]}),
    ],
)  # fmt: skip
def test_what_others_spell_otherwise_moves_too(old: Any, body: Any) -> None:
    request, losses = moved(old, ECHO, body=body)
    assert request.messages == (Message("system", (Text("s"),)), Message("user", (Text("u"),)))
    assert losses == {}


@pytest.mark.parametrize(
    ("old", "body"),
    [(RESPONSES, {"instructions": "s"}), (GEMINI, {"systemInstruction": {"role": "user", "parts": [{"text": "s"}]}})],
)
def test_turns_behind_an_instruction_of_the_body_keep_their_places(old: Any, body: Any) -> None:
    messages = (Message("user", (Text("u"),)), Message("assistant", (Text("a"), Native({"type": "odd", "x": 1}))))
    request, losses = moved(old, CHAT, messages=messages, body=body)
    assert [message.role for message in request.messages] == ["system", "user", "assistant"]
    assert losses == {"messages[1].content[1]": "dropped"}


@pytest.mark.parametrize("new", [RESPONSES, CHAT, ECHO])
def test_functions_whose_schemas_are_in_the_words_of_openapi_move(new: Any) -> None:
    stated = {"name": "f", "description": "d", "parameters": {"type": "OBJECT", "properties": {}}}
    tool = BuiltinTool({"functionDeclarations": [stated, {"name": "g"}]})
    request, losses = moved(GEMINI, new, tools=(tool,), tool_choice=ToolChoice("required", ("f",), forced=True))
    assert request.tools == (FunctionTool("f", "d", {"type": "object", "properties": {}}), FunctionTool("g"))
    assert request.tool_choice == ToolChoice("required", ("f",), forced=True)
    assert losses == {}


def test_a_function_with_empty_fields_moves_and_one_with_fields_of_the_api_alone_does_not() -> None:
    stated = {"type": "function", "name": "f", "description": None, "parameters": {"type": "object"}, "strict": True}
    moves, stays = BuiltinTool(stated), BuiltinTool({**stated, "name": "g", "defer_loading": True})
    request, losses = moved(RESPONSES, GEMINI, tools=(moves, stays))
    assert request.tools == (FunctionTool("f", None, {"type": "object"}, True),)
    assert losses == {"tools[1]": "dropped"}


@pytest.mark.parametrize("old", [RESPONSES, GEMINI])
def test_what_would_be_in_the_body_anyway_is_no_loss(old: Any) -> None:
    kept = {"store": False, "include": ["reasoning.encrypted_content"]} if old == RESPONSES else {"store": False}
    assert moved(old, CHAT, body=kept)[1] == {}
    assert moved(old, CHAT, body={**kept, "store": True})[1]["body.store"] == "dropped"


def test_the_body_wins_over_the_header_as_it_does_in_the_wire() -> None:
    request, losses = moved(CHAT, ECHO, params={"seed": 1, "temperature": 0.1, "top_k": 7}, body={"seed": 2})
    assert request.params == {"seed": 2, "temperature": 0.1, "top_k": 7}
    assert losses == {}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"store": True, "metadata": {"a": 1, "b": 2}}, ["body.store", "body.metadata"]),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, ["body.reasoning.summary"]),
        ({"reasoning": {"summary": "auto"}}, ["body.reasoning.summary"]),
        ({"temperature": "hot"}, ["body.temperature"]),
        ({"a.b": 1}, ['body["a.b"]']),
        ({"seed": 1, "text": {"format": {"type": "json_object"}}}, ["body.seed", "body.text.format.type"]),
    ],
)
def test_what_the_old_api_alone_knows_is_lost_key_by_key(body: Any, paths: list[str]) -> None:
    _, losses = moved(RESPONSES, GEMINI, body=body)
    assert losses == dict.fromkeys(paths, "dropped")


def test_a_field_that_the_body_garbles_is_told_too() -> None:
    body = {"text": {"format": {"type": "json_object"}}}
    request, losses = moved(RESPONSES, ECHO, output=Output("answer", {}), body=body)
    assert request.output is None
    assert list(losses) == ["body.text.format.type", "output"]


def test_what_the_new_api_cannot_carry_of_a_body_is_told_where_it_was_written() -> None:
    _, losses = moved(CHAT, RESPONSES, params={"stop": ["a"]}, body={"seed": 1, "presence_penalty": 1.0})
    assert set(losses) == {"params.stop", "body.seed", "body.presence_penalty"}


def test_omitted_paths_are_gone_before_the_move_and_no_loss() -> None:
    request, losses = moved(CHAT, ECHO, params={"seed": 1, "temperature": 1}, omit=("seed",))
    assert (request.params, request.omit, losses) == ({"temperature": 1}, (), {})
    assert moved(CHAT, ECHO, omit=("a[",))[1] == {"omit[0]": "dropped"}


ANSWER_OF_RESPONSES = (
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
    {"type": "message", "id": "m", "role": "assistant", "status": "completed", "phase": "commentary",
     "content": [{"type": "output_text", "text": "look", "annotations": [{"url": "u"}], "logprobs": []}]},
    {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": '{"x":1}', "status": "completed"},
    {"type": "web_search_call", "id": "ws_1"},
    {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "f", "arguments": "{}", "status": "completed"},
)  # fmt: skip
CALLS = (ToolCall("a", "f", {"x": 1}), ToolCall("b", "f", {}))


@pytest.mark.parametrize(("new", "phase"), [(ECHO, {}), (CHAT, {1: "dropped"}), (GEMINI, {1: "dropped"})])
def test_an_answer_of_responses_becomes_one_turn(new: Any, phase: dict[int, str]) -> None:
    request, losses = moved(RESPONSES, new, messages=items(*ANSWER_OF_RESPONSES))
    assert request.messages == (Message("assistant", (Text("look", "commentary"), *CALLS)),)
    assert losses == {
        "messages[0].content[0]": "dropped",
        "messages[0].content[1].content[0].annotations": "dropped",
        "messages[0].content[3]": "dropped",
        **{f"messages[0].content[{index}]": kind for index, kind in phase.items()},
    }


@pytest.mark.parametrize(
    ("old", "native", "parts", "losses"),
    [
        (RESPONSES, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
         (Text("no"),), {".content[0]": "changed"}),
        (RESPONSES, {"type": "image_generation_call", "result": PICTURE, "size": "1x1", "revised_prompt": "p"},
         (Image(PICTURE),), {".revised_prompt": "dropped"}),
        (RESPONSES, {"type": "function_call_output", "call_id": "a", "output": "r", "status": "completed"},
         (ToolResult("a", "r"),), {}),
        (RESPONSES, {"type": "custom_tool_call", "call_id": "a", "name": "q", "input": "x", "id": "c"},
         (ToolCall("a", "q", "x"),), {}),
        (RESPONSES, {"type": "item_reference", "id": "i"}, (), {"": "dropped"}),
        (RESPONSES, {"type": "compaction", "encrypted_content": "x"}, (), {"": "dropped"}),
        (RESPONSES, {"role": "user", "content": "hi", "name": "bob"}, (Text("hi"),), {".name": "dropped"}),
        (CHAT, {"role": "assistant", "content": "hm", "refusal": "no", "annotations": [], "reasoning_content": "why"},
         (Text("hm"), Text("no")), {".refusal": "changed", ".reasoning_content": "dropped"}),
        (CHAT, {"role": "assistant", "content": None, "audio": {"id": "x"}, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"s": 1}},
            {"id": "b", "type": "odd"}]},
         (ToolCall("a", "f", {}),),
         {".audio": "dropped", ".tool_calls[0].extra_content": "dropped", ".tool_calls[1]": "dropped"}),
        (CHAT, {"role": "user", "name": "bob", "content": [
            {"type": "file", "file": {"file_id": "f"}},
            {"type": "text", "text": "t", "prompt_cache_breakpoint": {"a": 1}}]},
         (Text("t"),),
         {".name": "dropped", ".content[0]": "dropped", ".content[1].prompt_cache_breakpoint": "dropped"}),
        (CHAT, "odd", (), {"": "dropped"}),
        (GEMINI, {"role": "model", "parts": [
            {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "S"}]},
         (ToolCall("a", "f", {}),), {".parts[0].thoughtSignature": "dropped"}),
        (GEMINI, {"role": "user", "parts": [{"fileData": {"fileUri": "gs://x"}}]}, (), {".parts[0]": "dropped"}),
        (ECHO, {"role": "user", "content": [{"type": "text", "text": "t", "mood": "x"}], "name": "bob"},
         (Text("t"),), {".content[0].mood": "dropped", ".name": "dropped"}),
        (ECHO, {"odd": 1}, (), {"": "dropped"}),
    ],
)  # fmt: skip
def test_a_native_item_becomes_neutral_as_far_as_it_goes(old: Any, native: Any, parts: Any, losses: Any) -> None:
    new = ECHO if old != ECHO else ("openai", "responses")
    request, lost = moved(old, new, messages=items(native))
    assert tuple(part for message in request.messages for part in message.parts) == parts
    assert lost == {f"messages[0].content[0]{path}": kind for path, kind in losses.items()}


def test_a_native_piece_among_parts_and_in_a_result_is_read_as_a_piece() -> None:
    piece = Native({"type": "input_image", "file_id": "file-1"})
    said = Native({"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}})
    request, losses = moved(
        RESPONSES,
        CHAT,
        messages=(
            Message("user", (Text("u"), piece, Text("v"))),
            Message("tool", (ToolResult("a", (said, piece)), ToolResult("b", "r"))),
        ),
    )
    assert request.messages == (
        Message("user", (Text("u"), Text("v"))),
        Message("tool", (ToolResult("a", (Text("t"),)), ToolResult("b", "r"))),
    )
    assert set(losses) == {
        "messages[0].content[1]",
        "messages[1].content[0].content[0].prompt_cache_breakpoint",
        "messages[1].content[0].content[1]",
    }


def test_losses_keep_the_places_of_turns_behind_dropped_ones() -> None:
    messages = (
        *items({"type": "reasoning"}),
        Message("user", (Text("u", "commentary"),)),
        *items({"type": "input_image", "file_id": "f"}),
        Message("assistant", (Text("x"), Text("a", "final_answer"))),
    )
    _, losses = moved(RESPONSES, CHAT, messages=messages)
    assert set(losses) == {
        "messages[0].content[0]",
        "messages[1].content[0].phase",
        "messages[2].content[0]",
        "messages[3].content[1].phase",
    }


def test_calls_and_results_without_ids_are_paired_by_name_and_order() -> None:
    said = (
        *items(
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": name, "args": {"n": n}}, "thoughtSignature": "s"}
                    for n, name in enumerate("ffg")
                ],
            }
        ),
        Message("assistant", (ToolCall("call_2", "h", {}),)),
        Message("tool", (ToolResult("call_2", "h"),)),
        *(Message("tool", (ToolResult(None, text, text[0]),)) for text in ("g", "f0", "f1", "x")),
    )
    request, _ = moved(GEMINI, CHAT, messages=said)
    parts = [part for message in request.messages for part in message.parts]
    assert [(part.name, part.id) for part in parts if isinstance(part, ToolCall)] == [
        ("f", "call_1"),
        ("f", "call_3"),
        ("g", "call_4"),
        ("h", "call_2"),
    ]
    assert [(part.content, part.id) for part in parts if isinstance(part, ToolResult)] == [
        ("h", "call_2"),
        ("g", "call_4"),
        ("f0", "call_1"),
        ("f1", "call_3"),
        ("x", None),
    ]


@pytest.mark.parametrize(
    ("old", "new", "tool", "made", "losses"),
    [
        (RESPONSES, GEMINI, {"type": "web_search", "filters": {"a": 1}}, {"type": "google_search"},
         {"tools[0]": "approximated", "tools[0].filters": "dropped"}),
        (RESPONSES, GEMINI, {"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "code_execution"},
         {"tools[0]": "approximated"}),
        (GEMINI, RESPONSES, {"type": "code_execution"}, {"type": "code_interpreter", "container": {"type": "auto"}},
         {"tools[0]": "approximated"}),
        (RESPONSES, CHAT, {"type": "web_search", "search_context_size": "low", "filters": {"a": 1}},
         {"type": "web_search", "search_context_size": "low"}, {"tools[0].filters": "dropped"}),
        (CHAT, RESPONSES, {"type": "web_search", "search_context_size": "low"},
         {"type": "web_search", "search_context_size": "low"}, {}),
        (GEMINI, CHAT, {"type": "google_search"}, {"type": "web_search"}, {"tools[0]": "approximated"}),
        (RESPONSES, GEMINI, {"type": "mcp", "server_url": "https://x"}, None, {"tools[0]": "dropped"}),
        (GEMINI, RESPONSES, {"type": "url_context"}, None, {"tools[0]": "dropped"}),
        (GEMINI, CHAT, {"odd": 1}, None, {"tools[0]": "dropped"}),
        (RESPONSES, ECHO, {"type": "mcp", "server_url": "https://x"}, {"type": "mcp", "server_url": "https://x"}, {}),
        (ECHO, RESPONSES, {"type": "web_search"}, {"type": "web_search"}, {}),
    ],
)  # fmt: skip
def test_a_built_in_tool_becomes_the_one_of_the_new_api(old: Any, new: Any, tool: Any, made: Any, losses: Any) -> None:
    request, lost = moved(old, new, tools=(BuiltinTool(tool),))
    assert request.tools == (() if made is None else (BuiltinTool(made),))
    assert lost == losses


def test_losses_keep_the_places_of_tools_behind_dropped_ones() -> None:
    tools = (BuiltinTool({"type": "mcp"}), CustomTool("q"), BuiltinTool({"type": "web_search", "filters": {}}))
    _, losses = moved(RESPONSES, GEMINI, tools=tools)
    assert losses == {
        "tools[0]": "dropped",
        "tools[1]": "approximated",
        "tools[2]": "approximated",
        "tools[2].filters": "dropped",
    }


SEARCH, MCP, F = BuiltinTool({"type": "web_search"}), BuiltinTool({"type": "mcp"}), FunctionTool("f")


@pytest.mark.parametrize(
    ("tools", "choice", "made", "lost"),
    [
        ((F,), ToolChoice("auto", ("f",)), ToolChoice("auto", ("f",)), {}),
        ((F, SEARCH), ToolChoice("auto", ("f", "web_search")), ToolChoice("auto", ("f", "google_search")),
         {"tool_choice": "dropped"}),
        ((F, MCP), ToolChoice("auto", ("f", "mcp")), ToolChoice("auto", ("f",)), {"tool_choice": "changed"}),
        ((F, MCP), ToolChoice("required", ("mcp",), forced=True), None, {"tool_choice": "dropped"}),
        ((MCP,), ToolChoice("required"), None, {"tool_choice": "dropped"}),
    ],
)  # fmt: skip
def test_a_choice_follows_its_tools(tools: Any, choice: Any, made: Any, lost: Any) -> None:
    request, losses = moved(RESPONSES, GEMINI, tools=tools, tool_choice=choice)
    assert request.tool_choice == made
    assert {path: kind for path, kind in losses.items() if path == "tool_choice"} == lost


@pytest.mark.parametrize(
    ("old", "new", "image", "losses"),
    [
        (RESPONSES, GEMINI, {}, {"image.size": "dropped", "image.a.b": "dropped"}),
        (RESPONSES, CHAT, {"size": "1x1", "a.b": 1}, {"image": "dropped"}),
        (RESPONSES, ECHO, {"size": "1x1", "a.b": 1}, {}),
    ],
)
def test_a_picture_is_still_made_where_the_new_api_makes_any(old: Any, new: Any, image: Any, losses: Any) -> None:
    request, lost = moved(old, new, image={"size": "1x1", "a.b": 1})
    assert request.image == image
    assert {path.replace('image["a.b"]', "image.a.b"): kind for path, kind in lost.items()} == losses


def test_chat_is_not_asked_to_choose_its_search() -> None:
    for tools, left in ((("f", "web_search"), {"f"}), (("web_search",), set())):
        choice = ToolChoice("auto", tools)
        request, losses = moved(RESPONSES, CHAT, tools=(F, SEARCH), tool_choice=choice)
        wire = adapter(provider("openai"), "chat").compile(request).wire
        entries = wire.get("tool_choice", {}).get("allowed_tools", {}).get("tools", [])
        assert {entry["function"]["name"] for entry in entries} == left
        assert losses == {"tool_choice": "dropped"}


@pytest.mark.parametrize(("api", "place"), [(CHAT, ("messages", 0, "content")), (RESPONSES, ("input", 0, "output"))])
def test_a_result_of_which_nothing_is_left_is_empty_words(api: Any, place: Any) -> None:
    sound = Audio(MediaRef(PICTURE.digest, "audio/wav"), "wav")
    request, losses = moved(ECHO, api, messages=(Message("tool", (ToolResult("a", (sound,)),)),))
    wire = adapter(provider("openai"), api[1]).compile(request).wire
    assert find(wire, place) == ""
    assert losses == {"messages[0].content[0].content[0]": "dropped"}


def test_what_all_apis_of_a_provider_understand_stays_in_the_body() -> None:
    body = {"prompt_cache_key": "k", "user": "u", "truncation": "auto"}
    made, losses = moved(RESPONSES, CHAT, body=body)
    assert made.body == {"prompt_cache_key": "k", "user": "u"}
    assert losses == {"body.truncation": "dropped"}
    made, losses = moved(RESPONSES, GEMINI, body=body)
    assert made.body == {}
    assert sorted(losses) == ["body.prompt_cache_key", "body.truncation", "body.user"]
