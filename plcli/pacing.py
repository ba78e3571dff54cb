"""How fast plans may run: the pace that those of a model share, and the tokens that they use."""

from __future__ import annotations

import time
from dataclasses import replace

from plcli.exchange import canonical
from plcli.media import encode
from plcli.pace import Pace
from plcli.response import Failure
from plcli.rounds import Rounds, Watching
from plcli.running import Plan
from plcli.runs import Run
from plcli.waits import LONGEST_WAIT


class Paces:
    """The pace of each plan; those of one model at one address share theirs.

    `alone` says that the first run of each must tell what one costs, before more of them start.
    """

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._shared: dict[tuple[str, str | None], Pace] = {}

    def of(self, plan: Plan) -> Pace:
        """The pace of a plan."""
        spec = plan.resolved.model.spec
        place = (plan.resolved.model_name, plan.connection.base_url)
        return self._shared.setdefault(place, Pace(spec.limits if spec else None, alone=self._alone))


def learn(run: Run, pace: Pace) -> str | None:
    """What a run tells of the others of its model: what they cost, and why no more of them should start."""
    failure = run.failure
    if run.cost is not None or failure is None:
        pace.alone = False
    pause = _pause(failure)
    return f"{run.resolved.model_name} asks for a pause of {pause:.0f} s" if pause > LONGEST_WAIT else None


def heed(rounds: Rounds, pace: Pace) -> Rounds:
    """The rounds of a run, in its thread: others of its model that are about to start keep the pause it was told."""
    pause = _pause(rounds.failure)
    if pause:
        pace.hold(time.monotonic() + pause)
    return rounds


def _pause(failure: Failure | None) -> float:
    """Seconds that the endpoint asks to be left alone for."""
    return (failure.retry_after or 0.0) if failure is not None and failure.kind == "rate_limit" else 0.0


def held_back(watching: Watching, pace: Pace) -> Watching:
    """The same, while the waits and further requests of a run count for its pace too."""

    def wait(failure: Failure, seconds: float) -> None:
        until = time.monotonic() + seconds
        pace.again(until)
        if failure.kind == "rate_limit":
            pace.hold(until)
        watching.wait(failure, seconds)

    return replace(watching, wait=wait, again=lambda: pace.again(time.monotonic()))


def guess(plan: Plan) -> int:
    """The tokens that a plan may use, some four characters each; 0 where no limit asks."""
    spec = plan.resolved.model.spec
    if spec is None or spec.limits is None or spec.limits.tpm is None:
        return 0
    asked = plan.resolved.request.params.get("max_output_tokens")
    return len(canonical(encode(plan.resolved.compiled.wire))) // 4 + (asked if isinstance(asked, int) else 0)


def tokens(rounds: Rounds) -> int:
    """The tokens that a run has used, as far as the provider says."""
    usage = rounds.usage
    if usage is None:
        return 0
    return usage.total_tokens or (usage.input_tokens or 0) + (usage.output_tokens or 0)


def lowest(*limits: float | None) -> float | None:
    """The lowest of several limits; None where there is none."""
    return min((limit for limit in limits if limit is not None), default=None)
