"""Runs with pictures: their cards in a pipe and on a terminal, right away and from the log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support import pictures
from tests.support.cli import Cli, Process, Said, Write
from tests.support.terminals import blocks, like, plain, quarters

PAINTER = """\
kind: model
provider: echo
model: painter
script:
  - text: "Two of them:"
  - image: {source: ../one.png, revised_prompt: "Four quarters of one picture, each in a colour of its own: red, green,\
 blue, and a white that is so bright that nobody needs to call it by another name."}
  - image: {source: ../two.png}
  - text: That is all.
  - usage: {input_tokens: 12, output_tokens: 1056, image_output_tokens: 1050}
"""

ASK = ("run", "--prompt", "paint", "-m", "painter", "--set", "image={size: 1024x1024, quality: high, n: 3}")

terminals = pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals")


@pytest.fixture(autouse=True)
def _painter(write: Write) -> None:
    write("plcli.toml", "")
    write("models/painter.yaml", PAINTER)
    Path("one.png").write_bytes(quarters())
    Path("two.png").write_bytes(pictures.png())


@pytest.mark.parametrize("options", [(), ("--format", "card"), ("-q",)], ids=" ".join)
def test_pictures_in_a_pipe(options: tuple[str, ...], said: Said, snapshot: SnapshotAssertion) -> None:
    assert said(*ASK, *options) == snapshot


@pytest.mark.parametrize("options", [("--no-stream",), ("--no-stream", "--format", "card")], ids=" ".join)
def test_pictures_between_words_stand_in_order(
    options: tuple[str, ...], said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said(*ASK, *options) == snapshot


def test_the_log_alone_shows_the_same_cards(said: Said, cli: Cli, snapshot: SnapshotAssertion) -> None:
    cli(*ASK)
    assert said("log", "show") == snapshot
    assert said("log", "show", "--format", "card", "-q") == said("log", "show")


@terminals
def test_a_terminal_shows_the_pictures_in_their_places(plcli_process: Process) -> None:
    for args in (ASK, (*ASK, "--no-stream"), ("log", "show")):
        with plcli_process.terminal(*args, COLORTERM="truecolor") as terminal:
            assert terminal.end() == 0
        text = re.sub(r"\x1b\]8;;[^\x1b]*\x1b\\", "", terminal.text)
        one, two = re.findall(r"file +\S+\n((?:.*▀.*\n)+)", plain(text))
        assert (one.count("\n"), two.count("\n")) == (20, 4)
        drawings = re.findall(r"(?:.*▀.*\n)+", text)
        seen = blocks(drawings[0])
        assert like(seen.getpixel((5, 5)), (200, 0, 0))
        assert like(seen.getpixel((35, 35)), (255, 255, 255))
        order = ["Two of them:", "1 of 2", "▀", "2 of 2", "That is all."]
        places = [text.index(words) for words in order]
        assert places == sorted(places)


@terminals
def test_eight_bit_colours_do(plcli_process: Process) -> None:
    with plcli_process.terminal(*ASK) as terminal:
        assert terminal.end() == 0
    assert re.search(r"\x1b\[38;5;\d+;48;5;\d+m▀", terminal.text)
    assert "38;2" not in terminal.text


class Followed(Process):
    """A command line that is followed by another process, which says what it finds typed."""

    def command(self, *args: str) -> list[str]:
        code = "import subprocess, sys; print(subprocess.call(sys.argv[1:]), repr(sys.stdin.readline()))"
        return [sys.executable, "-c", code, *super().command(*args)]


@terminals
@pytest.mark.parametrize("protocol", ["kitty", "sixel", "iterm2", "blocks"])
def test_the_terminal_is_asked_nothing_and_what_is_typed_stays(protocol: str) -> None:
    with Followed().terminal(*ASK, PLCLI_PICTURES=protocol) as terminal:
        terminal.press("ls -l\n")
        assert terminal.end() == 0
    assert terminal.plain.splitlines()[-1] == "0 'ls -l\\n'"
    assert any(sign in terminal.text for sign in ("\x1b_G", "\x1bP0;0;0q", "\x1b]1337;", "▀"))
    for question in (r"\x1b\[[>=?]?\d*c", r"\x1b\[1[468]t", r"\x1b\[[56]n", r"\x1b_G[^;]*a=q"):
        assert not re.search(question, terminal.text)


@terminals
@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PLCLI_PICTURES": "off"}], ids=str)
def test_pictures_can_be_switched_off(variables: dict[str, str], plcli_process: Process) -> None:
    with plcli_process.terminal(*ASK, **variables) as terminal:
        assert terminal.end() == 0
    assert "▀" not in terminal.text
    assert terminal.text.count("media/") >= 2


def test_pictures_beside_each_other_are_a_line_each(cli: Cli, write: Write) -> None:
    write("models/other.yaml", PAINTER.replace("model: painter", "model: other"))
    outcome = cli(*ASK, "-m", "other", "--format", "card")
    assert outcome.code == 0
    assert "revised" not in outcome.out


def test_pillow_is_imported_for_pictures_on_a_terminal_only(plcli_process: Process) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "plcli", *ASK]
    done = subprocess.run(command, capture_output=True, env=plcli_process.environ({}), check=True)
    imported = {line.split(b"|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {b"PIL", b"rich", b"textual_image"}


def test_the_log_holds_digests_and_the_store_the_bytes(cli: Cli) -> None:
    outcome = cli(*ASK, "--format", "json")
    parts = [part for part in json.loads(outcome.out)["response"]["parts"] if part["type"] == "image"]
    files = [Path("media", part["media"].removeprefix("sha256:") + ".png") for part in parts]
    assert [file.read_bytes() for file in files] == [quarters(), pictures.png()]
