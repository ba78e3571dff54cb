"""What a command line changes of a spec: its model, values at paths of it, the pictures to make."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from plcli import paths
from plcli.documents import Document
from plcli.drawing import Drawing
from plcli.errors import UsageError
from plcli.media import Json


class Overrides(NamedTuple):
    """What the command line changes: another model, values at paths of the spec (`--set`), pictures to make."""

    model: str | None = None
    set: tuple[tuple[str, Json], ...] = ()
    drawing: Drawing | None = None

    def record(self) -> dict[str, Json] | None:
        """How a record names them; None where nothing was changed."""
        shown: dict[str, Json] = {}
        if self.model is not None:
            shown["model"] = self.model
        if self.set:
            shown["set"] = dict(self.set)
        if self.drawing is not None and (said := self.drawing.record()):
            shown["image"] = said
        return shown or None


def overridden(document: Document, overrides: Overrides) -> Document:
    """The document with `--set` applied, before anything of it is judged. Raises `UsageError`."""
    if not overrides.set:
        return document
    value: Json = document.value
    for path, item in overrides.set:
        try:
            if not path:
                raise ValueError("it names no place")
            value = paths.place(value, path, item)
        except ValueError as error:
            raise UsageError(f"--set {path}: {error}", hint="write --set params.temperature=0.2") from None
    return replace(document, value=value)
