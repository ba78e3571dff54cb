from __future__ import annotations

import base64
from typing import Any

import pytest

from plcli.errors import SpecError
from plcli.exchange import Target
from plcli.media import MediaRef, Redacted, digest_of
from plcli.providers import gemini as adapter
from plcli.providers.gemini_contents import UNSIGNED
from plcli.request import (
    BuiltinTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Request,
    Text,
    ToolCall,
    ToolResult,
)
from plcli.specs import ModelSpec, Vertex

GEMINI = Request("gemini", "generate_content", "m")
TARGET = Target("generateContent", "gemini-3.8-flash")
LIFTED = MediaRef(digest_of(b"x"), "image/png")


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def call(identity: str | None = "f1", name: str = "get_weather") -> Any:
    known = {} if identity is None else {"id": identity}
    return {"functionCall": {**known, "name": name, "args": {"city": "Oslo"}}}


def content(role: str, *parts: Any) -> Any:
    return {"role": role, "parts": list(parts)}


# defaults


@pytest.mark.parametrize(
    ("body", "vertex", "stored"),
    [({}, None, False), ({"store": True}, None, True), ({}, Vertex(project="p"), None)],
)
def test_an_answer_is_not_stored_unless_the_spec_says_so(body: Any, vertex: Vertex | None, stored: bool | None) -> None:
    model = ModelSpec(kind="model", provider="gemini", model="m", vertex=vertex)
    assert adapter.defaults(GEMINI._replace(body=body), model).body.get("store") is stored
    assert adapter.defaults(GEMINI._replace(body={"store": None})).body == {"store": None}


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ((FunctionTool("f"), BuiltinTool({"type": "google_search"})), True),
        ((FunctionTool("f"),), None),
        ((BuiltinTool({"type": "google_search"}), BuiltinTool({"type": "url_context"})), None),
        ((FunctionTool("f"), BuiltinTool({"functionDeclarations": []})), None),
    ],
)
def test_functions_beside_built_in_tools_need_a_switch(tools: Any, said: bool | None) -> None:
    body = {"toolConfig": {"retrievalConfig": {}}}
    config = adapter.defaults(GEMINI._replace(tools=tools, body=body)).body["toolConfig"]
    assert config.get("includeServerSideToolInvocations") is said
    assert config["retrievalConfig"] == {}


def test_the_first_call_of_each_step_since_the_user_spoke_gets_a_signature() -> None:
    made = ToolCall("f1", "get_weather", {"city": "Oslo"})
    signed = Native({**call(), "thoughtSignature": "skip_thought_signature_validator"})
    result = Message("tool", (ToolResult("f1", "3", "get_weather"),))
    native = Message("assistant", (Native(call()), made))
    before = (Message("assistant", (made,)), result, user("and?"))
    step = Message("assistant", (Text("a"), made, made))
    after = adapter.defaults(GEMINI._replace(messages=(*before, step, native))).messages
    assert after == (*before, Message("assistant", (Text("a"), signed, made)), native)
    assert adapter.loosen(after[3]).losses == ()


def test_a_user_turn_of_which_nothing_is_carried_begins_no_new_step() -> None:
    made = Message("assistant", (ToolCall("f1", "f", {}),))
    after = adapter.defaults(GEMINI._replace(messages=(made, user(Image("https://x.org/a.png"))))).messages
    assert isinstance(after[0].parts[0], Native)


# uncompile


