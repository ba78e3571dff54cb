from __future__ import annotations

from typing import Any

import pytest

from plcli.errors import Exit, SpecError
from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import MediaRef, digest_of
from plcli.providers import openai_chat as adapter
from plcli.providers.registry import Call, Tap, provider
from plcli.providers.registry import adapter as adapter_of
from plcli.request import (
    Audio,
    BuiltinTool,
    CustomTool,
    File,
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
from plcli.response import Event, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from tests.support.openai_streams import chat_events

TARGET = Target("chat.completions.create", "m")
SOUND = MediaRef(digest_of(b"x"), "audio/wav", "data-url")


def request(*messages: Message, **fields: Any) -> Request:
    return Request(provider="openai", api="chat", model="m", messages=messages, **fields)


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def wire(*messages: Message, **fields: Any) -> Any:
    return adapter.compile(request(*messages, **fields)).wire


def losses(*messages: Message, **fields: Any) -> list[str]:
    return [loss.path for loss in adapter.compile(request(*messages, **fields)).losses]


def answer(message: Any, finish_reason: Any = "stop", **fields: Any) -> Any:
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], **fields}


def chunk(delta: Any, finish_reason: Any = None, **fields: Any) -> WireEvent:
    return WireEvent({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **fields})


@pytest.mark.parametrize("text", ['{"a":' + "[" * 500 + "]" * 500 + "}", '{"a":1e999}', '{"a":NaN}', "[1]", "{"])
def test_arguments_that_no_record_could_hold_stay_text(text: str) -> None:
    stated = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    read = adapter.read(answer({"role": "assistant", "tool_calls": [stated]}, "tool_calls"))
    assert read.tool_calls == (ToolCallPart(id="c", name="f", arguments=text),)


def call_piece(**fields: Any) -> WireEvent:
    return chunk({"tool_calls": [fields]})


def thinking(text: str, **fields: Any) -> Any:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **fields}


DONE = WireEvent("[DONE]")


def test_the_registry_finds_the_adapter_with_all_its_functions() -> None:
    found = adapter_of(provider("openai"), "chat")
    assert found is adapter
    assert all(callable(getattr(found, name)) for name in adapter.__all__ if not name.isupper())


# compile


def test_parts_stand_as_the_api_has_them() -> None:
    digest = SOUND.digest
    made = wire(
        Message("system", (Text("be terse"),)),
        user(
            "look",
            Image("https://x/y.png", "low"),
            File(MediaRef(digest, "application/pdf"), "a.pdf"),
            Audio(SOUND, "wav"),
            Native({"type": "file", "file": {"file_id": "file_1"}}),
        ),
    )
    assert made["messages"] == [
        {"role": "system", "content": "be terse"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {
                    "type": "file",
                    "file": {"filename": "a.pdf", "file_data": MediaRef(digest, "application/pdf", "data-url")},
                },
                {
                    "type": "input_audio",
                    "input_audio": {"data": MediaRef(digest, "audio/wav", "base64"), "format": "wav"},
                },
                {"type": "file", "file": {"file_id": "file_1"}},
            ],
        },
    ]


def test_calls_are_gathered_in_one_message_and_each_result_is_one() -> None:
    made = wire(
        Message("assistant", (Text("hm"), ToolCall("c1", "add", {"a": 1}), ToolCall("c2", "sql", "select 1"))),
        Message("assistant", (ToolCall("c3", "add", '{"a": 1}'),)),
        Message("tool", (ToolResult("c1", "2"), ToolResult("c2", (Text("3"),)))),
        tools=(CustomTool("sql"),),
    )
    assert made["messages"] == [
        {
            "role": "assistant",
            "content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c3", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "3"}]},
    ]


