"""`plcli chat` against servers: each turn goes out with all that was said and answered before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.cli import Cli
from tests.support.gemini_streams import gemini_events
from tests.support.loopback import Loopback
from tests.support.openai_streams import chat_events, responses_events

Json = Any

TOOL = {
    "kind": "tool",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "stubs": [{"return": {"t": 21}}],
}
ARGUMENTS = '{"city": "Oslo"}'


class Api(NamedTuple):
    """How one api answers with a call and with words, as a model that signs what it says; where its turns stand."""

    model: dict[str, Json]
    call: Json
    words: Json
    place: str

    def stream(self, body: Json) -> list[Json]:
        """The body as the events of a stream."""
        made = {"input": responses_events, "messages": chat_events, "contents": gemini_events}[self.place]
        return list(made(body, 100))

    def said(self, body: Json) -> list[Json]:
        """The turns that the provider's answer must go back as."""
        if self.place == "input":
            return list(body["output"])
        if self.place == "messages":
            return [body["choices"][0]["message"]]
        return [body["candidates"][0]["content"]]


def response(*output: Json) -> Json:
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    return {"id": "r", "object": "response", "status": "completed", "model": "m", "output": output, "usage": usage}


def completion(message: Json, reason: str) -> Json:
    choice = {"index": 0, "finish_reason": reason, "logprobs": None, "message": {"role": "assistant", **message}}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}


def candidate(*parts: Json) -> Json:
    return {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [*parts]}}]}


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
MESSAGE = {
    "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final_answer",
    "content": [{"type": "output_text", "text": "It is fair.", "annotations": []}],
}  # fmt: skip
FUNCTION_CALL = {
    "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": ARGUMENTS,
    "status": "completed",
}  # fmt: skip
CHAT_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ARGUMENTS}}
SIGNED = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "Cs=="}

