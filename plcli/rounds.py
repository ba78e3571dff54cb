"""A run in rounds: the model is asked, its calls are answered, and it is asked again, until it has answered.

What is sent is the adapter's `next_turn` of what was sent before; the provider's own turns go back as they came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from plcli.answering import Answering, Calling
from plcli.connect import Connection
from plcli.delivery import delivered
from plcli.engine import Turn, WaitWatch, Watch, ask
from plcli.errors import PlcliError, ToolError
from plcli.exchange import Target
from plcli.failures import failure_of
from plcli.media import Json, Media, MediaReader
from plcli.policies import REPAIRS
from plcli.providers.registry import Adapter
from plcli.request import Message, Text, ToolResult
from plcli.response import Failure, Response, ToolCallPart, Usage
from plcli.toolanswers import ToolAnswer

BEFORE = -1
"""The exchange of an answer to a call of the run that this one continues."""


class Answered(NamedTuple):
    """A call of a tool with its answer; `exchange` counts from 0 (or is `BEFORE`)."""

    exchange: int
    call: ToolCallPart
    answer: ToolAnswer


@dataclass(frozen=True, slots=True)
class Rounds:
    """What a run came to: its turns, the answers that tools gave, and why there is no whole answer.

    One that only answered calls of the run before has no turn.
    """

    turns: tuple[Turn, ...]
    answered: tuple[Answered, ...] = ()
    failure: Failure | None = None

    @property
    def response(self) -> Response:
        """The last answer; calls that wait, where nothing was asked."""
        return self.turns[-1].response if self.turns else Response(state="tool_calls")

    @property
    def calls(self) -> tuple[ToolCallPart, ...]:
        """All calls of tools, in order."""
        return tuple(call for turn in self.turns for call in turn.response.tool_calls)

    @property
    def calls_of_last(self) -> tuple[tuple[ToolCallPart, ToolAnswer | None], ...]:
        """The calls that the last answer ends with, each with its own answer, if it has one."""
        if self.response.state != "tool_calls":
            return ()
        last = len(self.turns) - 1
        return paired(self.response.tool_calls, [each for each in self.answered if each.exchange == last])

    @property
    def waiting(self) -> tuple[ToolCallPart, ...]:
        """The calls of the last answer that have none."""
        return tuple(call for call, answer in self.calls_of_last if answer is None)

    @property
    def usage(self) -> Usage | None:
        """The tokens of all exchanges."""
        return total([turn.response.usage for turn in self.turns])

    @property
    def duration_ms(self) -> int:
        """Milliseconds of all exchanges, and of what was fetched after them."""
        exchanges = [turn.exchange for turn in self.turns]
        fetched = sum(download.duration_ms for exchange in exchanges for download in exchange.downloads)
        return sum(exchange.duration_ms for exchange in exchanges) + fetched

    @property
    def media(self) -> Media:
        """The bytes of all answers."""
        found: Media = {}
        for turn in self.turns:
            found |= turn.media
        for each in self.answered:
            found |= each.answer.media
        return found


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told what while a run goes on: pieces of answers, waits, whole answers, calls that take their time,
    what tools answered, and each further request."""

    event: Watch
    wait: WaitWatch
    turned: Callable[[Response], None] = field(default=lambda response: None)
    calling: Calling = field(default=lambda call, asked: None)
    answered: Callable[[Answered], None] = field(default=lambda answered: None)
    again: Callable[[], None] = field(default=lambda: None)


UNWATCHED = Watching(lambda event: None, lambda failure, seconds: None)
"""Nobody is told."""


def converse(
    connection: Connection,
    target: Target,
    wire: Json,
    *,
    chain: str,
    stream: bool,
    read_media: MediaReader,
    watching: Watching,
    answering: Answering,
    already: Sequence[Answered] = (),
) -> Rounds:
    """Ask with a wire, and again with the answers to the calls that come, until none is left to be answered.

    `already` are answers that the wire holds. Failures, Ctrl-C and being cancelled end in a value too.
    """
    return _Going(connection, target, chain, stream, read_media, watching, answering).go(wire, already)


