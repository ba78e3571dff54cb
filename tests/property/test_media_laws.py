"""Laws of a wire: lifting and lowering, encoding and decoding lose nothing."""

from __future__ import annotations

import base64
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from plcli.media import Json, Lines, MediaRef, Redacted, decode, digest_of, encode, lift, lower, references

MARKS = st.sampled_from(
    ["$media", "$literal", "$redacted", "$same", "$ref", "$", "mime", "as", "prefix", "padded", "lines", "tail"]
)
KEYS = MARKS | st.text(max_size=5)
DATA = st.binary(max_size=40) | st.binary(min_size=3000, max_size=3300)
PLACES = st.lists(st.lists(st.none() | KEYS, max_size=3).map(tuple), max_size=3)


LINES = st.builds(Lines, st.sampled_from([1, 60, 76, 5000]), st.sampled_from(["\n", "\r\n"]), st.booleans())


def _unpadded(code: str) -> str:
    return code.rstrip("=")


def _cut_off(code: str) -> str:
    return code[:-1]


CODES = st.builds(
    lambda data, code, finish, broken: broken(finish(code(data).decode("ascii"))),
    DATA,
    st.sampled_from([base64.b64encode, base64.urlsafe_b64encode, base64.b16encode]),
    st.sampled_from([str, _unpadded, _cut_off]),
    st.just(str) | LINES.map(lambda lines: lines.broken),
)
HEADS = st.sampled_from(
    ["", "data:", "data:;base64,", "data:image/png;base64,", "data:Image/PNG;base64,", 'data:a/b;c="d";base64,']
)
STRINGS = st.text(st.characters(exclude_categories=[]), max_size=10) | st.builds(str.__add__, HEADS, CODES)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | STRINGS
DIGESTS = st.binary(max_size=3).map(digest_of)
REFERENCES = st.builds(
    MediaRef,
    DIGESTS,
    st.text(max_size=5),
    st.sampled_from(["base64", "base64url", "data-url", "hex"]),
    st.none() | st.text(max_size=5),
    st.booleans(),
    st.none() | LINES,
    st.text(max_size=3),
)


def _json(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
    )


@settings(deadline=None)
@given(_json(LEAVES), PLACES)
@example({"x": "Zm9vYg=="}, [("x",)])
@example({"x": "Zm9vYh=="}, [("x",)])
def test_what_is_lifted_comes_back_byte_for_byte(wire: Json, places: list[tuple[str | None, ...]]) -> None:
    lifted, found = lift(wire, places)
    assert json.dumps(lower(lifted, found.__getitem__)) == json.dumps(wire)
    assert {reference.digest for reference in references(lifted)} == found.keys()
    assert lift(lifted, places) == (lifted, {})


@settings(deadline=None)
@given(_json(LEAVES | REFERENCES | DIGESTS.map(Redacted)))
def test_what_is_encoded_is_json_and_decodes_to_itself(wire: Json) -> None:
    encoded = encode(wire)
    read = decode(json.loads(json.dumps(encoded)))
    assert read == wire
    assert json.dumps(encode(read)) == json.dumps(encoded)


@settings(deadline=None)
@given(_json(LEAVES | DIGESTS))
def test_decoding_foreign_json_gives_a_wire_or_a_wrong_value(value: Json) -> None:
    try:
        wire = decode(value)
    except ValueError:
        return
    assert decode(encode(wire)) == wire
