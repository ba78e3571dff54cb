"""Runs written down: the record of a run, and the bytes that are kept with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from plcli import __version__
from plcli.connect import Connection
from plcli.engine import now
from plcli.exchangerecords import ToolResultRecord
from plcli.media import Json, digest_of, encode, references
from plcli.mediastore import MediaStore
from plcli.record_secrets import without_secrets
from plcli.records import Batch, Endpoint, Record, ResponseRecord, Source, SpecRef
from plcli.redact import Redactor
from plcli.resolve import Resolved
from plcli.rounds import Answered
from plcli.runs import Run
from plcli.signatures import UNKNOWN, sniff
from plcli.traffic import exchange_records
from plcli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a record says about a run beside the run itself."""

    command: str
    workspace: Workspace
    batch: Batch | None = None
    tags: tuple[str, ...] = ()


def record_of(run: Run, where: Circumstances, sources: list[Source], redactor: Redactor) -> Record:
    """The record of a run, without secrets; the log mints its id when it is appended."""
    resolved, connection, response = run.resolved, run.connection, run.response
    request, turns, parent = resolved.request, run.rounds.turns, resolved.parent
    exchanges = [
        turn.exchange._replace(
            request=redactor.json(turn.exchange.request),
            response=redactor.json(turn.exchange.response),
        )
        for turn in turns
    ]
    record = Record(
        id="",
        time=exchanges[0].started if exchanges else now(),
        command=where.command,
        plcli=__version__,
        parent=parent.id if parent else None,
        batch=where.batch,
        spec=_spec_ref(resolved, where.workspace),
        sources=sources or None,
        overrides=_overrides(resolved),
        variables=resolved.variables or None,
        provider=request.provider,
        api=request.api,
        model=request.model,
        served_model=response.served_model,
        model_spec=resolved.model.name,
        endpoint=_endpoint(connection),
        exchanges=exchange_records(exchanges),
        tool_results=[_tool_result(each, redactor) for each in run.rounds.answered] or None,
        response=_response_record(run),
        usage=run.rounds.usage,
        cost=run.cost,
        expectations=list(run.expectations) or None,
        error=run.failure,
        tags=list(dict.fromkeys([*resolved.tags, *where.tags])) or None,
        metadata=dict(resolved.metadata) or None,
    )
    return without_secrets(record, redactor)


def recalled_record(run: Run, then: Record) -> Record:
    """The record of a run that was answered from the exchanges of another: what was sent and came is known of that."""
    said = {"id": "", "command": "replay", "plcli": __version__, "batch": None, "replay": None}
    found = {
        "response": _response_record(run),
        "tool_results": [_tool_result(each, None) for each in run.rounds.answered] or None,
        "expectations": list(run.expectations) or None,
        "error": run.failure,
    }
    return then.model_copy(update={**said, **found})


def _response_record(run: Run) -> ResponseRecord:
    parts = (part for turn in run.rounds.turns for part in turn.response.parts)
    return ResponseRecord.of(run.response, parts, run.output)


def keep_media(run: Run, store: MediaStore, redactor: Redactor) -> list[Source]:
    """Put all bytes of a run into the media store; gives the sources as the record names them."""
    wires = [wire for turn in run.rounds.turns for wire in (turn.exchange.request, turn.exchange.response)]
    mimes = {ref.digest: ref.mime for wire in wires for ref in references(wire)}
    for digest, data in (run.resolved.media | run.rounds.media).items():
        # Bytes that hold a secret are not kept: the run can then not be replayed, and says so.
        if redactor.bytes(data) is data:
            seen = sniff(data)
            store.put(data, mimes.get(digest, seen) if seen == UNKNOWN else seen)
    before = run.resolved.before
    sources = list(before.sources or ()) if before else []
    for source in run.resolved.sources:
        digest = digest_of(source.data)
        copy = redactor.bytes(source.data)
        kept = store.put(copy, source.mime) if copy is not None else None
        redacted = kept != digest
        sources.append(
            Source(path=source.path, sha256=digest, redacted=redacted or None, kept=kept if redacted else None)
        )
    return sources


def _tool_result(answered: Answered, redactor: Redactor | None) -> ToolResultRecord:
    call, answer = answered.call, answered.answer
    result = answer.result if redactor is None else redactor.json(answer.result)
    return ToolResultRecord(
        exchange=answered.exchange,
        call_id=call.id,
        name=call.name,
        arguments=call.arguments,
        source=answer.source,
        result=encode(result),
        error=answer.error,
        duration_ms=answer.duration_ms,
    )


def _overrides(resolved: Resolved) -> dict[str, Json] | None:
    """What the command line changed; of a run that is sent again, what it changed then too."""
    own, of = resolved.overrides.record(), resolved.of
    then = of.overrides if of is not None and resolved.document is None else None
    return {**(then or {}), **(own or {})} or None


def _spec_ref(resolved: Resolved, workspace: Workspace) -> SpecRef | None:
    if resolved.before is not None:
        return resolved.before.spec
    if resolved.document is None:
        return None
    if resolved.file is None:
        return SpecRef(path="-", sha256=resolved.document.sha256) if resolved.document.file == "-" else None
    file, sha256, home = resolved.file, resolved.document.sha256, resolved.workspace or workspace
    # Of many runs of one spec only the first asks git.
    commit = home.once(("commit", file, sha256), lambda: home.commit(file))
    return SpecRef(
        path=home.shown(file),
        sha256=sha256,
        commit=commit.sha if commit else None,
        dirty=commit.dirty if commit else None,
    )


def _endpoint(connection: Connection) -> Endpoint | None:
    if connection.base_url is None:
        return None
    module = sys.modules.get(connection.provider.sdk or "")
    version = getattr(module, "__version__", None)
    return Endpoint(
        base_url=connection.base_url,
        api_version=connection.api_version,
        sdk=f"{connection.provider.sdk}@{version}" if version else None,
    )
