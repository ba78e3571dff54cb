from __future__ import annotations

import base64
from typing import Any

import pytest

from plcli.failures import CallFailed
from plcli.media import MediaRef, digest_of
from plcli.providers.gemini_answer import read
from plcli.response import ImagePart, NativePart, ReasoningPart, TextPart, ToolCallPart, Usage

PICTURE = MediaRef(digest_of(b"x"), "image/png")
URL = "https://example.org/a.jpg"


def body(*parts: Any, reason: Any = "STOP", **fields: Any) -> Any:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": reason, "index": 0, **fields}
    return {"candidates": [candidate], "modelVersion": "m-1"}


def test_parts_are_read_in_order() -> None:
    drawn = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
    answer = read(
        body(
            {"text": "hm", "thought": True},
            {**drawn, "thought": True},
            {"text": "Here "},
            {"text": "it is", "thoughtSignature": "s"},
            {**drawn, "thoughtSignature": "s"},
            {"inline_data": {"mime_type": "image/png", "data": PICTURE}},
            {"text": "", "thoughtSignature": "s"},
            {"functionCall": {"id": "f1", "name": "f", "args": {"a": 1}}},
            {"functionCall": {"name": "g"}},
            {"inlineData": {"mimeType": "audio/wav", "data": PICTURE}},
            {"executableCode": {"code": "1"}},
            groundingMetadata={"webSearchQueries": ["q"]},
            citationMetadata={"citationSources": []},
        )
    )
    shown = {"$media": PICTURE.digest, "mime": "image/png", "as": "base64"}
    assert answer.parts == (
        ReasoningPart(text="hm"),
        NativePart(item={"inlineData": {"mimeType": "image/png", "data": shown}, "thought": True}),
        TextPart(text="Here it is"),
        ImagePart(media=PICTURE.digest, mime="image/png"),
        ImagePart(media=PICTURE.digest, mime="image/png"),
        ToolCallPart(id="f1", name="f", arguments={"a": 1}),
        ToolCallPart(name="g", arguments={}),
        NativePart(item={"inlineData": {"mimeType": "audio/wav", "data": shown}}),
        NativePart(item={"executableCode": {"code": "1"}}),
        NativePart(item={"groundingMetadata": {"webSearchQueries": ["q"]}}),
    )
    assert (answer.state, answer.finish_reason, answer.served_model) == ("tool_calls", "STOP", "m-1")


@pytest.mark.parametrize(
    ("part", "picture"),
    [
        (
            {"inlineData": {"mimeType": "image/odd", "data": PICTURE}},
            {"media": PICTURE.digest, "mime": "image/odd"},
        ),
        ({"inlineData": {"mimeType": "image/png", "data": "no base64"}}, {"mime": "image/png"}),
        ({"fileData": {"mimeType": "image/jpeg", "fileUri": URL}}, {"mime": "image/jpeg", "url": URL}),
        ({"file_data": {"mime_type": "image/jpeg", "file_uri": URL}}, {"mime": "image/jpeg", "url": URL}),
        ({"fileData": {"mimeType": "image/jpeg", "fileUri": URL}, "thought": True}, None),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": URL}}, None),
        ({"fileData": {"fileUri": URL}}, None),
        ({"fileData": {"mimeType": "image/jpeg", "fileUri": 5}}, None),
        ({"inlineData": {"mimeType": "image/png"}}, None),
        ({"inlineData": {"mimeType": "image/png", "data": ""}}, None),
        ({"inlineData": {"mimeType": 5, "data": PICTURE}}, None),
        ({"inlineData": "odd", "fileData": ["odd"]}, None),
    ],
)
def test_a_picture_is_bytes_of_a_type_or_the_address_of_a_file(part: Any, picture: Any) -> None:
    answer = read(body({"text": "a"}, part, {"text": "b"}))
    assert answer.parts[0] == TextPart(text="a")
    assert answer.images == (() if picture is None else (ImagePart(**picture),))
    assert len(answer.parts) == 3


def test_long_signatures_in_parts_that_are_not_interpreted_are_no_words() -> None:
    signature = base64.b64encode(bytes(range(256)) * 16).decode()
    (part,) = read(body({"executableCode": {"code": "1"}, "thoughtSignature": signature})).parts
    shown = {"$media": digest_of(bytes(range(256)) * 16), "mime": "application/octet-stream", "as": "base64"}
    assert part == NativePart(item={"executableCode": {"code": "1"}, "thoughtSignature": shown})


def test_other_candidates_are_native_parts() -> None:
    other = {"content": {"parts": [{"text": "b"}]}, "index": 1}
    whole = body({"text": "a"})
    whole["candidates"].append(other)
    assert read(whole).parts == (TextPart(text="a"), NativePart(item=other))


