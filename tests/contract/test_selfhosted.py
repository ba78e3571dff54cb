"""Servers that are compatible with OpenAI in their own ways: what they get, and how their habits are read.

The habits are those of llama.cpp, vLLM, Ollama, LM Studio, LiteLLM and gateways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plcli.records import Record, parse
from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback, sse

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CITY = {"city": "Paris"}


class Answer(NamedTuple):
    """What must be made of an answer: state, text, reasoning, tool calls (name, arguments), total tokens."""

    state: str = "ok"
    text: str | None = "A cod."
    reasoning: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    tokens: int | None = None


CALLED = Answer("tool_calls", None, calls=(("get_weather", CITY),))
TWICE = CALLED._replace(calls=(("get_weather", CITY), ("get_time", {})))


def chunk(delta: Any = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served", "choices": [choice], **more}


def calling(*pieces: Mapping[str, Any], reason: str | None = "tool_calls") -> list[Any]:
    return [chunk({"role": "assistant"}), *(chunk({"tool_calls": [piece]}) for piece in pieces), chunk({}, reason)]


def said(message: Any, reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "served", "choices": [choice], **more}


def function(arguments: Any, name: str | None = "get_weather", **more: Any) -> dict[str, Any]:
    stated = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"index": 0, "type": "function", "function": stated, **more}


WORDS = [chunk({"role": "assistant", "content": ""}), chunk({"content": "A "}), chunk({"content": "cod."})]
END = [chunk({}, "stop"), "[DONE]"]

STREAMS: dict[str, tuple[list[Any] | bytes, Answer]] = {
    "no finish_reason, only the end marker": ([*WORDS, "[DONE]"], Answer()),
    "no end marker, only a finish_reason": ([*WORDS, chunk({}, "stop")], Answer()),
    "an empty finish_reason in every chunk": (
        [*(chunk({"content": word}, "") for word in ("A ", "cod.")), *END], Answer()
    ),
    "no usage": ([*WORDS, *END], Answer()),
    "usage in every chunk": (
        [*({**piece, "usage": {**USAGE, "total_tokens": n}} for n, piece in enumerate(WORDS, 3)), *END],
        Answer(tokens=5),
    ),
    "usage null until the end": (
        [*({**piece, "usage": None} for piece in WORDS), END[0], {**chunk(), "choices": [], "usage": USAGE}, "[DONE]"],
        Answer(tokens=5),
    ),
    "usage with the finish_reason": ([*WORDS, {**chunk({}, "stop"), "usage": USAGE}, "[DONE]"], Answer(tokens=5)),
    "the role in every chunk": (
        [*(chunk({"role": "assistant", "content": word}) for word in ("A ", "cod.")), *END], Answer()
    ),
    "no index": (
        [{"choices": [{"delta": {"content": word}}]} for word in ("A ", "cod.")] + ["[DONE]"], Answer()
    ),
    "content null in the first chunk": ([chunk({"role": "assistant", "content": None}), *WORDS, *END], Answer()),
    "content as a list": (
        [chunk({"content": [{"type": "text", "text": word}]}) for word in ("A ", "cod.")] + END, Answer()
    ),
    "reasoning_content": ([chunk({"reasoning_content": "Hm."}), *WORDS, *END], Answer(reasoning="Hm.")),
    "reasoning": ([chunk({"reasoning": "Hm."}), *WORDS, *END], Answer(reasoning="Hm.")),
    "both names for the reasoning": (
        [chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}), *WORDS, *END], Answer(reasoning="Hm.")
    ),
    "thoughts among the words": (
        [chunk({"content": "<think>Hm.</think>"}), *WORDS, *END], Answer(text="<think>Hm.</think>A cod.")
    ),
    "the tool's name in every chunk": (
        [*calling(function('{"city": ', id="a"), function('"Paris"}', id="a")), "[DONE]"], CALLED
    ),
    "the tool's name in every chunk, the id in the first": (
        [*calling(function('{"city": ', id="a"), function('"Paris"}')), "[DONE]"], CALLED
    ),
    "an empty name in later chunks": (
        [*calling(function('{"city": ', id="a"), function('"Paris"}', "", id="")), "[DONE]"], CALLED
    ),
    "a call without an id": ([*calling(function('{"city": "Paris"}')), "[DONE]"], CALLED),
    "a call without an index": (
        [*calling({"id": "a", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}), "[DONE]"],
        CALLED,
    ),
    "arguments as an object": ([*calling(function(CITY, id="a")), "[DONE]"], CALLED),
    "a call that ends with stop": ([*calling(function('{"city": "Paris"}', id="a"), reason="stop"), "[DONE]"], CALLED),
    "two calls that share index 0": (
        [*calling(function('{"city": "Paris"}', id="a"), function("{}", "get_time", id="b")), "[DONE]"], TWICE
    ),
    "two calls without index and id": (
        [
            *calling(
                *({"function": {"name": name, "arguments": arguments}}
                  for name, arguments in (("get_weather", '{"city": "Paris"}'), ("get_time", "{}")))
            ),
            "[DONE]",
        ],
        TWICE,
    ),
    "two calls in one chunk, both with index 0 and no id": (
        [
            chunk({"tool_calls": [function('{"city": "Paris"}'), function("{}", "get_time")]}), chunk({}, "stop"),
            "[DONE]",
        ],
        TWICE,
    ),
    "two calls of one tool with index 0 and no id": (
        [*calling(*(function(json.dumps({"city": city})) for city in ("Paris", "Rome"))), "[DONE]"],
        CALLED._replace(calls=(("get_weather", CITY), ("get_weather", {"city": "Rome"}))),
    ),
    "two calls with arguments as objects": (
        [*calling(function(CITY, id="a"), function({}, "get_time", id="b", index=1)), "[DONE]"], TWICE
    ),
    "calls with no arguments at all": (
        [
            *calling({"index": 0, "id": "a", "function": {"name": "get_time"}}, function("", "get_time", index=1)),
            "[DONE]",
        ],
        CALLED._replace(calls=(("get_time", {}), ("get_time", {}))),
    ),
    "CRLF, comments, pings, and no space after data": (
        sse([*WORDS, *END]).replace(b"data: ", b": ping\n\nevent: ping\n\ndata:").replace(b"\n", b"\r\n"), Answer()
    ),
    "a byte order mark, and blank lines first": (b"\xef\xbb\xbf\n\n" + sse([*WORDS, *END]), Answer()),
    "an error in the middle": (
        [*WORDS, {"error": {"message": "out of memory", "code": 500}}, "[DONE]"], Answer("error")
    ),
    "an error with the name of its event": (
        sse(WORDS) + b'event: error\ndata: {"message": "out of memory", "type": "server_error"}\n\n', Answer("error")
    ),
}  # fmt: skip

BODIES: dict[str, tuple[Any, Answer]] = {
    "no usage, no finish_reason": (said({"role": "assistant", "content": "A cod."}, None), Answer()),
    "content as a list": (
        said({"content": [{"type": "text", "text": "A "}, {"type": "text", "text": "cod."}]}),
        Answer(),
    ),
    "content null beside a call": (
        said({"content": None, "tool_calls": [function('{"city": "Paris"}', id="a")]}, "tool_calls"),
        CALLED,
    ),
    "arguments as an object, no id": (said({"content": "", "tool_calls": [function(CITY)]}), CALLED),
    "arguments in JSON of JSON": (
        said({"tool_calls": [function(json.dumps(json.dumps(CITY)), id="a")]}),
        CALLED._replace(calls=(("get_weather", json.dumps(json.dumps(CITY))),)),
    ),
    "reasoning beside the words": (
        said({"content": "A cod.", "reasoning_content": "Hm.", "tool_calls": [], "function_call": None, "audio": None}),
        Answer(reasoning="Hm."),
    ),
    "usage null": (said({"content": "A cod."}, usage=None), Answer()),
    "error null beside the answer": (said({"content": "A cod."}, error=None, usage=USAGE), Answer(tokens=5)),
}


SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A cod."}]}
CALL = {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Paris"}', "call_id": "a"}
DELTAS = [{"type": "response.output_text.delta", "delta": word, "item_id": "m"} for word in ("A ", "cod.")]
TOKENS = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def completed(*output: Any, **more: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": output, **more}}


RESPONSES: dict[str, tuple[list[Any] | dict[str, Any], Answer]] = {
    "no events but the deltas and the end": ([*DELTAS, completed(SAID, usage=TOKENS)], Answer(tokens=5)),
    "no output at the end": ([*DELTAS, completed(), "[DONE]"], Answer()),
    "the end alone": ([completed(SAID)], Answer()),
    "an end marker as on chat": ([{"type": "response.created"}, *DELTAS, completed(SAID), "[DONE]"], Answer()),
    "a call without deltas": (
        [{"type": "response.output_item.done", "output_index": 0, "item": CALL}, completed(CALL)], CALLED
    ),
    "a call with its arguments as an object": ([completed({**CALL, "arguments": CITY})], CALLED),
    "a call with no arguments": (
        [completed({**CALL, "arguments": ""})], CALLED._replace(calls=(("get_weather", {}),))
    ),
    "the text of the reasoning, unabridged": (
        [completed({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]}, SAID)],
        Answer(reasoning="Hm."),
    ),
    "usage null, error null": ([completed(SAID, usage=None, error=None)], Answer()),
    "no status": ({"id": "r", "object": "response", "output": [SAID]}, Answer()),
    "the end is missing": (DELTAS, Answer("error")),
    "an error as its last event": (
        [*DELTAS, {"type": "error", "message": "out of memory", "code": "server_error"}], Answer("error")
    ),
}  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, server: Loopback, cli: Cli) -> Callable[..., Outcome]:
    """`ask("--no-stream", omit=[…])` asks a model at the loopback server; other keys go into its spec."""
    (tmp_path / "models").mkdir()

    def ask(*options: str, params: Any = None, **fields: Any) -> Outcome:
        model = {"kind": "model", "provider": "openai", "api": "chat", "model": "asked", "base_url": server.base_url}
        (tmp_path / "models" / "mine.json").write_text(json.dumps({**model, "retries": 0, **fields}))
        tool = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
        spec = {"kind": "request", "model": "mine", "prompt": "Name a fish.", "tools": [tool], "params": params or {}}
        (tmp_path / "fish.json").write_text(json.dumps(spec))
        return cli("run", "fish.json", *options)

    return ask


def last(here: Path) -> Record:
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    return record


def read(record: Record) -> Answer:
    response = record.response
    assert response is not None
    calls = [part for part in response.parts if part.type == "tool_call"]
    return Answer(
        state=response.state,
        text=response.text,
        reasoning="".join(part.text or "" for part in response.parts if part.type == "reasoning"),
        calls=tuple((part.name, part.arguments) for part in calls),
        tokens=record.usage.total_tokens if record.usage else None,
    )


@pytest.mark.parametrize(("answer", "understood"), STREAMS.values(), ids=STREAMS)
def test_a_stream_with_this_habit_is_understood(
    answer: list[Any] | bytes, understood: Answer, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.stream(answer)
    outcome = ask()
    record = last(tmp_path)
    assert read(record) == understood
    assert outcome.code == (5 if understood.state == "error" else 0)
    assert server.received[0].json["stream"] is True
    assert record.exchanges[0].streamed


@pytest.mark.parametrize(("answer", "understood"), BODIES.values(), ids=BODIES)
def test_a_body_with_this_habit_is_understood(
    answer: Any, understood: Answer, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.answer(json=answer)
    assert ask("--no-stream").code == 0
    assert read(last(tmp_path)) == understood
    assert "stream" not in server.received[0].json


@pytest.mark.parametrize(("answer", "understood"), RESPONSES.values(), ids=RESPONSES)
def test_an_answer_of_the_responses_api_with_this_habit_is_understood(
    answer: Any, understood: Answer, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    if isinstance(answer, list):
        server.stream(answer)
    else:
        server.answer(json=answer)
    outcome = ask(api="responses")
    assert read(last(tmp_path)) == understood
    assert outcome.code == (5 if understood.state == "error" else 0)
    assert server.received[0].path == "/v1/responses"


def test_the_asked_and_the_served_model_are_told_apart(
    server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.answer(json=said({"content": "A cod."}))
    ask("--no-stream")
    record = last(tmp_path)
    assert (record.model, record.served_model, record.model_spec) == ("asked", "served", "mine")
    assert server.received[0].json["model"] == "asked"


def test_streams_come_unasked_and_bodies_instead_of_streams(
    server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.stream([*WORDS, *END], type="text/plain")
    server.answer(json=said({"content": "A cod."}), type="text/event-stream")
    for options, streamed in ((["--no-stream"], True), ([], False)):
        assert ask(*options).out == "A cod.\n"
        record = last(tmp_path)
        assert (read(record), record.exchanges[0].streamed) == (Answer(), streamed)


@pytest.mark.parametrize("body", [json.dumps(said({"content": "A cod."})).encode(), sse([*WORDS, *END])])
def test_http_1_0_without_a_length_is_read_to_the_end(
    body: bytes, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
    assert ask().code == 0
    assert read(last(tmp_path)) == Answer()


@pytest.mark.parametrize("cut", ["in the words", "after the words", "in a call"])
def test_a_stream_without_its_end_is_never_a_success(
    cut: str, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    begun = {"in the words": WORDS[:2], "after the words": WORDS, "in a call": calling(function('{"ci'))[:2]}[cut]
    server.raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + sse(begun))
    assert ask().code == 5
    record = last(tmp_path)
    assert record.error is not None
    assert (record.error.kind, read(record).state) == ("protocol", "error")


class Refusal(NamedTuple):
    """How a server says no, and what a person must be told: exit code, kind, and a piece of the hint."""

    status: int
    said: Any
    code: int
    kind: str
    hint: str


REFUSALS = {
    "vLLM refuses stream_options": Refusal(
        400,
        {"object": "error", "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options')}]", "code": 400},
        4, "invalid", "stream: {usage: false}",
    ),
    "FastAPI refuses store": Refusal(
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]},
        4, "invalid", "`store` out of the spec, or name it under `omit`",
    ),
    "llama.cpp refuses a parameter": Refusal(
        500, {"error": {"code": 500, "message": "Unsupported param: parallel_tool_calls", "type": "server_error"}},
        5, "server", "`parallel_tool_calls` out of the spec, or name it under `omit`",
    ),
    "an old server knows max_tokens alone": Refusal(
        400, {"error": {"message": "Unrecognized request argument supplied: max_completion_tokens"}},
        4, "invalid", "body: {max_tokens: …}",
    ),
    "Groq refuses strict": Refusal(
        400, {"error": {"message": "property 'tools.0.function.strict' is unsupported", "type": "invalid"}},
        4, "invalid", "tools[0].function.strict",
    ),
    "Ollama has no such model": Refusal(
        404, {"error": {"message": "model 'asked' not found", "type": "api_error", "param": None, "code": None}},
        4, "not_found", "model id",
    ),
    "a wrong path, in JSON": Refusal(404, {"detail": "Not Found"}, 4, "not_found", "/v1"),
    "a wrong path, in plain text": Refusal(404, "404 page not found", 4, "not_found", "/v1"),
    "LM Studio knows no such path, and says so with 200": Refusal(
        200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}, 5, "server", "base_url"
    ),
    "an error with status 200": Refusal(
        200, {"error": {"message": "Context size exceeded", "type": "invalid_request_error", "code": 400}},
        4, "invalid", "",
    ),
    "the model is loading": Refusal(
        503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        5, "server", "try again",
    ),
    "a gateway's page": Refusal(502, "<html><title>502 Bad Gateway</title></html>", 5, "server", "base_url"),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_the_hint_says_what_to_write_for_this_server(
    refusal: Refusal, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    if isinstance(refusal.said, str):
        server.answer(refusal.status, body=refusal.said.encode(), type="text/plain")
    else:
        server.answer(refusal.status, json=refusal.said)
    outcome = ask()
    record = last(tmp_path)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == (refusal.code, refusal.kind)
    assert refusal.hint in (record.error.hint or "")
    assert record.error.message in outcome.err
    assert outcome.out == ""


def test_what_the_hints_say_keeps_those_keys_away(server: Loopback, ask: Callable[..., Outcome]) -> None:
    server.stream([*WORDS, *END])
    ask(params={"max_output_tokens": 9})
    plain = server.received[0].json
    assert plain["stream_options"] == {"include_usage": True}
    assert plain["tools"][0]["function"]["strict"] is False
    outcome = ask(
        params={"max_output_tokens": 9},
        stream={"usage": False},
        omit=["max_completion_tokens", "tools[0].function.strict", "parallel_tool_calls"],
        body={"max_tokens": 9},
    )
    assert outcome.code == 0
    changed = server.received[1].json
    assert changed.keys() == {"model", "messages", "tools", "max_tokens", "stream"}
    assert "strict" not in changed["tools"][0]["function"]


def test_no_key_is_needed_and_none_is_sent(
    server: Loopback, ask: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    monkeypatch.setenv("LLAMA_KEY", "llama-key-123456")
    server.answer(json=said({"content": "A cod."}))
    ask()
    ask(api_key_env="LLAMA_KEY")
    sent = [request.headers.get("authorization") for request in server.received]
    assert sent == [None, "Bearer llama-key-123456"]
    assert {request.path for request in server.received} == {"/v1/chat/completions"}
