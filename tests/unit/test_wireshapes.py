"""Whose a wire is, by its address or by its shape."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import Target
from plcli.providers.registry import PROVIDERS, adapter
from plcli.wireshapes import OPERATIONS, Guess, guess, of_target, without_switches

RESPONSES = ("openai", "responses", "responses.create")
CHAT = ("openai", "chat", "chat.completions.create")
GENERATE, EDIT = ("openai", "images", "images.generate"), ("openai", "images", "images.edit")
GEMINI = ("gemini", "generate_content", "generateContent")
USER = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("wire", "asked"),
    [
        ({"model": "m", "input": "hi"}, (*RESPONSES, "m")),
        ({"model": "m", "input": USER, "stream": True}, (*RESPONSES, "m")),
        ({"model": "m", "prompt": {"id": "pmpt_1"}}, (*RESPONSES, "m")),
        ({"model": "m", "previous_response_id": "resp_1"}, (*RESPONSES, "m")),
        ({"input": "hi"}, (*RESPONSES, None)),
        ({"model": "m", "messages": USER}, (*CHAT, "m")),
        ({"model": 7, "messages": []}, (*CHAT, None)),
        ({"model": "", "messages": USER}, (*CHAT, None)),
        ({"contents": [{"parts": [{"text": "hi"}]}]}, (*GEMINI, None)),
        ({"contents": "hi", "model": "models/g"}, (*GEMINI, "g")),
        ({"model": "gpt-image-3", "prompt": "a cat"}, (*GENERATE, "gpt-image-3")),
        ({"model": "flux", "prompt": "a cat", "size": "64x64"}, (*GENERATE, "flux")),
        ({"model": "flux", "prompt": "a cat", "images": [{"file_id": "f"}]}, (*EDIT, "flux")),
        ({"model": "any", "messages": USER, "params": {"seed": 1}}, ("echo", "echo", "echo", "any")),
    ],
)
def test_a_wire_tells_by_its_shape_whose_it_is(wire: dict[str, Any], asked: tuple[Any, ...]) -> None:
    assert guess(wire) == Guess(*asked)


@pytest.mark.parametrize(
    "wire",
    [
        None, [], "hi", 7, {}, {"model": "m"},
        {"model": "text-embedding-4", "input": "hi"},
        {"model": "m", "input": ["hi"], "encoding_format": "float"},
        {"model": "m", "input": "hi", "voice": "ash"},
        {"model": "gpt-3.5-turbo-instruct", "prompt": "hi", "max_tokens": 7},
        {"model": "sora", "prompt": "a cat", "size": "64x64", "seconds": "4"},
        {"model": "c", "messages": USER, "max_tokens": 9, "system": "Be terse."},
        {"model": "c", "messages": USER, "max_tokens": 9, "tools": [{"name": "f", "input_schema": {}}, 7]},
        {"messages": "hi"}, {"input": {}}, {"contents": 7}, {"prompt": []},
    ],
)  # fmt: skip
def test_a_wire_of_another_shape_is_nobodys(wire: Any) -> None:
    assert guess(wire) is None


GOOGLE = "https://generativelanguage.googleapis.com/v1beta/"
VERTEX = "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://api.openai.com/v1/responses", (*RESPONSES, "m")),
        ("/v1/responses", (*RESPONSES, "m")),
        ("https://openrouter.ai/api/v1/chat/completions?x=1#y", (*CHAT, "m")),
        ("http://[::1]:8000/v1/chat/completions/", (*CHAT, "m")),
        ("https://r.openai.azure.com/openai/deployments/d%201/chat/completions?api-version=1", (*CHAT, "m")),
        ("https://r.openai.azure.com/openai/deployments/d/images/edits?api-version=1", (*EDIT, "m")),
        ("https://api.openai.com/v1/images/generations", (*GENERATE, "m")),
        (GOOGLE + "models/gemini-4:generateContent", (*GEMINI, "gemini-4")),
        (GOOGLE + "models/gemini-4:streamGenerateContent?alt=sse", (*GEMINI, "gemini-4")),
        (GOOGLE + "tunedModels/t:generateContent", (*GEMINI, "tunedModels/t")),
        (GOOGLE + "openai/chat/completions", (*CHAT, "m")),
        (VERTEX + "publishers/google/models/gemini-4:generateContent", (*GEMINI, "gemini-4")),
        (VERTEX + "endpoints/123:generateContent", (*GEMINI, "projects/p/locations/europe-west4/endpoints/123")),
    ],
)
def test_the_address_decides_where_there_is_one(url: str, asked: tuple[Any, ...]) -> None:
    assert guess({"model": "m"}, url) == Guess(*asked)


@pytest.mark.parametrize(
    "url",
    [
        "", "not a url", "http://[", "https://api.openai.com/v1", "https://api.openai.com/v1/embeddings",
        "https://api.openai.com/v1/responses/input_tokens", "https://api.openai.com/v1/responses/resp_1",
        "https://api.anthropic.com/v1/messages", GOOGLE + "models/g:countTokens", GOOGLE + "interactions",
        ":generateContent",
    ],
)  # fmt: skip
def test_an_address_of_something_else_is_nobodys_whatever_was_sent(url: str) -> None:
    assert guess({"model": "m", "input": "hi"}, url) is None


def test_a_deployment_is_the_model_where_the_body_names_none() -> None:
    found = guess({"messages": USER}, "https://r.openai.azure.com/openai/deployments/d/chat/completions")
    assert found == Guess(*CHAT, "d")


def test_every_operation_is_one_that_its_adapter_gives() -> None:
    known = {
        adapter(provider, api).target_of(wire, "m").operation: (provider.name, api)
        for provider in PROVIDERS.values()
        for api in provider.apis
        for wire in ({}, {"images": [{"file_id": "f"}]})
    }
    assert known == OPERATIONS
    assert of_target(Target("images.edit", "m")) == Guess(*EDIT, "m")
    assert of_target(Target("generateContent", "")) == Guess(*GEMINI, None)
    assert of_target(Target("files.create", "m")) is None


def test_what_only_says_how_an_answer_travels_is_no_part_of_a_request() -> None:
    wire = {"model": "m", "stream": True, "stream_options": {"include_usage": True}, "n": 1}
    assert without_switches("openai", wire) == {"model": "m", "n": 1}
    assert without_switches("echo", wire) == wire
