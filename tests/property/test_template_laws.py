"""Laws of filling templates, and hostile templates made from a grammar."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plcli.errors import SpecError
from plcli.jinja import MAX_OUTPUT
from plcli.jinja_syntax import FILTERS
from plcli.templates import Kind, check, fill, names, needed

FAST = settings(deadline=None)
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["jinja2", "f-string", "none"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NASTY = st.lists(
    st.sampled_from(
        ["{{ a }}", "{a}", "{{", "}}", "{%", "%}", "{#", "{% include 'x' %}", "{", "}", "$", "\n", "x", "<b>"]
    )
).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])


@FAST
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}")), KINDS)
def test_text_without_placeholders_is_filled_to_itself(text: str, kind: Kind) -> None:
    assert fill(text, {}, kind=kind, file="x") == text
    assert names(text, kind) == set()
    assert check(text, kind) == ()


@FAST
@given(NASTY | VALUES, NASTY | VALUES)
def test_what_is_filled_in_is_never_scanned_again(first: Any, second: Any) -> None:
    values = {"a": first, "b": second}
    shown = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for value in (first, second)
    ]
    expected = "<" + "|".join(shown) + ">"
    assert fill("<{{ a }}|{{ b }}>", values, file="x") == expected
    assert fill("<{a}|{b}>", values, kind="f-string", file="x") == expected
    assert fill("<{% for v in [a, b] %}{{ v }}{{ '|' if loop.first }}{% endfor %}>", values, file="x") == expected


@FAST
@given(st.lists(NAMES, min_size=1), st.sets(NAMES), st.sampled_from(["jinja2", "f-string"]))
def test_all_missing_names_are_reported_at_once(used: list[str], given_names: set[str], kind: Kind) -> None:
    text = " ".join(f"{{{{ {name} }}}}" if kind == "jinja2" else f"{{{name}}}" for name in used)
    assert names(text, kind) == needed(text, kind) == set(used)
    missing = set(used) - given_names
    reported: list[str] = []
    try:
        fill(text, dict.fromkeys(given_names, 1), kind=kind, file="x")
    except SpecError as error:
        reported = [problem.message.split("`")[1] for problem in error.problems]
    assert reported == list(dict.fromkeys(name for name in used if name in missing))


@FAST
@given(NASTY, KINDS)
def test_a_checked_text_with_all_its_names_is_filled(text: str, kind: Kind) -> None:
    if check(text, kind):
        with pytest.raises(SpecError):
            fill(text, {"a": "v"}, kind=kind, file="x")
    else:
        assert isinstance(fill(text, dict.fromkeys(names(text, kind), "v"), kind=kind, file="x"), str)


ATOMS = st.sampled_from(
    [
        "s",
        "xs",
        "o",
        "ns.v",
        "ns",
        "1",
        "0",
        "-1",
        "99999999",
        "2.5",
        "'ab'",
        "none",
        "true",
        "[]",
        "{}",
        "loop",
        "missing",
    ]
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["+", "-", "*", "**", "/", "//", "%", "~", "==", "<", "in", "not in", "and", "or"])
    filters = st.sampled_from(FILTERS) | st.sampled_from(
        [
            "map('upper')",
            "map('join',s)",
            "groupby(0)",
            "round(99)",
            "indent(99)",
            "replace('',s)",
            "truncate(9)",
            "default(s)",
            "map('replace','',s)",
            "tojson(indent=8)",
            "join(s)",
            "indent(s)",
        ]
    )
    methods = st.sampled_from(
        [
            "upper()",
            "split('')",
            "split()",
            "join(xs)",
            "replace('',s)",
            "items()",
            "get('a',s)",
            "count('')",
            "splitlines()",
        ]
    )
    return (
        st.tuples(inner, operator, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(inner, filters).map("|".join)
        | st.tuples(inner, methods).map(lambda parts: f"({parts[0]}).{parts[1]}")
        | st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.tuples(inner, inner).map(lambda pair: f"{{'k': {pair[0]}, s: {pair[1]}}}")
        | st.tuples(inner, inner, inner).map(lambda three: f"({three[0]})[{three[1]}:{three[2]}]")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]")
        | inner.map(lambda one: f"range({one})")
    )


EXPRESSIONS = st.recursive(ATOMS, compound, max_leaves=6)
STATEMENTS = st.recursive(
    EXPRESSIONS.map(lambda e: f"{{{{ {e} }}}}") | EXPRESSIONS.map(lambda e: f"{{% set ns.v = {e} %}}"),
    lambda inner: (
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% for i in {p[0]} %}}{p[1]}{{% endfor %}}")
        | inner.map(lambda body: f"{{% for i in range(9999) %}}{body}{{% endfor %}}")
        | st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% endif %}}")
        | inner.map(lambda body: f"{{% set s %}}{body}{{% endset %}}{{{{ s }}}}")
        | st.lists(inner, max_size=3).map("".join)
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(STATEMENTS)
@example("{{ s[s.replace('', s)] }}")
@example("{{ s[[s.replace('', s)]] }}")
def test_whatever_a_template_says_it_ends_in_text_or_in_problems(body: str) -> None:
    text = "{% set ns = namespace(v='x') %}" + body
    try:
        ending = fill(text, {"s": "word " * 500, "xs": list(range(500)), "o": {"a": {"b": "c"}}}, file="x")
    except SpecError as error:
        ending = error.message
    assert len(ending) <= MAX_OUTPUT
