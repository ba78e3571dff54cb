"""Pictures of answers: what was asked beside what came, what is wrong with their bytes, and whether they are enough."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.delivery import delivered, told
from plcli.engine import Turn
from plcli.exchange import Download, Exchange, Target
from plcli.failures import failed
from plcli.media import digest_of
from plcli.providers.registry import adapter, provider
from plcli.response import Failure, ImagePart, Response, State, TextPart
from tests.support.pictures import jpeg, png

PNG = digest_of(png())
JPEG = digest_of(jpeg())
BYTES = {PNG: png(), JPEG: jpeg()}
GONE = failed("not_found", "pictures.example.com has no such picture").failure


def answer(*parts: ImagePart | TextPart, state: State = "ok", failure: Failure | None = None) -> Response:
    return Response(state=state, parts=parts, failure=failure)


def seen(response: Response, *downloads: Download, wanted: int = 1, asked: dict[str, Any] | None = None) -> Response:
    return told(response, asked, wanted, downloads, BYTES.get)


def test_a_picture_is_told_with_what_was_asked_and_what_its_bytes_are() -> None:
    asked = {"size": "1024x1024"}
    (part,) = seen(answer(ImagePart(media=PNG, served={"size": "8x8"})), asked=asked).images
    assert (part.requested, part.served) == (asked, {"size": "8x8"})
    assert (part.mime, part.width, part.height, part.faults) == ("image/png", 8, 8, None)


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (ImagePart(media=JPEG, mime="image/png"), "it is labelled image/png, but it is image/jpeg"),
        (ImagePart(url="https://pictures.example.com/a.png"), "it was not fetched"),
        (ImagePart(media=PNG, faults=["it is a draft"]), "it is a draft"),
    ],
    ids=["mime", "not fetched", "draft"],
)
def test_what_is_wrong_with_a_picture_is_told_and_the_picture_stays(part: ImagePart, fault: str) -> None:
    response = seen(answer(part))
    assert response.images[0].faults == [fault]
    assert response.state == "ok"


@pytest.mark.parametrize("form", ["jpg", "jpeg"])
def test_the_names_of_a_format_are_one(form: str) -> None:
    assert seen(answer(ImagePart(media=JPEG, served={"output_format": form}))).images[0].faults is None


def test_a_picture_that_was_fetched_is_like_any_other() -> None:
    url = "https://pictures.example.com/a.png"
    response = seen(answer(ImagePart(url=url)), Download(url, 12, 200, PNG, "image/png"))
    (part,) = response.images
    assert (part.media, part.mime, part.width, part.faults, part.url) == (PNG, "image/png", 8, None, url)


@pytest.mark.parametrize(
    ("words", "wanted", "state"), [("", 1, "error"), ("", 0, "error"), ("Here:", 1, "error"), ("Here:", 0, "ok")]
)
def test_an_answer_whose_only_picture_cannot_be_fetched_has_failed(words: str, wanted: int, state: State) -> None:
    url = "https://pictures.example.com/a.png"
    parts = [*([TextPart(text=words)] if words else []), ImagePart(url=url)]
    response = seen(answer(*parts), Download(url, 12, 404, failure=GONE), wanted=wanted)
    assert response.state == state
    told_so = f"the picture was not fetched: {GONE.message}"
    assert response.failure == (GONE.model_copy(update={"message": told_so}) if state == "error" else None)
    assert response.images[0].faults == [f"it was not fetched: {GONE.message}"]


@pytest.mark.parametrize(
    ("words", "wanted", "state"), [("", 1, "error"), ("", 0, "error"), ("Here:", 1, "error"), ("Here:", 0, "ok")]
)
def test_an_answer_whose_only_picture_is_no_base64_has_failed(words: str, wanted: int, state: State) -> None:
    said = [TextPart(text=words)] if words else []
    response = seen(answer(*said, ImagePart()), wanted=wanted)
    assert response.images[0].faults == ["its bytes are no base64"]
    assert response.state == state
    assert (response.failure is not None and response.failure.kind == "protocol") is (state == "error")


def test_one_picture_of_two_that_is_no_base64_is_only_told() -> None:
    response = seen(answer(ImagePart(media=PNG), ImagePart()), wanted=2)
    assert (response.state, response.failure) == ("ok", None)


def test_one_picture_of_two_that_cannot_be_fetched_is_only_told() -> None:
    url = "https://pictures.example.com/a.png"
    response = seen(answer(ImagePart(media=PNG), ImagePart(url=url)), Download(url, 1, failure=GONE), wanted=2)
    assert (response.state, response.failure, response.missing) == ("ok", None, None)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((TextPart(text="I cannot draw."),), "the model answered in words, and made no picture"),
        ((), "no picture came"),
    ],
)
def test_an_answer_without_the_picture_that_was_asked_for_is_no_image(parts: Any, message: str) -> None:
    response = seen(answer(*parts))
    assert response.state == "no_image"
    assert response.failure is not None
    assert response.failure.message == message


@pytest.mark.parametrize("state", ["incomplete", "blocked", "tool_calls", "no_image", "error", "refused"])
def test_a_state_that_says_more_stays(state: State) -> None:
    failure = failed("safety", "blocked").failure
    assert seen(answer(state=state, failure=failure)) == answer(state=state, failure=failure)


def test_words_where_no_picture_was_asked_for_are_an_answer() -> None:
    assert seen(answer(TextPart(text="hi")), wanted=0).state == "ok"


@pytest.mark.parametrize(("wanted", "missing"), [(4, 2), (2, None), (1, None), (0, None)])
def test_pictures_that_did_not_come_are_counted(wanted: int, missing: int | None) -> None:
    response = seen(answer(ImagePart(media=PNG), ImagePart(media=JPEG)), wanted=wanted)
    assert (response.state, response.missing) == ("ok", missing)


@pytest.mark.parametrize("failure", [None, failed("protocol", "the stream was cut").failure], ids=["whole", "cut"])
def test_who_is_interrupted_fetches_nothing_more_and_keeps_what_was_wrong_before(failure: Failure | None) -> None:
    urls = [f"https://pictures.example.com/{n}.png" for n in range(3)]
    parts = [ImagePart(url=url) for url in urls]
    exchange = Exchange("k", Target("images.generate", "m"), {"n": 3}, None, False, (), "t", 1)
    given = Turn(exchange, answer(*parts, state="error" if failure else "ok", failure=failure), {}, failure)
    openai, cancel = provider("openai"), Cancel()
    cancel.ask()
    connection = Connection(openai, "images", adapter(openai, "images"), 1, 1, 0)
    turn = delivered(given, connection, read_media=BYTES.__getitem__, cancel=cancel, until=0)
    assert [each.url for each in turn.exchange.downloads] == urls[:1]
    assert turn.failure == turn.response.failure
    assert turn.response.state == ("error" if failure else "incomplete")
    if failure is not None:
        assert turn.failure == failure
    else:
        assert turn.failure is not None
        assert turn.failure.kind == "interrupted"
