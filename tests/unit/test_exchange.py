"""The key of a recording, as documented."""

from __future__ import annotations

import pytest

from plcli.exchange import Target, canonical, key_of
from plcli.media import Json, MediaRef, Redacted, digest_of

TARGET = Target("responses.create", "gpt-6.2-sol")
WIRE = {
    "model": "gpt-6.2-sol",
    "input": [
        {"role": "user", "content": [{"type": "input_image", "image_url": MediaRef(digest_of(b"x"), "image/png")}]},
    ],
    "text": {"format": {"type": "json_schema", "schema": {"$ref": "#/$defs/é"}}},
}


DOCUMENTED = (
    r'{"api":"responses","body":{"input":[{"content":[{"image_url":{"$media":"sha256:2d711642b726b04401627ca9fbac32f5c853'
    r'0fb1903cc4db02258717921a4881"},"type":"input_image"}],"role":"user"}],"model":"gpt-6.2-sol","text":{"format":{'
    r'"schema":{"$literal":{"$ref":"#/$defs/\u00e9"}},"type":"json_schema"}}},"model":"gpt-6.2-sol",'
    r'"operation":"responses.create","provider":"openai"}'
)


def test_the_documented_example_keeps_its_key() -> None:
    key = "sha256:ed09a2f66d1bead5af6de588e76170f75a72fddb33866d67fd2eda09a1a928a0"
    assert key_of("openai", "responses", TARGET, WIRE) == key == digest_of(DOCUMENTED.encode("ascii"))


def test_the_way_that_media_and_keys_are_written_makes_no_difference() -> None:
    image = MediaRef(digest_of(b"x"), "image/jpeg", "data-url", prefix="data:;base64,", padded=False)
    again = {
        "text": WIRE["text"],
        "input": [{"content": [{"image_url": image, "type": "input_image"}], "role": "user"}],
        "model": "gpt-6.2-sol",
    }
    assert key_of("openai", "responses", TARGET, again) == key_of("openai", "responses", TARGET, WIRE)


@pytest.mark.parametrize(
    "other",
    [
        ("azure", "responses", TARGET, WIRE),
        ("openai", "chat", TARGET, WIRE),
        ("openai", "responses", Target("images.edit", "gpt-6.2-sol"), WIRE),
        ("openai", "responses", Target("responses.create", "gpt-6.2"), WIRE),
        ("openai", "responses", TARGET, {**WIRE, "temperature": 0}),
        ("openai", "responses", TARGET, {**WIRE, "input": MediaRef(digest_of(b"y"), "image/png")}),
    ],
)
def test_everything_that_makes_the_request_makes_the_key(other: tuple[str, str, Target, Json]) -> None:
    assert key_of(*other) != key_of("openai", "responses", TARGET, WIRE)


def test_foreign_marks_are_told_from_media_and_secrets() -> None:
    digest = digest_of(b"x")
    wires: list[Json] = [
        {"a": MediaRef(digest, "image/png")},
        {"a": {"$media": digest}},
        {"a": Redacted(digest)},
        {"a": {"$redacted": digest}},
    ]
    assert len({key_of("echo", "echo", TARGET, wire) for wire in wires}) == 4


def test_canonical_json_has_sorted_keys_and_no_white_space() -> None:
    assert canonical({"b": [1, None], "a": "é"}) == r'{"a":"\u00e9","b":[1,null]}'
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


def test_the_key_in_the_readme_is_the_key_of_its_example() -> None:
    wire = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    key = key_of("openai", "chat", Target("chat.completions.create", "m"), wire)
    assert key == "sha256:86a88af9363dade3dd940f8223d20c20e7bb15658c4a80a7f07105af172c2e6b"
