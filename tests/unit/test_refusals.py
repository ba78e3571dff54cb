"""The parameter that a server does not take is found in what it says, and the hint names it."""

from __future__ import annotations

import time

import pytest

from plcli.refusals import hint_of_refused, refused_parameter

SAYINGS = {
    "Unrecognized request argument supplied: stream_options": "stream_options",
    "Unrecognized request arguments supplied: store, metadata": "store",
    "Unknown parameter: 'store'.": "store",
    "Unknown parameter: 'tools[0].function.strict'.": "tools[0].function.strict",
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'": "max_tokens",
    "[{'type': 'extra_forbidden', 'loc': ('body', 'store'), 'msg': 'Extra inputs are not permitted'}]": "store",
    "body.stream_options.include_usage: Extra inputs are not permitted": "stream_options.include_usage",
    "body.model: Field required; body.store: Extra inputs are not permitted": "store",
    "unknown field `parallel_tool_calls`, expected one of `messages`, `model`": "parallel_tool_calls",
    "property 'tools.0.function.strict' is unsupported, did you mean 'description'?": "tools[0].function.strict",
    "Additional properties are not allowed ('store' was unexpected) - 'messages'": "store",
    "litellm.UnsupportedParamsError: ollama does not support parameters: ['parallel_tool_calls'], for x": (
        "parallel_tool_calls"
    ),
    "openai does not support parameters: {'store': False}": "store",
    "Unsupported param: max_completion_tokens": "max_completion_tokens",
    "Unrecognized key(s) in object: 'reasoning_effort'": "reasoning_effort",
    "Unknown model: gpt-9": None,
    "Unexpected role 'user' after role 'tool'": None,
    "Unknown parameter: 'messages[0].name'.": None,
    "unsupported field": None,
    "The parameter is not supported": None,
    "": None,
}


@pytest.mark.parametrize(("message", "path"), SAYINGS.items(), ids=[message[:40] for message in SAYINGS])
def test_the_path_is_read_from_what_servers_say(message: str, path: str | None) -> None:
    assert refused_parameter(message, None, None) == path


def test_a_code_and_a_param_say_it_without_words() -> None:
    assert refused_parameter("no", "unsupported_value", "temperature") == "temperature"
    assert refused_parameter("no", "unsupported_parameter", "tools.2.strict") == "tools[2].strict"
    assert refused_parameter("no", "unsupported_value", "messages[0].role") is None
    assert refused_parameter("no", "invalid_value", "temperature") is None


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("stream_options", "stream: {usage: false}"),
        ("stream_options.include_usage", "stream: {usage: false}"),
        ("stream", "--no-stream"),
        ("max_completion_tokens", "body: {max_tokens: …}"),
        ("tools[0].function.strict", "`tools[0].function.strict` out of the spec, or name it under `omit`"),
    ],
)
def test_the_hint_is_what_to_write(path: str, hint: str) -> None:
    assert hint in hint_of_refused(path)


@pytest.mark.parametrize("piece", ["unknown parameter ", "property '", "a.", "[{'extra_forbidden', ", "((", "a: "])
def test_no_message_makes_reading_slow(piece: str) -> None:
    started = time.perf_counter()
    refused_parameter((piece * 2000)[:2000], None, None)
    assert time.perf_counter() - started < 1
