"""A request as a spec again: what a person finds in the file, and what stands in `body`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.documents import parse
from plcli.drafts import SourceOf
from plcli.errors import SpecError
from plcli.exchange import Target
from plcli.media import Media, MediaMissing, MediaRef, Redacted, digest_of, lift, lower
from plcli.modelrefs import model_reference
from plcli.providers.registry import adapter, provider
from plcli.request import Request
from plcli.resolve import resolve
from plcli.respec import respec
from plcli.workspace import Workspace, find

PNG = b"\x89PNG\r\n\x1a\nrest"
URL = "data:image/png;base64,iVBORw0KGgpyZXN0"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    files: dict[str, Any] = {
        "tools/get_weather.json": {"kind": "tool", "name": "get_weather", "description": "d", "parameters": WEATHER},
        "tools/broken.json": {"kind": "tool", "name": "another"},
        "models/mine.json": {
            "kind": "model",
            "provider": "openai",
            "api": "chat",
            "model": "m",
            "params": {"temperature": 0.5, "seed": 7},
            "body": {"user": "me"},
        },
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    (tmp_path / "map.png").write_bytes(PNG)
    return find(tmp_path, tmp_path)


def spec_of(
    here: Workspace, api: str, wire: Any, *, model: str = "", source_of: SourceOf = lambda ref: None
) -> dict[str, Any]:
    """The spec of a wire; its law is held against it here. Short data URLs of the wire are media."""
    name, _, of = api.partition("/")
    lifted, media = lift(wire)
    request = adapter(provider(name), of).uncompile(lifted, Target("any", "m"))
    return of_request(here, request, media, model=model, source_of=source_of)


def of_request(
    here: Workspace, request: Request, media: Media, *, model: str = "", source_of: SourceOf = lambda ref: None
) -> dict[str, Any]:
    reference = model_reference(here, model or f"{request.provider}/m")
    spec = respec(here, request, reference, read=read(media), source_of=source_of, file=here.root / "new.yaml")
    made = adapter(provider(request.provider), request.api)
    document = parse(json.dumps(spec), file="new.yaml", format="json")
    again = resolve(here, document, here.root / "new.yaml", given={})
    wanted = made.compile(made.defaults(request, reference.spec)).wire
    assert lower(again.compiled.wire, read(again.media)) == lower(wanted, read(media))
    return spec


def read(media: Media) -> Any:
    def bytes_of(digest: str) -> bytes:
        if digest not in media:
            raise MediaMissing(digest)
        return media[digest]

    return bytes_of


def messages(*items: Any) -> dict[str, Any]:
    return {"model": "m", "input": list(items), "store": False, "include": ["reasoning.encrypted_content"]}


def test_a_conversation_reads_as_a_person_would_write_it(here: Workspace) -> None:
    wire = messages(
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "Weather?"},
        {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city":"Paris"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "fair"},
        {"role": "assistant", "content": "It is fair.", "phase": "final_answer"},
    )
    function = {"type": "function", "name": "get_weather", "description": "d", "parameters": WEATHER, "strict": False}
    wire |= {
        "tools": [function, {"type": "web_search"}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_output_tokens": 99,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": WEATHER, "strict": False}},
        "user": "me",
    }
    spec = spec_of(here, "openai/responses", wire)
    assert list(spec.items()) == [
        ("kind", "request"),
        ("model", "openai/m"),
        (
            "messages",
            [
                {"role": "system", "content": "Be terse."},
                {"role": "user", "content": "Weather?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}}
                    ],
                },
                {"role": "tool", "content": [{"type": "tool_result", "id": "c1", "content": "fair"}]},
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "It is fair.", "phase": "final_answer"}],
                },
            ],
        ),
        ("tools", ["get_weather", {"type": "web_search"}]),
        ("tool_choice", "required"),
        ("parallel_tool_calls", False),
        ("output", {"schema": WEATHER}),
        ("params", {"max_output_tokens": 99, "reasoning_effort": "low"}),
        ("body", {"reasoning": {"summary": "auto"}, "user": "me"}),
    ]


def test_what_the_api_is_stands_in_the_spec_where_it_is_not_the_usual_one(here: Workspace) -> None:
    spec = spec_of(here, "openai/chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    assert spec["api"] == "chat"
    assert "api" not in spec_of(here, "openai/responses", messages())
    assert "api" not in spec_of(here, "echo/echo", {"model": "m"})


def test_a_model_spec_says_its_part_itself(here: Workspace) -> None:
    wire = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "user": "me"}
    spec = spec_of(here, "openai/chat", wire, model="mine")
    assert spec == {
        "kind": "request",
        "model": "mine",
        "messages": [{"role": "user", "content": "hi"}],
        "params": {"temperature": 0.5},
        "omit": ["seed"],
    }


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ({"name": "get_weather", "description": "d", "parameters": WEATHER, "strict": False}, "get_weather"),
        (
            {"name": "get_weather", "description": "other", "parameters": WEATHER, "strict": False},
            {"name": "get_weather", "description": "other", "parameters": WEATHER},
        ),
        (
            {"name": "get_weather", "description": "d", "parameters": WEATHER, "strict": True},
            {"name": "get_weather", "description": "d", "parameters": WEATHER, "strict": True},
        ),
        ({"name": "broken", "parameters": WEATHER}, {"name": "broken", "parameters": WEATHER}),
        (
            {"name": "new", "parameters": {"type": "string"}, "strict": False},
            {"name": "new", "parameters": {"type": "string"}},
        ),
    ],
)
def test_a_tool_is_named_only_where_its_file_says_the_same(here: Workspace, tool: dict[str, Any], said: Any) -> None:
    spec = spec_of(here, "openai/responses", messages() | {"tools": [{"type": "function", **tool}]})
    assert spec.get("tools") == [said]


def test_text_that_looks_like_a_template_is_none(here: Workspace) -> None:
    spec = spec_of(here, "openai/responses", messages({"role": "user", "content": "What is {{ x }} in jinja?"}))
    assert spec["template"] == "none"


def test_a_picture_stands_as_its_bytes_or_as_a_file_that_has_them(here: Workspace) -> None:
    wire = messages({"role": "user", "content": [{"type": "input_image", "image_url": URL, "detail": "low"}]})
    spec = spec_of(here, "openai/responses", wire)
    assert spec["messages"][0]["content"] == [{"type": "image", "source": URL, "detail": "low"}]
    spec = spec_of(here, "openai/responses", wire, source_of=lambda ref: "map.png")
    assert spec["messages"][0]["content"] == [{"type": "image", "source": "map.png", "detail": "low"}]


@pytest.mark.parametrize(("source", "said"), [("map.png", "map.png"), ("absent.png", URL), ("new.json", URL)])
def test_a_mask_stands_as_its_bytes_or_as_a_file_that_has_them(here: Workspace, source: str, said: str) -> None:
    (here.root / "new.json").write_bytes(PNG)
    wire = {"model": "m", "prompt": "Draw", "mask": {"image_url": URL}, "images": [{"image_url": URL}]}
    spec = spec_of(here, "openai/images", wire, source_of=lambda ref: source)
    assert spec["image"] == {"mask": said}


@pytest.mark.parametrize("source", ["absent.png", "new.json", "../outside.png", "runs.jsonl"])
def test_a_file_that_would_not_be_read_as_these_bytes_is_not_named(here: Workspace, source: str) -> None:
    (here.root / "new.json").write_bytes(PNG)
    wire = messages({"role": "user", "content": [{"type": "input_image", "image_url": URL}]})
    spec = spec_of(here, "openai/responses", wire, source_of=lambda ref: source)
    assert spec["messages"][0]["content"] == [{"type": "image", "source": URL}]


def test_a_document_without_a_name_is_not_named_by_its_file(here: Workspace) -> None:
    file = {"type": "input_file", "file_data": URL}
    wire = messages({"role": "user", "content": [file]}, {"role": "user", "content": [{**file, "filename": "a.png"}]})
    spec = spec_of(here, "openai/responses", wire, source_of=lambda ref: "map.png")
    assert spec["messages"][0]["content"] == [{"type": "file", "source": URL}]
    assert spec["messages"][1]["content"] == [{"type": "file", "source": "map.png", "filename": "a.png"}]


@pytest.mark.parametrize(
    ("api", "items"),
    [
        ("openai/responses", [{"role": "user", "content": [{"type": "input_image", "image_url": "http://x/a.png"}]}]),
        (
            "openai/responses",
            [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "file_id": "f"}]}],
        ),
        ("openai/chat", [{"role": "assistant", "content": "", "refusal": "no"}]),
        ("gemini/generate_content", [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}]),
        ("gemini/generate_content", [{"role": "user", "parts": [{"inlineData": {"mimeType": "odd", "data": URL}}]}]),
        ("echo/echo", [{"role": "user", "content": [{"type": "image", "source": "words"}, {"type": "x"}]}]),
    ],
)
def test_a_turn_that_no_parts_can_say_stands_as_the_provider_has_it(here: Workspace, api: str, items: Any) -> None:
    place = {"openai/responses": "input", "gemini/generate_content": "contents"}.get(api, "messages")
    first = {"role": "user", "parts": [{"text": "hi"}]} if "gemini" in api else {"role": "user", "content": "hi"}
    base = {} if "gemini" in api else {"model": "m"}
    spec = spec_of(here, api, {**base, place: [first, *items]})
    assert spec["messages"][0] == {"role": "user", "content": "hi"}
    assert [part["type"] for part in spec["messages"][1]["content"]] == ["native"]
    assert place not in spec.get("body", {})


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (messages("words"), {"input": ["words"]}),
        ({"model": "m", "input": "words"}, {"input": "words"}),
        (messages() | {"temperature": 1}, {"input": [], "temperature": 1}),
        (messages() | {"tools": [{"name": "f"}]}, {"input": [], "tools": [{"name": "f"}]}),
        (messages() | {"tools": [{"type": "function", "name": "a b", "parameters": {}, "strict": False}]},
         {"input": [], "tools": [{"type": "function", "name": "a b", "parameters": {}, "strict": False}]}),
        (messages() | {"max_output_tokens": 0}, {"input": [], "max_output_tokens": 0}),
        (messages() | {"store": True}, {"input": [], "store": True, "include": ["reasoning.encrypted_content"]}),
        (messages() | {"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}, "strict": False}}},
         {"input": [], "text": {"format": {"type": "json_schema", "name": "a b", "schema": {}, "strict": False}}}),
    ],
)  # fmt: skip
def test_what_no_header_can_say_stands_in_the_body(here: Workspace, wire: Any, body: Any) -> None:
    spec = spec_of(here, "openai/responses", wire)
    assert spec == {"kind": "request", "model": "openai/m", "body": body}


def test_one_param_that_no_header_can_say_takes_no_other_with_it(here: Workspace) -> None:
    spec = spec_of(here, "openai/responses", {"model": "m", "temperature": 1, "top_p": 0.5, "store": False})
    assert (spec["params"], spec["body"]["temperature"]) == ({"top_p": 0.5}, 1)


def test_a_wire_without_a_model_has_none_again(here: Workspace) -> None:
    assert spec_of(here, "openai/chat", {"messages": []})["omit"] == ["model"]


def test_what_no_spec_can_say_is_an_error(here: Workspace) -> None:
    with pytest.raises(SpecError, match="transport switch"):
        spec_of(here, "openai/chat", {"model": "m", "stream": True})
    with pytest.raises(SpecError, match="surrogate"):
        spec_of(here, "openai/chat", {"model": "m", "messages": [{"role": "user", "content": "\ud83d"}]})
    with pytest.raises(MediaMissing):
        of_request(here, Request("openai", "chat", "m", body={"x": MediaRef(digest_of(PNG), "image/png")}), {})
    with pytest.raises(ValueError, match="redacted"):
        of_request(here, Request("openai", "chat", "m", body={"x": Redacted(digest_of(PNG))}), {})
