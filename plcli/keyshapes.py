"""How secrets look: in names of variables, spellings of a known value, shapes of keys, patterns of a workspace.

`redact` finds them. Texts and workspace patterns may both be hostile: every pattern here takes time in
proportion to the text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from plcli.errors import Problem, SpecError

REACH = 256
"""Characters that a match of a workspace's pattern may have."""

PATHS = 512
"""Ways in which a workspace's pattern may be tried at one place, at most."""

PATTERNS = 16
"""Patterns that a workspace may name."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of variables whose names say that they are secret, whether or not plcli uses them."""
    return frozenset(value for name, value in environ.items() if _SECRET_NAME.search(name))


class Shape(NamedTuple):
    """A kind of secret, known by how it looks.

    A text without `marker`, in any case, holds none. The secret is the group `secret` where the pattern
    has one, else the whole match.
    """

    marker: str
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern; made when it is asked for, because most texts need none."""
        return re.compile(self.source)


_WORD = r"[A-Za-z0-9_-]"
_START = rf"(?<!{_WORD})"
_WITH_DIGIT = r"(?=[A-Za-z_.~+/-]{0,200}[0-9])"

_PREFIXES: dict[str, str] = {
    "sk-": rf"{_WITH_DIGIT}{_WORD}{{20,}}",  # OpenAI, Anthropic, OpenRouter, …
    "AIza": rf"{_WORD}{{30,}}",  # Google
    "ya29.": r"[A-Za-z0-9._-]{20,}",
    **{f"gh{kind}_": r"[A-Za-z0-9]{20,}" for kind in "pousr"},  # GitHub
    "github_pat_": r"[A-Za-z0-9_]{20,}",
    "glpat-": rf"{_WORD}{{20,}}",
    "xox": r"[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    "xapp-": r"[A-Za-z0-9-]{20,}",
    "AKIA": r"[A-Z0-9]{16}(?![A-Za-z0-9])",  # Amazon
    "ASIA": r"[A-Z0-9]{16}(?![A-Za-z0-9])",
    "hf_": r"[A-Za-z0-9]{30,}",  # Hugging Face
    "gsk_": r"[A-Za-z0-9]{30,}",  # Groq
    "xai-": r"[A-Za-z0-9]{30,}",
    "pplx-": r"[A-Za-z0-9]{30,}",
    "nvapi-": rf"{_WORD}{{30,}}",
    "r8_": r"[A-Za-z0-9]{30,}",  # Replicate
    "npm_": r"[A-Za-z0-9]{30,}",
    "pypi-": rf"{_WORD}{{50,}}",
    "SG.": rf"{_WORD}{{16,}}\.{_WORD}{{16,}}",  # SendGrid
    "sk_": r"(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    "rk_": r"(?:live|test)_[A-Za-z0-9]{16,}",
    "whsec_": r"[A-Za-z0-9+/]{16,}",
    "dop_v1_": r"[0-9a-f]{32,}",  # DigitalOcean
    "eyJ": rf"{_WORD}{{8,}}\.eyJ{_WORD}{{8,}}\.{_WORD}{{8,}}",  # JSON web tokens
}

_QUERY = (
    r"(?:api[_-]?key|key|(?:access[_-]?|auth[_-]?)?token|(?:client[_-]?)?secret|password"
    r"|sig|(?:x-(?:amz|goog)-)?signature)"
)
_HEADERS = ("proxy-authorization", "authorization", "x-goog-api-key", "x-api-key", "api-key", "set-cookie", "cookie")
_HEADER = f"(?:{'|'.join(_HEADERS)})"
_SEPARATOR = r"[\\\"']{0,3}\s{0,4}[:=]\s{0,4}[\\\"']{0,3}(?:(?:bearer|basic|token)\s{1,4})?"
_VALUE = r"[^\s&#\"'<>;,\\]"
_NO_SAMPLE = rf"(?!(?:[A-Z_]+|[xX*.]+)(?!{_VALUE})|[$<{{\[]|%7B)"
_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM_LINE = r"[A-Za-z0-9+/=\s\\:,]*+"
# No possessive group around it: Python before 3.11.5 matches those wrongly where they could backtrack.
_PEM_BODY = rf"{_PEM_LINE}(?:-(?!----){_PEM_LINE})*"

SHAPES: tuple[Shape, ...] = (
    *(Shape(prefix.lower(), _START + re.escape(prefix) + tail) for prefix, tail in _PREFIXES.items()),
    Shape("bearer", rf"{_START}(?i:bearer)\s{{1,4}}(?P<secret>{_WITH_DIGIT}[A-Za-z0-9._~+/-]{{16,}}=*)"),
    Shape("=", rf"[?&](?i:{_QUERY})=(?P<secret>{_NO_SAMPLE}{_VALUE}{{8,}})"),
    *(
        Shape(
            marker,
            rf"{_START}(?i:{_HEADER}{_SEPARATOR})(?P<secret>{_NO_SAMPLE}(?={_VALUE}{{0,200}}[0-9]){_VALUE}{{12,}})",
        )
        for marker in ("authorization", "api-key", "cookie")
    ),
    Shape("-----begin", _PEM + _PEM_BODY + r"(?:-----END [A-Z0-9 ]{0,60}-----)?"),
)
"""Every known shape. Their lengths and digits are chosen so that words, identifiers and samples are none."""

_BEGINNINGS = tuple(word.lower() for word in (*_PREFIXES, *_HEADERS, "bearer"))
_LAST_WORD = rf"{_START}{_WORD}{{1,20}}\Z"
_UNFINISHED = (
    rf"{_START}(?:{'|'.join(map(re.escape, _PREFIXES))})[A-Za-z0-9.+/_-]*\Z"
    rf"|{_START}(?i:bearer)\s{{0,4}}[A-Za-z0-9._~+/-]*=*\Z"
    rf"|[?&][A-Za-z_-]{{0,20}}(?:={_VALUE}*)?\Z"
    rf"|{_START}(?i:{_HEADER})[\\\"']{{0,3}}\s{{0,4}}\Z"
    rf"|{_START}(?i:{_HEADER}{_SEPARATOR}){_VALUE}*(?:\s{{1,4}}{_VALUE}*)?\Z"
    r"|-{1,5}[BEGIN]{0,5}\Z|-----BEGIN[A-Z0-9 ]{0,60}-{0,5}\Z"
    rf"|{_PEM}{_PEM_BODY}(?:-----[A-Z0-9 ]{{0,60}}-{{0,5}})?\Z"
)


def unfinished(text: str, begin: int) -> int:
    """Where the end of a text begins that may become a secret, or a longer one, when more follows.

    Not before `begin`; the length of the text where there is none.
    """
    found = re.compile(_UNFINISHED).search(text, begin)
    start = found.start() if found else len(text)
    word = re.compile(_LAST_WORD).search(text, max(len(text) - 20, begin))
    if word and any(beginning.startswith(word[0].lower()) for beginning in _BEGINNINGS):
        return min(start, word.start())
    return start


def spellings(value: str) -> Iterator[str]:
    """A value as it may stand in a text: plain, in JSON, in a URL, in base64 at any place, in hexadecimal."""
    escaped = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for text in dict.fromkeys(escaped):
        yield text
        yield text.replace("/", "\\/")
    data = value.encode("utf-8", "surrogatepass")
    for coded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield coded
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), coded)
    yield data.hex()
    yield data.hex().upper()
    for shift, shared in enumerate((0, 2, 3)):
        # The first and last characters also code the bytes before and after the value.
        code = base64.b64encode(b"\0" * shift + data).rstrip(b"=").decode("ascii")
        whole = code[shared : -1 if (shift + len(data)) % 3 else None]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


class PatternError(ValueError):
    """A workspace's pattern is not taken; the text says why."""


