"""Draw pictures on a terminal: as kitty, iTerm2 or sixel graphics, else as coloured half-blocks.

How a terminal draws is found from the environment alone. A question to it would take what is typed meanwhile for
its answer, and would wait for a terminal that does not know the question.
"""

from __future__ import annotations

import base64
import io
import os
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO, get_args

from plcli import interrupts
from plcli.pixels import look
from plcli.render.screen import Screen

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.console import RenderableType

Protocol = Literal["kitty", "iterm2", "sixel", "blocks", "off"]

VARIABLE = "PLCLI_PICTURES"
"""The variable of the environment that names a protocol where the terminal is mistaken for another one."""

ROWS = 20
COLUMNS = 120
"""The most that a picture takes of a terminal."""

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
_LIGHT, _DARK = 224, 176

_SIGNS: tuple[tuple[str, str, Protocol], ...] = (
    # What stands between plcli and the terminal passes no graphics on.
    ("TMUX", "", "blocks"),
    ("STY", "", "blocks"),
    ("ZELLIJ", "", "blocks"),
    ("TERM", "tmux", "blocks"),
    ("TERM", "screen", "blocks"),
    # A terminal sets these itself; those further down it may have from the one it was started in.
    ("TERM", "xterm-kitty", "kitty"),
    ("TERM", "xterm-ghostty", "kitty"),
    ("TERM", "foot", "sixel"),
    ("TERM", "mlterm", "sixel"),
    ("TERM", "contour", "sixel"),
    ("TERM_PROGRAM", "ghostty", "kitty"),
    ("TERM_PROGRAM", "iTerm", "iterm2"),
    ("TERM_PROGRAM", "WezTerm", "iterm2"),
    ("TERM_PROGRAM", "mintty", "iterm2"),
    ("TERM_PROGRAM", "vscode", "iterm2"),
    ("LC_TERMINAL", "iTerm2", "iterm2"),
    ("KITTY_WINDOW_ID", "", "kitty"),
    ("KONSOLE_VERSION", "2", "sixel"),
)
"""Variables, how their values begin, and what that says; the first one that holds decides."""


class Undrawable(ValueError):
    """The bytes cannot be drawn; says why."""


class Cell(NamedTuple):
    """The pixels of one character of a terminal."""

    width: int = 10
    height: int = 20


class Window(NamedTuple):
    """A terminal, measured in characters."""

    columns: int
    rows: int
    cell: Cell


class Drawing(NamedTuple):
    """What is written to a terminal, with the end of its last line, and the lines that it takes."""

    text: str
    rows: int


def draw(data: bytes, screen: Screen, stream: TextIO) -> int:
    """Draw a picture, and say how many lines it takes: 0 where the stream shows none.

    Raises `Undrawable` for bytes that cannot be drawn, and `ImportError` where the extra `pictures` is missing.
    """
    protocol = protocol_of(screen, stream)
    if protocol == "off":
        return 0
    drawing = drawn(data, protocol, window_of(stream), screen.environ)
    # Half of a picture would take what is written next for its other half.
    with interrupts.held_back():
        screen.write(stream, drawing.text)
    return drawing.rows


def protocol_of(screen: Screen, stream: TextIO) -> Protocol:
    """How pictures are drawn on a stream; `off` where it is no terminal, or shows neither colours nor blocks.

    Raises `Undrawable` where the variable names no protocol.
    """
    environ = screen.environ
    if not screen.colours(stream) or not _takes_blocks(stream):
        return "off"
    named = environ.get(VARIABLE)
    if named:
        known: tuple[Protocol, ...] = get_args(Protocol)
        if named not in known:
            raise Undrawable(f"{VARIABLE}={named} is none of {', '.join(known)}")
        return known[known.index(named)]
    for variable, beginning, protocol in _SIGNS:
        value = environ.get(variable)
        if value and value.startswith(beginning):
            return protocol
    return "blocks"


