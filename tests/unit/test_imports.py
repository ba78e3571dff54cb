"""Captured traffic, format by format: what becomes a record, and what is said of what does not."""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import Problem, SpecError
from plcli.imports import bodies, jsonvalues, openfiles, yamlitems
from plcli.imports.captured import Captured, Copied, Source, Unfit
from plcli.imports.formats import FORMATS, format_of
from plcli.imports.imported import Given, Imported, record_of
from plcli.imports.known import Known
from plcli.imports.moments import between, milliseconds, moment
from plcli.imports.sites import site_of
from plcli.media import Json, digest_of
from plcli.redact import Redactor
from plcli.runlog import RunLog
from plcli.wireshapes import CHAT, GEMINI, RESPONSES, Guess
from tests.support.pictures import png

CHAT_URL = "https://api.openai.com/v1/chat/completions"
WIRE = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = {"id": "c", "created": 1795000000, "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
GEMINI_URL = "https://generativelanguage.googleapis.com/v1beta/models/g-1:streamGenerateContent"
PIECES = [{"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": end}]} for text, end in
          (("Hel", None), ("lo", "STOP"))]  # fmt: skip

Made = list[Imported | str]
Put = Callable[..., Made]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes a file, and gives what is imported of it, and of those that were written before under the same format."""
    before: list[Source] = []

    def write(
        name: str, text: str | bytes, form: str | None = None, given: Given | None = None
    ) -> list[Imported | str]:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        source = Source(path, name, name)
        before.append(source)
        found = FORMATS[form or format_of(source)]
        return list(_imported(found.read(before if found.together else [source]), given or Given()))

    return write


def _imported(found: Iterator[Captured | Copied | Problem], given: Given) -> Iterator[Imported | str]:
    for one in found:
        if isinstance(one, Problem):
            yield f"{one.where} {one.path}: {one.message}"
            continue
        try:
            yield record_of(one, given, Redactor())
        except Unfit as error:
            yield str(error)


def only(found: list[Imported | str]) -> Any:
    """The record of the one exchange that there is."""
    (one,) = found
    assert isinstance(one, Imported), one
    return one.record


def cassette(url: str = CHAT_URL, method: str = "POST", body: Json = None, answer: Json = None, **head: Any) -> str:
    """A cassette in JSON, which is YAML too."""
    answer = {"string": json.dumps(ANSWER)} if answer is None else answer
    response = {"status": {"code": 200, "message": "OK"}, "headers": head, "body": answer}
    request: Json = {"method": method, "uri": url, "body": json.dumps(WIRE) if body is None else body, "headers": {}}
    return json.dumps({"interactions": [{"request": request, "response": response}], "version": 1})


# Cassettes


def test_a_cassette_of_vcrpy_is_read_with_the_line_of_each_call(put: Put) -> None:
    text = f"""interactions:
- request:
    body: '{json.dumps(WIRE)}'
    headers:
      authorization: [Bearer sk-abcdefghijklmnopqrstuvwxyz]
    method: POST
    uri: {CHAT_URL}
  response:
    body:
      string: !!binary |
        {base64.b64encode(gzip.compress(json.dumps(ANSWER).encode())).decode()}
    headers:
      content-encoding: [gzip]
      Date: ['Wed, 13 Aug 2025 15:05:38 GMT']
      x-request-id: [req_1]
    status: {{code: 200, message: OK}}
- request: {{method: GET, uri: 'https://api.openai.com/v1/models?key=secret', body: null, headers: {{}}}}
  response: {{status: {{code: 200}}, body: {{string: ''}}, headers: {{}}}}
