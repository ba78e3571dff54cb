"""Judging replays: what a logged run is held against, and what came of sending it again.

A request that cannot be made, or that no recording answers, has an outcome too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plcli import paths
from plcli.compare import Check, compare, verdict_of
from plcli.diffing.drift import differences, to_keep
from plcli.documents import Document
from plcli.errors import NotReplayable, PlcliError, Problem, SpecError, UsageError
from plcli.exchange import Target
from plcli.failures import failure_of
from plcli.loggedwires import model_of
from plcli.media import Json, MediaMissing
from plcli.mediastore import MediaStore
from plcli.outcomes import Outcome
from plcli.providers.registry import adapter
from plcli.recall import read_again
from plcli.records import Record, ResponseRecord
from plcli.redact import Redactor
from plcli.replayrecords import Baseline, CheckRecord, Difference, LossRecord, Replay, Verdict
from plcli.request import Loss
from plcli.resolve import Resolved
from plcli.traffic import exchange_of
from plcli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what came of replays: `checks` hold their answers against those of then. `media` are those of the runs."""

    workspace: Workspace
    media: MediaStore
    redactor: Redactor
    checks: tuple[Check, ...] = ()

    def alone(self, then: Record, at: int) -> Record:
        """A run as if one exchange had been all of it: what a replay of that exchange is held against.

        Raises `NotReplayable` where the exchanges are damaged.
        """
        model, api = model_of(self.workspace, then)
        made = adapter(model.provider, api)
        try:
            read = [
                read_again(exchange_of(exchange, Target(exchange.operation, ""), None), made, self.media.get)[0]
                for exchange in then.exchanges[: at + 1]
            ]
        except (ValueError, MediaMissing) as error:
            raise NotReplayable(f"run {then.id}: its exchanges are damaged: {error}") from None
        own = read[-1]
        start = sum(len(one.parts) for one in read[:-1])
        # The record knows more of its pictures than the wire does.
        logged = then.response.parts[start : start + len(own.parts)] if then.response is not None else []
        alike = [part.type for part in logged] == [part.type for part in own.parts]
        response = ResponseRecord.of(own, logged if alike else own.parts)
        exchanges = [then.exchanges[at]]
        update = {"exchanges": exchanges, "response": response, "usage": own.usage, "served_model": own.served_model}
        return then.model_copy(update={**_NOTHING, **update, "id": then.id, "error": own.failure})

    def outcome(
        self,
        then: Record,
        now: Record,
        resolved: Resolved,
        *,
        at: int | None = None,
        baseline: Outcome | None = None,
        changed: bool = False,
    ) -> Outcome:
        """What came of a replay that was answered, or of a call that failed.

        Of an exchange on its own (`at`) the answer to that is what counts. Checks that the `baseline`, the unchanged
        replay, fails too are noise. How the request differs is told where it may have `changed`.
        """
        asked = resolved.request.output
        schema = asked.schema if asked is not None else None
        checked = compare(then, now, self.checks, output_schema=schema)
        failing = baseline and _failing(baseline)
        if failing:
            checked = tuple(_noise(check, failing) for check in checked)
        verdict, reason = verdict_of(then, now, checked, now.expectations or ())
        if verdict == "failed" and now.error is not None and now.error.code in _EXPIRED:
            verdict, reason = "not-replayable", f"what it refers to is gone at the provider: {now.error.message}"
        found = self._differences(then, resolved) if changed else []
        replay = Replay(
            of=then.id,
            exchange=at,
            verdict=verdict,
            reason=reason,
            checks=list(checked) or None,
            differences=found or None,
            losses=[_loss_record(loss) for loss in resolved.losses] or None,
            baseline=baseline and Baseline(run=baseline.now.id or None, verdict=baseline.verdict),
        )
        return _outcome(then, now, replay, resolved.document)

    def another(self, then: Record, now: Record, resolved: Resolved) -> Outcome:
        """What came of a recorded replay that no answer was recorded for: today's request is another one.

        `now` has asked so many times; the last of these requests is the other one.
        """
        at = max(0, len(now.exchanges) - 1)
        recorded = then.exchanges[at] if at < len(then.exchanges) else None
        if recorded is not None and now.exchanges and recorded.key == now.exchanges[at].key:
            return self.refused(then, NotReplayable(f"run {then.id}: it was not answered, so that it cannot answer"))
        found = self._differences(then, resolved, at)
        what = "the request" if at == 0 else f"request {at + 1} of the run"
        reason = f"{what} is not the one that was recorded"
        if found:
            reason += f": {found[0].path}" + (f" and {len(found) - 1} more" if found[1:] else "")
        replay = Replay(of=then.id, verdict="drifted", reason=reason, differences=found or None)
        return _outcome(then, now.model_copy(update={"error": None}), replay)

    def refused(self, then: Record, error: PlcliError, *, at: int | None = None) -> Outcome:
        """What came of a run whose request could not be made, or not be sent."""
        verdict: Verdict = "not-replayable" if isinstance(error, NotReplayable) else "failed"
        failure = failure_of(error)
        if isinstance(error, UsageError):
            failure = failure.model_copy(update={"kind": SpecError.kind})
        reason = _told(error) if isinstance(error, SpecError) else error.message.removeprefix(f"run {then.id}: ")
        now = then.model_copy(update={**_NOTHING, "error": failure})
        outcome = _outcome(then, now, Replay(of=then.id, exchange=at, verdict=verdict, reason=reason))
        return self._placed(outcome, _wrong(error)[0]) if isinstance(error, SpecError) else outcome

    def _placed(self, outcome: Outcome, problem: Problem) -> Outcome:
        """The outcome with the place of what is wrong in a file of the workspace."""
        file = Path(os.path.abspath(self.workspace.start / problem.file))
        if problem.line is None or not file.is_relative_to(self.workspace.root):
            return outcome
        return outcome._replace(file=file.relative_to(self.workspace.root).as_posix(), line=problem.line)

    def _differences(self, then: Record, resolved: Resolved, at: int = 0) -> list[Difference]:
        """Those between the request of a run and the one that is made of it now."""
        try:
            found = differences(then, resolved, at)
        except NotReplayable:
            return []
        return to_keep(found, then, resolved, self.media, self.redactor)


