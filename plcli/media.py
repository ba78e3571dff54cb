"""Wire JSON and the media inside it.

A *wire* in memory is plain JSON whose leaves may also be a `MediaRef` (bytes that live in the media
store) or a `Redacted` place. `lift` takes bytes out of a provider's JSON, `lower` puts them back byte
for byte; `encode` and `decode` write such a wire as pure JSON (`$media`, `$redacted`, `$literal`) for
the run log and for `--dry-run`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from plcli.signatures import sniff

Json = Any
"""Plain JSON, or a wire: JSON whose leaves may be `MediaRef` and `Redacted` too."""

MediaReader = Callable[[str], bytes]
"""Gives the bytes of a digest (`sha256:…`); raises `MediaMissing` when it has none."""

Encoding = Literal["base64", "base64url", "data-url", "hex"]

LIFT_FROM = 4096
"""Characters of base64 from which any string of a wire is lifted, named by an adapter or not."""

DEPTH = 200
"""Levels of objects and lists that a wire may have; a deeper one would end the interpreter's stack."""

_TOO_DEEP = f"more than {DEPTH} levels of objects and lists"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+=\"-]+)*);base64,", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}", re.ASCII)
_LINE = re.compile(r"([A-Za-z0-9+/=_-]++)(\r?\n)", re.ASCII)


class MediaMissing(LookupError):
    """The bytes of a digest are not in the media store."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


def is_digest(text: Json) -> bool:
    """Whether this is the name of some bytes: `sha256:` and 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def digest_of(data: bytes) -> str:
    """The name of some bytes: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Lines(NamedTuple):
    """How base64 was broken into lines: characters of each, what ends one, and whether the last one was ended too."""

    width: int
    end: str
    ended: bool

    def broken(self, code: str) -> str:
        """The code in lines."""
        lines = (code[at : at + self.width] for at in range(0, len(code), self.width))
        return self.end.join(lines) + (self.end if self.ended else "")


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Bytes taken out of a wire, with what is needed to restore the exact string.

    `prefix` is kept only where a data URL is not `data:MIME;base64,` and plain base64; `padded` is False where the
    trailing `=` was missing; `lines` only where there were some; `tail` are characters at the end that give no byte.
    """

    digest: str
    mime: str
    encoding: Encoding = "base64"
    prefix: str | None = None
    padded: bool = True
    lines: Lines | None = None
    tail: str = ""

    def text(self, data: bytes) -> str:
        """The exact string that stood in the wire."""
        if self.encoding == "hex":
            return data.hex()
        code = base64.urlsafe_b64encode if self.encoding == "base64url" else base64.b64encode
        body = code(data).decode("ascii")
        if not self.padded:
            body = body.rstrip("=")
        body += self.tail
        if self.lines is not None:
            body = self.lines.broken(body)
        head = f"data:{self.mime};base64," if self.encoding == "data-url" else ""
        return (head if self.prefix is None else self.prefix) + body


@dataclass(frozen=True, slots=True)
class Redacted:
    """A place whose value was a secret; the digest tells equal values apart from different ones."""

    digest: str


Media = dict[str, bytes]
"""Bytes by digest, as `lift` found them."""


def _lift_string(text: str, named: bool) -> tuple[MediaRef, bytes] | None:
    """The reference and bytes of one string, or None where it is no media or would not come back exactly."""
    head, prefix, mime, body = None, None, None, text
    encoding: Encoding = "base64"
    if text.startswith("data:"):
        match = _DATA_URL.match(text)
        if match is None:
            return None
        head, mime = match[0], match[1] or "text/plain"
        prefix = None if head == f"data:{mime};base64," else head
        encoding, body = "data-url", text[match.end() :]
    elif not named and len(text) < LIFT_FROM:
        return None
    lines = None
    if first := _LINE.match(body):
        lines = Lines(len(first[1]), first[2], body.endswith(first[2]))
        body = body.replace(first[2], "")
    if not _BASE64.fullmatch(body):
        if not _BASE64URL.fullmatch(body):
            return None
        encoding, prefix = "base64url", head
    # What is cut off inside a group of four is kept as far as it goes, where nothing else than bytes can be.
    cut = len(body.rstrip("=")) // 4 * 4
    for tail in ("", body[cut:]) if named or head else ("",):
        code = body[: len(body) - len(tail)]
        data = _decoded(code, encoding)
        ref = MediaRef(digest_of(data), mime or sniff(data), encoding, prefix, len(code) % 4 == 0, lines, tail)
        if data and ref.text(data) == text:
            return ref, data
    return None


def _decoded(code: str, encoding: Encoding) -> bytes:
    """The bytes of base64, padded or not; none where it is no base64."""
    try:
        return base64.b64decode(code + "=" * (-len(code) % 4), b"-_" if encoding == "base64url" else None)
    except (binascii.Error, ValueError):
        return b""


def lift(wire: Json, places: Iterable[tuple[str | None, ...]] = (), *, elsewhere: bool = True) -> tuple[Json, Media]:
    """Take the media out of a provider's JSON.

    Lifted are the `places` that an adapter names (paths of keys; None stands for any list item), any
    base64 data URL, and any base64 of `LIFT_FROM` characters or more; without `elsewhere` the places
    alone, so that what a model writes stays words. Law: `lower(lift(w)) == w`.
    Raises `ValueError` for JSON of more than `DEPTH` levels.
    """
    found: Media = {}
    return _lifted(wire, tuple(places), elsewhere, found, 0), found