def test_params_output_and_tools_stand_where_the_api_has_them() -> None:
    made = wire(
        tools=(
            FunctionTool("f", "does f", {}, strict=False),
            CustomTool("g", syntax="regex", definition="a+"),
            BuiltinTool({"type": "web_search", "user_location": {"type": "approximate", "city": "Oslo"}}),
        ),
        output=Output("o", {"type": "object"}, strict=False),
        params={"max_output_tokens": 5, "stop": ["x"], "seed": 1, "reasoning_effort": "low", "verbosity": "low"},
    )
    assert made == {
        "model": "m",
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "does f", "parameters": {}, "strict": False}},
            {
                "type": "custom",
                "custom": {
                    "name": "g",
                    "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}},
                },
            },
        ],
        "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "o", "schema": {"type": "object"}, "strict": False},
        },
        "max_completion_tokens": 5,
        "stop": ["x"],
        "seed": 1,
        "reasoning_effort": "low",
        "verbosity": "low",
    }


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (ToolChoice("required"), "required"),
        (ToolChoice("required", ("f",), forced=True), {"type": "function", "function": {"name": "f"}}),
        (ToolChoice("required", ("g",), forced=True), {"type": "custom", "custom": {"name": "g"}}),
        (
            ToolChoice("required", ("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_every_tool_choice_has_its_form_and_comes_back(choice: ToolChoice, written: Any) -> None:
    tools = (FunctionTool("f"), CustomTool("g"))
    made = wire(tools=tools, tool_choice=choice)
    assert made["tool_choice"] == written
    back = adapter.uncompile(made, TARGET)
    assert (back.tools, back.tool_choice, back.body) == (tools, choice, {})


def test_what_the_api_cannot_carry_is_a_loss_with_its_path() -> None:
    assert losses(params={"top_k": 1}) == ["params.top_k"]
    assert losses(image={}) == ["image"]
    assert losses(chain="server") == ["chain"]
    assert losses(tools=(BuiltinTool({"type": "web_search"}), BuiltinTool({"type": "mcp"}))) == ["tools[1]"]
    assert losses(tools=(BuiltinTool({"type": "web_search", "filters": {}}),)) == ["tools[0]"]
    switches = {"n": 2, "stream": True, "stream_options": {}}
    assert losses(body=switches) == ["body.n", "body.stream", "body.stream_options"]
    assert losses(body={"n": 1}) == []
    forced = ToolChoice("required", ("web_search",), forced=True)
    assert losses(tools=(BuiltinTool({"type": "web_search"}),), tool_choice=forced) == ["tool_choice"]
    assert losses(Message("assistant", (ToolCall(None, "f", {}),))) == ["messages[0].content[0].id"]
    assert losses(user(File("https://x/a.pdf"))) == ["messages[0].content[0]"]
    assert losses(Message("tool", (ToolResult("c", (Image("https://x/y.png"),)),))) == [
        "messages[0].content[0].content[0]"
    ]


# uncompile


def test_a_recorded_conversation_becomes_neutral_messages() -> None:
    back = adapter.uncompile(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "add"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "1"},
                {"role": "tool", "tool_call_id": "c2", "content": "2"},
                {"role": "assistant", "content": "2", "refusal": None},
            ],
            "max_tokens": 5,
        },
        TARGET,
    )
    assert back.messages == (
        user("add"),
        Message("assistant", (ToolCall("c1", "f", {}),)),
        Message("tool", (ToolResult("c1", "1"), ToolResult("c2", "2"))),
        Message("assistant", (Native({"role": "assistant", "content": "2", "refusal": None}),)),
    )
    assert back.body == {"max_tokens": 5}


def test_tools_in_a_form_of_their_own_pass_as_they_are() -> None:
    foreign = {"type": "builtin_function", "function": {"name": "$web_search"}}
    made = {"model": "m", "tools": [foreign]}
    back = adapter.uncompile(made, TARGET)
    assert back.tools == (BuiltinTool(foreign),)
    assert adapter.compile(back) == (made, TARGET, ())


