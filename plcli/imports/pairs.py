"""JSON that others write of calls, one a line or a document: wire bodies, pairs of them, HTTP calls, lines of a log.

- a wire body alone: a request that was never answered; so is `{"wire": …, "target": …}` of a dry run;
- `{"request": …, "response": …}`, both wire bodies, or both with a `body` of their own, `url`, `headers` and `status`;
- a record of another run log, taken as it is.

Beside a pair may stand `url`, `provider`, `api`, `model`, `status`, `time`, `duration_ms`, `tags` and `metadata`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from plcli.errors import Problem
from plcli.exchange import Target
from plcli.imports.bodies import body_of
from plcli.imports.calls import captured_call, reply_of
from plcli.imports.captured import Captured, Copied, Found, Reply, Source, Spot, headers_of, status_of
from plcli.imports.jsonvalues import Value, values
from plcli.imports.moments import milliseconds, moment
from plcli.media import Json, decode
from plcli.providers import answer
from plcli.providers.reading import rows, table, words
from plcli.records import Record, parse

_TIMES = ("time", "started", "timestamp", "created_at", "created")
_NO_CALL = "neither a wire body nor `request` with `response`"


def read(source: Source) -> Iterator[Found]:
    """What the lines of a file hold. Raises `SpecError` for what is no JSON."""
    for found in values(source):
        yield found if isinstance(found, Problem) else _read(found)


def _read(found: Value) -> Found:
    spot, value = found.spot, found.value
    if not isinstance(value, dict):
        return spot.problem(f"{_NO_CALL}: it is no object")
    try:
        if "v" in value and "id" in value:
            return _record(spot, value)
        if isinstance(value.get("wire"), dict):
            return _dry(spot, value)
        if "request" in value:
            return _pair(spot, value)
    except ValueError as error:
        return spot.problem(str(error))
    return Captured(spot, value)


def _record(spot: Spot, value: dict[str, Json]) -> Found:
    entry = parse(json.dumps(value))
    if isinstance(entry, Record):
        return Copied(spot, entry)
    return spot.problem("a note on a run, whose id is another one here")


def _dry(spot: Spot, value: dict[str, Json]) -> Found:
    """What `--dry-run` prints."""
    target = table(value.get("target"))
    operation, model = target.get("operation"), target.get("model")
    if not isinstance(operation, str) or not isinstance(model, str):
        return spot.problem("its `target` needs `operation` and `model`")
    return Captured(spot, decode(value["wire"]), target=Target(operation, model))


def _pair(spot: Spot, value: dict[str, Json]) -> Found:
    asked, came = _object(value["request"]), value.get("response")
    status = status_of(value.get("status", value.get("status_code")))
    time = next((found for name in _TIMES if (found := moment(value.get(name)))), None)
    spent = milliseconds(value.get("duration_ms", value.get("latency_ms")))
    if "body" in asked and ("url" in asked or "uri" in asked):
        made = captured_call(
            spot,
            asked.get("method", "POST"),
            asked.get("url", asked.get("uri")),
            body_of(asked["body"]),
            headers_of(asked.get("headers")),
            reply_of(came),
            time=time,
            duration_ms=spent,
        )
    else:
        url = value.get("url")
        reply = None
        if came is not None:
            reply = Reply(status or 200, body_of(came))
        made = Captured(spot, asked, url if isinstance(url, str) else None, reply=reply, time=time, duration_ms=spent)
    return made if isinstance(made, Problem) else _labelled(made, value)


def _labelled(made: Captured, value: dict[str, Json]) -> Captured:
    """The exchange with what stands beside it."""
    return replace(
        made,
        provider=words(value.get("provider")),
        api=words(value.get("api")),
        model=words(value.get("model")),
        tags=tuple(tag for tag in rows(value.get("tags")) if isinstance(tag, str)),
        metadata=table(value.get("metadata")),
    )


def _object(value: Json) -> dict[str, Json]:
    """A wire body, which some tools write as a text of JSON. Raises `ValueError`."""
    if isinstance(value, str):
        value = answer.parse(value)
    if not isinstance(value, dict):
        raise ValueError(_NO_CALL)
    return value
