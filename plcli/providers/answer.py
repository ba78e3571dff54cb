"""The bytes of an answer as wire events: server-sent events, or one JSON body.

What the bytes are decides how they are read, since servers mislabel both. Nothing here connects;
what the events mean is the adapters' business.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from plcli.exchange import WireEvent
from plcli.failures import CHECK_BASE_URL, CallFailed, failed
from plcli.media import Json

DONE = "[DONE]"
"""The end marker of Chat Completions, which is the only event that is no object."""

EVENT_LIMIT = 256 * 1024 * 1024
"""Bytes of one event; pictures travel as base64 inside one."""

BODY_LIMIT = 512 * 1024 * 1024
"""Bytes of a body that is read in one piece, and of all events of a stream."""

EVENTS_LIMIT = 500_000
"""Events of one stream; the longest answers of models have a fifth of them, one for each token."""

DEPTH_LIMIT = 200
"""Levels of nested JSON; deeper values would exhaust the stack of whoever walks them."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_HEAD = max(map(len, _FIELDS))
_SHOWN = 200


def read(chunks: Iterable[bytes], content_type: str = "") -> Iterator[WireEvent]:
    """The events of an answer; a body that is one JSON object is a single event with `whole` set.

    Raises `CallFailed` of kind protocol for anything else.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        # Blank lines and spaces are sent to keep a connection alive; they say nothing about what follows.
        head = (head + chunk).removeprefix(_BOM).lstrip()
        if len(head) >= _HEAD:
            break
    if not head:
        raise failed("protocol", "the answer is empty", CHECK_BASE_URL)
    kind = content_type.partition(";")[0].strip().lower()
    whole = chain((head,), source)
    if head.startswith(_FIELDS) or (kind == "text/event-stream" and not head.startswith((b"{", b"<"))):
        yield from events(whole)
    else:
        yield _whole(whole, kind)


def events(chunks: Iterable[bytes]) -> Iterator[WireEvent]:
    """The server-sent events of a stream, in time linear in its length, however it is cut into chunks.

    Ends after `[DONE]`. Comments, empty data and fields other than `data` and `event` are skipped; an
    event without its final blank line is delivered if it parses. Raises `CallFailed` of kind protocol
    for data that is not a JSON object, for an event over `EVENT_LIMIT`, and for a stream without end.
    """
    data: list[bytes] = []
    size = total = count = 0
    name = b""
    hint = CHECK_BASE_URL
    for line in _lines(chunks):
        if line:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
                size += len(line)
                if size > EVENT_LIMIT:
                    raise _too_large("an event of the stream", EVENT_LIMIT)
            elif field == b"event":
                name = value
            continue
        event = _event(name, data, hint)
        total += size
        data, size, name = [], 0, b""
        if event is not None:
            count += 1
            if total > BODY_LIMIT or count > EVENTS_LIMIT:
                raise failed("protocol", "the stream does not end", hint)
            # The address is right where some of the stream was.
            hint = "run it again"
            yield event
            if event.data == DONE:
                return
    try:
        event = _event(name, data, hint)
    except CallFailed:
        # The stream was cut inside its last event: what came before counts, and `fold` sees that the end is missing.
        return
    if event is not None:
        yield event


def parse(text: str) -> Json:
    """Strict JSON: no NaN or infinity, no absurd numbers or nesting. Raises `ValueError`."""
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    # The count bounds the depth, and is so much cheaper that hardly any answer is walked.
    if text.count("[") + text.count("{") > DEPTH_LIMIT and _too_deep(value):
        raise ValueError("too deeply nested")
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is out of range")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _too_deep(value: Json) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends (CRLF, LF or CR); the last one may lack its end."""
    pending = bytearray()
    first = True
    after_return = False
    for chunk in chunks:
        # A CRLF may be split between chunks: its LF ends no second line.
        rest = chunk[1:] if after_return and chunk.startswith(b"\n") else chunk
        after_return = chunk.endswith(b"\r") or (after_return and not chunk)
        *complete, tail = _LINE_END.split(rest)
        for part in complete:
            line = bytes(pending) + part
            pending.clear()
            yield line.removeprefix(_BOM) if first else line
            first = False
        pending += tail
        if len(pending) > EVENT_LIMIT:
            raise _too_large("a line of the stream", EVENT_LIMIT)
    if pending:
        yield bytes(pending).removeprefix(_BOM) if first else bytes(pending)


def _event(name: bytes, data: list[bytes], hint: str) -> WireEvent | None:
    text = b"\n".join(data).decode("utf-8", "replace").strip()
    if not text:
        return None
    label = name.decode("utf-8", "replace")
    if text == DONE:
        return WireEvent(DONE, label)
    try:
        value = parse(text)
    except ValueError as reason:
        raise _foreign(f"the stream is not the api's format ({reason})", text, hint) from None
    if not isinstance(value, dict):
        raise _foreign("the stream is not the api's format (an event is no object)", text, hint)
    return WireEvent(value, label)


def _whole(chunks: Iterable[bytes], kind: str) -> WireEvent:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _too_large("the answer", BODY_LIMIT)
    text = body.decode("utf-8-sig", "replace")
    label = f" ({kind})" if kind else ""
    try:
        value = parse(text)
    except ValueError as reason:
        what = f"broken JSON, {reason}" if text.lstrip().startswith(("{", "[")) else f"no JSON{label}"
        raise _foreign(f"the answer is {what}", text) from None
    if not isinstance(value, dict):
        raise _foreign("the answer is no JSON object", text)
    return WireEvent(value, whole=True)


def _foreign(what: str, text: str, hint: str = CHECK_BASE_URL) -> CallFailed:
    return failed("protocol", f"{what}: {text[:_SHOWN].strip()!r}", hint)


def _too_large(what: str, limit: int) -> CallFailed:
    return failed("protocol", f"{what} is larger than {limit >> 20} MB", CHECK_BASE_URL)
