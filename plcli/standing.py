"""Where a conversation stands after a run: what was sent last, what was answered, and which calls wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plcli.exchangerecords import ToolResultRecord
from plcli.media import Json
from plcli.overrides import Overrides
from plcli.providers.registry import Compiled, adapter
from plcli.records import Record
from plcli.request import Message, Request
from plcli.resolve import Resolved
from plcli.response import ToolCallPart
from plcli.rounds import Answered
from plcli.runs import Run
from plcli.toolanswers import ToolAnswer


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands: its last request, and what was answered to it (None: nothing, or nothing whole).

    `calls` are those of the answer, each with the answer it has got, if any; `given` are the answers that came
    after the run, and `results` all that tools have answered until then, as far as it is known.
    """

    resolved: Resolved
    answer: Json = None
    calls: tuple[tuple[ToolCallPart, ToolAnswer | None], ...] = ()
    given: tuple[Answered, ...] = ()
    results: tuple[ToolResultRecord, ...] = ()

    @property
    def waiting(self) -> tuple[ToolCallPart, ...]:
        """The calls that have no answer yet."""
        return tuple(call for call, answer in self.calls if answer is None)

    @property
    def over(self) -> bool:
        """Whether everything that was said has its answer."""
        return self.answer is not None and not self.calls

    def following(self, turns: Sequence[Message] = ()) -> Resolved:
        """The request with its answer and these turns after it; without any, it holds the answer itself."""
        resolved = self.resolved
        if self.answer is None and not turns:
            return resolved
        made = adapter(resolved.model.provider, resolved.request.api)
        kept = resolved.request.chain if self.answer is not None and turns else "echo"
        wire = made.next_turn(resolved.compiled.wire, self.answer, turns, kept)
        compiled = Compiled(wire, made.target_of(wire, resolved.compiled.target.model))
        return resolved._replace(request=_sent(resolved, compiled), compiled=compiled, expectations=())


def standing_after(run: Run, record: Record) -> Standing | None:
    """Where a run leaves the conversation; None where it was answered nothing at all."""
    rounds, resolved = run.rounds, run.resolved
    last = rounds.turns[-1]
    whole = last.failure is None and last.response.whole
    if not whole and len(rounds.turns) == 1:
        return None
    compiled = Compiled(last.exchange.request, last.exchange.target)
    sent = resolved._replace(
        request=_sent(resolved, compiled),
        compiled=compiled,
        spec=None,
        document=None,
        file=None,
        sources=(),
        expectations=(),
        media=resolved.media | rounds.media,
        overrides=Overrides(),
        losses=(),
        parent=record if record.id else resolved.parent,
    )
    calls = rounds.calls_of_last if whole else ()
    answer = last.exchange.answer if whole else None
    return Standing(sent, answer, calls, results=tuple(record.tool_results or ()))


def _sent(resolved: Resolved, compiled: Compiled) -> Request:
    """What a wire says, as a request; a first one does not show to what it will be chained."""
    made = adapter(resolved.model.provider, resolved.request.api)
    return made.uncompile(compiled.wire, compiled.target)._replace(chain=resolved.request.chain)
