"""Git: which commit a file stands on. Asks the `git` program, in a way that runs nothing of a repository."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 5.0
"""Seconds that git may take before its answer is done without."""


class Commit(NamedTuple):
    """Where a file stands. `sha` is the commit checked out, `dirty` whether the file differs from it."""

    sha: str
    dirty: bool


def root(path: Path) -> Path | None:
    """The nearest folder upwards that holds `.git` (a folder, or the file of a worktree); None outside of one."""
    here = Path(os.path.abspath(path))
    return next((folder for folder in (here, *here.parents) if os.path.exists(folder / ".git")), None)


def commit(path: Path) -> Commit | None:
    """The commit that a file stands on; None outside a repository, before its first commit, or without git.

    Compares the bytes of the file with those committed (line ends aside, which git may convert), because
    `git status` would run the filters and monitors that a repository configures.
    """
    file = Path(os.path.realpath(path))
    folder = root(file.parent)
    if folder is None or not os.path.isfile(file):
        return None
    name = file.relative_to(folder).as_posix()
    if "\n" in name:
        return None
    try:
        data = file.read_bytes()
    except OSError:
        return None
    lines = objects(folder, ["HEAD^{commit}", f"HEAD:{name}"])
    if len(lines) != 2 or lines[0].split()[1:2] != ["commit"]:
        return None
    sha, committed = lines[0].split()[0], lines[1].split()[0]
    unixed = data.replace(b"\r\n", b"\n")
    return Commit(sha, dirty=committed not in (_blob(data, sha), _blob(unixed, sha)))


def _blob(data: bytes, like: str) -> str:
    """The name that git gives to bytes, in the hash that the repository uses."""
    named = b"blob %d\0" % len(data) + data
    algorithm = "sha256" if len(like) == 64 else "sha1"
    return hashlib.new(algorithm, named, usedforsecurity=False).hexdigest()


def objects(folder: Path, names: list[str]) -> list[str]:
    """`object type size` of each name, or `name missing`; nothing where git does not answer. No name has a line end."""
    asked = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    answer = ask(folder, "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=asked)
    return (answer or b"").decode("utf-8", "replace").splitlines()


def ask(folder: Path, *words: str, stdin: bytes = b"", seconds: float = TIMEOUT) -> bytes | None:
    """What git prints in a repository; None where it does not answer in time, or fails before it prints anything."""
    # GIT_* variables could point elsewhere; a partial clone would fetch, with the programs of its remotes.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    try:
        answer = subprocess.run(
            ["git", *words],
            input=stdin,
            capture_output=True,
            cwd=folder,
            env=clean | fixed,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.stdout or answer.returncode == 0 else None
