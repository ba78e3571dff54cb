"""Strategies of wires, requests and answers of OpenAI's apis: well-formed ones, odd ones, and any JSON at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from plcli.media import MediaRef, digest_of
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

Json = Any

words = st.text(max_size=8)
names = st.sampled_from(["get_weather", "add", "sql", "x-1"])
ids = st.sampled_from(["call_1", "call_2", "call_3"])
numbers = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | words
json_values: st.SearchStrategy[Json] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)
refs = st.builds(
    MediaRef,
    st.binary(max_size=3).map(digest_of),
    st.sampled_from(["image/png", "application/pdf", "audio/wav"]),
    st.sampled_from(["base64", "data-url", "base64url"]),
)
schemas = st.sampled_from(
    [
        {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        {"type": "object", "properties": {"city": {"type": "string"}}},
    ]
)


def objects(required: dict[str, st.SearchStrategy[Json]], **optional: st.SearchStrategy[Json]) -> Any:
    """Objects with these fields; sometimes one is odd, and sometimes there is one more."""
    plain = st.fixed_dictionaries(required, optional=optional)
    odd = st.tuples(plain, st.sampled_from([*required, *optional, "extra"]), json_values)
    return plain | odd.map(lambda made: {**made[0], made[1]: made[2]})


def constant(value: Json) -> Any:
    """Always this value."""
    return st.just(value)


argument_texts = st.one_of(
    st.dictionaries(words, leaves, max_size=2).map(lambda value: json.dumps(value, separators=(",", ":"))),
    st.dictionaries(words, leaves, max_size=2).map(json.dumps),
    st.sampled_from(["", "{", "[]", "NaN", '{"a":NaN}', '{"a":1,"a":2}', '{"a":1e999}', '"x"', "{}"]),
    words,
)

# Responses

input_parts = st.one_of(
    objects({"type": st.sampled_from(["input_text", "output_text"]), "text": words}),
    objects({"type": constant("input_image"), "image_url": refs | words}, detail=words),
    objects({"type": constant("input_file")}, file_data=refs | words, file_url=words, filename=words),
    json_values,
)
input_items = st.one_of(
    objects(
        {
            "role": st.sampled_from(["user", "assistant", "system", "developer"]),
            "content": words | st.lists(input_parts, max_size=3),
        },
        phase=st.sampled_from(["commentary", "final_answer"]),
    ),
    objects({"type": constant("function_call"), "call_id": ids, "name": names, "arguments": argument_texts}),
    objects({"type": constant("custom_tool_call"), "call_id": ids, "name": names, "input": words}),
    objects(
        {
            "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]),
            "call_id": ids,
            "output": words | st.lists(input_parts, max_size=2),
        }
    ),
    objects({"type": constant("reasoning"), "id": words, "summary": constant([])}, encrypted_content=words),
    json_values,
)
responses_tools = st.one_of(
    objects({"type": constant("function"), "name": names}, parameters=schemas, strict=st.booleans(), description=words),
    objects(
        {"type": constant("custom"), "name": names},
        description=words,
        format=objects({"type": st.sampled_from(["text", "grammar"])}, syntax=st.just("lark"), definition=words),
    ),
    objects({"type": constant("image_generation")}, size=words, n=numbers, mask=words,
            input_image_mask=objects({"image_url": refs})),
    objects({"type": constant("web_search")}),
    json_values,
)  # fmt: skip
modes = st.sampled_from(["auto", "none", "required"])
responses_entries = objects({"type": st.sampled_from(["function", "custom", "image_generation", "mcp"])}, name=names)
responses_wires = objects(
    {"model": constant("m")},
    input=words | st.lists(input_items, max_size=6),
    tools=st.lists(responses_tools, max_size=3),
    tool_choice=st.one_of(
        modes,
        responses_entries,
        objects({"type": constant("allowed_tools"), "mode": modes, "tools": st.lists(responses_entries, max_size=2)}),
    ),
    temperature=numbers,
    max_output_tokens=numbers,
    parallel_tool_calls=st.booleans(),
    reasoning=objects({}, effort=words, summary=words),
    text=objects(
        {},
        verbosity=words,
        format=objects({"type": words | constant("json_schema"), "name": words, "schema": schemas}, strict=leaves),
    ),
    previous_response_id=words,
    store=st.booleans(),
)

# Chat

chat_parts = st.one_of(
    objects({"type": constant("text"), "text": words}),
    objects({"type": constant("image_url"), "image_url": objects({"url": refs | words}, detail=words)}),
    objects({"type": constant("file"), "file": objects({}, file_data=refs | words, filename=words, file_id=words)}),
    objects({"type": constant("input_audio"), "input_audio": objects({"data": refs | words, "format": words})}),
    json_values,
)
chat_calls = st.one_of(
    objects(
        {
            "id": ids,
            "type": constant("function"),
            "function": objects({"name": names, "arguments": argument_texts}),
        }
    ),
    objects({"id": ids, "type": constant("custom"), "custom": objects({"name": names, "input": words})}),
    json_values,
)
chat_messages = st.one_of(
    objects(
        {
            "role": st.sampled_from(["user", "assistant", "system", "developer"]),
            "content": st.none() | words | st.lists(chat_parts, max_size=3),
        },
        tool_calls=st.lists(chat_calls, max_size=2),
    ),
    objects({"role": constant("tool"), "tool_call_id": ids, "content": words | st.lists(chat_parts, max_size=2)}),
    json_values,
)
chat_tools = st.one_of(
    objects(
        {
            "type": constant("function"),
            "function": objects({"name": names}, parameters=schemas, strict=st.booleans(), description=words),
        }
    ),
    objects(
        {
            "type": constant("custom"),
            "custom": objects(
                {"name": names},
                format=objects(
                    {"type": st.sampled_from(["text", "grammar"])},
                    grammar=objects({"syntax": st.just("lark")}, definition=words),
                ),
            ),
        }
    ),
    json_values,
)
chat_entries = objects(
    {"type": st.sampled_from(["function", "custom"])},
    function=objects({"name": names}),
    custom=objects({"name": names}),
)
chat_wires = objects(
    {"model": constant("m")},
    messages=st.lists(chat_messages, max_size=6),
    tools=st.lists(chat_tools, max_size=3),
    tool_choice=st.one_of(
        modes,
        chat_entries,
        objects(
            {
                "type": constant("allowed_tools"),
                "allowed_tools": objects({"mode": modes, "tools": st.lists(chat_entries, max_size=2)}),
            }
        ),
    ),
    web_search_options=objects(
        {},
        search_context_size=words,
        user_location=objects({"type": words, "approximate": objects({}, city=words, type=words)}),
    ),
    temperature=numbers,
    stop=words | st.lists(words, max_size=2),
    max_tokens=numbers,
    response_format=objects({"type": words | constant("json_schema"), "json_schema": objects({"name": words})}),
    n=numbers,
    stream=st.booleans(),
)

# Requests

texts = st.builds(Text, words)
pictures = st.builds(Image, refs | st.just("https://x/y.png"), st.none() | words)
documents = st.builds(File, refs, st.none() | words)
sounds = st.builds(Audio, refs, st.just("wav"))
natives = st.builds(Native, objects({"type": st.just("item_reference"), "id": words}))
calls = st.builds(
    ToolCall, ids, st.sampled_from(["get_weather", "add"]), st.dictionaries(words, words, max_size=2) | words
)
results = st.builds(ToolResult, ids, words | st.lists(texts, max_size=2).map(tuple), st.none() | names)


def turns(*user_parts: st.SearchStrategy[Any], phases: bool) -> Any:
    """Conversations with these parts in the user's messages."""
    spoken = st.builds(Text, words, st.none() | st.sampled_from(["commentary", "final_answer"])) if phases else texts
    return st.lists(
        st.one_of(
            st.builds(
                Message,
                st.sampled_from(["user", "system", "developer"]),
                st.lists(st.one_of(texts, *user_parts), max_size=3).map(tuple),
            ),
            st.builds(Message, st.just("assistant"), st.lists(spoken | calls, max_size=4).map(tuple)),
            st.builds(Message, st.just("tool"), st.lists(results, min_size=1, max_size=3).map(tuple)),
            st.builds(Message, st.just("user"), st.lists(natives, min_size=1, max_size=2).map(tuple)),
        ),
        max_size=5,
    ).map(tuple)


