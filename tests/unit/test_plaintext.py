"""What a terminal may be shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.plaintext import Stream, harmless, harmless_json

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
HEART_ON_FIRE = "\u2764\ufe0f\u200d\U0001f525"
PERSIAN = "می\u200cخواهم"
HINDI = "क्\u200dष"


@pytest.mark.parametrize(
    "text",
    ["", "plain", "two\nlines\tand a tab", "Grüße, 世界 и мир", FAMILY, HEART_ON_FIRE, PERSIAN, HINDI, "e\u0301"],
)
def test_what_people_write_is_unchanged(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x1b]8;;https://evil\x1b\\link", "\\x1b]8;;https://evil\\x1b\\link"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\x08c\x7f", "a\\x00b\\x08c\\x7f"),
        ("over\rwritten", "over\\rwritten"),
        ("dos\r\nunix\n", "dos\nunix\n"),
        ("ev\u202etxt.exe", "ev\\u202etxt.exe"),
        ("\u2066a\u2069\u061c\u200f", "\\u2066a\\u2069\\u061c\\u200f"),
        ("zero\u200bwidth\u200djoin\ufeff", "zero\\u200bwidth\\u200djoin\\ufeff"),
        ("line\u2028para\u2029\x85", "line\\u2028para\\u2029\\x85"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("a\ufe00\ufe01\ufe02", "a\ufe00\\ufe01\\ufe02"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d alone \ude00", "\\ud83d alone \\ude00"),
        ("\u3164", "\\u3164"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(st.characters()) | st.sampled_from([FAMILY, PERSIAN, "\x9b31m\x9d\x7f", "\u202e\U000e0041", "\ud83d"]))
def test_json_keeps_its_value_and_is_as_harmless(text: str) -> None:
    shown = harmless_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(shown) == [text]
    assert harmless(shown) == shown


def test_one_line_stays_one_line() -> None:
    assert harmless("a\nb\tc\r\nd", multiline=False) == "a\\nb\\tc\\nd"


@pytest.mark.parametrize("multiline", [True, False])
def test_every_character_is_shown_without_control(multiline: bool) -> None:
    allowed = {"\n", "\t"} if multiline else set()
    for code in [*range(0x3000), *range(0xD7F0, 0xE000), *range(0xFE00, 0x10000), *range(0xE0000, 0xE0200)]:
        shown = harmless(f"a{chr(code)}b", multiline=multiline)
        controls = {c for c in shown if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000}
        assert controls <= allowed
        shown.encode("utf-8")


awkward = st.text(
    st.sampled_from(
        [*"ab \n\r\t", "\x1b", "\u200d", "\u200c", "\ufe0f", "\u2764", "\U0001f468", "م", "\ud83d", "\ude00"]
    )
)


@given(st.lists(awkward | st.text(max_size=5), max_size=8))
def test_a_stream_shows_the_same_however_it_was_cut(pieces: list[str]) -> None:
    stream = Stream()
    shown = "".join(map(stream.feed, pieces)) + stream.flush()
    assert shown == harmless("".join(pieces))
    assert stream.feed("x") == "x"


def test_a_stream_holds_back_no_more_than_it_must() -> None:
    stream = Stream()
    assert stream.feed("word") == "word"
    assert stream.feed("\r") == ""
    assert stream.feed("\n") == "\n"
    assert stream.feed("\ud83d") == ""
    assert stream.flush() == "\\ud83d"
