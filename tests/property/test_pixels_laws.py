"""Laws of looking at pictures: nothing is raised, and what may be drawn is no larger than it was said to be."""

from __future__ import annotations

import io
import warnings

from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from plcli.pixels import look
from plcli.rasters import MOST_PIXELS
from tests.support.pictures import SVG, gif, jpeg, png, webp

PICTURES = st.sampled_from([png(), png(alpha=9), jpeg(), webp(), gif(), gif(2), SVG])
STARTS = st.sampled_from(
    [
        b"",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\xff\0\0\0WEBPVP8X",
        b"\0\0\0\x10ftypavif\0\0\0\0",
        b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0",
        b"<svg ",
        b"<?xml version='1.0'?><svg width='",
        b"<!DOCTYPE svg [",
    ]
)
LABELS = st.none() | st.text(max_size=20) | st.sampled_from(["image/png", "image/svg+xml; a=b", "text/html"])


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A picture with some bytes replaced, left out or put in."""
    data = draw(PICTURES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 6)) :]
    return data


@given(st.builds(bytes.__add__, STARTS, st.binary(max_size=80)) | changed(), LABELS)
@example(b"RIFF\xff\0\0\0WEBPVP8X\0\0\0\0" + bytes(7), None)
@example(b"RIFF\xff\0\0\0WEBPANMF\0\0\0\0" + bytes(6), None)
@example(b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x01meta" + b"\xff" * 8, None)
def test_any_bytes_are_looked_at(data: bytes, label: str | None) -> None:
    seen = look(data, label)
    assert seen.faults or seen.drawable or seen.mime == "image/svg+xml"
    assert all("\n" not in fault and len(fault) < 200 for fault in seen.faults)
    if seen.drawable:
        assert 0 < (seen.width or 0) * (seen.height or 0) <= MOST_PIXELS


@given(changed())
def test_what_may_be_drawn_is_no_larger_than_was_said(data: bytes) -> None:
    seen = look(data)
    if not seen.drawable:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(io.BytesIO(data))
            picture.load()
        except (OSError, SyntaxError, ValueError):
            return  # damaged where only drawing shows it
    with picture:
        assert picture.width <= (seen.width or 0)
        assert picture.height <= (seen.height or 0)
