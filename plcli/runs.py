"""One run: a request asked, its answer judged and priced, and everything written down as a record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from plcli import __version__, expect, git, prices, retirements
from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.engine import Turn, WaitWatch, Watch, ask
from plcli.errors import Exit
from plcli.failures import EXIT_OF_KIND
from plcli.media import Json, MediaReader, digest_of, references, sniff
from plcli.mediastore import MediaStore
from plcli.record_secrets import without_secrets
from plcli.records import (
    Batch,
    Cost,
    Endpoint,
    ExpectationRecord,
    Record,
    ResponseRecord,
    Source,
    SpecRef,
)
from plcli.redact import Redactor
from plcli.request import BuiltinTool, Request
from plcli.resolve import Resolved
from plcli.response import Failure, State
from plcli.specs import Pricing
from plcli.traffic import exchange_records
from plcli.workspace import Workspace

ANSWERED_NO: tuple[State, ...] = ("refused", "blocked", "no_image")
"""States of answers that are none; an expectation that names the state decides whether that is wrong."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to. `output` is the structured answer, where one was asked for."""

    resolved: Resolved
    connection: Connection
    turn: Turn
    cost: Cost | None
    output: Json = None
    expectations: tuple[ExpectationRecord, ...] = ()

    @property
    def failure(self) -> Failure | None:
        """Why there is no answer, or not all of it."""
        return self.turn.failure

    @property
    def exit(self) -> Exit:
        """The exit code that this run asks for."""
        code = Exit.DONE
        if self.turn.response.state in ANSWERED_NO:
            code = Exit.DONE if expect.names_state(self.resolved.expectations) else Exit.REFUSED
        elif self.turn.failure is not None:
            code = EXIT_OF_KIND.get(self.turn.failure.kind, Exit.UNAVAILABLE)
        failed = any(not expectation.passed for expectation in self.expectations)
        return max(code, Exit.FINDING) if failed else code


def send(
    resolved: Resolved,
    connection: Connection,
    *,
    stream: bool,
    store: MediaStore,
    watch: Watch,
    watch_wait: WaitWatch,
    cancel: Cancel | None = None,
) -> Turn:
    """Ask the provider. Failures, Ctrl-C and being cancelled end in a turn too."""
    if _priced_by_package(resolved, connection):
        prices.preload()
    return ask(
        connection,
        resolved.compiled.target,
        resolved.compiled.wire,
        stream=stream,
        read_media=_reader(resolved.media, store),
        watch=watch,
        watch_wait=watch_wait,
        cancel=cancel,
    )


def judged(resolved: Resolved, connection: Connection, turn: Turn) -> Run:
    """The run that a turn makes: its cost, its structured output, and whether its expectations held."""
    turn = _told_of_retirement(resolved, connection, turn)
    response = turn.response
    cost = prices.cost_of(
        response.usage,
        provider=connection.provider.name,
        model=resolved.request.model,
        served_model=response.served_model,
        pricing=_pricing(resolved),
        images=len(response.images),
        own_host=connection.own_host,
        image_model=_image_model(resolved.request),
        service_tier=response.service_tier,
    )
    output: Json = None
    complaint: str | None = "no structured output was asked for, or none came"
    findings: list[ExpectationRecord] = []
    asked = resolved.request.output
    if asked is not None and response.state == "ok":
        output, complaint = expect.parse_output(response.text, asked.schema)
        if complaint is not None:
            findings.append(ExpectationRecord(path="output", passed=False, got=response.text, message=complaint))
    # A call that got no answer has nothing to be held against, unless that is what is expected.
    if turn.failure is None or response.state in ANSWERED_NO or expect.names_state(resolved.expectations):
        observed = expect.Observed(
            text=response.text,
            output=output,
            output_error=complaint,
            state=response.state,
            tool_calls=response.tool_calls,
            images=len(response.images),
            cost=cost.amount if cost else None,
            latency_ms=turn.exchange.duration_ms,
            tokens=response.usage.total_tokens if response.usage else None,
        )
        findings.extend(expect.check(resolved.expectations, observed))
    return Run(resolved, connection, turn, cost, output, tuple(findings))