@pytest.mark.parametrize("item", [{"type": "gateway:web_search"}, {"type": "web_search", "web_search": {"top": 3}}])
def test_tools_of_compatible_servers_stand_beside_ours(item: Any) -> None:
    tools = (FunctionTool("f"), BuiltinTool(item))
    made, target, lost = adapter.compile(request(tools=tools))
    assert made["tools"] == [{"type": "function", "function": {"name": "f"}}, item]
    assert lost == ()
    assert adapter.uncompile(made, target).tools == tools


@pytest.mark.parametrize("item", ["odd", {}, {"type": ["web_search"]}, {"type": "mcp", "server_label": "x"}])
def test_tools_of_a_wire_that_the_api_does_not_have_stay_in_the_body(item: Any) -> None:
    made = {"model": "m", "tools": [item]}
    back = adapter.uncompile(made, TARGET)
    assert (back.tools, back.body) == ((), {"tools": [item]})
    assert adapter.compile(back) == (made, TARGET, ())


def test_a_wire_that_is_no_object_is_a_problem() -> None:
    with pytest.raises(SpecError, match="must be an object"):
        adapter.uncompile([], TARGET)


def test_strict_is_made_explicit_and_nothing_else() -> None:
    made = adapter.defaults(request(tools=(FunctionTool("f", None, {"type": "object"}),)))
    assert made == request(tools=(FunctionTool("f", None, {"type": "object"}, strict=False),))


# send


def sent(monkeypatch: pytest.MonkeyPatch, made: Any, **fields: Any) -> Any:
    seen: list[Any] = []
    monkeypatch.setattr(adapter, "post", lambda path, body, call: iter(seen.append((path, body)) or ()))
    call = Call(read_media={SOUND.digest: b"x"}.__getitem__, tap=Tap(), **fields)
    assert list(adapter.send(made, TARGET, call)) == []
    return seen[0]


def test_sending_alone_decides_on_streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"model": "m", "data": MediaRef(SOUND.digest, "audio/wav")}
    plain = {"model": "m", "data": "eA=="}
    options = {"include_usage": True}
    assert sent(monkeypatch, made) == ("/chat/completions", {**plain, "stream": True, "stream_options": options})
    assert sent(monkeypatch, made, stream_usage=False) == ("/chat/completions", {**plain, "stream": True})
    assert sent(monkeypatch, {**made, "stream": True}, stream=False) == ("/chat/completions", plain)


def test_the_next_turn_echoes_the_answer_as_it_came() -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [{"id": "c1"}]}
    old = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    following = adapter.next_turn(old, answer(message), [Message("tool", (ToolResult("c1", "1"),)), user("go")], "echo")
    assert following["messages"] == [
        *old["messages"],
        message,
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "user", "content": "go"},
    ]


# progress


def test_a_stream_shows_text_reasoning_refusals_and_calls_of_the_first_choice() -> None:
    seen = [
        adapter.progress(event)
        for event in (
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "hi"}),
            chunk({"reasoning_content": "hm"}),
            chunk({"reasoning": "hm"}),
            chunk({"refusal": "no"}),
            chunk({"content": [thinking("hm")]}),
            chunk({"content": [thinking("hm"), {"type": "text", "text": "hi"}]}),
            chunk({"content": [{"type": "reference"}]}),
            call_piece(index=0, id="c1", function={"name": "f", "arguments": ""}),
            call_piece(index=0, function={"name": "f", "arguments": "{"}),
            WireEvent({"choices": [{"index": 1, "delta": {"content": "other"}}]}),
            WireEvent({"choices": []}),
            DONE,
        )
    ]
    assert seen == [
        None,
        Event("text", "hi"),
        Event("reasoning", "hm"),
        Event("reasoning", "hm"),
        Event("refusal", "no"),
        Event("reasoning", "hm"),
        Event("text", "hi"),
        None,
        Event("tool_call", "f"),
        None,
        None,
        None,
        None,
    ]


# fold