def _lifted(value: Json, active: tuple[tuple[str | None, ...], ...], elsewhere: bool, found: Media, depth: int) -> Json:
    # A function of its own: one that calls itself by a cell would keep the bytes until garbage is collected.
    if depth > DEPTH:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, str):
        named = any(not rest for rest in active)
        lifted = _lift_string(value, named=named) if named or elsewhere else None
        if lifted is None:
            return value
        found[lifted[0].digest] = lifted[1]
        return lifted[0]
    if isinstance(value, dict):
        return {
            key: _lifted(
                item, tuple(rest[1:] for rest in active if rest and rest[0] == key), elsewhere, found, depth + 1
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        below = tuple(rest[1:] for rest in active if rest and rest[0] is None)
        return [_lifted(item, below, elsewhere, found, depth + 1) for item in value]
    return value


def lower(wire: Json, read: MediaReader) -> Json:
    """Put the media back: the provider's JSON as sent or received.

    Raises `MediaMissing` for bytes that are gone and `ValueError` for a redacted place.
    """
    if isinstance(wire, MediaRef):
        return wire.text(read(wire.digest))
    if isinstance(wire, Redacted):
        raise ValueError("the wire holds a redacted place")
    if isinstance(wire, dict):
        return {key: lower(item, read) for key, item in wire.items()}
    if isinstance(wire, list):
        return [lower(item, read) for item in wire]
    return wire


def mapped(value: Json, leaf: Callable[[Json], Json]) -> Json:
    """The same objects and lists with what `leaf` makes of all that stands in them: texts, numbers, media, marks."""
    if isinstance(value, dict):
        return {key: mapped(item, leaf) for key, item in value.items()}
    return [mapped(item, leaf) for item in value] if isinstance(value, list) else leaf(value)


def references(wire: Json) -> Iterable[MediaRef]:
    """Every media reference of a wire, in order."""
    if isinstance(wire, MediaRef):
        yield wire
    elif isinstance(wire, dict):
        for item in wire.values():
            yield from references(item)
    elif isinstance(wire, list):
        for item in wire:
            yield from references(item)


def _described(ref: MediaRef) -> Json:
    shown: dict[str, Json] = {"$media": ref.digest, "mime": ref.mime, "as": ref.encoding}
    if ref.prefix is not None:
        shown["prefix"] = ref.prefix
    if not ref.padded:
        shown["padded"] = False
    if ref.lines is not None:
        shown["lines"] = ref.lines._asdict()
    if ref.tail:
        shown["tail"] = ref.tail
    return shown


def encode(wire: Json, describe: Callable[[MediaRef], Json] = _described) -> Json:
    """Write a wire as pure JSON; foreign objects that look like our marks become `$literal`."""
    if isinstance(wire, MediaRef):
        return describe(wire)
    if isinstance(wire, Redacted):
        return {"$redacted": wire.digest}
    if isinstance(wire, dict):
        inner = {key: encode(item, describe) for key, item in wire.items()}
        return {"$literal": inner} if _looks_marked(wire) else inner
    if isinstance(wire, list):
        return [encode(item, describe) for item in wire]
    return wire


def decode(value: Json) -> Json:
    """Read what `encode` wrote. Raises `ValueError` for a damaged mark, or more than `DEPTH` levels."""
    return _decode(value, 0)


def _decode(value: Json, depth: int) -> Json:
    if depth > DEPTH:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, list):
        return [_decode(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if "$media" in value:
        return _media_ref(value)
    if value.keys() == {"$redacted"}:
        if not is_digest(value["$redacted"]):
            raise ValueError("a $redacted place needs a digest")
        return Redacted(value["$redacted"])
    if value.keys() == {"$literal"}:
        value = value["$literal"]
        if not isinstance(value, dict):
            raise ValueError("a $literal must hold an object")
    return {key: _decode(item, depth + 1) for key, item in value.items()}


def _media_ref(value: Mapping[str, Json]) -> MediaRef:
    digest, mime = value["$media"], value.get("mime")
    encoding: Json = value.get("as")
    prefix, padded, tail = value.get("prefix"), value.get("padded", True), value.get("tail", "")
    if not is_digest(digest):
        raise ValueError("a $media reference needs a digest")
    if not isinstance(mime, str) or encoding not in get_args(Encoding):
        raise ValueError("a $media reference needs `mime` and `as`")
    if not isinstance(prefix, str | None) or not isinstance(tail, str) or not isinstance(padded, bool):
        raise ValueError("in a $media reference `prefix` and `tail` are text, and `padded` true or false")
    match value.get("lines"):
        case None:
            lines = None
        case {"width": int(width), "end": "\n" | "\r\n" as end, "ended": bool(ended)} if width > 0:
            lines = Lines(width, end, ended)
        case _:
            raise ValueError("in a $media reference `lines` are `width`, `end` and `ended`")
    return MediaRef(digest, mime, encoding, prefix, padded, lines, tail)


def _looks_marked(value: Mapping[str, Json]) -> bool:
    return "$media" in value or (len(value) == 1 and next(iter(value)).startswith("$"))
