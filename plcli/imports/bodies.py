"""Bodies of captured requests and answers: bytes as they travelled, unpacked within bounds, and the JSON in them."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping

from plcli import paths
from plcli.media import Json
from plcli.providers import answer

BODY_LIMIT = 128 * 1024 * 1024
"""Bytes that a body may unpack to."""

_HOLDERS = frozenset({"args", "base64_string", "encoding", "state", "string"})
"""Names of what holds a body: what YAML and JSON cannot say, and Python's own files and iterators."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PLAIN = ("identity", "gzip", "x-gzip", "deflate")


def body_of(value: Json) -> bytes | Json:
    """A body as its file writes it: bytes, or an object that was parsed already. Raises `ValueError`."""
    parsed = isinstance(value, dict) and not (value and value.keys() <= _HOLDERS)
    return json_alone(value) if parsed else as_bytes(value)


def json_alone(value: Json) -> Json:
    """A body that was parsed already, where it is what JSON can hold. Raises `ValueError`."""
    if any(isinstance(leaf, bytes) for _, leaf in paths.leaves(value)):
        raise ValueError("its body holds bytes, which JSON cannot")
    return value


def as_bytes(value: Json) -> bytes:
    """A body that its file writes as text, bytes, or an object that holds one of them. Raises `ValueError`."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, list):
        # What was sent piece by piece.
        return b"".join(map(as_bytes, value))
    if isinstance(value, dict):
        if "base64_string" in value:
            return from_base64(value["base64_string"])
        for name in ("string", "state", "args"):
            if name in value:
                held = value[name]
                return as_bytes(held[:1] if name == "state" and isinstance(held, list) else held)
    raise ValueError("its body is no text")


def from_base64(value: Json) -> bytes:
    """The bytes of base64, broken into lines or not. Raises `ValueError`."""
    try:
        return base64.b64decode("".join(value.split()) if isinstance(value, str) else b"!", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its body is no base64") from None


def unpacked(data: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its content encoding, which many tools have undone already. Raises `ValueError`."""
    packing = headers.get("content-encoding", "").strip().lower()
    if data.startswith(_GZIP):
        return _inflated(data, 16 + zlib.MAX_WBITS)
    if packing == "deflate" and not data.lstrip().startswith((b"{", b"[", b"data:", b"event:")):
        # With the header of zlib, or without.
        zlib_header = len(data) > 1 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return _inflated(data, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
    if data.startswith(_ZSTD) or (packing and packing not in _PLAIN and not _is_text(data)):
        raise ValueError(f"its body is packed ({packing or 'zstd'}), which plcli does not unpack")
    return data


def json_of(data: bytes, content_type: str = "") -> Json:
    """The JSON of a request. Raises `ValueError`, saying what it is instead."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/") or data.startswith(b"--"):
        raise ValueError("its body is a form, not JSON")
    try:
        return answer.parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"its body is not UTF-8 (byte {error.start})") from None
    except ValueError as error:
        raise ValueError(f"its body is no JSON ({error})" if data else "it has no body") from None


def _inflated(data: bytes, window: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        found = unpacking.decompress(data, BODY_LIMIT + 1)
    except zlib.error as error:
        raise ValueError(f"its body is wrongly packed ({error})") from None
    if len(found) > BODY_LIMIT:
        raise ValueError(f"its body unpacks to more than {BODY_LIMIT >> 20} MB")
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
