"""What the docstring of a function says of it and of its parameters: Google, NumPy and reST styles."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_PARAMETERS = frozenset(("args", "arguments", "parameters", "params", "keyword args", "other parameters"))
_SECTIONS = _PARAMETERS | {
    "attributes", "example", "examples", "note", "notes", "raises", "references", "return", "returns", "see also",
    "todo", "warning", "warnings", "warns", "yield", "yields",
}  # fmt: skip
_UNDERLINE = re.compile(r"-{3,}[ \t]*")
_TYPE = r"(?:\([^()]*+(?:\([^()]*+\)[^()]*+)*+\))?"
_GOOGLE = re.compile(rf"\*{{0,2}}(\w+)[ \t]*+{_TYPE}[ \t]*+:(.*)")
_NUMPY = re.compile(r"(\*{0,2}\w+(?:, ?\*{0,2}\w+)*+)[ \t]*+(?::.*)?")
_FIELD = re.compile(r":(\w+)([^:]*+):(.*)")


class Described(NamedTuple):
    """What the model may read of a function, and of each parameter by its name, each on one line."""

    summary: str
    parameters: dict[str, str]


def read(docstring: str) -> Described:
    """Read a docstring; what is in no known style belongs to the summary."""
    lines = inspect.cleandoc(docstring).splitlines()
    summary: list[str] = []
    found: dict[str, list[str]] = {}
    at = 0
    while at < len(lines):
        title, body = _heading(lines, at)
        if title is None:
            field = _FIELD.fullmatch(lines[at])
            if field is None:
                summary.append(lines[at])
                at += 1
                continue
            end = _end_of_field(lines, at + 1)
            if field[1] in ("param", "parameter", "arg", "argument") and (words := field[2].split()):
                found[words[-1].lstrip("*")] = [field[3], *lines[at + 1 : end]]
        else:
            end = _end_of_section(lines, body)
            if title in _PARAMETERS:
                read_entries = _google_entries if body == at + 1 else _numpy_entries
                found |= read_entries(lines[body:end])
        at = end
    texts = {name: " ".join(" ".join(words).split()) for name, words in found.items()}
    return Described(_paragraphs(summary), {name: text for name, text in texts.items() if text})


def _heading(lines: list[str], at: int) -> tuple[str | None, int]:
    """The title of the section that begins at a line, in lower case, and where its body begins."""
    line = lines[at].rstrip()
    if line.endswith(":") and line[:-1].lower() in _SECTIONS:
        return line[:-1].lower(), at + 1
    if line.lower() in _SECTIONS and at + 1 < len(lines) and _UNDERLINE.fullmatch(lines[at + 1]):
        return line.lower(), at + 2
    return None, at


def _end_of_section(lines: list[str], start: int) -> int:
    """Where a section ends: at the next heading, and in Google's style at the next line that is not moved in."""
    underlined = bool(_UNDERLINE.fullmatch(lines[start - 1]))
    for at in range(start, len(lines)):
        moved_in = not lines[at] or lines[at][0].isspace()
        if not moved_in and (not underlined or _heading(lines, at)[0] is not None):
            return at
    return len(lines)


def _end_of_field(lines: list[str], start: int) -> int:
    return next((at for at in range(start, len(lines)) if not lines[at] or not lines[at][0].isspace()), len(lines))


def _google_entries(lines: list[str]) -> dict[str, list[str]]:
    """`name (type): words`, all moved in alike, with lines that go on moved in further."""
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for line in lines:
        entry = _GOOGLE.fullmatch(line[margin:]) if _indent(line) == margin else None
        if entry:
            words = found[entry[1]] = [entry[2]]
        else:
            words.append(line)
    return found


def _numpy_entries(lines: list[str]) -> dict[str, list[str]]:
    """`name : type` at the margin, or several names with one type, with their words moved in below."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for line in lines:
        entry = _NUMPY.fullmatch(line.rstrip())
        if entry:
            words = []
            found |= {name.strip(" *"): words for name in entry[1].split(",")}
        else:
            words.append(line)
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _paragraphs(lines: list[str]) -> str:
    """Lines as paragraphs of one line each."""
    text = "\n".join(line.strip() for line in lines).strip()
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n{2,}", text))
