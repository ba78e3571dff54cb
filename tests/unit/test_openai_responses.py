from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plcli.errors import Exit, SpecError
from plcli.exchange import Folded, Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import MediaMissing, MediaRef, digest_of
from plcli.providers import openai_responses as adapter
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
from plcli.response import (
    Event,
    ImagePart,
    NativePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)

TARGET = Target("responses.create", "m")
PICTURE = MediaRef(digest_of(b"x"), "image/png")
CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def request(*messages: Message, **fields: Any) -> Request:
    return Request(provider="openai", api="responses", model="m", messages=messages, **fields)


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def wire(*messages: Message, **fields: Any) -> Any:
    return adapter.compile(request(*messages, **fields)).wire


def losses(*messages: Message, **fields: Any) -> list[str]:
    return [loss.path for loss in adapter.compile(request(*messages, **fields)).losses]


def answer(*output: Any, **fields: Any) -> Any:
    return {"id": "resp_1", "status": "completed", "output": list(output), **fields}


def said(text: str, **fields: Any) -> Any:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}], **fields}


def events(*data: Any) -> list[WireEvent]:
    return [WireEvent(item) for item in data]


def test_the_registry_finds_the_adapter_with_all_its_functions() -> None:
    found = adapter_of(provider("openai"), "responses")
    assert found is adapter
    assert all(callable(getattr(found, name)) for name in adapter.__all__ if not name.isupper())


# compile


def test_one_text_is_a_string_and_several_parts_are_a_list() -> None:
    made = wire(user("hi"), user("what is this?", Image(PICTURE, "low"), File("https://x/a.pdf", "a.pdf")))
    assert made == {
        "model": "m",
        "input": [
            {"role": "user", "content": "hi"},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "what is this?"},
                    {
                        "type": "input_image",
                        "image_url": MediaRef(PICTURE.digest, "image/png", "data-url"),
                        "detail": "low",
                    },
                    {"type": "input_file", "file_url": "https://x/a.pdf", "filename": "a.pdf"},
                ],
            },
        ],
    }


def test_calls_and_results_are_items_of_their_own() -> None:
    made = wire(
        Message("assistant", (Text("let me see", "commentary"), ToolCall("c1", "add", {"å": 1}))),
        Message("tool", (ToolResult("c1", "2"),)),
    )
    assert made["input"] == [
        {"role": "assistant", "content": "let me see", "phase": "commentary"},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"å":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
    ]


def test_calls_of_free_form_tools_and_their_results_are_custom_items() -> None:
    made = wire(
        Message("assistant", (ToolCall("c1", "sql", "select 1"),)),
        Message("tool", (ToolResult("c1", "1"),)),
        tools=(CustomTool("sql"),),
    )
    assert [item["type"] for item in made["input"]] == ["custom_tool_call", "custom_tool_call_output"]
    back = adapter.uncompile(made, TARGET)
    assert back.messages[0].parts == (ToolCall("c1", "sql", "select 1"),)


def test_a_message_of_native_parts_is_its_items_and_a_native_among_others_is_content() -> None:
    reference = {"type": "item_reference", "id": "rs_1"}
    file = {"type": "input_file", "file_id": "file_1"}
    made = wire(Message("assistant", (Native(reference),)), user("read this", Native(file)))
    assert made["input"] == [
        reference,
        {"role": "user", "content": [{"type": "input_text", "text": "read this"}, file]},
    ]


