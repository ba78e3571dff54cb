"""The request of a logged run made anew: by the spec as it is today, as it was then, or by another one."""

from __future__ import annotations

from collections.abc import Mapping

from plcli import paths
from plcli.documents import Document
from plcli.drawing import Drawing, Picture
from plcli.errors import NotReplayable
from plcli.loggedwires import logged_spec
from plcli.matchers import equal
from plcli.media import Json, MediaMissing, MediaRef, is_digest
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.providers.reading import table
from plcli.records import Record
from plcli.redact import MARK
from plcli.signatures import sniff
from plcli.sources import Medium
from plcli.workspace import Workspace


def given_then(workspace: Workspace, record: Record, store: MediaStore, now: Document) -> dict[str, Json]:
    """The variables that a run was given: those with the default that its spec had then are left to the spec `now`."""
    variables = record.variables or {}
    if not variables or record.spec is None:
        return variables
    then = record.spec.sha256

    def made() -> dict[str, Json]:
        return _defaults(now if now.sha256 == then else logged_spec(record, store))

    defaults = workspace.once(("defaults", then), made)
    return {
        name: value for name, value in variables.items() if name not in defaults or not equal(value, defaults[name])
    }


def check_given(record: Record, given: Mapping[str, Json]) -> None:
    """Raise `NotReplayable` for a variable of then whose value held a secret."""
    for name, value in given.items():
        if _holds_mark(value):
            raise NotReplayable(
                f"run {record.id}: a secret was taken out of the value of variable {name!r}",
                hint=f"give it again: --var {name}=…",
            )


def overridden_then(record: Record, store: MediaStore) -> Overrides:
    """What the command line changed when a run was made. Raises `NotReplayable` where something of it is gone."""
    said = record.overrides or {}
    model, changed, drawing = said.get("model"), said.get("set"), said.get("image")
    settings = tuple(changed.items()) if isinstance(changed, dict) else ()
    for path, value in settings:
        if _holds_mark(value):
            raise NotReplayable(
                f"run {record.id}: a secret was taken out of its --set {path}", hint="run its spec again"
            )
    return Overrides(
        model=model if isinstance(model, str) else None,
        set=settings,
        drawing=_drawing(record, drawing, store) if isinstance(drawing, dict) else None,
    )


def _defaults(document: Document | None) -> dict[str, Json]:
    """The defaults that a spec declares, which need not be right."""
    declared = table(document.value.get("variables")) if document is not None else {}
    return {name: schema["default"] for name, schema in declared.items() if "default" in table(schema)}


def _holds_mark(value: Json) -> bool:
    """Whether a mark stands somewhere in a value, where a secret was."""
    return any(isinstance(leaf, str) and MARK in leaf for _, leaf in paths.leaves(value))


def _drawing(record: Record, said: Mapping[str, Json], store: MediaStore) -> Drawing:
    def picture(name: str) -> Picture:
        if not is_digest(name):
            return Picture(Medium(name, {}))
        try:
            data = store.get(name)
        except MediaMissing as error:
            raise NotReplayable(f"run {record.id}: a picture of its command line is gone: {error}") from None
        return Picture(Medium(MediaRef(name, sniff(data), "data-url"), {name: data}))

    inputs, mask, count = said.get("inputs") or [], said.get("mask"), said.get("n")
    names = inputs if isinstance(inputs, list) else [inputs]
    if not all(isinstance(name, str) for name in (*names, mask or "")) or type(count) not in (int, type(None)):
        raise NotReplayable(f"run {record.id}: what its command line said of pictures is damaged")
    return Drawing(tuple(map(picture, names)), picture(mask) if mask else None, count)
