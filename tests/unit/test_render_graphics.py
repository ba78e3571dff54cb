"""How terminals draw pictures: what they would show is read back from what they are sent."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from plcli.pixels import look
from plcli.render.graphics import Cell, Undrawable, Window, draw, drawn, protocol_of
from tests.support import pictures
from tests.support.terminals import (
    BLUE,
    GREEN,
    RED,
    TERMINALS,
    TRUECOLOR,
    WHITE,
    Pipe,
    Tty,
    blocks,
    encoded,
    like,
    quarters,
    screen_of,
    sixel,
    text_of,
)

WINDOW = Window(80, 24, Cell())
SMALL = Window(80, 8, Cell())


@pytest.mark.parametrize("protocol", TERMINALS)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_terminal_shows_the_pixels_of_the_picture(protocol: Any, form: str) -> None:
    data = encoded(Image.open(io.BytesIO(quarters())), form)
    drawing = drawn(data, protocol, SMALL, TRUECOLOR)
    seen = TERMINALS[protocol](drawing.text)
    assert drawing.rows == 6
    assert seen.size == ((12, 12) if protocol == "blocks" else (64, 64) if protocol == "iterm2" else (120, 120))
    width, height = seen.size
    corners = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    for at, colour in zip(corners, (RED, GREEN, BLUE, WHITE), strict=True):
        assert like(seen.getpixel(at), colour)


@pytest.mark.parametrize("protocol", TERMINALS)
def test_what_is_transparent_shows_a_board_of_two_greys(protocol: Any) -> None:
    data = encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG")
    seen = TERMINALS[protocol](drawn(data, protocol, SMALL, TRUECOLOR).text)
    greys: set[Any] = {colour for _, colour in seen.getcolors(1 << 20) or ()}
    assert all(red == green == blue for red, green, blue in greys)
    assert max(greys)[0] - min(greys)[0] > 40


@pytest.mark.parametrize(
    ("pixels", "window", "cells"),
    [
        ((1024, 1024), WINDOW, (40, 20)),
        ((1024, 1024), Window(30, 24, Cell()), (30, 15)),
        ((1024, 1024), Window(80, 12, Cell()), (20, 10)),
        ((1024, 1024), Window(80, 24, Cell(10, 30)), (60, 20)),
        ((1536, 1024), WINDOW, (60, 20)),
        ((1024, 1536), WINDOW, (27, 20)),
        ((4000, 40), Window(300, 80, Cell()), (120, 1)),
        ((1, 4000), WINDOW, (1, 20)),
        ((8, 8), WINDOW, (8, 4)),
        ((1, 1), WINDOW, (1, 1)),
        ((1024, 1024), Window(1, 1, Cell()), (1, 1)),
    ],
)
def test_a_picture_fits_its_window(pixels: tuple[int, int], window: Window, cells: tuple[int, int]) -> None:
    drawing = drawn(pictures.png(*pixels), "blocks", window, TRUECOLOR)
    seen = blocks(drawing.text)
    assert (seen.width, seen.height // 2) == cells
    assert drawing.rows == cells[1]


def test_sixels_are_as_large_as_the_characters_that_they_stand_in_for() -> None:
    code = """
