"""Checks and expectations on the screen: whether each held, and where not, what was wanted and what came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from plcli.brevity import counted
from plcli.media import Json, mapped
from plcli.records import ExpectationRecord, Record
from plcli.render.differences import show_change
from plcli.render.runfacts import model_name, run_name
from plcli.render.screen import Screen
from plcli.replayrecords import CheckRecord

LINES = 30
"""Lines that are shown of each side, unless more is asked for."""

CHARACTERS = 2_000
"""Characters of them."""

_ONE_LINE = 100


def show_held(record: Record, found: Sequence[ExpectationRecord], screen: Screen) -> None:
    """A run, and each of its expectations; of those that failed what was wanted and what came.

    With `--quiet` what held is not shown; `found` is empty where nothing is expected.
    """
    passed = [one.passed for one in found]
    good = all(passed)
    if screen.machine:
        fields = {
            "run": record.id,
            "spec": record.spec.path if record.spec else None,
            "passed": good if found else None,
        }
        kept = {key: value for key, value in fields.items() if value is not None}
        told = [_shown(one.model_dump(exclude_none=True), screen) for one in found]
        screen.json(json.dumps({**kept, "expectations": told}))
        return
    if screen.quiet and good:
        return
    verdict, style = ("held", "green") if good else ("failed", "red")
    if not found:
        verdict, style = "nothing", "dim"
    made_of = record.spec.path if record.spec is not None else None
    counts = f"{sum(passed)} of {len(found)} held" if found else "no expectations"
    facts = (made_of, model_name(record), run_name(record), counts)
    screen.print((f"{verdict:<7}", style), "  ", " · ".join(filter(None, facts)))
    for one in found:
        if not one.passed:
            show_expectation(one, screen)
        elif not screen.quiet:
            screen.print(("  ok    ", "green"), f"  {one.path}")


def show_check(check: CheckRecord, screen: Screen) -> None:
    """A check that failed: why, and what is another in the new answer."""
    sign = ("  noise ", "dim") if check.noise else ("  failed", "red")
    screen.print(sign, f"  {check.name}: {' '.join((check.message or 'not the same').split())}")
    sides = (check.wanted, check.got)
    if all(isinstance(side, str | list | dict) for side in sides):
        show_change(_written(check.wanted), _written(check.got), screen)
    else:
        _show_wanted(*sides, screen)


def show_expectation(expectation: ExpectationRecord, screen: Screen) -> None:
    """An expectation that failed: why, what was wanted, and what came."""
    message = " ".join((expectation.message or "not as wanted").split())
    screen.print(("  failed", "red"), f"  {expectation.path}: {message}")
    _show_wanted(expectation.wanted, expectation.got, screen)


def show_wanted(expectation: ExpectationRecord, screen: Screen) -> None:
    """What was wanted of a new answer, and what came, beside that answer; not with `--quiet`."""
    _show_wanted(expectation.wanted, expectation.got, screen, screen.say)


def _show_wanted(wanted: Json, got: Json, screen: Screen, put: Callable[..., None] | None = None) -> None:
    for label, value in (("wanted", wanted), ("got", got)):
        if value is not None:
            for n, line in enumerate(_lines(screen.redact(_written(value)), screen)):
                # The bar keeps a line of the answer from being taken for one of ours, or for a command of a CI.
                (put or screen.print)((f"    {label if n == 0 else '':<6} | ", "dim"), line)


def _shown(value: Json, screen: Screen) -> Json:
    """A value without secrets: what a spec expects today has not been in the log."""
    return mapped(value, lambda leaf: screen.redact(leaf) if isinstance(leaf, str) else leaf)


def _written(value: Json) -> str:
    """Words as they are, other JSON in one line where it is short."""
    if isinstance(value, str) and value:
        return value
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= _ONE_LINE else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _lines(text: str, screen: Screen) -> Iterator[str]:
    """The lines of a text, as many as are shown; what is left out is said."""
    lines = (text if screen.verbose else text[:CHARACTERS]).splitlines() or [""]
    shown = lines if screen.verbose else lines[:LINES]
    yield from shown
    left = len(text) - sum(map(len, shown)) - len(shown)
    if left > 0:
        yield f"… {counted(left, 'more character')}; -v shows all"
