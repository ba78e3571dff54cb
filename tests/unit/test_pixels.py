"""What the bytes of a picture show, held against what Pillow reads in the same bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from plcli import rasters
from plcli.pixels import Look, look
from plcli.signatures import sniff
from tests.support.pictures import SVG, gif, jpeg, png, webp

FORMATS = {
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "JPEG": ("RGB", "L", "1", "CMYK"),
    "GIF": ("RGB", "RGBA", "L", "LA", "P", "1"),
    "WEBP": ("RGB", "RGBA", "L", "P", "CMYK"),
    "BMP": ("RGB", "RGBA", "L", "P", "1"),
    "AVIF": ("RGB", "RGBA", "L", "P", "CMYK"),
}
SIZES = ((1, 1), (7, 5), (300, 2))


def encoded(form: str, mode: str = "RGB", size: tuple[int, int] = (7, 5), **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, form, **options)
    return file.getvalue()


def animated(form: str, colours: Sequence[str]) -> bytes:
    frames = [Image.new("RGB", (9, 4), colour) for colour in colours]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sized_png(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with hardly any pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png()[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


SAMPLES = {
    **{form.lower(): encoded(form) for form in FORMATS},
    "progressive": encoded("JPEG", size=(40, 30), progressive=True),
    "exif": encoded("JPEG", exif=b"Exif\0\0" + jpeg()),
    "lossless": encoded("WEBP", lossless=True),
    "alpha": encoded("WEBP", "RGBA"),
    "apng": animated("PNG", ["red", "blue", "green"]),
    "moving gif": animated("GIF", ["red", "blue"]),
    "moving webp": animated("WEBP", ["red", "blue"]),
    "by hand png": png(),
    "by hand jpeg": jpeg(),
    "by hand webp": webp(),
    "by hand gif": gif(2),
}


@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, modes in FORMATS.items() for mode in modes])
def test_type_and_size_are_those_that_pillow_reads(form: str, mode: str) -> None:
    for size in SIZES:
        data = encoded(form, mode, size)
        with Image.open(io.BytesIO(data)) as picture:
            assert look(data) == Look(str(picture.get_format_mimetype()), *picture.size, 1, (), drawable=True)


@pytest.mark.parametrize("name", SAMPLES)
def test_size_and_frames_of_any_kind_of_file_are_those_that_pillow_reads(name: str) -> None:
    seen = look(SAMPLES[name])
    with Image.open(io.BytesIO(SAMPLES[name])) as picture:
        assert (seen.width, seen.height, seen.frames) == (*picture.size, getattr(picture, "n_frames", 1))
    assert (seen.drawable, seen.faults) == (True, ())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_that_is_cut_off_anywhere_is_told_and_not_drawn(name: str) -> None:
    data = SAMPLES[name]
    for length in range(len(data)):
        seen = look(data[:length])
        assert not seen.drawable
        if seen.mime == sniff(data):
            assert seen.faults == ("it is cut off",)
            assert (seen.width, seen.height) in ((None, None), (look(data).width, look(data).height))


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_after_the_end_do_no_harm(name: str) -> None:
    if name != "avif":  # whose end is that of the file
        assert look(SAMPLES[name] + b"\0more") == look(SAMPLES[name])


def test_any_bit_that_fell_over_in_a_png_is_told() -> None:
    data = png()
    for place in range(len(data)):
        for bit in range(8):
            seen = look(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            assert not seen.drawable, (place, bit)
            assert seen.faults


@pytest.mark.parametrize(
    ("data", "label", "faults"),
    [
        (png(), None, ()),
        (png(), "", ()),
        (png(), "IMAGE/PNG ; charset=binary", ()),
        (png(), "image/x-png", ()),
        (png(), "application/octet-stream", ()),
        (png(), "binary/octet-stream", ()),
        (png(), "what \x1b[2J ever", ()),
        (jpeg(), "image/jpg", ()),
        (jpeg(), "image/png", ("it is labelled image/png, but it is image/jpeg",)),
        (webp(), "text/html; charset=utf-8", ("it is labelled text/html, but it is image/webp",)),
        (SVG, "image/png", ("it is labelled image/png, but it is image/svg+xml",)),
    ],
)
def test_a_label_counts_where_it_says_something(data: bytes, label: str | None, faults: tuple[str, ...]) -> None:
    seen = look(data, label)
    assert (seen.faults, seen.width, seen.height) == (faults, 8, 8)
    assert seen.drawable == (data != SVG)


@pytest.mark.parametrize(
    ("data", "label", "fault"),
    [
        (b"", "image/png", "it is empty"),
        (b"<!DOCTYPE html><html><svg>", "image/png", "it is no picture (text/html)"),
        (b"  <!-- hm --><HTML>", None, "it is no picture (text/html)"),
        (b'{"error": "no"}', "application/json", "it is no picture (application/json)"),
        (b"%PDF-1.7", None, "it is no picture (application/pdf)"),
        (b"GIF", "image/gif", "its bytes are those of no known picture"),
        (b"\0" * 100, None, "its bytes are those of no known picture"),
        (b"BM is how this sentence begins, and goes on", None, "its bytes are those of no known picture"),
        (b"<!--" + b"-" * 100_000 + b"--><svg/>", None, "its bytes are those of no known picture"),
    ],
)
def test_what_is_no_picture_is_told(data: bytes, label: str | None, fault: str) -> None:
    seen = look(data, label)
    assert (seen.faults, seen.drawable, seen.width) == ((fault,), False, None)


HUGE_FRAME = bytearray(gif())
HUGE_FRAME[HUGE_FRAME.index(b",") + 5 : HUGE_FRAME.index(b",") + 9] = b"\xff\xff\xff\xff"
TALL_FRAME, WIDE_FRAME = bytearray(SAMPLES["moving webp"]), bytearray(SAMPLES["moving webp"])
_FRAME = TALL_FRAME.index(b"ANMF") + 8
TALL_FRAME[_FRAME + 3 : _FRAME + 6] = WIDE_FRAME[_FRAME : _FRAME + 3] = b"\x10\0\0"
HUGE_CANVAS = bytearray(SAMPLES["moving webp"])
HUGE_CANVAS[24:30] = b"\xff\xff\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (sized_png(40_000, 40_000), "it has 40,000 × 40,000 pixels"),
        (sized_png(2**32 - 1, 2**32 - 1), "it has 4,294,967,295 × 4,294,967,295 pixels"),
        (bytes(HUGE_FRAME), "it has 65,535 × 65,535 pixels"),
        (bytes(HUGE_CANVAS), "it has 16,777,216 × 16,777,216 pixels"),
        (sized_png(0, 7), "it has no pixels"),
        (png()[:8] + chunk(b"IEND", b""), "it is damaged"),
        (png()[:33] + chunk(b"IEND", b""), "it is damaged"),
        (jpeg()[:2] + b"\xff\xd9", "it is damaged"),
        (jpeg()[:2] + b"\xff\xe0\0\1", "it is damaged"),
        (gif()[:13] + b";", "it is cut off"),
        (b"GIF89a\x01\0\x01\0\0\0\0;", "it is damaged"),
        (b"GIF89a\x01\0\x01\0\0\0\0?", "it is damaged"),
        (b"RIFF\x04\0\0\0WEBP", "it is damaged"),
        (b"RIFF\x0c\0\0\0WEBPABCD\xff\xff\xff\xff", "it is cut off"),
        (b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x04mdat", "it is damaged"),
        (b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", "it is cut off"),
        (b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\0mdat", "it has no pixels"),
    ],
)
def test_what_is_damaged_or_huge_is_told_and_not_drawn(data: bytes, fault: str) -> None:
    seen = look(data)
    assert (seen.faults, seen.drawable) == ((fault,), False)


@pytest.mark.parametrize(("data", "size"), [(TALL_FRAME, (9, 36)), (WIDE_FRAME, (41, 4))], ids=["tall", "wide"])
def test_a_frame_that_reaches_beyond_its_canvas_makes_the_picture_larger(
    data: bytearray, size: tuple[int, int]
) -> None:
    seen = look(bytes(data))
    assert (seen.width, seen.height) == size


@pytest.mark.parametrize(
    "data",
    [
        png()[:33] + chunk(b"teXt", b"") * 20,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 20,
        gif()[:13] + b"!\xfe" + b"\1x" * 20,
        b"RIFF\xff\0\0\0WEBP" + b"ABCD\0\0\0\0" * 20,
        b"\0\0\0\x10ftypavif\0\0\0\0" + (b"\0\0\0\x10meta\0\0\0\0\0\0\0\0") * 20,
    ],
)
def test_a_picture_of_countless_pieces_is_not_read_to_its_end(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasters, "MOST_PIECES", 10)
    assert look(data).faults in (("it is made of too many pieces",), ("it is damaged",))


def test_a_picture_that_is_drawn_over_and_over_is_not_drawn() -> None:
    whole = encoded("JPEG", size=(40, 30), progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    often = {times: look(whole[:-2] + last * times + whole[-2:]) for times in (20, 100)}
    assert (often[20].faults, often[20].drawable) == ((), True)
    assert (often[100].faults, often[100].drawable) == (("it is made of too many pieces",), False)


NS = 'xmlns="http://www.w3.org/2000/svg"'


@pytest.mark.parametrize(
    ("text", "size", "faults"),
    [
        (f"<svg {NS} width='30' height='20.6'/>", (30, 21), ()),
        (f"<svg {NS} width='30px' height=' 20 '/>", (30, 20), ()),
        (f"<svg {NS} width='100%' height='20' viewBox='0,0 40 , 30.2'/>", (40, 30), ()),
        (f"<svg {NS} viewBox='-1 -1.5 40 30'/>", (40, 30), ()),
        (f"<svg {NS} width='1e9' height='9999999999'/>", (None, None), ()),
        (f"<svg {NS}/>", (None, None), ()),
        (f"\ufeff<?xml version='1.0'?>\n<!-- <html> -->\n<svg {NS} width='3' height='2'/>", (3, 2), ()),
        (f"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x.dtd'><svg {NS} width='3' height='2'/>", (3, 2), ()),
        ("<s:svg xmlns:s='http://www.w3.org/2000/svg' width='3' height='2'></s:svg>", (3, 2), ()),
        (f"<svg {NS} width='3' height='2'><g>", (3, 2), ("it is cut off",)),
        (f"<svg {NS} width='3' height='2'></g>", (3, 2), ("it is no sound XML",)),
        (f"<?xml version='1.0' encoding='klingon'?><svg {NS} width='3'/>", (None, None), ("it is no sound XML",)),
        (f"<svg {NS}><ScRipt>alert(1)</ScRipt></svg>", (None, None), ("it holds scripts",)),
        (f"<svg {NS}><a:script xmlns:a='x'/></svg>", (None, None), ("it holds scripts",)),
        (f"<svg {NS}\nonload='x()'/>", (None, None), ("it holds scripts",)),
        (f"<svg {NS}><foreignObject/></svg>", (None, None), ("it holds a web page",)),
        (f"<svg {NS}><image href='http://example.com/x'/></svg>", (None, None), ("it refers to other files",)),
        (f"<svg {NS}><image href=' \t&#47;x'/></svg>", (None, None), ("it refers to other files",)),
        (f"<svg {NS}><style>a {{ fill: url( '//x' ) }}</style></svg>", (None, None), ("it refers to other files",)),
        (f"<?xml-stylesheet href=''?><svg {NS}/>", (None, None), ("it refers to other files",)),
        (f"<svg {NS} href=' #a'><a fill='url(#a)' src=\"data:image/png;base64,\" href=''/></svg>", (None, None), ()),
        (
            f"<!DOCTYPE svg [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><svg {NS} width='3' height='2'>&c;</svg>",
            (None, None),
            ("it holds declarations",),
        ),
    ],
)  # fmt: skip
def test_a_drawing_tells_its_size_and_what_else_it_would_do(
    text: str, size: tuple[int | None, int | None], faults: tuple[str, ...]
) -> None:
    assert look(text.encode()) == Look("image/svg+xml", *size, 1, faults, drawable=False)


def test_a_drawing_that_is_cut_off_anywhere_is_told() -> None:
    for length in range(len("<svg "), len(SVG)):
        assert look(SVG[:length]).faults == ("it is cut off",)


def test_a_drawing_of_megabytes_is_not_read() -> None:
    assert look(SVG + b" " * 8 * 1024 * 1024).faults == ("it is too large to be looked through",)
