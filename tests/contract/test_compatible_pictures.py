"""Pictures of servers that are compatible, each in its own way: what a run makes of them, and what its record says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plcli.media import Json, decode, digest_of, lower
from plcli.records import Record, parse
from plcli.response import ImagePart
from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback
from tests.support.pictures import SVG, jpeg, png, webp

PICTURES = {digest_of(data): data for data in (png(), jpeg(), webp(), SVG)}
PNG = base64.b64encode(png()).decode()
JPEG = base64.b64encode(jpeg()).decode()
WEBP = base64.b64encode(webp()).decode()
DRAFT = base64.b64encode(png(4, 4)).decode()

SAFE = {"sexual": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
SEXUAL = {**SAFE, "sexual": {"filtered": True, "severity": "high"}}
SENSITIVE = {"code": "OutputImageSensitiveContentDetected", "message": "It may contain sensitive information."}

IMAGES = ("image", "--prompt", "A fox", "--model", "images", "--set", "image.n=2")
DRAFTS = (*IMAGES, "--set", "image.partial_images=1")
CHAT = ("run", "--prompt", "A fox", "--model", "chat")
GEMINI = ("image", "--prompt", "A fox", "--model", "gemini")
RESPONSES = ("image", "--prompt", "A fox", "--model", "responses")


class Studio(NamedTuple):
    """A workspace whose models are on our own server."""

    folder: Path
    server: Loopback
    cli: Cli

    def run(self, *args: str) -> Outcome:
        return self.cli(*args)

    @property
    def record(self) -> Record:
        record = parse((self.folder / "runs.jsonl").read_bytes().splitlines()[-1])
        assert isinstance(record, Record)
        return record

    @property
    def pictures(self) -> list[ImagePart]:
        assert self.record.response is not None
        return [part for part in self.record.response.parts if isinstance(part, ImagePart)]


@pytest.fixture
def studio(tmp_path: Path, server: Loopback, cli: Cli) -> Studio:
    (tmp_path / "models").mkdir()
    for name, api in (("images", "images"), ("chat", "chat"), ("responses", "responses"), ("gemini", None)):
        at = (
            {"provider": "openai", "base_url": server.base_url}
            if api
            else {"provider": "gemini", "base_url": server.url}
        )
        spec = {"kind": "model", "model": "m", "retries": 0, **at, **({"api": api} if api else {})}
        (tmp_path / "models" / f"{name}.json").write_text(json.dumps(spec))
    return Studio(tmp_path, server, cli)


def images(*items: Json, **more: Json) -> dict[str, Any]:
    return {"created": 1, **more, "data": list(items)}


def message(**said: Json) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **said}}]}


def drawn(**more: Json) -> dict[str, Any]:
    call = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": PNG, **more}
    return {"id": "resp_1", "status": "completed", "model": "m", "output": [call]}


def candidate(*parts: Json, reason: str = "STOP", **more: Json) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, **more}]}


def blob(data: str, mime: str = "image/png", **more: Json) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": data}, **more}


def piece(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


HERE = "HERE"
"""Stands for the root of our server in an answer."""

WHOLE: dict[str, tuple[tuple[str, ...], Json, list[bytes]]] = {
    "azure": (
        IMAGES,
        images(
            {"b64_json": PNG, "url": "", "content_filter_results": SAFE, "prompt_filter_results": SAFE},
            {"url": f"{HERE}/1.png?se=2026&sig=x", "revised_prompt": "A red fox", "content_filter_results": SAFE},
        ),
        [png()],
    ),
    "a url with every field": (
        IMAGES,
        {"id": "u", **images({"url": f"{HERE}/1.png", "index": 0}, {"url": f"{HERE}/2.png", "b64_json": None})},
        [png(), jpeg()],
    ),
    "a model beside data": (
        IMAGES,
        images(
            {"index": 0, "b64_json": PNG, "url": None, "type": "b64_json"},
            {"index": 1, "b64_json": JPEG, "timings": {"inference": 0.5}},
            object="list",
            model="flux",
        ),
        [],
    ),
    "a type and the price": (
        IMAGES,
        {
            "data": [{"url": f"{HERE}/{n}", "mime_type": "image/jpeg", "respect_moderation": True} for n in (1, 2)],
            "usage": {"cost_in_usd_ticks": 200000000},
        },
        [jpeg(), jpeg()],
    ),
    "images beside data": (
        IMAGES,
        images({"url": f"{HERE}/1"}, {"url": f"{HERE}/2"}, images=[{"url": f"{HERE}/1"}], seed=7, shared_id="0"),
        [png(), webp()],
    ),
    "vector drawings": (
        IMAGES,
        images({"image_id": "i", "url": f"{HERE}/1.svg"}, {"image_id": "j", "url": f"{HERE}/2.svg"}, credits=40),
        [SVG, SVG],
    ),
    "a gateway that says everything it knows": (
        IMAGES,
        images(
            *(
                {"b64_json": data, "revised_prompt": None, "url": None, "provider_specific_fields": {}}
                for data in (PNG, JPEG)
            ),
            background=None,
            output_format=None,
            usage={"input_tokens": 0, "input_tokens_details": {"image_tokens": 0}, "output_tokens_details": None},
        ),
        [],
    ),
    "its own statistics": (
        IMAGES,
        images({"b64_json": PNG}, {"b64_json": PNG}, output_format="png", stage_durations={"a": 1}, peak_memory_mb=1.5),
        [],
    ),
    "data urls where bytes or addresses stand": (
        IMAGES,
        images({"b64_json": f"data:image/png;base64,{PNG}"}, {"url": f"data:image/jpg;base64,{JPEG}"}),
        [],
    ),
    "paths on the server": (IMAGES, images({"url": "/v1/files/image?id=1"}, {"url": "/made/2.png"}), [png(), jpeg()]),
    "lines of base64": (
        IMAGES,
        images(
            {"b64_json": base64.encodebytes(png()).decode()},
            {"b64_json": "\r\n".join(JPEG[at : at + 76] for at in range(0, len(JPEG), 76))},
        ),
        [],
    ),
    "unpadded and url-safe": (
        IMAGES,
        images({"b64_json": PNG.rstrip("=")}, {"b64_json": base64.urlsafe_b64encode(jpeg()).decode()}),
        [],
    ),
    "chat with pictures beside the words": (
        CHAT,
        message(
            content="",
            reasoning=None,
            images=[{**piece(f"data:image/png;base64,{PNG}"), "index": 0}, piece(f"{HERE}/2")],
        ),
        [jpeg()],
    ),
    "chat with pictures among the words": (
        CHAT,
        message(
            content=[
                piece(f"data:image/png;base64,{PNG}"),
                {"type": "text", "text": "x"},
                piece(f"data:image/jpg;base64,{JPEG}"),
            ]
        ),
        [],
    ),
    "responses with a data url": (RESPONSES, drawn(result=f"data:image/png;base64,{PNG}"), []),
    "responses that are not done drawing": (RESPONSES, drawn(status="generating"), []),
    "gemini with drafts": (
        GEMINI,
        candidate({"text": "t", "thought": True}, blob(DRAFT, thought=True), blob(PNG, thoughtSignature="AA==")),
        [],
    ),
    "gemini in snake case": (GEMINI, candidate({"inline_data": {"mime_type": "image/png", "data": PNG}}), []),
    "gemini with another spelling of the type": (GEMINI, candidate(blob(JPEG, "image/jpg")), []),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_is_a_picture_whatever_stands_beside_it(kind: str, studio: Studio) -> None:
    args, body, files = WHOLE[kind]
    studio.server.answer(json=json.loads(json.dumps(body).replace(HERE, studio.server.url)))
    for data in files:
        studio.server.answer(body=data, type="application/octet-stream")
    outcome = (
        studio.run(*args, "--no-stream", "--out", "out") if args[0] == "image" else studio.run(*args, "--no-stream")
    )
    assert (outcome.code, "warning" in outcome.err) == (0, False), outcome.err
    found = studio.pictures
    assert len(found) == (1 if args in (RESPONSES, GEMINI) else 2)
    assert [part.faults for part in found] == [None] * len(found)
    for part in found:
        assert part.media is not None
        named = [
            path for path in (studio.folder / "media").iterdir() if path.stem == part.media.removeprefix("sha256:")
        ]
        assert [path.read_bytes() for path in named] == [PICTURES[part.media]]
        assert part.mime in {
            f"image/{path.suffix[1:]}".replace("jpg", "jpeg").replace("svg", "svg+xml") for path in named
        }
    line = (studio.folder / "runs.jsonl").read_text()
    assert not any(data[:40] in line for data in (PNG, JPEG, WEBP, DRAFT))


FAILED: dict[str, tuple[tuple[str, ...], int, Json, tuple[int, str, str]]] = {
    "what moderation withheld": (
        IMAGES,
        200,
        images({"url": "", "respect_moderation": False}),
        (4, "no_image", "holds no picture"),
    ),
    "what a filter found": (
        IMAGES,
        200,
        images({"content_filter_results": SEXUAL}),
        (4, "blocked", "(filtered: sexual)"),
    ),
    "an item that was blocked": (IMAGES, 200, images({"error": SENSITIVE}), (4, "blocked", "sensitive information")),
    "an item by its code alone": (
        IMAGES,
        200,
        images({"error": {"code": "contentFilter", "message": "No."}}),
        (4, "blocked", "No."),
    ),
    "a prompt that was blocked": (
        IMAGES,
        400,
        {"error": {"code": "InputTextSensitiveContentDetected", "message": "No.", "param": "", "type": "BadRequest"}},
        (4, "blocked", "No."),
    ),
    "azure": (
        IMAGES,
        400,
        {
            "error": {
                "code": "content_policy_violation",
                "inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": SEXUAL},
                "message": "Rejected.",
            }
        },
        (4, "blocked", "Rejected. (filtered: sexual)"),
    ),
    "a sentence": (
        IMAGES,
        400,
        {"code": "Client specified an invalid argument", "error": "Generated image rejected by content moderation."},
        (4, "blocked", "rejected by content moderation"),
    ),
    "a gateway": (
        IMAGES,
        400,
        {"error": {"message": "litellm.BadRequestError: litellm.ContentPolicyViolationError: no", "code": "400"}},
        (4, "blocked", "ContentPolicyViolationError"),
    ),
    "a server without a graphics card": (
        IMAGES,
        500,
        {"error": "server_error", "message": "generate_image returned empty results"},
        (5, "error", "generate_image returned empty results"),
    ),
    "a server that has not begun": (IMAGES, 503, {"detail": "engine not initialized"}, (5, "error", "not initialized")),
    "an error as text": (IMAGES, 200, {"error": "out of memory"}, (5, "error", "out of memory")),
    "an answer of its own": (
        IMAGES,
        200,
        {"images": [{"url": "https://x.example/1"}]},
        (5, "error", "none of the images api"),
    ),
    "a task to come back for": (IMAGES, 202, {"id": "t", "status": "queued"}, (5, "error", "none of the images api")),
    "the bytes themselves": (IMAGES, 200, png(), (5, "error", "no JSON (image/png)")),
    "broken base64": (IMAGES, 200, images({"b64_json": "not base64!"}), (5, "error", "no base64")),
    "a broken data url": (CHAT, 200, message(images=[piece("data:image/png;base64,@@")]), (5, "error", "no base64")),
    "broken base64 of a tool": (RESPONSES, 200, drawn(result="@@"), (5, "error", "no base64")),
    "broken base64 in a part": (GEMINI, 200, candidate(blob("@@")), (5, "error", "no base64")),
    "vertex": (
        GEMINI,
        400,
        {
            "error": {
                "code": 400,
                "message": "It violates Google's Responsible AI practices.",
                "status": "INVALID_ARGUMENT",
            }
        },
        (4, "blocked", "Responsible AI"),
    ),
    "gemini with a reason": (
        GEMINI,
        200,
        {"candidates": [{"finishReason": "NO_IMAGE", "finishMessage": "Unable to show it."}]},
        (4, "no_image", "Unable to show it."),
    ),
    "gemini without content": (GEMINI, 200, candidate(), (4, "no_image", "no picture came")),
}


@pytest.mark.parametrize("kind", FAILED)
def test_no_picture_is_no_success(kind: str, studio: Studio) -> None:
    args, status, body, (code, state, said) = FAILED[kind]
    if isinstance(body, bytes):
        studio.server.answer(status, body=body, type="image/png")
    else:
        studio.server.answer(status, json=body)
    outcome = studio.run(*args, "--no-stream")
    record = studio.record
    assert record.response is not None
    assert record.error is not None
    assert (outcome.code, record.response.state) == (code, state), outcome.err
    assert said in record.error.message
    assert f"error: {record.error.message}" in outcome.err


def done(n: int, data: str, kind: str = "partial_succeeded") -> Json:
    return {"type": f"image_generation.{kind}", "image_index": n, "b64_json": data}


END: Json = {"type": "image_generation.completed", "usage": {"generated_images": 2}, "request_id": "r"}
DRAWING: Json = {"type": "image_generation.partial_image", "b64_json": DRAFT, "partial_image_index": 0}

STREAMS: dict[str, tuple[list[Json], tuple[int, list[str]]]] = {
    "pictures as they are done": ([done(1, JPEG), done(0, PNG), END], (0, [PNG, JPEG])),
    "one that failed": (
        [
            done(0, PNG),
            {"type": "image_generation.partial_failed", "image_index": 1, "error": SENSITIVE},
            END,
            "[DONE]",
        ],
        (0, [PNG]),
    ),
    "all failed": ([{"type": "image_generation.partial_failed", "error": SENSITIVE}, END], (4, [])),
    "drafts alone": ([DRAWING, END], (4, [])),
    "the whole body at once": ([images({"b64_json": PNG}, {"b64_json": JPEG}), "[DONE]"], (0, [PNG, JPEG])),
    "progress before it": ([{"object": "progress", "step": 1}, images({"b64_json": PNG})], (0, [PNG])),
    "an error in the middle": ([DRAWING, done(0, PNG), {"type": "error", "error": {"message": "no"}}], (5, [PNG])),
    "nothing but the end": (["[DONE]"], (5, [])),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_brings_its_pictures_in_their_order(kind: str, studio: Studio) -> None:
    events, (code, pictures) = STREAMS[kind]
    studio.server.stream(events)
    outcome = studio.run(*DRAFTS)
    assert outcome.code == code, outcome.err
    found = [PICTURES[part.media] for part in studio.pictures if part.media in PICTURES]
    assert found == [base64.b64decode(data) for data in pictures]
    assert ("1 of 2 pictures did not come" in outcome.err) is (code == 0 and len(pictures) == 1)
    assert not any("image_index" in (part.served or {}) for part in studio.pictures)


def _lines(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def _plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


ANSWERS: dict[str, tuple[tuple[str, ...], Callable[[str], Json], Callable[[str], list[Json]]]] = {
    "images": (
        (*IMAGES[:-1], "image.partial_images=1"),
        lambda code: images({"b64_json": code}),
        lambda code: [DRAWING, {"type": "image_generation.completed", "b64_json": code}],
    ),
    "chat": (
        CHAT,
        lambda code: message(content="", images=[piece(f"data:image/png;base64,{code}")]),
        lambda code: [
            {"choices": [{"index": 0, "delta": {"images": [piece(f"data:image/png;base64,{code}")]}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ],
    ),
    "responses": (
        RESPONSES,
        lambda code: drawn(result=code),
        lambda code: [
            {"type": "response.output_item.done", "output_index": 0, "item": drawn(result=code)["output"][0]},
            {"type": "response.completed", "response": {**drawn(), "output": []}},
        ],
    ),
    "gemini": (
        GEMINI,
        lambda code: candidate(blob(code)),
        lambda code: [candidate(blob(code), reason=""), candidate({"text": ""})],
    ),
}


@pytest.mark.parametrize("code", [_plain, _lines, _url_safe, lambda data: _plain(data).rstrip("=")])
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("api", ANSWERS)
def test_bytes_come_back_from_the_log_as_they_stood_in_the_wire(
    api: str, streamed: bool, code: Callable[[bytes], str], studio: Studio
) -> None:
    args, plain, events = ANSWERS[api]
    data = png(90, 90, (251, 255, 254)) + bytes(range(256)) * 16 + b"x"
    text = code(data)
    if streamed:
        studio.server.stream(events(text))
    else:
        studio.server.answer(json=plain(text))
    outcome = studio.run(*args) if streamed else studio.run(*args, "--no-stream")
    assert outcome.code == 0, outcome.err
    (part,) = studio.pictures
    assert part.media == digest_of(data)
    line = (studio.folder / "runs.jsonl").read_text()
    assert text[:60] not in line
    (exchange,) = studio.record.exchanges
    assert text in _texts(lower(decode(exchange.response), {digest_of(data): data}.__getitem__))


@pytest.mark.parametrize("api", ANSWERS)
def test_a_picture_that_is_cut_off_is_kept_and_told(api: str, studio: Studio) -> None:
    args, plain, _ = ANSWERS[api]
    studio.server.answer(json=plain(PNG[:-13]))
    outcome = studio.run(*args, "--no-stream")
    assert (outcome.code, "warning: picture 1: it is cut off" in outcome.err) == (0, True)
    (part,) = studio.pictures
    assert part.media is not None
    (kept,) = (studio.folder / "media").glob(f"{part.media.removeprefix('sha256:')}.*")
    assert kept.read_bytes() == png()[: len(kept.read_bytes())]
    assert PNG[:40] not in (studio.folder / "runs.jsonl").read_text()


def _texts(value: Json) -> Iterator[str]:
    """Every text of a wire, a data URL without its head."""
    if isinstance(value, str):
        yield value.partition(";base64,")[2] if value.startswith("data:") else value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
