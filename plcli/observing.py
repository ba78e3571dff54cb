"""What a logged run came to, as expectations and checks look at it.

Nothing is asked or computed again: the record says it all.
"""

from __future__ import annotations

from plcli.canonical import parts_of, pictures_of, state_of, words_of
from plcli.expect import NO_OUTPUT, Observed
from plcli.records import ExpectationRecord, Record
from plcli.response import ToolCallPart


def observed(record: Record) -> Observed:
    """The facts of a record that expectations are about; an output of `null` counts as none.

    Law: a spec's expectations, held against this, give what the run itself found.
    """
    response, cost = record.response, record.cost
    output = response.output if response is not None else None
    complaints = (one.message for one in own_findings(record))
    return Observed(
        text=words_of(record),
        state=state_of(record),
        output=output,
        output_error=next(complaints, NO_OUTPUT if output is None else None),
        tool_calls=tuple(parts_of(record, ToolCallPart)),
        images=len(pictures_of(record)),
        cost=cost.amount if cost is not None else None,
        latency_ms=latency_ms(record),
        tokens=tokens_of(record),
    )


def latency_ms(record: Record) -> int:
    """Milliseconds of all exchanges, and of what was fetched after them."""
    fetched = (download.duration_ms for exchange in record.exchanges for download in exchange.downloads or ())
    return sum(exchange.duration_ms for exchange in record.exchanges) + sum(fetched)


def tokens_of(record: Record) -> int | None:
    """The tokens of all exchanges, in and out, where the provider says them."""
    return record.usage.total_tokens if record.usage is not None else None


def own_findings(record: Record) -> tuple[ExpectationRecord, ...]:
    """What a run itself found wrong with its structured output, beside all expectations."""
    return tuple(one for one in record.expectations or () if one.path == "output" and not one.passed)
