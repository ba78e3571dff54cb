"""Two requests held against each other, whether they were logged or stand in specs; and any two spec files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from plcli.diffing.causes import located, located_in, located_since
from plcli.diffing.deltas import ABSENT, deltas
from plcli.diffing.differing import Asked, of_answers, of_requests
from plcli.diffing.linechanges import Changed
from plcli.diffing.precedents import of_plan
from plcli.documents import Document
from plcli.errors import LogError, UsageError
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.providers.reading import rows, table
from plcli.records import Record
from plcli.remaking import given_then
from plcli.replayrecords import Difference
from plcli.resolve import Resolved, resolve
from plcli.snapshots import Snapshot
from plcli.traffic import wire_requests
from plcli.variables import Given

Operand = Record | Snapshot
"""What can be compared: a run, or a spec as it stands or stood."""

FACTS = ("description", "template", "variables", "expect", "tags", "metadata")
"""Fields of a request spec that are no part of the request."""

_FLIPPED: dict[str, Literal["added", "removed", "changed"]] = {"added": "removed", "removed": "added"}


class Contrast(NamedTuple):
    """The differences of two operands; `unfilled` are variables without a value, for which texts stand as templates."""

    differences: tuple[Difference, ...]
    unfilled: tuple[str, ...] = ()


def contrast(old: Operand, new: Operand, store: MediaStore, given: Mapping[str, Given]) -> Contrast:
    """What differs between two operands.

    Of runs the requests and the answers; of a run and a spec the request, the spec resolved with the variables that
    the run was given, under those of the command line; of specs the requests, and what is no part of them.
    Raises `UsageError`, `SpecError`, and `LogError` for damaged runs.
    """
    match old, new:
        case Record(), Record():
            return Contrast((*of_requests(_sent(old), _sent(new)), *of_answers(old, new)))
        case Record(), Snapshot():
            return Contrast(_since(old, new, store, given))
        case Snapshot(), Record():
            return Contrast(tuple(map(_flipped, _since(new, old, store, given))))
        case Snapshot(), Snapshot():
            return _of_specs(old, new, given)
    raise AssertionError("operands are runs or specs")


def _since(run: Record, spec: Snapshot, store: MediaStore, given: Mapping[str, Given]) -> tuple[Difference, ...]:
    plan = _plan(spec, {**given_then(spec.workspace, run, store, spec.document), **given})
    return located(of_requests(_sent(run), Asked.of_plan(plan)), plan, run, store)


def _of_specs(old: Snapshot, new: Snapshot, given: Mapping[str, Given]) -> Contrast:
    kinds = [table(one.document.value).get("kind") for one in (old, new)]
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{old.document.file} is of kind {kinds[0]}, {new.document.file} of kind {kinds[1]}",
            hint="compare two files of one kind",
        )
    if kinds[0] != "request":
        found = tuple(deltas(old.document.value, new.document.value))
        return Contrast(located_in(found, Changed(new.document.file, new.document.text, old.document.text)))
    missing = tuple(dict.fromkeys(name for one in (old, new) for name in _missing(one.document, given)))
    if missing:
        before, now = (_plan(one._replace(document=_unfilled(one.document)), {}) for one in (old, new))
    else:
        before, now = (_plan(one, given) for one in (old, new))
    found = of_requests(Asked.of_plan(before), Asked.of_plan(now))
    then, today = old.document.value, new.document.value
    facts = [one for name in FACTS for one in deltas(then.get(name, ABSENT), today.get(name, ABSENT), (name,))]
    return Contrast(located_since((*found, *facts), now, of_plan(before)), missing)


def _plan(spec: Snapshot, given: Mapping[str, Given]) -> Resolved:
    return resolve(spec.workspace, spec.document, spec.file, given=given)


def _sent(run: Record) -> Asked:
    """The first request of a run; what followed came of its answers."""
    if not run.exchanges:
        raise UsageError(f"run {run.id} was never sent, so it has no request", hint="compare its spec, or another run")
    try:
        wire = wire_requests(run.exchanges[:1])[0]
    except ValueError as error:
        raise LogError(f"the wires of run {run.id} are damaged: {error}", hint="plcli log verify") from None
    return Asked.of_run(run, 0, wire)


def _missing(document: Document, given: Mapping[str, Given]) -> Iterator[str]:
    """The variables of a spec that have no value."""
    for name, schema in table(document.value.get("variables")).items():
        if name not in given and "default" not in table(schema):
            yield name


def _unfilled(document: Document) -> Document:
    """The spec with its texts as they stand, and histories without turns where no default says them."""
    declared = table(document.value.get("variables"))
    histories = (table(item).get("history") for item in rows(document.value.get("messages")))
    variables: dict[str, Json] = {
        name: {"default": [], **table(declared.get(name))} for name in histories if isinstance(name, str)
    }
    return replace(document, value={**document.value, "template": "none", "variables": variables})


def _flipped(difference: Difference) -> Difference:
    """The same difference, seen from the other side."""
    kind = _FLIPPED.get(difference.kind, difference.kind)
    return difference.model_copy(update={"kind": kind, "old": difference.new, "new": difference.old})
