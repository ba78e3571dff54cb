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
from typing import Any, Literal, get_args

Json = Any
"""Plain JSON, or a wire: JSON whose leaves may be `MediaRef` and `Redacted` too."""

MediaReader = Callable[[str], bytes]
"""Gives the bytes of a digest (`sha256:…`); raises `MediaMissing` when it has none."""

Encoding = Literal["base64", "base64url", "data-url", "hex"]

LIFT_FROM = 4096
"""Characters of base64 from which any string of a wire is lifted, named by an adapter or not."""

DEPTH = 200
"""Levels of objects and lists that a wire may have; a deeper one would end the interpreter's stack."""

UNKNOWN = "application/octet-stream"
"""The mime type of bytes that show none."""

_TOO_DEEP = f"more than {DEPTH} levels of objects and lists"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+=\"-]+)*);base64,", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}", re.ASCII)


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


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Bytes taken out of a wire, with what is needed to restore the exact string.

    `prefix` is kept only where a data URL is not `data:MIME;base64,`; `padded` is False where the
    trailing `=` was missing.
    """

    digest: str
    mime: str
    encoding: Encoding = "base64"
    prefix: str | None = None
    padded: bool = True

    def text(self, data: bytes) -> str:
        """The exact string that stood in the wire."""
        if self.encoding == "hex":
            return data.hex()
        code = base64.urlsafe_b64encode if self.encoding == "base64url" else base64.b64encode
        body = code(data).decode("ascii")
        if not self.padded:
            body = body.rstrip("=")
        if self.encoding == "data-url":
            return (self.prefix if self.prefix is not None else f"data:{self.mime};base64,") + body
        return body


@dataclass(frozen=True, slots=True)
class Redacted:
    """A place whose value was a secret; the digest tells equal values apart from different ones."""

    digest: str


Media = dict[str, bytes]
"""Bytes by digest, as `lift` found them."""

_HEAD = 64 * 1024
"""Bytes that `sniff` looks at; a drawing may begin with a long comment."""

# Text, which is compiled when bytes are looked at: most commands never do.
_COMMENTS = rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->)*+"
_PROLOG = rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->|<\?.*?\?>|<!DOCTYPE\s+(?:[\w.-]+:)?svg\b[^>\[]*(?:\[.*?\]\s*)?>)*+"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBP", "image/webp"),
    (rb".{4}ftyp(?:.{4}){0,16}?avi[fs]", "image/avif"),
    (rb".{4}ftyp(?:.{4}){0,16}?he(?:ic|ix|vc|vx)", "image/heic"),
    (rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", "image/bmp"),
    (_PROLOG + rb"<(?:[\w.-]+:)?svg[\s/>]", "image/svg+xml"),
    (_COMMENTS + rb"<(?i:!doctype\s+html|html)\b", "text/html"),
    (rb"%PDF-", "application/pdf"),
    (rb"ID3", "audio/mpeg"),
    (rb"OggS", "audio/ogg"),
    (rb"RIFF.{4}WAVE", "audio/wav"),
)


def sniff(data: bytes) -> str:
    """The mime type that the first bytes show; `UNKNOWN` when they show none."""
    shown = (mime for signature, mime in _SIGNATURES if re.compile(signature, re.DOTALL).match(data, 0, _HEAD))
    return next(shown, UNKNOWN)


def _lift_string(text: str, named: bool) -> tuple[MediaRef, bytes] | None:
    """The reference and bytes of one string, or None where it is no media or would not come back exactly."""
    prefix, mime, body = None, None, text
    encoding: Encoding = "base64"
    if text.startswith("data:"):
        match = _DATA_URL.match(text)
        if match is None:
            return None
        mime = match[1] or "text/plain"
        prefix = None if match[0] == f"data:{mime};base64," else match[0]
        encoding, body = "data-url", text[match.end() :]
    elif not named and len(text) < LIFT_FROM:
        return None
    if not _BASE64.fullmatch(body):
        if encoding == "data-url" or not _BASE64URL.fullmatch(body):
            return None
        encoding = "base64url"
    padded = len(body) % 4 == 0
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), b"-_" if encoding == "base64url" else None)
    except (binascii.Error, ValueError):
        return None
    ref = MediaRef(digest_of(data), mime or sniff(data), encoding, prefix, padded)
    return (ref, data) if ref.text(data) == text else None


def lift(wire: Json, places: Iterable[tuple[str | None, ...]] = (), *, elsewhere: bool = True) -> tuple[Json, Media]:
    """Take the media out of a provider's JSON.

    Lifted are the `places` that an adapter names (paths of keys; None stands for any list item), any
    base64 data URL, and any base64 of `LIFT_FROM` characters or more; without `elsewhere` the places
    alone, so that what a model writes stays words. Law: `lower(lift(w)) == w`.
    Raises `ValueError` for JSON of more than `DEPTH` levels.
    """
    found: Media = {}
    wanted = tuple(places)

    def walk(value: Json, active: tuple[tuple[str | None, ...], ...], depth: int) -> Json:
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
                key: walk(item, tuple(rest[1:] for rest in active if rest and rest[0] == key), depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list):
            below = tuple(rest[1:] for rest in active if rest and rest[0] is None)
            return [walk(item, below, depth + 1) for item in value]
        return value

    return walk(wire, wanted, 0), found


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
    prefix, padded = value.get("prefix"), value.get("padded", True)
    if not is_digest(digest):
        raise ValueError("a $media reference needs a digest")
    if not isinstance(mime, str) or encoding not in get_args(Encoding):
        raise ValueError("a $media reference needs `mime` and `as`")
    if not isinstance(prefix, str | None) or not isinstance(padded, bool):
        raise ValueError("in a $media reference `prefix` is text and `padded` true or false")
    return MediaRef(digest, mime, encoding, prefix, padded)


def _looks_marked(value: Mapping[str, Json]) -> bool:
    return "$media" in value or (len(value) == 1 and next(iter(value)).startswith("$"))
