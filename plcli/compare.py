"""A logged run and a new one of the same request: which checks pass, and the verdict that follows.

Nothing is called here. What a check looks at is the business of `checks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from plcli.brevity import cut
from plcli.canonical import answer_of, as_answered, pictures_of, state_of
from plcli.checks import KINDS, Found, Sides
from plcli.errors import UsageError
from plcli.matchers import equal
from plcli.media import Json
from plcli.records import ExpectationRecord, Record
from plcli.regexes import Undecided
from plcli.replayrecords import CheckRecord, Verdict
from plcli.response import Failure
from plcli.runs import ANSWERED_NO
from plcli.spelling import did_you_mean

CHECKS: Mapping[str, str] = {name: kind.help for name, kind in KINDS.items()}
"""The name of each check, and a line of help."""

REASONS = 2
"""Reasons of a verdict that are told one by one."""

LONGEST_REASON = 300
"""Characters of each of them."""

_ANSWERS = frozenset(["invalid", "not_found", "safety"])
"""Kinds of failure by which a provider answers to the request; others tell of the line, the account or the moment."""


class Check(NamedTuple):
    """A check that was chosen, with its number, if it takes one."""

    name: str
    bound: float | None = None

    def __str__(self) -> str:
        return self.name if self.bound is None else f"{self.name}={self.bound:g}"


def parse_checks(texts: Sequence[str]) -> tuple[Check, ...]:
    """The checks of `--check text,usage=1.5`, given once or several times, each once. Raises `UsageError`."""
    words = (word.strip() for text in texts for word in text.split(","))
    return tuple(dict.fromkeys(_check(word) for word in words))


def default_checks(then: Record, now: Record) -> tuple[Check, ...]:
    """What fits the answers: state and calls; pictures where there are any; structured output where both have it,
    else the words."""
    structured = all(run.response is not None and run.response.output is not None for run in (then, now))
    images = ["images"] if pictures_of(then) or pictures_of(now) else []
    return tuple(map(Check, ["state", "tool-calls", *images, "json" if structured else "text"]))


def compare(
    then: Record, now: Record, checks: Sequence[Check] = (), *, output_schema: Json = None
) -> tuple[CheckRecord, ...]:
    """What each check finds, without any the default ones; one that cannot be told fails, and says why.

    `output_schema` is that of the structured output which the new request asks for, if any.
    """
    then, now = as_answered(then), as_answered(now)
    return tuple(_held(check, then, now, output_schema) for check in checks or default_checks(then, now))


def verdict_of(
    then: Record, now: Record, checked: Sequence[CheckRecord], expectations: Sequence[ExpectationRecord]
) -> tuple[Verdict, str | None]:
    """The verdict on a new run, and the reason where it is not identical.

    What counts is what the model answered: a call of a tool that nobody answers, where the log alone may, is one that
    was not made then. A call that failed is `failed`, unless the provider refuses the request as it did before. A check
    that fails and is no noise, or an expectation that fails, is drift.
    """
    then, now = as_answered(then), as_answered(now)
    if now.error is not None and not _answered(then, now, now.error):
        return "failed", cut(": ".join(dict.fromkeys((now.error.kind, now.error.message))), LONGEST_REASON)
    reasons = [f"{check.name}: {check.message}" for check in checked if not check.passed and not check.noise]
    reasons += (f"{one.path}: {one.message or 'not as wanted'}" for one in expectations if not one.passed)
    if reasons:
        return "drifted", _first(reasons)
    if _identical(then, now):
        return "identical", None
    passed, noise = (", ".join(check.name for check in checked if check.passed is passed) for passed in (True, False))
    told = [f"the same by {passed}"] if passed else []
    told += [f"unchanged it differs too by {noise}"] if noise else []
    return "equivalent", "; ".join(told) or None


def _check(word: str) -> Check:
    name, equals, number = word.partition("=")
    kind = KINDS.get(name)
    if kind is None:
        meant = did_you_mean(name, KINDS)
        hint = f"did you mean {meant}?" if meant else f"it is one of: {', '.join(KINDS)}"
        raise UsageError(f"--check {cut(word, 40)!r} is no check", hint=hint)
    if kind.takes == "nothing":
        if equals:
            raise UsageError(f"--check {cut(word, 40)!r}: {name} takes no number", hint=f"write --check {name}")
        return Check(name)
    example = f"write --check {name}={kind.bound or 0.8:g}"
    if not equals:
        if kind.bound is None:
            raise UsageError(f"--check {name} needs a number: how alike is alike enough is yours to say", hint=example)
        return Check(name, kind.bound)
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    most = 1.0 if kind.takes == "share" else math.inf
    if not 0 < bound <= most or math.isinf(bound):
        wanted = "over 0 and up to 1" if kind.takes == "share" else "over 0"
        raise UsageError(f"--check {cut(word, 40)!r}: {name} takes a number {wanted}", hint=example)
    return Check(name, bound)


def _held(check: Check, then: Record, now: Record, schema: Json) -> CheckRecord:
    bound = check.bound if check.bound is not None else 1.0
    try:
        found = KINDS[check.name].judge(Sides(then, now, bound, schema))
    except Undecided as reason:
        found = Found(False, message=f"cannot be told: {reason}")
    except RecursionError:
        found = Found(False, message="cannot be told: too deeply nested to be compared")
    return CheckRecord(name=str(check), passed=found.passed, wanted=found.wanted, got=found.got, message=found.message)


def _answered(then: Record, now: Record, error: Failure) -> bool:
    """Whether a run that failed was answered all the same: by a no of the model, or as the logged one was."""
    if state_of(now) in ANSWERED_NO:
        return True
    return then.error is not None and error.kind in _ANSWERS and then.error.kind == error.kind


def _identical(then: Record, now: Record) -> bool:
    try:
        return equal(answer_of(then), answer_of(now))
    except RecursionError:
        return False


def _first(reasons: Sequence[str]) -> str:
    more = [f"and {len(reasons) - REASONS} more"] if len(reasons) > REASONS else []
    return "; ".join([*(cut(reason, LONGEST_REASON) for reason in reasons[:REASONS]), *more])
