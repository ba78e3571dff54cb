"""The card of a picture, what else is told of pictures, and the drafts that come before them."""

from __future__ import annotations

import base64
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plcli.exchangerecords import AttemptRecord, DownloadRecord, ExchangeRecord
from plcli.media import digest_of
from plcli.mediastore import MediaStore
from plcli.records import Record, ResponseRecord
from plcli.redact import Redactor
from plcli.render.answer import show_answer, show_findings
from plcli.render.card import show_card
from plcli.render.live import Live
from plcli.render.runfacts import duration, retries, tokens
from plcli.render.screen import Screen
from plcli.response import Event, ImagePart, Response, TextPart, ToolCallPart, Usage
from tests.support import pictures
from tests.support.terminals import Pipe, Tty, blocks, plain, quarters, screen_of, text_of


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def part_of(store: MediaStore, data: bytes | None = None, **fields: Any) -> ImagePart:
    digest = store.put(quarters() if data is None else data, "image/png")
    return ImagePart(**{"media": digest, "mime": "image/png", "width": 64, "height": 64, **fields})


def record_of(*parts: Any, **fields: Any) -> Record:
    response = ResponseRecord(state="ok", parts=list(parts), missing=fields.pop("missing", None))
    exchange = ExchangeRecord(key="k", operation="images.generate", started="s", duration_ms=1200)
    known: dict[str, Any] = {"provider": "openai", "api": "images", "model": "gpt-image-2", "exchanges": [exchange]}
    return Record(
        id="20261126T070109791-85y6p", time="t", command="image", plcli="0", response=response, **{**known, **fields}
    )


def shown(record: Record, store: MediaStore, screen: Screen) -> str:
    show_answer(record, store, screen, printed=False, told=False)
    return text_of(screen.out)


ASKED = {"size": "auto", "quality": "high", "output_format": "png", "n": 2}
SERVED = {"size": "1536x1024", "quality": "medium", "output_format": "png", "background": "opaque"}


def test_a_card_tells_what_was_asked_beside_what_was_served(store: MediaStore) -> None:
    part = part_of(store, id="ig_1", requested=ASKED, served=SERVED, revised_prompt="A fox, " * 20)
    card = shown(record_of(part, served_model="gpt-image-2-2026-04-21"), store, screen_of(Pipe, format="card"))
    lines = card.splitlines()
    assert lines[0].startswith("picture       openai/images")
    assert lines[0].endswith(" · ig_1")
    assert lines[1:8] == [
        "model         gpt-image-2 → gpt-image-2-2026-04-21",
        "              asked  served",
        "size          auto   1536x1024",
        "quality       high   medium",
        "background           opaque",
        "output_format png    png",
        "n             2",
    ]
    assert lines[8].startswith("revised       A fox, A fox")
    assert {line[:14] for line in lines[9:-2]} == {" " * 14}
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-2] == f"bytes         64 × 64 pixels · PNG · {len(quarters())} bytes"
    assert lines[-1] == f"file          media/{part.media.removeprefix('sha256:')}.png"  # type: ignore[union-attr]
    assert "\x1b" not in card


def test_what_was_served_differently_stands_out(store: MediaStore) -> None:
    part = part_of(store, requested={"quality": "high", "size": "auto"}, served={"quality": "low", "size": "1x1"})
    card = shown(record_of(part), store, screen_of(environ={"PLCLI_PICTURES": "off"}))
    assert "\x1b[33mhigh   low\x1b[0m" in card
    assert "\x1b[33mauto" not in card


@pytest.mark.parametrize("piece", ["a", "a-"])
def test_an_address_stands_on_one_line_so_that_it_can_be_copied(store: MediaStore, piece: str) -> None:
    url = f"https://pictures.example/{piece * 60}"
    assert f" {url}\n" in shown(record_of(part_of(store, url=url)), store, screen_of(Pipe, format="card"))


def test_where_nothing_is_told_the_card_says_so_once(store: MediaStore) -> None:
    card = shown(record_of(part_of(store, requested={"size": "auto"})), store, screen_of(Pipe, format="card"))
    assert "asked (what was served is not told)\nsize      auto\n" in card
    assert "revised   none given\n" in card
    bare = shown(record_of(part_of(store)), store, screen_of(Pipe, format="card"))
    assert "asked" not in bare


def test_a_second_picture_repeats_nothing(store: MediaStore) -> None:
    said: dict[str, Any] = {"requested": ASKED, "served": SERVED}
    first, second = part_of(store, **said), part_of(store, pictures.png(), **said, revised_prompt="Two")
    third = part_of(store, **{**said, "served": {**SERVED, "quality": "high"}}, revised_prompt="Two")
    card = shown(record_of(first, second, third), store, screen_of(Pipe, format="card"))
    one, two, three = card.split("\n\n")
    assert one.startswith("picture       1 of 3 · ")
    assert [line.split()[0] for line in two.splitlines()] == ["picture", "revised", "bytes", "file"]
    assert [line.split()[0] for line in three.splitlines()][:3] == ["picture", "asked", "size"]