def test_chunks_add_up_to_the_body() -> None:
    folded = adapter.fold(
        [
            chunk({"role": "assistant", "content": ""}, object="chat.completion.chunk", model="m-2026", usage=None),
            chunk({"content": "\ud83e"}),
            chunk({"content": "\udd8a"}),
            WireEvent({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [1]}, "finish_reason": None}]}),
            WireEvent({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [2]}, "finish_reason": "stop"}]}),
            WireEvent({"id": "c", "choices": [], "usage": {"prompt_tokens": 1}, "obfuscation": "xxx"}),
            DONE,
        ]
    )
    assert folded.complete
    assert folded.body == {
        "id": "c",
        "object": "chat.completion",
        "model": "m-2026",
        "usage": {"prompt_tokens": 1},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "🦊"},
                "finish_reason": "stop",
                "logprobs": {"content": [1, 2]},
            }
        ],
    }


def calls_of(*events: WireEvent) -> list[ToolCallPart]:
    return list(adapter.read(adapter.fold([*events, DONE]).body).tool_calls)


def test_a_call_is_gathered_by_its_index() -> None:
    assert calls_of(
        call_piece(index=0, id="c1", type="function", function={"name": "f", "arguments": ""}),
        call_piece(index=1, id="c2", type="function", function={"name": "g", "arguments": '{"b"'}),
        call_piece(index=0, function={"arguments": '{"a":1}'}),
        call_piece(index=1, function={"arguments": ":2}"}),
    ) == [
        ToolCallPart(id="c1", name="f", arguments={"a": 1}),
        ToolCallPart(id="c2", name="g", arguments={"b": 2}),
    ]


def test_a_name_that_is_repeated_in_every_chunk_stays_itself() -> None:
    assert calls_of(
        call_piece(index=0, id="c1", function={"name": "f", "arguments": "{"}),
        call_piece(index=0, id="c1", function={"name": "f", "arguments": "}"}),
    ) == [ToolCallPart(id="c1", name="f", arguments={})]


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}])
def test_calls_without_a_good_index_are_told_apart_by_their_id(index: dict[str, Any]) -> None:
    assert calls_of(
        call_piece(**index, id="c1", function={"name": "f", "arguments": "{"}),
        call_piece(**index, function={"arguments": "}"}),
        call_piece(**index, id="c2", function={"name": "f", "arguments": "{}"}),
    ) == [
        ToolCallPart(id="c1", name="f", arguments={}),
        ToolCallPart(id="c2", name="f", arguments={}),
    ]


def test_arguments_that_come_as_an_object_are_kept() -> None:
    assert calls_of(call_piece(index=0, function={"name": "f", "arguments": {"a": 1}})) == [
        ToolCallPart(name="f", arguments={"a": 1})
    ]


