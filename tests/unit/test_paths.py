from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.paths import LONGEST, find, merge, parse, place, remove, show

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
steps = st.lists(st.integers(0, 3) | st.text(max_size=3), max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("[1][2]", (1, 2)),
        ('a["b.c"][0]', ("a", "b.c", 0)),
        ("a-b.$x y", ("a-b", "$x y")),
    ],
)
def test_a_path_is_keys_and_indexes(path: str, parts: tuple[str | int, ...]) -> None:
    assert parse(path) == parts


@pytest.mark.parametrize(
    "path", [".a", "a.", "a..b", "a.[0]", "a[0]b", "a[-1]", "a[x]", "a[01]", "a[", 'a"b', '["\\x"]', "[9999999999]"]
)
def test_a_malformed_path_is_refused_by_name(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse(path)


def test_a_path_has_a_bounded_number_of_steps() -> None:
    assert len(parse("a" + "[0]" * (LONGEST - 1))) == LONGEST
    with pytest.raises(ValueError, match="at most"):
        parse("[0]" * (LONGEST + 1))


@settings(deadline=None)
@given(parts=steps)
def test_a_shown_path_parses_to_itself(parts: tuple[str | int, ...]) -> None:
    assert parse(show(parts)) == parts


def test_what_is_not_there_is_the_default() -> None:
    value = {"a": [{"b": None}]}
    assert find(value, "a[0].b", 1) is None
    assert find(value, "") is value
    for path in ("a[1]", "a.b", "a[0].b.c", "x", "[0]"):
        assert find(value, path, 1) == 1


def test_placing_makes_objects_and_lists_on_the_way() -> None:
    assert place({}, "a.b[0].c", 1) == {"a": {"b": [{"c": 1}]}}
    assert place({"a": None}, "a.b", 1) == {"a": {"b": 1}}
    assert place({"a": [1, 2]}, "a[2]", 3) == {"a": [1, 2, 3]}
    assert place(5, "", 1) == 1


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"a": "x"}, "a.b", "cannot set a.b: a is a string, not an object"),
        ({"a": {}}, "a[0]", "cannot set a[0]: a is an object, not a list"),
        ({"a": [1]}, "a[2]", "cannot set a[2]: a has 1 items"),
        ([1], "b", "cannot set b: the value is a list, not an object"),
        ({"a": True}, "a.b", "cannot set a.b: a is true or false, not an object"),
    ],
)
def test_a_step_that_does_not_fit_says_where(value: Any, path: str, message: str) -> None:
    with pytest.raises(ValueError, match="cannot set") as refused:
        place(value, path, 1)
    assert str(refused.value) == message


@settings(deadline=None)
@given(value=values, parts=steps, item=values)
def test_what_is_placed_is_found_and_the_old_value_stays(value: Any, parts: tuple[str | int, ...], item: Any) -> None:
    before = repr(value)
    try:
        placed = place(value, parts, item)
    except ValueError:
        return
    assert find(placed, parts) == item
    assert repr(value) == before


def test_removing_takes_out_keys_and_items_and_leaves_what_is_not_there() -> None:
    value = {"a": [1, 2, 3], "b": {"c": 1}}
    assert remove(value, "a[1]") == {"a": [1, 3], "b": {"c": 1}}
    assert remove(value, "b.c") == {"a": [1, 2, 3], "b": {}}
    assert remove(value, "b.x.y") is value
    assert value == {"a": [1, 2, 3], "b": {"c": 1}}
    with pytest.raises(ValueError, match="empty path"):
        remove(value, "")


def test_merging_goes_into_objects_and_replaces_everything_else() -> None:
    under = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merge(under, {"a": {"c": [3], "e": None}, "d": {"x": 1}}) == {
        "a": {"b": 1, "c": [3], "e": None},
        "d": {"x": 1},
    }
    assert under == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


@settings(deadline=None)
@given(value=values)
def test_merging_a_value_with_itself_changes_nothing(value: Any) -> None:
    assert merge(value, value) == value