APIS = {
    "responses": Api({"provider": "openai"}, response(REASONING, FUNCTION_CALL), response(REASONING, MESSAGE), "input"),
    "chat": Api(
        {"provider": "openai", "api": "chat"},
        completion({"content": None, "tool_calls": [CHAT_CALL]}, "tool_calls"),
        completion({"content": "It is fair."}, "stop"),
        "messages",
    ),
    "gemini": Api(
        {"provider": "gemini"},
        candidate(SIGNED),
        candidate({"text": "It is fair.", "thoughtSignature": "Ds=="}),
        "contents",
    ),
}


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace with a tool, a request and a model for each api."""
    for folder in ("prompts", "models", "tools"):
        (tmp_path / folder).mkdir()
    for name, api in APIS.items():
        base = server.url if name == "gemini" else server.base_url
        model = {"kind": "model", "model": "m", "base_url": base, "retries": 0, **api.model}
        (tmp_path / "models" / f"{name}.json").write_text(json.dumps(model))
    spec = {"kind": "request", "messages": [{"role": "system", "content": "Be terse."}], "tools": ["get_weather"]}
    (tmp_path / "prompts" / "weather.json").write_text(json.dumps(spec))
    (tmp_path / "tools" / "get_weather.json").write_text(json.dumps(TOOL))
    return tmp_path


def lines(*entries: str) -> bytes:
    return "".join(f"{entry}\n" for entry in entries).encode()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", APIS)
def test_what_was_said_goes_out_again_as_it_came(
    here: Path, server: Loopback, cli: Cli, name: str, stream: bool
) -> None:
    api = APIS[name]
    for body in (api.call, api.words, api.words):
        if stream:
            server.stream(api.stream(body))
        else:
            server.answer(json=body)
    args = ("chat", "weather", "-m", name, "--tools", "stub", *(() if stream else ("--no-stream",)))
    outcome = cli(*args, stdin=lines("How is it in Oslo?", "And tomorrow?", "/save again"))
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("It is fair.") == 2
    asked, answered, more = (received.json[api.place] for received in server.received)
    assert answered[: len(asked) + len(api.said(api.call))] == [*asked, *api.said(api.call)]
    assert more[: len(answered) + len(api.said(api.words))] == [*answered, *api.said(api.words)]
    assert "And tomorrow?" in json.dumps(more[-1])
    assert len(more) == len(answered) + len(api.said(api.words)) + 1
    server.forget()
    server.answer(json=api.words)
    saved = cli("chat", "again", "--no-stream", stdin=lines("Again!"))
    assert saved.code == 0, saved.err
    before = server.received[0].json[api.place]
    assert before[:-1] == [*more, *api.said(api.words)]


@pytest.mark.parametrize("name", APIS)
def test_what_tools_have_done_is_kept_where_the_answer_is_lost(
    here: Path, server: Loopback, cli: Cli, name: str
) -> None:
    api = APIS[name]
    server.answer(json=api.call)
    server.answer(500, json={"error": {"message": "overloaded", "code": 500, "status": "INTERNAL"}})
    server.answer(json=api.words)
    args = ("chat", "weather", "-m", name, "--tools", "stub", "--no-stream")
    outcome = cli(*args, stdin=lines("How is it in Oslo?", "Go on."))
    assert outcome.code == 5
    assert "not part of the conversation" not in outcome.err
    _, lost, again = (received.json[api.place] for received in server.received)
    assert again[:-1] == lost
    assert "Go on." in json.dumps(again[-1])


def test_an_answer_that_was_cut_off_at_a_call_is_no_part_of_the_conversation(
    here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(json=completion({"content": None, "tool_calls": [CHAT_CALL]}, "length"))
    server.answer(json=APIS["chat"].words)
    args = ("chat", "weather", "-m", "chat", "--tools", "stub", "--no-stream")
    cli(*args, stdin=lines("How is it in Oslo?", "How is it in Rome?"))
    cut, asked = (received.json["messages"] for received in server.received)
    assert asked == [*cut[:-1], {"role": "user", "content": "How is it in Rome?"}]


@pytest.mark.parametrize(("before", "after"), [("responses", "gemini"), ("gemini", "chat"), ("chat", "responses")])
def test_a_conversation_goes_on_at_another_api(here: Path, server: Loopback, cli: Cli, before: str, after: str) -> None:
    for body in (APIS[before].call, APIS[before].words, APIS[after].words):
        server.answer(json=body)
    args = ("chat", "weather", "-m", before, "--tools", "stub", "--no-stream")
    outcome = cli(*args, stdin=lines("How is it in Oslo?", f"/model {after}", "Thanks"))
    assert outcome.code == 0, outcome.err
    there = server.received[-1].json
    told = json.dumps(there)
    for said in ("Be terse.", "How is it in Oslo?", "get_weather", "Oslo", "It is fair.", "Thanks"):
        assert said in told
    assert APIS[after].place in there
    assert "gAAA" not in told
    assert "Cs==" not in told


def test_secrets_stay_in_the_conversation_and_out_of_the_log(
    here: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-proj-" + "a1B2" * 12
    server.answer(json=APIS["chat"].words)
    server.answer(json=APIS["chat"].words)
    cli("chat", "weather", "-m", "chat", "--no-stream", stdin=lines(f"My key is {secret}", "Which?"))
    assert secret in json.dumps(server.received[1].json)
    assert secret not in (here / "runs.jsonl").read_text()


@pytest.mark.parametrize(("before", "after"), [("chat", "responses"), ("gemini", "chat"), ("responses", "gemini")])
def test_what_an_answer_can_hold_is_for_the_api_to_say_that_gets_it(
    here: Path, server: Loopback, cli: Cli, before: str, after: str
) -> None:
    (here / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90))
    picture = {"content": [{"type": "text", "text": "a map"}, {"type": "image", "source": "./map.png"}]}
    for body in (APIS[before].call, APIS[after].words):
        server.answer(json=body)
    chain = ("--set", "chain=server") if before == "responses" else ()
    cli("run", "weather", "-m", before, "--set", "tool_choice=required", "--no-stream", *chain)
    answer = f"get_weather={json.dumps(picture)}"
    goes_on = ("run", "--continue", "last", "-m", after, "--no-stream")
    outcome = cli(*goes_on, "--answer", answer, "--message", "What is it?")
    assert outcome.code == 0, outcome.err
    sent = server.received[-1].json
    *_, called, answered, asked = sent[APIS[after].place]
    assert "What is it?" in json.dumps(asked)
    match after:
        case "responses":
            assert (called["type"], answered["type"]) == ("function_call", "function_call_output")
            assert called["call_id"] == answered["call_id"]
            assert answered["output"][1]["image_url"].startswith("data:image/png;base64,")
            assert sent["tool_choice"] == "auto"
        case "chat":
            assert called["tool_calls"][0]["id"] == answered["tool_call_id"] is not None
            words = [part["text"] for part in answered["content"]]
            assert words == ["a map", "[the chat api takes only text in a tool result]"]
        case "gemini":
            assert answered["parts"][0]["functionResponse"]["parts"][0]["inlineData"]["mimeType"] == "image/png"
            assert sent["toolConfig"]["functionCallingConfig"]["mode"] != "ANY"