def test_in_a_pipe_a_picture_is_its_path(store: MediaStore, capsys: pytest.CaptureFixture[str]) -> None:
    part = part_of(store, requested=ASKED, revised_prompt="A fox")
    words = shown(record_of(TextPart(text="Here: "), part, TextPart(text="so.")), store, screen_of(Pipe))
    assert words.splitlines()[0::2] == ["Here: ", "so."]
    assert words.splitlines()[1].endswith(".png")


def test_a_terminal_gets_the_picture_below_a_link_to_its_file(store: MediaStore) -> None:
    part = part_of(store)
    card = shown(record_of(part), store, screen_of())
    path = store.path(part.media or "")
    assert path is not None
    link, _, drawing = card.partition("\x1b]8;;\x1b\\\n")
    assert link.endswith(f"\x1b]8;;{path.absolute().as_uri()}\x1b\\media/{path.name}")
    assert blocks(drawing).size == (40, 40)


def test_quietly_a_picture_is_its_path(store: MediaStore) -> None:
    screen = screen_of(quiet=True)
    (line,) = shown(record_of(part_of(store, requested=ASKED)), store, screen).splitlines()
    assert line.endswith(".png")
    assert not text_of(screen.err)


def test_the_card_as_text_draws_nothing(store: MediaStore) -> None:
    screen = screen_of(format="text")
    show_card(record_of(part_of(store, requested=ASKED)), store, screen)
    assert "asked" in text_of(screen.out)
    assert "▀" not in text_of(screen.out)