def test_params_output_and_tools_stand_where_the_api_has_them() -> None:
    made = wire(
        tools=(
            FunctionTool("f", "does f", CLOSED, strict=True),
            CustomTool("g", syntax="lark", definition="start: x"),
            BuiltinTool({"type": "web_search"}),
        ),
        output=Output("o", CLOSED, strict=True),
        params={"max_output_tokens": 5, "reasoning_effort": "low", "verbosity": "high", "temperature": 0},
        parallel_tool_calls=False,
    )
    assert made == {
        "model": "m",
        "tools": [
            {"type": "function", "name": "f", "description": "does f", "parameters": CLOSED, "strict": True},
            {
                "type": "custom",
                "name": "g",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
            },
            {"type": "web_search"},
        ],
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "o", "schema": CLOSED, "strict": True}, "verbosity": "high"},
        "temperature": 0,
        "max_output_tokens": 5,
        "reasoning": {"effort": "low"},
    }


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required", ("f",), forced=True), {"type": "function", "name": "f"}),
        (ToolChoice("required", ("g",), forced=True), {"type": "custom", "name": "g"}),
        (ToolChoice("required", ("web_search",), forced=True), {"type": "web_search"}),
        (
            ToolChoice("auto", ("f", "g", "web_search")),
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [
                    {"type": "function", "name": "f"},
                    {"type": "custom", "name": "g"},
                    {"type": "web_search"},
                ],
            },
        ),
    ],
)
def test_every_tool_choice_has_its_form_and_comes_back(choice: ToolChoice, written: Any) -> None:
    tools = (FunctionTool("f"), CustomTool("g"), BuiltinTool({"type": "web_search"}))
    made = wire(tools=tools, tool_choice=choice)
    assert made["tool_choice"] == written
    back = adapter.uncompile(made, TARGET)
    assert (back.tools, back.tool_choice, back.body) == (tools, choice, {})


def test_pictures_are_one_forced_tool_unless_the_request_chooses() -> None:
    image = {"size": "1024x1024", "mask": PICTURE}
    made = wire(image=image)
    assert made["tools"] == [
        {
            "type": "image_generation",
            "size": "1024x1024",
            "input_image_mask": {"image_url": MediaRef(PICTURE.digest, "image/png", "data-url")},
        }
    ]
    assert made["tool_choice"] == {"type": "image_generation"}
    assert adapter.uncompile(made, TARGET).tool_choice is None
    assert wire(image=image, tool_choice=ToolChoice("auto"))["tool_choice"] == "auto"


def test_an_image_tool_that_is_not_forced_stays_a_builtin_tool() -> None:
    made = {"model": "m", "tools": [{"type": "image_generation"}]}
    back = adapter.uncompile(made, TARGET)
    assert back.image is None
    assert back.tools == (BuiltinTool({"type": "image_generation"}),)


def test_omit_removes_what_was_compiled_and_body_merges_last() -> None:
    made = wire(
        params={"temperature": 1, "reasoning_effort": "low"},
        omit=("temperature", "reasoning.effort"),
        body={"reasoning": {"summary": "auto"}, "temperature": None, "store": True},
    )
    assert made == {"model": "m", "reasoning": {"summary": "auto"}, "temperature": None, "store": True}


def test_what_the_api_cannot_carry_is_a_loss_with_its_path() -> None:
    assert losses(params={"seed": 1, "stop": "x", "top_k": 1, "presence_penalty": 0, "frequency_penalty": 0}) == [
        "params.seed",
        "params.stop",
        "params.top_k",
        "params.presence_penalty",
        "params.frequency_penalty",
    ]
    assert losses(user("hear", Audio(PICTURE, "wav"))) == ["messages[0].content[1]"]
    assert losses(Message("assistant", (Image(PICTURE),))) == ["messages[0].content[0]"]
    assert losses(Message("tool", (ToolResult("c", (Text("a"), Audio(PICTURE, "wav"))),))) == [
        "messages[0].content[0].content[1]"
    ]
    assert losses(image={"markup": PICTURE, "n": 2}) == ["image.markup", "image.n"]
    assert losses(body={"stream": True}) == ["body.stream"]
    assert losses(omit=("a..b",)) == ["omit[0]"]


# uncompile


