"""Laws of writing documents: what is written in any format reads as the value that it was written from."""

from __future__ import annotations

import json
import string

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plcli.comments import comments
from plcli.documents import Format, parse
from plcli.errors import SpecError
from plcli.writing import rewrite, write

AWKWARD = [
    *("on", "no", "Yes", "null", "~", "", "true", "010", "0o17", "0x1F", "1:30", "2026-11-23"),
    *("12:30:45", ".5", "1_000"),
    *("1", "-1", "+1", "1.0", "1e3", "1E+22", ".inf", "-.INF", ".nan", "0b1", "<<", "=", "-", "--"),
    *("---", "...", "- a"),
    *("? a", "?", ":", "a:", "a: b", "a:b", "a #b", "#a", "a#b", "a, b", "[a]", "{a: b}", "]", "}", "&a"),
    *("*a", "!a", "!!str"),
    *("|", ">", "|-", "'", '"', "''", '"""', "'''", "it's", 'say "hi"', "a\\b", "C:\\new", "\\"),
    *("%YAML 1.2", "@a", "`a`", ","),
    *(" a", "a ", "\ta", "a\t", "a\tb", " ", "\t", "\n", "\n\n", "\r", "\r\n", "a\r\nb\r\n", "a\nb"),
    *("a\nb\n", "a\nb\n\n", "\na"),
    *("\n  a\nb", "  a\nb", "\ta\nb", "a\n  b  \n", "a  \nb", "a\n \n", "a\n  ", " \na", "\n \na"),
    *("# a\nb\n", "---\na\n", "a\n...\n"),
    *("\x00", "\x07", "\x1b[0m", "\x7f", "\x85", "a\x85b\nc", "\u2028", "\u2029a\n", "\ufeff"),
    *("\ufeffa\nb", "\ufffe", "\uffff"),
    *("é", "日本", "😀", "👩\u200d👩\u200d👧", "\xa0", "\xa0a", "\u3000", "a\u2003", "\u202eabc", "\U000e0041"),
    *("\ud7ff\ue000", "0:?", "0?", "What?"),
    *("x" * 300, "y " * 700 + "y", "z" * 1200, "k: " * 500, 'q"' * 600, "long\n" * 300, '"""\n"""'),
    *("\n'''\n", '""""\n"', "\\\n\\"),
]  # fmt: skip
TEXTS = (
    st.sampled_from(AWKWARD)
    | st.text(st.sampled_from("ab1 \n\t:-[]{},&*!|>'\"#%@?.~<\\/0xen=_\r\ufeff\x85\u2028é😀"), max_size=12)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text(string.ascii_lowercase + " ", max_size=150)
)
NUMBERS = (
    st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 2**63, -(2**64), 10**3500])
)
PLAIN = st.booleans() | NUMBERS | TEXTS
FORMATS: list[Format] = ["yaml", "toml", "json"]


def objects(scalars: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=16
    )
    return st.dictionaries(TEXTS, values, min_size=1, max_size=5)


WITHOUT_NULL = objects(PLAIN)
OBJECTS = objects(st.none() | PLAIN)


def exactly(value: object) -> str:
    """A text that is the same for the same value only, by type and by sign; the order of keys does not count."""
    return json.dumps(value, sort_keys=True)


def told(value: dict[str, object], format: Format) -> str:
    return write(value, format)  # type: ignore[arg-type]


@given(OBJECTS, st.sampled_from(["yaml", "json"]))
def test_what_is_written_reads_as_the_same_value_in_the_same_order(value: dict[str, object], format: Format) -> None:
    read = parse(told(value, format), file="x", format=format).value
    assert json.dumps(read) == json.dumps(value)


@given(WITHOUT_NULL)
def test_what_is_written_as_toml_reads_as_the_same_value(value: dict[str, object]) -> None:
    assert exactly(parse(told(value, "toml"), file="x", format="toml").value) == exactly(value)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: json.dumps(text[:20]))
def test_an_awkward_text_survives_wherever_it_stands(text: str, format: Format) -> None:
    value: dict[str, object] = {
        "is": text, "list": [text, [text], {text: text}], text: 1, "in": {text: {text: text, "more": [[[text, 1]]]}},
        "end": {"x" * 90: [text]}, "last": {"deep": text},
    }  # fmt: skip
    assert exactly(parse(told(value, format), file="x", format=format).value) == exactly(value)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("leaf", [1, "a\nb\n", {}, [], "x" * 200])
def test_nesting_survives_to_the_depth_that_is_read(leaf: object, format: Format) -> None:
    for wrap in (lambda value: [value], lambda value: {"k": value}, lambda value: [{"k": value}], lambda v: {"k": [v]}):
        value, deeper = {"root": leaf}, True
        while deeper:
            try:
                parse(json.dumps(value), file="x", format="json")
            except SpecError:
                deeper = False
            else:
                assert parse(told(value, format), file="x", format=format).value == value
                value = {"root": wrap(value["root"])}


def strings(value: object) -> object:
    """The value with strings for all that is none."""
    if isinstance(value, dict):
        return {key: strings(item) for key, item in value.items()}
    return [strings(item) for item in value] if isinstance(value, list) else str(value)


@given(OBJECTS.map(strings))
@example({"a": "on", "b": ["no", "010", "1:30", "2026-11-23"], "1": "=", "y": "~"})
def test_older_readers_take_no_text_for_anything_else(value: dict[str, object]) -> None:
    assert yaml.safe_load(told(value, "yaml")) == value


@settings(max_examples=30)
@given(WITHOUT_NULL, st.lists(st.sampled_from(FORMATS), min_size=2, max_size=4))
def test_a_document_survives_a_journey_through_the_formats(value: dict[str, object], journey: list[Format]) -> None:
    document = parse(json.dumps(value), file="x", format="json")
    for format in journey:
        text, lost = rewrite(document, format)
        assert lost == ()
        document = parse(text, file="x", format=format)
    assert exactly(document.value) == exactly(value)


@given(WITHOUT_NULL, st.sampled_from(FORMATS))
def test_what_was_written_twice_is_the_same_text(value: dict[str, object], format: Format) -> None:
    once = told(value, format)
    assert told(parse(once, file="x", format=format).value, format) == once  # type: ignore[arg-type]


@given(WITHOUT_NULL, st.sampled_from(FORMATS))
def test_no_written_text_is_taken_for_a_comment(value: dict[str, object], format: Format) -> None:
    assert comments(parse(told(value, format), file="x", format=format)) == []
