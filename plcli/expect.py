"""Expectations of a spec, held against what a run came to.

Nothing is called or computed here that costs money or time; the facts are observed elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from plcli import conformance, matchers, paths
from plcli.media import Json
from plcli.providers import answer
from plcli.records import ExpectationRecord
from plcli.regexes import Undecided, within
from plcli.response import State, ToolCallPart
from plcli.specs.expectations import CallExpectation, Expectation, OutputExpectation

SECONDS = 10.0
"""Longest time for all expectations of one run."""

NO_OUTPUT = "no structured output was asked for, or none came"
"""Why nothing can be said of an output."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a run; None where cost (US dollars), time (milliseconds) or tokens are not known.

    `output_error` says why there is no structured output.
    """

    text: str
    state: State
    output: Json = None
    output_error: str | None = None
    tool_calls: Sequence[ToolCallPart] = ()
    images: int = 0
    cost: float | None = None
    latency_ms: int | None = None
    tokens: int | None = None


def check(expectations: Iterable[Expectation], observed: Observed) -> tuple[ExpectationRecord, ...]:
    """Each expectation and whether it held; what is not known does not hold, under `not` either.

    Takes about `SECONDS` at most: what could not be decided until then is not known.
    """
    with within(SECONDS):
        return tuple(_record(index, expectation, observed) for index, expectation in enumerate(expectations))


def names(field: str, expectations: Iterable[Expectation]) -> bool:
    """Whether one of these judges `field` (`state`, `cost`) of the answer, at whatever depth."""
    return any(
        field in expectation.model_fields_set
        or names(field, expectation.any or ())
        or (expectation.not_ is not None and names(field, [expectation.not_]))
        for expectation in expectations
    )


def parse_output(text: str, schema: Json) -> tuple[Json, str | None]:
    """The structured output in an answer's words, and why it is not as the schema says, or None.

    The words must be JSON and nothing else; where they are not, the output is None.
    """
    try:
        output = answer.parse(text)
    except ValueError as error:
        fenced = "; it is wrapped in a markdown fence" if text.lstrip().startswith("```") else ""
        return None, f"the answer is not JSON: {error}{fenced}" if text else "the answer is empty, not JSON"
    try:
        reason = conformance.mismatch(output, schema)
    except Undecided as undecided:
        return output, f"the output could not be checked: {undecided}"
    return output, reason and f"the output is not valid: {reason}"


_FACTS = frozenset(["text", "state", "images", "cost", "latency_ms", "tokens"])


class _Judgement(NamedTuple):
    """Whether something holds (None: cannot be told), why not, and what was found instead."""

    holds: bool | None
    message: str | None = None
    got: Json = None


def _record(index: int, expectation: Expectation, observed: Observed) -> ExpectationRecord:
    (name, wanted), *_ = expectation.given().items()
    holds, message, got = _judge(expectation, observed)
    passed = holds is True
    return ExpectationRecord(
        path=f"expect[{index}].{name}",
        passed=passed,
        wanted=wanted,
        got=None if passed else got,
        message=None if passed else message,
    )


def _judge(expectation: Expectation, observed: Observed) -> _Judgement:
    try:
        if expectation.any is not None:
            return _judge_any(expectation.any, observed)
        if expectation.not_ is not None:
            return _judge_not(expectation.not_, observed)
        if expectation.output is not None:
            return _judge_output(expectation.output, observed)
        if expectation.tool_called is not None:
            return _judge_call(expectation.tool_called, observed.tool_calls)
        if expectation.tool_not_called is not None:
            return _judge_no_call(expectation.tool_not_called, observed.tool_calls)
        return _judge_fact(expectation, observed)
    except Undecided as reason:
        return _Judgement(None, str(reason))


def _judge_fact(expectation: Expectation, observed: Observed) -> _Judgement:
    (name,) = expectation.model_fields_set
    if name not in _FACTS:
        return _Judgement(None, "null expects nothing")
    fact = getattr(observed, name)
    if fact is None:
        return _Judgement(None, f"{name}: not known")
    return _judged(matchers.mismatch(getattr(expectation, name), fact), fact)


def _judged(reason: str | None, got: Json) -> _Judgement:
    return _Judgement(reason is None, reason, got)


def _judge_any(choices: Sequence[Expectation], observed: Observed) -> _Judgement:
    judgements = [_judge(choice, observed) for choice in choices]
    if any(judgement.holds for judgement in judgements):
        return _Judgement(True)
    known = all(judgement.holds is False for judgement in judgements)
    reasons = " / ".join(judgement.message or "" for judgement in judgements)
    return _Judgement(False if known else None, f"none of these holds: {reasons}" if reasons else "nothing to hold")


def _judge_not(unwanted: Expectation, observed: Observed) -> _Judgement:
    judgement = _judge(unwanted, observed)
    if judgement.holds is None:
        return judgement
    (name,) = unwanted.given()
    return _Judgement(not judgement.holds, f"it should not hold, but does: {name}", judgement.got)


def _judge_output(expectation: OutputExpectation, observed: Observed) -> _Judgement:
    if observed.output_error is not None:
        return _Judgement(None, observed.output_error)
    value = observed.output
    if expectation.path is not None:
        absent = object()
        try:
            value = paths.find(value, expectation.path, absent)
        except ValueError as malformed:
            raise Undecided(str(malformed)) from None
        if value is absent:
            return _Judgement(False, f"the output has nothing at {expectation.path}", observed.output)
    return _judged(matchers.mismatch(expectation, value), value)


def _judge_call(expectation: str | CallExpectation, calls: Sequence[ToolCallPart]) -> _Judgement:
    wanted = CallExpectation(name=expectation) if isinstance(expectation, str) else expectation
    named = [call for call in calls if call.name == wanted.name]
    reasons = [wanted.arguments and matchers.members_mismatch(wanted.arguments, call.arguments) for call in named]
    fitting = reasons.count(None)
    if fitting == wanted.count or (wanted.count is None and fitting):
        return _Judgement(True, got=_listed(calls))
    misfit = next((reason for reason in reasons if reason is not None), None)
    if not named:
        others = ", ".join(dict.fromkeys(call.name for call in calls))
        message = f"{wanted.name} was not called, but {others}" if others else f"{wanted.name} was not called"
    elif fitting or misfit is None:
        message = f"{wanted.name} was called {_times(fitting)}, not {_times(wanted.count or 0)}"
    else:
        message = f"{wanted.name} was called with other arguments: {misfit}"
    return _Judgement(False, message, _listed(calls))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _judge_no_call(name: str, calls: Sequence[ToolCallPart]) -> _Judgement:
    called = any(call.name == name for call in calls)
    return _Judgement(not called, f"{name} was called", _listed(calls))


def _listed(calls: Sequence[ToolCallPart]) -> Json:
    return [{"name": call.name, "arguments": call.arguments} for call in calls]
