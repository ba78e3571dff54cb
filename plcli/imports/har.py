"""HAR 1.2: what browsers and proxies export. Bodies are text, or base64 where `encoding` says so."""

from __future__ import annotations

from collections.abc import Iterator

from plcli.errors import Problem, SpecError
from plcli.imports.bodies import as_bytes, from_base64
from plcli.imports.calls import captured_call
from plcli.imports.captured import Found, Reply, Source, Spot, headers_of, status_of
from plcli.imports.jsonvalues import document
from plcli.imports.moments import milliseconds, moment
from plcli.media import Json
from plcli.providers.reading import table


def read(source: Source) -> Iterator[Found]:
    """The calls of a HAR file, in order. Raises `SpecError` for what is none."""
    entries = table(table(document(source)).get("log")).get("entries")
    if not isinstance(entries, list):
        raise SpecError([Problem(source.label, "no HAR: it has no list of entries at log.entries")])
    for index, entry in enumerate(entries):
        yield _entry(Spot(source, f"log.entries[{index}]"), entry)


def _entry(spot: Spot, value: Json) -> Found:
    entry = table(value)
    asked = table(entry.get("request"))
    posted = table(asked.get("postData"))
    sent_as = headers_of(asked.get("headers"))
    if isinstance(posted.get("mimeType"), str):
        sent_as.setdefault("content-type", posted["mimeType"])
    try:
        sent, reply = _body(posted), _reply(table(entry.get("response")))
    except ValueError as error:
        return spot.problem(str(error))
    return captured_call(
        spot,
        asked.get("method"),
        asked.get("url"),
        sent,
        sent_as,
        reply,
        time=moment(entry.get("startedDateTime")),
        duration_ms=milliseconds(entry.get("time")),
    )


def _body(holder: dict[str, Json]) -> bytes:
    text = holder.get("text")
    return from_base64(text) if holder.get("encoding") == "base64" else as_bytes(text)


def _reply(value: dict[str, Json]) -> Reply | None:
    """The answer; None for a call that was given up, whose status is 0."""
    status, content = status_of(value.get("status")), table(value.get("content"))
    if status is None:
        return None
    headers = headers_of(value.get("headers"))
    if isinstance(content.get("mimeType"), str):
        headers.setdefault("content-type", content["mimeType"])
    return Reply(status, _body(content), headers)