def window_of(stream: TextIO) -> Window:
    """The size of the terminal behind a stream, and of its characters, as the system knows them."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    return Window(columns or 80, rows or 24, _cell(stream))


def drawn(data: bytes, protocol: Protocol, window: Window, environ: dict[str, str]) -> Drawing:
    """A picture as a terminal draws it, no larger than the window; of a moving one its first frame.

    Raises as `draw` does.
    """
    from PIL import Image

    seen = look(data)
    if not seen.drawable:
        raise Undrawable("; ".join(seen.faults) or f"it is {seen.mime}")
    try:
        with warnings.catch_warnings():
            # What Pillow finds odd, and draws, is of no interest to whoever looks.
            warnings.simplefilter("ignore")
            # The size that Pillow finds may be another one than that of the headers.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                columns, rows = _fitting(picture.size, window)
                cell = Cell(1, 2) if protocol == "blocks" else window.cell
                size = (columns * cell.width, rows * cell.height)
                picture.draft("RGB", size)
                image = _opaque(picture, size, columns, rows)
    except Exception as error:  # noqa: BLE001  its decoders raise anything
        raise Undrawable(f"Pillow reads no picture ({type(error).__name__})") from None
    if protocol == "iterm2":
        return Drawing(_in_place(_iterm2(image, columns, rows), rows), rows)
    if protocol == "blocks":
        return Drawing(_blocks(image, columns, rows, environ), rows)
    return Drawing(_by_library(image, protocol, columns, rows, window.cell), rows)


def _takes_blocks(stream: TextIO) -> bool:
    try:
        "▀".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _cell(stream: TextIO) -> Cell:
    if sys.platform != "win32":
        try:
            told = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        except (OSError, ValueError):
            return Cell()
        rows, columns, width, height = struct.unpack("HHHH", told)
        if rows and columns and columns * 4 <= width <= columns * 64 and rows * 8 <= height <= rows * 128:
            return Cell(width // columns, height // rows)
    return Cell()


def _fitting(size: tuple[int, int], window: Window) -> tuple[int, int]:
    """Columns and rows of a picture of so many pixels: as large as fits, but a column shows no less than a pixel."""
    width, height = size
    most_columns, most_rows = max(1, min(COLUMNS, window.columns)), max(1, min(ROWS, window.rows - 2))
    slope = width * window.cell.height / (height * window.cell.width)  # columns for each row
    columns = min(most_columns, width, most_rows * slope)
    return max(1, round(columns)), min(most_rows, max(1, round(columns / slope)))


def _opaque(picture: Image, size: tuple[int, int], columns: int, rows: int) -> Image:
    """The picture, no larger than so many pixels; where it is transparent, a chequered board shows through."""
    from PIL import Image

    if not picture.has_transparency_data:
        image = picture.convert("RGB")
        image.thumbnail(size)
        return image
    image = picture.convert("RGBA")
    image.thumbnail(size)
    board = Image.new("L", (columns, rows))
    board.putdata([_DARK if (n % columns + n // columns) % 2 else _LIGHT for n in range(columns * rows)])
    behind = board.resize(image.size, Image.Resampling.NEAREST).convert("RGBA")
    return Image.alpha_composite(behind, image).convert("RGB")


def _iterm2(image: Image, columns: int, rows: int) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    place = f"inline=1;size={len(file.getvalue())};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File={place}:{base64.b64encode(file.getvalue()).decode()}\a"


def _in_place(graphics: str, rows: int) -> str:
    """Graphics on lines that are made free for them: terminals differ in where they leave the cursor."""
    return "\n" * rows + f"\x1b[{rows}A\x1b7{graphics}\x1b8\x1b[{rows}B"


def _blocks(image: Image, columns: int, rows: int, environ: dict[str, str]) -> str:
    """Two pixels in each character: its colour above, and the one behind it below."""
    from rich.color import Color
    from rich.segment import Segment, Segments
    from rich.style import Style

    data = image.resize((columns, 2 * rows)).tobytes()

    def colour(x: int, y: int) -> Color:
        at = 3 * (y * columns + x)
        return Color.from_rgb(*data[at : at + 3])

    segments: list[Segment] = []
    for y in range(0, 2 * rows, 2):
        segments += [Segment("▀", Style(color=colour(x, y), bgcolor=colour(x, y + 1))) for x in range(columns)]
        segments.append(Segment.line())
    return _printed(Segments(segments), columns, "auto", environ)


def _by_library(image: Image, protocol: Protocol, columns: int, rows: int, cell: Cell) -> str:
    """Graphics of kitty, or sixels, on lines that are made free for them."""
    with _unasked(cell) as told:
        from textual_image.renderable import SixelImage, TGPImage

        made = TGPImage(image, columns, rows) if protocol == "kitty" else SixelImage(image, columns, rows)
        # Kitty reads from the exact colour of a character which picture it is a piece of.
        printed = _printed(made, columns, "truecolor", {})
    return told.getvalue() + printed


def _printed(made: RenderableType, columns: int, colours: Literal["auto", "truecolor"], environ: dict[str, str]) -> str:
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=columns,
        force_terminal=True,
        color_system=colours,
        legacy_windows=False,
        _environ=environ,
    )
    with console.capture() as captured:
        console.print(made, end="")
    return captured.get()


@contextmanager
def _unasked(cell: Cell) -> Iterator[io.StringIO]:
    """Keep the library from asking the terminal, which it does when it is imported and when it draws.

    It takes `sys.__stdout__` for the terminal, and where that is none, its variables for the size of a character.
    What it would send to the terminal is in the text that this gives.
    """
    sizes = {"TEXTUAL_CELL_WIDTH": str(cell.width), "TEXTUAL_CELL_HEIGHT": str(cell.height)}
    before = {name: os.environ.get(name) for name in sizes}
    stdout, told = sys.__stdout__, io.StringIO()
    sys.__stdout__ = told  # type: ignore[misc,assignment]
    os.environ.update(sizes)
    try:
        yield told
    finally:
        sys.__stdout__ = stdout  # type: ignore[misc]
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
