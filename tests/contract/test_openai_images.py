"""The Images api: what a server receives, as JSON and as a form, and how we take what it answers."""

from __future__ import annotations

import base64
import json
from email import message_from_bytes
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plcli.errors import SetupError
from plcli.exchange import Target
from plcli.failures import CallFailed
from plcli.media import Json, MediaRef, digest_of, lift
from plcli.providers import openai_images
from plcli.records import Record, parse
from plcli.response import ImagePart, Response
from plcli.specs import Azure
from tests.support import pictures
from tests.support.aimock import Aimock
from tests.support.calls import Server, call
from tests.support.cli import Cli, Outcome
from tests.support.image_streams import image_events
from tests.support.loopback import Loopback, Received

KEY = "sk-images-canary-0f4b1c9e7a2d6835"
BYTES = {digest_of(data): data for data in (pictures.png(), pictures.png(alpha=0), pictures.webp(), pictures.jpeg())}
PNG, MASK, WEBP, JPEG = (
    MediaRef(digest, mime, "data-url")
    for digest, mime in zip(BYTES, ("image/png", "image/png", "image/webp", "image/jpeg"), strict=True)
)
URL = "https://pictures.example/a.png"
DRAWN = base64.b64encode(pictures.png(4, 4)).decode()
SERVED = {"background": "opaque", "output_format": "png", "quality": "low", "size": "1024x1024"}
USAGE = {"input_tokens": 9, "output_tokens": 100, "total_tokens": 109}
ANSWER: dict[str, Any] = {"created": 7, **SERVED, "data": [{"b64_json": DRAWN}], "usage": USAGE}

GENERATE = {"model": "gpt-image-3", "prompt": "Grüße, ein 🦊", "size": "1024x1024", "n": 2, "new": {"deep": [1, None]}}
EDIT = {
    "model": "gpt-image-3",
    "prompt": 'add a "hat"\r\nplease',
    "images": [{"image_url": PNG}, {"image_url": WEBP}],
    "mask": {"image_url": MASK},
    "quality": "low",
}


def ask(at: Server | str, wire: Json, **settings: Any) -> Response:
    """One call, folded and read as the engine does it."""
    made = call(at, **{"read_media": BYTES.__getitem__, "key": KEY, **settings})
    folded = openai_images.fold(openai_images.send(wire, openai_images.target_of(wire, "gpt-image-3"), made))
    assert folded.complete
    return openai_images.read(lift(folded.body, openai_images.MEDIA, elsewhere=False)[0])


