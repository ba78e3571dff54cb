from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import Target
from plcli.media import MediaRef, digest_of
from plcli.providers import gemini as adapter
from plcli.providers.registry import adapter as adapter_of
from plcli.providers.registry import provider
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

TARGET = Target("generateContent", "gemini-3.8-flash")
DIGEST = digest_of(b"x")
PICTURE = MediaRef(DIGEST, "image/png", "data-url")
LIFTED = MediaRef(DIGEST, "image/png")


def request(*messages: Message, **fields: Any) -> Request:
    return Request("gemini", "generate_content", TARGET.model, messages, **fields)


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def wire(*messages: Message, **fields: Any) -> Any:
    return adapter.compile(request(*messages, **fields)).wire


def losses(*messages: Message, **fields: Any) -> dict[str, str]:
    return {loss.path: loss.hint or "" for loss in adapter.compile(request(*messages, **fields)).losses}


def function(name: str = "f", **fields: Any) -> FunctionTool:
    return FunctionTool(name, **fields)


def call(identity: str | None = "f1", name: str = "get_weather") -> Any:
    known = {} if identity is None else {"id": identity}
    return {"functionCall": {**known, "name": name, "args": {"city": "Oslo"}}}


def content(role: str, *parts: Any) -> Any:
    return {"role": role, "parts": list(parts)}


def test_the_registry_finds_the_adapter_with_all_its_functions() -> None:
    found = adapter_of(provider("gemini"), "generate_content")
    assert found is adapter
    assert all(hasattr(found, name) for name in adapter.__all__)


# compile


def test_a_plain_request_holds_no_model_and_adds_nothing() -> None:
    compiled = adapter.compile(request(user("hi")))
    assert compiled.wire == {"contents": [content("user", {"text": "hi"})]}
    assert (compiled.target, compiled.losses) == (TARGET, ())


def test_parts_stand_as_the_api_has_them() -> None:
    made = wire(
        Message("system", (Text("be terse"),)),
        Message("developer", (Text("be kind"),)),
        user(
            "look",
            Image(PICTURE),
            File(MediaRef(DIGEST, "application/pdf", "data-url"), "a.pdf"),
            Audio(MediaRef(DIGEST, "application/octet-stream"), "wav"),
            Native({"fileData": {"fileUri": "gs://x/y"}}),
        ),
        Message("assistant", (Text("I see"), ToolCall(None, "f", {"a": 1}))),
    )
    assert made["systemInstruction"] == {"parts": [{"text": "be terse"}, {"text": "be kind"}]}
    assert made["contents"] == [
        content(
            "user",
            {"text": "look"},
            {"inlineData": {"mimeType": "image/png", "data": LIFTED}},
            {"inlineData": {"mimeType": "application/pdf", "data": MediaRef(DIGEST, "application/pdf")}},
            {"inlineData": {"mimeType": "audio/wav", "data": MediaRef(DIGEST, "audio/wav")}},
            {"fileData": {"fileUri": "gs://x/y"}},
        ),
        content("model", {"text": "I see"}, {"functionCall": {"name": "f", "args": {"a": 1}}}),
    ]


def test_all_results_of_a_batch_stand_in_one_content_and_take_the_names_of_their_calls() -> None:
    made = wire(
        Message("assistant", (ToolCall("f1", "get_weather", {}), Native(call("f2", "add")))),
        Message("tool", (ToolResult("f1", '{"t":3}'),)),
        Message("tool", (ToolResult("f2", "3 °C"), ToolResult(None, "", "sql"))),
    )
    assert made["contents"][1:] == [
        content(
            "user",
            {"functionResponse": {"id": "f1", "name": "get_weather", "response": {"output": {"t": 3}}}},
            {"functionResponse": {"id": "f2", "name": "add", "response": {"output": "3 °C"}}},
            {"functionResponse": {"name": "sql", "response": {"output": ""}}},
        )
    ]


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ((Text("a"), Text("b")), {"response": {"output": "a\nb"}}),
        ((Text("a"), Image(PICTURE)), {"response": {"output": "a"}, "parts": 1}),
        ((Image(PICTURE),), {"response": {}, "parts": 1}),
        ((), {"response": {"output": ""}}),
    ],
)
def test_pictures_of_a_result_are_parts_beside_its_words(parts: Any, written: Any) -> None:
    made = wire(Message("tool", (ToolResult("f1", parts, "look"),)))["contents"][0]["parts"][0]["functionResponse"]
    pictures = {"parts": [{"inlineData": {"mimeType": "image/png", "data": LIFTED}}]} if "parts" in written else {}
    assert made == {"id": "f1", "name": "look", "response": written["response"], **pictures}


