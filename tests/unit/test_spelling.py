from __future__ import annotations

import pytest

from plcli.spelling import did_you_mean

PARAMS = ["temperature", "top_p", "max_output_tokens", "messages", "model"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tempratur", "temperature"),
        ("topp", "top_p"),
        ("TOP-P", "top_p"),
        ("mesages", "messages"),
        ("max_tokens", "max_output_tokens"),
    ],
)
def test_a_misspelt_word_finds_its_neighbour(word: str, meant: str) -> None:
    assert did_you_mean(word, PARAMS) == meant


@pytest.mark.parametrize("word", ["", "xyzzy", "q", "messages" * 1000])
def test_garbage_means_nothing(word: str) -> None:
    assert did_you_mean(word, PARAMS) is None


def test_without_choices_nothing_is_meant() -> None:
    assert did_you_mean("model", []) is None