version: 1
"""
    first, second = put("tape.yaml", text)
    record = only([first])
    assert record.time == "2026-11-18T11:06:40.000Z"
    assert record.exchanges[0].request_id == "req_1"
    assert record.response.text == "Hello"
    assert record.metadata == {"import": {"file": "tape.yaml", "path": "interactions[0]", "line": 2}}
    assert "Bearer" not in record.model_dump_json()
    assert second == (
        "tape.yaml:17 interactions[1]: no call of an api that plcli knows: GET https://api.openai.com/v1/models"
    )


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"string": json.dumps(ANSWER)}, {}),
        ({"base64_string": base64.encodebytes(json.dumps(ANSWER).encode()).decode()}, {}),
        ({"base64_string": base64.b64encode(gzip.compress(json.dumps(ANSWER).encode())).decode()}, {}),
        (
            {"base64_string": base64.b64encode(zlib.compress(json.dumps(ANSWER).encode())).decode()},
            {"Content-Encoding": ["deflate"]},
        ),
        ({"string": json.dumps(ANSWER)}, {"Content-Encoding": "br"}),
        ({"state": [json.dumps(ANSWER), 0]}, {}),
        ({"state": json.dumps(ANSWER)}, {}),
        (ANSWER, {}),
    ],
    ids=["text", "base64", "gzip", "deflate", "unpacked already", "a file of Python", "its words", "parsed already"],
)
def test_an_answer_is_the_same_however_its_body_is_kept(put: Put, body: Json, headers: dict[str, Any]) -> None:
    record = only(put("tape.json", cassette(answer=body, **headers)))
    assert record.exchanges[0].response == ANSWER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (cassette(url="https://api.anthropic.com/v1/messages?api_key=k"), "no call of an api that plcli knows: POST "),
        (cassette(url="https://api.openai.com/v1/embeddings"), "no call of an api that plcli knows: POST "),
        (cassette(url="https://api.openai.com/v1/audio/speech"), "no call of an api that plcli knows: POST "),
        (cassette(url="https://me:secret@[bad/chat/completions"), "no call of an api that plcli knows: POST an add"),
        (cassette(body="--x\r\nContent-Disposition: form-data"), "its body is a form, not JSON"),
        (cassette(body="hello"), "its body is no JSON"),
        (cassette(body=""), "it has no body"),
        (cassette(body="[1]"), "its body is no JSON object"),
        (cassette(answer={"string": "<html>"}), "the answer is no JSON: '<html>'"),
        (cassette(answer={"base64_string": "!"}), "its body is no base64"),
        (cassette(answer={"base64_string": base64.b64encode(b"\x1f\x8bxx").decode()}), "its body is wrongly packed"),
        (cassette(answer={"base64_string": "/////w=="}, **{"Content-Encoding": "br"}), "its body is packed (br)"),
        (cassette(url=7), "no HTTP request: `method` and `url` must be text"),  # type: ignore[arg-type]
        ('{"interactions": [7]}', "no call: it has no `request`"),
        (cassette(body=json.dumps({"messages": []})), "it names no model"),
        (cassette(body="[" * 3000), "its body is no JSON"),
    ],
)
def test_what_makes_no_record_is_told(put: Put, text: str, said: str) -> None:
    (told,) = put("tape.json", text)
    assert isinstance(told, str)
    assert said in told
    assert "secret" not in told
    assert "api_key" not in told


def test_what_nobody_dates_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(WIRE))
    os.utime(path, (1795000000, 1795000000))
    (found,) = FORMATS["jsonl"].read([Source(path, "t.jsonl", "t.jsonl")])
    record = only(list(_imported(iter([found]), Given())))
    assert (record.time, record.metadata["import"]["undated"]) == ("2026-11-18T11:06:40.000Z", True)


def test_a_body_that_unpacks_without_end_is_told(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT", 1 << 20)
    packed = base64.b64encode(gzip.compress(b"\0" * (2 << 20))).decode()
    (told,) = put("tape.json", cassette(answer={"base64_string": packed}))
    assert "its body unpacks to more than 1 MB" in str(told)


def test_a_cut_stream_is_a_record_that_says_so(put: Put) -> None:
    event = {"choices": [{"delta": {"content": "Hel"}}]}
    (made,) = put("tape.json", cassette(answer={"string": f"data: {json.dumps(event)}\n\n"}))
    assert isinstance(made, Imported)
    assert made.notes == ("the answer is cut",)
    assert made.record.response
    assert made.record.response.text == "Hel"
    assert made.record.error
    assert made.record.error.kind == "protocol"


def test_a_gemini_stream_that_came_as_a_list_is_a_stream(put: Put) -> None:
    text = cassette(GEMINI_URL, body=json.dumps({"contents": []}), answer={"string": json.dumps(PIECES)})
    record = only(put("tape.json", text))
    assert (record.response.text, record.exchanges[0].streamed, record.model) == ("Hello", True, "g-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interactions: [a, {b]", "1:21: not YAML: "),
        ("interactions: [" + "[" * 300 + "]" * 300 + "]", "nested deeper than 200 levels"),
        ("interactions:\n- *gone", "2:3: `*gone` repeats nothing that stands before it"),
        ("interactions:\n- !!binary x", "2:3: `!!binary` without base64"),
        ("interactions:\n- &a [*a]", "`*a` repeats nothing that stands before it"),
        ("- request: {}", "a cassette of vcrpy before version 1"),
        ("request: 5", "no cassette: "),
        (b"interactions: [\xff\xfe]", "not YAML: "),
        ("interactions: [\x00]", "not YAML: "),
    ],
)
def test_yaml_that_is_none_is_refused_with_its_place(put: Put, text: str | bytes, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        put("tape.yaml", text, "vcr")
    assert said in f"{caught.value.where}: {caught.value.message}"


def test_aliases_that_repeat_without_end_are_refused(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlitems, "MAX_VALUES", 5_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(SpecError, match="more than 5,000 values in one piece"):
        put("tape.yaml", "\n".join([*lines, "interactions: []"]), "vcr")


def test_long_texts_that_aliases_repeat_are_refused(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlitems, "MAX_REPEATED", 5_000)
    repeated = f"[&a {'x' * 1000}, &b [*a, *a], *b, *b]"
    with pytest.raises(SpecError, match="its aliases repeat more than"):
        put("tape.yaml", f"interactions:\n- request: {{uri: x, body: {repeated}}}\n", "vcr")


def test_tags_build_nothing_and_aliases_are_followed(put: Put) -> None:
    text = f"""interactions:
