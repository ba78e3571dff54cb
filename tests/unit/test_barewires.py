"""Wires in files: who they are for, and what becomes of them as a spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import NotReplayable, SpecError, UsageError
from plcli.media import MediaMissing, digest_of
from plcli.reopening import Reopened, Stand, of_wire
from plcli.reopening.barewires import BareWire, bare_wire
from plcli.workspace import Workspace, find

PNG = b"\x89PNG\r\n\x1a\nrest"
URL = "data:image/png;base64,iVBORw0KGgpyZXN0"
USER = [{"role": "user", "content": "hi"}]
MIXED = [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/mine.yaml").write_text("{kind: model, provider: openai, api: chat, model: served}")
    return find(tmp_path, tmp_path)


def read(here: Workspace, value: Any, model: str | None = None, api: str | None = None) -> BareWire:
    return bare_wire(here, json.dumps(value), "wire.json", model, api)


def opened(here: Workspace, found: BareWire) -> Reopened:
    def bytes_of(digest: str) -> bytes:
        if digest not in found.media:
            raise MediaMissing(digest)
        return found.media[digest]

    return of_wire(Stand(here, None, "yaml"), found.wanted, found.model, bytes_of, "wire.json")


@pytest.mark.parametrize(
    ("value", "model", "api", "asked"),
    [
        ({"model": "m", "input": "hi", "stream": True}, None, None, ("openai", "responses", "m")),
        ({"model": "m", "messages": USER, "stream_options": {}}, None, None, ("openai", "chat", "m")),
        ({"model": "gpt-image-3", "prompt": "a cat"}, None, None, ("openai", "images", "gpt-image-3")),
        ({"contents": [{"parts": [{"text": "hi"}]}]}, "gemini/g", None, ("gemini", "generate_content", "g")),
        ({"model": "m", "messages": USER}, "mine", None, ("openai", "chat", "served")),
        ({"model": "m", "messages": USER}, "echo/any", None, ("echo", "echo", "any")),
        ({"model": "m", "what": 1}, "openai/x", "chat", ("openai", "chat", "x")),
        ({"model": "m", "messages": USER}, None, "responses", ("openai", "responses", "m")),
        ({"wire": {"model": "m", "messages": USER}, "target": {"operation": "echo", "model": "m"}}, None, None,
         ("echo", "echo", "m")),
        ({"wire": {"contents": []}, "target": {"operation": "generateContent", "model": "g"}}, None, None,
         ("gemini", "generate_content", "g")),
        ({"custom_id": "1", "url": "/v1/responses", "body": {"model": "m", "input": "hi"}}, None, None,
         ("openai", "responses", "m")),
    ],
)  # fmt: skip
def test_a_wire_becomes_a_spec_that_sends_it(here: Workspace, value: Any, model: Any, api: Any, asked: Any) -> None:
    found = read(here, value, model, api)
    assert (found.wanted.provider, found.wanted.api, found.wanted.target.model) == asked
    made = opened(here, found)
    assert made.proof.reason is None
    assert made.text.startswith("# opened from wire.json; compiles to the same wire\nkind: request\n")


@pytest.mark.parametrize(
    ("value", "omitted"),
    [
        ({"model": "m", "input": USER}, ["store"]),
        ({"model": "m", "input": USER, "include": []}, ["store"]),
        ({"model": "m", "messages": USER, "tools": [{"type": "function", "function": FUNCTION}]},
         ["tools[0].function.strict"]),
        ({"model": "m", "input": [], "store": True, "tools": [{"type": "function", "name": "f"}]},
         ["tools[0].parameters", "tools[0].strict"]),
        ({"url": "/models/g:generateContent", "body": {"contents": []}}, ["store"]),
        ({"url": "/models/g:generateContent", "body": {"contents": [], "store": True, "tools": MIXED}}, ["toolConfig"]),
        ({"url": "/models/g:generateContent",
          "body": {"contents": [], "store": True, "tools": MIXED, "toolConfig": {"retrievalConfig": {}}}},
         ["toolConfig.includeServerSideToolInvocations"]),
    ],
)  # fmt: skip
def test_what_plcli_would_add_is_omitted(here: Workspace, value: Any, omitted: list[str]) -> None:
    made = opened(here, read(here, value))
    assert (made.proof.reason, made.document.value["omit"]) == (None, omitted)
    assert "tools" not in made.document.value.get("body", {})


def test_the_pictures_of_a_wire_are_media(here: Workspace) -> None:
    content = [{"type": "input_image", "image_url": URL}]
    found = read(here, {"model": "m", "input": [{"role": "user", "content": content}]})
    assert found.media == {digest_of(PNG): PNG}
    assert f'source: "{URL}"' in opened(here, found).text


def test_references_are_read_as_a_dry_run_prints_them(here: Workspace) -> None:
    ref = {"$media": digest_of(PNG), "mime": "image/png", "as": "data-url"}
    content = [{"type": "input_image", "image_url": ref}]
    found = read(here, {"model": "m", "input": [{"role": "user", "content": content}], "x": {"$literal": {"$a": 1}}})
    assert found.wanted.wire["x"] == {"$a": 1}
    with pytest.raises(NotReplayable, match=r"wire.json cannot be told as a spec: sha256:\w+ is gone"):
        opened(here, found)


@pytest.mark.parametrize(
    ("value", "model", "api", "message"),
    [
        ({"contents": []}, None, None, "wire.json names no model"),
        ({"what": 1}, None, None, "it cannot be told which api this is for"),
        ({"model": "text-embedding-9", "input": "x"}, None, None, "it cannot be told which api this is for"),
        ({"model": "m", "input": "x"}, "nobody/x", None, "--model nobody/x: unknown provider 'nobody'"),
        ({"model": "m", "input": "x"}, "none", None, "--model none: there is no model spec 'none'"),
        ({"model": "m", "input": "x"}, None, "chta", "--api chta: provider 'openai' has no api 'chta'"),
        ({"model": "m", "input": "x"}, "gemini/g", "chat", "--model gemini/g: provider 'gemini' has no api 'chat'"),
    ],
)
def test_who_a_wire_is_for_has_to_be_told(here: Workspace, value: Any, model: Any, api: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read(here, value, model, api)
    assert caught.value.hint


@pytest.mark.parametrize("value", [[], "x", 7, None, {"wire": [], "target": {"operation": "echo", "model": "m"}}])
def test_what_is_no_object_is_no_wire(here: Workspace, value: Any) -> None:
    with pytest.raises(SpecError, match="a wire must be an object"):
        read(here, value)


@pytest.mark.parametrize("mark", [{"$media": 7}, {"$redacted": 7}, {"$literal": []}])
def test_a_damaged_mark_is_a_problem_of_the_file(here: Workspace, mark: Any) -> None:
    with pytest.raises(SpecError, match="its media cannot be read"):
        read(here, {"model": "m", "input": mark, "messages": []})


def test_a_wire_that_no_spec_can_say_is_refused(here: Workspace) -> None:
    with pytest.raises(NotReplayable, match=r"wire\.json cannot be told as a spec: n above 1 is not supported"):
        opened(here, read(here, {"model": "m", "messages": USER, "n": 2}))


def test_a_secret_that_was_taken_out_is_told(here: Workspace) -> None:
    secret = {"$redacted": digest_of(b"x")}
    made = opened(here, read(here, {"model": "m", "messages": [{"role": "user", "content": secret}]}))
    assert made.proof.secrets == ("messages[0].content",)
    assert "content: [redacted]" in made.text.replace('"', "")