import sys
from plcli.render.graphics import Cell, Window, drawn
sys.stdout.write(drawn(sys.stdin.buffer.read(), "sixel", Window(80, 8, Cell(8, 24)), {}).text)
"""
    done = subprocess.run([sys.executable, "-c", code], input=quarters(), capture_output=True, check=True)
    assert sixel(done.stdout.decode()).size == (18 * 8, 6 * 24)


def test_of_a_moving_picture_the_first_frame_is_drawn() -> None:
    seen = blocks(drawn(pictures.gif(2), "blocks", WINDOW, TRUECOLOR).text)
    assert like(seen.getpixel((0, 0)), pictures.RED)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<html>", "no picture"),
        (pictures.SVG, "svg"),
        (pictures.png()[:-20], "cut off"),
        (pictures.png(100_000, 1010), "100,000 × 1,010 pixels"),
        (quarters()[:33] + quarters()[-12:], "damaged"),
        (pictures.png(2, 2)[:37] + b"IDAT" + pictures.png(2, 2)[-12:], "cut off"),
    ],
)
def test_what_is_no_whole_picture_is_not_drawn(data: bytes, words: str) -> None:
    with pytest.raises(Undrawable, match=words):
        drawn(data, "blocks", WINDOW, TRUECOLOR)


def test_a_picture_larger_than_its_headers_say_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, file = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")], io.BytesIO()
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:])
    stated = b"ispe\0\0\0\0" + struct.pack(">II", 40, 40)
    data = file.getvalue().replace(stated, b"ispe\0\0\0\0" + struct.pack(">II", 8, 8))
    assert (look(data).width, drawn(data, "blocks", WINDOW, TRUECOLOR).rows) == (8, 20)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Undrawable, match="DecompressionBomb"):
        drawn(data, "blocks", WINDOW, TRUECOLOR)


VALID = (quarters(), pictures.jpeg(), pictures.webp(), pictures.gif(2))


@given(st.sampled_from(VALID), st.lists(st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=4)), max_size=4))
@example(quarters(), [(50, b"\0\0")])
def test_damaged_bytes_are_drawn_or_refused(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    for at, new in changes:
        data = data[:at] + new + data[at + len(new) :]
    with suppress(Undrawable):
        assert drawn(data, "blocks", WINDOW, TRUECOLOR).rows <= 20


# Which terminal draws how


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm", "KITTY_WINDOW_ID": "1"}, "iterm2"),
        ({"TERM_PROGRAM": "vscode"}, "iterm2"),
        ({"TERM_PROGRAM": "mintty"}, "iterm2"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "foot-direct"}, "sixel"),
        ({"TERM": "foot", "KITTY_WINDOW_ID": "1"}, "sixel"),
        ({"KONSOLE_VERSION": "250801"}, "sixel"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, "blocks"),
        ({"TERM": "screen.xterm-kitty", "STY": "1.pts"}, "blocks"),
        ({"TERM": "xterm-kitty", "PLCLI_PICTURES": "sixel"}, "sixel"),
        ({"PLCLI_PICTURES": "off"}, "off"),
        ({"PLCLI_PICTURES": ""}, "blocks"),
        ({"TERM": "dumb", "PLCLI_PICTURES": "blocks"}, "off"),
        ({"NO_COLOR": "1", "TERM": "xterm-kitty"}, "off"),
    ],
)
def test_the_environment_says_how_a_terminal_draws(environ: dict[str, str], protocol: str) -> None:
    screen = screen_of(environ=environ)
    assert protocol_of(screen, screen.out) == protocol


def test_a_protocol_that_there_is_not_is_told_with_those_that_there_are() -> None:
    screen = screen_of(environ={"PLCLI_PICTURES": "oil"})
    with pytest.raises(Undrawable, match="PLCLI_PICTURES=oil is none of kitty, iterm2, sixel, blocks, off"):
        draw(quarters(), screen, screen.out)


@pytest.mark.parametrize("encoding", ["ascii", None, "none of these"])
def test_a_pipe_and_a_narrow_encoding_show_no_pictures(encoding: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(Pipe, environ={"TERM": "xterm-kitty"})
    assert protocol_of(screen, screen.out) == "off"
    monkeypatch.setattr(Tty, "encoding", encoding)
    screen = screen_of()
    assert draw(quarters(), screen, screen.out) == 0
    assert not text_of(screen.out)


@pytest.mark.parametrize("protocol", TERMINALS)
def test_drawing_leaves_the_process_as_it_was(protocol: str) -> None:
    stdout, environ = sys.__stdout__, dict(os.environ)
    screen = screen_of(environ={"PLCLI_PICTURES": protocol})
    assert draw(quarters(), screen, screen.out) == 20
    assert (sys.__stdout__, dict(os.environ)) == (stdout, environ)
    assert not text_of(screen.err)
