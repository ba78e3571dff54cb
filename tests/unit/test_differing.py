"""Differences of requests, wires and answers: few, and in the words of a spec."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.diffing.differing import Asked, between, of_answers, of_requests, of_wires
from plcli.exchange import Target
from plcli.media import MediaRef, Redacted, digest_of
from plcli.records import Record, ResponseRecord
from plcli.request import (
    BuiltinTool,
    FunctionTool,
    Image,
    Message,
    Output,
    Request,
    Text,
    ToolCall,
    ToolChoice,
)
from plcli.response import TextPart, ToolCallPart

CREATE = Target("responses.create", "m")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "enum": ["a", "b"]}}, "required": ["city"]}
PICTURE = MediaRef(digest_of(b"1"), "image/png", "data-url")


def user(*texts: str) -> Message:
    return Message("user", tuple(map(Text, texts)))


BASE = Request(
    "openai",
    "responses",
    "m",
    messages=(Message("system", (Text("Be terse."),)), user("Hello there"), Message("assistant", (Text("Hi."),))),
    tools=(FunctionTool("a", "does a", SCHEMA, True), BuiltinTool({"type": "web_search"})),
    output=Output("answer", SCHEMA),
    params={"temperature": 1},
    body={"metadata": {"x": "1"}, "include": ["p", "q"]},
)
SYSTEM, ASKED, ANSWERED = BASE.messages


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model": "n"}, ["changed model"]),
        ({"messages": (SYSTEM, user("Hello you"), ANSWERED)}, ["changed messages[1].content"]),
        ({"messages": (SYSTEM, user("first"), ASKED, ANSWERED)}, ["added messages[1]"]),
        ({"messages": (SYSTEM, ANSWERED)}, ["removed messages[1]"]),
        ({"messages": (*BASE.messages, user("x"), user("y"))}, ["added messages[3]", "added messages[4]"]),
        (
            {"messages": (SYSTEM, user("What"), Message("assistant", (Text("?"),)), user("Hello there!"), ANSWERED)},
            ["added messages[1]", "added messages[2]", "changed messages[3].content"],
        ),
        ({"messages": (SYSTEM._replace(role="developer"), ASKED, ANSWERED)}, ["changed messages[0].role"]),
        (
            {"messages": (SYSTEM, Message("user", (*ASKED.parts, Image(PICTURE))), ANSWERED)},
            ["added messages[1].content[1]"],
        ),
        ({"tools": BASE.tools[::-1]}, ["changed tools"]),
        ({"tools": (BASE.tools[0]._replace(description="A"), BASE.tools[1])}, ["changed tools.a.description"]),
        ({"tools": (BASE.tools[0]._replace(strict=None), BASE.tools[1])}, ["removed tools.a.strict"]),
        ({"tools": (FunctionTool("b"), *BASE.tools)}, ["added tools.b"]),
        ({"tools": (*BASE.tools, BuiltinTool({"type": "web_search", "x": 1}))}, ["added tools.web_search[1]"]),
        (
            {"tools": (FunctionTool("a", "does a", {**SCHEMA, "required": []}, True), BASE.tools[1])},
            ["removed tools.a.parameters.required[0]"],
        ),
        ({"tool_choice": ToolChoice("required", ("a",), forced=True)}, ["added tool_choice"]),
        (
            {"output": Output("answer", {**SCHEMA, "required": ["country", "city"]})},
            ["added output.schema.required[0]"],
        ),
        ({"params": {"temperature": 1.0}}, ["changed params.temperature"]),
        ({"params": {"seed": 3}}, ["removed params.temperature", "added params.seed"]),
        ({"image": {"size": "auto"}}, ["added image"]),
        (
            {"body": {"metadata": {"x": "1", "y": "2"}, "include": ["q"]}},
            ["added body.metadata.y", "removed body.include[0]"],
        ),
        ({"chain": "server"}, ["added chain"]),
        ({"omit": ("store",)}, ["added omit[0]"]),
    ],
)  # fmt: skip
def test_a_change_is_told_once_where_it_stands(changed: dict[str, Any], told: list[str]) -> None:
    assert [f"{one.kind} {one.path}" for one in between(BASE, BASE._replace(**changed))] == told


def test_texts_are_told_whole_and_pictures_by_digest() -> None:
    old = BASE._replace(messages=(Message("user", (Text("a\nb"), Image(PICTURE))),))
    new = BASE._replace(messages=(Message("user", (Text("a\nc"), Image(MediaRef(digest_of(b"2"), "image/png")))),))
    text, picture = between(old, new)
    assert (text.path, text.old, text.new) == ("messages[0].content[0].text", "a\nb", "a\nc")
    assert (picture.path, picture.new) == ("messages[0].content[1].source", {"$media": digest_of(b"2")})


def test_the_way_in_which_media_are_written_makes_no_difference() -> None:
    one, other = ({"input": [MediaRef(PICTURE.digest, mime, "base64")]} for mime in ("image/png", "odd"))
    assert of_wires("openai", "responses", (one, CREATE), (other, CREATE)) == ()


def test_what_no_request_tells_apart_is_told_of_the_wire() -> None:
    def told(provider: str, old: Any, new: Any, *targets: Target) -> list[str]:
        pairs = zip((old, new), targets or (CREATE, CREATE), strict=True)
        return [one.path for one in of_wires(provider, "responses", *pairs)]

    assert told("openai", ["a"], ["b"]) == ["wire[0]"]
    assert told("nobody", {"x": {"y": 1}}, {"x": {"y": 2}}) == ["wire.x.y"]
    assert told("openai", {}, {}, CREATE, Target("responses.compact", "m")) == ["operation"]
    assert told("openai", {"input": "a"}, {"input": "b"}) == ["body.input"]


def test_requests_of_two_apis_are_compared_by_what_they_mean() -> None:
    responses = Asked("openai", "responses", {"model": "m", "input": [{"role": "user", "content": "Hi"}]}, CREATE)
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 1}
    found = of_requests(responses, Asked("openai", "chat", chat, Target("chat.completions.create", "m")))
    assert [one.path for one in found] == ["api", "params.temperature"]
    strange = responses._replace(provider="nobody")
    assert [one.path for one in of_requests(responses, strange)] == ["provider"]


def test_a_secret_that_was_taken_out_is_the_same_text_where_its_digest_says_so() -> None:
    def told(text: Any) -> list[str]:
        secret, now = ({"input": [{"role": "user", "content": x}]} for x in (Redacted(digest_of(b"key")), text))
        return [one.path for one in of_wires("openai", "responses", (secret, CREATE), (now, CREATE))]

    assert told("key") == told(Redacted(digest_of(b"key"))) == []
    assert told("another") != []
    assert told(Redacted(digest_of(b"another"))) != []


def test_ever_deeper_json_is_looked_into_only_so_far() -> None:
    old: Any = 1
    new: Any = 2
    for _ in range(190):
        old, new = {"a": old}, {"a": new}
    (found,) = between(BASE._replace(body=old), BASE._replace(body=new))
    assert found.path.count("a") < 100


def test_many_turns_are_aligned_in_little_time() -> None:
    turns = tuple(user(f"turn {n} of many") for n in range(3000))
    new = (*(turn for n, turn in enumerate(turns) if n % 7), user("last"))
    found = between(BASE._replace(messages=turns), BASE._replace(messages=new))
    assert {one.kind for one in found} == {"removed", "added"}
    assert len(found) == 430


def answer(**fields: Any) -> Record:
    fixed: dict[str, Any] = {"id": "1-a", "time": "", "command": "run", "plcli": "0"}
    return Record(**fixed, response=ResponseRecord(**{"state": "ok", **fields}))


def test_answers_differ_by_words_calls_and_state_but_not_by_ids() -> None:
    def called(id: str, city: str) -> Record:
        return answer(state="tool_calls", parts=[ToolCallPart(id=id, name="a", arguments={"city": city})])

    assert of_answers(called("1", "Paris"), called("2", "Paris")) == ()
    assert [one.path for one in of_answers(called("1", "Paris"), called("1", "Rome"))] == [
        "response.tool_calls[0].arguments.city"
    ]
    said = answer(text="Hello", parts=[TextPart(text="Hello")])
    assert [one.path for one in of_answers(said, answer(text="Hallo"))] == ["response.text"]
    assert [one.path for one in of_answers(said, answer(output={"a": 1}, text="…"))] == [
        "response.text",
        "response.output",
    ]
    assert of_answers(said, Record(id="1-b", time="", command="run", plcli="0"))


def test_calls_in_a_conversation_are_compared_by_their_arguments() -> None:
    def turn(arguments: Any) -> Request:
        return BASE._replace(messages=(Message("assistant", (ToolCall("1", "a", arguments),)),))

    (found,) = between(turn({"x": 1, "y": 2}), turn({"y": 2, "x": 3}))
    assert found.path == "messages[0].content[0].arguments.x"