- !!python/object:os.system
  request: {{method: POST, uri: '{CHAT_URL}', headers: &none {{}}, body: !!python/unicode '{json.dumps(WIRE)}'}}
  response: {{status: {{code: 200}}, headers: *none, body: {{string: '{json.dumps(ANSWER)}'}}}}
"""
    assert only(put("tape.yaml", text)).response.text == "Hello"


@pytest.mark.parametrize("name", ["request", "response"])
def test_a_body_that_was_parsed_already_holds_no_bytes(put: Put, name: str) -> None:
    bodies = {"request": json.dumps(WIRE), "response": json.dumps(ANSWER)} | {name: "{a: [!!binary aGk=]}"}
    text = f"""interactions:
- request: {{method: POST, uri: '{CHAT_URL}', parsed_body: {bodies["request"]}}}
  response: {{status: {{code: 200}}, parsed_body: {bodies["response"]}}}
"""
    (told,) = put("tape.yaml", text)
    assert "its body holds bytes, which JSON cannot" in str(told)


def test_a_cassette_in_json_has_its_half_characters_under_any_name(put: Put) -> None:
    text = cassette(answer={"string": json.dumps({**ANSWER, "note": "👋"})}).replace("Hello", "Hello \\ud83d\\udc4b")
    assert only(put("tape.cassette", text)).response.text == "Hello 👋"


def test_a_cassette_of_go_says_its_status_beside_a_text(put: Put) -> None:
    text = f"""version: 2
interactions:
- id: 0
  request: {{proto: HTTP/1.1, body: '{json.dumps(WIRE)}', url: '{CHAT_URL}', method: POST, headers: {{}}}}
  response: {{proto: HTTP/2.0, body: '{json.dumps(ANSWER)}', headers: {{}}, status: 200 OK, code: 200, duration: 1.2s}}