@pytest.mark.parametrize("said", [{}, {"arguments": None}, {"arguments": ""}])
def test_a_call_whose_arguments_never_came_goes_back_with_empty_ones(said: dict[str, Any]) -> None:
    streamed = [call_piece(index=0, id="c1", function={"name": "f", **said}), chunk({}, "tool_calls")]
    (call,) = adapter.fold(streamed).body["choices"][0]["message"]["tool_calls"]
    assert call == {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert calls_of(*streamed) == [ToolCallPart(id="c1", name="f", arguments={})]


@pytest.mark.parametrize(
    "texts",
    [
        ["", '{"a":{"a":1}}', '{"a":{"a":1}}'],
        ['{"a":', '{"a":1}', "}", '{"a":{"a":1}}', '{"a":{"a":1}}'],
        ['{"a":{', '{"a":{"a":1', '{"a":{"a":1}}'],
        ['{"a":', '{"a":1}}'],
    ],
    ids=["the whole twice", "pieces and then the whole", "all so far each time", "pieces that look alike"],
)
def test_arguments_that_are_sent_once_more_count_once(texts: list[str]) -> None:
    pieces = [call_piece(index=0, id="c1", function={"name": "f", "arguments": text}) for text in texts]
    assert calls_of(*pieces) == [ToolCallPart(id="c1", name="f", arguments={"a": {"a": 1}})]


def test_an_object_inside_arguments_that_were_cut_is_not_taken_for_them() -> None:
    pieces = [call_piece(index=0, id="c1", function={"name": "f", "arguments": text}) for text in ('{"a":[', "{}")]
    assert calls_of(*pieces) == [ToolCallPart(id="c1", name="f", arguments='{"a":[{}')]


def test_a_free_form_call_is_gathered_too() -> None:
    assert calls_of(
        call_piece(index=0, id="c1", type="custom", custom={"name": "sql", "input": "sel"}),
        call_piece(index=0, custom={"input": "ect"}),
    ) == [ToolCallPart(id="c1", name="sql", arguments="select")]


def test_content_that_comes_now_as_text_now_as_a_list_is_one_list() -> None:
    folded = adapter.fold(
        [
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": [thinking("I th")]}),
            chunk({"content": [thinking("ink", closed=True)]}),
            chunk({"content": "So"}),
            chunk({"content": [{"type": "text", "text": " it is"}, {"type": "reference", "reference_ids": [1]}]}),
            chunk({"content": [{"type": "reference", "reference_ids": [2]}, 5]}),
            chunk({"content": "."}),
            chunk({"content": ""}, "stop"),
        ]
    )
    assert folded.body["choices"][0]["message"]["content"] == [
        thinking("I think", closed=True),
        {"type": "text", "text": "So it is"},
        {"type": "reference", "reference_ids": [1]},
        {"type": "reference", "reference_ids": [2]},
        5,
        {"type": "text", "text": "."},
    ]
    read = adapter.read(folded.body)
    assert read.text == "So it is."
    assert read.parts[0] == ReasoningPart(text="I think")


def test_pieces_of_reasoning_make_one_item_with_its_signature() -> None:
    def piece(**fields: Any) -> WireEvent:
        return chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, **fields}]})

    hidden = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    folded = adapter.fold(
        [
            piece(text="I th", signature=None),
            piece(text="ink"),
            piece(signature="s"),
            piece(text="more", index=1),
            chunk({"reasoning_details": [hidden]}),
            chunk({"reasoning_details": [hidden]}, "stop"),
        ]
    )
    assert folded.body["choices"][0]["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "I think", "signature": "s"},
        {"type": "reasoning.text", "index": 1, "text": "more"},
        hidden,
        hidden,
    ]


def test_an_empty_reason_to_finish_is_none() -> None:
    begun = [chunk({"content": "x"}, ""), chunk({"content": "y"}, "")]
    assert not adapter.fold(begun).complete
    ended = adapter.fold([*begun, chunk({}, "stop"), WireEvent({"choices": [{"delta": {}, "finish_reason": ""}]})])
    assert ended.complete
    assert adapter.read(ended.body).finish_reason == "stop"
    assert adapter.read(answer({"content": "x"}, "")).finish_reason is None


def test_a_stream_that_is_cut_stays_a_chunk_and_reads_as_an_error() -> None:
    folded = adapter.fold([chunk({"role": "assistant", "content": "par"}), chunk({"content": "tial"})])
    assert not folded.complete
    read = adapter.read(folded.body)
    assert (read.state, read.text) == ("error", "partial")
    assert read.failure is not None
    assert read.failure.kind == "protocol"


def test_the_end_marker_or_a_reason_to_finish_makes_a_stream_complete() -> None:
    assert adapter.fold([chunk({"content": "x"}), DONE]).complete
    assert adapter.fold([chunk({"content": "x"}, "stop")]).complete
    assert not adapter.fold(
        [
            chunk({"content": "x"}, "stop"),
            WireEvent({"choices": [{"index": 1, "delta": {"content": "y"}, "finish_reason": None}]}),
        ]
    ).complete


def test_an_error_in_a_stream_is_an_answer_that_failed() -> None:
    folded = adapter.fold([chunk({"content": "x"}), WireEvent({"error": {"message": "broken", "code": 503}})])
    assert folded.complete
    read = adapter.read(folded.body)
    assert (read.state, read.text) == ("error", "x")
    assert read.failure is not None
    assert (read.failure.kind, read.failure.message) == ("server", "broken")


