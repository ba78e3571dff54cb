"""The record: one line of the run log, everything that one run left behind.

Wire bodies are kept as `media.encode` writes them; plcli's own fields keep a fixed order and hold no
nulls. Readers ignore unknown fields of a known version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from plcli.exchange import Attempt, Exchange
from plcli.media import Json, decode, encode
from plcli.response import Failure, Kept, Part, State, Usage

VERSION = 1


class Batch(Kept):
    """Which place a run has in a batch."""

    id: str
    """The batch; the same for all its runs."""
    n: int
    """How many runs the batch has."""
    row: int | None = None
    """The row of `--vars`, from 0."""
    repeat: int | None = None
    """The repetition of `--repeat`, from 0."""


class SpecRef(Kept):
    """The request spec that a run was made of."""

    path: str
    """Relative to the workspace, else absolute; `-` for standard input."""
    sha256: str
    """Digest of its bytes, 64 hexadecimal digits."""
    commit: str | None = None
    """The git commit that was checked out."""
    dirty: bool | None = None
    """Whether the file differed from that commit."""


class Source(Kept):
    """A file that the request was made of; its bytes are among the media."""

    path: str
    """Relative to the workspace, else absolute."""
    sha256: str
    """Digest of the original's bytes."""
    redacted: bool | None = None
    """Whether secrets were taken out of the copy."""
    kept: str | None = None
    """Digest of the copy where it was redacted."""


class AttemptRecord(Kept):
    """One HTTP call of an exchange."""

    started: str
    """UTC."""
    duration_ms: int
    """Milliseconds."""
    status: int | None = None
    """HTTP status."""
    request_id: str | None = None
    """The provider's id of the call."""
    waited_ms: int | None = None
    """The pause before the call."""
    error: Failure | None = None
    """Why it gave no answer."""


class ExchangeRecord(Kept):
    """One wire request with its wire response."""

    key: str
    """Key of a recording: what the request is, media by digest."""
    operation: str
    """`responses.create`, `chat.completions.create`, …"""
    request: Any = None
    """The wire request, media lifted."""
    response: Any = None
    """The wire response, media lifted; of a stream, the body it folds to."""
    streamed: bool = False
    """Whether the answer came as a stream."""
    status: int | None = None
    """HTTP status of the last attempt."""
    request_id: str | None = None
    """The provider's id of the last attempt."""
    started: str
    """UTC."""
    first_event_ms: int | None = None
    """Milliseconds until the first byte of the answer."""
    duration_ms: int
    """Milliseconds, retries included."""
    attempts: list[AttemptRecord] = Field(default_factory=list)
    """Every HTTP call."""
    headers: dict[str, str] | None = None
    """Chosen response headers."""


class ToolResultRecord(Kept):
    """The answer that a tool call got."""

    exchange: int
    """The exchange whose answer held the call, from 0."""
    call_id: str | None = None
    """The call's id."""
    name: str
    """The tool."""
    arguments: Any = None
    """The arguments."""
    source: Literal["stub", "run", "ask", "history", "answer"]
    """Where the answer came from."""
    result: Any = None
    """The answer."""
    error: str | None = None
    """The words of a failure."""
    duration_ms: int | None = None
    """Milliseconds."""


class ResponseRecord(Kept):
    """The neutral answer; derived from the wire and can be rebuilt."""

    state: State
    """How it ended."""
    parts: list[Part] = Field(default_factory=list)
    """What it consists of, in order."""
    text: str | None = None
    """The words, without commentary."""
    output: Any = None
    """The structured output, where the request asks for one."""
    finish_reason: str | None = None
    """The provider's own word."""


class Cost(Kept):
    """What a run cost."""

    amount: float
    """US dollars."""
    currency: Literal["USD"] = "USD"
    """Always US dollars."""
    source: str
    """`user` (pricing of the model spec) or the package and version of the price data."""
    complete: bool
    """Whether everything that was used has a price."""


class ExpectationRecord(Kept):
    """One expectation, and whether it held."""

    path: str
    """Where it stands in the spec (`expect[0].text`)."""
    passed: bool
    """Whether it held."""
    wanted: Any = None
    """What the spec says."""
    got: Any = None
    """What the answer holds."""
    message: str | None = None
    """Why it failed."""


class Endpoint(Kept):
    """Where the request went."""

    base_url: str | None = None
    """Without credentials."""
    api_version: str | None = None
    """Version of the provider's api."""
    sdk: str | None = None
    """Package and version that sent it."""


class Replay(Kept):
    """What a replay is of, and what it found."""

    of: str
    """The run that was replayed."""
    verdict: Literal["identical", "equivalent", "drifted", "failed", "not-replayable"]
    """What comparing said."""
    checks: list[Any] | None = None
    """The checks and their results."""
    losses: list[Any] | None = None
    """What moving the request to another model could not carry."""


