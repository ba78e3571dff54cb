"""Laws of redaction: no secret comes through, and nothing else is touched."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.media import encode
from plcli.redact import Redactor

LETTERS = 'abcXYZ019 -_/+=%"\\\nü日'
secrets = st.text(LETTERS, min_size=8, max_size=24).filter(lambda text: len(text.strip()) >= 8)
words = st.text(LETTERS, max_size=12)
leaves = st.none() | st.booleans() | st.integers(max_value=9999, min_value=-999) | words


def strings_of(value: Any) -> list[str]:
    """Every leaf and key, one string for each."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in strings_of(item)]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *strings_of(item))]
    return []


@st.composite
def planted(draw: st.DrawFn) -> tuple[list[str], Any]:
    """Secrets, and JSON that holds them in leaves and keys."""
    known = draw(st.lists(secrets, min_size=1, max_size=3))
    holding = st.builds(lambda a, secret, b: a + secret + b, words, st.sampled_from(known), words)
    text = words | holding
    value = st.recursive(
        leaves | holding,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )
    return known, draw(value)


@given(planted())
@settings(deadline=None)
def test_no_secret_in_any_json_comes_through(case: tuple[list[str], Any]) -> None:
    known, value = case
    redactor = Redactor(known)
    for redacted in (encode(redactor.json(value)), redactor.plain(value)):
        for secret in known:
            assert not [text for text in strings_of(redacted) if secret.strip() in text]
        json.dumps(redacted)


@given(st.lists(secrets, min_size=1, max_size=3), st.lists(words | secrets, max_size=6), st.data())
@settings(deadline=None)
def test_no_secret_comes_through_a_stream_however_it_was_cut(
    known: list[str], parts: list[str], data: st.DataObject
) -> None:
    redactor = Redactor(known)
    text = "".join(part + data.draw(st.sampled_from(["", *known])) for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    stream = redactor.stream()
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = "".join(map(stream.feed, pieces)) + stream.flush()
    assert shown == redactor.text(text)
    assert not [secret for secret in known if secret.strip() in shown]


@given(secrets, st.binary(max_size=9), st.binary(max_size=9))
@settings(deadline=None)
def test_no_secret_comes_through_in_base64(secret: str, before: bytes, after: bytes) -> None:
    whole = before + secret.strip().encode() + after
    for code in (base64.b64encode, base64.urlsafe_b64encode):
        assert Redactor([secret]).text(code(whole).decode()) != code(whole).decode()


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=20))
@settings(deadline=None)
def test_json_without_secrets_is_unchanged(value: Any) -> None:
    redactor = Redactor(["never-in-there-1", "nor-this-one-22"], ["corp-[0-9]{4,9}"])
    assert redactor.json(value) == value
    assert redactor.plain(value) == value


@given(st.text(max_size=60))
@settings(deadline=None)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    redactor = Redactor(["never-in-there-1"])
    assert redactor.text(text) == text
    stream = redactor.stream()
    assert "".join(map(stream.feed, text)) + stream.flush() == text


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_bytes_without_secrets_are_the_same_object(data: bytes) -> None:
    assert Redactor(["never-in-there-1"]).bytes(data) is data