def test_a_choice_that_the_filter_stopped_before_its_first_word_has_no_message() -> None:
    folded = adapter.fold([chunk({}, "content_filter"), DONE])
    assert "message" not in folded.body["choices"][0]
    assert adapter.read(folded.body).state == "blocked"


# read


def test_an_answer_is_read_with_everything_it_brings() -> None:
    read = adapter.read(
        answer(
            {
                "role": "assistant",
                "reasoning_content": "hm",
                "content": [{"type": "text", "text": "hi"}, {"type": "thinking", "thinking": []}],
                "refusal": "no",
                "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"a": 1}'}}],
                "function_call": {"name": "old", "arguments": "x"},
                "annotations": [{"type": "url_citation"}],
                "audio": None,
            },
            model="m-2026",
        )
    )
    assert read.parts == (
        ReasoningPart(text="hm"),
        TextPart(text="hi"),
        NativePart(item={"type": "thinking", "thinking": []}),
        RefusalPart(text="no"),
        ToolCallPart(id="c1", name="f", arguments={"a": 1}),
        ToolCallPart(name="old", arguments="x"),
        NativePart(item={"annotations": [{"type": "url_citation"}]}),
    )
    assert (read.state, read.finish_reason, read.served_model) == ("tool_calls", "stop", "m-2026")


def drawn(source: Any, **more: Any) -> Any:
    return {"type": "image_url", "image_url": {"url": source}, **more}


URL = "https://example.org/a.png"
PNG = MediaRef(digest_of(b"x"), "image/png", "data-url")


@pytest.mark.parametrize(
    ("piece", "picture"),
    [
        (drawn(PNG, index=0), {"media": PNG.digest, "mime": "image/png"}),
        (drawn(URL), {"url": URL}),
        ({"type": "image_url", "image_url": PNG}, {"media": PNG.digest, "mime": "image/png"}),
        ({"image_url": URL}, {"url": URL}),
        (drawn("data:image/png;base64,???"), {}),
        (drawn("javascript:alert()"), None),
        (drawn(None), None),
        ({"type": "image_url", "image_url": []}, None),
        ("odd", None),
    ],
)
def test_pictures_of_compatible_servers_come_after_the_words_or_among_them(piece: Any, picture: Any) -> None:
    made = NativePart(item=piece) if picture is None else ImagePart(**picture)
    beside = adapter.read(answer({"content": "a fox", "images": [piece], "refusal": None}))
    assert beside.parts == (TextPart(text="a fox"), made)
    among = adapter.read(answer({"content": [{"type": "text", "text": "a"}, piece, {"type": "text", "text": "b"}]}))
    assert among.parts == (TextPart(text="a"), made, TextPart(text="b"))


@pytest.mark.parametrize(
    ("modalities", "count"), [(["text", "image"], 1), (["text"], 0), (None, 0), ("image", 0), ([{"image": 1}], 0)]
)
def test_a_picture_is_wanted_where_it_is_among_the_modalities(modalities: Any, count: int) -> None:
    assert adapter.wanted({"model": "m", "modalities": modalities}) == count


def test_a_picture_of_a_stream_is_seen_and_reads_like_that_of_a_plain_answer() -> None:
    url = "data:image/png;base64,iVBO"
    message = {"role": "assistant", "content": "a fox", "images": [drawn(url, index=0), drawn(URL, index=1)]}
    seen = [adapter.progress(event) for event in map(WireEvent, chat_events(answer(message)))]
    assert [event for event in seen if event and event.kind != "text"] == [Event("image")]
    pieces: list[Any] = [
        {"delta": {"content": "a "}},
        {"delta": {"content": "fox", "images": [drawn(url, index=0)]}},
        {"delta": {"images": [drawn(URL, index=1)]}, "finish_reason": "stop"},
    ]
    for stream in (chat_events(answer(message)), [{"choices": [{"index": 0, **piece}]} for piece in pieces]):
        folded = adapter.fold(map(WireEvent, stream))
        assert folded.complete
        assert folded.body["choices"][0]["message"] == message
        assert adapter.read(folded.body) == adapter.read(answer(message))


