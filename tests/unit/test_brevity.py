"""Texts cut to a length."""

from __future__ import annotations

import pytest

from plcli.brevity import around, cut


@pytest.mark.parametrize(
    ("text", "kept"), [("", ""), ("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…"), ("a" * 99, "aaa…")]
)
def test_a_text_is_cut_to_so_many_characters(text: str, kept: str) -> None:
    assert cut(text, 4) == kept


LINES = [f"line {n} of a long text" for n in range(300)]


@pytest.mark.parametrize(
    ("at", "line"), [([100], "LINE"), ([100], "another line altogether"), ([100], "x"), ([100, 250], "y"), ([0], "z")]
)
def test_two_texts_end_where_they_are_alike(at: list[int], line: str) -> None:
    other = [line if n in at else said for n, said in enumerate(LINES)]
    for old, new in (("\n".join(LINES), "\n".join(other)), ("\n".join(other), "\n".join(LINES))):
        was, now = (text.strip("…").split("\n") for text in around(old, new, 1000))
        assert max(map(len, around(old, new, 1000))) <= 1000
        assert was[-3:] == now[-3:]
        assert sum(mine != theirs for mine, theirs in zip(was, now, strict=True)) == 1


def test_what_has_nothing_in_common_is_cut_to_the_length() -> None:
    assert around("a" * 99, "b" * 99, 50) == ("a" * 49 + "…", "b" * 49 + "…")
    assert around("a" * 99, "b", 50) == ("a" * 49 + "…", "b")
    assert around("ab", "ac", 50) == ("ab", "ac")
    # The words of the one end stand before the difference alone.
    same = "0123456789" * 4
    assert [len(text) for text in around(f"{same}-{same}", f"{same}+{'x' * 50}", 60)] == [60, 60]
