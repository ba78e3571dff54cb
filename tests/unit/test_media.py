"""Wire JSON and its media: what is lifted, and which marks are taken for damaged."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from plcli.media import (
    DEPTH,
    LIFT_FROM,
    Json,
    MediaRef,
    Redacted,
    decode,
    digest_of,
    encode,
    is_digest,
    lift,
    lower,
    references,
    sniff,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
DIGEST = digest_of(PNG)
CODE = base64.b64encode(PNG).decode()


def test_a_data_url_is_lifted_wherever_it_stands() -> None:
    lifted, found = lift({"a": [{"b": f"data:image/png;base64,{CODE}"}]})
    assert lifted == {"a": [{"b": MediaRef(DIGEST, "image/png", "data-url")}]}
    assert found == {DIGEST: PNG}


@pytest.mark.parametrize(
    "head", ["data:;base64,", "data:image/png;charset=x;base64,", 'data:text/plain;name="a";base64,']
)
def test_the_head_of_an_unusual_data_url_is_kept(head: str) -> None:
    lifted, found = lift(head + CODE)
    assert isinstance(lifted, MediaRef)
    assert lifted.prefix == (head if head != "data:image/png;base64," else None)
    assert lower(lifted, found.__getitem__) == head + CODE


def test_short_base64_is_lifted_only_where_an_adapter_names_the_place() -> None:
    wire = {"data": [{"b64_json": CODE, "other": CODE}]}
    lifted, _ = lift(wire, [("data", None, "b64_json")])
    assert lifted == {"data": [{"b64_json": MediaRef(DIGEST, "image/png"), "other": CODE}]}


def test_long_base64_is_lifted_unnamed() -> None:
    data = bytes(LIFT_FROM)
    lifted, _ = lift([base64.b64encode(data).decode(), base64.urlsafe_b64encode(b"\xff" * LIFT_FROM).decode()])
    assert [ref.encoding for ref in lifted] == ["base64", "base64url"]


@pytest.mark.parametrize("text", ["a", "data:image/png;base64,####", "data:,x", "Zm9=", "Z m 9 v", "data:"])
def test_what_would_not_come_back_exactly_stays(text: str) -> None:
    assert lift({"x": text}, [("x",)]) == ({"x": text}, {})


def test_unpadded_base64_comes_back_unpadded() -> None:
    lifted, found = lift({"x": "Zm9vYg"}, [("x",)])
    assert lifted["x"].padded is False
    assert lower(lifted, found.__getitem__) == {"x": "Zm9vYg"}


@pytest.mark.parametrize("finish", [str, str.rstrip], ids=["ended", "open"])
@pytest.mark.parametrize(("width", "end"), [(76, "\n"), (60, "\n"), (76, "\r\n"), (9999, "\n")])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_base64_in_lines_is_lifted_and_comes_back_in_lines(
    head: str, width: int, end: str, finish: Callable[[str], str]
) -> None:
    code = base64.b64encode(bytes(200)).decode()
    text = head + finish("".join(code[at : at + width] + end for at in range(0, len(code), width)))
    lifted, found = lift({"x": text}, [("x",)])
    assert list(found.values()) == [bytes(200)]
    assert lower(decode(encode(lifted)), found.__getitem__) == {"x": text}


@pytest.mark.parametrize("tail", ["Y", "Yh", "Yg=", "YmF", "YmF=", "Yh=="])
def test_bytes_that_are_cut_off_are_kept_as_far_as_they_go(tail: str) -> None:
    wire = {"x": f"Zm9v{tail}", "y": f"data:image/png;base64,Zm9v{tail}"}
    lifted, found = lift(wire, [("x",)])
    assert list(found.values()) == [b"foo"]
    assert [lifted["x"].tail, lifted["y"].tail] == [tail, tail]
    assert lower(decode(encode(lifted)), found.__getitem__) == wire
    # Words of that length are left alone.
    words = "A" * (LIFT_FROM + 1)
    assert lift([words]) == ([words], {})


def test_a_data_url_of_url_safe_base64_is_lifted_with_its_head() -> None:
    text = "data:image/png;base64," + base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode()
    lifted, found = lift({"x": text})
    assert (lifted["x"].encoding, lifted["x"].mime) == ("base64url", "image/png")
    assert lower(decode(encode(lifted)), found.__getitem__) == {"x": text}


@pytest.mark.parametrize("text", ["Zm9v\nYmFyYmF6", "Zm9v\r\nYmFy\nYmF6", "Zm9v\n\nYmFy", "Zm9v\nYmFy\n\n", "\nZm9v"])
def test_base64_in_odd_lines_stays(text: str) -> None:
    assert lift({"x": text}, [("x",)]) == ({"x": text}, {})


@pytest.mark.parametrize(
    "foreign",
    [
        {"$media": "x"},
        {"$media": DIGEST, "mime": "image/png", "as": "base64"},
        {"$media": 1, "other": 2},
        {"$redacted": "x"},
        {"$literal": {"$literal": {}}},
        {"$literal": 1},
        {"$same": 3},
        {"$ref": "#/$defs/a"},
        {"$": {"$": []}},
    ],
)
def test_foreign_objects_that_look_like_marks_stay_themselves(foreign: Json) -> None:
    for wire in (foreign, [foreign], {"a": {"b": [foreign, {"c": foreign}]}}):
        assert decode(encode(wire)) == wire


def test_marks_are_written_as_documented() -> None:
    wire = {"a": MediaRef(DIGEST, "image/png"), "b": Redacted(DIGEST), "c": {"$ref": "x"}}
    assert encode(wire) == {
        "a": {"$media": DIGEST, "mime": "image/png", "as": "base64"},
        "b": {"$redacted": DIGEST},
        "c": {"$literal": {"$ref": "x"}},
    }
    assert list(references(wire)) == [MediaRef(DIGEST, "image/png")]


@pytest.mark.parametrize(
    "mark",
    [
        {"$media": DIGEST},
        {"$media": "../../etc/passwd", "mime": "image/png", "as": "base64"},
        {"$media": ["x"], "mime": "image/png", "as": "base64"},
        {"$media": DIGEST, "mime": 1, "as": "base64"},
        {"$media": DIGEST, "mime": "image/png", "as": ["base64"]},
        {"$media": DIGEST, "mime": "image/png", "as": "base65"},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "prefix": 1},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "padded": "no"},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "lines": 76},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "lines": {"width": 0, "end": "\n", "ended": True}},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "lines": {"width": 76, "end": ";", "ended": True}},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "lines": {"width": 76, "end": "\n"}},
        {"$media": DIGEST, "mime": "image/png", "as": "base64", "tail": 1},
        {"$redacted": 1},
        {"$literal": [1]},
    ],
)
def test_a_damaged_mark_is_a_wrong_value(mark: Json) -> None:
    with pytest.raises(ValueError, match=r"\$(media|redacted|literal)"):
        decode({"deep": [mark]})


def nested(levels: int) -> Json:
    value: Json = 1
    for level in range(levels):
        value = [value] if level % 2 else {"$a": value}
    return value


def test_wires_are_lifted_and_read_down_to_a_depth_and_no_further() -> None:
    wire = nested(DEPTH)
    assert decode(encode(wire)) == wire
    assert lower(lift(wire)[0], {}.__getitem__) == wire
    for deeper in (nested(DEPTH + 1), nested(5000)):
        with pytest.raises(ValueError, match="levels"):
            lift(deeper)
        with pytest.raises(ValueError, match="levels"):
            decode(deeper)


def test_a_redacted_place_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="redacted"):
        lower({"a": [Redacted(DIGEST)]}, {}.__getitem__)


@pytest.mark.parametrize(
    ("start", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF....WEBPVP8", "image/webp"),
        (b"RIFF....WAVEfmt", "audio/wav"),
        (b"RIFF\n\n\n\nWEBPVP8X", "image/webp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x1cftypisom\0\0\0\0isommp42", "application/octet-stream"),
        (b"BM6\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
        (b"BM is no picture but a sentence", "application/octet-stream"),
        (b"<svg>", "image/svg+xml"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><!-- b -->\n<!DOCTYPE svg>\n<svg\n", "image/svg+xml"),
        (b"<!DOCTYPE svg [<!ENTITY a '>'>]><a:svg/>", "image/svg+xml"),
        (b"<svgs>", "application/octet-stream"),
        (b"<p><svg>", "application/octet-stream"),
        (b"\n<!doctype HTML>", "text/html"),
        (b"<!-- a --><html lang='en'>", "text/html"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_first_bytes_show_the_mime_type(start: bytes, mime: str) -> None:
    assert sniff(start) == mime


def test_only_sha256_in_lower_case_is_a_digest() -> None:
    assert is_digest(DIGEST)
    assert not any(is_digest(text) for text in (DIGEST + "\n", DIGEST.upper(), DIGEST[:-1], DIGEST[7:], None, 1))
