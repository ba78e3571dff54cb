"""Runs as the input file of an OpenAI Batch: a line for each request, which `custom_id` tells apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plcli.exports.connections import Surroundings
from plcli.exports.losses import LeftOut, Losses
from plcli.exports.sending import Sending, encoded, exported
from plcli.providers.registry import PROVIDERS
from plcli.records import Record

BEGINNING = r'\{"custom_id":"[0-9]{8}T[0-9]{9}-'
"""A pattern of how every export of this form begins."""

LINES = 50_000
"""Requests that one batch takes."""

BYTES = 200_000_000
"""Bytes that the file of one batch may have."""


def batch(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The lines. The body of each is the logged wire with its media; `custom_id` is the id of the run.

    What a batch cannot carry is left out; what a batch as a whole cannot be is told at the end.
    """
    seen: dict[str, set[str]] = {"endpoint": set(), "model": set()}
    lines = size = 0

    def write(sending: Sending) -> str:
        if (why := _unfit(sending)) is not None:
            raise LeftOut(why)
        text = _line(sending)
        _tell_of_others(sending, losses)
        seen["endpoint"].add(f"/v1{sending.path}")
        seen["model"].add(sending.model)
        return text

    for text in exported(records, around, which, losses, write):
        lines, size = lines + 1, size + len(text.encode("utf-8"))
        yield text
    for noun, found in seen.items():
        if len(found) > 1:
            losses.of_all(f"a batch has one {noun}, these lines have {len(found)}: {', '.join(sorted(found)[:5])}")
    if lines > LINES or size > BYTES:
        losses.of_all(f"a batch has at most {LINES:,} lines and {BYTES // 1_000_000} MB: split the file")


def _line(sending: Sending) -> str:
    # A later exchange of a run needs an id of its own.
    name = f"{sending.record.id}.{sending.at}" if sending.at else sending.record.id
    line = {"custom_id": name, "method": "POST", "url": f"/v1{sending.path}", "body": sending.body}
    return encoded(line) + "\n"


def _unfit(sending: Sending) -> str | None:
    """Why a batch cannot carry a request."""
    if sending.connection.provider.name != "openai":
        return f"a batch of OpenAI asks no models of {sending.connection.provider.name}"
    if sending.multipart:
        return "its edit travels as a form, a batch takes JSON alone"
    if sending.wire.get("background"):
        return "its answer is made in the background, which a batch does by itself"
    return None


def _tell_of_others(sending: Sending, losses: Losses) -> None:
    """Tell of what a batch carries, and does otherwise than the run did."""
    connection = sending.connection
    if not connection.own_host:
        losses.lost(sending.record, f"it went to {connection.base_url}, not to {PROVIDERS['openai'].base_url}")
    if connection.headers:
        losses.lost(sending.record, f"without its headers {', '.join(connection.headers)}")
    if sending.wire.get("partial_images"):
        losses.lost(sending.record, "partial_images: only a stream shows drafts")
