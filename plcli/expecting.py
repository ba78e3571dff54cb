"""The expectations that a logged run is held against: those that its spec states today, else those it stated then."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from plcli import ingredients
from plcli.canonical import state_of
from plcli.conversation import Reading
from plcli.documents import Document
from plcli.errors import NotReplayable, Problem, SpecError, UsageError
from plcli.expect import check, names
from plcli.fence import BadReference
from plcli.loggedwires import logged_spec
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.observing import observed
from plcli.overrides import Overrides, overridden
from plcli.records import ExpectationRecord, Record, SpecRef
from plcli.resolve import filler
from plcli.runs import ANSWERED_NO
from plcli.schemas import load_spec
from plcli.specs import Expectation, RequestSpec
from plcli.variables import WrongVariables
from plcli.variables import resolve as resolve_variables
from plcli.workspace import Workspace


def expectations_of(workspace: Workspace, record: Record, store: MediaStore) -> tuple[Expectation, ...]:
    """What the spec of a run expects, filled with the variables of the run.

    It is the spec's file as it is today; where there is none, or where the workspace is fenced off from it, the copy
    that the log keeps. None for a run without a spec, for one that goes on where its spec left off, and for one
    exchange on its own.
    Raises `SpecError` for a spec that is wrong, `NotReplayable` for one that is gone.
    """
    alone = record.replay is not None and record.replay.exchange is not None
    if record.spec is None or record.parent is not None or alone:
        return ()
    document, file = spec_today(workspace, record.spec) or (_then(record, store), None)
    said: Json = (record.overrides or {}).get("set")
    settings = tuple(said.items()) if isinstance(said, dict) else ()
    try:
        return expectations_by(workspace, overridden(document, Overrides(set=settings)), file, record)
    except UsageError as error:
        raise SpecError([Problem(document.file, f"run {record.id}: {error.message}")]) from None


def expectations_by(
    workspace: Workspace, document: Document, file: Path | None, record: Record
) -> tuple[Expectation, ...]:
    """What any spec expects, filled with the variables of a run; `file` is where it stands. Raises `SpecError`."""
    written = load_spec(document, RequestSpec)
    try:
        variables = resolve_variables(written.variables, record.variables or {})
    except WrongVariables as error:
        problems = (
            document.problem(("variables", name), f"run {record.id}: {fault}") for name, fault in error.faults.items()
        )
        raise SpecError(problems) from None
    reading = Reading(workspace, document, file or workspace.start / "-", filler(written, variables))
    expected = ingredients.expectations(reading, written)
    if reading.problems:
        raise SpecError(reading.problems)
    return expected


def spec_today(workspace: Workspace, spec: SpecRef) -> tuple[Document, Path] | None:
    """The file of a spec as it is when it is first asked for, where it is still there. Raises `SpecError` for a wrong
    one."""
    return workspace.once(("spec today", spec.path), lambda: _spec_today(workspace, spec.path))


def _spec_today(workspace: Workspace, path: str) -> tuple[Document, Path] | None:
    try:
        # Anyone may have written the log: what it names is read as what a spec names, inside the workspace alone.
        file = workspace.fence.place(path, beside=workspace.root / "-")
    except BadReference:
        return None
    return (workspace.document(file), file) if path != "-" and os.path.isfile(file) else None


def _then(record: Record, store: MediaStore) -> Document:
    """The spec as the log keeps it. Raises `NotReplayable` where it does not."""
    document = logged_spec(record, store)
    if document is None:
        path = record.spec.path if record.spec is not None else "-"
        message = f"run {record.id}: its spec {path} is gone, and the log keeps no copy that can be read"
        raise NotReplayable(message, hint="name another with --with SPEC")
    return document


def held(record: Record, expectations: Sequence[Expectation]) -> tuple[ExpectationRecord, ...]:
    """What a logged run makes of expectations; one that got no answer fails them, unless one names the state."""
    error = record.error
    if error is None or state_of(record) in ANSWERED_NO or names("state", expectations):
        return check(expectations, observed(record))
    message = f"there is no answer to hold them against: {error.message}"
    return (ExpectationRecord(path="expect", passed=False, message=message),) if expectations else ()
