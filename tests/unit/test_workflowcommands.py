from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.workflowcommands import Unobeyed


def written(*pieces: str) -> str:
    stream = Unobeyed()
    return "".join(map(stream.feed, pieces))


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["::set-env name=A::b\n"], ":\\u003aset-env name=A::b\n"),
        (["words\n \t::add-mask::x"], "words\n \t:\\u003aadd-mask::x"),
        (["words\r::stop-commands::x"], "words\r:\\u003astop-commands::x"),
        (["\u200b::warning::x"], "\u200b:\\u003awarning::x"),
        (["words\n", " ", ":", ":x"], "words\n :\\u003ax"),
        (["words ##[group]x"], "words ##\\u005bgroup]x"),
        (["words #", "#", "[group]x"], "words ##\\u005bgroup]x"),
        (["std::vector ", "::x\n#1 [a]"], "std::vector ::x\n#1 [a]"),
        (["\n" + "\t\u2028" * 5_000 + "x"], "\n" + "\t\u2028" * 5_000 + "x"),
        (["\n", *"\t " * 5_000, ":", ":x"], "\n" + "\t " * 5_000 + ":\\u003ax"),
    ],
)
def test_what_a_runner_would_obey_is_escaped_and_all_else_stays(pieces: list[str], shown: str) -> None:
    assert written(*pieces) == shown


@given(st.lists(st.text(alphabet=":#[ \n\rax\t\u200b", max_size=6), max_size=6))
def test_pieces_may_be_cut_anywhere(pieces: list[str]) -> None:
    whole = written("".join(pieces))
    assert written(*pieces) == whole
    assert "##[" not in whole
    assert not re.search(r"(?:^|[\r\n])[ \t\u200b]*::", whole)


def test_json_keeps_its_value() -> None:
    assert json.loads(written('{"a": "##[set-env]"}\n')) == {"a": "##[set-env]"}
