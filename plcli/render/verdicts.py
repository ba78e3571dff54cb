"""What came of replays: a line for each, what differs below it, and at the end a table of then and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plcli.brevity import counted, cut
from plcli.outcomes import Change, Outcome, Totals
from plcli.records import line
from plcli.render.differences import show_differences
from plcli.render.held import show_check, show_expectation
from plcli.render.runfacts import dollars, run_name, seconds
from plcli.render.screen import Screen
from plcli.render.table import show_table
from plcli.replayrecords import VERDICTS, Verdict

_COLOURS: dict[Verdict, str] = {
    "identical": "green",
    "equivalent": "cyan",
    "drifted": "yellow",
    "failed": "red",
    "not-replayable": "red",
}
_WIDEST = max(map(len, VERDICTS))
_LEAST_REASON = 24


def show_outcome(outcome: Outcome, screen: Screen, *, detail: bool) -> None:
    """A line for a replay: verdict, name, run and reason; in `detail` what differs, below it. As JSON its record.

    With `--quiet` only what is not as it was is shown.
    """
    verdict = outcome.verdict
    if screen.machine:
        screen.json(line(outcome.now))
        return
    if screen.quiet and outcome.green:
        return
    runs = " → ".join(filter(None, (run_name(outcome.then), run_name(outcome.now))))
    name = outcome.name if outcome.name != run_name(outcome.then) else ""  # one of no spec is known by its run
    told = f"  {' · '.join(filter(None, (' '.join(name.split()), runs)))}"
    reason = _fitting(outcome.reason or "", _WIDEST + len(told), screen, whole=outcome.now.error is not None)
    screen.print((f"{verdict:<{_WIDEST}}", _COLOURS[verdict]), told, (reason, "dim"))
    if detail:
        _show_details(outcome, screen)


def show_totals(totals: Totals, screen: Screen, *, alone: bool = False) -> None:
    """How many ended with which verdict, and tokens, cost and time of the logged runs and of the new ones.

    The counts stand `alone` where nothing was sent.
    """
    counts = [(verdict, totals.verdicts[verdict]) for verdict in VERDICTS if totals.verdicts[verdict]]
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts)
    summary = f"{counted(totals.done, 'replay')}{f': {said}' if said else ''}"
    if screen.machine or screen.quiet:
        screen.say(summary)
        return
    screen.print((summary, "bold"))
    rows = [] if alone else list(_rows(totals))
    if rows:
        show_table(("", "then", "now", "change"), rows, screen, first=3)


def changes(totals: Totals) -> Iterator[tuple[str, Change, str, str]]:
    """Each sum over replays that is known: its name, the change, and in words what it was and what it is."""
    sums: tuple[tuple[str, Change, Callable[[float], str]], ...] = (
        ("tokens", totals.tokens, lambda count: f"{int(count):,}"),
        ("cost", totals.cost, dollars),
        ("time", totals.time_ms, lambda ms: seconds(int(ms))),
    )
    return ((name, change, told(change.then), told(change.now)) for name, change, told in sums if change.of)


def _show_details(outcome: Outcome, screen: Screen) -> None:
    """Where the request is another one, what was lost on the way to another model, and all that failed.

    Of a call that failed only what to do.
    """
    now, replay = outcome.now, outcome.now.replay
    show_differences((replay.differences if replay is not None else None) or (), screen)
    for loss in (replay.losses if replay is not None else None) or ():
        screen.print((f"  {loss.kind}", "yellow"), f"  {loss.path}: {' '.join(loss.message.split())}")
    if outcome.answered:
        for check in (replay.checks if replay is not None else None) or ():
            if not check.passed:
                show_check(check, screen)
        for expectation in now.expectations or ():
            if not expectation.passed:
                show_expectation(expectation, screen)
    if now.error is not None and now.error.hint:
        screen.print(("  hint:", "cyan"), f" {' '.join(now.error.hint.split())}")


def _fitting(reason: str, used: int, screen: Screen, *, whole: bool) -> str:
    """What there is room for in a window, beside the rest of the line or below it; anywhere else all of it.

    All of it too, where nothing below tells it again (`whole`).
    """
    told = " ".join(screen.redact(reason).split())
    if not told or not screen.terminal:
        return told and f"  {told}"
    room = screen.width - used - 2
    if whole:
        return f"  {told}" if len(told) <= room else f"\n  {told}"
    beside = room >= min(_LEAST_REASON, len(told))
    return f"  {cut(told, room)}" if beside else f"\n  {cut(told, max(screen.width - 2, _LEAST_REASON))}"


def _rows(totals: Totals) -> Iterator[tuple[str, str, str, str]]:
    """Each sum that is known, then and now."""
    for name, change, then, now in changes(totals):
        part = f" (of {change.of})" if change.of < totals.done else ""
        percent = f"{change.percent:+,.1f} %" if change.percent is not None else ""
        yield name + part, then, now, "same" if then == now else percent