functions = st.builds(FunctionTool, names, st.none() | words, st.none() | schemas, st.none() | st.booleans())
free_tools = st.one_of(
    st.builds(CustomTool, st.just("query"), st.none() | words, st.none(), st.none(), st.booleans()),
    st.builds(CustomTool, st.just("query"), st.none() | words, st.just("lark"), st.none() | words, st.just(False)),
)
searches = st.builds(
    BuiltinTool, st.sampled_from([{"type": "web_search"}, {"type": "web_search", "search_context_size": "low"}])
)
choices = st.one_of(
    st.none(),
    modes.map(ToolChoice),
    st.builds(ToolChoice, st.just("required"), st.tuples(names), st.just(True)),
    st.tuples(st.sampled_from(["auto", "required"]), st.lists(names, min_size=1, max_size=2).map(tuple)).map(
        lambda chosen: ToolChoice(*chosen)
    ),
)
outputs = st.none() | st.builds(Output, words, schemas, st.none() | st.booleans(), st.none() | words)
shared_params: dict[str, Any] = {
    "temperature": numbers,
    "top_p": numbers,
    "max_output_tokens": st.integers(1, 99),
    "reasoning_effort": words,
    "verbosity": words,
    "service_tier": words,
}


def requests(api: str) -> Any:
    """Requests without `body`, of fields that the api can carry."""
    chat = api == "chat"
    more = {"stop": st.lists(words, max_size=2), "seed": st.integers()} if chat else {}
    parts = (pictures, documents, sounds) if chat else (pictures, documents)
    return st.builds(
        lambda **fields: Request(**fields),
        provider=st.just("openai"),
        api=st.just(api),
        model=st.just("m"),
        messages=turns(*parts, phases=not chat),
        tools=st.tuples(
            st.lists(functions | free_tools, max_size=3), st.lists(searches, max_size=1)
        ).map(lambda both: (*both[0], *both[1])),
        tool_choice=choices,
        parallel_tool_calls=st.none() | st.booleans(),
        output=outputs,
        params=st.fixed_dictionaries({}, optional={**shared_params, **more}),
        image=st.none() if chat else st.none() | st.fixed_dictionaries({}, optional={"size": words, "mask": refs}),
    )  # fmt: skip


