"""The exchanges of a record: what was sent and answered, every attempt at it, what was fetched and called after it.

Wire bodies are kept as `traffic` writes them.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from plcli.response import Failure, Kept
from plcli.toolanswers import AnsweredBy


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


class DownloadRecord(Kept):
    """The fetching of bytes that an answer gave the address of."""

    url: str
    """The address."""
    duration_ms: int
    """Milliseconds."""
    status: int | None = None
    """HTTP status."""
    media: str | None = None
    """Digest of the bytes, `sha256:…`."""
    mime: str | None = None
    """Type of the bytes."""
    error: Failure | None = None
    """Why there are no bytes."""


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
    downloads: list[DownloadRecord] | None = None
    """Bytes that were fetched because the answer held only their addresses."""


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
    source: AnsweredBy
    """Where the answer came from."""
    result: Any = None
    """The answer."""
    error: str | None = None
    """The words of a failure."""
    duration_ms: int | None = None
    """Milliseconds."""