def test_without_the_extra_the_path_is_shown_and_nothing_nags(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = part_of(store)
    monkeypatch.setitem(sys.modules, "PIL", None)
    for verbose in (False, True):
        screen = screen_of(verbose=verbose)
        assert "▀" not in shown(record_of(part), store, screen)
        assert ("plcli[pictures]" in text_of(screen.err)) is verbose


def test_a_picture_that_cannot_be_drawn_is_told_of(store: MediaStore) -> None:
    screen = screen_of()
    shown(record_of(part_of(store, pictures.SVG)), store, screen)
    assert plain(text_of(screen.err)) == "cannot be drawn: it is image/svg+xml\n"


def test_a_picture_whose_bytes_are_gone_or_altered_is_no_crash(store: MediaStore) -> None:
    gone = ImagePart(media=digest_of(b"gone"), url="https://pictures.example/1.png", faults=["it was not fetched"])
    screen = screen_of()
    card = plain(shown(record_of(gone), store, screen))
    assert "url       https://pictures.example/1.png\n" in card
    assert "file      a picture without its bytes\n" in card
    altered = part_of(store)
    path = store.path(altered.media or "")
    assert path is not None
    path.write_bytes(b"other")
    shown(record_of(altered), store, screen)
    assert "warning: the picture cannot be read: " in plain(text_of(screen.err))


def test_what_strangers_say_of_a_picture_cannot_command_the_terminal(store: MediaStore) -> None:
    evil = "\x1b[2J\x1b]0;title\a\u202e\ud800\0\n" * 100
    values: dict[str, Any] = {evil: evil, "deep": [[[{"a": evil}]]], "long": "x" * 1_000_000, "none": None, "no": 1.5}
    part = part_of(
        store, id=evil, requested=values, served=values, revised_prompt=evil, url=evil, mime=evil, faults=[evil]
    )
    screen = screen_of(environ={"NO_COLOR": "1"})
    record = record_of(part, served_model=evil, provider=evil, model=evil)
    card = shown(record, store, screen)
    show_findings(record, screen)
    for text in (card, text_of(screen.err)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)
    assert len(card) < 20_000


@pytest.mark.parametrize("quiet", [False, True])
def test_findings_name_what_is_wrong_with_pictures(store: MediaStore, quiet: bool) -> None:
    good, bad = part_of(store), part_of(store, pictures.png(), faults=["it is cut off", "it is labelled image/jpeg"])
    screen = screen_of(Pipe, quiet=quiet)
    show_findings(record_of(good, bad, missing=2), screen, of="one")
    assert text_of(screen.err).splitlines() == [
        "warning: one: picture 2: it is cut off",
        "warning: one: picture 2: it is labelled image/jpeg",
        "warning: one: 2 of 4 pictures did not come",
    ]


IMAGE_GEN = {"image_gen": {"input_tokens": 30, "output_tokens": 1584}}


@pytest.mark.parametrize(
    ("counts", "tools", "words"),
    [
        ((12, 1056, None, None), None, "12 + 1,056 tokens"),
        ((12, 1056, None, 1056), None, "12 + 1,056 tokens (1,056 of pictures)"),
        ((400, 1056, 388, 1056), None, "400 + 1,056 tokens (388 + 1,056 of pictures)"),
        ((400, 9, 388, None), None, "400 + 9 tokens (388 of pictures sent)"),
        ((4, 9, 0, 0), None, "4 + 9 tokens"),
        ((4, 9, None, None), IMAGE_GEN, "4 + 9 tokens and 30 + 1,584 for pictures"),
        ((None, None, None, None), {"image_gen": {"output_tokens": 1584}}, "? + 1,584 for pictures"),
        (
            (4, 9, None, None),
            {"svg_usage": {"input_tokens": 3, "output_tokens": 7}},
            "4 + 9 tokens and 3 + 7 for vector drawings",
        ),
        ((None, None, None, None), {"image_gen": "much", "web_search": {"num_requests": 1}}, None),
        ((None, None, None, None), {"image_gen": {"input_tokens": "x", "output_tokens": [1]}}, None),
    ],
)
def test_tokens_of_pictures_are_told_apart(
    counts: tuple[int | None, ...], tools: dict[str, Any] | None, words: str | None
) -> None:
    names = ("input_tokens", "output_tokens", "image_input_tokens", "image_output_tokens")
    usage = Usage(**dict(zip(names, counts, strict=True)), tools=tools)
    assert tokens(record_of(usage=usage)) == words


def test_a_run_takes_as_long_as_its_pictures_take_to_come() -> None:
    fetched = DownloadRecord(url="https://pictures.example.com/a.png", duration_ms=3100)
    exchange = ExchangeRecord(key="k", operation="o", started="s", duration_ms=1200, downloads=[fetched, fetched])
    assert duration(record_of(exchanges=[exchange])) == "7.4 s"


def test_an_exchange_without_attempts_was_not_tried_again() -> None:
    tried = ExchangeRecord(key="k", operation="o", started="s", duration_ms=0)
    attempt = AttemptRecord(started="s", duration_ms=0)
    again = tried.model_copy(update={"attempts": [attempt, attempt, attempt]})
    assert [retries(record_of(exchanges=each)) for each in ([], [tried], [tried, again])] == [0, 0, 2]


# Drafts


@pytest.fixture
def live() -> tuple[Live, Screen]:
    screen = screen_of()
    return Live(screen, Redactor(())), screen


def draft(number: int) -> Event:
    return Event("image", str(number), base64.b64encode(quarters()).decode())


def test_a_draft_stands_in_the_place_of_the_one_before(live: tuple[Live, Screen]) -> None:
    view, screen = live
    view(draft(1))
    view(draft(2))
    view.finish()
    first, second, end = text_of(screen.err).split("\x1b[21A\r\x1b[J")
    for number, text in ((1, first), (2, second)):
        above, _, drawing = text.partition("\n")
        assert plain(above) == f"draft {number}…"
        assert blocks(drawing).size == (40, 40)
    assert end == ""
    assert not text_of(screen.out)


def test_nothing_that_stands_below_a_draft_is_overwritten(live: tuple[Live, Screen]) -> None:
    view, screen = live
    view(draft(1))
    view(Event("text", "Now "))
    view(draft(2))
    screen.warn("something")
    view(draft(3))
    view.interrupted()
    assert text_of(screen.out) == "Now \n"
    assert not re.search(r"\x1b\[\d+A", text_of(screen.err))


@pytest.mark.parametrize("picture", ["", "%%%", "iVBOR", "\ud800", base64.b64encode(pictures.png()[:40]).decode()])
def test_a_broken_draft_is_only_told_of(live: tuple[Live, Screen], picture: str) -> None:
    view, screen = live
    view(Event("image", "1", picture))
    assert plain(text_of(screen.err)) == "draft 1…\n"


def test_an_image_event_without_a_draft_shows_nothing(live: tuple[Live, Screen]) -> None:
    view, screen = live
    view(Event("image"))
    assert not text_of(screen.err)


@pytest.mark.parametrize(
    ("stream", "options"), [(Pipe, {}), (Tty, {"quiet": True}), (Tty, {"format": "json"})], ids=str
)
def test_drafts_are_for_a_person_who_looks(stream: Callable[[], io.StringIO], options: dict[str, Any]) -> None:
    screen = screen_of(stream, **options)
    view = Live(screen, Redactor(()))
    view(draft(1))
    view.finish()
    assert text_of(screen.err) + text_of(screen.out) == ""


PICTURE, WORDS, CALL = ImagePart(media="sha256:0"), TextPart(text="Frame one."), ToolCallPart(name="f", arguments={})


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("response", "spoken"),
    [
        (Response(state="ok", parts=(PICTURE, WORDS)), ""),
        (Response(state="no_image", parts=(WORDS,)), "Frame one.\n"),
        (Response(state="tool_calls", parts=(PICTURE, WORDS, CALL)), "Frame one.\n"),
    ],
)
def test_words_among_pictures_wait_for_these_where_some_come(response: Response, spoken: str, streamed: bool) -> None:
    screen = screen_of()
    view = Live(screen, Redactor(()), among_pictures=True)
    if streamed:
        view(Event("text", WORDS.text))
    view.turned(response)
    assert text_of(screen.out) == spoken
    assert view.printed == bool(spoken)


def test_without_colours_drafts_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(environ={"NO_COLOR": "1"})
    view = Live(screen, Redactor(()))
    for number in (1, 2):
        view(draft(number))
    view.finish()
    assert text_of(screen.err) == "draft 1…\ndraft 2…\n"