def test_functions_stand_in_one_list_and_built_in_tools_by_their_rest_names() -> None:
    schema = {"type": "object", "properties": {"city": {"$ref": "#/$defs/c"}}}
    made = wire(
        tools=(
            BuiltinTool({"type": "google_search", "excludeDomains": ["x"]}),
            function("a", description="A", parameters=schema),
            BuiltinTool({"type": "codeExecution"}),
            function("b"),
        )
    )
    assert made["tools"] == [
        {"googleSearch": {"excludeDomains": ["x"]}},
        {
            "functionDeclarations": [
                {"name": "a", "description": "A", "parametersJsonSchema": schema},
                {"name": "b"},
            ]
        },
        {"codeExecution": {}},
    ]


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, None, None),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), None, {"mode": "AUTO"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("none", ("f",)), True, {"mode": "NONE"}),
        (ToolChoice("required"), True, {"mode": "ANY"}),
        (ToolChoice("required", ("f",), forced=True), None, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", ("f", "g")), False, {"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]}),
    ],
)
def test_choice_and_strictness_make_one_mode(choice: ToolChoice | None, strict: bool | None, config: Any) -> None:
    made = wire(tools=(function(strict=strict),), tool_choice=choice)
    assert made.get("toolConfig") == (config and {"functionCallingConfig": config})
    assert losses(tools=(function(strict=strict),), tool_choice=choice) == {}


def test_params_output_and_pictures_stand_in_the_generation_config() -> None:
    made = wire(
        params={
            "temperature": 0.5, "top_p": 0.9, "top_k": 3, "max_output_tokens": 9, "stop": "END", "seed": 1,
            "presence_penalty": 1, "frequency_penalty": 2, "reasoning_effort": "low", "service_tier": "flex",
        },
        output=Output("answer", {"type": "object"}, strict=True),
        image={"aspectRatio": "16:9"},
    )  # fmt: skip
    assert made == {
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "16:9"},
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 3,
            "maxOutputTokens": 9,
            "seed": 1,
            "presencePenalty": 1,
            "frequencyPenalty": 2,
            "stopSequences": ["END"],
            "thinkingConfig": {"thinkingLevel": "LOW"},
        },
        "serviceTier": "flex",
    }


def test_the_body_has_the_last_word() -> None:
    made = wire(
        image={},
        params={"reasoning_effort": "none"},
        body={"generationConfig": {"responseModalities": ["IMAGE"], "thinkingConfig": {"includeThoughts": True}}},
    )
    assert made["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "thinkingConfig": {"thinkingBudget": 0, "includeThoughts": True},
    }


@pytest.mark.parametrize(
    ("modalities", "image", "body"),
    [
        (["TEXT", "IMAGE"], {"imageSize": "1K"}, {}),
        (["IMAGE"], {"imageSize": "1K"}, {"generationConfig": {"responseModalities": ["IMAGE"]}}),
        (["image", "AUDIO"], {"imageSize": "1K"}, {"generationConfig": {"responseModalities": ["image", "AUDIO"]}}),
        (
            ["TEXT"],
            None,
            {"generationConfig": {"imageConfig": {"imageSize": "1K"}, "responseModalities": ["TEXT"]}},
        ),
    ],
)
def test_a_wire_that_wants_pictures_beside_other_things_says_what_they_are_to_be_like(
    modalities: Any, image: Any, body: Any
) -> None:
    sent = {"generationConfig": {"responseModalities": modalities, "imageConfig": {"imageSize": "1K"}}}
    read = adapter.uncompile(sent, Target("generateContent", "m"))
    assert (read.image, read.body) == (image, body)
    assert adapter.compile(read).wire == sent