def test_a_wire_is_read_as_far_as_it_is_understood() -> None:
    signed = {**call(), "thoughtSignature": "Cs…"}
    odd = {"parts": [{"text": "no role"}]}
    read = adapter.uncompile(
        {
            "systemInstruction": {"role": "user", "parts": [{"text": "be terse"}]},
            "contents": [odd, content("model", signed, {"text": "a", "thought": True}), content("user", {})],
            "tools": [
                {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]},
                {"google_search": {}},
            ],
            "safetySettings": [],
        },
        TARGET,
    )
    assert read.messages == (
        Message("system", (Text("be terse"),)),
        Message("user", (Native(odd),)),
        Message("assistant", (Native(signed), Native({"text": "a", "thought": True}))),
        Message("user", (Native({}),)),
    )
    assert read.tools == (
        BuiltinTool({"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}),
        BuiltinTool({"google_search": {}}),
    )
    assert read.body == {"systemInstruction": {"role": "user"}, "safetySettings": []}


def test_a_wire_that_is_no_object_is_a_problem() -> None:
    with pytest.raises(SpecError, match="must be an object"):
        adapter.uncompile([], TARGET)


# next_turn


def test_the_next_turn_echoes_the_models_content_verbatim() -> None:
    said = content("model", {**call(), "thoughtSignature": "Cs…"}, {"unknownPart": {"x": None}}, {})
    old = {"contents": [content("user", {"text": "hi"})], "store": False}
    turns = (Message("tool", (ToolResult("f1", '{"t":3}'),)), Message("user", (Text("and?"),)))
    following = adapter.next_turn(old, {"candidates": [{"content": said}]}, turns, "echo")
    result = {"functionResponse": {"id": "f1", "name": "get_weather", "response": {"output": {"t": 3}}}}
    assert following == {
        "contents": [*old["contents"], said, content("user", result), content("user", {"text": "and?"})],
        "store": False,
    }


def test_the_next_turn_says_whose_words_they_were_and_leaves_out_an_answer_without_parts() -> None:
    following = adapter.next_turn({}, {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}, (), "echo")
    assert following == {"contents": [content("model", {"text": "a"})]}
    assert adapter.next_turn({}, {"candidates": [{"content": {"role": "model"}}]}, (), "echo") == {"contents": []}


def test_a_system_message_of_the_next_turn_joins_the_instruction() -> None:
    old = {"systemInstruction": {"role": "user", "parts": [{"text": "a"}]}}
    following = adapter.next_turn(old, {}, (Message("system", (Text("b"),)),), "echo")
    assert following["systemInstruction"] == {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}


# loosen


@pytest.mark.parametrize(
    ("item", "turns", "lost"),
    [
        ({**call(), "thoughtSignature": "s"}, [Message("user", (ToolCall("f1", "get_weather", {"city": "Oslo"}),))],
         ["content[0].thoughtSignature"]),
        ({"functionCall": {"name": "f"}}, [Message("user", (ToolCall(None, "f", {}),))], []),
        ({"text": "a", "thoughtSignature": "s", "partMetadata": {"x": 1}}, [user("a")],
         ["content[0].thoughtSignature", "content[0].partMetadata"]),
        ({"text": "", "thoughtSignature": "s"}, [], ["content[0].thoughtSignature"]),
        ({"text": "a", "thought": True}, [], ["content[0]"]),
        ({"inlineData": {"mimeType": "image/png", "data": LIFTED, "displayName": "x"}}, [user(Image(LIFTED))],
         ["content[0].inlineData.displayName"]),
        ({"fileData": {"fileUri": "gs://x"}}, [], ["content[0]"]),
        ({"fileData": {"mimeType": "image/png", "fileUri": "https://x.org/a.png", "displayName": "a"}},
         [user(Image("https://x.org/a.png"))], ["content[0].fileData.displayName"]),
        ({"file_data": {"mime_type": "application/pdf", "file_uri": "https://x.org/a"}},
         [user(File("https://x.org/a"))], []),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.org/a"}}, [], ["content[0]"]),
        ({"fileData": {"mimeType": "image/png", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x"}},
         [], ["content[0]"]),
        ({"function_call": {"id": "f1", "name": "f", "args": {"a_b": 1}}, "thought_signature": UNSIGNED},
         [Message("user", (ToolCall("f1", "f", {"a_b": 1}),))], []),
        ({"functionCall": {"name": "f"}, "thoughtSignature": base64.b64encode(UNSIGNED.encode()).decode()},
         [Message("user", (ToolCall(None, "f", {}),))], []),
        ({"function_response": {"name": "f", "response": {"output": {"a_b": 1}}}},
         [Message("tool", (ToolResult(None, '{"a_b":1}', "f"),))], []),
        ({"functionResponse": {"name": "f", "response": {"output": 1}, "parts": [{"fileData": {}}]}},
         [Message("tool", (ToolResult(None, (Text('{"output":1}'),), "f"),))], ["content[0].content[1]"]),
        ({"executableCode": {"code": "1"}}, [], ["content[0]"]),
        ({"functionResponse": {"id": "f1", "name": "f", "response": {"error": "no"}, "scheduling": "SILENT"}},
         [Message("tool", (ToolResult("f1", '{"error":"no"}', "f"),))], ["content[0].functionResponse.scheduling"]),
        ({"functionResponse": {"name": "f", "response": {"output": ""}, "parts": [{"fileData": {}}]}},
         [Message("tool", (ToolResult(None, (Text(""),), "f"),))], ["content[0].content[1]"]),
        ({"functionResponse": {"name": "f", "response": {"output": [1]}}},
         [Message("tool", (ToolResult(None, '{"output":[1]}', "f"),))], []),
        ({"functionResponse": {"name": "f", "response": {"output": Redacted("sha256:x")}}}, [], ["content[0]"]),
        ({"parts": [{"text": "a"}, {"fileData": {}}, {"text": "b", "thoughtSignature": "s"}]}, [user("a", "b")],
         ["content[0].parts[1]", "content[0].parts[2].thoughtSignature"]),
        ({"role": "model", "parts": [{"text": "a"}]}, [Message("assistant", (Text("a"),))], []),
        ({"role": "user", "parts": "odd"}, [], ["content[0]"]),
    ],
)  # fmt: skip
def test_native_items_become_neutral_and_each_loss_is_named(item: Any, turns: Any, lost: list[str]) -> None:
    loosened = adapter.loosen(Message("user", (Native(item),)))
    assert list(loosened.messages) == turns
    assert [loss.path for loss in loosened.losses] == lost