_TOKEN = r"""
    (?P<atom> \\[dDwWsSbtnr] | \\[^A-Za-z0-9\s] | \[\^?(?:\\.|[^\[\]\\])+\] | [^\\\[\](){}|?*+^$] )
    | (?P<times> \? | \{ (?P<least>[0-9]{1,3}) (?: , (?P<most>[0-9]{1,3}) )? \} )
    | (?P<group> \( (?: \?: )? | \) )
    | (?P<either> \| )
"""


def pattern(source: str) -> re.Pattern[str]:
    """Compile a workspace's pattern; raises `PatternError` for one that could take long or match nothing.

    Taken are characters, classes, `\\d \\w \\s \\b`, groups, `|`, and repeats with a bound (`{16,64}`,
    `?`) of single characters or classes; nothing looks around, back, or at line ends. A match has at
    most `REACH` characters and is tried in at most `PATHS` ways.
    """
    tokens = re.compile(_TOKEN, re.VERBOSE)
    at, reach, paths, repeatable = 0, 0, 1, False
    while at < len(source):
        token = tokens.match(source, at)
        if token is None or (token["times"] and not repeatable):
            raise PatternError(
                f"{source[at]!r} at character {at + 1} is not taken here: "
                "repeats need a bound, like [0-9a-f]{16,64}, and follow one character or class"
            )
        if token["atom"]:
            reach += 1
        elif token["either"]:
            paths *= 2
        elif token["times"]:
            least = int(token["least"] or 0)
            most = int(token["most"] or token["least"] or 1)
            reach += most - 1
            paths *= max(most - least, 0) + 1
        repeatable = bool(token["atom"])
        at = token.end()
    if reach > REACH:
        raise PatternError(f"it can match more than {REACH} characters")
    if paths > PATHS:
        raise PatternError(f"it can be tried in more than {PATHS} ways at one place; use fewer repeats")
    try:
        compiled = re.compile(source)
    except re.error as error:
        raise PatternError(str(error)) from None
    if compiled.search(""):
        raise PatternError("it matches the empty text")
    return compiled


def pattern_problems(patterns: Iterable[str], file: str = "plcli.toml") -> list[Problem]:
    """What is wrong with the patterns of a workspace."""
    problems = []
    number = 0
    for number, source in enumerate(patterns, 1):
        try:
            pattern(source)
        except PatternError as error:
            path = f"redact[{number - 1}]"
            problems.append(Problem(file, f"pattern {source!r}: {error}", path, hint="write it more simply"))
    if number > PATTERNS:
        problems.append(Problem(file, f"more than {PATTERNS} patterns", "redact", hint="join some with |"))
    return problems


def patterns_of(sources: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """The patterns of a workspace, compiled. Raises `SpecError` with everything that is wrong with them."""
    if problems := pattern_problems(sources):
        raise SpecError(problems)
    return tuple(map(pattern, sources))
