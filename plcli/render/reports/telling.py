"""What came of a replay, in words that every form of a report can show: harmless, bounded, without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from plcli import git
from plcli.brevity import counted, cut
from plcli.media import Json
from plcli.observing import latency_ms
from plcli.outcomes import Outcome, Totals
from plcli.plaintext import harmless
from plcli.records import Record
from plcli.render.reports.sides import LINE, sides, words
from plcli.render.reports.values import Values
from plcli.replayrecords import Difference, Verdict

NAME = 200
"""Characters of a name."""

PATH = 1_000
"""Characters of a path."""

REASON = 500
"""Characters of a reason."""

DETAILS = 20_000
"""Characters of all details of one replay."""


class Told(NamedTuple):
    """One replay in words. `spec` is what its request was made of and, with `name`, the same from day to day.

    `file` (from the root of the repository) and `line` are where its request stands. `details` are lines of a diff.
    """

    outcome: Outcome
    name: str
    spec: str
    file: str | None
    line: int | None
    verdict: Verdict
    reason: str | None
    details: tuple[str, ...]
    then: dict[str, Json]
    now: dict[str, Json]

    @property
    def green(self) -> bool:
        """Whether it is as it was."""
        return self.outcome.green

    @property
    def place(self) -> str:
        """`file:line`, as far as known."""
        return (self.file or "") + (f":{self.line}" if self.file and self.line else "")


class Ending(NamedTuple):
    """How it ended: `stopped` says why not everything that was asked for has been replayed, if so."""

    command: str
    started: datetime
    totals: Totals
    stopped: str | None = None

    @property
    def title(self) -> str:
        """What the report is of."""
        return f"plcli {self.command}"


class Teller:
    """Puts outcomes into words; `root` is the workspace, to which their files are relative."""

    def __init__(self, root: Path, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._root = root
        self._repository = git.root(root) or root

    def tell(self, outcome: Outcome) -> Told:
        """The outcome in words."""
        then, verdict = outcome.then, outcome.verdict
        file = self._from_repository(outcome.file) if outcome.file else None
        spec = self._from_repository(then.spec.path) if then.spec is not None else file
        return Told(
            outcome,
            name=self.line(_name(outcome), NAME),
            spec=spec or "runs without a spec",
            file=file,
            line=outcome.line,
            verdict=verdict,
            reason=None if outcome.green else self.line(_reason(outcome), REASON),
            details=() if outcome.green else _bounded(self._details(outcome)),
            then=self._facts(then),
            now=self._facts(outcome.now),
        )

    def _facts(self, record: Record) -> dict[str, Json]:
        return {
            name: self.line(value, NAME) if isinstance(value, str) else value for name, value in facts(record).items()
        }

    def line(self, text: str, most: int = REASON) -> str:
        """A text on one line, harmless and without secrets."""
        # Most of a long text is not shown, so most of it need not be made harmless, which at most halves it.
        return cut(harmless(self._redact(text)[: 4 * most], multiline=False), most)

    def _from_repository(self, file: str) -> str:
        """A path as the repository's root sees it; one that lies elsewhere as it is."""
        path = Path(os.path.abspath(self._root / file)) if file != "-" and "\0" not in file else Path(file)
        inside = path.is_relative_to(self._repository)
        return self.line(path.relative_to(self._repository).as_posix() if inside else file, PATH)

    def _details(self, outcome: Outcome) -> Iterator[str]:
        now, values = outcome.now, Values(self._redact)
        replay = now.replay
        if now.error is not None:
            why = f"{now.error.kind}: {now.error.message}"
            if why != outcome.reason and outcome.verdict != "not-replayable":
                yield from self._block(why)
            yield from self._block(f"hint: {now.error.hint}" if now.error.hint else "")
        for difference in (replay and replay.differences) or ():
            yield f"--- then: {self.line(difference.path, NAME)}"
            yield f"+++ now: {self.line(_place(difference), NAME)}"
            old = None if difference.kind == "added" else words(values.take(difference.old))
            new = None if difference.kind == "removed" else words(values.take(difference.new))
            yield from sides(old, new)
        for check in (replay and outcome.answered and replay.checks) or ():
            if not check.passed:
                noise = " (the unchanged request fails it too)" if check.noise else ""
                yield from self._held(f"check {check.name}{noise}", check.message, check.wanted, check.got, values)
        for expectation in (outcome.answered and now.expectations) or ():
            if not expectation.passed:
                title = f"expectation {expectation.path}"
                yield from self._held(title, expectation.message, expectation.wanted, expectation.got, values)
        for loss in (replay and replay.losses) or ():
            yield self.line(f"not carried over: {loss.path}: {loss.message}", LINE)

    def _held(self, title: str, message: str | None, wanted: Json, got: Json, values: Values) -> Iterator[str]:
        """Something that the answer was held against."""
        shown = self.line(title, NAME)
        yield f"--- {shown}: wanted"
        yield f"+++ {shown}: got"
        if message:
            yield f"@@ {self.line(message, REASON)} @@"
        yield from sides(words(values.take(wanted)), words(values.take(got)))

    def _block(self, text: str) -> Iterator[str]:
        """Words that are no part of a diff, whatever their lines begin with."""
        return (f" {line}" for line in harmless(self._redact(text)[: 4 * DETAILS]).split("\n")) if text else iter(())


def facts(record: Record) -> dict[str, Json]:
    """What is known of a run, for programs: tokens, US dollars, milliseconds; nothing that is not known."""
    usage, cost = record.usage, record.cost
    found = {
        "run": record.id or None,
        "time": record.time or None,
        "provider": record.provider,
        "model": record.model,
        "served_model": record.served_model,
        "state": record.response.state if record.response else None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cost": cost.amount if cost else None,
        "duration_ms": latency_ms(record) if record.exchanges else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _name(outcome: Outcome) -> str:
    """What tells a replay from all others, and is the same when it is replayed tomorrow."""
    then, now = outcome.then, outcome.now
    run = f"run {then.tail}"
    which = [run] if then.id and run != outcome.name else []
    if now.replay is not None and now.replay.exchange is not None:
        which.append(f"exchange {now.replay.exchange + 1}")
    if (now.provider, now.model) != (then.provider, then.model) and now.model:
        which.append(f"on {now.provider}/{now.model}")
    if now.batch is not None and now.batch.repeat is not None:
        which.append(f"repeat {now.batch.repeat + 1}")
    return f"{outcome.name} ({', '.join(which)})" if which else outcome.name


def _reason(outcome: Outcome) -> str:
    error = outcome.now.error
    return outcome.reason or (error.message if error is not None else outcome.verdict)


def _place(difference: Difference) -> str:
    """Where it stands now, as far as known, or what makes it so."""
    steps = (difference.file, difference.line, difference.column)
    known = steps[: next((n for n, step in enumerate(steps) if step is None), len(steps))]
    return ":".join(map(str, known)) or difference.cause or difference.path


def _bounded(lines: Iterator[str]) -> tuple[str, ...]:
    """The lines that there is room for."""
    taken: list[str] = []
    room = DETAILS
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            left = 1 + sum(1 for _ in lines)
            return (*taken, f" … {counted(left, 'more line')}")
        taken.append(line)
    return tuple(taken)