@dataclass(slots=True)
class _Going:
    """A run while it goes on; lives as long as `converse`."""

    connection: Connection
    target: Target
    chain: str
    stream: bool
    read_media: MediaReader
    watching: Watching
    answering: Answering
    turns: list[Turn] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    media: Media = field(default_factory=dict)
    until: float = 0.0

    def go(self, wire: Json, already: Sequence[Answered]) -> Rounds:
        """Round after round."""
        self.until = time.monotonic() + self.connection.deadline
        for each in already:
            self.note(each)
        failure: Failure | None = None
        try:
            while failure is None and (following := self.turn(wire)) is not None:
                wire = following
                self.watching.again()
        except (PlcliError, KeyboardInterrupt) as error:
            if not self.turns:
                raise
            failure = failure_of(error)
        return Rounds(tuple(self.turns), tuple(self.answered), failure or self.turns[-1].failure)

    def turn(self, wire: Json) -> Json:
        """Ask once; gives the wire that asks again, or None where the run has come to its end."""
        turn = ask(
            self.connection,
            self.target,
            wire,
            stream=self.stream,
            read_media=self.read,
            watch=self.watching.event,
            watch_wait=self.watching.wait,
            cancel=self.answering.cancel,
            until=self.until,
        )
        cancel = self.answering.cancel
        turn = delivered(turn, self.connection, read_media=self.read, cancel=cancel, until=self.until)
        self.turns.append(turn)
        self.media |= turn.media
        self.watching.turned(turn.response)
        if turn.failure is not None or turn.response.state != "tool_calls":
            return None
        results = self.answers(turn.response.tool_calls)
        if results is None:
            return None
        told, adapter = [Message("tool", tuple(results))], self.connection.adapter
        following = adapter.next_turn(wire, turn.exchange.answer, told, self.chain)
        self.target = adapter.target_of(following, self.target.model)
        return following

    def answers(self, calls: Sequence[ToolCallPart]) -> list[ToolResult] | None:
        """The results of all calls of a turn, or None where one is left to whoever continues the run.

        What can be answered is answered all the same: what has been done is not done again.
        """
        terms, exchange = self.answering.terms, len(self.turns) - 1
        if all(self.answering.policy(call) == "stop" for call in calls):
            return None
        if exchange >= terms.rounds:
            raise stopped_at("--max-rounds", terms.rounds)
        if len(self.answered) + len(calls) > terms.calls:
            raise stopped_at("--max-calls", terms.calls)
        results: list[ToolResult] = []
        wrong = False
        for call in calls:
            answer = self.answer(call)
            stopped = self.answering.cancel.asked
            # A handler that the cancel has ended has not answered; what one has done until then is kept.
            if answer is not None and not (stopped and answer.error is not None):
                self.note(Answered(exchange, self.answering.understood(call), answer))
                wrong = wrong or answer.wrong
                results.append(result_of(call, answer, self.connection.adapter))
            if stopped:
                raise KeyboardInterrupt
        self.answering.wrong = self.answering.wrong + 1 if wrong else 0
        if self.answering.wrong > REPAIRS:
            raise ToolError(
                f"the calls were wrong in {self.answering.wrong} rounds in a row: {self.answered[-1].answer.error}",
                hint="plcli tools check; plcli log show RUN tells what was called",
            )
        return results if len(results) == len(calls) else None

    def answer(self, call: ToolCallPart) -> ToolAnswer | None:
        """The answer to a call. While a person thinks, the deadline of the run waits."""
        began = time.monotonic()
        answer = self.answering.answer(call, self.until - began, self.watching.calling)
        if self.answering.terms.policies.of(call.name) == "ask":
            self.until += time.monotonic() - began
        return answer

    def note(self, answered: Answered) -> None:
        """Keep an answer, and show it."""
        self.answered.append(answered)
        self.media |= answered.answer.media
        self.watching.answered(answered)

    def read(self, digest: str) -> bytes:
        """The bytes of a medium: of what tools answered and models drew in this run, else of the request."""
        data = self.media.get(digest)
        return data if data is not None else self.read_media(digest)


def paired(
    calls: Iterable[ToolCallPart], answered: Iterable[Answered]
) -> tuple[tuple[ToolCallPart, ToolAnswer | None], ...]:
    """Each call with its answer, if it has one; those that are alike are answered in their order."""
    left = list(answered)
    pairs: list[tuple[ToolCallPart, ToolAnswer | None]] = []
    for call in calls:
        found = next((each for each in left if (each.call.id, each.call.name) == (call.id, call.name)), None)
        if found is not None:
            left.remove(found)
        pairs.append((call, found.answer if found is not None else None))
    return tuple(pairs)


def stopped_at(limit: str, number: int) -> ToolError:
    """The error that ends a run at a limit of the command line."""
    return ToolError(f"stopped at {limit} {number}", hint=f"allow more: {limit} {2 * number}")


def result_of(call: ToolCallPart, answer: ToolAnswer, adapter: Adapter) -> ToolResult:
    """What goes back to the model for a call; words say what the api cannot take in a result."""
    content = answer.content
    if not isinstance(content, str):
        refused = adapter.cannot_return
        content = tuple(Text(f"[{reason}]") if (reason := refused(part)) else part for part in content)
    return ToolResult(call.id, content, call.name)


def total(usages: Sequence[Usage | None]) -> Usage | None:
    """The tokens of several exchanges together; None where none of them said."""
    said = [usage for usage in usages if usage is not None]
    if len(said) <= 1:
        return said[0] if said else None
    sums: dict[str, Json] = {}
    for usage in said:
        for name in Usage.model_fields:
            sums[name] = _added(sums.get(name), getattr(usage, name))
    return Usage(**sums)


def _added(one: Json, other: Json) -> Json:
    """Two amounts together; of objects each member."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _added(one.get(name), other.get(name)) for name in (*one, *(other.keys() - one.keys()))}
    numbers = [value for value in (one, other) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == 2:
        return numbers[0] + numbers[1]
    return other if one is None else one