@pytest.mark.parametrize(
    ("fields", "path", "hint"),
    [
        ({"messages": (user(Image("https://x/y.png")),)}, "messages[0].content[0]", "download it"),
        ({"messages": (user(File("https://x/y.pdf")),)}, "messages[0].content[0]", "fileData"),
        ({"messages": (user(Image(PICTURE, "low")),)}, "messages[0].content[0].detail", "mediaResolution"),
        ({"messages": (user("hi"), Message("system", (Text("x"),)))}, "messages[1]", "start"),
        ({"messages": (Message("system", (Image(PICTURE),)),)}, "messages[0].content[0]", "drop"),
        ({"messages": (Message("tool", (ToolResult("f1", "x"),)),)}, "messages[0].content[0].name", "name"),
        (
            {"messages": (Message("tool", (ToolResult(None, (Image(PICTURE, "low"),), "f"),)),)},
            "messages[0].content[0].content[0].detail",
            "drop",
        ),
        (
            {"messages": (Message("assistant", (ToolCall("f1", "f", "no JSON"),)),)},
            "messages[0].content[0].arguments",
            "object",
        ),
        ({"tools": (CustomTool("sql"),)}, "tools[0]", "one string"),
        ({"tools": (BuiltinTool({"type": "web_search"}),)}, "tools[0]", "{type: google_search}"),
        ({"tools": (BuiltinTool({"type": "mcp"}),)}, "tools[0]", "drop"),
        (
            {
                "tools": (BuiltinTool({"type": "google_search"}),),
                "tool_choice": ToolChoice("required", ("google_search",), forced=True),
            },
            "tool_choice",
            "functions",
        ),
        ({"parallel_tool_calls": False}, "parallel_tool_calls", "drop"),
        ({"chain": "server"}, "chain", "chain: echo"),
        ({"output": Output("a", {}, description="x")}, "output.description", "schema"),
        ({"params": {"verbosity": "low"}}, "params.verbosity", "drop"),
        ({"params": {"reasoning_effort": "max"}}, "params.reasoning_effort", "xhigh"),
        ({"image": {"mask": "x"}}, "image.mask", "drop"),
        ({"image": {"n": 2}}, "image.n", "plcli image --count N"),
        (
            {"body": {"generationConfig": {"candidateCount": 2}}},
            "body.generationConfig.candidateCount",
            "several times",
        ),
        ({"omit": ("a..b",)}, "omit[0]", "path"),
    ],
)
def test_what_cannot_be_carried_is_a_loss_with_a_hint(fields: dict[str, Any], path: str, hint: str) -> None:
    found = losses(*fields.pop("messages", ()), **fields)
    assert list(found) == [path]
    assert hint in found[path]


def test_what_is_approximated_is_sent_all_the_same() -> None:
    made = wire(
        Message("system", (Text("first"),)),
        user("hi"),
        Message("system", (Text("later"),)),
        Message("assistant", (ToolCall("c", "sql", "select 1"),)),
        tools=(CustomTool("sql"),),
        tool_choice=ToolChoice("required", ("google_search", "sql")),
    )
    assert made["systemInstruction"] == {"parts": [{"text": "first"}, {"text": "later"}]}
    assert made["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": "select 1"}
    declared = made["tools"][0]["functionDeclarations"][0]
    assert declared["parametersJsonSchema"]["properties"] == {"input": {"type": "string"}}
