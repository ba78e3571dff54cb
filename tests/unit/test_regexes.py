from __future__ import annotations

import pytest

from plcli.regexes import LONGEST_PATTERN, LONGEST_TEXT, Undecided, cheap, search, within

KEBAB = r"^[a-z]+(-[a-z]+)*$"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("Paris", "in Paris", True),
        ("^Paris", "in Paris", False),
        (r"\d+ °C", "it is 21 °C", True),
        ("", "", True),
        (KEBAB, "a-kebab-name", True),
        (KEBAB, "no kebab", False),
        ("(?i)paris", "PARIS", True),
        ("[[]", "a[b", True),
        ("(?s)\ud83d.b", "\ud83d\nb", True),
        ("(?i)\0x", "a\0X", True),
    ],
)
def test_an_expression_is_searched_anywhere_in_a_text(pattern: str, text: str, found: bool) -> None:
    assert search(pattern, text) is found


@pytest.mark.parametrize("pattern", ["(", "(?i", "(a)*(", "*", "a{99999999999}", "(" * 1900])
def test_what_is_no_expression_cannot_be_decided(pattern: str) -> None:
    with pytest.raises(Undecided):
        search(pattern, "text")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 60 + "b"),
        ("(a|a)*$", "a" * 60 + "b"),
        ("a*a*a*a*a*a*a*b", "a" * 2000),
        (r"(a*)(?#hidden)*(b\1)*$", "a" * 50 + "c"),
    ],
)
def test_a_catastrophic_expression_ends(pattern: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plcli.regexes.SECONDS", 0.2)
    with pytest.raises(Undecided, match="longer than"):
        search(pattern, text)


def test_only_plainly_small_searches_are_made_here() -> None:
    assert cheap("Paris", 100_000)
    assert cheap(r"^\d{4}-\d{2}-\d{2}$", 10)
    assert not cheap("a*b", 100_000)
    assert not cheap("(a+)+", 3)
    assert not cheap("(?i)a", 3)


def test_too_long_expressions_and_texts_are_refused() -> None:
    with pytest.raises(Undecided, match="characters"):
        search("a" * (LONGEST_PATTERN + 1), "a")
    with pytest.raises(Undecided, match="characters"):
        search("a", "a" * (LONGEST_TEXT + 1))


def test_many_decisions_share_one_time() -> None:
    with within(0.1):
        with pytest.raises(Undecided, match="longer than"):
            search("(a+)+$", "a" * 60 + "b")
        with pytest.raises(Undecided, match="too long"):
            search("a", "a")
    assert search("a", "a")