# Answers

long_words = st.text(max_size=30) | st.just("🦊 läuft 😀")
counts = st.integers(0, 9999)
message_items = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "id": st.just("msg_1"),
        "role": st.just("assistant"),
        "status": st.just("completed"),
        "content": st.lists(
            st.fixed_dictionaries({"type": st.just("output_text"), "text": long_words, "annotations": st.just([])})
            | st.fixed_dictionaries({"type": st.just("refusal"), "refusal": long_words}),
            max_size=2,
        ),
    },
    optional={"phase": st.sampled_from(["commentary", "final_answer"])},
)
output_items = st.one_of(
    message_items,
    st.fixed_dictionaries(
        {
            "type": st.just("function_call"),
            "id": st.just("fc_1"),
            "call_id": ids,
            "name": names,
            "arguments": argument_texts,
            "status": st.just("completed"),
        }
    ),
    st.fixed_dictionaries({"type": st.just("custom_tool_call"), "call_id": ids, "name": names, "input": long_words}),
    st.fixed_dictionaries(
        {
            "type": st.just("reasoning"),
            "id": st.just("rs_1"),
            "summary": st.lists(
                st.fixed_dictionaries({"type": st.just("summary_text"), "text": long_words}), max_size=2
            ),
        },
        optional={"encrypted_content": words},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("image_generation_call"),
            "id": st.just("ig_1"),
            "status": st.just("completed"),
            "result": refs | st.none(),
            "size": words,
            "output_format": st.just("png"),
        }
    ),
    st.fixed_dictionaries({"type": st.just("web_search_call"), "id": st.just("ws_1")}),
    st.fixed_dictionaries(
        {"type": st.just("mcp_approval_request"), "id": ids, "server_label": words, "name": names,
         "arguments": argument_texts}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["shell_call", "local_shell_call"]), "id": words, "call_id": ids,
         "action": st.dictionaries(words, words, max_size=1)},
        optional={"environment": st.sampled_from([{"type": "local"}, {"type": "container_reference"}])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("computer_call"), "id": words, "call_id": ids, "action": st.just({"type": "screenshot"}),
         "pending_safety_checks": st.just([])}
    ),
    st.fixed_dictionaries({"type": st.just("apply_patch_call"), "id": words, "call_id": ids, "operation": words}),
    st.fixed_dictionaries({"type": st.just("shell_call_output"), "id": words, "call_id": ids, "output": st.just([])}),
)  # fmt: skip
responses_bodies = st.fixed_dictionaries(
    {
        "id": st.just("resp_1"),
        "object": st.just("response"),
        "model": st.just("m-2026"),
        "status": st.sampled_from(["completed", "incomplete", "failed"]),
        "output": st.lists(output_items, max_size=4),
        "usage": st.fixed_dictionaries({"input_tokens": counts, "output_tokens": counts, "total_tokens": counts}),
    },
    optional={
        "error": st.none() | st.just({"code": "server_error", "message": "broken"}),
        "incomplete_details": st.just({"reason": "max_output_tokens"}),
        "tool_choice": st.just({"type": "image_generation"}),
    },
)
plain_calls = st.one_of(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": names, "arguments": argument_texts}),
        }
    ),
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "type": st.just("custom"),
            "custom": st.fixed_dictionaries({"name": names, "input": long_words}),
        }
    ),
)
chat_answers = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | long_words, "refusal": st.none() | long_words},
    optional={
        "tool_calls": st.lists(plain_calls, min_size=1, max_size=3),
        "reasoning_content": long_words,
        "annotations": st.just([]),
        "images": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": refs | words})}
            ),
            max_size=2,
        ),
    },
)
chat_bodies = st.builds(
    lambda common, answers: {
        **common,
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
            for index, (message, reason) in enumerate(answers)
        ],
    },
    st.fixed_dictionaries(
        {
            "id": st.just("chatcmpl-1"),
            "object": st.just("chat.completion"),
            "model": st.just("m-2026"),
            "usage": st.fixed_dictionaries({"prompt_tokens": counts, "completion_tokens": counts}),
        },
        optional={"service_tier": words},
    ),
    st.lists(
        st.tuples(chat_answers, st.sampled_from(["stop", "length", "tool_calls", "content_filter"])),
        min_size=1,
        max_size=2,
    ),
)

