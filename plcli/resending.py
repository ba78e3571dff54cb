"""A logged request, ready to be sent again exactly as it was: the wire, and what must be there around it."""

from __future__ import annotations

from plcli.errors import NotReplayable
from plcli.exchange import Target
from plcli.loggedwires import check_whole, model_of, stated_chain, tools_of
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.providers.registry import Compiled, adapter
from plcli.records import Record
from plcli.resolve import Resolved
from plcli.traffic import wire_requests
from plcli.workspace import Workspace


def resend(workspace: Workspace, record: Record, store: MediaStore, *, at: int = 0) -> Resolved:
    """The request of the exchange `at` (from 0), as a plan of no spec; media stay in the store.

    Raises `NotReplayable` where something of it is gone, `SetupError` and `SpecError` where its model is.
    """
    wire = wire_of(record, at)
    check_whole(record, [wire], store, "be sent again")
    return plan_of(workspace, record, store, wire, at)._replace(of=record)


def plan_of(workspace: Workspace, record: Record, store: MediaStore, wire: Json, at: int) -> Resolved:
    """The wire of the exchange `at` as a plan, for the model of the run as the workspace reaches it today.

    Raises `SetupError` and `SpecError` where that is gone or wrong.
    """
    model, api = model_of(workspace, record)
    made = adapter(model.provider, api)
    target = Target(record.exchanges[at].operation, record.model or "")
    request = made.uncompile(wire, target)
    return Resolved(
        request=request._replace(chain="server") if stated_chain(workspace, record, store) == "server" else request,
        compiled=Compiled(wire, target),
        model=model,
        spec=None,
        document=None,
        file=None,
        variables=record.variables or {},
        expectations=(),
        sources=(),
        media={},
        tools=tools_of(workspace, request),
    )


def wire_of(record: Record, at: int) -> Json:
    """A wire request of a run, whole again. Raises `NotReplayable` for one that is not there, or damaged."""
    if at >= len(record.exchanges):
        told = f"has no exchange {at}" if record.exchanges else "was never sent"
        raise NotReplayable(f"run {record.id} cannot be sent again: it {told}", hint="run its spec again")
    try:
        wire = wire_requests(record.exchanges)[at]
        if not isinstance(wire, dict):
            raise ValueError("its request is no object")
        return wire
    except ValueError as error:
        raise NotReplayable(f"run {record.id} cannot be sent again: it is damaged: {error}") from None
