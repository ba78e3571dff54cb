"""The page of `log export`: what it shows, and what nobody can make it do."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plcli.exchange import Exchange, Target
from plcli.exchangerecords import DownloadRecord, ToolResultRecord
from plcli.media import Json, MediaRef, digest_of
from plcli.mediastore import MediaStore
from plcli.records import (
    Batch,
    Cost,
    Endpoint,
    ExpectationRecord,
    Record,
    Replay,
    ResponseRecord,
    SpecRef,
)
from plcli.render.page import MARKER, page
from plcli.render.page.blocks import Call, Code, Words, message_blocks
from plcli.render.page.cards import TITLE, Card, card
from plcli.render.page.figures import Figures
from plcli.request import Audio, File, ToolResult
from plcli.response import (
    Failure,
    ImagePart,
    NativePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    Usage,
)
from plcli.traffic import exchange_records
from tests.support.pages import Page
from tests.support.pictures import SVG, png

TINY = png()
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def an_exchange(wire: Json, response: Json = None, operation: str = "chat.completions.create") -> Exchange:
    return Exchange("k", Target(operation, "m"), wire, response, False, (), "t", 1200, 200, "req_1")


def a_record(*parts: Part, wire: Json = None, id: str = "20261126T070000000-aaaaa", **fields: Any) -> Record:
    given: dict[str, Any] = {
        "provider": "openai",
        "api": "chat",
        "model": "m",
        "exchanges": exchange_records([an_exchange(wire or CHAT)]),
        "response": ResponseRecord(state="ok", parts=list(parts)),
        **fields,
    }
    return Record(id=id, time="2026-11-26T07:00:00Z", command="run", plcli="0.1.0", **given)


def a_page(store: MediaStore, *records: Record, **options: Any) -> Page:
    return Page("".join(page(records, store, title="Runs", **options)))


def test_everything_that_a_record_says_is_on_the_page(store: MediaStore) -> None:
    wire = {
        "messages": [
            {"role": "system", "content": "You are terse."},
            {"role": "user", "content": [{"type": "text", "text": "What is the weather?"}]},
        ],
        "temperature": 0.25,
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],
        "own_parameter": {"deep": True},
    }
    record = a_record(
        ReasoningPart(text="I think."),
        TextPart(text="I look it up.", phase="commentary"),
        ToolCallPart(id="call_1", name="get_weather", arguments={"city": "Paris"}),
        ToolCallPart(id="call_2", name="get_time", arguments="{broken"),
        NativePart(item={"type": "web_search_call", "query": "rain"}),
        TextPart(text="It rains.\n  Indented."),
        RefusalPart(text="Not that."),
        wire=wire,
        parent="20261126T060000000-bbbbb",
        batch=Batch(id="b-1", n=9, row=4, repeat=2),
        spec=SpecRef(path="prompts/weather.yaml", sha256="sha256:0", commit="0123456789ab", dirty=True),
        overrides={"model": "m"},
        variables={"city": "Paris", "many": [1, {"a": None}]},
        served_model="m-2026",
        endpoint=Endpoint(base_url="https://api.example.com/v1"),
        exchanges=exchange_records([an_exchange(wire, {"answer": 42})]),
        tool_results=[
            ToolResultRecord(exchange=0, call_id="call_1", name="get_weather", source="stub", result={"sky": "grey"}),
            ToolResultRecord(exchange=0, call_id="call_2", name="get_time", source="run", error="no clock"),
        ],
        usage=Usage(input_tokens=1234, output_tokens=5, reasoning_tokens=3),
        cost=Cost(amount=0.25, source="user", complete=False),
        expectations=[
            ExpectationRecord(path="expect[0].text", passed=False, message="no sun in it"),
            ExpectationRecord(path="expect[1].state", passed=True),
        ],
        replay=Replay(of="20261126T050000000-ccccc", verdict="drifted"),
        tags=["smoke", "paris"],
        metadata={"owner": "team"},
    )
    text = a_page(store, record).text
    for words in (
        "prompts/weather.yaml", "01234567, changed", "m-2026", "1,234 + 5 tokens", "at least $0.25", "1.2 s", "aaaaa",
        "You are terse.", "What is the weather?", "params.temperature", "0.25", "get_weather", "body.own_parameter",
        "I think.", "I look it up.", "call_1", '"city": "Paris"', "stub", '"sky": "grey"', "{broken", "no clock",
        "web_search_call", "It rains.\n  Indented.", "Not that.", "expect[0].text", "no sun in it", "expect[1].state",
        "b-1 · row 4 · repeat 2", "20261126T060000000-bbbbb", "https://api.example.com/v1", "drifted", "smoke, paris",
        "team", '[1, {"a": null}]', '"answer": 42', "req_1", "status 200", "1 run ·",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"response": None, "error": Failure(kind="auth", message="no key", hint="set one")}, ("no key", "set one")),
        ({"response": ResponseRecord(state="incomplete", finish_reason="length")}, ("the answer was cut (length)",)),
        ({"response": ResponseRecord(state="no_image")}, ("state no_image",)),
        ({"response": ResponseRecord(state="ok", missing=2)}, ("2 of 2 pictures did not come",)),
    ],
)
def test_what_went_wrong_is_said(store: MediaStore, fields: dict[str, Any], words: tuple[str, ...]) -> None:
    text = a_page(store, a_record(**fields)).text
    assert [word for word in words if word not in text] == []


RESPONSES_TOOLS = [
    {"search_context_size": "low", "type": "web_search"},
    {"type": "function", "name": "get_time", "parameters": {"type": "object"}},
]


def a_card(store: MediaStore, *parts: Part, wire: Json, **fields: Any) -> Card:
    return card(a_record(*parts, wire=wire, **fields), Figures(store))


@pytest.mark.parametrize(
    ("api", "wire", "settings"),
    [
        ("chat", {"tool_choice": "required"}, {"tool_choice": "required"}),
        ("chat", {"parallel_tool_calls": False}, {"parallel_tool_calls": "false"}),
        ("responses", {"tools": RESPONSES_TOOLS}, {"tools": "web_search, get_time"}),
        ("images", {"size": "auto", "n": 2, "mask": {"image_url": "https://a.example/m"}}, {"image.size": "auto"}),
        (
            "chat",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "sky", "schema": {"type": "object"}}}},
            {"output": "sky"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_settings_are_those_of_the_wire(
    store: MediaStore, api: str, wire: dict[str, Json], settings: dict[str, str]
) -> None:
    said = dict(a_card(store, wire={"model": "m", **wire}, api=api).settings)
    assert said.items() >= settings.items()
    assert settings.keys() >= said.keys() & {"tools", "tool_choice", "parallel_tool_calls", "output"}


def test_a_tool_of_gemini_is_named_by_its_field(store: MediaStore) -> None:
    wire: Json = {"contents": [], "tools": [{"googleSearch": {}}]}
    made = a_card(store, wire=wire, provider="gemini", api="generate_content")
    assert ("tools", "google_search") in made.settings


def test_a_picture_among_the_settings_stands_among_the_messages_alone(store: MediaStore) -> None:
    mask = MediaRef(store.put(TINY, "image/png"), "image/png", "data-url")
    made = a_card(store, wire={"image": {"mask": mask, "size": "1x1"}}, provider="echo", api="echo")
    assert made.settings == (("image.size", "1x1"),)
    assert [turn.role for turn in made.turns] == ["image.mask"]


SAID = [{"role": "user", "content": "A  red\nfox"}, {"role": "assistant", "content": "Which?"}]


def test_the_last_words_of_a_person_name_a_run_and_stand_for_its_pictures(store: MediaStore) -> None:
    picture = ImagePart(media=store.put(TINY, "image/png"), mime="image/png")
    made = a_card(store, picture, picture.model_copy(update={"revised_prompt": "A fox"}), wire={"messages": SAID})
    assert made.title == "A red fox"
    (gallery,) = made.answer
    assert [figure.alt for figure in gallery.figures] == ["A  red\nfox", "A fox"]  # type: ignore[union-attr]
    assert gallery.figures[0].file == f"{digest_of(TINY).removeprefix('sha256:')}.png"  # type: ignore[union-attr]


@pytest.mark.parametrize(("length", "title"), [(TITLE, "x" * TITLE), (TITLE + 1, "x" * TITLE + "…"), (0, "run")])
def test_a_long_prompt_is_cut_for_the_title(store: MediaStore, length: int, title: str) -> None:
    assert a_card(store, wire={"messages": [{"role": "user", "content": "x" * length}]}).title == title


@pytest.mark.parametrize(
    ("path", "passed", "told"),
    [("expect[0].state", True, False), ("expect[0].state", False, True), ("expect[0].text", True, True)],
)
def test_a_state_that_is_no_answer_is_told_unless_it_was_expected(
    store: MediaStore, path: str, passed: bool, told: bool
) -> None:
    held = [ExpectationRecord(path=path, passed=passed)]
    made = a_card(store, wire=CHAT, response=ResponseRecord(state="no_image"), expectations=held)
    assert bool(made.findings) is told


def test_what_the_error_says_already_is_not_said_again_and_the_rest_is(store: MediaStore) -> None:
    lost = Failure(kind="not_found", message="the picture was not fetched: gone")
    picture = ImagePart(url="https://a.example/1", faults=["it was not fetched: gone", "it is cut off"])
    assert [found.message for found in a_card(store, picture, wire=CHAT, error=lost).findings] == [
        "the picture was not fetched: gone",
        "picture 1: it is cut off",
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (File("https://a.example/b.pdf", filename="b.pdf"), Code("file", "b.pdf · https://a.example/b.pdf")),
        (File(MediaRef("sha256:0", "text/csv")), Code("file", "text/csv, sha256:0")),
        (Audio(MediaRef("sha256:0", "audio/wav"), "wav"), Code("audio", "wav, sha256:0")),
        (ToolResult("c", "grey"), Call("result", "c", None, "answer", (Words("grey"),))),
        (ToolResult("c", "grey", name="sky"), Call("sky", "c", None, "answer", (Words("grey"),))),
    ],
)
def test_what_is_neither_word_nor_picture_is_a_line(store: MediaStore, part: Any, block: Any) -> None:
    assert message_blocks([part], Figures(store)) == (block,)


def test_a_picture_that_is_gone_is_what_it_was_said_to_be(store: MediaStore) -> None:
    kinds = [Figures(store).figure("sha256:" + "0" * 64, mime, "").kind for mime in ("image/png", None)]
    assert kinds == ["PNG", "unknown type"]


def test_commentary_is_told_from_the_answer(store: MediaStore) -> None:
    parts = [{"type": "text", "text": "Well.", "phase": "commentary"}, {"type": "text", "text": "So."}]
    wire = {"messages": [{"role": "assistant", "content": parts}]}
    given = (TextPart(text="Well.", phase="commentary"), TextPart(text="So."))
    made = a_card(store, *given, wire=wire, provider="echo", api="echo")
    for blocks in (made.turns[0].blocks, made.answer):
        assert [block.voice for block in blocks] == ["commentary", "text"]  # type: ignore[union-attr]


def test_what_could_not_be_fetched_is_said(store: MediaStore) -> None:
    exchange = exchange_records([an_exchange(CHAT)])[0]
    failure = Failure(kind="connection", message="the host is not there")
    download = DownloadRecord(url="https://files.example.com/a.png", duration_ms=1, error=failure)
    record = a_record(
        ImagePart(url="https://files.example.com/a.png", faults=["not fetched"]),
        exchanges=[exchange.model_copy(update={"downloads": [download]})],
    )
    shown = a_page(store, record)
    assert "the host is not there" in shown.text
    assert "at https://files.example.com/a.png" in shown.text
    assert "not fetched" in shown.text


HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)",
    "<!--",
    "]]><![CDATA[",
    "{{ 7 * 7 }}{% for x in y %}",
    "&lt;b&gt; & &#x202e;",
    "abc\u202egnp.exe\u2066",
    "nul\x00 escape\x1b[31m bell\x07",
    "half \ud83d, the other \udc00",
    "\ud83e\udd8a a pair",
    "\n\nfirst line empty",
    "tab\there",
]


def everywhere(text: str, wire: Json = None) -> Record:
    """A record that holds a text in every place that strangers can write."""
    figure = {"size": text, text: 1}
    return a_record(
        TextPart(text=text),
        ReasoningPart(text=text),
        RefusalPart(text=text),
        ToolCallPart(id=text, name=text, arguments={text: text}),
        ImagePart(id=text, mime=text, url=text, requested=figure, served=figure, revised_prompt=text, faults=[text]),
        NativePart(item={"type": text}),
        id=text,
        wire=wire or {"messages": [{"role": "user", "content": text}], text: text},
        model=text,
        served_model=text,
        model_spec=text,
        spec=SpecRef(path=text, sha256="sha256:0", commit=text),
        variables={text: text},
        overrides={text: text},
        metadata={text: text},
        endpoint=Endpoint(base_url=text),
        tags=[text],
        parent=text,
        tool_results=[ToolResultRecord(exchange=-1, call_id=text, name=text, source="run", result=text)],
        expectations=[ExpectationRecord(path=text, passed=False, message=text)],
        error=Failure(kind="server", message=text, hint=text),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_strangers_write_becomes_part_of_the_page(store: MediaStore, text: str) -> None:
    plain, hostile = a_page(store, everywhere("words")), a_page(store, everywhere(text))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(found) for _, found in hostile.elements] == [sorted(found) for _, found in plain.elements]
    assert hostile.raw == plain.raw
    for _, attributes in hostile.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert attributes.get("href", "#").startswith("#")
        assert attributes.get("src", "data:image/").startswith("data:image/")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_is_utf_8_without_what_cannot_be_seen(store: MediaStore, text: str) -> None:
    html = "".join(page([everywhere(text)], store, title=text))
    assert html.encode()
    assert not set(html) & {*map(chr, range(9)), "\x0b", "\x1b", "\u202e", "\u2066"}


def test_a_wire_that_no_adapter_reads_is_shown_as_it_is(store: MediaStore) -> None:
    strange = a_record(TextPart(text="yes"), provider="nobody", api="none", wire={"ask": "anything"})
    assert '"ask": "anything"' in a_page(store, strange).text
    damaged = a_record(TextPart(text="yes"))
    broken = damaged.exchanges[0].model_copy(update={"request": {"messages": [{"$same": 9}]}})
    shown = a_page(store, damaged.model_copy(update={"exchanges": [broken]})).text
    assert "damaged" in shown
    assert "yes" in shown


def test_secrets_and_redacted_places_stay_hidden(store: MediaStore) -> None:
    wire = {"messages": [{"role": "user", "content": {"$redacted": "sha256:" + "0" * 64}}]}
    shown = a_page(store, everywhere("a secret", wire=wire), redact=lambda text: text.replace("a secret", "[redacted]"))
    assert "a secret" not in shown.text + str(shown.elements)
    assert "[redacted]" in shown.text


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(store: MediaStore) -> None:
    shown = a_page(store, a_record())
    policy = shown.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    allowed = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))

    def digest(name: str) -> str:
        (text,) = shown.raw[name]
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert allowed == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest("style"),
        "script-src": digest("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "url(" not in shown.raw["style"][0]


def test_a_picture_is_held_once_however_often_it_is_shown(store: MediaStore) -> None:
    digest = store.put(TINY, "image/png")
    asked = [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": MediaRef(digest, "image/png", "data-url")}}],
        }
    ]
    first = a_record(ImagePart(media=digest, mime="image/png", revised_prompt="a red square"))
    second = a_record(ImagePart(media=digest, mime="image/png"), wire={"messages": asked}, id="b-2")
    html = "".join(page([first, second], store, title="Runs"))
    assert html.count(base64.b64encode(TINY).decode()) == 1
    shown = Page(html)
    (picture,) = shown.all("img", alt="a red square")
    assert (picture["width"], picture["height"]) == ("8", "8")
    anchor = shown.all("figure", **{"class": "picture"})[0]["id"]
    assert len(shown.all("a", href=f"#{anchor}", **{"class": "zoom again"})) == 2


@pytest.mark.parametrize(
    ("data", "drawn", "words"),
    [
        (TINY, True, "PNG · 8 × 8"),
        (SVG, True, "SVG · 8 × 8"),
        (TINY[:-20], False, "cut off"),
        (SVG.replace(b"<rect", b"<script>alert(1)</script><rect"), False, "scripts"),
        (SVG.replace(b"<rect", b'<use href="#a"/><rect'), False, "not drawn here"),
        (b"<html><script>alert(1)</script>", False, "not drawn here"),
    ],
)
def test_only_sound_pictures_are_drawn(store: MediaStore, data: bytes, drawn: bool, words: str) -> None:
    shown = a_page(store, a_record(ImagePart(media=store.put(data, "image/png"), mime="image/png")))
    assert bool([found for found in shown.all("img") if "src" in found]) is drawn
    assert shown.all("a", **{"class": "zoom again"}) == []
    assert words in shown.text


SVG_NS = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
CUT = b'<clipPath id="a"><circle r="4"/></clipPath>' + b'<rect clip-path="url(#a)"/>' * 3


@pytest.mark.parametrize(
    ("inner", "drawn"),
    [
        (CUT, True),
        (b"<style>.a{fill:red}</style>", True),
        (b'<style type="text/css"><![CDATA[ .a{fill:red} ]]></style>', True),
        (b'<linearGradient id="g"/>' + b'<rect fill="url(#g)"/>' * 20, True),
        (CUT * 3, False),
        (b'<mask id="a"/>' + b'<rect style="mask/**/:url(#a)"/>' * 9, False),
        (CUT + b"<style>rect{clip-path:url(#a)}</style>", False),
        (b'<marker id="a"/>', False),
        (b'<g filter="blur(9px)"/>', False),
        (b'<g style="fil\\74 er:blur(9px)"/>', False),
        (b'<g style="&#102;ilter:blur(9px)"/>', False),
        (b"<style> .a, #b {fill:red} /* dark */ rect{stroke:#fff;} </style>", True),
        (b"<style>rect:nth-child(3n of g) ~ *{fill:red}</style>", False),
        (b'<text style="text-shadow:0 0 9px red"/>', False),
        (b"<style>g{fil<!-- -->ter:blur(9px)}</style>", False),
        (b"<style><![CDATA[g{fil]]>ter:blur(9px)}", False),
        (b"<style><![CDATA[g{fil]]>ter:blur(9px)}</style>", False),
        (b'<style a=">">g{fil<?x?>ter:blur(9px)}</style>', False),
        (b'<image href="data:image/svg+xml;base64,AAAA"/>', False),
    ],
)
def test_a_drawing_that_could_keep_a_browser_busy_is_not_drawn(store: MediaStore, inner: bytes, drawn: bool) -> None:
    data = SVG_NS + inner + b"</svg>"
    shown = a_page(store, a_record(ImagePart(media=store.put(data, "image/svg+xml"), mime="image/svg+xml")))
    assert bool([found for found in shown.all("img") if "src" in found]) is drawn


def test_bytes_that_are_gone_or_altered_are_said(store: MediaStore) -> None:
    digest = store.put(TINY, "image/png")
    path = store.path(digest)
    assert path is not None
    path.write_bytes(b"other")
    record = a_record(ImagePart(media=digest), ImagePart(media="sha256:" + "0" * 64), ImagePart(media="../../etc"))
    shown = a_page(store, record)
    text = shown.text
    assert shown.all("a", **{"class": "zoom again"}) == []
    assert "does not hold the bytes" in text
    assert text.count("not in the media store") == 2


def test_a_picture_says_what_was_asked_and_what_was_served(store: MediaStore) -> None:
    part = ImagePart(
        media=store.put(TINY, "image/png"),
        mime="image/png",
        id="ig_1",
        requested={"size": "auto", "quality": "high"},
        served={"size": "8x8", "quality": "low"},
    )
    shown = a_page(store, a_record(part))
    assert len(shown.all("tr", **{"class": "differs"})) == 1
    for words in ("ig_1", "openai/chat · create", "quality", "high", "low", "none given"):
        assert words in shown.text


def test_pictures_of_tools_are_shown_too(store: MediaStore) -> None:
    digest = store.put(TINY, "image/png")
    result = {"content": [{"type": "image", "source": {"$media": digest, "mime": "image/png", "as": "base64"}}]}
    record = a_record(
        ToolCallPart(id="c", name="draw", arguments={}),
        tool_results=[ToolResultRecord(exchange=0, call_id="c", name="draw", source="run", result=result)],
    )
    assert len([found for found in a_page(store, record).all("img") if "src" in found]) == 1


def test_the_mask_of_an_edit_is_shown(store: MediaStore) -> None:
    digest = store.put(TINY, "image/png")
    wire = {"messages": [], "image": {"mask": MediaRef(digest, "image/png", "data-url"), "size": "1x1"}}
    shown = a_page(store, a_record(provider="echo", api="echo", wire=wire))
    assert "image.mask" in shown.text
    assert len([found for found in shown.all("img") if "src" in found]) == 1


def test_megabytes_of_text_and_json_fit(store: MediaStore) -> None:
    text = "<b>" * 1_700_000
    html = "".join(
        page([a_record(TextPart(text=text), wire={"messages": [], "big": "x" * 900_000})], store, title="Runs")
    )
    assert html.count("&lt;b&gt;" * 1_700_000) == 1
    assert html.count("characters in the log)") == 1


def test_deep_json_is_no_end(store: MediaStore) -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    record = a_record(NativePart(item=deep), variables={"deep": deep})
    assert a_page(store, record).text


def test_runs_are_read_one_by_one(store: MediaStore) -> None:
    read: list[int] = []

    def records() -> Iterator[Record]:
        for number in range(3):
            read.append(number)
            yield a_record(id=f"r-{number}")

    pieces = page(records(), store, title="Runs")
    assert next(pieces).encode().startswith(MARKER)
    assert read == []
    next(pieces)
    assert read == [0]


def test_a_page_of_no_runs_says_so(store: MediaStore) -> None:
    assert "No runs." in a_page(store).text