def test_pictures_of_the_model_leave_with_its_words() -> None:
    picture = drawn(PNG)
    turn = {"role": "assistant", "content": "a fox", "images": [picture, picture]}
    loose = adapter.loosen(Message("assistant", (Native(turn),)))
    assert loose == ((Message("assistant", (Text("a fox"), Image(PNG), Image(PNG))),), ())
    left = adapter.loosen(Message("assistant", (Native({**turn, "images": [picture, "odd"]}),)))
    assert left.messages == (Message("assistant", (Text("a fox"), Image(PNG))),)
    assert [loss.path for loss in left.losses] == ["content[0].images"]


def test_a_structured_answer_that_is_the_object_itself_is_its_json() -> None:
    message = {"role": "assistant", "content": {"title": "é", "text": "no piece of a list"}}
    answer = adapter.read({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert answer.parts == (TextPart(text='{"title":"é","text":"no piece of a list"}'),)


def test_fields_with_nothing_in_them_are_no_parts() -> None:
    empty = {"refusal": "", "function_call": {"name": "", "arguments": ""}, "audio": {"id": "", "data": ""}}
    read = adapter.read(answer({"content": "4", **empty, "annotations": [], "tool_calls": None}))
    assert (read.state, read.parts) == ("ok", (TextPart(text="4"),))


def test_of_several_choices_the_first_is_read() -> None:
    body = answer({"content": "a"})
    body["choices"].append({"index": 1, "message": {"content": "b"}})
    read = adapter.read(body)
    assert read.parts == (TextPart(text="a"), NativePart(item={"index": 1, "message": {"content": "b"}}))


@pytest.mark.parametrize(
    ("body", "state", "kind"),
    [
        (answer({"content": "x"}), "ok", None),
        (answer({"content": "x"}, None), "ok", None),
        (answer({"content": None, "refusal": "no"}), "refused", None),
        (answer({"content": "x"}, "length"), "incomplete", None),
        (answer({"content": "x"}, "content_filter"), "blocked", "safety"),
        ({"choices": [{"finish_reason": "content_filter"}]}, "blocked", "safety"),
        ({"choices": []}, "error", "protocol"),
        ({"choices": [{"finish_reason": "stop"}]}, "error", "protocol"),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, "error", "quota"),
        ({"choices": [{"error": {"message": "x", "code": 502}}]}, "error", "server"),
    ],
)
def test_each_way_to_end_has_its_state(body: Any, state: str, kind: str | None) -> None:
    read = adapter.read(body)
    assert read.state == state
    assert (read.failure and read.failure.kind) == kind


def test_usage_is_read_in_plclis_words() -> None:
    read = adapter.read(
        answer(
            {"content": "x"},
            usage={
                "prompt_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 4, "image_tokens": 2},
                "completion_tokens": 5,
                "completion_tokens_details": {"reasoning_tokens": 3, "image_tokens": 1},
                "total_tokens": 15,
            },
        )
    )
    assert read.usage is not None
    assert read.usage.model_dump(exclude_none=True) == {
        "input_tokens": 10,
        "cached_input_tokens": 4,
        "image_input_tokens": 2,
        "output_tokens": 5,
        "reasoning_tokens": 3,
        "image_output_tokens": 1,
        "total_tokens": 15,
    }


@pytest.mark.parametrize("foreign", [None, [], "<html>", {}, {"choices": "x"}, {"output": []}])
def test_what_is_no_answer_of_the_api_is_a_failure(foreign: Any) -> None:
    with pytest.raises(CallFailed) as failed:
        adapter.read(foreign)
    assert failed.value.failure.kind == "protocol"
    assert failed.value.exit is Exit.UNAVAILABLE
