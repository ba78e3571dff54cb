"""Terminals that keep what they are sent, and the pictures that they would show of it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Any

from PIL import Image

from plcli.render.screen import Screen

TRUECOLOR = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
RED, GREEN, BLUE, WHITE = (200, 0, 0), (0, 200, 0), (0, 0, 200), (255, 255, 255)

_SIXEL = re.compile(r"\x1b\[(\d+)A\x1bP0;0;0q\"1;1;(\d+);(\d+)(.*)\x1b\\\x1b8", re.DOTALL)
_SIXEL_TOKEN = re.compile(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])")


class Tty(io.StringIO):
    """A terminal that keeps what it is sent."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """A pipe that keeps what it is sent."""

    encoding = "utf-8"


def screen_of(stream: Callable[[], io.StringIO] = Tty, **options: Any) -> Screen:
    """A screen on two such streams; `environ` stands beside the variables of a terminal in true colour."""
    return Screen(stream(), stream(), {**TRUECOLOR, **options.pop("environ", {})}, **options)


def text_of(stream: Any) -> str:
    """All that a stream was sent."""
    return str(stream.getvalue())


def plain(text: str) -> str:
    """The text without styles and links."""
    return re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\", "", text)


def quarters(side: int = 64) -> bytes:
    """A PNG of four colours, one in each quarter."""
    picture = Image.new("RGB", (2, 2))
    picture.putdata([RED, GREEN, BLUE, WHITE])
    return encoded(picture.resize((side, side), Image.Resampling.NEAREST), "PNG")


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of a picture in a format of Pillow's."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def kitty(text: str) -> Image.Image:
    """What kitty's graphics show, on placeholders whose colour names the picture."""
    sent = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", text)
    keys = [dict(pair.split("=") for pair in control.split(",")) for control, _ in sent]
    assert all(key["q"] == "2" for key in keys), "the terminal would answer"
    assert [key["m"] for key in keys[:-1]] == ["1"] * (len(keys) - 2) + ["0"]
    place = keys[-1]
    assert (place["a"], place["U"]) == ("p", "1")
    lines = re.sub(r"\x1b_G[^\x1b]*\x1b\\", "", text).splitlines()
    assert [line.count("\U0010eeee") for line in lines] == [int(place["c"])] * int(place["r"])
    colours = {tuple(map(int, found)) for found in re.findall(r"38;2;(\d+);(\d+);(\d+)m", text)}
    number = int(place["i"])
    assert colours == {(number >> 16 & 255, number >> 8 & 255, number & 255)}
    return _png("".join(payload for _, payload in sent))


def iterm2(text: str) -> Image.Image:
    """What iTerm2's inline file shows, put on lines that are free."""
    found = re.fullmatch(
        r"(\n+)\x1b\[(\d+)A\x1b7\x1b]1337;File=inline=1;size=(\d+);width=(\d+);height=(\d+);"
        r"preserveAspectRatio=0:([\w+/=]+)\a\x1b8\x1b\[(\d+)B",
        text,
    )
    assert found
    assert len(found[1]) == int(found[2]) == int(found[5]) == int(found[7])
    assert len(base64.b64decode(found[6])) == int(found[3])
    return _png(found[6])


def sixel(text: str) -> Image.Image:
    """What sixels show; the lines that are made free for them are as many as the cursor goes up."""
    found = _SIXEL.search(text.replace("\x1b[0C", ""))
    assert found
    assert text.count("\n") == int(found[1])
    picture = Image.new("RGB", (int(found[2]), int(found[3])))
    palette: dict[int, tuple[int, ...]] = {}
    colour, x, y = 0, 0, 0
    for token in _SIXEL_TOKEN.finditer(found[4]):
        register, *rgb, count, repeated, once, control = token.groups()
        if register:
            colour = int(register)
            if rgb[0]:
                palette[colour] = tuple(round(int(part) * 2.55) for part in rgb)
        elif control:
            x, y = 0, y + (6 if control == "-" else 0)
        else:
            end = x + int(count or 1)
            for at in ((column, y + bit) for column in range(x, end) for bit in range(6)):
                if ord(repeated or once) - 63 >> (at[1] - y) & 1:
                    picture.putpixel(at, palette[colour])
            x = end
    return picture


def blocks(text: str) -> Image.Image:
    """The two pixels of each half-block."""
    lines = text.splitlines()
    rows = [re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", line) for line in lines]
    assert len({len(row) for row in rows}) == 1
    assert text.endswith("\n")
    picture = Image.new("RGB", (len(rows[0]), 2 * len(rows)))
    for y, row in enumerate(rows):
        for x, found in enumerate(row):
            picture.putpixel((x, 2 * y), tuple(map(int, found[:3])))
            picture.putpixel((x, 2 * y + 1), tuple(map(int, found[3:])))
    return picture


def _png(code: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(code, validate=True))).convert("RGB")


TERMINALS = {"kitty": kitty, "iterm2": iterm2, "sixel": sixel, "blocks": blocks}


def like(colour: Any, other: tuple[int, ...]) -> bool:
    """Whether a colour is that other one, but for what encoding makes of it."""
    return all(abs(one - two) <= 8 for one, two in zip(colour, other, strict=True))
