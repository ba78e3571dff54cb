"""HTTP calls as captured: which of them ask a model, and what they sent and got."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from plcli.errors import Problem
from plcli.imports.bodies import body_of, json_alone, json_of, unpacked
from plcli.imports.captured import Captured, Reply, Spot, headers_of, status_of
from plcli.media import Json
from plcli.providers.reading import table
from plcli.wireshapes import guess

NO_CALL = "no call of an api that plcli knows"


def captured_call(
    spot: Spot,
    method: Json,
    url: Json,
    sent: bytes | Json,
    sent_as: Mapping[str, str],
    reply: Reply | None,
    *,
    time: str | None = None,
    duration_ms: int = 0,
) -> Captured | Problem:
    """The exchange that an HTTP call is, or why it is none.

    `sent` are bytes, or a body that the file keeps as JSON; `sent_as` the headers of the request that tell how.
    """
    if not isinstance(url, str) or not isinstance(method, str):
        return spot.problem("no HTTP request: `method` and `url` must be text")
    shown = f"{method.upper()} {_plain_url(url)}"
    if method.upper() != "POST" or guess({}, url) is None:
        return spot.problem(f"{NO_CALL}: {shown}")
    try:
        wire = json_of(unpacked(sent, sent_as), sent_as.get("content-type", "")) if isinstance(sent, bytes) else sent
        if not isinstance(wire, dict):
            raise ValueError("its body is no JSON object")
        if reply is not None and isinstance(reply.body, bytes):
            body = unpacked(reply.body, reply.headers)
            reply = Reply(reply.status, body, reply.headers) if body.strip() or reply.status >= 300 else None
    except ValueError as error:
        return spot.problem(f"{error}: {shown}")
    note = "its answer is not in the file" if reply is None else None
    return Captured(spot, wire, url, reply=reply, time=time, duration_ms=duration_ms, note=note)


def reply_of(value: Json) -> Reply | None:
    """The answer of a call, as cassettes and their kin write it; None for what is none. Raises `ValueError`."""
    came = table(value)
    # The `status` of Go is a text: "200 OK".
    statuses = table(came.get("status")).get("code"), *(came.get(name) for name in ("status", "status_code", "code"))
    code = next((found for each in statuses if (found := status_of(each)) is not None), None)
    if code is None:
        return None
    body = json_alone(came["parsed_body"]) if "parsed_body" in came else body_of(came.get("body", came.get("content")))
    return Reply(code, body, headers_of(came.get("headers")))


def _plain_url(url: str) -> str:
    """A URL to be shown: without query, fragment and credentials, any of which may be a key."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]
