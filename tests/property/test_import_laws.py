"""The laws of importing: a wire keeps its key whatever file it travels in, and no file ends in anything but words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.errors import Problem, SpecError
from plcli.exchange import key_of
from plcli.imports.captured import Source, Unfit
from plcli.imports.formats import FORMATS, format_of
from plcli.imports.imported import Given, record_of
from plcli.media import Json, lift, lower
from plcli.providers.registry import adapter, provider
from plcli.records import Record, line, parse
from plcli.redact import Redactor
from plcli.traffic import wire_requests
from tests.property import gemini_wires, images_wires, wires

HOME = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?key=AIza"
ASKED: dict[str, tuple[str, str, str, Any]] = {
    "responses": ("openai", "responses", f"{HOME}/responses", wires.responses_wires),
    "chat": ("openai", "chat", f"{HOME}/chat/completions", wires.chat_wires),
    "images": ("openai", "images", f"{HOME}/images/generations", images_wires.wires),
    "gemini": ("gemini", "generate_content", GEMINI, gemini_wires.wires),
}


laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("imports")


def imported(path: Path, data: bytes, form: str | None = None) -> Iterator[Record | str]:
    """The records of a file, and the words about what makes none."""
    path.write_bytes(data)
    source = Source(path, path.name, path.name)
    for found in FORMATS[form or format_of(source)].read([source]):
        if isinstance(found, Problem):
            yield found.message
            continue
        try:
            made = record_of(found, Given(model="m"), Redactor())
        except Unfit as error:
            yield str(error)
        else:
            assert parse(line(made.record.model_copy(update={"id": "x"})))
            yield made.record


def call(url: str, wire: Json) -> dict[str, Json]:
    request = {"method": "POST", "uri": url, "body": json.dumps(wire), "headers": {}}
    return {"request": request, "response": {"status": {"code": 200}, "headers": {}, "body": {"string": "{}"}}}


def har(url: str, wire: Json) -> dict[str, Json]:
    data = json.dumps(wire).encode()
    posted = {"mimeType": "application/json", "text": base64.b64encode(data).decode(), "encoding": "base64"}
    content = {"mimeType": "application/json", "text": "{}"}
    entry = {"request": {"method": "POST", "url": url, "postData": posted}, "startedDateTime": "2026-11-26T10:00:00Z"}
    return {"log": {"entries": [{**entry, "response": {"status": 200, "headers": [], "content": content}}]}}


@laws
@pytest.mark.parametrize("name", ASKED)
@given(data=st.data())
def test_a_wire_has_its_key_whatever_file_it_travels_in(name: str, folder: Path, data: st.DataObject) -> None:
    who, api, url, strategy = ASKED[name]
    drawn = lower(data.draw(strategy), str.encode)
    wire = {key: item for key, item in drawn.items() if key not in ("stream", "stream_options")}
    if who == "openai":
        wire["model"] = "m"
    made = adapter(provider(who), api)
    lifted, media = lift(wire, made.MEDIA)
    target = made.target_of(wire, "m")
    sent = {**wire, "stream": True} if who == "openai" else wire
    files = {
        "a.yaml": yaml.safe_dump({"interactions": [call(url, sent)]}).encode(),
        "a.json": json.dumps({"interactions": [call(url, sent)]}).encode(),
        "a.har": json.dumps(har(url, sent)).encode(),
        "a.jsonl": json.dumps({"url": url, "request": sent, "response": {}}).encode(),
    }
    if who == "openai":
        files["batch.jsonl"] = json.dumps({"custom_id": "1", "url": url, "method": "POST", "body": wire}).encode()
    for file, text in files.items():
        (record,) = imported(folder / file, text)
        assert isinstance(record, Record), record
        assert record.exchanges[0].key == key_of(who, api, target, lifted), file
        assert lower(wire_requests(record.exchanges)[0], media.__getitem__) == wire


HOLES = st.sampled_from(["interactions", "request", "response", "uri", "method", "body", "headers", "status", "string"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from([f"{HOME}/chat/completions", GEMINI, "https://[", "gzip", "data: {", 10**400, -1, 1e300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | HOLES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip

CALL = call(f"{HOME}/chat/completions", {"model": "m", "messages": []})
SHAPES: dict[str, Json] = {
    "vcr": {"interactions": [CALL]},
    "har": har(f"{HOME}/chat/completions", {"model": "m", "messages": []}),
    "openai-batch": {"custom_id": "1", "url": "/v1/responses", "method": "POST", "body": {"model": "m", "input": "x"}},
    "jsonl": {
        "request": {"model": "m", "messages": [{"role": "user", "content": "x"}]},
        "response": {"choices": [{"message": {"content": "y"}}]},
        "time": 1795000000, "duration_ms": 4, "tags": ["a"], "metadata": {"b": 1}, "status": 200,
    },
    "promptlayer": {
        "provider": "openai", "model": "m", "request_start_time": "2026-11-26T10:00:00Z", "tags": ["a"],
        "input": {"type": "chat", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "output": {"type": "chat", "messages": [{"role": "assistant", "content": [], "tool_calls": [{"id": "1"}]}]},
        "parameters": {"temperature": 0}, "metadata": {"k": "v"}, "status": "SUCCESS", "api_type": "responses",
    },
}  # fmt: skip


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for step, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, step))


def put(value: Json, path: tuple[Any, ...], odd: Json) -> Json:
    if not path:
        return odd
    if isinstance(value, dict):
        return {key: put(item, path[1:], odd) if key == path[0] else item for key, item in value.items()}
    return [put(item, path[1:], odd) if at == path[0] else item for at, item in enumerate(value)]


@laws
@pytest.mark.parametrize("form", SHAPES)
@given(data=st.data())
def test_a_file_with_anything_in_any_place_ends_in_records_and_words(
    form: str, folder: Path, data: st.DataObject
) -> None:
    value = SHAPES[form]
    for _ in range(data.draw(st.integers(1, 3))):
        value = put(value, data.draw(st.sampled_from(list(places(value)))), data.draw(ODD))
    with suppress(SpecError):
        list(imported(folder / "odd.json", json.dumps(value).encode(), form))
    if form == "vcr":
        with suppress(SpecError):
            list(imported(folder / "odd.yaml", yaml.safe_dump(value).encode(), form))


@laws
@pytest.mark.parametrize("form", SHAPES)
@given(cut=st.integers(0, 400), byte=st.binary(max_size=3), tail=st.booleans())
def test_a_damaged_file_ends_in_records_and_words(form: str, folder: Path, cut: int, byte: bytes, tail: bool) -> None:
    data = json.dumps(SHAPES[form]).encode()
    with suppress(SpecError):
        list(imported(folder / "cut.yaml", data[:cut] + byte + (data[cut:] if tail else b""), form))
