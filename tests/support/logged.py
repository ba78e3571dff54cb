"""Records of runs that nobody sent: a request as the log would keep it, with its files and media in a store."""

from __future__ import annotations

from typing import Any

from plcli.exchange import key_of
from plcli.exchangerecords import ExchangeRecord
from plcli.media import digest_of, encode
from plcli.mediastore import MediaStore
from plcli.records import Record, Source, SpecRef
from plcli.redact import Redactor
from plcli.resolve import Resolved
from plcli.signatures import sniff
from plcli.workspace import Workspace

ID = "20261126T094500000-abcde"
TIME = "2026-11-26T09:45:00Z"


def logged(workspace: Workspace, resolved: Resolved, *, secrets: tuple[str, ...] = (), **fields: Any) -> Record:
    """The record of a request, without an answer; its bytes are in the media store of the workspace."""
    store, redactor = MediaStore(workspace.media), Redactor(secrets)
    sources = []
    for source in resolved.sources:
        copy = redactor.bytes(source.data)
        kept = store.put(copy, source.mime) if copy is not None else None
        digest = digest_of(source.data)
        redacted = kept != digest
        sources.append(
            Source(path=source.path, sha256=digest, redacted=redacted or None, kept=kept if redacted else None)
        )
    for data in resolved.media.values():
        store.put(data, sniff(data))
    request, (wire, target, _) = resolved.request, resolved.compiled
    sent = ExchangeRecord(
        key=key_of(request.provider, request.api, target, wire),
        operation=target.operation,
        request=encode(redactor.json(wire)),
        started=TIME,
        duration_ms=1,
    )
    document, file = resolved.document, resolved.file
    stated: dict[str, Any] = {
        "id": ID,
        "time": TIME,
        "command": "run",
        "plcli": "0",
        "spec": SpecRef(path=workspace.shown(file), sha256=document.sha256) if document and file else None,
        "sources": sources or None,
        "overrides": redactor.plain(resolved.overrides.record()),
        "variables": redactor.plain(resolved.variables) or None,
        "provider": request.provider,
        "api": request.api,
        "model": request.model,
        "model_spec": resolved.model.name,
        "exchanges": [sent],
        "tags": list(resolved.tags) or None,
        "metadata": dict(resolved.metadata) or None,
    }
    return Record(**(stated | fields))