_EXPIRED = frozenset({"previous_response_not_found", "conversation_not_found", "file_not_found", "container_expired"})
"""Codes by which a provider says that what it kept for a request is gone."""

_NOTHING: dict[str, Json] = {
    "id": "",
    "exchanges": [],
    "tool_results": None,
    "response": ResponseRecord(state="error"),
    "usage": None,
    "cost": None,
    "expectations": None,
    "replay": None,
    "batch": None,
}


def _outcome(then: Record, now: Record, replay: Replay, document: Document | None = None) -> Outcome:
    """The outcome, with the place of what is another one now: of the request, or of what `document` expects."""
    placed = next((one for one in replay.differences or () if one.file), None)
    missed = next((one for one in now.expectations or () if not one.passed), None)
    spec = now.spec or then.spec
    file = placed.file if placed is not None else spec.path if spec is not None else None
    name = spec.path if spec is not None else f"run {then.tail}"
    now = now.model_copy(update={"replay": replay})
    stated = document.position(paths.parse(missed.path))[0] if document is not None and missed is not None else None
    return Outcome(then, now, name, file, placed.line if placed is not None else stated)


def _told(error: SpecError) -> str:
    wrong = _wrong(error)
    path, more = f" (at {wrong[0].path})" if wrong[0].path else "", f" and {len(wrong) - 1} more" if wrong[1:] else ""
    return ": ".join(filter(None, (wrong[0].where, wrong[0].message))) + path + more


def _wrong(error: SpecError) -> Sequence[Problem]:
    return [one for one in error.problems if one.severity == "error"] or error.problems


def _failing(baseline: Outcome) -> frozenset[str]:
    checks = baseline.now.replay.checks if baseline.now.replay is not None else None
    return frozenset(check.name for check in checks or () if not check.passed)


def _noise(check: CheckRecord, failing: frozenset[str]) -> CheckRecord:
    return check if check.passed or check.name not in failing else check.model_copy(update={"noise": True})


def _loss_record(loss: Loss) -> LossRecord:
    return LossRecord(path=loss.path, kind=loss.kind, message=loss.message)
