"""What GitHub Actions shows of a batch: annotations beside the lines of specs, and the summary of the step."""

from __future__ import annotations

import os
from pathlib import Path

from plcli import disk
from plcli.brevity import cut
from plcli.render.problems import workflow_command
from plcli.render.reports.markdown import SUMMARY, Markdown
from plcli.render.reports.telling import REASON, Ending, Told
from plcli.render.screen import Screen

ANNOTATIONS = 10
"""Errors of one step that GitHub shows."""

MESSAGE = 2_000
"""Characters of one of them; the runner takes 4,096."""


class Actions:
    """Gathers annotations and the summary, and hands them over at the end.

    The runner obeys commands in both streams; on stderr they are in nobody's answer.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._summary = Markdown()
        self._first: list[str] = []
        self._count = 0

    def add(self, told: Told) -> None:
        """Add a replay."""
        self._summary.add(told)
        if not told.green:
            self._count += 1
            if len(self._first) < ANNOTATIONS:
                self._first.append(_annotation(told))

    def finish(self, end: Ending) -> None:
        """Print the annotations, and add to the summary of the step."""
        for line in self._annotations(end):
            self._screen.write(self._screen.err, line + "\n", command=True)
        try:
            self._append(end)
        except OSError as error:
            self._screen.warn(f"the summary of the step cannot be written: {error.strerror or error}")

    def _annotations(self, end: Ending) -> list[str]:
        """The first ones, and where there are more, one that counts the rest."""
        told = [workflow_command("error", end.stopped, {"title": end.title})] if end.stopped is not None else []
        room = ANNOTATIONS - len(told)
        shown = self._first[: room if self._count <= room else room - 1]
        told += shown
        if left := self._count - len(shown):
            told.append(workflow_command("error", f"{left} more are not as before", {"title": end.title}))
        return told

    def _append(self, end: Ending) -> None:
        """Write to the file that the runner names, as far as GitHub takes it. Raises `OSError`."""
        name = self._screen.environ.get("GITHUB_STEP_SUMMARY")
        if not name:
            return
        fd = disk.open_plain(Path(name), os.O_WRONLY | os.O_APPEND | disk.NOFOLLOW)
        with open(fd, "ab", buffering=0):
            there = os.fstat(fd).st_size
            text = "".join(self._summary.pieces(end, SUMMARY - there - 1))
            # What others wrote last may be a line without an end.
            disk.write_all(fd, (("\n" if there else "") + text).encode())


def _annotation(told: Told) -> str:
    message = "\n".join((told.reason or told.verdict, *told.details))
    place = {"file": told.file, "line": told.line if told.file else None}
    title = cut(f"{told.verdict}: {told.name}", REASON)
    return workflow_command("error", cut(message, MESSAGE), {**place, "title": title})
