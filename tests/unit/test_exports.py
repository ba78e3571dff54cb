"""Exports: what each form says of a run, what it leaves out, and that no key and no secret gets into it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli import workspace
from plcli.environment import UserSide
from plcli.exchangerecords import AttemptRecord, ExchangeRecord
from plcli.exports import batch, curl, jsonl, losses, promptlayer, python, table
from plcli.exports.connections import Surroundings
from plcli.exports.losses import Losses
from plcli.media import MediaRef, digest_of, encode
from plcli.mediastore import MediaStore
from plcli.records import Cost, Endpoint, Record, ResponseRecord, Source, parse
from plcli.redact import Redactor
from plcli.response import Failure, ImagePart, Usage
from tests.support.pictures import png

Form = Callable[..., Iterator[str]]

APIS = {
    "responses": ("openai", "responses.create"),
    "chat": ("openai", "chat.completions.create"),
    "images": ("openai", "images.generate"),
    "generate_content": ("gemini", "generateContent"),
    "echo": ("echo", "echo"),
}
ID = "20261126T093000000-abcde"
PICTURE = MediaRef(digest_of(png(400, 300)), "image/png", "data-url")


def run(*wires: Any, api: str = "responses", responses: Any = None, operation: str = "", **fields: Any) -> Record:
    """A run of these wires, which are those of the log."""
    provider, known = APIS[api]
    exchanges = [
        ExchangeRecord(
            key="k",
            operation=operation or known,
            request=wire,
            response=responses[at] if responses else None,
            started="2026-11-26T09:30:00.000Z",
            duration_ms=1500,
        )
        for at, wire in enumerate(wires)
    ]
    given = {"id": ID, "time": "2026-11-26T09:30:00.000Z", "command": "run", "plcli": "0.1.0", "provider": provider}
    return Record(**{**given, "api": api, "model": "m-1", "exchanges": exchanges, **fields})


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    store = MediaStore(tmp_path / "media")
    store.put(png(400, 300), "image/png")
    user = UserSide({"OPENAI_API_KEY": "sk-the-very-key-0123456789"}, tmp_path / "config.toml")
    return Surroundings(workspace.find(tmp_path), store, user, Redactor(["sk-the-very-key-0123456789"]))


def export(form: Form, around: Surroundings, *records: Record, which: int | None = 0) -> tuple[str, list[str]]:
    """The text of a form, and what is told beside it."""
    told: list[str] = []
    counted = Losses(told.append)
    text = "".join(form(records, around, which, counted))
    counted.close()
    return text, told


def model(around: Surroundings, **fields: Any) -> None:
    """Write the model spec `mine`."""
    folder = around.workspace.root / "models"
    folder.mkdir(exist_ok=True)
    (folder / "mine.json").write_text(json.dumps({"kind": "model", "provider": "openai", "model": "m-1", **fields}))


OPENAI, GEMINI = "https://api.openai.com/v1", "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("api", "base_url", "fields", "words"),
    [
        ("responses", OPENAI, {}, [f"{OPENAI}/responses", '"Authorization: Bearer $OPENAI_API_KEY"']),
        ("responses", None, {}, [f"{OPENAI}/responses", '"Authorization: Bearer $OPENAI_API_KEY"']),
        ("generate_content", GEMINI, {}, [f"{GEMINI}/v1beta/models/m-1:generate", '"x-goog-api-key: $GEMINI_API_KEY"']),
        ("chat", "http://127.0.0.1:8000/v1", {}, ["127.0.0.1:8000/v1/chat/completions"]),
        ("chat", "http://127.0.0.1:8000/v1", {"api_key_env": "MINE"}, ['"Authorization: Bearer $MINE"']),
        ("chat", "https://trusted.example/v1", {"api_key_env": "MINE"}, ['"Authorization: Bearer $MINE"']),
        (
            "generate_content",
            None,
            {"provider": "gemini", "vertex": {"project": "p"}},
            ["/v1beta1/projects/p/locations/global/", '"Authorization: Bearer $(gcloud auth print-access-token)"'],
        ),
    ],
)
def test_a_key_is_named_where_trust_would_send_it(
    around: Surroundings, api: str, base_url: str | None, fields: dict[str, Any], words: list[str]
) -> None:
    model(around, **fields)
    around = around._replace(
        user=UserSide(around.user.variables, around.user.config, frozenset({"trusted.example"}), offline=True)
    )
    endpoint = Endpoint(base_url=base_url) if base_url else None
    record = run({"contents": []}, api=api, model_spec="mine" if fields else None, endpoint=endpoint)
    text, told = export(curl.curl, around, record)
    assert told == []
    assert all(word in text for word in words), text
    assert ("Authorization" in text or "api-key" in text) == (len(words) == 2 or "MINE" in words[0])
    assert "sk-the-very-key" not in text


@pytest.mark.parametrize(
    ("base_url", "fields", "said"),
    [
        (
            "https://evil.example/v1",
            {"api_key_env": "OPENAI_API_KEY"},
            "OPENAI_API_KEY is a key of openai and does not",
        ),
        ("https://evil.example/v1", {"api_key_env": "GITHUB_TOKEN"}, "the key in GITHUB_TOKEN would go to"),
        ("https://evil.example/v1", {"headers": {"X-A": "${TEAM}"}}, "TEAM, which your side does not list"),
        ("http://127.0.0.1:1/v1", {"headers": {"X-A": "${OPENAI_API_KEY}"}}, "which is a provider's own key"),
    ],
)
def test_a_key_is_not_named_where_trust_would_not_send_it(
    around: Surroundings, base_url: str, fields: dict[str, Any], said: str
) -> None:
    model(around, base_url=base_url, **fields)
    record = run({"input": "x"}, model_spec="mine", endpoint=Endpoint(base_url=base_url))
    for form in (curl.curl, python.python):
        text, told = export(form, around, record)
        assert base_url in text
        assert not any(name in text for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "TEAM", "X-A"))
        assert len(told) == 1
        assert said in told[0]


def test_a_foreign_host_without_a_spec_gets_no_key(around: Surroundings) -> None:
    text, told = export(curl.curl, around, run({"input": "x"}, endpoint=Endpoint(base_url="https://evil.example/v1")))
    assert "https://evil.example/v1/responses" in text
    assert "KEY" not in text
    assert told == []


def test_the_model_spec_of_the_run_comes_before_that_of_today(around: Surroundings) -> None:
    old = json.dumps({"kind": "model", "provider": "openai", "model": "m-1", "headers": {"X-A": "then"}}).encode()
    around.store.put(old, "application/json")
    model(around, headers={"X-A": "now"})
    source = Source(path="models/mine.json", sha256=digest_of(old))
    record = run({"input": "x"}, model_spec="mine", sources=[source])
    assert "'X-A: then'" in export(curl.curl, around, record)[0]


def test_a_secret_in_a_model_spec_stays_there(around: Surroundings) -> None:
    headers = {"X-A": "[redacted]", "X-B": "sk-the-very-key-0123456789", "X-Api-Key": "hunter2", "X-C": "c"}
    model(around, base_url="http://127.0.0.1:1/v1", headers=headers)
    for form in (curl.curl, python.python):
        text, told = export(form, around, run({"input": "x"}, model_spec="mine"))
        assert "X-C" in text
        assert not any(word in text for word in ("X-A", "X-B", "hunter2", "the-very-key"))
        assert told == ["run abcde: without X-A, X-B, X-Api-Key: a header that holds a secret itself"]


def test_a_medium_is_read_from_the_store_as_its_wire_writes_it(around: Surroundings) -> None:
    refs = [MediaRef(PICTURE.digest, "image/png", "base64url"), MediaRef(PICTURE.digest, "image/png", "hex")]
    for ref in (PICTURE, MediaRef(PICTURE.digest, "image/png"), *refs):
        text, _ = export(python.python, around, run({"input": encode(ref)}))
        start = text.index("input=") + len("input=")
        source = text[start : text.index("\n", start)].removesuffix(")").removesuffix(",")
        names = {"base64": base64, "MEDIA": around.store.folder}
        assert eval(source, names) == ref.text(png(400, 300))


REDACTED = {"$redacted": "sha256:" + "0" * 64}
GONE = {"$media": "sha256:" + "0" * 64, "mime": "image/png", "as": "base64"}
LEFT_OUT = [
    (run(), "left out: nothing was sent"),
    (run({"model": "m"}, api="echo"), "left out: echo answers inside plcli"),
    (run({"input": [{"content": [{"text": REDACTED}]}]}), "a secret stood in input[0].content[0].text"),
    (run({"input": "sk-the-very-key-0123456789"}), "a secret stood in input and was taken out"),
    (run({"tools": [{"type": "mcp", "authorization": "hunter2"}]}), "a secret stood in tools[0].authorization"),
    (run({"input": GONE}), f"{GONE['$media']} is not in "),
    (run({"input": {"$media": 7}}), "its wires are damaged: a $media reference needs a digest"),
    (run({"input": [{"$same": 3}]}), "its wires are damaged: a $same refers to items"),
    (run(["x"]), "its request is no JSON object"),
    (run({"input": "x"}, provider="nobody"), "unknown provider 'nobody'"),
    (run({"input": "x"}, model=None), "it names no model"),
    (run({"input": "x"}, operation="audio.speech"), "'audio.speech' is no operation of OpenAI"),
    (run({"input": 1e999}), "it holds a number that JSON has not"),
    (run({"input": "x"}, endpoint=Endpoint(base_url="https://a:b@c/")), "base_url holds credentials"),
    (
        run({"contents": []}, api="generate_content", endpoint=Endpoint(base_url="https://aiplatform.googleapis.com")),
        "the model spec that names its project on Vertex is gone",
    ),
    (run({"contents": []}, api="generate_content", operation="embed"), "'embed' is no operation of Gemini"),
    (run({"contents": []}, api="generate_content", model="../x"), "model '../x' cannot stand in the address"),
]


@pytest.mark.parametrize(("record", "said"), LEFT_OUT, ids=[said for _, said in LEFT_OUT])
def test_what_cannot_be_sent_again_is_left_out_and_told(around: Surroundings, record: Record, said: str) -> None:
    for form in (curl.curl, python.python, batch.batch):
        text, told = export(form, around, record)
        assert text == ""
        assert len(told) == 1
        assert told[0].startswith("run abcde: left out: ")
        assert said in told[0] or form is batch.batch


def test_many_losses_are_told_in_few_lines(around: Surroundings) -> None:
    _, told = export(curl.curl, around, *[run()] * 100)
    assert len(told) == losses.MOST + 1
    assert told[-1] == "there are 80 more such losses"


def test_of_several_exchanges_the_first_is_taken_or_another_or_each(around: Surroundings) -> None:
    record = run({"input": [{"a": 1}]}, {"input": [{"$same": 1}, {"b": 2}]}, {"input": "c"})
    bodies = ['{"input":[{"a":1}]}', '{"input":[{"a":1},{"b":2}]}', '{"input":"c"}']
    for which, wanted in ((0, bodies[:1]), (1, bodies[1:2]), (None, bodies)):
        text, told = export(curl.curl, around, record, which=which)
        assert [word.split("'")[1] for word in text.split("--data-raw ")[1:]] == wanted
        assert told == ([] if which is None else [f"run abcde: exchange {which} alone, of 3 (--exchange N, --each)"])
    _, told = export(curl.curl, around, record, which=3)
    assert told == ["run abcde: left out: it has no exchange 3, the last is 2"]


def test_what_only_says_how_an_answer_travels_is_dropped(around: Surroundings) -> None:
    text, told = export(curl.curl, around, run({"stream": True, "input": "x", "stream_options": {}}))
    assert '\'{"input":"x"}\'' in text
    assert told == ["run abcde: stream and stream_options: dropped, the answer comes in one piece"]


def test_a_variable_in_a_tool_is_told(around: Surroundings) -> None:
    tools = [{"type": "mcp", "authorization": "Bearer ${MCP}", "headers": {"A": "${B}", "C": 7}}, 7]
    for form in (curl.curl, python.python, batch.batch):
        _, told = export(form, around, run({"tools": tools}))
        assert [line.split("uses ")[1] for line in told] == [
            "${MCP}, which only plcli fills in",
            "${B}, which only plcli fills in",
        ]


def test_a_script_is_written_to_be_read(around: Surroundings, snapshot: SnapshotAssertion) -> None:
    asked = [
        {
            "role": "developer",
            "content": "You are terse.\nYou write no lists.\n" + "You answer in the language asked. " * 3,
        },
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is it?"},
                {"type": "input_image", "image_url": encode(PICTURE)},
            ],
        },
    ]
    wire = {"model": "m-1", "input": asked, "store": False, "temperature": 0.2, "user": None, "from_2027": {"a": [1]}}
    text, told = export(python.python, around, run(wire))
    assert told == []
    assert text.replace(str(around.store.folder), "/media") == snapshot
    drawing = {"contents": [{"parts": [{"text": "A fox"}]}], "generationConfig": {"responseModalities": ["IMAGE"]}}
    assert export(python.python, around, run(drawing, api="generate_content"))[0] == snapshot
    assert export(python.python, around, run({"model": "m-1"}, api="chat"))[0] == snapshot


def test_a_script_may_send_what_no_provider_takes(around: Surroundings) -> None:
    text, told = export(python.python, around, run({"input": "Hi", "tools": 1, "output_format": ["png"]}))
    assert "tools=1," in text.replace(")", ",)")
    assert not told


def test_a_batch_leaves_out_what_it_cannot_carry(around: Surroundings) -> None:
    model(around, edits="multipart")
    refused = [
        (run({"contents": []}, api="generate_content"), "a batch of OpenAI asks no models of gemini"),
        (run({"input": "x", "background": True}), "its answer is made in the background"),
        (run({"prompt": "x"}, api="images", operation="images.edit", model_spec="mine"), "its edit travels as a form"),
    ]
    for record, said in refused:
        text, told = export(batch.batch, around, record)
        assert text == ""
        assert said in told[0]


def test_what_a_batch_as_a_whole_cannot_be_is_told(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LINES", 1)
    first = run({"input": "x"}, {"input": "y"})
    other = run({"messages": []}, api="chat", model="m-2", endpoint=Endpoint(base_url="http://127.0.0.1:1/v1"))
    text, told = export(batch.batch, around, first, other, which=None)
    assert [json.loads(line)["custom_id"] for line in text.splitlines()] == [ID, f"{ID}.1", ID]
    assert told == [
        "run abcde: it went to http://127.0.0.1:1/v1, not to https://api.openai.com/v1",
        "a batch has one endpoint, these lines have 2: /v1/chat/completions, /v1/responses",
        "a batch has one model, these lines have 2: m-1, m-2",
        "a batch has at most 1 lines and 200 MB: split the file",
    ]


def test_lines_are_those_of_the_log_without_secrets_that_are_known_by_now(around: Surroundings) -> None:
    whole = run({"input": encode(PICTURE)}, {"input": [{"$same": 1}]})
    text, told = export(jsonl.jsonl, around, whole)
    assert parse(text) == whole
    assert "the media of 1 run stay in " in told[0]
    leaky = run({"input": ["my sk-the-very-key-0123456789"]}, variables={"k": "sk-the-very-key-0123456789"})
    text, told = export(jsonl.jsonl, around, leaky)
    assert "the-very-key" not in text
    record = parse(text)
    assert isinstance(record, Record)
    assert record.exchanges[0].request["input"][0].keys() == {"$redacted"}
    assert told == ["run abcde: a secret in it was taken out"]


def test_a_table_has_a_column_for_all_that_some_run_has(around: Surroundings, snapshot: SnapshotAssertion) -> None:
    answer = ResponseRecord(state="ok", text="=1+1", output={"city": "Paris", "days": [1, 2]})
    drawn = ResponseRecord(state="ok", parts=[ImagePart(media="sha256:a"), ImagePart(url="https://x/y")])
    records = [
        run({"input": "x"}, variables={"city": "@x", "at": -5}, response=answer, tags=["a", "b"]),
        run({"input": "x"}, usage=Usage(input_tokens=7), cost=Cost(amount=0.5, source="user", complete=True)),
        run(response=drawn, error=Failure(kind="auth", message='-no "key",\tnow\r\n'), metadata={"x.y": None}),
        run(variables={"city": "sk-the-very-key-0123456789"}, response=ResponseRecord(state="ok", output=[1])),
    ]
    text, told = export(table.table, around, *records)
    assert told == []
    assert text == snapshot


def test_a_table_has_no_more_columns_than_a_person_can_use(around: Surroundings) -> None:
    text, told = export(table.table, around, run(variables={f"v{at}": at for at in range(5000)}), run())
    assert len(text.splitlines()[0].split(",")) == table.COLUMNS
    assert told == ["a table has at most 1000 columns: 1 rows have values that are not in it"]
    assert export(table.table, around) == ("", [])


@pytest.mark.parametrize("form", [table.table, promptlayer.promptlayer])
def test_what_is_nested_without_end_is_left_out_and_told(around: Surroundings, form: Form) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    text, told = export(form, around, run({"input": "Hi"}, variables={"x": deep}), run({"input": "Hello"}))
    assert told[0].startswith("run abcde: left out: it is nested too deeply")
    assert text


SAID = {"type": "message", "content": [{"type": "output_text", "text": "Sunny."}]}
CALLED = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city":"Paris"}'}


def test_promptlayer_gets_each_exchange_as_a_blueprint(around: Surroundings, snapshot: SnapshotAssertion) -> None:
    asked = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "Weather?"}, {"type": "input_file", "file_id": "f"}],
        }
    ]
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": True}
    head = {"model": "m-1", "tools": [tool, {"type": "web_search"}], "tool_choice": "auto", "temperature": 0.5}
    result = {"type": "function_call_output", "call_id": "c1", "output": "sun"}
    record = run(
        {**head, "input": asked},
        {**head, "input": [{"$same": 1}, CALLED, result]},
        responses=[
            {"id": "r1", "status": "completed", "output": [CALLED], "usage": {"input_tokens": 5, "output_tokens": 2}},
            {
                "id": "r2",
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [SAID],
            },
        ],
        variables={"city": "Paris"},
        tags=["smoke"],
        metadata={"n": 1, "who": "me"},
        cost=Cost(amount=0.5, source="user", complete=True),
    )
    text, told = export(promptlayer.promptlayer, around, record, which=None)
    assert [json.loads(line) for line in text.splitlines()] == snapshot
    assert told == [
        "run abcde: exchange 0 without messages[0].content[1], tools[1]",
        "run abcde: exchange 1 without messages[0].content[1], tools[1]",
    ]


def test_promptlayer_gets_a_medium_where_none_is_wanted_by_its_digest(around: Surroundings) -> None:
    schema = {"type": "object", "properties": {"a": {"description": encode(PICTURE)}}}
    tool = {"type": "function", "name": "f", "parameters": schema, "strict": False}
    text, _ = export(promptlayer.promptlayer, around, run({"input": "Hi", "tools": [tool]}))
    assert json.loads(text)["input"]["tools"][0]["function"]["parameters"] == schema


def test_promptlayer_gets_pictures_as_completions(around: Surroundings) -> None:
    wire = {"model": "m-1", "prompt": "A hat", "images": [{"image_url": encode(PICTURE)}], "size": "auto"}
    made = encode(MediaRef(PICTURE.digest, "image/png"))
    record = run(wire, api="images", operation="images.edit", responses=[{"data": [{"b64_json": made}]}])
    body = json.loads(export(promptlayer.promptlayer, around, record)[0])
    url = "data:image/png;base64," + base64.b64encode(png(400, 300)).decode()
    assert body["input"] == {
        "type": "completion",
        "content": [{"type": "text", "text": "A hat"}, {"type": "image_url", "image_url": {"url": url}}],
    }
    (picture,) = body["output"]["content"]
    assert (picture["type"], picture["url"], picture["media_type"]) == ("output_media", url, "image")
    assert (body["parameters"], body["api_type"]) == ({"size": "auto"}, "images")


@pytest.mark.parametrize(
    ("kind", "status", "type"),
    [
        ("timeout", "ERROR", "PROVIDER_TIMEOUT"),
        ("server", "ERROR", "PROVIDER_ERROR"),
        ("auth", "ERROR", "PROVIDER_AUTH_ERROR"),
    ],
)
def test_promptlayer_is_told_of_failures(around: Surroundings, kind: str, status: str, type: str) -> None:
    failure = Failure(kind=kind, message="no " * 1000)
    record = run({"input": "x"}, error=failure)
    attempt = AttemptRecord(started="t", duration_ms=1, error=failure)
    for each in (record, run({"input": "x"}).model_copy(update={"exchanges": [failing(record, attempt)]})):
        body = json.loads(export(promptlayer.promptlayer, around, each)[0])
        assert (body["status"], body["error_type"], len(body["error_message"])) == (status, type, 1024)
        assert body["output"] == {"type": "chat", "messages": []}


def failing(record: Record, attempt: AttemptRecord) -> ExchangeRecord:
    return record.exchanges[0].model_copy(update={"attempts": [attempt]})


def test_promptlayer_knows_clouds_by_names_of_its_own(around: Surroundings) -> None:
    hosts = {
        "https://x.openai.azure.com": "openai.azure",
        "https://api.openai.com/v1": "openai",
        "https://[": "openai",
    }
    for base_url, name in hosts.items():
        record = run({"input": "x"}, endpoint=Endpoint(base_url=base_url), response=ResponseRecord(state="ok"))
        assert json.loads(export(promptlayer.promptlayer, around, record)[0])["provider"] == name
    assert (
        json.loads(export(promptlayer.promptlayer, around, run({}, api="generate_content"))[0])["provider"] == "google"
    )


def test_promptlayer_gets_marks_in_the_places_of_secrets(around: Surroundings) -> None:
    said = [{"role": "user", "content": [{"type": "input_text", "text": REDACTED}]}]
    record = run({"input": said, "user": "sk-the-very-key-0123456789"})
    body = json.loads(export(promptlayer.promptlayer, around, record)[0])
    assert body["input"]["messages"][0]["content"] == [{"type": "text", "text": "[redacted]"}]
    assert body["parameters"] == {"user": "[redacted]"}