class Record(Kept):
    """One run."""

    v: Literal[1] = 1
    """Version of the format."""
    id: str
    """Time-ordered id, `TIME-xxxxx`."""
    time: str
    """When the run began, UTC."""
    command: str
    """The command that ran."""
    plcli: str
    """Version of plcli."""
    parent: str | None = None
    """The run that this one continues."""
    batch: Batch | None = None
    """The batch that the run belongs to."""
    spec: SpecRef | None = None
    """The request spec."""
    sources: list[Source] | None = None
    """Every file that the request was made of."""
    overrides: dict[str, Any] | None = None
    """What the command line changed (`model`, `set`)."""
    variables: dict[str, Any] | None = None
    """The variables and their values."""
    provider: str | None = None
    """Who serves."""
    api: str | None = None
    """Through which interface."""
    model: str | None = None
    """The model asked."""
    served_model: str | None = None
    """The model that answered."""
    model_spec: str | None = None
    """Name of the model spec."""
    endpoint: Endpoint | None = None
    """Where the request went."""
    exchanges: list[ExchangeRecord] = Field(default_factory=list)
    """Wire requests and responses, in order."""
    tool_results: list[ToolResultRecord] | None = None
    """Answers to tool calls."""
    response: ResponseRecord | None = None
    """The neutral answer."""
    usage: Usage | None = None
    """Tokens of all exchanges."""
    cost: Cost | None = None
    """What it cost, when known."""
    expectations: list[ExpectationRecord] | None = None
    """The spec's expectations and whether they held."""
    replay: Replay | None = None
    """Of a replay: what it is of and what it found."""
    error: Failure | None = None
    """Why there is no answer, or no whole one."""
    tags: list[str] | None = None
    """Words to find runs by."""
    metadata: dict[str, Any] | None = None
    """Whatever the spec keeps with the run."""


class Note(Kept):
    """A line of the log that says something about a run."""

    v: Literal[1] = 1
    id: str
    kind: Literal["note"] = "note"
    run: str
    """The run it is about."""
    score: float | None = None
    text: str | None = None


def line(record: Record | Note) -> str:
    """The record as one line of JSON, without the newline. Law: `parse(line(r)) == r`.

    Lone surrogates, which UTF-8 cannot hold, make the whole line fall back to ASCII escapes.
    """
    value = record.model_dump(exclude_none=True)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text


def parse(text: str | bytes) -> Record | Note:
    """Read one line. Raises `ValueError`: no JSON, an unknown version (which it names), not a record."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("the line holds no object")
    if value.get("v") != VERSION:
        raise ValueError(f"version {value.get('v')!r} of the record format is not known (this plcli knows {VERSION})")
    if value.get("kind") == "note":
        return Note.model_validate(value)
    return Record.model_validate(value)


def exchange_records(exchanges: Sequence[Exchange]) -> list[ExchangeRecord]:
    """How the exchanges of a run are written down.

    Where a list of a later request starts with the items of the one before, they become `{"$same": m}`.
    """
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
            )
        )
        before = request
    return records


def wire_requests(exchanges: Sequence[ExchangeRecord]) -> list[Json]:
    """The wire requests of a run, whole again, media as references."""
    requests: list[Json] = []
    for exchange in exchanges:
        requests.append(_lengthen(exchange.request, requests[-1] if requests else None))
    return [decode(request) for request in requests]


def _attempt_record(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        started=attempt.started,
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        request_id=attempt.request_id,
        waited_ms=attempt.waited_ms,
        error=attempt.failure,
    )


def _shorten(request: Json, before: Json) -> Json:
    if not isinstance(request, dict) or not isinstance(before, dict):
        return request
    return {name: _shorten_list(item, before.get(name)) for name, item in request.items()}


def _shorten_list(items: Json, before: Json) -> Json:
    if not isinstance(items, list) or not isinstance(before, list):
        return items
    same = next(
        (n for n, (a, b) in enumerate(zip(items, before, strict=False)) if a != b), min(len(items), len(before))
    )
    return [{"$same": same}, *items[same:]] if same else items


def _lengthen(request: Json, before: Json) -> Json:
    if not isinstance(request, dict) or not isinstance(before, dict):
        return request
    return {name: _lengthen_list(item, before.get(name)) for name, item in request.items()}


def _lengthen_list(items: Json, before: Json) -> Json:
    if not (isinstance(items, list) and items and isinstance(items[0], dict) and items[0].keys() == {"$same"}):
        return items
    same = items[0]["$same"]
    if not isinstance(before, list) or not isinstance(same, int) or same > len(before):
        raise ValueError("a $same refers to items that the request before does not have")
    return [*before[:same], *items[1:]]
