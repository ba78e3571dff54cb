"""Replaying a logged run: which request is made of it, as it was, changed, or as its spec makes it today.

Nothing is sent here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from plcli.continuing import turned
from plcli.documents import parse
from plcli.errors import NotReplayable, SpecError, UsageError
from plcli.expecting import expectations_of, spec_today
from plcli.fence import BadReference
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.modelrefs import model_reference
from plcli.overrides import Overrides
from plcli.records import Record
from plcli.remaking import check_given, given_then, overridden_then
from plcli.resending import resend
from plcli.resolve import Resolved, resolve
from plcli.respec import respec
from plcli.snapshots import Snapshot, Snapshots
from plcli.variables import Given, WrongVariables
from plcli.workspace import Workspace


class Changes(NamedTuple):
    """What is to be other than it was: the model, values at paths of the spec, variables, the spec itself."""

    model: str | None = None
    set: tuple[tuple[str, Json], ...] = ()
    given: Mapping[str, Given] = {}
    spec: Snapshot | None = None

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self != Changes()


@dataclass(frozen=True, slots=True)
class Replaying:
    """Makes requests of logged runs. `media` are those of the runs, `snapshots` their files as they were."""

    workspace: Workspace
    media: MediaStore
    snapshots: Snapshots
    changes: Changes = field(default_factory=Changes)

    def again(self, then: Record, *, at: int | None = None) -> Resolved:
        """The request exactly as it was: the first one of a run, or the one `at` so many, on its own.

        Raises `NotReplayable` where that cannot be sent, `SetupError` and `SpecError` where its model, or what is
        expected of it today, is wrong.
        """
        resolved = resend(self.workspace, then, self.media, at=at or 0)
        if at is not None:
            return resolved
        return resolved._replace(expectations=expectations_of(self.workspace, then, self.media))

    def changed(self, then: Record) -> Resolved:
        """The request with what is changed. Raises what `again` does, and `UsageError` for changes that do not fit."""
        model, settings, given, spec = self.changes
        if spec is not None:
            drawing = overridden_then(then, self.media).drawing
            return self._made(then, spec, Overrides(model, settings, drawing))
        if not settings and not given:
            return self._moved(self.again(then), model) if model is not None else self.again(then)
        if then.spec is not None and then.parent is None:
            before = overridden_then(then, self.media)
            overrides = Overrides(model or before.model, (*before.set, *settings), before.drawing)
            return self._made(then, self.snapshots.of_run(then), overrides)
        if given:
            why = "goes on where another run left off" if then.parent else "was made of no spec"
            raise NotReplayable(f"run {then.id} has no variables: it {why}", hint="change it with --set or --model")
        return self._rendered(then, Overrides(model, settings))

    def today(self, then: Record) -> Resolved:
        """The request that the spec of a run makes today, with the variables and options of then.

        A run of no spec is what it was. Raises what `again` does.
        """
        if then.spec is None or then.parent is not None:
            return self.again(then)
        if then.spec.path == "-":
            return self._made(then, self.snapshots.of_run(then), overridden_then(then, self.media))
        found = spec_today(self.workspace, then.spec)
        if found is None:
            raise NotReplayable(
                f"run {then.id}: there is no {then.spec.path} in the workspace any more",
                hint="of a spec that has another name now, make a new recording; remove the line of this one",
            )
        try:
            return self._made(then, Snapshot(self.workspace, *found), overridden_then(then, self.media))
        except WrongVariables as error:
            hint = f"give {' and '.join(error.faults)} a default that fits, or make a new recording"
            faults = (found[0].problem(("variables", name), said, hint) for name, said in error.faults.items())
            raise SpecError(faults) from None

    def _made(self, then: Record, spec: Snapshot, overrides: Overrides) -> Resolved:
        before = given_then(self.workspace, then, self.media, spec.document)
        check_given(then, {name: value for name, value in before.items() if name not in self.changes.given})
        given: dict[str, Given] = {**before, **self.changes.given}
        return resolve(spec.workspace, spec.document, spec.file, given=given, overrides=overrides)._replace(of=then)

    def _rendered(self, then: Record, overrides: Overrides) -> Resolved:
        """The request of no spec, written as one, with changes."""
        before = resend(self.workspace, then, self.media)
        said = respec(self.workspace, before.request, before.model, read=self.media.get)
        document = parse(json.dumps(said), file=before.name or "-", format="json")
        return resolve(self.workspace, document, None, given={}, overrides=overrides)._replace(of=then)

    def _moved(self, resolved: Resolved, name: str) -> Resolved:
        try:
            model = model_reference(self.workspace, name)
            elsewhere = model.name is not None or model.provider != resolved.model.provider
            api = model.api(None if elsewhere else resolved.request.api)
        except BadReference as error:
            raise UsageError(f"--model {name}: {error.message}", hint=error.hint) from None
        return turned(resolved, self.workspace, model, api)._replace(expectations=resolved.expectations)