def test_a_turn_of_calls_and_its_results_are_two_messages() -> None:
    made = {
        "model": "m",
        "input": [
            {"role": "assistant", "content": "two calls"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": '{"a": 1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
        ],
    }
    assert adapter.uncompile(made, TARGET).messages == (
        Message("assistant", (Text("two calls"), ToolCall("c1", "f", {"a": 1}), ToolCall("c2", "f", '{"a": 1}'))),
        Message("tool", (ToolResult("c1", "1"), ToolResult("c2", "2"))),
    )


def test_items_with_more_than_the_neutral_form_says_stay_native() -> None:
    echoed = said("hi", id="msg_1", phase="final_answer")
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"}
    back = adapter.uncompile({"model": "m", "input": [reasoning, echoed, {"role": "user", "content": "go"}]}, TARGET)
    assert back.messages == (
        Message("assistant", (Native(reasoning),)),
        Message("assistant", (Native(echoed),)),
        user("go"),
    )


def test_fields_with_no_neutral_form_stay_in_the_body() -> None:
    made = {
        "model": "m",
        "input": "hi",
        "instructions": "be terse",
        "temperature": "hot",
        "reasoning": {"effort": "low", "summary": "auto"},
        "previous_response_id": "resp_0",
    }
    back = adapter.uncompile(made, TARGET)
    assert back.params == {"reasoning_effort": "low"}
    assert back.chain == "server"
    assert back.body == {
        "input": "hi",
        "instructions": "be terse",
        "temperature": "hot",
        "reasoning": {"summary": "auto"},
        "previous_response_id": "resp_0",
    }


def test_a_wire_without_a_model_or_with_another_one_keeps_it_so() -> None:
    assert adapter.uncompile({}, TARGET).omit == ("model",)
    assert adapter.uncompile({"model": "x"}, TARGET).body == {"model": "x"}


@pytest.mark.parametrize("foreign", [None, [], "x", 1])
def test_a_wire_that_is_no_object_is_a_problem(foreign: Any) -> None:
    with pytest.raises(SpecError, match="must be an object"):
        adapter.uncompile(foreign, TARGET)


# defaults


def test_nothing_is_stored_unless_the_request_says_so() -> None:
    made = adapter.defaults(request(body={"include": ["message.output_text.logprobs"]}))
    assert made.body == {
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "store": False,
    }
    assert adapter.defaults(made) == made
    assert adapter.defaults(request(body={"store": True})).body == {"store": True}
    assert adapter.defaults(request(chain="server")).body == {}


def test_strict_is_explicit_and_true_only_where_the_schema_qualifies() -> None:
    open_schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    made = adapter.defaults(
        request(
            tools=(
                FunctionTool("f", None, CLOSED),
                FunctionTool("g", None, open_schema),
                FunctionTool("h", strict=True),
            ),
            output=Output("o", CLOSED),
        )
    )
    assert [tool.strict for tool in made.tools if isinstance(tool, FunctionTool)] == [True, False, True]
    assert made.output == Output("o", CLOSED, strict=True)


# send


def sent(monkeypatch: pytest.MonkeyPatch, made: Any, **fields: Any) -> Any:
    seen: list[Any] = []
    monkeypatch.setattr(adapter, "post", lambda path, body, call: iter(seen.append((path, body)) or ()))
    call = Call(read_media={PICTURE.digest: b"x"}.__getitem__, tap=Tap(), **fields)
    assert list(adapter.send(made, TARGET, call)) == []
    return seen[0]


def test_sending_puts_media_back_and_alone_decides_on_streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"model": "m", "input": [{"image_url": replace(PICTURE, encoding="data-url")}]}
    lowered = {"model": "m", "input": [{"image_url": "data:image/png;base64,eA=="}]}
    assert sent(monkeypatch, made) == ("/responses", {**lowered, "stream": True})
    assert sent(monkeypatch, {**made, "stream": True}, stream=False) == ("/responses", lowered)


def test_sending_needs_the_bytes_of_its_media() -> None:
    def missing(digest: str) -> bytes:
        raise MediaMissing(digest)

    with pytest.raises(MediaMissing):
        list(adapter.send({"a": PICTURE}, TARGET, Call(read_media=missing, tap=Tap())))


# next turn


def test_echo_sends_everything_again_with_the_answer_in_between() -> None:
    call = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "sql", "input": "x"}
    following = adapter.next_turn(
        {"model": "m", "input": "hi", "tools": [{"type": "custom", "name": "sql"}]},
        answer({"type": "reasoning", "id": "rs_1", "summary": []}, call),
        [Message("tool", (ToolResult("c1", "1"),))],
        "echo",
    )
    assert following["input"] == [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        call,
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
    ]


