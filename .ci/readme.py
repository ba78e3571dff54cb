"""Keeps the generated parts of the README true: help texts, tables, what commands print, and its pictures.

A generated part stands between `<!-- begin: WHAT -->` and `<!-- end -->`. Without an option this
script fails when one is stale; with `--write` it writes them again.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from plcli.errors import EXIT_MEANINGS
from plcli.exchange import Target, identity_of, key_of
from plcli.published import published

SVG = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""The picture's frame without fonts from elsewhere: it loads nothing."""

EXAMPLE = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURES = {
    ROOT / ".readme" / "run.svg": ("run hello --var name=Ada", "run weather --model echo-weather", "log list"),
    ROOT / ".readme" / "card.svg": ("image logo --model echo-logo",),
}
"""Pictures of a terminal on which these commands were typed one after the other."""
PART = re.compile(r"(<!-- begin: (?P<what>[^\n]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "COLUMNS": "100", "HOME": "/nonexistent"}


def main() -> int:
    """Check the README and its pictures, or write them."""
    fresh = {README: PART.sub(lambda part: part[1] + made(part["what"]) + part[3], README.read_text("utf-8"))}
    fresh |= {path: picture(commands) for path, commands in PICTURES.items()}
    stale = [path for path, text in fresh.items() if not path.exists() or words(path.read_text("utf-8")) != words(text)]
    for path in stale:
        if "--write" in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(fresh[path], "utf-8")
        else:
            sys.stderr.write(f"{path.name} is stale; write it again with: python .ci/readme.py --write\n")
    return 1 if stale and "--write" not in sys.argv else 0


def words(text: str) -> str | list[str]:
    """What is compared: of a picture what it shows, since how it is drawn is the library's choice."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", text) if text.startswith("<svg") else text


def made(what: str) -> str:
    """The text of a generated part."""
    kind, _, rest = what.partition(" ")
    makers = {
        "help": help_text,
        "console": console,
        "edited": edited,
        "terminal": terminal,
        "exit-codes": exit_codes,
        "fields": fields,
        "key": key,
    }
    return makers[kind](rest)


def help_text(command: str) -> str:
    """What `plcli COMMAND --help` prints."""
    return f"```text\n{plcli([*command.split(), '--help'], ROOT)}```\n"


def console(command: str) -> str:
    """What a command prints in a copy of the examples; `init` beside it."""
    with examples() as place:
        folder = place.parent if command.startswith("init") else place
        return f"```console\n$ plcli {command}\n{Steady()(plcli(shlex.split(command), folder))}```\n"


def edited(what: str) -> str:
    """What a command prints after a text of a file of the examples was replaced: `FILE OLD NEW COMMAND…`."""
    file, old, new, *command = shlex.split(what)
    with examples() as place:
        path = place / file
        text = path.read_text("utf-8")
        if old not in text:
            raise ValueError(f"{file} does not say {old!r}")
        path.write_text(text.replace(old, new), "utf-8")
        return f"```console\n$ plcli {shlex.join(command)}\n{Steady()(plcli(command, place))}```\n"


def terminal(command: str) -> str:
    """What a command shows on a terminal, without colours, in a copy of the examples."""
    with examples() as place:
        shown = Steady()(Text.from_ansi(on_terminal(command.split(), place)).plain)
    lines = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    return f"```console\n$ plcli {command}\n{lines}```\n"


def picture(commands: Iterable[str]) -> str:
    """A terminal on which the commands were typed one after the other, as an SVG."""
    screen = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    steady = Steady()
    with examples() as place:
        for command in commands:
            screen.print(Text(f"$ plcli {command}"))
            screen.print(Text.from_ansi(steady(on_terminal(command.split(), place))))
    return screen.export_svg(title="plcli", code_format=SVG, unique_id="plcli", theme=SVG_EXPORT_THEME)


@contextmanager
def examples() -> Iterator[Path]:
    """A copy of the examples, without a log."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "examples"
        copytree(ROOT / "examples", place, ignore=ignore_patterns("runs.jsonl*"))
        rmtree(place / "media", ignore_errors=True)
        yield place


class Steady:
    """Gives what commands show the same runs, times and durations each time."""

    def __init__(self) -> None:
        self.fresh = iter(("k3x9p", "w7d2m", "b5q8t", "n4v6r", "h2c9f", "t8j3z"))
        self.tails: dict[str, str] = {}

    def __call__(self, shown: str) -> str:
        """The text, steady."""
        tails = r"(?:(?<=\brun )|(?<=--continue ))[0-9a-hjkmnp-tv-z]{5}\b|^[0-9a-z]{5}(?=  \d{4}-)"
        shown = re.sub(tails, self.tail, shown, flags=re.MULTILINE)
        shown = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-23 16:55:39", shown)
        return re.sub(r"\d+\.\d s\b", "0.3 s", shown)

    def tail(self, found: re.Match[str]) -> str:
        """The tail that stands for the one found."""
        if found[0] not in self.tails:
            self.tails[found[0]] = next(self.fresh)
        return self.tails[found[0]]


def on_terminal(arguments: list[str], folder: Path) -> str:
    """Both streams of a command on a terminal, colours included."""
    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "plcli", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT | TERMINAL, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    with suppress(OSError):  # how Linux says that the other side is closed
        while data := os.read(own, 65536):
            shown += data
    os.close(own)
    process.wait()
    return shown.decode().replace("\r\n", "\n").rstrip("\n")


def exit_codes(_: str) -> str:
    """The table of exit codes."""
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()]
    return "\n".join(["| exit | meaning |", "|---|---|", *rows, ""])


def key(_: str) -> str:
    """The key of a small request, with the text that it is the digest of."""
    target = Target("chat.completions.create", "m")
    identity, digest = identity_of("openai", "chat", target, EXAMPLE), key_of("openai", "chat", target, EXAMPLE)
    return f"```text\n{identity}\n{digest}\n```\n"


def fields(kind: str) -> str:
    """The keys of a format, with the descriptions that an editor shows too."""
    schema = published(kind)
    if "anyOf" in schema:
        schema = schema["$defs"][schema["anyOf"][0]["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    rows = [
        f"| `{name}`{' (needed)' if name in required else ''} | {field['description']} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| key | what it is |", "|---|---|", *rows, ""]).replace("\\|", "|")


def plcli(arguments: list[str], folder: Path) -> str:
    """Both streams of a command, as a person sees them."""
    done = subprocess.run(
        [sys.executable, "-m", "plcli", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
