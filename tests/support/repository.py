"""Git repositories for tests: whoever commits in them is nobody, and nothing of the machine is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_WHO = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    """What git prints in a folder, without white space around it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *_WHO, "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(command, cwd=folder, env=clean | fixed, input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(folder: Path, files: dict[str, str | bytes]) -> str:
    """Write files, commit everything in a folder, which becomes a repository, and give the name of the commit."""
    write(folder, files)
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change", "--allow-empty")
    return git(folder, "rev-parse", "HEAD")
