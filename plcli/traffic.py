"""The exchanges of a run as its record keeps them: written down, and made whole again.

A later request of a run mostly repeats the one before it. What a list starts with again is written
once: `{"$same": m}` stands for the first m items of that list in the request before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from plcli.exchange import Attempt, Download, Exchange, Target
from plcli.exchangerecords import AttemptRecord, DownloadRecord, ExchangeRecord
from plcli.media import Json, decode, encode

SAME_LIMIT = 1_000_000
"""Items that the `$same` of one record may stand for, all together; real runs stay far below."""


def exchange_records(exchanges: Sequence[Exchange]) -> list[ExchangeRecord]:
    """How the exchanges of a run are written down."""
    records = []
    before: Json = None
    for exchange in exchanges:
        request = encode(exchange.request)
        records.append(
            ExchangeRecord(
                key=exchange.key,
                operation=exchange.target.operation,
                request=_shorten(request, before),
                response=encode(exchange.response),
                streamed=exchange.streamed,
                status=exchange.status,
                request_id=exchange.request_id,
                started=exchange.started,
                first_event_ms=exchange.first_event_ms,
                duration_ms=exchange.duration_ms,
                attempts=[_attempt_record(attempt) for attempt in exchange.attempts],
                headers=dict(exchange.headers) or None,
                downloads=[_download_record(download) for download in exchange.downloads] or None,
            )
        )
        before = request
    return records


def exchange_of(record: ExchangeRecord, target: Target, request: Json) -> Exchange:
    """An exchange as it was, for a request that is sent again. Raises `ValueError` as `wire_requests` does."""
    return Exchange(
        key=record.key,
        target=target,
        request=request,
        response=decode(record.response),
        streamed=record.streamed,
        attempts=tuple(
            Attempt(one.started, one.duration_ms, one.status, one.request_id, one.waited_ms, one.error)
            for one in record.attempts
        ),
        started=record.started,
        duration_ms=record.duration_ms,
        status=record.status,
        request_id=record.request_id,
        first_event_ms=record.first_event_ms,
        headers=record.headers or {},
        downloads=tuple(
            Download(one.url, one.duration_ms, one.status, one.media, one.mime, one.error)
            for one in record.downloads or ()
        ),
    )


def wire_requests(exchanges: Sequence[ExchangeRecord]) -> list[Json]:
    """The wire requests of a run, whole again, media as references; they share the items they repeat.

    Raises `ValueError` for a damaged mark: a `$same` without such items, a `$media` without a digest.
    """
    requests: list[Json] = []
    before: Json = None
    total = 0
    for exchange in exchanges:
        before, repeated = _lengthen(exchange.request, before)
        total += repeated
        if total > SAME_LIMIT:
            raise ValueError(f"its $same stand for more than {SAME_LIMIT} items")
        requests.append(before)
    return requests


def _attempt_record(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        started=attempt.started,
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        request_id=attempt.request_id,
        waited_ms=attempt.waited_ms,
        error=attempt.failure,
    )


def _download_record(download: Download) -> DownloadRecord:
    return DownloadRecord(
        url=download.url,
        duration_ms=download.duration_ms,
        status=download.status,
        media=download.media,
        mime=download.mime,
        error=download.failure,
    )


def _shorten(request: Json, before: Json) -> Json:
    if not isinstance(request, dict) or not isinstance(before, dict):
        return request
    return {name: _shorten_list(item, before.get(name)) for name, item in request.items()}


def _shorten_list(items: Json, before: Json) -> Json:
    if not isinstance(items, list) or not isinstance(before, list):
        return items
    same = 0
    while same < min(len(items), len(before)) and _identical(items[same], before[same]):
        same += 1
    return [{"$same": same}, *items[same:]] if same else items


def _identical(a: Json, b: Json) -> bool:
    # Python holds 1, 1.0 and True, and objects in another order, for equal: on the wire they are not.
    return bool(a == b) and json.dumps(a) == json.dumps(b)


def _lengthen(request: Json, before: Json) -> tuple[Json, int]:
    """The request whole again, decoded, and how many items it repeats."""
    if not isinstance(request, dict):
        return decode(request), 0
    same = {name: items[0]["$same"] for name, items in request.items() if _starts_with_same(items)}
    whole = decode({name: items[1:] if name in same else items for name, items in request.items()})
    if not isinstance(whole, dict):
        raise ValueError("a mark stands in the place of a request")
    for name, count in same.items():
        earlier = before.get(name) if isinstance(before, dict) else None
        if type(count) is not int or not isinstance(earlier, list) or not 0 < count <= len(earlier):
            raise ValueError("a $same refers to items that the request before does not have")
        whole[name] = earlier[:count] + whole[name]
    return whole, sum(same.values())


def _starts_with_same(items: Json) -> bool:
    return isinstance(items, list) and bool(items) and isinstance(items[0], dict) and items[0].keys() == {"$same"}
