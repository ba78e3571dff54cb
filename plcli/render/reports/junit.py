"""The report that CI systems read: JUnit's XML, one test case for each replay.

Drift is a failure; what failed or cannot be replayed is an error, and so is an end before everything was replayed:
skipped tests, and missing ones, look green. Systems differ in what they show of a case, so the reason stands in its
message and at the head of its text. GitLab tells cases apart by class name and name alone. `file`, `line` and the
properties of a case are not in Jenkins's own schema, but everybody writes them, and its junit step takes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from plcli.media import Json
from plcli.render.reports.spool import Spool
from plcli.render.reports.telling import Ending, Told
from plcli.render.reports.wanted import MARKERS

_KNOWN = ("provider", "model", "served_model", "state", "input_tokens", "output_tokens", "cost", "duration_ms")
_LONGEST_TIME = 10**12

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\ufffe": "\\ufffe", "\uffff": "\\uffff"})
_ATTRIBUTE = _TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


class JUnit:
    """Gathers test cases."""

    def __init__(self) -> None:
        self._cases = Spool()
        self._tests = self._failures = self._errors = self._ms = 0

    def add(self, told: Told) -> None:
        """Add a replay."""
        ms = _milliseconds(told)
        self._tests += 1
        self._ms += ms
        self._failures += told.verdict == "drifted"
        self._errors += not told.green and told.verdict != "drifted"
        place = {"file": told.file, "line": told.line if told.file else None}
        self._cases.write(_open("testcase", classname=told.spec, name=told.name, **place, time=_seconds(ms)) + "\n")
        self._cases.write(_properties(told))
        if not told.green:
            tag = "failure" if told.verdict == "drifted" else "error"
            text = "\n".join(filter(None, (told.reason, told.place, *told.details)))
            self._cases.write(_wrong(tag, told.verdict, told.reason or told.verdict, text))
        self._cases.write("</testcase>\n")

    def pieces(self, end: Ending) -> Iterator[str]:
        """The report, piece by piece."""
        stopped = end.stopped is not None
        counts = {
            "tests": self._tests + stopped,
            "failures": self._failures,
            "errors": self._errors + stopped,
            "time": _seconds(self._ms),
        }
        # Ant's schema knows no time zones.
        timestamp = end.started.strftime("%Y-%m-%dT%H:%M:%S")
        yield MARKERS["junit"].rpartition("<")[0]
        yield _open("testsuites", name=end.title, **counts) + "\n"
        yield _open("testsuite", name=end.title, **counts, skipped=0, timestamp=timestamp) + "\n"
        yield from self._cases.pieces()
        if end.stopped is not None:
            yield _open("testcase", classname=end.title, name="everything is replayed", time="0.000") + "\n"
            yield _wrong("error", "stopped", end.stopped, end.stopped)
            yield "</testcase>\n"
        yield "</testsuite>\n</testsuites>\n"

    def close(self) -> None:
        """Give the room of the cases back."""
        self._cases.close()


def _properties(told: Told) -> str:
    """What programs may want to know of a replay."""
    of = {"run": told.then.get("run"), "verdict": told.verdict, "replay": told.now.get("run")}
    known = of | {name: told.now.get(name) for name in _KNOWN}
    lines = (
        _open("property", name=name, value=value)[:-1] + "/>\n" for name, value in known.items() if value is not None
    )
    return f"<properties>\n{''.join(lines)}</properties>\n"


def _wrong(tag: str, kind: str, message: str, text: str) -> str:
    return f"{_open(tag, type=kind, message=message)}{text.translate(_TEXT)}</{tag}>\n"


def _open(tag: str, **attributes: Json) -> str:
    """The beginning of an element; what is None has no attribute."""
    known = (f' {name}="{str(value).translate(_ATTRIBUTE)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{''.join(known)}>"


def _milliseconds(told: Told) -> int:
    """What the replay took, without what a log may claim beyond all time."""
    return min(max(int(told.now.get("duration_ms", 0)), 0), _LONGEST_TIME)


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"