def test_server_sends_the_new_turns_and_the_id_of_the_answer() -> None:
    turn = [Message("tool", (ToolResult("c1", "1"),))]
    old = {"model": "m", "input": "hi", "tools": []}
    new = [{"type": "function_call_output", "call_id": "c1", "output": "1"}]
    assert adapter.next_turn(old, answer(), turn, "server") == {
        **old,
        "previous_response_id": "resp_1",
        "input": new,
    }
    conversation = {**old, "conversation": "conv_1"}
    assert adapter.next_turn(conversation, answer(), turn, "server") == {**conversation, "input": new}
    with pytest.raises(CallFailed, match="no id") as failed:
        adapter.next_turn(old, {"output": []}, turn, "server")
    assert failed.value.exit is Exit.UNAVAILABLE


# progress


DRAFT = {"type": "response.image_generation_call.partial_image"}


def test_a_stream_shows_phases_text_reasoning_calls_and_pictures() -> None:
    seen = [
        adapter.progress(event)
        for event in events(
            {"type": "response.output_item.added", "item": {"type": "message", "phase": "commentary"}},
            {"type": "response.output_text.delta", "delta": "hi"},
            {"type": "response.refusal.delta", "delta": "no"},
            {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
            {"type": "response.reasoning_summary_part.added", "summary_index": 0},
            {"type": "response.reasoning_summary_part.added", "summary_index": 1},
            {"type": "response.output_item.added", "item": {"type": "function_call", "name": "f"}},
            {"type": "response.image_generation_call.in_progress"},
            {"type": "response.image_generation_call.generating"},
            {**DRAFT, "partial_image_index": 1, "partial_image_b64": "iVBO"},
            {**DRAFT, "partial_image_index": "x", "partial_image_b64": 5},
            {"type": "response.image_generation_call.completed"},
            {"type": "response.output_item.added", "item": {"type": "message"}},
            {"type": "response.new_thing", "delta": "x"},
            "[DONE]",
        )
    ]
    assert seen == [
        Event("phase", "commentary"),
        Event("text", "hi"),
        Event("refusal", "no"),
        Event("reasoning", "hm"),
        None,
        Event("reasoning", "\n\n"),
        Event("tool_call", "f"),
        Event("image"),
        Event("image"),
        Event("image", "2", "iVBO"),
        Event("image"),
        None,
        Event("phase", ""),
        None,
        None,
    ]


# fold


def test_a_whole_body_is_itself() -> None:
    assert adapter.fold([WireEvent([1], whole=True)]).body == [1]


def test_the_output_that_the_last_event_leaves_out_is_gathered() -> None:
    folded = adapter.fold(
        events(
            {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
            {"type": "response.output_item.done", "output_index": 1, "item": said("b")},
            {"type": "response.output_item.done", "output_index": 0, "item": said("a")},
            {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}},
        )
    )
    assert folded.complete
    assert [part.text for part in adapter.read(folded.body).parts if isinstance(part, TextPart)] == ["a", "b"]


def test_a_picture_that_only_its_own_event_brings_is_part_of_the_answer() -> None:
    call = {"type": "image_generation_call", "id": "ig_1", "status": "completed"}
    other = {**call, "id": "ig_2", "result": "AAAA"}
    bare = {"id": "r", "status": "completed", "output": [said("a"), {**call, "result": None}, other]}
    done = {"type": "response.output_item.done", "output_index": 1, "item": {**call, "result": "iVBO"}}
    draft = {"type": "response.image_generation_call.partial_image", "output_index": 1, "partial_image_b64": "BBBB"}
    folded = adapter.fold(events(draft, done, {"type": "response.completed", "response": bare}))
    assert folded == Folded({**bare, "output": [said("a"), {**call, "result": "iVBO"}, other]}, True)
    cut = adapter.fold(events(draft, done))
    assert (cut.complete, cut.body["output"]) == (False, [{**call, "result": "iVBO"}])
    # A server that leaves items out of its last event counts otherwise there.
    fewer = {**bare, "output": [{**call, "result": None}]}
    folded = adapter.fold(events(done, {"type": "response.completed", "response": fewer}))
    assert folded.body["output"] == [{**call, "result": "iVBO"}]
    assert len(adapter.read(cut.body).images) == 1


def test_a_cut_stream_keeps_what_came() -> None:
    folded = adapter.fold(
        events(
            {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}},
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"},
            {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "\ud83e"},
            {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "\udd8a"},
            {"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "name": "f"}},
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"a'},
        )
    )
    assert not folded.complete
    read = adapter.read(folded.body)
    assert read.state == "error"
    assert read.failure is not None
    assert read.failure.kind == "protocol"
    assert read.parts == (
        ReasoningPart(text="hm"),
        TextPart(text="🦊"),
        ToolCallPart(name="f", arguments='{"a'),
    )


def test_items_without_an_index_follow_one_another() -> None:
    folded = adapter.fold(
        events(
            {"type": "response.output_item.added", "item": {"type": "message", "id": "a", "content": []}},
            {"type": "response.output_text.delta", "delta": "x"},
            {"type": "response.output_item.done", "item": said("xy", id="a")},
            {"type": "response.output_item.added", "item": {"type": "message", "id": "b", "content": []}},
            {"type": "response.output_text.delta", "delta": "z"},
        )
    )
    assert adapter.read(folded.body).text == "xyz"
    done = {"type": "response.output_item.done"}
    assert adapter.fold(events({**done, "item": said("a")}, {**done, "item": said("b")})).body["output"] == [
        said("a"),
        said("b"),
    ]


def call(at: int, arguments: str = "") -> Any:
    return {"type": "function_call", "id": f"fc_{at}", "call_id": f"c{at}", "name": f"f{at}", "arguments": arguments}


PIECES = {"type": "response.function_call_arguments.delta"}


@pytest.mark.parametrize(
    "pieces",
    [
        # the arguments only as a whole
        [
            {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'},
            {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": '{"b":2}'},
        ],
        # in pieces, and then as a whole
        [
            {**PIECES, "output_index": 0, "delta": '{"a"'},
            {**PIECES, "output_index": 1, "delta": '{"b":2}'},
            {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'},
        ],
        # in pieces, which the items that are done do not repeat
        [
            {**PIECES, "output_index": 0, "delta": '{"a":1}'},
            {"type": "response.output_item.done", "output_index": 0, "item": call(0)},
            {**PIECES, "output_index": 1, "delta": '{"b":2}'},
            {"type": "response.output_item.done", "output_index": 1, "item": call(1)},
        ],
        # known by the items' ids alone
        [
            {**PIECES, "item_id": "fc_0", "delta": '{"a"'},
            {**PIECES, "item_id": "fc_1", "delta": '{"b":2}'},
            {**PIECES, "item_id": "fc_0", "delta": ":1}"},
        ],
    ],
)
def test_arguments_are_those_that_came_however_a_stream_brings_them(pieces: list[Any]) -> None:
    begun = [{"type": "response.output_item.added", "output_index": at, "item": call(at)} for at in (0, 1)]
    ended = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}
    folded = adapter.fold(events(*begun, *pieces, ended))
    assert [each.arguments for each in adapter.read(folded.body).tool_calls] == [{"a": 1}, {"b": 2}]


def test_an_error_without_a_type_is_an_answer_that_failed_too() -> None:
    folded = adapter.fold(events({"error": "out of memory"}))
    assert folded.complete
    read = adapter.read(folded.body)
    assert (read.state, read.failure and read.failure.message) == ("error", "out of memory")


def test_an_error_event_is_an_answer_that_failed() -> None:
    folded = adapter.fold(
        events(
            {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
            {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "sequence_number": 1},
        )
    )
    assert folded.complete
    read = adapter.read(folded.body)
    assert (read.state, read.failure and read.failure.kind) == ("error", "rate_limit")


def test_a_stream_of_nothing_known_is_empty_and_not_complete() -> None:
    folded = adapter.fold(events({"hello": 1}, "[DONE]"))
    assert (folded.body, folded.complete) == ({}, False)
    with pytest.raises(CallFailed, match="no response"):
        adapter.read(folded.body)


# read


def test_an_answer_is_read_in_its_order() -> None:
    read = adapter.read(
        answer(
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}, {"text": "b"}]},
            {"type": "reasoning", "summary": []},
            said("looking", phase="commentary"),
            {"type": "web_search_call", "id": "ws_1"},
            said("done", phase="final_answer"),
            model="m-2026",
            service_tier="default",
        )
    )
    assert read.parts == (
        ReasoningPart(text="a\n\nb"),
        TextPart(text="looking", phase="commentary"),
        NativePart(item={"type": "web_search_call", "id": "ws_1"}),
        TextPart(text="done", phase="final_answer"),
    )
    assert (read.state, read.text, read.finish_reason) == ("ok", "done", "completed")
    assert (read.served_model, read.service_tier) == ("m-2026", "default")


def test_arguments_are_an_object_or_the_exact_text() -> None:
    def called(arguments: Any) -> Any:
        item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
        return adapter.read(answer(item)).tool_calls[0].arguments

    assert called('{"a": 1}') == {"a": 1}
    assert called("[1]") == "[1]"
    assert called('{"a": NaN}') == '{"a": NaN}'
    assert called({"a": 1}) == {"a": 1}
    assert (called(None), called("")) == ({}, {})
    assert called(PICTURE) == {"$media": PICTURE.digest, "mime": "image/png", "as": "base64"}
    assert called("[" * 100_000) == "[" * 100_000


BLOCKED = {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "x"}


def drawing(result: Any, **more: Any) -> Any:
    return {"type": "image_generation_call", "status": "completed" if result else "failed", "result": result, **more}


@pytest.mark.parametrize(
    ("body", "state", "kind"),
    [
        (answer(said("x")), "ok", None),
        (answer({"type": "function_call", "name": "f", "arguments": "{}"}), "tool_calls", None),
        (answer({"type": "custom_tool_call", "name": "f", "input": ""}), "tool_calls", None),
        (
            answer({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}),
            "refused",
            None,
        ),
        (
            answer(said("x"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "incomplete",
            None,
        ),
        (answer(status="incomplete", incomplete_details={"reason": "content_filter"}), "blocked", "safety"),
        (answer(status="failed", error={"code": "server_error", "message": "x"}), "error", "server"),
        (answer(status="failed", error={"code": "rate_limit_exceeded", "message": "x"}), "error", "rate_limit"),
        (answer(status="failed", error={"code": "image_content_policy_violation"}), "blocked", "safety"),
        (answer(status="failed", error={"code": "invalid_prompt"}), "error", "invalid"),
        (answer(status="cancelled"), "error", "server"),
        ({"error": {"code": 429, "message": "x"}}, "error", "rate_limit"),
        ({"error": "broken"}, "error", "server"),
        (answer(status="queued"), "error", "protocol"),
        (answer(said("sorry"), tool_choice={"type": "image_generation"}), "ok", None),
        (answer(drawing(None)), "no_image", "server"),
        (answer(drawing(None, error={"code": "server_error", "message": "x"}), said("sorry")), "no_image", "server"),
        (answer(drawing(None, error=BLOCKED)), "blocked", "safety"),
        (answer(drawing(None), drawing(None, error="odd"), drawing("", error=BLOCKED)), "blocked", "safety"),
        (answer(drawing(None, error=BLOCKED), drawing("iVBO")), "ok", None),
        (answer(drawing("iVBO", status="generating")), "ok", None),
        (answer(drawing(None), {"type": "function_call", "name": "f", "arguments": "{}"}), "tool_calls", None),
        (answer(drawing("iVBO"), status="incomplete"), "incomplete", None),
    ],
)
def test_each_way_to_end_has_its_state(body: Any, state: str, kind: str | None) -> None:
    read = adapter.read(body)
    assert read.state == state
    assert (read.failure and read.failure.kind) == kind


def test_a_refusal_beside_words_is_an_answer() -> None:
    content = [{"type": "output_text", "text": "but"}, {"type": "refusal", "refusal": "no"}]
    read = adapter.read(answer({"type": "message", "content": content}))
    assert read.state == "ok"
    assert read.parts == (TextPart(text="but"), RefusalPart(text="no"))


def test_a_picture_says_what_was_served() -> None:
    told = {"size": "1536x1024", "output_format": "webp", "action": "edit", "new": {"a": [1]}}
    item = drawing(PICTURE, id="ig_1", revised_prompt="a fox", background=None, svg_usage={"model": "x"}, **told)
    read = adapter.read(answer(item, tools=[{"type": "image_generation", "size": "auto"}]))
    assert (read.state, read.missing) == ("ok", None)
    assert read.images == (
        ImagePart(media=PICTURE.digest, mime="image/webp", id="ig_1", served=told, revised_prompt="a fox"),
    )
    plain = adapter.read(answer(drawing(PICTURE)))
    assert plain.images == (ImagePart(media=PICTURE.digest),)
    broken = adapter.read(answer(drawing("no base64", output_format="svg")))
    assert broken.images == (ImagePart(mime="image/svg+xml", served={"output_format": "svg"}),)


def test_pictures_and_words_stand_in_order_and_those_that_did_not_come_are_told() -> None:
    lost = drawing(None, id="ig_2", error=BLOCKED)
    read = adapter.read(answer(said("one"), drawing(PICTURE), said("two"), lost, drawing(PICTURE)))
    kinds = [part.type for part in read.parts]
    assert (read.state, read.missing, kinds) == ("ok", 1, ["text", "image", "text", "native", "image"])
    assert read.parts[3] == NativePart(item=lost)


def test_bytes_in_items_that_are_not_interpreted_are_no_words() -> None:
    output = {"type": "image", "url": "data:image/png;base64,eA=="}
    (part,) = adapter.read(answer({"type": "code_interpreter_call", "outputs": [output]})).parts
    shown = {"$media": PICTURE.digest, "mime": "image/png", "as": "data-url"}
    assert part == NativePart(item={"type": "code_interpreter_call", "outputs": [{**output, "url": shown}]})


@pytest.mark.parametrize(
    ("choice", "tools", "count"),
    [
        ({"type": "image_generation"}, [], 1),
        ("required", [{"type": "image_generation"}], 1),
        ("required", [{"type": "image_generation"}, {"type": "function", "name": "f"}], 0),
        ("required", [], 0),
        ("auto", [{"type": "image_generation"}], 0),
        (None, [{"type": "image_generation"}], 0),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "image_generation"}]}, [], 1),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "image_generation"}]}, [], 0),
    ],
)
def test_a_picture_is_wanted_where_the_model_must_draw(choice: Any, tools: Any, count: int) -> None:
    assert adapter.wanted({"model": "m", "tools": tools, "tool_choice": choice}) == count