def fail(at: Server | str, wire: Json, **settings: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        ask(at, wire, **settings)
    assert KEY not in str(caught.value) + str(caught.value.failure)
    return caught.value


# What the server receives


@pytest.mark.parametrize(("wire", "path"), [(GENERATE, "/v1/images/generations"), (EDIT, "/v1/images/edits")])
def test_a_request_goes_out_as_json_exactly(wire: Json, path: str, server: Loopback) -> None:
    server.answer(json=ANSWER)
    answer = ask(server, wire, client_request_id="plcli-1")
    (request,) = server.received
    urls = {ref: ref.text(BYTES[ref.digest]) for ref in (PNG, WEBP, MASK)}
    pictured = {
        "images": [{"image_url": urls[PNG]}, {"image_url": urls[WEBP]}], "mask": {"image_url": urls[MASK]}
    }  # fmt: skip
    sent = {**wire, **pictured} if "images" in wire else wire
    assert (request.method, request.path) == ("POST", path)
    assert request.body == json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-client-request-id"] == "plcli-1"
    assert [part.media for part in answer.images] == [digest_of(pictures.png(4, 4))]


def test_addresses_files_of_the_provider_and_foreign_fields_go_out_as_they_are(server: Loopback) -> None:
    server.answer(json=ANSWER)
    wire = {"prompt": "p", "images": [{"image_url": URL}, {"file_id": "file-1"}], "image": None, "markup": {"x": 1}}
    ask(server, wire)
    assert server.received[0].json == wire
    assert server.received[0].path == "/v1/images/edits"


@pytest.mark.parametrize(
    ("fields", "stream", "streams"),
    [
        ({}, True, False),
        ({"partial_images": 2}, True, True),
        ({"partial_images": 0}, True, False),
        ({"partial_images": 2}, False, False),
        ({"partial_images": None}, True, False),
        ({"stream": True, "stream_options": {}}, True, False),
    ],
)
def test_a_request_streams_only_where_drafts_are_asked_for(
    fields: Json, stream: bool, streams: bool, server: Loopback
) -> None:
    server.answer(json=ANSWER)
    ask(server, {"prompt": "p", **fields}, stream=stream)
    sent = server.received[0].json
    assert sent.get("stream", False) is streams
    assert "stream_options" not in sent


class Field(NamedTuple):
    """A part of a form."""

    name: str
    data: bytes
    filename: str | None = None
    type: str | None = None


def form(request: Received) -> list[Field]:
    """The parts of a form, as Python's own parser of mail reads them."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    found = []
    for part in message_from_bytes(head + request.body).get_payload():
        said = dict(part.get_params(header="content-disposition"))
        data = part.get_payload(decode=True)
        found.append(Field(said["name"], data, said.get("filename"), part["content-type"]))
    return found


def words(**fields: str) -> list[Field]:
    return [Field(name, text.encode()) for name, text in fields.items()]


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        (
            {"model": "m", "prompt": "add a hat", "images": [{"image_url": JPEG}]},
            [
                *words(model="m", prompt="add a hat"),
                Field("image", pictures.jpeg(), "image-1.jpeg", "image/jpeg"),
            ],
        ),
        (
            EDIT,
            [
                *words(model="gpt-image-3", prompt="add a \"hat\"\r\nplease", quality="low"),
                Field("image[]", pictures.png(), "image-1.png", "image/png"),
                Field("image[]", pictures.webp(), "image-2.webp", "image/webp"),
                Field("mask", pictures.png(alpha=0), "mask.png", "image/png"),
            ],
        ),
        (
            {"markup": {"image_url": PNG}, "n": 2, "yes": True, "svg": {"model": "a", "reasoning": {"effort": "low"}},
             "no": None, "list": [1, 2], "more": "é"},
            [
                *words(n="2", yes="true", **{"svg[model]": "a", "svg[reasoning][effort]": "low"}),
                Field("list[]", b"1"), Field("list[]", b"2"), *words(more="é"),
                Field("markup", pictures.png(), "markup.png", "image/png"),
            ],
        ),
        ({"image": PNG}, [Field("image", pictures.png(), "image-1.png", "image/png")]),
        ({"image": [PNG, WEBP]}, [Field("image[]", pictures.png(), "image-1.png", "image/png"),
                                  Field("image[]", pictures.webp(), "image-2.webp", "image/webp")]),
        (
            {"image": MediaRef(PNG.digest, 'image/x"\r\nX-Injected: 1', "data-url")},
            [Field("image", pictures.png(), "image-1", "application/octet-stream")],
        ),
    ],
)  # fmt: skip
def test_an_edit_goes_out_as_a_form_where_the_model_spec_says_so(
    wire: Json, fields: list[Field], server: Loopback
) -> None:
    server.answer(json=ANSWER)
    assert ask(server, wire, edits="multipart", headers={"Content-Type": "text/plain", "X-A": "b"}).state == "ok"
    (request,) = server.received
    assert request.path == "/v1/images/edits"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert (request.headers["authorization"], request.headers["x-a"]) == (f"Bearer {KEY}", "b")
    assert form(request) == fields


def test_a_form_streams_like_json(server: Loopback) -> None:
    server.stream(image_events(ANSWER, drafts=1, edit=True))
    assert ask(server, {**EDIT, "partial_images": 1}, edits="multipart").state == "ok"
    assert Field("stream", b"true") in form(server.received[0])


def test_a_generation_is_json_whatever_the_model_spec_says_of_edits(server: Loopback) -> None:
    server.answer(json=ANSWER)
    ask(server, GENERATE, edits="multipart")
    assert server.received[0].json == GENERATE


@pytest.mark.parametrize(
    "wire",
    [
        {"images": [{"image_url": URL}]},
        {"images": [{"image_url": PNG}, {"file_id": "file-1"}]},
        {"images": [{"image_url": PNG}], "mask": {"image_url": URL}},
        {"images": "everything"},
        {"images": [{"image_url": PNG}], "prompt": "half \ud83d"},
        {"images": [{"image_url": PNG}], "svg": [{"\ud83d": 1}]},
    ],
)
def test_what_a_form_cannot_carry_is_told_before_anything_is_sent(wire: Json, server: Loopback) -> None:
    error = fail(server, wire, edits="multipart")
    assert error.failure.kind == "invalid"
    assert "edits" in (error.hint or "")
    assert not server.received


@pytest.mark.parametrize("edits", ["json", "multipart"])
@pytest.mark.parametrize(("wire", "path"), [(GENERATE, "generations"), (EDIT, "edits")])
def test_azure_is_called_in_both_its_forms(edits: str, wire: Json, path: str, server: Loopback) -> None:
    server.answer(json=ANSWER)
    azure = Azure(endpoint=server.url, deployment="drawing")
    ask(server.url, wire, azure=azure, api_version="2025-04-01-preview", edits=edits)
    ask(f"{server.url}/openai/v1", wire, edits=edits)
    legacy, current = server.received
    assert legacy.path == f"/openai/deployments/drawing/images/{path}?api-version=2025-04-01-preview"
    assert current.path == f"/openai/v1/images/{path}"
    assert (legacy.headers.get("api-key"), legacy.headers.get("authorization")) == (KEY, None)
    assert current.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("edits", ["json", "multipart"])
def test_a_key_that_no_header_can_carry_is_not_shown(edits: str, server: Loopback) -> None:
    with pytest.raises(SetupError) as caught:
        ask(server, EDIT, edits=edits, key="sk-secret\n")
    assert "sk-secret" not in str(caught.value)
    assert not server.received


# How we take what it answers


@pytest.mark.parametrize("wire", [GENERATE, EDIT], ids=["generate", "edit"])
@pytest.mark.parametrize("chunk", [None, 7])
def test_a_stream_is_read_like_a_plain_answer(wire: Json, chunk: int | None, server: Loopback) -> None:
    server.answer(json=ANSWER)
    server.stream(image_events(ANSWER, drafts=2, edit=wire is EDIT), names=True, chunk=chunk)
    plain, streamed = ask(server, wire), ask(server, {**wire, "partial_images": 2})
    assert plain == streamed
    assert streamed.images[0].served == SERVED


def test_a_server_that_was_asked_to_stream_may_answer_in_one_piece(server: Loopback) -> None:
    server.answer(json=ANSWER)
    assert ask(server, {**GENERATE, "partial_images": 3}).state == "ok"


def test_several_pictures_and_addresses_come_in_order(server: Loopback) -> None:
    other = base64.b64encode(pictures.webp()).decode()
    server.answer(json={**ANSWER, "data": [{"b64_json": other}, {"url": URL}, {"b64_json": DRAWN}]})
    answer = ask(server, GENERATE)
    assert [part.media or part.url for part in answer.images] == [WEBP.digest, URL, digest_of(pictures.png(4, 4))]


def test_broken_base64_is_a_picture_without_bytes(server: Loopback) -> None:
    server.answer(json={**ANSWER, "data": [{"b64_json": f"{DRAWN[:-3]}!"}]})
    (part,) = ask(server, GENERATE).images
    assert (part.media, part.url) == (None, None)


@pytest.mark.parametrize(
    ("status", "error", "kind", "said"),
    [
        (
            400,
            {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "Rejected.",
             "moderation_details": {"moderation_stage": "input", "categories": ["violence"]}},
            "safety",
            "Rejected. (found in the input: violence)",
        ),
        (400, {"code": "content_policy_violation", "message": "No."}, "safety", "No."),
        (400, {"code": "billing_hard_limit_reached", "message": "Billing hard limit"}, "quota", "Billing hard limit"),
        (400, {"type": "image_generation_user_error", "code": None, "message": "Bad mask."}, "invalid", "Bad mask."),
        (401, {"code": "invalid_api_key", "message": "Wrong key."}, "auth", "Wrong key."),
        (404, {"code": "model_not_found", "message": "gone"}, "not_found", "gone"),
        (429, {"code": "rate_limit_exceeded", "message": "slow"}, "rate_limit", "slow"),
        (500, {"message": "sorry"}, "server", "sorry"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("edits", ["json", "multipart"])
def test_an_error_is_told_in_the_words_of_the_server(
    status: int, error: Json, kind: str, said: str, edits: str, server: Loopback
) -> None:
    server.answer(status, json={"error": error})
    caught = fail(server, EDIT, edits=edits)
    assert (caught.failure.kind, caught.failure.status, caught.message) == (kind, status, said)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("status", "body", "hinted"),
    [
        (400, {"error": {"message": "Missing required parameter: 'image'."}}, True),
        (415, {"detail": "Unsupported media type: use multipart/form-data"}, True),
        (422, {"detail": [{"loc": ["body", "image"], "msg": "Field required"}]}, True),
        (400, {"error": {"message": "prompt is required"}}, True),
        (422, {"detail": [{"loc": ["body", "images"], "msg": "Extra inputs are not permitted"}]}, True),
        (400, {"error": {"message": "The image is too large."}}, False),
        (
            400,
            {"error": {"message": "Unknown parameter: 'style'.", "code": "unknown_parameter", "param": "style"}},
            False,
        ),
    ],
)
def test_a_server_that_reads_only_forms_is_told_of(status: int, body: Json, hinted: bool, server: Loopback) -> None:
    server.answer(status, json=body)
    hints = [fail(server, wire, edits=edits).hint or "" for wire, edits in
             ((EDIT, "json"), (EDIT, "multipart"), (GENERATE, "json"))]  # fmt: skip
    assert ["edits: multipart" in hint for hint in hints] == [hinted, False, False]


def test_aimock_reads_only_forms(aimock: Aimock) -> None:
    assert "edits: multipart" in (fail(aimock, {**EDIT, "prompt": "draw two dots"}).hint or "")


@pytest.mark.parametrize("wire", [GENERATE, EDIT])
@pytest.mark.parametrize("edits", ["json", "multipart"])
def test_a_redirect_is_an_error_and_the_other_server_receives_nothing(wire: Json, edits: str, server: Loopback) -> None:
    with Loopback() as other:
        other.answer(json=ANSWER)
        server.redirect(f"{other.base_url}/images/edits?token=secret")
        error = fail(server, wire, edits=edits)
        assert error.failure.kind == "protocol"
        assert "secret" not in error.message
        assert not other.received


@pytest.mark.parametrize("events", [image_events(ANSWER, drafts=2)[:2], [{"type": "ping"}]])
def test_a_stream_without_its_picture_is_not_complete(events: list[Any], server: Loopback) -> None:
    server.stream(events)
    made = call(server, key=KEY)
    sent = openai_images.send({**GENERATE, "partial_images": 2}, Target("images.generate", "m"), made)
    assert not openai_images.fold(sent).complete


def test_an_error_in_the_middle_of_a_stream_is_blocked(server: Loopback) -> None:
    said = {"code": "moderation_blocked", "message": "no", "moderation_details": {"moderation_stage": "output"}}
    server.stream([*image_events(ANSWER, drafts=1)[:1], {"type": "error", "error": said}])
    answer = ask(server, {**GENERATE, "partial_images": 1})
    assert answer.failure is not None
    assert (answer.state, answer.failure.message) == ("blocked", "no (found in the output)")


# Runs


def run(cli: Cli, here: Path, at: str, *options: str, **fields: Any) -> Outcome:
    """A run of a request for pictures against a server."""
    (here / "models").mkdir(exist_ok=True)
    model = {"kind": "model", "provider": "openai", "api": "images", "model": "gpt-image-3", "base_url": at, **fields}
    (here / "models" / "m.json").write_text(json.dumps({"api_key_env": "PICTURE_KEY", "retries": 0, **model}))
    return cli("run", "drawing.json", *options)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a request for an edit."""
    monkeypatch.setenv("PICTURE_KEY", KEY)
    (tmp_path / "fox.png").write_bytes(pictures.png())
    content = [{"type": "text", "text": "add a hat"}, {"type": "image", "source": "fox.png"}]
    messages = [{"role": "user", "content": content}]
    spec = {"kind": "request", "model": "m", "messages": messages, "image": {"size": "auto", "partial_images": 1}}
    (tmp_path / "drawing.json").write_text(json.dumps(spec))
    return tmp_path


def last(here: Path) -> Record:
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    return record


@pytest.mark.parametrize("edits", ["json", "multipart"])
def test_a_run_is_logged_with_its_picture_beside_the_log(
    edits: str, stream: bool, server: Loopback, here: Path, cli: Cli
) -> None:
    server.stream(image_events(ANSWER, drafts=1, edit=True)) if stream else server.answer(json=ANSWER)
    outcome = run(cli, here, server.base_url, *([] if stream else ["--no-stream"]), edits=edits)
    assert outcome.code == 0, outcome.err
    record = last(here)
    (exchange,) = record.exchanges
    assert (exchange.operation, exchange.streamed) == ("images.edit", stream)
    assert exchange.request["images"][0]["image_url"]["$media"] == PNG.digest
    assert record.response is not None
    (part,) = record.response.parts
    assert isinstance(part, ImagePart)
    assert part.media == digest_of(pictures.png(4, 4))
    assert part.requested == {"size": "auto", "partial_images": 1}
    assert part.served == SERVED
    assert (part.width, part.height, part.faults) == (4, 4, None)
    line = (here / "runs.jsonl").read_text()
    for data in (pictures.png(), pictures.png(4, 4)):
        assert base64.b64encode(data).decode().rstrip("=") not in line
    assert KEY not in line + outcome.out + outcome.err


def test_json_and_form_are_one_recording(server: Loopback, here: Path, cli: Cli) -> None:
    server.answer(json=ANSWER)
    keys = set()
    for edits in ("json", "multipart"):
        assert run(cli, here, server.base_url, edits=edits).code == 0
        keys.add(last(here).exchanges[0].key)
    assert len(keys) == 1


def test_a_blocked_run_says_where_and_why(server: Loopback, here: Path, cli: Cli) -> None:
    details = {"moderation_stage": "output", "categories": ["violence"]}
    server.answer(400, json={"error": {"code": "moderation_blocked", "message": "No.", "moderation_details": details}})
    outcome = run(cli, here, server.base_url)
    record = last(here)
    assert outcome.code == 4
    assert record.response is not None
    assert record.response.state == "blocked"
    assert "No. (found in the output: violence)" in outcome.err


def test_going_on_edits_the_picture_of_the_run_before(server: Loopback, here: Path, cli: Cli) -> None:
    server.answer(json=ANSWER)
    run(cli, here, server.base_url)
    outcome = cli("run", "--continue", "last", "--message", "and a scarf", "--no-stream")
    assert outcome.code == 0, outcome.err
    assert server.received[1].path == "/v1/images/edits"
    assert server.received[1].json == {
        "model": "gpt-image-3", "size": "auto", "partial_images": 1, "prompt": "and a scarf",
        "images": [{"image_url": f"data:image/png;base64,{DRAWN}"}],
    }  # fmt: skip


# A server that others wrote


def test_aimock_draws(aimock: Aimock) -> None:
    answer = ask(aimock, {"model": "gpt-image-3", "prompt": "draw two dots", "n": 2})
    request = aimock.received()[-1]
    assert (request["path"], request["body"]["model"]) == ("/v1/images/generations", "gpt-image-3")
    one, two = answer.images
    assert (one.revised_prompt, bool(one.media), two.url) == ("two dots", True, "http://127.0.0.1:1/dot.png")


def test_aimock_edits_a_form(aimock: Aimock) -> None:
    answer = ask(aimock, {**EDIT, "prompt": "draw two dots"}, edits="multipart")
    request = aimock.received()[-1]
    assert (request["path"], request["body"]["model"]) == ("/v1/images/edits", "gpt-image-3")
    assert request["body"]["messages"] == [{"role": "user", "content": "draw two dots"}]
    assert len(answer.images) == 2


def test_aimock_blocks(aimock: Aimock) -> None:
    assert fail(aimock, {"model": "gpt-image-3", "prompt": "harm"}).failure.kind == "safety"
