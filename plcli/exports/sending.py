"""An exchange of a logged run as it would be sent today, unstreamed: its wire, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from plcli import paths
from plcli.brevity import cut
from plcli.connect import Connection
from plcli.errors import LogError, PlcliError
from plcli.exports.addresses import path_of, url_of
from plcli.exports.connections import PLACEHOLDER, Surroundings, connection_of
from plcli.exports.losses import LeftOut, Losses
from plcli.media import Json, MediaMissing, Redacted, lower
from plcli.mediastore import MediaStore
from plcli.modelrefs import known_provider
from plcli.providers.outgoing import encode
from plcli.providers.registry import Provider
from plcli.records import Record
from plcli.traffic import wire_requests
from plcli.wireshapes import without_switches


class Sending(NamedTuple):
    """An exchange as it would be sent, unstreamed.

    `wire` holds media by reference and no transport switches. `connection` has `${NAME}` where a key or a variable
    of a header would stand. `at` is the number of the exchange, from 0.
    """

    record: Record
    at: int
    wire: Json
    connection: Connection
    store: MediaStore

    @property
    def operation(self) -> str:
        """`responses.create`, `generateContent`, …"""
        return self.record.exchanges[self.at].operation

    @property
    def model(self) -> str:
        """The model asked."""
        return self.record.model or ""

    @property
    def title(self) -> str:
        """What this is, on one line and in ASCII, so that it can stand in a comment of any language."""
        what = f"run {self.record.id}, exchange {self.at}: {self.operation} with {self.model}"
        return cut(what, 200).encode("unicode_escape").decode("ascii")

    @property
    def multipart(self) -> bool:
        """Whether it travels as a form."""
        return self.operation == "images.edit" and self.connection.edits == "multipart"

    @property
    def body(self) -> Json:
        """The wire with the media put back. Raises `LeftOut` for bytes that are gone."""
        return lower(self.wire, self.read)

    @property
    def path(self) -> str:
        """The path of an operation of OpenAI, below the base URL. Raises `LeftOut` for one of others."""
        return path_of(self.operation)

    @property
    def url(self) -> str:
        """The address that it is sent to. Raises `LeftOut`."""
        return url_of(self.connection, self.operation, self.model)

    def read(self, digest: str) -> bytes:
        """The bytes of a medium. Raises `LeftOut` where the store has not got them."""
        try:
            return self.store.get(digest)
        except MediaMissing:
            raise LeftOut(f"{digest} is not in {self.store.folder}") from None
        except LogError as error:
            raise LeftOut(error.message) from None


def exported(
    records: Iterable[Record],
    around: Surroundings,
    which: int | None,
    losses: Losses,
    write: Callable[[Sending], str],
) -> Iterator[str]:
    """What `write` makes of exchange `which` of each run, from 0, or of every one where that is None.

    What cannot be sent, or what `write` leaves out, is told. Of a run with several exchanges it is told which.
    """
    for record in records:
        for at in range(max(len(record.exchanges), 1)) if which is None else (which,):
            try:
                yield write(_sending(record, at, around, losses))
            except LeftOut as why:
                losses.leave_out(record, why)
            else:
                losses.exported += 1
                if which is not None and len(record.exchanges) > 1:
                    losses.lost(record, f"exchange {at} alone, of {len(record.exchanges)} (--exchange N, --each)")


def encoded(body: Json) -> str:
    """The text of a body as plcli sends it. Raises `LeftOut` for what JSON has not."""
    try:
        return encode(body).decode("utf-8")
    except ValueError:
        raise LeftOut("it holds a number that JSON has not") from None


def wire_of(record: Record, at: int) -> Json:
    """The wire request of an exchange. Raises `LeftOut` where there is none, or a damaged one."""
    if not record.exchanges:
        raise LeftOut("nothing was sent")
    if at >= len(record.exchanges):
        raise LeftOut(f"it has no exchange {at}, the last is {len(record.exchanges) - 1}")
    try:
        return wire_requests(record.exchanges[: at + 1])[at]
    except ValueError as error:
        raise LeftOut(f"its wires are damaged: {error}") from None


def provider_of(record: Record) -> Provider:
    """The provider that was asked. Raises `LeftOut` for one that is not known."""
    try:
        return known_provider(record.provider or "")
    except PlcliError as error:
        raise LeftOut(error.message) from None


def _sending(record: Record, at: int, around: Surroundings, losses: Losses) -> Sending:
    wire = wire_of(record, at)
    for place, leaf in paths.leaves(around.redactor.json(wire)):
        if isinstance(leaf, Redacted):
            raise LeftOut(f"a secret stood in {paths.show(place)} and was taken out")
    if not isinstance(wire, dict):
        raise LeftOut("its request is no JSON object")
    provider = provider_of(record)
    if provider.local:
        raise LeftOut(f"{provider.name} answers inside plcli, and there is nothing to call")
    if provider.name not in ("openai", "gemini"):
        raise LeftOut(f"how {cut(provider.name, 60)} is called is not known here")
    connection = connection_of(record, provider, around, losses)
    sent = without_switches(provider.name, wire)
    if switches := [name for name in wire if name not in sent]:
        losses.lost(record, f"{' and '.join(switches)}: dropped, the answer comes in one piece")
    for name in _unfilled(sent):
        losses.lost(record, f"a tool of the request uses ${{{name}}}, which only plcli fills in")
    return Sending(record, at, sent, connection, around.store)


def _unfilled(wire: dict[str, Json]) -> Iterator[str]:
    """The variables that built-in tools of a wire name."""
    tools = wire.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            headers = tool.get("headers")
            texts = [tool.get("authorization"), *(headers.values() if isinstance(headers, dict) else ())]
            for text in texts:
                yield from PLACEHOLDER.findall(text) if isinstance(text, str) else ()
