"""The adapter of OpenAI's Images api: wires by example, what it cannot carry, answers, and going on from a picture."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import LIFT_FROM, Json, MediaRef, digest_of, lift
from plcli.moving import move
from plcli.providers import openai_images
from plcli.providers.registry import adapter, provider
from plcli.request import (
    Audio,
    BuiltinTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Output,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from plcli.response import Event, ImagePart, Response, Usage
from tests.support import pictures
from tests.support.image_streams import image_events

PNG = MediaRef(digest_of(pictures.png()), "image/png")
WEBP = MediaRef(digest_of(pictures.webp()), "image/webp")
URL = "https://pictures.example/a.png"
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    "output_tokens": 1056,
    "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
    "total_tokens": 1106,
}
SERVED = {"background": "opaque", "output_format": "png", "quality": "high", "size": "1024x1024"}
BODY: dict[str, Any] = {"created": 1795000000, **SERVED, "data": [{"b64_json": PNG}], "usage": USAGE}


def url(ref: MediaRef) -> MediaRef:
    """The reference as a data URL."""
    return MediaRef(ref.digest, ref.mime, "data-url")


def asking(*parts: Any, role: Role = "user", **fields: Any) -> Request:
    messages = (Message(role, parts),) if parts else ()
    return Request("openai", "images", "gpt-image-3", messages, **fields)


def wire(**fields: Json) -> Json:
    return {"model": "gpt-image-3", **fields}


# Requests


@pytest.mark.parametrize(
    ("request_", "expected", "operation"),
    [
        (asking(Text("a fox")), wire(prompt="a fox"), "images.generate"),
        (
            asking(Text("a fox"), image={"size": "1x1", "n": 2, "brand_new": {"a": None}}),
            wire(prompt="a fox", size="1x1", n=2, brand_new={"a": None}),
            "images.generate",
        ),
        (
            asking(Text("add"), Image(PNG), Text("hats"), Image(URL), Image(WEBP)),
            wire(prompt="add\n\nhats", images=[{"image_url": url(PNG)}, {"image_url": URL}, {"image_url": url(WEBP)}]),
            "images.edit",
        ),
        (
            asking(Text("a hat"), Image(PNG), image={"mask": WEBP, "size": "auto"}),
            wire(prompt="a hat", images=[{"image_url": url(PNG)}], mask={"image_url": url(WEBP)}, size="auto"),
            "images.edit",
        ),
        (asking(Text("a hat"), image={"markup": URL}), wire(prompt="a hat", markup={"image_url": URL}), "images.edit"),
        (asking(Native({"file_id": "file-1"})), wire(images=[{"file_id": "file-1"}]), "images.edit"),
        (asking(Text("a fox"), body={"n": 3}), wire(prompt="a fox", n=3), "images.generate"),
    ],
)  # fmt: skip
def test_a_request_is_written_so(request_: Request, expected: Json, operation: str) -> None:
    assert openai_images.compile(request_) == (expected, Target(operation, "gpt-image-3"), ())


def test_the_words_of_several_turns_are_one_prompt() -> None:
    turns = (Message("user", (Text("a fox"),)), Message("user", (Text("in snow"), Image(PNG))))
    compiled = openai_images.compile(Request("openai", "images", "m", turns))
    assert compiled.wire["prompt"] == "a fox\n\nin snow"
    assert compiled.wire["images"] == [{"image_url": url(PNG)}]


@pytest.mark.parametrize(
    "foreign",
    [
        {},
        {"prompt": None, "images": None, "mask": None},
        {"prompt": ["a", "fox"], "images": {"image_url": URL}},
        {"prompt": "p", "image": URL},
        {"prompt": "p", "image": [url(PNG), URL], "mask": URL},
        {"prompt": "p", "images": [{"file_id": "file-1"}, {"image_url": URL, "detail": "low"}, URL, None, 3]},
        {"prompt": "p", "images": [{"image_url": PNG}], "mask": {"file_id": "f"}, "markup": {"image_url": PNG}},
        {"prompt": "p", "images": [], "stream": True, "n": None, "action": "edit", "deep": [{"x": PNG}]},
        {"model": 3, "user": "u", "safety_identifier": "s"},
    ],
)
def test_a_foreign_wire_comes_back_as_it_was(foreign: Json) -> None:
    target = openai_images.target_of(foreign, "m")
    assert openai_images.compile(openai_images.uncompile(foreign, target))[:2] == (foreign, target)


@pytest.mark.parametrize("field", ["images", "image", "mask", "markup"])
def test_what_there_is_to_edit_makes_a_wire_an_edit(field: str) -> None:
    assert openai_images.target_of({"prompt": "p", field: [URL]}, "m").operation == "images.edit"
    assert openai_images.target_of({"prompt": "p", field: []}, "m").operation == "images.generate"


def test_who_asks_is_not_asked_of_the_picture() -> None:
    request = openai_images.uncompile(wire(prompt="p", user="u", safety_identifier="s", size="auto"), Target("", "x"))
    assert request.image == {"size": "auto"}
    assert request.body == {"model": "gpt-image-3", "user": "u", "safety_identifier": "s"}


@pytest.mark.parametrize(
    ("request_", "path", "hint"),
    [
        (asking(Text("Be brief."), role="system"), "messages[0].content[0]", "drop the part"),
        (asking(Image(PNG), role="assistant"), "messages[0].content[0]", "drop the part"),
        (asking(File(PNG)), "messages[0].content[0]", "drop the part"),
        (asking(Audio(PNG, "wav")), "messages[0].content[0]", "drop the part"),
        (asking(ToolCall("c", "f", {})), "messages[0].content[0]", "drop the part"),
        (asking(ToolResult("c", "r")), "messages[0].content[0]", "drop the part"),
        (asking(Image(PNG, "low")), "messages[0].content[0].detail", "drop it"),
        (asking(tools=(FunctionTool("f"),)), "tools[0]", "api: responses"),
        (asking(tools=(BuiltinTool({"type": "web_search"}),)), "tools[0]", "api: responses"),
        (asking(tool_choice=ToolChoice("auto")), "tool_choice", "api: responses"),
        (asking(parallel_tool_calls=False), "parallel_tool_calls", "api: responses"),
        (asking(chain="server"), "chain", "api: responses"),
        (asking(output=Output("a", {})), "output", "api: responses"),
        (asking(params={"seed": 1}), "params.seed", "drop it"),
        (asking(image={"model": "gpt-image-2"}), "image.model", "`model` of the request"),
        (asking(image={"prompt": "p"}), "image.prompt", "message"),
        (asking(image={"images": []}), "image.images", "image parts"),
        (asking(image={"image": URL}), "image.image", "image part"),
        (asking(image={"action": "edit"}), "image.action", "is an edit"),
        (asking(image={"input_image_mask": {"file_id": "f"}}), "image.input_image_mask", "`mask`"),
        (asking(image={"stream": True}), "image.stream", "partial_images"),
        (asking(body={"stream": True}), "body.stream", "--no-stream"),
        (asking(omit=("a..b",)), "omit[0]", "write a path"),
    ],
)
def test_what_the_api_cannot_carry_is_told_with_a_hint(request_: Request, path: str, hint: str) -> None:
    compiled = openai_images.compile(request_)
    assert [loss.path for loss in compiled.losses] == [path]
    assert hint in (compiled.losses[0].hint or "")
    assert set(compiled.wire) <= {"model", "stream", "images"}


@pytest.mark.parametrize(
    ("asked", "number"),
    [({}, 1), ({"n": 4}, 4), ({"n": None}, 1), ({"n": 0}, 1), ({"n": -3}, 1), ({"n": "2"}, 1), ({"n": 10**12}, 100),
     ({"n": True}, 1), ([], 1)],
)  # fmt: skip
def test_so_many_pictures_are_wanted(asked: Json, number: int) -> None:
    assert openai_images.wanted(asked) == number


def test_nothing_can_stand_in_the_result_of_a_tool() -> None:
    assert openai_images.cannot_return(Text("t"))


# Answers


def read(**changes: Json) -> Response:
    return openai_images.read({**BODY, **changes})


def test_a_picture_is_read_with_what_was_served() -> None:
    answer = read()
    assert answer.state == "ok"
    assert answer.parts == (ImagePart(media=PNG.digest, mime="image/png", served=SERVED),)
    assert answer.usage == Usage(
        input_tokens=50,
        image_input_tokens=40,
        output_tokens=1056,
        image_output_tokens=1056,
        total_tokens=1106,
        images=1,
    )


@pytest.mark.parametrize(
    ("item", "part"),
    [
        ({"url": URL}, ImagePart(url=URL, mime="image/png", served=SERVED)),
        ({"b64_json": "", "url": URL}, ImagePart(url=URL, mime="image/png", served=SERVED)),
        ({"b64_json": PNG, "url": URL}, ImagePart(media=PNG.digest, mime="image/png", served=SERVED)),
        ({"b64_json": "not base64!"}, ImagePart(mime="image/png", served=SERVED)),
        (
            {"url": url(PNG).text(pictures.png())},
            ImagePart(media=PNG.digest, mime="image/png", served=SERVED),
        ),
        ({"url": "data:image/png;base64,broken!"}, ImagePart(mime="image/png", served=SERVED)),
        (
            {"url": base64.b64encode(bytes(LIFT_FROM)).decode()},
            ImagePart(media=digest_of(bytes(LIFT_FROM)), mime="image/png", served=SERVED),
        ),
        (
            {"b64_json": PNG, "revised_prompt": "A red fox", "seed": 7, "size": "8x8", "content_filter_results": {}},
            ImagePart(
                media=PNG.digest,
                mime="image/png",
                revised_prompt="A red fox",
                served={**SERVED, "seed": 7, "size": "8x8"},
            ),
        ),
        ({"b64_json": PNG, "copy": "A" * LIFT_FROM}, ImagePart(media=PNG.digest, mime="image/png", served=SERVED)),
        ({"revised_prompt": "A red fox"}, None),
        ({"b64_json": None, "url": 3}, None),
        # A picture that moderation withheld.
        ({"b64_json": "", "url": "", "respect_moderation": False}, None),
        (None, None),
    ],
)
def test_an_item_is_read_by_its_bytes_or_its_address(item: Json, part: ImagePart | None) -> None:
    assert read(data=[item]).parts == (() if part is None else (part,))


@pytest.mark.parametrize(
    ("form", "mime"), [("png", "image/png"), ("svg", "image/svg+xml"), ("gif", "image/gif"), ("jpeg", "image/jpeg")]
)
def test_the_type_of_a_picture_is_what_the_provider_says(form: str, mime: str) -> None:
    assert read(output_format=form).images[0].mime == mime
    assert read(output_format=None).images[0].mime == PNG.mime


def test_several_pictures_stay_in_order() -> None:
    answer = read(data=[{"b64_json": WEBP}, {}, {"url": URL}, {"b64_json": PNG}])
    assert [part.media or part.url for part in answer.images] == [WEBP.digest, URL, PNG.digest]
    assert answer.usage is not None
    assert answer.usage.images == 3


def test_the_tokens_of_an_author_of_drawings_stand_under_tools() -> None:
    drawn = {
        "model": "gpt-6.2-sol",
        "input_tokens": 5,
        "output_tokens": 900,
        "reasoning_tokens": 100,
        "total_tokens": 905,
    }
    assert read(svg_usage=drawn).usage.tools == {"svg_usage": drawn}  # type: ignore[union-attr]


def test_output_without_details_is_all_pictures() -> None:
    usage = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}
    assert read(usage=usage).usage.image_output_tokens == 100  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("moderation_blocked", "blocked"),
        ("contentFilter", "blocked"),
        ("OutputImageSensitiveContentDetected.PolicyViolation", "blocked"),
        ("image_generation_failed", "no_image"),
    ],
)
def test_what_went_wrong_with_the_only_picture_is_told(code: str, state: str) -> None:
    answer = read(data=[{"error": {"code": code, "message": "withheld"}}])
    assert answer.failure is not None
    assert (answer.state, answer.failure.message) == (state, "withheld")
    assert read(data=[{"error": {"code": code}}, {"b64_json": PNG}]).state == "ok"


def test_what_a_filter_found_in_the_only_picture_is_told() -> None:
    found = {"sexual": {"filtered": True, "severity": "high"}, "violence": {"filtered": False, "severity": "safe"}}
    answer = read(data=[{"content_filter_results": found, "revised_prompt": "A fox"}])
    assert answer.failure is not None
    assert (answer.state, answer.failure.message) == (
        "blocked",
        "the content filter withheld the picture (filtered: sexual)",
    )
    assert read(data=[{"content_filter_results": {"sexual": {"filtered": False}}, "b64_json": PNG}]).state == "ok"


@pytest.mark.parametrize("data", [[], None, [{}], [{"revised_prompt": "x"}]])
def test_an_answer_without_pictures_says_so(data: Json) -> None:
    answer = read(data=data, usage=None)
    assert (answer.state, answer.parts, answer.usage) == ("no_image", (), None)
    # Words that were read are paid for, whatever came of them.
    paid = read(data=data, usage={"input_tokens": 5}).usage
    assert paid == Usage(input_tokens=5)
    assert answer.failure is not None


@pytest.mark.parametrize(
    ("error", "state", "kind", "message"),
    [
        (
            {"code": "moderation_blocked", "message": "Rejected.", "type": "image_generation_user_error",
             "moderation_details": {"moderation_stage": "output", "categories": ["violence", "sexual"]}},
            "blocked", "safety", "Rejected. (found in the output: violence, sexual)",
        ),
        ({"code": "content_policy_violation", "message": "No."}, "blocked", "safety", "No."),
        ({"code": "rate_limit_exceeded", "message": "Slow."}, "error", "rate_limit", "Slow."),
        ({"type": "image_generation_server_error", "code": "image_generation_failed", "message": "Oh."}, "error",
         "server", "Oh."),
        ({"type": "image_generation_user_error", "message": "Bad mask."}, "error", "invalid", "Bad mask."),
        ("boom", "error", "server", "boom"),
    ],
)  # fmt: skip
def test_an_error_in_an_answer_is_one(error: Json, state: str, kind: str, message: str) -> None:
    answer = openai_images.read({"error": error})
    assert answer.failure is not None
    assert (answer.state, answer.failure.kind, answer.failure.message) == (state, kind, message)


@pytest.mark.parametrize("body", [None, [], "page", {}, {"data": "x"}, {"created": 1, "data": {}}, {"choices": []}])
def test_what_is_no_answer_of_the_api_is_told(body: Json) -> None:
    with pytest.raises(CallFailed) as caught:
        openai_images.read(body)
    assert caught.value.failure.kind == "protocol"
    assert "base_url" in (caught.value.hint or "")


# Streams


def fold(events: list[Any]) -> Any:
    return openai_images.fold(map(WireEvent, events))


@pytest.mark.parametrize("edit", [True, False])
def test_a_stream_adds_up_to_the_plain_body(edit: bool) -> None:
    body = {**BODY, "data": [{"b64_json": "AA=="}], "brand_new": [1]}
    assert fold(image_events(body, drafts=2, edit=edit)) == (body, True)


def test_several_pictures_of_a_stream_keep_what_is_said_of_each() -> None:
    one, two = (
        {"type": "image_generation.completed", "b64_json": data, "created_at": 7, "size": size, "quality": "low"}
        for data, size in (("AA==", "8x8"), ("BB==", "9x9"))
    )
    items = [{"b64_json": "AA==", "size": "8x8"}, {"b64_json": "BB=="}]
    assert fold([one, two]) == ({"created": 7, "size": "9x9", "quality": "low", "data": items}, True)
    assert [part.served for part in openai_images.read(fold([one, two]).body).images] == [
        {"size": "8x8", "quality": "low"},
        {"size": "9x9", "quality": "low"},
    ]


def test_a_stream_that_ends_before_its_picture_keeps_the_last_draft() -> None:
    events = image_events(BODY, drafts=2)[:2]
    folded = fold(events)
    assert not folded.complete
    assert folded.body == {"created": 1795000000, **SERVED, "data": [{"b64_json": "AAAA", "partial_image_index": 1}]}
    answer = openai_images.read(lift(folded.body, openai_images.MEDIA)[0])
    assert (answer.state, len(answer.images)) == ("error", 1)
    assert answer.images[0].faults == ["it is a draft: the picture did not come"]
    assert fold([]) == ({}, False)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "error": {"code": "moderation_blocked", "message": "no"}},
        {"type": "error", "code": "moderation_blocked", "message": "no", "sequence_number": 3},
        {"error": {"code": "moderation_blocked", "message": "no"}},
    ],
)
def test_an_error_in_a_stream_ends_it(event: Json) -> None:
    folded = fold([*image_events(BODY, drafts=1)[:1], event])
    assert folded == ({"error": {"code": "moderation_blocked", "message": "no"}}, True)
    assert openai_images.read(folded.body).state == "blocked"


def test_a_server_may_send_pictures_before_a_last_event_without_one() -> None:
    one = {"type": "image_generation.partial_succeeded", "url": URL, "size": "8x8", "image_index": 0}
    two = {"type": "image_generation.partial_failed", "error": {"code": "x", "message": "no"}, "image_index": 1}
    end = {"type": "image_generation.completed", "created_at": 7, "usage": USAGE}
    folded = fold([{"type": "ping"}, one, two, end, "[DONE]"])
    assert folded.complete
    assert folded.body["usage"] == USAGE
    assert [(item.get("url"), item.get("error")) for item in folded.body["data"]] == [(URL, None), (None, two["error"])]
    assert not fold([one, two]).complete


def test_pictures_that_a_server_sends_as_they_are_done_stand_in_their_order() -> None:
    events = [
        *({"type": "image_generation.partial_succeeded", "url": f"{URL}?{n}", "image_index": n} for n in (2, 0, 1)),
        {"type": "image_generation.completed", "request_id": "r"},
    ]
    images = openai_images.read(fold(events).body).images
    assert [(part.url, part.served) for part in images] == [(f"{URL}?{n}", None) for n in range(3)]


@pytest.mark.parametrize("end", [[], ["[DONE]"]])
@pytest.mark.parametrize("named", [{}, {"type": "image_generation.completed"}])
def test_a_server_may_send_the_whole_body_as_one_event(named: dict[str, Json], end: list[Json]) -> None:
    body = {**BODY, "data": [{"b64_json": "AA==", "revised_prompt": "x"}, {"b64_json": "BB=="}]}
    assert fold([{"object": "progress", "step": 1}, {**named, **body}, *end]) == (
        {"object": "progress", "step": 1, **body},
        True,
    )
    assert fold([{**named, **BODY, "data": []}]).complete


def test_a_body_in_one_piece_is_the_answer() -> None:
    assert openai_images.fold([WireEvent(BODY, whole=True)]) == (BODY, True)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (
            {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "AA"},
            Event("image", "1", "AA"),
        ),
        ({"type": "image_edit.partial_image", "partial_image_index": 2, "b64_json": "BB"}, Event("image", "3", "BB")),
        ({"type": "image_edit.partial_image", "b64_json": None}, Event("image", "", "")),
        ({"type": "image_generation.completed", "b64_json": "AA"}, None),
        ({"type": ["x"]}, None),
        ("[DONE]", None),
    ],
)
def test_drafts_are_shown_with_their_numbers(data: Json, shown: Event | None) -> None:
    assert openai_images.progress(WireEvent(data)) == shown


# Going on from a picture


def test_the_next_turn_edits_the_pictures_of_the_answer() -> None:
    old = wire(
        prompt="a fox", images=[{"image_url": URL}], mask={"image_url": URL}, markup={"image_url": URL}, size="auto",
        n=2, moderation="low", style="vivid", brand_new=1, image=URL,
    )  # fmt: skip
    body = {**BODY, "data": [{"b64_json": PNG}, {"revised_prompt": "lost"}, {"url": "https://pictures.example/b.png"}]}
    turns = (Message("user", (Text("add a hat"), Image(WEBP), Text("like this"))),)
    assert openai_images.next_turn(old, body, turns, "echo") == wire(
        size="auto",
        n=2,
        brand_new=1,
        prompt="add a hat\n\nlike this",
        images=[{"image_url": url(PNG)}, {"image_url": "https://pictures.example/b.png"}, {"image_url": url(WEBP)}],
    )


def test_a_conversation_begins_with_what_is_said_first() -> None:
    said = Message("user", (Text("A fox."),))
    assert openai_images.next_turn(wire(size="9x9"), None, (said,), "echo") == wire(size="9x9", prompt="A fox.")


@pytest.mark.parametrize("body", [None, {"data": []}, {"data": [{"b64_json": "broken!"}]}, {"data": [{"url": ""}]}])
def test_without_a_picture_there_is_nothing_to_go_on_from(body: Json) -> None:
    with pytest.raises(CallFailed) as caught:
        openai_images.next_turn(wire(prompt="p"), body, (Message("user", (Text("more"),)),), "echo")
    assert (caught.value.failure.kind, bool(caught.value.hint)) == ("invalid", True)


# Moving


def moved(request: Request, to: str, api: str) -> tuple[Request, list[str], Json]:
    made = move(request, provider(to), api, "new")
    compiled = adapter(provider(to), api).compile(made.request)
    return made.request, [loss.path for loss in made.report(compiled.losses)], compiled.wire


DRAWING = asking(Text("a fox"), Image(PNG), image={"size": "1x1", "n": 2, "markup": URL, "quality": "low"})


def test_a_drawing_moves_to_responses_by_the_same_names() -> None:
    request, lost, sent = moved(DRAWING, "openai", "responses")
    assert request.image == DRAWING.image
    assert lost == ["image.markup", "image.n"]
    assert sent["tools"] == [{"type": "image_generation", "size": "1x1", "quality": "low"}]
    assert sent["tool_choice"] == {"type": "image_generation"}


def test_a_drawing_moves_to_gemini_without_the_names_of_the_other() -> None:
    request, lost, _ = moved(DRAWING, "gemini", "generate_content")
    assert request.image == {}
    assert lost == ["image.size", "image.n", "image.markup", "image.quality"]


@pytest.mark.parametrize(("to", "api"), [("openai", "responses"), ("gemini", "generate_content")])
def test_a_picture_is_wanted_elsewhere_too_though_the_request_does_not_say_so(to: str, api: str) -> None:
    _, lost, sent = moved(asking(Text("a fox")), to, api)
    assert lost == []
    assert adapter(provider(to), api).wanted(sent) == 1


def test_a_request_with_tools_moves_here_without_them() -> None:
    turns = (Message("system", (Text("Be brief."),)), Message("user", (Text("A fox."),)))
    talk = Request(
        "openai", "responses", "gpt-6.2-sol", turns,
        tools=(FunctionTool("f"), BuiltinTool({"type": "web_search"})), tool_choice=ToolChoice("required"),
        image={"model": "gpt-image-2", "size": "1x1"}, params={"verbosity": "low"},
        body={"user": "u", "prompt_cache_key": "k", "moderation": {"model": "m"}},
    )  # fmt: skip
    _, lost, sent = moved(talk, "openai", "images")
    assert sent == {"model": "new", "prompt": "A fox.", "size": "1x1", "user": "u"}
    assert sorted(lost) == [
        "body.moderation.model", "body.prompt_cache_key", "image.model", "messages[0].content[0]", "params.verbosity",
        "tool_choice", "tools[0]", "tools[1]",
    ]  # fmt: skip


def test_an_edit_of_a_file_that_only_openai_keeps_moves_without_it() -> None:
    request = openai_images.uncompile(
        wire(prompt="p", images=[{"file_id": "file-1"}, {"image_url": URL, "detail": "low"}, URL]),
        Target("", "gpt-image-3"),
    )
    made, lost, _ = moved(request, "gemini", "generate_content")
    assert [part.source for part in made.messages[0].parts if isinstance(part, Image)] == [URL, URL]
    assert lost[:2] == ["messages[0].content[1]", "messages[0].content[2].detail"]
