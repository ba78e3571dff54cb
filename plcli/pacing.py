"""How fast plans may run: the pace that those of a model share, and the tokens that they use."""

from __future__ import annotations

from collections.abc import Sequence

from plcli.exchange import canonical
from plcli.media import encode
from plcli.pace import Pace
from plcli.rounds import Rounds
from plcli.running import Plan


def paces(plans: Sequence[Plan], *, alone: bool) -> list[Pace]:
    """The pace of each plan; those of one model at one address share theirs.

    `alone` says that the first run of each must tell what one costs, before more of them start.
    """
    shared: dict[tuple[str, str | None], Pace] = {}
    found = []
    for plan in plans:
        model = plan.resolved.model
        place = (plan.resolved.model_name, plan.connection.base_url)
        found.append(shared.setdefault(place, Pace(model.spec.limits if model.spec else None, alone=alone)))
    return found


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
