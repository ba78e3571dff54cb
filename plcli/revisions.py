"""Revisions: the commit that a name stands for, the files that it holds, and their bytes as they were committed.

Nothing is checked out, filtered or fetched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from plcli import git
from plcli.brevity import cut
from plcli.errors import UsageError
from plcli.spelling import did_you_mean

SECONDS = 30.0
"""Seconds that git may take to list files, or to give their bytes."""

_COMMIT = re.compile(r"([0-9a-f]{40,64}) commit \d+")
_BLOB = re.compile(rb"([0-9a-f]{40,64}) blob (\d+)")
_UNNAMEABLE = re.compile(r"[\0-\x1f\ud800-\udc7f\udd00-\udfff]")
"""What no name of git holds, or no line can."""


class Committed(NamedTuple):
    """A file of a commit: its path from the root of the repository with `/`, the name of its bytes, and its kind."""

    path: str
    blob: str
    link: bool


def commit_of(folder: Path, rev: str) -> str:
    """The full name of the commit that a revision stands for. Raises `UsageError`."""
    if not rev or rev.startswith("-") or _UNNAMEABLE.search(rev):
        raise UsageError(f"{cut(rev, 80)!r} is no revision", hint="name a commit, a branch or a tag: HEAD~1")
    found = git.objects(folder, [f"{rev}^{{commit}}"])
    if not found:
        raise UsageError(f"git does not answer in {folder}", hint="see what it says: git status")
    commit = _COMMIT.fullmatch(found[0])
    if commit is None:
        reason = "could be several" if found[0].endswith(" ambiguous") else "is none of this repository"
        raise UsageError(f"the revision {cut(rev, 80)!r} {reason}", hint=_hint(folder, rev))
    return commit[1]


def files(folder: Path, commit: str, below: str) -> Iterator[Committed]:
    """The files and links of a commit, at a path of the repository or below it; `""` is all of it.

    Raises `UsageError` where git cannot list them.
    """
    listed = git.ask(
        folder, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *filter(None, [below]), seconds=SECONDS
    )
    if listed is None:
        raise UsageError(f"git cannot list the files of {commit[:12]}", hint=f"see what it says: git ls-tree {commit}")
    for entry in listed.split(b"\0"):
        about, tab, name = entry.partition(b"\t")
        mode, kind, blob = (*about.decode("ascii", "replace").split(), "", "", "")[:3]
        if tab and kind == "blob":
            yield Committed(os.fsdecode(name), blob, link=mode == "120000")


def sizes(folder: Path, blobs: Sequence[str]) -> dict[str, int]:
    """How many bytes each blob has; from one on that a partial clone does not have, nothing is known."""
    found = (line.split() for line in git.objects(folder, list(blobs)))
    return {each[0]: int(each[2]) for each in found if len(each) == 3 and each[2].isdecimal()}


def contents(folder: Path, blobs: Sequence[str]) -> dict[str, bytes]:
    """The bytes of blobs; those that git does not give are left out."""
    answer = git.ask(
        folder, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode(), seconds=SECONDS
    )
    given, at, answer = dict[str, bytes](), 0, answer or b""
    while (end := answer.find(b"\n", at)) >= 0:
        head = _BLOB.fullmatch(answer, at, end)
        if head is None:
            at = end + 1
            continue
        begin, at = end + 1, end + 1 + int(head[2])
        if at < len(answer):
            given[head[1].decode()] = answer[begin:at]
        at += 1
    return given


def _hint(folder: Path, rev: str) -> str:
    """What may have been meant by a revision that is none, or how to get it."""
    named = git.ask(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
    meant = did_you_mean(rev, (named or b"").decode("utf-8", "replace").split())
    if meant:
        return f"did you mean {meant}?"
    shallow = git.ask(folder, "rev-parse", "--is-shallow-repository")
    return "this clone has not all commits: git fetch --unshallow" if shallow == b"true\n" else "see git log --oneline"