@pytest.mark.parametrize(
    ("reason", "state", "kind"),
    [
        ("STOP", "ok", None),
        ("FUNCTION_CALL", "ok", None),
        ("MAX_TOKENS", "incomplete", None),
        ("CONTINUATION", "incomplete", None),
        ("SAFETY", "blocked", "safety"),
        ("RECITATION", "blocked", "safety"),
        ("IMAGE_SAFETY", "blocked", "safety"),
        ("IMAGE_PROHIBITED_CONTENT", "blocked", "safety"),
        ("IMAGE_RECITATION", "blocked", "safety"),
        ("MODEL_ARMOR", "blocked", "safety"),
        ("ESCALATION", "blocked", "safety"),
        ("NO_IMAGE", "no_image", "invalid"),
        ("IMAGE_OTHER", "no_image", "invalid"),
        ("MALFORMED_FUNCTION_CALL", "error", "protocol"),
        ("UNEXPECTED_TOOL_CALL", "error", "protocol"),
        ("TOO_MANY_TOOL_CALLS", "error", "server"),
        ("MISSING_THOUGHT_SIGNATURE", "error", "invalid"),
        ("PUP_LIMITED_DISABLED", "error", "permission"),
        ("OTHER", "error", "server"),
        ("OF_NEXT_YEAR", "error", "server"),
        ("", "error", "protocol"),
        (None, "error", "protocol"),
        (3, "error", "protocol"),
    ],
)
def test_the_reason_to_finish_decides_the_state(reason: Any, state: str, kind: str | None) -> None:
    answer = read(body({"text": "so far"}, reason=reason, finishMessage="because"))
    assert (answer.state, answer.text) == (state, "so far")
    assert answer.failure is None if kind is None else answer.failure is not None
    if answer.failure is not None:
        assert answer.failure.kind == kind
        assert answer.failure.hint
        if isinstance(reason, str) and reason:
            assert answer.failure.code == reason
            assert "because" in answer.failure.message


def test_a_filtered_answer_names_the_categories() -> None:
    ratings = [
        {"category": "HARM_CATEGORY_HARASSMENT", "blocked": True},
        {"category": "HARM_CATEGORY_JAILBREAK"},
        "odd",
    ]
    failure = read(body(reason="SAFETY", safetyRatings=ratings)).failure
    assert failure is not None
    assert failure.message == "the answer was blocked: SAFETY HARM_CATEGORY_HARASSMENT"


def test_a_blocked_prompt_is_a_state_and_no_candidate_an_error() -> None:
    blocked = read({"promptFeedback": {"blockReason": "JAILBREAK"}, "usageMetadata": {"promptTokenCount": 4}})
    assert (blocked.state, blocked.finish_reason) == ("blocked", "JAILBREAK")
    assert blocked.failure is not None
    assert (blocked.failure.kind, blocked.failure.code) == ("safety", "JAILBREAK")
    for empty in ({"candidates": []}, {"promptFeedback": {}}, {"usageMetadata": {"promptTokenCount": 4}}):
        assert read(empty).state == "error"


def test_an_error_inside_an_answer_is_a_failure() -> None:
    answer = read({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}})
    assert answer.state == "error"
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.message) == ("server", "overloaded")


@pytest.mark.parametrize("foreign", [None, [], "x", {}, {"choices": []}, {"output": []}])
def test_the_body_of_another_api_is_a_failure_of_the_protocol(foreign: Any) -> None:
    with pytest.raises(CallFailed, match="none of generateContent") as raised:
        read(foreign)
    assert raised.value.failure.kind == "protocol"


def test_usage_counts_thoughts_as_output_and_tool_results_as_input() -> None:
    usage = {
        "promptTokenCount": 12, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 3,
        "candidatesTokenCount": 2590, "thoughtsTokenCount": 80,
        "totalTokenCount": 1387, "trafficType": "ON_DEMAND_FLEX",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 10}],
        "toolUsePromptTokensDetails": [{"modality": "IMAGE", "tokenCount": 4}, {"modality": "IMAGE"}, "odd"],
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 1290},
            {"modality": "TEXT", "tokenCount": 10},
            {"modality": "IMAGE", "tokenCount": 1290},
        ],
    }  # fmt: skip
    answer = read({**body({"inlineData": {"mimeType": "image/png", "data": PICTURE}}), "usageMetadata": usage})
    assert answer.usage == Usage(
        input_tokens=17, cached_input_tokens=3, image_input_tokens=14, output_tokens=2670, reasoning_tokens=80,
        image_output_tokens=2580, total_tokens=1387, images=1,
    )  # fmt: skip
    assert answer.service_tier == "flex"