def test_usage_is_read_as_far_as_it_is_numbers() -> None:
    read = adapter.read(
        answer(
            {"type": "image_generation_call", "result": "iVBO"},
            usage={
                "input_tokens": 900,
                "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": True},
                "output_tokens": "60",
                "output_tokens_details": None,
                "total_tokens": 960,
            },
            tool_usage={"image_gen": {"output_tokens": 1584}},
        )
    )
    assert read.usage is not None
    assert read.usage.model_dump(exclude_none=True) == {
        "input_tokens": 900,
        "cached_input_tokens": 5,
        "total_tokens": 960,
        "images": 1,
        "tools": {"image_gen": {"output_tokens": 1584}},
    }
    assert adapter.read(answer()).usage is None


def test_what_authors_of_vector_drawings_used_stands_beside_the_tokens_of_the_model() -> None:
    told = {"model": "m", "input_tokens": 5, "output_tokens": 7, "new": True}
    read = adapter.read(answer(drawing("iVBO", svg_usage=told), drawing("iVBO", svg_usage=told)))
    assert read.usage is not None
    assert read.usage.model_dump(exclude_none=True) == {
        "images": 2,
        "tools": {"svg_usage": {"model": "m", "input_tokens": 10, "output_tokens": 14, "new": True}},
    }


@pytest.mark.parametrize("foreign", [None, [], "<html>", 1, {}, {"output": {}}, {"choices": []}])
def test_what_is_no_answer_of_the_api_is_a_failure(foreign: Any) -> None:
    with pytest.raises(CallFailed) as failed:
        adapter.read(foreign)
    assert failed.value.failure.kind == "protocol"
    assert failed.value.exit is Exit.UNAVAILABLE
