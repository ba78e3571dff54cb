"""Texts cut to a length."""

from __future__ import annotations

import pytest

from plcli.brevity import cut


@pytest.mark.parametrize(
    ("text", "kept"), [("", ""), ("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…"), ("a" * 99, "aaa…")]
)
def test_a_text_is_cut_to_so_many_characters(text: str, kept: str) -> None:
    assert cut(text, 4) == kept
