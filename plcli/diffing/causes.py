"""What makes today's request another one: the file, line and column of each difference, or what else says it."""

from __future__ import annotations

from collections.abc import Sequence

from plcli import __version__, paths
from plcli.diffing.deltas import same_json
from plcli.diffing.differing import MODEL
from plcli.diffing.evidence import Evidence, Spot
from plcli.diffing.linechanges import Changed
from plcli.diffing.precedents import Precedent, of_run
from plcli.mediastore import MediaStore
from plcli.paths import Parts
from plcli.places import Position
from plcli.providers.reading import table
from plcli.records import Record
from plcli.replayrecords import Difference
from plcli.resolve import Resolved

_DRAWN = (("messages",), ("image",))
"""Fields of a request that options of `plcli image` change."""


def located(
    differences: Sequence[Difference], resolved: Resolved, record: Record, store: MediaStore
) -> tuple[Difference, ...]:
    """The differences between the request of a run and today's, with what makes them; see `located_since`."""
    return located_since(differences, resolved, of_run(record, store))


def located_since(differences: Sequence[Difference], resolved: Resolved, then: Precedent) -> tuple[Difference, ...]:
    """The differences between a request of then and today's, with what makes them.

    `file` (as records name it), `line` and `column` are those of the first line that has changed of what stands at
    the path, as far as the bytes of then are known; else of the value. Where no file does, `cause` says what: an
    option of the command line, a variable, another version of plcli; neither is there where that is not known.
    """
    evidence = Evidence(resolved, then)
    return tuple(_located(one, evidence) for one in differences)


def located_in(differences: Sequence[Difference], file: Changed) -> tuple[Difference, ...]:
    """The differences of a document with that of then, with their lines in its file."""

    def place(difference: Difference) -> Difference:
        path = paths.parse(difference.path)
        found = file.gone(path) if difference.kind == "removed" else file.changed(path)
        return _at(difference, file, found or file.position(path))

    return tuple(map(place, differences))


def _located(difference: Difference, evidence: Evidence) -> Difference:
    try:
        path = paths.parse(difference.path)
    except ValueError:
        return difference
    gone = difference.kind == "removed"
    spots = sorted(evidence.spots(path), key=lambda spot: not gone and not spot.exact)
    for spot in spots:
        if (found := spot.found(gone=gone)) is not None:
            return _at(difference, spot.file, found)
    if (cause := _cause(evidence, path, spots)) is not None:
        return difference.model_copy(update={"cause": cause})
    for spot in spots:
        if not spot.file.known and (not spot.place or spot.file.depth(spot.place)):
            return _at(difference, spot.file, spot.file.position(spot.place))
    if (only := evidence.only_change) is not None:
        return _at(difference, *only)
    if evidence.then.plcli != __version__:
        return difference.model_copy(update={"cause": f"plcli {__version__}, then {evidence.then.plcli}"})
    return difference


def _at(difference: Difference, file: Changed, position: Position) -> Difference:
    line, column = position
    return difference.model_copy(update={"file": file.path, "line": line, "column": column})


def _cause(evidence: Evidence, path: Parts, spots: Sequence[Spot]) -> str | None:
    """What of the command line, or which variable, makes a difference; None where neither does."""
    overrides, before = evidence.resolved.overrides, evidence.then.overrides
    if path[:1] and path[0] in MODEL and (model := _other_model(evidence)) is not None:
        return model
    set_then = table(before.get("set"))
    set_now = dict(overrides.set)
    for name in {**set_now, **set_then}:
        if name in set_now and name in set_then and same_json(set_now[name], set_then[name]):
            continue
        if any(_touch(name, place) for place in (path, *(spot.place for spot in spots if spot.file is evidence.spec))):
            return f"--set {name}" if name in set_now else f"then --set {name}"
    document = evidence.resolved.document
    if path[:1] == ("messages",) and document is not None and document.file == "--prompt":
        return "--prompt"
    if path[:1] in _DRAWN and not same_json((overrides.record() or {}).get("image"), before.get("image")):
        return "the pictures of the command line"
    changed = list(evidence.changed_variables())
    used = [name for spot in spots for name in changed if spot.uses(name)]
    if used:
        return f"variable {used[0]}"
    if len(changed) == 1 and path[:1] == ("messages",):
        return f"variable {changed[0]}"
    return _other_model(evidence)


def _other_model(evidence: Evidence) -> str | None:
    """What says another model than then, where no spec does; None where it is the same, or its spec names it."""
    now, then = evidence.resolved.overrides.model, evidence.then.overrides.get("model")
    if now != then:
        return f"--model {now}" if now else f"then --model {then}"
    named = now is not None or "model" in table(evidence.spec_value)
    return None if named or evidence.resolved.model_name == evidence.then.model else "the default model of plcli.toml"


def _touch(path: str, place: Parts) -> bool:
    """Whether a value set at a path is, holds, or stands in what is at a place."""
    try:
        parts = paths.parse(path)
    except ValueError:
        return False
    shorter = min(len(parts), len(place))
    return parts[:shorter] == place[:shorter]
