"""Going on from a logged run: the request that follows its last one.

The log is data. What was sent and answered is taken from it as it stands; where the next request goes, which
tools there are and what they may do is decided anew, by the workspace and the user's side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plcli import ingredients
from plcli.conversation import Reading
from plcli.errors import NotReplayable, SpecError
from plcli.exchange import with_downloads
from plcli.exchangerecords import ExchangeRecord
from plcli.failures import CallFailed
from plcli.loggedanswers import logged_answer
from plcli.loggedwires import check_whole
from plcli.media import Json, MediaMissing, decode, is_digest, lift
from plcli.mediastore import MediaStore
from plcli.modelrefs import ModelRef
from plcli.moving import move
from plcli.overrides import Overrides
from plcli.providers.registry import adapter
from plcli.providers.roundtrip import same
from plcli.records import Record
from plcli.request import Request
from plcli.resending import plan_of
from plcli.resolve import Resolved, with_model
from plcli.response import ToolCallPart
from plcli.rounds import BEFORE, Answered, paired
from plcli.standing import Standing
from plcli.traffic import wire_requests
from plcli.workspace import Workspace


def reopen(workspace: Workspace, runs: Sequence[Record], store: MediaStore) -> Standing:
    """Where a logged run left its conversation: the run, and those that it continues, the newest first.

    Raises `NotReplayable` where something of it is gone, `SetupError` and `SpecError` where its model is.
    """
    newest = runs[0]
    at = next((n for n, one in enumerate(runs) if one.exchanges), None)
    if at is None:
        raise NotReplayable(f"run {newest.id} cannot go on: nothing was sent", hint="run its spec again")
    record = runs[at]
    wire, answer, answered = _last_exchange(record, runs[:at], store)
    resolved = plan_of(workspace, record, store, wire, len(record.exchanges) - 1)
    made = adapter(resolved.model.provider, resolved.request.api)
    calls: Sequence[ToolCallPart] = ()
    if answer is not None:
        try:
            response = made.read(lift(answer, made.MEDIA, elsewhere=False)[0])
        except CallFailed as error:
            raise NotReplayable(f"run {record.id} cannot go on: {error.message}") from None
        calls, answer = (response.tool_calls, answer) if response.whole else ((), None)
    resolved = resolved._replace(variables=newest.variables or {}, parent=newest)
    earlier = tuple(each for one in reversed(runs) for each in one.tool_results or ())
    return Standing(resolved, answer, paired(calls, answered), results=earlier)


def _last_exchange(record: Record, newer: Sequence[Record], store: MediaStore) -> tuple[Json, Json, Sequence[Answered]]:
    """What a run sent last, the answer (None: there is no whole one), and what tools have answered to that.

    The `newer` runs asked nothing, and answered calls of this one; the newest is first. Raises `NotReplayable`.
    """
    last = len(record.exchanges) - 1
    results = [each for each in record.tool_results or () if each.exchange == last]
    results += (each for one in reversed(newer) for each in one.tool_results or () if each.exchange == BEFORE)
    try:
        wire = wire_requests(record.exchanges)[-1]
        answer = _answer_of(record.exchanges[-1]) if _answered(record) else None
        check_whole(record, [wire, answer, *(decode(each.result) for each in results)], store, "go on")
        calls = [ToolCallPart(id=each.call_id, name=each.name) for each in results]
        given = [logged_answer(each, store.get) for each in results]
    except ValueError as error:
        raise NotReplayable(f"run {record.id} cannot go on: it is damaged: {error}") from None
    except MediaMissing as error:
        raise NotReplayable(f"run {record.id} cannot go on: {error}") from None
    return wire, answer, [Answered(last, *pair) for pair in zip(calls, given, strict=True)]


def _answer_of(exchange: ExchangeRecord) -> Json:
    """The answer of an exchange, with the bytes that were fetched in it. Raises `ValueError` for a damaged one."""
    fetched = [(one.url, one.media, one.mime) for one in exchange.downloads or () if one.media and one.mime]
    return with_downloads(decode(exchange.response), [each for each in fetched if is_digest(each[1])])


def _answered(record: Record) -> bool:
    """Whether the last exchange has a whole answer: what failed after it failed elsewhere."""
    last = record.exchanges[-1]
    failed = bool(last.attempts) and last.attempts[-1].error is not None
    return last.response is not None and not failed and (last.status is None or 200 <= last.status < 300)


def turned(resolved: Resolved, workspace: Workspace, model: ModelRef, api: str) -> Resolved:
    """The same request for another model, with what it cannot carry there as its losses.

    Raises `SpecError` where the model spec is wrong.
    """
    request = _without_model(resolved.request, resolved.model)
    if (model.provider.name, api) == (request.provider, request.api):
        moved, report = request._replace(model=model.model), None
    else:
        away = move(request, model.provider, api, model.model)
        moved, report = away.request, away.report
    made = adapter(model.provider, api)
    media = dict(resolved.media)
    if model.document is not None and model.path is not None:
        reading = Reading(workspace, model.document, model.path, lambda text, where, place: text)
        moved = with_model(reading, moved, model, stated=moved.params)
        if reading.problems:
            raise SpecError(reading.problems)
        media |= reading.media
    compiled = made.compile(made.defaults(moved, model.spec))
    losses = report(compiled.losses) if report else compiled.losses
    overrides = Overrides(model.name or f"{model.provider.name}/{model.model}")
    return resolved._replace(
        request=moved, compiled=compiled, model=model, media=media, losses=losses, overrides=overrides
    )


def _without_model(request: Request, model: ModelRef) -> Request:
    """The request without what its model spec says, as far as nobody has said otherwise."""
    own = model.spec
    if own is None:
        return request
    params, body = ingredients.params(own.params, None), own.body
    return request._replace(
        params={name: value for name, value in request.params.items() if not _says(params, name, value)},
        body={name: value for name, value in request.body.items() if not _says(body, name, value)},
        script=None,
    )


def _says(fields: Mapping[str, Json], name: str, value: Json) -> bool:
    return name in fields and same(fields[name], value)