def _told_of_retirement(resolved: Resolved, connection: Connection, turn: Turn) -> Turn:
    """The turn; a model that its maker does not find any more may be one that is known to be gone."""
    if turn.failure is None or turn.failure.kind != "not_found" or not connection.own_host:
        return turn
    request = resolved.request
    hint = retirements.hint(request.provider, request.model, datetime.now(UTC).date())
    return replace(turn, failure=turn.failure.model_copy(update={"hint": hint})) if hint else turn


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a record says about a run beside the run itself."""

    command: str
    workspace: Workspace
    batch: Batch | None = None
    tags: tuple[str, ...] = ()


def record_of(run: Run, where: Circumstances, sources: list[Source], redactor: Redactor) -> Record:
    """The record of a run, without secrets; the log mints its id when it is appended."""
    resolved, connection, response = run.resolved, run.connection, run.turn.response
    request = resolved.request
    exchange = run.turn.exchange._replace(
        request=redactor.json(run.turn.exchange.request),
        response=redactor.json(run.turn.exchange.response),
    )
    record = Record(
        id="",
        time=exchange.started,
        command=where.command,
        plcli=__version__,
        batch=where.batch,
        spec=_spec_ref(resolved, where.workspace),
        sources=sources or None,
        overrides=resolved.overrides.record(),
        variables=resolved.variables or None,
        provider=request.provider,
        api=request.api,
        model=request.model,
        served_model=response.served_model,
        model_spec=resolved.model.name,
        endpoint=_endpoint(connection),
        exchanges=exchange_records([exchange]),
        response=ResponseRecord(
            state=response.state,
            parts=list(response.parts),
            text=response.text or None,
            output=run.output,
            finish_reason=response.finish_reason,
        ),
        usage=response.usage,
        cost=run.cost,
        expectations=list(run.expectations) or None,
        error=run.failure,
        tags=[*resolved.spec.tags, *where.tags] or None,
        metadata=resolved.spec.metadata or None,
    )
    return without_secrets(record, redactor)


def keep_media(run: Run, store: MediaStore, redactor: Redactor) -> list[Source]:
    """Put all bytes of a run into the media store; gives the sources as the record names them."""
    wires = (run.turn.exchange.request, run.turn.exchange.response)
    mimes = {ref.digest: ref.mime for wire in wires for ref in references(wire)}
    for digest, data in (run.resolved.media | run.turn.media).items():
        # Bytes that hold a secret are not kept: the run can then not be replayed, and says so.
        if redactor.bytes(data) is data:
            store.put(data, mimes.get(digest) or sniff(data))
    sources = []
    for source in run.resolved.sources:
        digest = digest_of(source.data)
        copy = redactor.bytes(source.data)
        kept = store.put(copy, source.mime) if copy is not None else None
        redacted = kept != digest
        sources.append(
            Source(path=source.path, sha256=digest, redacted=redacted or None, kept=kept if redacted else None)
        )
    return sources


def _pricing(resolved: Resolved) -> Pricing | None:
    return resolved.model.spec.pricing if resolved.model.spec else None


def _priced_by_package(resolved: Resolved, connection: Connection) -> bool:
    """Whether the price data will be needed, which takes long to load."""
    return connection.own_host and not connection.provider.local and _pricing(resolved) is None


def _image_model(request: Request) -> str | None:
    """The model that draws for the request, where it names one."""
    drawing = [tool.item for tool in request.tools if isinstance(tool, BuiltinTool)]
    named = (item.get("model") for item in (request.image or {}, *drawing) if isinstance(item, Mapping))
    return next((model for model in named if isinstance(model, str)), None)


def _spec_ref(resolved: Resolved, workspace: Workspace) -> SpecRef | None:
    if resolved.file is None:
        return SpecRef(path="-", sha256=resolved.document.sha256) if resolved.document.file == "-" else None
    commit = _commit(resolved.file, resolved.document.sha256)
    return SpecRef(
        path=workspace.shown(resolved.file),
        sha256=resolved.document.sha256,
        commit=commit.sha if commit else None,
        dirty=commit.dirty if commit else None,
    )


@cache
def _commit(file: Path, sha256: str) -> git.Commit | None:
    """The commit of a spec: of many runs of one spec only the first asks git."""
    return git.commit(file)


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


def _reader(media: Mapping[str, bytes], store: MediaStore) -> MediaReader:
    """Reads the files of the request from memory, older media from the store."""

    def read(digest: str) -> bytes:
        data = media.get(digest)
        return data if data is not None else store.get(digest)

    return read
