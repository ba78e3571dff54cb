"""Pictures on every api: what a server receives, what becomes of its answers, and that the log holds no bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from plcli.media import digest_of
from plcli.providers.registry import PROVIDERS
from plcli.records import Record, parse
from plcli.response import ImagePart, TextPart
from tests.support.aimock import Aimock
from tests.support.cli import Cli, Outcome
from tests.support.gemini_streams import gemini_events
from tests.support.loopback import Loopback
from tests.support.openai_streams import chat_events, responses_events
from tests.support.pictures import jpeg, png
from tests.support.tool_loop import Json, candidate, completion, message, response, words, write_json


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def odd(width: int) -> bytes:
    """A picture whose base64 has letters that an url-safe one spells otherwise."""
    return next(data for red in range(256) if {"+", "/"} <= {*text(data := png(width, colour=(red, 7, 9)))})


FOX, OWL, DRAFT, INPUT, MASK, ASIDE = map(odd, range(8, 14))


def url(data: bytes) -> str:
    return f"data:image/png;base64,{text(data)}"


def inline(data: bytes, **more: Json) -> Json:
    return {"inlineData": {"mimeType": "image/png", "data": text(data)}, **more}


def drawn(data: bytes | None, **more: Json) -> Json:
    status = "failed" if data is None else "completed"
    return {
        "type": "image_generation_call", "id": "ig_1", "status": status, "result": data and text(data),
        "size": "1024x1024", "output_format": "png", **more,
    }  # fmt: skip


def shown(data: bytes) -> Json:
    return {"type": "image_url", "image_url": {"url": url(data)}}


@dataclass(frozen=True)
class Way:
    """How one api is asked for a picture, and how it answers with words and pictures, in order as far as it has one.

    `native` is a part of a message that holds a picture in the provider's own words.
    """

    name: str
    model: Mapping[str, str]
    asks: Mapping[str, Json]
    requested: Json
    place: str
    answers: Callable[..., Json]
    events: Callable[[Json], list[Json]]
    echoed: Callable[[Json], list[Json]]
    native: Json

    def __str__(self) -> str:
        return self.name


def responses_answer(*said: str | bytes | None) -> Json:
    items = [message("final_answer", words(each)) if isinstance(each, str) else drawn(each) for each in said]
    usage = {"input_tokens": 30, "output_tokens": 1584, "total_tokens": 1614}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    return {**response(1, thought, *items), "tool_usage": {"image_gen": usage}}


def gemini_answer(*said: str | bytes) -> Json:
    parts = [{"text": each} if isinstance(each, str) else inline(each, thoughtSignature="Cs1+/w==") for each in said]
    return candidate({"text": "Hm.", "thought": True}, inline(DRAFT, thought=True), *parts)


def chat_answer(*said: str | bytes) -> Json:
    spoken = "".join(each for each in said if isinstance(each, str))
    return completion({"content": spoken, "images": [shown(each) for each in said if isinstance(each, bytes)]}, "stop")


RESPONSES = Way(
    "responses",
    {"provider": "openai", "api": "responses"},
    {"image": {"size": "1024x1024", "new_field": [1]}},
    {"size": "1024x1024", "new_field": [1]},
    "input",
    responses_answer,
    lambda body: list(responses_events(body)),
    lambda body: list(body["output"]),
    {"type": "image_generation_call", "id": "ig_0", "status": "completed", "result": text(ASIDE)},
)
GEMINI = Way(
    "gemini",
    {"provider": "gemini", "api": "generate_content"},
    {"image": {"aspectRatio": "1:1", "personGeneration": "x", "newField": [1]}},
    {"aspectRatio": "1:1", "personGeneration": "x", "newField": [1]},
    "contents",
    gemini_answer,
    lambda body: list(gemini_events(body)),
    lambda body: [body["candidates"][0]["content"]],
    {"inline_data": {"mime_type": "image/png", "data": text(ASIDE).translate(str.maketrans("+/", "-_"))}},
)
CHAT = Way(
    "chat",
    {"provider": "openai", "api": "chat"},
    {"body": {"modalities": ["text", "image"]}},
    None,
    "messages",
    chat_answer,
    lambda body: list(chat_events(body)),
    lambda body: [body["choices"][0]["message"]],
    shown(ASIDE),
)
WAYS = [RESPONSES, GEMINI, CHAT]


@dataclass(frozen=True)
class Studio:
    """A server that plays one api, streamed or plain, and a workspace with a request for a picture."""

    way: Way
    stream: bool
    folder: Path
    server: Loopback
    cli: Cli

    def answer(self, body: Json, events: list[Json] | None = None) -> None:
        if self.stream:
            self.server.stream(self.way.events(body) if events is None else events, names=self.way is RESPONSES)
        else:
            self.server.answer(json=body)

    def write(self, *content: Json, **fields: Json) -> None:
        messages = [{"role": "user", "content": content or "Draw a fox."}]
        write_json(
            self.folder / "prompts" / "draw.json",
            {"kind": "request", "model": "m", "messages": messages, **self.way.asks, **fields},
        )

    def run(self, *args: str) -> Outcome:
        plain = [] if self.stream else ["--no-stream"]
        return self.cli("run", *(args or ("draw",)), *plain)

    def go_on(self, words: str) -> Outcome:
        return self.run("--continue", "last", "--message", words)

    @property
    def wires(self) -> list[Json]:
        """What the server received, without the switches of transport."""
        return [
            {name: item for name, item in received.json.items() if name not in ("stream", "stream_options")}
            for received in self.server.received
        ]

    @property
    def log(self) -> str:
        return (self.folder / "runs.jsonl").read_text()

    @property
    def record(self) -> Record:
        record = parse(self.log.splitlines()[-1].encode())
        assert isinstance(record, Record)
        assert record.response is not None
        return record

    def kept(self) -> set[bytes]:
        """The pictures in the media store."""
        return {path.read_bytes() for path in (self.folder / "media").rglob("*.png")}

    def assert_no_base64(self, *pictures: bytes) -> None:
        """Nothing of these pictures stands in the log, and all of them beside it."""
        for data in pictures:
            for code in (base64.b64encode, base64.urlsafe_b64encode):
                assert code(data).decode().rstrip("=") not in self.log
        assert set(pictures) <= self.kept()


@pytest.fixture(params=WAYS, ids=str)
def studio(request: pytest.FixtureRequest, stream: bool, tmp_path: Path, server: Loopback, cli: Cli) -> Studio:
    """A studio of every way."""
    return studio_of(request.param, stream, tmp_path, server, cli)


def studio_of(way: Way, stream: bool, folder: Path, server: Loopback, cli: Cli) -> Studio:
    root = server.url if way is GEMINI else server.base_url
    write_json(
        folder / "models" / "m.json", {"kind": "model", "model": "m-1", "base_url": root, "retries": 0, **way.model}
    )
    made = Studio(way, stream, folder, server, cli)
    made.write()
    return made


@pytest.fixture
def responses(stream: bool, tmp_path: Path, server: Loopback, cli: Cli) -> Studio:
    """A studio of Responses."""
    return studio_of(RESPONSES, stream, tmp_path, server, cli)


@pytest.fixture
def gemini(stream: bool, tmp_path: Path, server: Loopback, cli: Cli) -> Studio:
    """A studio of Gemini."""
    return studio_of(GEMINI, stream, tmp_path, server, cli)


def test_words_and_pictures_come_in_order(studio: Studio) -> None:
    studio.answer(studio.way.answers("First.", FOX, "Then.", OWL))
    outcome = studio.run()
    assert outcome.code == 0, outcome.err
    record = studio.record
    assert record.response is not None
    assert record.response.state == "ok"
    told = [part for part in record.response.parts if isinstance(part, TextPart | ImagePart)]
    pictures = [part for part in told if isinstance(part, ImagePart)]
    order = "".join("t" if isinstance(part, TextPart) else "i" for part in told)
    assert order == ("tii" if studio.way is CHAT else "titi")
    assert [part.media for part in pictures] == [digest_of(FOX), digest_of(OWL)]
    assert [(part.mime, part.width, part.height, part.faults) for part in pictures] == [
        ("image/png", 8, 8, None), ("image/png", 9, 8, None)
    ]  # fmt: skip
    assert [part.requested for part in pictures] == [studio.way.requested] * 2
    served = {"size": "1024x1024", "output_format": "png"} if studio.way is RESPONSES else None
    assert [part.served for part in pictures] == [served] * 2
    assert record.usage is not None
    assert record.usage.images == 2
    studio.assert_no_base64(FOX, OWL, *([DRAFT] if studio.way is GEMINI else []))


def test_a_conversation_that_draws_goes_on_with_its_own_bytes(studio: Studio) -> None:
    first, second = studio.way.answers("Here.", FOX), studio.way.answers("There.", OWL)
    studio.answer(first)
    studio.answer(second)
    studio.answer(studio.way.answers("Done."))
    for outcome in (studio.run(), studio.go_on("Make it blue."), studio.go_on("Thanks.")):
        assert outcome.code in (0, 4), outcome.err
    place = studio.way.place
    one, two, three = studio.wires
    assert {**two, place: 0} == {**three, place: 0} == {**one, place: 0}
    assert two[place][: len(one[place])] == one[place]
    assert two[place][len(one[place]) : -1] == studio.way.echoed(first)
    assert three[place][: len(two[place])] == two[place]
    assert three[place][len(two[place]) : -1] == studio.way.echoed(second)
    assert text(FOX) in json.dumps(two)
    assert "Make it blue." in json.dumps(two[place][-1])
    studio.assert_no_base64(FOX, OWL)


def test_the_pictures_of_a_request_are_sent_and_not_logged(studio: Studio) -> None:
    (studio.folder / "prompts" / "input.png").write_bytes(INPUT)
    (studio.folder / "prompts" / "mask.png").write_bytes(MASK)
    image: Json = studio.way.asks.get("image")
    if studio.way is RESPONSES:
        image = {**image, "mask": "./mask.png", "action": "edit", "input_fidelity": "high"}
    look = {"type": "text", "text": "Look:"}
    studio.write(look, {"type": "image", "source": "./input.png"}, **({"image": image} if image else {}))
    spec = json.loads((studio.folder / "prompts" / "draw.json").read_text())
    native = {"type": "native", "item": studio.way.native}
    role = "assistant" if studio.way is RESPONSES else "user"
    spec["messages"].insert(0, {"role": role, "content": [native] if role == "assistant" else [look, native]})
    write_json(studio.folder / "prompts" / "draw.json", spec)
    studio.answer(studio.way.answers("Here.", FOX))
    outcome = studio.run()
    assert outcome.code == 0, outcome.err
    (wire,) = studio.wires
    sent = json.dumps(wire)
    assert text(INPUT) in sent
    assert json.dumps(studio.way.native) in sent
    if studio.way is RESPONSES:
        assert wire["tools"] == [
            {
                "type": "image_generation", "size": "1024x1024", "new_field": [1], "action": "edit",
                "input_fidelity": "high", "input_image_mask": {"image_url": url(MASK)},
            }
        ]  # fmt: skip
        assert wire["tool_choice"] == {"type": "image_generation"}
    studio.assert_no_base64(INPUT, FOX, ASIDE, *([MASK] if studio.way is RESPONSES else []))


@pytest.mark.parametrize(
    ("way", "fields", "sent"),
    [
        (RESPONSES, {"image": {"input_image_mask": {"image_url": url(MASK)}}}, ["tools", 0, "input_image_mask"]),
        (RESPONSES, {"body": {"input": [{**drawn(MASK), "id": "ig_0"}]}}, ["input", 0]),
        (GEMINI, {"body": {"contents": [{"role": "user", "parts": [inline(MASK)]}]}}, ["contents", 0, "parts", 0]),
        (
            GEMINI,
            {"body": {"contents": [{"parts": [{"functionResponse": {"name": "f", "parts": [inline(MASK)]}}]}]}},
            ["contents", 0, "parts", 0, "functionResponse", "parts", 0],
        ),
        (CHAT, {"body": {"messages": [{"role": "user", "content": [shown(MASK)]}]}}, ["messages", 0, "content", 0]),
    ],
)
def test_short_pictures_in_native_fields_are_sent_and_not_logged(
    way: Way, fields: Json, sent: list[str | int], tmp_path: Path, server: Loopback, cli: Cli
) -> None:
    studio = studio_of(way, False, tmp_path, server, cli)
    studio.write(**fields)
    studio.answer(studio.way.answers(FOX))
    assert studio.run().code == 0
    value = studio.wires[0]
    for step in sent:
        value = value[step]
    assert text(MASK) in json.dumps(value)
    studio.assert_no_base64(MASK, FOX)


def test_drafts_of_a_picture_are_shown_and_neither_logged_nor_kept(tmp_path: Path, server: Loopback, cli: Cli) -> None:
    studio = studio_of(RESPONSES, True, tmp_path, server, cli)
    studio.write(image={"size": "1024x1024", "partial_images": 2})
    body = responses_answer("Here.", FOX)
    drafts = [event if "partial_image_b64" not in event else {**event, "partial_image_b64": text(DRAFT)}
              for event in responses_events(body)]  # fmt: skip
    studio.answer(body, drafts)
    assert studio.run().code == 0
    plain = studio_of(RESPONSES, False, tmp_path, server, cli)
    plain.write(image={"size": "1024x1024", "partial_images": 2})
    server.forget()
    plain.answer(body)
    streamed = studio.record
    assert plain.run().code == 0
    assert streamed.exchanges[0].response == plain.record.exchanges[0].response
    assert streamed.response == plain.record.response
    assert text(DRAFT) not in studio.log
    assert DRAFT not in studio.kept()


def test_a_picture_of_a_stream_that_breaks_off_afterwards_is_kept(tmp_path: Path, server: Loopback, cli: Cli) -> None:
    studio = studio_of(RESPONSES, True, tmp_path, server, cli)
    body = responses_answer(FOX)
    done = [event for event in responses_events(body) if event["type"] != "response.completed"]
    studio.answer(body, done)
    assert studio.run().code == 5
    record = studio.record
    assert record.response is not None
    assert record.response.state == "error"
    assert [part.media for part in record.response.parts if isinstance(part, ImagePart)] == [digest_of(FOX)]
    studio.assert_no_base64(FOX)


def test_on_a_server_chain_the_picture_stays_where_it_is(responses: Studio) -> None:
    responses.write(chain="server")
    responses.answer(responses_answer("Here.", FOX))
    responses.answer(responses_answer("There.", OWL))
    assert [responses.run().code, responses.go_on("Make it blue.").code] == [0, 0]
    one, two = responses.wires
    assert two["previous_response_id"] == "resp_1"
    assert [turn["content"] for turn in two["input"]] == ["Make it blue."]
    assert {**two, "input": 0} == {**one, "input": 0, "previous_response_id": "resp_1"}
    responses.assert_no_base64(FOX, OWL)


BLOCKED = {
    "code": "moderation_blocked",
    "type": "image_generation_user_error",
    "message": "rejected by the safety system",
    "moderation_details": {"moderation_stage": "output", "categories": ["violence"]},
}


@pytest.mark.parametrize(
    ("output", "code", "state", "told"),
    [
        ([drawn(None, error=BLOCKED)], 4, "blocked", ["safety system", "output", "violence"]),
        ([drawn(None, error={"code": None, "type": "x", "message": "out of paint"})], 4, "no_image", ["out of paint"]),
        ([drawn(None), message("final_answer", words("Sorry."))], 4, "no_image", ["no picture came of it"]),
        ([message("final_answer", words("Sorry."))], 4, "no_image", ["in words"]),
        ([], 4, "no_image", ["no picture"]),
        ([drawn(None, error=BLOCKED), drawn(FOX)], 0, "ok", []),
    ],
    ids=["blocked", "failed", "nothing came", "words only", "nothing", "one of two"],
)
def test_what_brings_no_picture_on_responses_says_why(
    responses: Studio, output: Json, code: int, state: str, told: list[str]
) -> None:
    responses.answer(response(1, *output))
    outcome = responses.run()
    record = responses.record
    assert record.response is not None
    assert (outcome.code, record.response.state) == (code, state)
    assert all(each in outcome.err and each in str(record.error) for each in told)
    assert record.response.missing == (1 if code == 0 else None)


def gemini_end(reason: str, *parts: Json) -> Json:
    return {**candidate(*parts, reason=reason), "promptFeedback": {}}


@pytest.mark.parametrize(
    ("body", "code", "state", "told"),
    [
        (gemini_end("NO_IMAGE"), 4, "no_image", "made no picture"),
        (gemini_end("IMAGE_OTHER", {"text": "Hm"}), 4, "no_image", "made no picture"),
        (gemini_end("IMAGE_SAFETY"), 4, "blocked", "IMAGE_SAFETY"),
        (gemini_end("IMAGE_PROHIBITED_CONTENT"), 4, "blocked", "IMAGE_PROHIBITED_CONTENT"),
        (gemini_end("IMAGE_RECITATION", {"text": "I"}), 4, "blocked", "IMAGE_RECITATION"),
        ({"promptFeedback": {"blockReason": "IMAGE_SAFETY", "blockReasonMessage": "no"}}, 4, "blocked", "SAFETY: no"),
        (gemini_end("STOP", {"text": "A fox is red."}), 4, "no_image", "in words"),
        (gemini_end("STOP", inline(DRAFT, thought=True)), 4, "no_image", "no picture"),
        (gemini_end("MAX_TOKENS", {"text": "I"}), 4, "no_image", "cut before a picture came"),
        (gemini_end("MAX_TOKENS", inline(FOX)), 0, "incomplete", ""),
    ],
)
def test_what_brings_no_picture_on_gemini_says_why(
    gemini: Studio, body: Json, code: int, state: str, told: str
) -> None:
    gemini.answer(body)
    outcome = gemini.run()
    record = gemini.record
    assert record.response is not None
    assert (outcome.code, record.response.state) == (code, state), outcome.err
    assert told in outcome.err
    gemini.assert_no_base64(*(data for data in (FOX, DRAFT) if text(data) in json.dumps(body)))


def test_a_wrong_label_is_told_and_the_picture_kept(gemini: Studio) -> None:
    gemini.answer(candidate({"inlineData": {"mimeType": "image/png", "data": text(jpeg())}}))
    assert gemini.run().code == 0
    record = gemini.record
    assert record.response is not None
    (picture,) = (part for part in record.response.parts if isinstance(part, ImagePart))
    assert (picture.media, picture.mime) == (digest_of(jpeg()), "image/jpeg")
    assert picture.faults is not None
    assert "labelled image/png" in picture.faults[0]


@pytest.mark.parametrize(
    ("way", "fields", "hint"),
    [
        (RESPONSES, {"image": {"n": 2}}, "plcli image --count N"),
        (RESPONSES, {"image": {"markup": url(MASK)}}, "api: images"),
        (GEMINI, {"image": {"n": 2}}, "plcli image --count N"),
        (GEMINI, {"image": {"mask": url(MASK)}}, "say in words what to change"),
        (CHAT, {"image": {"size": "1x1"}}, "use `api: responses`, or `api: images`"),
    ],
)
def test_what_a_way_cannot_carry_is_a_problem_with_a_hint(
    way: Way, fields: Json, hint: str, tmp_path: Path, server: Loopback, cli: Cli
) -> None:
    studio = studio_of(way, False, tmp_path, server, cli)
    studio.write(**fields)
    outcome = studio.run()
    assert (outcome.code, server.received) == (3, [])
    assert hint in outcome.err


def test_words_that_look_like_bytes_stay_words(studio: Studio) -> None:
    studio.write({"type": "text", "text": url(ASIDE)})
    studio.answer(studio.way.answers(text(OWL), FOX))
    outcome = studio.run()
    assert (outcome.code, text(OWL) in outcome.out) == (0, True)
    assert url(ASIDE) in json.dumps(studio.wires[0])
    assert url(ASIDE) in studio.log
    assert ASIDE not in studio.kept()


@pytest.mark.parametrize("size", [3, 300])
def test_a_picture_larger_than_a_read_comes_whole(studio: Studio, size: int) -> None:
    large = png(size, size) + b"\0" * 5000
    studio.answer(studio.way.answers("Here.", large))
    assert studio.run().code == 0
    studio.assert_no_base64(large)


def test_aimock_draws_as_gemini(aimock: Aimock, stream: bool, tmp_path: Path, server: Loopback, cli: Cli) -> None:
    studio = studio_of(GEMINI, stream, tmp_path, server, cli)
    model = {"kind": "model", "model": "gemini-3.1-flash-image", "base_url": aimock.url, "retries": 0, **GEMINI.model}
    write_json(tmp_path / "models" / "m.json", model)
    studio.write({"type": "text", "text": "paint a dot"})
    outcome = studio.run()
    assert outcome.code == 0, outcome.err
    record = studio.record
    assert record.response is not None
    (picture,) = (part for part in record.response.parts if isinstance(part, ImagePart))
    assert (picture.mime, picture.width, picture.height, picture.faults) == ("image/png", 1, 1, None)
    assert aimock.received()[-1]["body"]["messages"] == [{"role": "user", "content": "paint a dot"}]


def test_the_images_api_leaves_no_bytes_in_the_log_either(
    stream: bool, tmp_path: Path, server: Loopback, cli: Cli
) -> None:
    told = {"created": 1, "output_format": "png", "size": "1024x1024"}
    body = {**told, "data": [{"b64_json": text(FOX)}]}
    draft = {"type": "image_edit.partial_image", "b64_json": text(DRAFT), "partial_image_index": 0}
    events = [draft, {"type": "image_edit.completed", "b64_json": text(FOX), **told}]
    images = replace(RESPONSES, name="images", model={"provider": "openai", "api": "images"})
    studio = studio_of(images, stream, tmp_path, server, cli)
    source = {"type": "image", "source": url(INPUT)}
    studio.write({"type": "text", "text": "A hat."}, source, image={"mask": url(MASK), "partial_images": 1})
    studio.answer(body, events)
    outcome = studio.run()
    assert outcome.code == 0, outcome.err
    sent = json.dumps(studio.wires[0])
    assert text(INPUT) in sent
    assert text(MASK) in sent
    assert text(DRAFT) not in studio.log
    studio.assert_no_base64(INPUT, MASK, FOX)


def test_no_api_that_answers_from_afar_is_left_out() -> None:
    apis = {api for provider in PROVIDERS.values() if not provider.local for api in provider.apis}
    assert apis == {"images", *(way.model["api"] for way in WAYS)}