"""
    assert only(put("tape.yaml", text)).response.text == "Hello"


def test_an_empty_cassette_holds_nothing(put: Put) -> None:
    assert put("tape.yaml", "interactions: []\nversion: 1\n") == []


# HAR


def entry(**more: Any) -> dict[str, Any]:
    posted = {"mimeType": "application/json", "text": json.dumps(WIRE)}
    request = {"method": "POST", "url": CHAT_URL, "headers": [], "postData": posted}
    content = {"mimeType": "application/json", "text": json.dumps(ANSWER)}
    response = {"status": 200, "headers": [{"name": "X-Request-Id", "value": "r"}], "content": content}
    return {"startedDateTime": "2026-11-26T10:00:00.5Z", "time": 41.6, "request": request, "response": response, **more}


def test_a_har_file_keeps_time_and_duration(put: Put) -> None:
    record = only(put("t.har", json.dumps({"log": {"entries": [entry()]}})))
    (exchange,) = record.exchanges
    assert (record.time, exchange.duration_ms, exchange.request_id) == ("2026-11-26T10:00:00.500Z", 42, "r")
    assert record.endpoint.base_url == "https://api.openai.com/v1"


def test_a_har_tells_the_type_of_an_answer_beside_its_headers(put: Put) -> None:
    content = {"mimeType": "text/event-stream", "text": f"note: 1\n\ndata: {json.dumps(ANSWER)}\n\n"}
    record = only(put("t.har", json.dumps({"log": {"entries": [entry(response={"status": 200, "content": content})]}})))
    assert (record.exchanges[0].streamed, record.exchanges[0].response is not None) == (True, True)


@pytest.mark.parametrize("response", [{"status": 0}, {"status": 200, "content": {"size": 9}}, {}, 3])
def test_a_call_whose_answer_is_not_in_the_file_was_never_answered(put: Put, response: Json) -> None:
    (made,) = put("t.har", json.dumps({"log": {"entries": [entry(response=response)]}}))
    assert isinstance(made, Imported)
    assert (made.record.response, made.record.error, made.record.exchanges[0].response) == (None, None, None)
    assert made.notes == ("its answer is not in the file",)


def test_a_har_without_entries_is_refused(put: Put) -> None:
    with pytest.raises(SpecError, match=r"no list of entries at log\.entries"):
        put("t.har", '{"log": {}}', "har")


# Batches


def asked(name: Json, url: str = "/v1/chat/completions", **body: Any) -> str:
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": {**WIRE, **body}}) + "\n"


def answered(name: str, status: int = 200, body: Json = ANSWER) -> str:
    response = {"status_code": status, "request_id": f"req_{name}", "body": body}
    return json.dumps({"id": "b", "custom_id": name, "response": response, "error": None}) + "\n"


def test_a_batch_is_joined_by_its_custom_ids(put: Put) -> None:
    failed = {"custom_id": "c", "response": None, "error": {"code": "batch_expired", "message": "too late"}}
    counted = {**ANSWER, "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    put("out.jsonl", answered("b", body={**ANSWER, "id": "x"}) + answered("x") + answered("a", body=counted))
    put("errors.jsonl", json.dumps(failed) + "\n" + answered("d", 400, {"error": {"message": "bad"}}))
    found = put("in.jsonl", "".join(map(asked, "abcde")) + asked("f", "/v1/embeddings") + asked("a") + asked(3) + "{\n")
    records = [one.record for one in found if isinstance(one, Imported)]
    assert [(one.metadata or {})["custom_id"] for one in records] == ["a", "b", "c", "d", "e"]
    assert [one.response and one.response.text for one in records] == ["Hello", "Hello", None, None, None]
    assert [one.error and one.error.message for one in records] == [None, None, "too late", "bad", None]
    assert records[0].exchanges[0].request_id == "req_a"
    assert (records[0].usage is None, records[0].cost, records[0].endpoint) == (False, None, None)
    told = [one for one in found if isinstance(one, str)]
    assert [one.partition(": ")[2] for one in told] == [
        "no call of an api that plcli knows: POST /v1/embeddings",
        "its custom_id stands twice",
        "no request of a batch: it needs `custom_id`, `url` and `body`",
        "no JSON: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)",
        "an answer without its request",
    ]
    assert told[-1].startswith("out.jsonl:2 ")


def test_answers_of_two_batches_with_one_custom_id_are_given_to_nobody(put: Put) -> None:
    put("one.jsonl", answered("a"))
    put("two.jsonl", answered("a"))
    assert put("in.jsonl", asked("a")) == [
        "two.jsonl:1 : its custom_id stands twice",
        "in.jsonl:1 : its custom_id stands twice",
        "one.jsonl:1 : an answer without its request",
    ]


def test_the_input_of_a_batch_alone_was_never_answered(put: Put) -> None:
    record = only(put("in.jsonl", asked("a", stream=False)))
    assert (record.response, record.exchanges[0].attempts, record.exchanges[0].request) == (None, [], WIRE)
    assert record.metadata["import"]["undated"] is True


# Lines of JSON


@pytest.mark.parametrize(
    "line",
    [
        {"request": WIRE, "response": ANSWER},
        {"request": json.dumps(WIRE), "response": json.dumps(ANSWER)},
        {"url": CHAT_URL, "request": WIRE, "response": ANSWER, "status": 200},
        {"request": {"method": "POST", "url": CHAT_URL, "body": WIRE}, "response": {"status": 200, "body": ANSWER}},
        {
            "request": {"url": CHAT_URL, "body": json.dumps(WIRE)},
            "response": {"status_code": 200, "body": json.dumps(ANSWER)},
        },
        {"request": WIRE, "response": ANSWER, "provider": "openai", "api": "chat"},
    ],
)
def test_pairs_of_request_and_answer_are_read_in_each_form(put: Put, line: Json) -> None:
    record = only(put("t.jsonl", json.dumps({**line, "time": 1795000000.25, "tags": ["a"], "metadata": {"b": 1}})))
    assert (record.provider, record.api, record.model, record.response.text) == ("openai", "chat", "m", "Hello")
    assert (record.time, record.tags) == ("2026-11-18T11:06:40.250Z", ["a"])
    assert record.metadata == {"b": 1, "import": {"file": "t.jsonl", "line": 1}}


@pytest.mark.parametrize(
    ("wire", "given", "who"),
    [
        (WIRE, Given(), ("openai", "chat", "m")),
        ({"model": "m", "input": "Hi"}, Given(), ("openai", "responses", "m")),
        ({"contents": []}, Given(model="g"), ("gemini", "generate_content", "g")),
        ({"model": "gpt-image-9", "prompt": "a cat"}, Given(), ("openai", "images", "gpt-image-9")),
        (
            {"wire": {"a": 1}, "target": {"operation": "responses.create", "model": "x"}},
            Given(),
            ("openai", "responses", "x"),
        ),
        ({"odd": 1}, Given(provider="openai", api="chat", model="z"), ("openai", "chat", "z")),
    ],
)  # fmt: skip
def test_a_bare_body_is_a_request_that_was_never_answered(
    put: Put, wire: Json, given: Given, who: tuple[str, str, str]
) -> None:
    record = only(put("t.json", json.dumps(wire, indent=2), "jsonl", given))
    assert ((record.provider, record.api, record.model), record.response) == (who, None)


@pytest.mark.parametrize(
    ("wire", "given", "said"),
    [
        ({"contents": []}, Given(), "it names no model"),
        ({"odd": 1}, Given(), "its api is not known: the body tells none"),
        ({"odd": 1, "model": "m"}, Given(provider="nobody"), "unknown provider 'nobody'"),
        ({"odd": 1, "model": "m"}, Given(api="fax"), "provider 'openai' has no api 'fax'"),
        (5, Given(), "neither a wire body nor `request` with `response`"),
        ({"request": 5}, Given(), "neither a wire body nor `request` with `response`"),
        ({"v": 1, "id": "x"}, Given(), "it is no record"),
        ({"v": 9, "id": "x"}, Given(), "version 9 of the record format is not known"),
        ({"v": 1, "id": "x", "kind": "note", "run": "y"}, Given(), "a note on a run"),
        ({"wire": {}, "target": {}}, Given(), "its `target` needs `operation` and `model`"),
    ],
)
def test_a_line_that_tells_too_little_is_told(put: Put, wire: Json, given: Given, said: str) -> None:
    (told,) = put("t.jsonl", json.dumps(wire), "jsonl", given)
    assert said in str(told)


def test_a_broken_line_costs_only_itself(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonvalues, "LINE_LIMIT", 400)
    good = json.dumps(WIRE).encode()
    found = put("t.jsonl", b"\n".join([good, b"{", b'"\xff"', b"[" * 900, good, b""]))
    assert [one if isinstance(one, str) else "record" for one in found] == [
        "record",
        "t.jsonl:2 : no JSON: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)",
        "t.jsonl:3 : no JSON: it is not UTF-8 (byte 1)",
        "t.jsonl:4 : a line of more than 0 MB",
        "record",
    ]
    assert put("t.jsonl", good + b"\n" + b"[" * 900)[1:] == ["t.jsonl:2 : a line of more than 0 MB"]


# PromptLayer

TEMPLATE = {
    "type": "chat",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be terse."}], "input_variables": []},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": "…"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
}
SAID = {
    "type": "chat",
    "messages": [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "Hello"}],
            "tool_calls": [{"id": "c1", "tool_id": None, "function": {"name": "f", "arguments": "{}"}}],
        }
    ],
}  # fmt: skip
LOGGED = {
    "provider": "openai",
    "model": "m",
    "input": TEMPLATE,
    "output": SAID,
    "parameters": {"temperature": 0.5},
    "request_start_time": "2026-11-26T10:00:00+00:00",
    "request_end_time": "2026-11-26T10:00:01.5+00:00",
    "prompt_input_variables": {"name": "Ada"},
    "tags": ["prod"],
    "metadata": {"user": "7"},
    "input_tokens": 9,
    "output_tokens": 3,
    "score": 80,
}


@pytest.mark.parametrize("given", ["kwargs", "function_kwargs"])
def test_a_call_that_promptlayer_tracked_has_its_own_wire(put: Put, given: str) -> None:
    tracked = {
        "function_name": "openai.chat.completions.create",
        given: {**WIRE, "stream": True, "extra_headers": {"authorization": "k"}, "extra_body": {"top_k": 3}},
        "request_response": ANSWER,
        "request_start_time": 1795000000.0,
        "request_end_time": 1795000002.5,
        "tags": ["a"],
        "prompt_id": 4,
        "api_key": "pl_secret",
    }
    record = only(put("p.json", json.dumps(tracked)))
    assert record.exchanges[0].request == {**WIRE, "top_k": 3}
    assert (record.response.text, record.exchanges[0].duration_ms, record.tags) == ("Hello", 2500, ["a"])
    assert record.metadata["promptlayer"] == {"prompt_id": 4}
    assert "secret" not in record.model_dump_json()


@pytest.mark.parametrize(
    ("who", "api"),
    [
        ({"provider": "openai"}, "chat"),
        ({"provider": "openai.azure", "api_type": "chat-completions"}, "chat"),
        ({"provider": "openai", "api_type": "responses"}, "responses"),
        ({"provider": "google"}, "generate_content"),
    ],
)
def test_a_blueprint_is_rebuilt_as_the_api_writes_it(put: Put, who: dict[str, str], api: str) -> None:
    (made,) = put("p.jsonl", json.dumps({**LOGGED, **who}))
    assert isinstance(made, Imported)
    record = made.record
    assert (record.api, record.model, record.variables, record.tags) == (api, "m", {"name": "Ada"}, ["prod"])
    assert record.response is not None
    assert [part.type for part in record.response.parts] == ["text", "tool_call"]
    assert record.usage
    assert (record.usage.input_tokens, record.usage.output_tokens) == (9, 3)
    assert (record.metadata or {})["user"] == "7"
    assert (record.metadata or {})["promptlayer"] == {"score": 80}
    assert made.notes == ("its wires are made anew from a blueprint, without thinking",)
    assert "Be terse." in json.dumps(record.exchanges[0].request)


@pytest.mark.parametrize(
    ("who", "parameters", "wire"),
    [
        ({"api_type": "responses"}, {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
        ({}, {"max_tokens": 5, "reasoning_effort": "low"}, {"max_tokens": 5, "reasoning_effort": "low"}),
        ({"provider": "google"}, {"topK": 3}, {"generationConfig": {"topK": 3}}),
        (
            {"provider": "vertexai"},
            {"generationConfig": {"seed": 1}, "store": False},
            {"generationConfig": {"seed": 1}, "store": False},
        ),
    ],
)
def test_parameters_of_a_blueprint_are_those_of_its_api(
    put: Put, who: dict[str, str], parameters: dict[str, Json], wire: dict[str, Json]
) -> None:
    (made,) = put("p.json", json.dumps({**LOGGED, **who, "parameters": parameters}))
    assert isinstance(made, Imported)
    assert made.record.exchanges[0].request.items() >= wire.items()


def test_pictures_of_a_blueprint_are_pictures(put: Put) -> None:
    url = "data:image/png;base64," + base64.b64encode(png(8, 8)).decode()
    drawn = [{"type": "output_media", "url": url}, {"type": "output_media", "url": "https://x.example/y.png"}]
    output = {"type": "chat", "messages": [{"role": "assistant", "content": drawn}]}
    asked = {"type": "chat", "messages": [{"role": "user", "content": "A cat"}]}
    line = {**LOGGED, "api_type": "images", "input": asked, "output": output, "parameters": {"size": "8x8", "n": 2}}
    (made,) = put("p.json", json.dumps(line))
    assert isinstance(made, Imported)
    assert made.record.exchanges[0].request == {"model": "m", "prompt": "A cat", "size": "8x8", "n": 2}
    assert [one.data for one in made.media] == [png(8, 8)]
    assert made.record.response is not None
    assert [part.type for part in made.record.response.parts] == ["image", "image"]


def test_what_the_api_of_promptlayer_gives_back_ends_with_the_answer(put: Put) -> None:
    template = {**TEMPLATE, "messages": [*TEMPLATE["messages"], *SAID["messages"]]}
    model = {"provider": "openai", "name": "m", "parameters": {"temperature": 0.5}}
    blueprint = {"prompt_template": template, "metadata": {"model": model}}
    record = only(put("p.json", json.dumps({"success": True, "request_id": 7, "prompt_blueprint": blueprint})))
    assert record.response.text == "Hello"
    assert record.exchanges[0].request["temperature"] == 0.5
    assert [turn["role"] for turn in record.exchanges[0].request["messages"]] == ["system", "user"]


def test_a_request_that_failed_at_promptlayer_is_a_failed_run(put: Put) -> None:
    line = {**LOGGED, "status": "ERROR", "error_type": "PROVIDER_RATE_LIMIT", "error_message": "slow down"}
    record = only(put("p.json", json.dumps(line)))
    assert (record.error.kind, record.error.message, record.response.state) == ("rate_limit", "slow down", "error")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({**LOGGED, "provider": "anthropic"}, "'anthropic' is no provider and api that plcli knows"),
        ({**LOGGED, "provider": 3}, "it needs `provider` and `model`"),
        (
            {"function_name": "anthropic.messages.create", "kwargs": {}, "request_response": {}},
            "are those of anthropic",
        ),
        ({"prompt_blueprint": 3}, "no request of PromptLayer"),
        (3, "no request of PromptLayer: it is no object"),
    ],
)
def test_what_promptlayer_keeps_of_others_is_told(put: Put, line: Json, said: str) -> None:
    (told,) = put("p.json", json.dumps(line), "promptlayer")
    assert said in str(told)


# What they share


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.yaml", "interactions:\n- request: {}\n", "vcr"),
        ("a.yml", "---\nhttp_interactions: []\n", "vcr"),
        ("a.json", cassette(), "vcr"),
        ("a.json", json.dumps(json.loads(cassette())["interactions"][0]), "vcr"),
        ("a.cassette", cassette(), "vcr"),
        ("a.txt", "\ufeff" + json.dumps({"log": {"entries": []}}, indent=1), "har"),
        ("a.txt", asked("1"), "openai-batch"),
        ("a.txt", json.dumps(LOGGED), "promptlayer"),
        ("a.txt", json.dumps([LOGGED], indent=1), "promptlayer"),
        ("a.txt", json.dumps(WIRE), "jsonl"),
        ("a.txt", '{"v":1,"id":"x"}', "jsonl"),
    ],
)
def test_a_format_is_told_by_the_beginning(tmp_path: Path, name: str, text: str, form: str) -> None:
    (tmp_path / name).write_text(text)
    assert format_of(Source(tmp_path / name, name, name)) == form


def test_a_packed_file_is_told_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml.gz").write_bytes(gzip.compress(b"interactions: []\n"))
    with pytest.raises(SpecError, match="packed with gzip"):
        format_of(Source(tmp_path / "a.yaml.gz", "a.yaml.gz", "a.yaml.gz"))


@pytest.mark.parametrize("text", ["", "hello", "a: 1", '{"a": 1}', "[]", "{", "[[1]]", "\x1f\x8b"])
def test_a_file_of_no_format_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(SpecError):
        format_of(Source(tmp_path / "a", "a", "a"))


@pytest.mark.parametrize("kind", ["absent", "folder", "pipe"])
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(SpecError, match="it cannot be read: "):
        format_of(Source(path, "it", "it"))


def test_a_file_that_is_read_in_one_piece_has_a_size(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openfiles, "WHOLE_LIMIT", 20)
    for name, form in (("a.har", "har"), ("a.json", "vcr"), ("a.yaml", "vcr")):
        with pytest.raises(SpecError, match="this format is read in one piece"):
            put(name, cassette(), form)


def test_media_of_both_wires_are_kept_beside_the_log(put: Put) -> None:
    data = base64.b64encode(png(4, 4)).decode()
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]
    wire = {"model": "m", "messages": [{"role": "user", "content": content}]}
    drawn = {"url": "https://api.openai.com/v1/images/generations", "request": {"model": "i", "prompt": "p"},
             "response": {"data": [{"b64_json": base64.b64encode(png(8, 8)).decode()}]}}  # fmt: skip
    first, second = put("t.jsonl", json.dumps(wire) + "\n" + json.dumps(drawn))
    assert isinstance(first, Imported)
    assert isinstance(second, Imported)
    assert [(digest_of(one.data), one.mime) for one in first.media] == [(digest_of(png(4, 4)), "image/png")]
    assert [one.data for one in second.media] == [png(8, 8)]
    assert second.record.response is not None
    (part,) = second.record.response.parts
    assert part.type == "image"
    assert (part.width, part.media) == (8, digest_of(png(8, 8)))


def test_words_stay_words_whatever_they_look_like(put: Put) -> None:
    said = ["A" * 5000, "data:image/png;base64,AAAA"]
    wire = {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": said[1]}]}]}
    (made,) = put("t.jsonl", json.dumps({**wire, "instructions": said[0], "metadata": {"a": said[0]}}))
    assert isinstance(made, Imported)
    request = made.record.exchanges[0].request
    assert (request["instructions"], request["input"]) == (said[0], wire["input"])
    assert request["metadata"]["a"]["$media"] == digest_of(made.media[0].data)


def test_a_structured_answer_has_its_output(put: Put) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = {"choices": [{"message": {"content": '{"a": 1}'}, "finish_reason": "stop"}]}
    line = {"request": {**WIRE, "response_format": form}, "response": answer}
    assert only(put("t.jsonl", json.dumps(line))).response.output == {"a": 1}


def test_only_the_makers_own_prices_make_a_cost(put: Put) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
    wire = {**WIRE, "model": "gpt-4.1-mini"}
    line = {"request": wire, "response": {**ANSWER, "usage": usage}}
    at_home = only(put("a.jsonl", json.dumps({**line, "url": CHAT_URL})))
    elsewhere = only(put("b.jsonl", json.dumps({**line, "url": "https://x.example/v1/chat/completions"})))
    nowhere = only(put("c.jsonl", json.dumps(line)))
    assert at_home.cost.amount > 0
    assert (elsewhere.cost, nowhere.cost) == (None, None)


def test_the_same_exchange_is_new_only_once(put: Put, tmp_path: Path) -> None:
    log = RunLog(tmp_path / "runs.jsonl")
    other = {**ANSWER, "id": "d"}
    lines = [{"request": WIRE, "response": body} for body in (ANSWER, ANSWER, other, {**ANSWER, "created": 1795000001})]
    found = put("t.jsonl", "\n".join(map(json.dumps, [*lines, WIRE, WIRE])))
    records = [one.record for one in found if isinstance(one, Imported)]
    known = Known(log)
    assert [known.take(record) for record in records] == [True, False, True, True, True, False]
    log.append_all(records[:4])
    os.utime(tmp_path / "t.jsonl", (1, 1))
    later = [one.record for one in put("t.jsonl", (tmp_path / "t.jsonl").read_bytes()) if isinstance(one, Imported)]
    known = Known(log)
    assert [known.take(record) for record in later] == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-11-26T10:00:00.123456+01:00", "2026-11-26T09:00:00.123Z"),
        ("2026-11-26 10:00:00", "2026-11-26T10:00:00.000Z"),
        ("Wed, 13 Aug 2025 15:05:38 GMT", "2025-08-13T15:05:38.000Z"),
        (1795000000, "2026-11-18T11:06:40.000Z"),
        (1795000000123, "2026-11-18T11:06:40.123Z"),
        (True, None),
        ("soon", None),
        ("0001-01-01T00:00:00+23:00", None),
        (1e300, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_a_time_is_read_however_it_is_written(value: Json, time: str | None) -> None:
    assert moment(value) == time


def test_durations_are_never_absurd() -> None:
    assert [milliseconds(value) for value in (1.6, -1, 1e300, "3", True, float("inf"))] == [2, 0, 0, 0, 0, 0]
    assert between("2026-11-26T10:00:00.000Z", "2026-11-26T10:00:01.500Z") == 1500
    assert between("2026-11-26T10:00:01.000Z", "2026-11-26T10:00:00.000Z") == between(None, None) == 0


AZURE = "https://me.openai.azure.com/openai"
VERTEX = "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p/locations/l/publishers/google/models/g"


@pytest.mark.parametrize(
    ("url", "asked", "base", "version", "own"),
    [
        ("https://api.openai.com/v1/responses", RESPONSES, "https://api.openai.com/v1", None, True),
        ("http://localhost:4000/chat/completions", CHAT, "http://localhost:4000", None, False),
        (f"{AZURE}/deployments/d/chat/completions?api-version=v&api-key=k", CHAT, AZURE, "v", False),
        (f"{GEMINI_URL}?key=k", GEMINI, "https://generativelanguage.googleapis.com", "v1beta", True),
        (f"{VERTEX}:generateContent", GEMINI, "https://europe-west4-aiplatform.googleapis.com", "v1beta1", False),
        ("https://u:p@api.openai.com/v1/responses", RESPONSES, "https://api.openai.com/v1", None, True),
        ("https://xn--a.com/v1/responses", RESPONSES, None, None, False),
        (None, RESPONSES, None, None, False),
    ],
)
def test_an_endpoint_is_named_without_credentials(
    url: str | None, asked: tuple[str, str], base: str | None, version: str | None, own: bool
) -> None:
    site = site_of(url, Guess(*asked, "", "m"))
    endpoint = site.endpoint
    assert (endpoint and endpoint.base_url, endpoint and endpoint.api_version, site.own) == (base, version, own)