# Hostile streams

event_types = st.sampled_from(
    [
        "response.created",
        "response.completed",
        "response.failed",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.refusal.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_part.added",
        "response.image_generation_call.partial_image",
        "error",
    ]
)
hostile_responses_events = json_values | objects(
    {"type": event_types},
    response=json_values | objects({}, output=json_values, status=json_values, error=json_values),
    item=json_values | input_items | output_items,
    output_index=leaves,
    content_index=leaves,
    summary_index=leaves,
    delta=json_values,
    error=json_values,
)
hostile_deltas = objects(
    {},
    role=leaves,
    content=json_values,
    reasoning=json_values,
    audio=json_values,
    function_call=json_values,
    tool_calls=json_values
    | st.lists(
        objects(
            {}, index=leaves, id=leaves, type=leaves, function=objects({}, name=json_values, arguments=json_values)
        ),
        max_size=3,
    ),
)
hostile_chat_events = (
    json_values
    | st.just("[DONE]")
    | objects(
        {},
        choices=json_values
        | st.lists(
            objects({}, index=leaves, delta=json_values | hostile_deltas, logprobs=json_values, finish_reason=leaves),
            max_size=2,
        ),
        usage=json_values,
        error=json_values,
        object=json_values,
    )
)
item_types = st.sampled_from(["message", "reasoning", "function_call", "custom_tool_call", "image_generation_call",
                              "mcp_approval_request", "shell_call", "computer_call", "shell_call_output"])  # fmt: skip
hostile_responses_bodies = json_values | objects(
    {"output": json_values | st.lists(json_values | objects(
        {"type": item_types},
        content=json_values | st.lists(input_parts, max_size=2), summary=json_values, name=json_values,
        arguments=json_values, result=json_values | refs, error=json_values, phase=json_values, call_id=json_values,
        id=json_values, action=json_values, environment=json_values,
    ), max_size=3)},
    status=json_values | st.sampled_from(["completed", "failed", "incomplete", "queued"]),
    error=json_values, incomplete_details=json_values, usage=json_values, tool_usage=json_values, tools=json_values,
    tool_choice=json_values, model=json_values, service_tier=json_values,
)  # fmt: skip
hostile_chat_bodies = json_values | objects(
    {"choices": json_values | st.lists(objects({}, message=json_values | hostile_deltas, finish_reason=json_values,
                                               error=json_values), max_size=2)},
    error=json_values, usage=json_values | objects({}, prompt_tokens_details=json_values), model=json_values,
)  # fmt: skip
