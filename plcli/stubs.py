"""Stubs: answers of tools that a file holds, found by the arguments of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from plcli.brevity import cut
from plcli.conformance import mismatch
from plcli.matchers import members_mismatch, shown
from plcli.media import Json
from plcli.regexes import Undecided, seconds_left, within
from plcli.specs.tool import Stub

SECONDS = 5.0
"""Longest time for the conditions that one call is held against."""

MOST_TOLD = 3
"""Differences from the nearest stub that are worth a reader's time."""

_LONGEST_TOLD = 200


class StubAnswer(NamedTuple):
    """What a stub answers: a result, or the words of a failure, each after so many milliseconds."""

    result: Json = None
    error: str | None = None
    delay_ms: int = 0


class NoStub(ValueError):
    """No stub answers a call; the message shows the nearest one and what differs."""


class Stubs:
    """The stubs of one tool, ready to answer; the first whose condition holds does.

    `place` says where the stub of a number stands (`tools/get_weather.stubs.yaml:4`). Answers in turn are
    counted here, so each run has its own.
    """

    def __init__(self, stubs: Sequence[Stub], place: Callable[[int], str]) -> None:
        self._stubs = tuple(stubs)
        self._place = place
        self._turns = [0] * len(self._stubs)

    def answer(self, arguments: Json) -> StubAnswer:
        """The answer to a call, given back without waiting. Raises `NoStub`, after about `SECONDS` at most."""
        with within(SECONDS):
            for index, stub in enumerate(self._stubs):
                try:
                    if holds(stub, arguments):
                        return self._next(index, stub)
                except Undecided as error:
                    unclear = f"whether {self._named(index)} answers {_told(arguments)} cannot be told: {error}"
                    raise NoStub(unclear) from None
            raise NoStub(self._nearest(arguments))

    def _next(self, index: int, stub: Stub) -> StubAnswer:
        delay = stub.delay_ms or 0
        if stub.error is not None:
            return StubAnswer(error=stub.error, delay_ms=delay)
        if stub.return_in_turn is None:
            return StubAnswer(stub.return_, delay_ms=delay)
        if not stub.return_in_turn:
            raise NoStub(f"{self._named(index)} has no answers in turn")
        turn = min(self._turns[index], len(stub.return_in_turn) - 1)
        self._turns[index] += 1
        return StubAnswer(stub.return_in_turn[turn], delay_ms=delay)

    def _nearest(self, arguments: Json) -> str:
        """The stub that fewest arguments differ from, then the one that asks for most of them, then the most alike."""
        if not self._stubs:
            return "it has no stubs"
        told = _told(arguments)
        best: tuple[tuple[int, int, float], int, list[str]] | None = None
        for index, stub in enumerate(self._stubs):
            try:
                reasons = list(_differences(stub, arguments))
            except Undecided:
                continue
            asked = sum(name in arguments for name in stub.when or ()) if isinstance(arguments, dict) else 0
            rank = (-len(reasons), asked, _likeness(stub, told))
            if best is None or rank > best[0]:
                best = rank, index, reasons
        unanswered = f"no stub answers {told}"
        if best is None:
            return unanswered
        _, index, reasons = best
        differing = [cut(reason, _LONGEST_TOLD) for reason in reasons[:MOST_TOLD]]
        if len(reasons) > MOST_TOLD:
            differing.append(f"and {len(reasons) - MOST_TOLD} more")
        return f"{unanswered}; the nearest is {self._named(index)}: {'; '.join(differing)}"

    def _named(self, index: int) -> str:
        return f"stubs[{index}] ({self._place(index)})"


def holds(stub: Stub, arguments: Json) -> bool:
    """Whether a stub answers a call; one without a condition answers all. Raises `Undecided`."""
    return next(_differences(stub, arguments), None) is None


def _differences(stub: Stub, arguments: Json) -> Iterator[str]:
    """Why a stub does not answer a call: a reason for each argument that is otherwise, and for the schema."""
    seconds_left(SECONDS)  # comparing plain values looks at no clock, and there may be many
    if stub.when is not None:
        if isinstance(arguments, dict):
            each = (members_mismatch({name: expected}, arguments) for name, expected in stub.when.items())
            yield from filter(None, each)
        else:
            yield f"{_told(arguments)} is not an object"
    if stub.when_schema is not None and (reason := mismatch(arguments, stub.when_schema)):
        yield f"not valid under when_schema: {reason}"


def _likeness(stub: Stub, told: str) -> float:
    """How alike the condition of a stub and the arguments as they are told look, in percent."""
    from rapidfuzz import fuzz

    return float(fuzz.ratio(_told(stub.given().get("when", stub.when_schema)), told))


def _told(value: Json) -> str:
    try:
        return shown(value)
    except RecursionError:
        return "something nested too deeply to be shown"
