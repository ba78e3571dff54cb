"""What a replay found, as its record keeps it: verdict, checks, differences, losses."""

from __future__ import annotations

from typing import Any, Literal

from plcli.response import Kept

Verdict = Literal["identical", "equivalent", "drifted", "failed", "not-replayable"]

VERDICTS: tuple[Verdict, ...] = ("identical", "equivalent", "drifted", "failed", "not-replayable")


class CheckRecord(Kept):
    """One named check of comparing, and whether it passed."""

    name: str
    """The check, as `--check` names it (`text`, `similar=0.8`)."""
    passed: bool
    """Whether it passed."""
    wanted: Any = None
    """What the logged answer holds, as far as the check looks at it."""
    got: Any = None
    """What the new answer holds."""
    message: str | None = None
    """Why it failed."""
    noise: bool | None = None
    """Whether it fails for the unchanged request too (`--baseline`), so that it tells nothing of a change."""


class Difference(Kept):
    """A place where two requests, or two answers, are not the same."""

    path: str
    """Where: dotted, with `[n]`, as in a spec (`messages[1].content`, `params.temperature`)."""
    kind: Literal["added", "removed", "changed"]
    """What became of it, seen from the older side."""
    old: Any = None
    """What stood there; absent where it was added."""
    new: Any = None
    """What stands there; absent where it was removed."""
    file: str | None = None
    """The file that says it now, relative to the workspace."""
    line: int | None = None
    """Line of that file, from 1."""
    column: int | None = None
    """Column of that line, from 1."""
    cause: str | None = None
    """What makes it so where no file does (`--set params.seed`, `variable city`)."""


class LossRecord(Kept):
    """What moving the request to another model could not carry."""

    path: str
    """Where it stands in the request."""
    kind: Literal["dropped", "changed", "approximated"]
    """What became of it."""
    message: str
    """Why."""


class Baseline(Kept):
    """What replaying the unchanged request first came to."""

    run: str | None = None
    """That run; none where it could not be sent."""
    verdict: Verdict
    """What comparing said of it."""


class Replay(Kept):
    """What a replay is of, and what it found."""

    of: str
    """The run that was replayed."""
    exchange: int | None = None
    """The exchange that was sent on its own (`--each`), from 0; the whole run where absent."""
    verdict: Verdict
    """What comparing said."""
    reason: str | None = None
    """Why, where it is not `identical`."""
    checks: list[CheckRecord] | None = None
    """The checks and their results."""
    differences: list[Difference] | None = None
    """Where today's request is not the one that was recorded."""
    losses: list[LossRecord] | None = None
    """What moving the request to another model could not carry."""
    baseline: Baseline | None = None
    """The unchanged replay that this one was held against."""
