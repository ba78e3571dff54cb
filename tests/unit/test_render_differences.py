"""Differences on the screen: words inside lines, places, and nothing that a terminal would obey."""

from __future__ import annotations

import io
from typing import Any

import pytest

from plcli.diffing.textchanges import first_change, text_changes
from plcli.render.differences import LINES, MOST, show_differences, told
from plcli.render.screen import Screen
from plcli.replayrecords import Difference


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def changed(old: Any, new: Any, path: str = "messages[0].content", **place: Any) -> Difference:
    return Difference(path=path, kind="changed", old=old, new=new, **place)


def shown(*differences: Difference, out: io.StringIO | None = None, environ: Any = None, verbose: bool = False) -> str:
    stream = out or io.StringIO()
    show_differences(differences, Screen(stream, io.StringIO(), environ or {}, verbose=verbose))
    return stream.getvalue()


def marked(old: str, new: str) -> list[str]:
    return [f"… {row.skipped}" if row.skipped else f"{row.sign or '~'} {row.text}" for row in text_changes(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        ("Speak plainly.", "Speak loudly.", ["~ Speak [-plainly-]{+loudly+}."]),
        ("You are terse.", "You are very terse.", ["~ You are {+very +}terse."]),
        ("one two three four", "one 2 3 four", ["~ one [-two three-]{+2 3+} four"]),
        ("all of this", "quite another", ["- all of this", "+ quite another"]),
        ("a\nb\nc\nd\ne", "a\nb\nc\nd\nE!", ["… 3", "  d", "- e", "+ E!"]),
        ("a\nb", "a\nx\nb", ["  a", "+ x", "  b"]),
        ("a\nb\nc", "a\nc", ["  a", "- b", "  c"]),
        ("", "words", ["- ", "+ words"]),
        ("end", "end\n", ["  end", "+ "]),
        (
            "x" * 200 + " old " + "y" * 200,
            "x" * 200 + " new " + "y" * 200,
            ["~ …" + "x" * 47 + " [-old-]{+new+} " + "y" * 47 + "…"],
        ),
    ],
)
def test_a_changed_text_shows_the_words_that_changed(old: str, new: str, rows: list[str]) -> None:
    assert marked(old, new) == rows


def test_a_line_of_more_words_than_can_be_compared_goes_and_comes() -> None:
    old, new = ("w " * 100_000 + end for end in ("old", "new"))
    assert [row.sign for row in text_changes(old, new)] == ["-", "+"]
    assert first_change(old, new)


def test_differences_are_grouped_and_have_their_places() -> None:
    differences = (
        Difference(path="params.seed", kind="added", new=1, file="a.yaml", line=3, column=9),
        changed("Hi Ada", "Hi Bob", file="a.yaml", line=2),
        Difference(path="tools.x", kind="removed", old={"description": "d"}, cause="--set tools"),
        changed(0.5, 1, "params.temperature"),
        changed({"a": 1}, [2], "body.x"),
        Difference(path="messages[1]", kind="added", new={"role": "user", "content": "One\nTwo\n"}),
    )
    assert shown(*differences) == (
        "messages\n"
        "~ messages[0].content  a.yaml:2\n"
        "    ~ Hi [-Ada-]{+Bob+}\n"
        "+ messages[1]\n"
        "    + user: One\n"
        "    + Two\n"
        "tools\n"
        "- tools.x  --set tools\n"
        '    - {"description": "d"}\n'
        "params\n"
        "+ params.seed  a.yaml:3:9\n"
        "    + 1\n"
        "~ params.temperature\n"
        "    - 0.5\n"
        "    + 1\n"
        "body\n"
        "~ body.x\n"
        '    - {"a": 1}\n'
        "    + [2]\n"
    )


def test_colours_stand_in_for_marks_where_there_are_any() -> None:
    one = changed("Hi Ada", "Hi Bob")
    coloured = shown(one, out=Terminal())
    assert "\x1b[31mAda\x1b[0m" in coloured
    assert "[-" not in coloured
    assert "[-Ada-]" in shown(one, out=Terminal(), environ={"NO_COLOR": "1"})


def test_much_is_cut_and_says_so_unless_more_is_asked_for() -> None:
    long = Difference(path="messages[0]", kind="added", new="\n".join(map(str, range(LINES + 5))))
    assert shown(long).endswith("    … 5 more lines (-v shows all)\n")
    assert "more" not in shown(long, verbose=True)
    many = [changed(n, n + 1, f"body.x{n}") for n in range(MOST + 2)]
    assert shown(*many).endswith("… 2 more differences (-v shows all)\n")
    other = changed("\n".join(map(str, range(20_000))), "\n".join(map(str, range(-20_000, 0))))
    assert "more than 10,000 more lines" in shown(other)


def test_nothing_that_a_terminal_obeys_gets_there() -> None:
    evil = "\x1b[2J\u202e"
    out = Terminal()
    show_differences(
        [changed(f"a {evil}", f"a b {evil}", f'body["{evil}\\n"]', file=evil, line=1)],
        Screen(out, io.StringIO(), {"NO_COLOR": "1"}),
    )
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_a_secret_is_hidden_though_the_change_goes_through_it() -> None:
    out = io.StringIO()
    screen = Screen(out, io.StringIO(), {})
    screen.redact = lambda text: text.replace("key one-two", "[redacted]")
    show_differences([changed("the key one-two", "the key one-three")], screen)
    assert "two" not in out.getvalue()


@pytest.mark.parametrize(
    ("difference", "line"),
    [
        (changed(0.2, 0.7, "params.seed", file="x.yaml", line=9, column=16), "params.seed: 0.2 → 0.7 (x.yaml:9:16)"),
        (changed("Paris", "Rome", "model", cause="--model Rome"), 'model: "Paris" → "Rome" (--model Rome)'),
        (changed("a\nb c\nd", "a\nb d\nd"), "messages[0].content: b [-c-]{+d+}"),
        (changed("a\nall other\n", "a\n"), "messages[0].content: [-all other-]"),
        (Difference(path="messages[1]", kind="added", new={"role": "user"}), 'messages[1]: added: {"role": "user"}'),
        (Difference(path="tools.x", kind="removed", old={}), "tools.x: removed: {}"),
        (Difference(path="expect", kind="added"), "expect: added: null"),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_one_plain_line(difference: Difference, line: str) -> None:
    assert told(difference) == line


def test_a_told_line_is_short_whatever_it_is_of() -> None:
    assert len(told(changed("x" * 10**6, "y" * 10**6, "p" * 10**5))) < 1_000
