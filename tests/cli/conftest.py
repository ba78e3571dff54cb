"""What a command line says and leaves, as one text for a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli, Outcome, Said, Write
from tests.support.scrub import scrub


@pytest.fixture
def said(cli: Cli) -> Said:
    """Runs a command line in the current folder; gives exit code, both streams, and the files that are new."""

    def run(*args: str, stdin: bytes = b"") -> str:
        folder = Path.cwd()
        before = _files(folder)
        outcome = cli(*args, stdin=stdin)
        return told(outcome, folder, sorted(_files(folder) - before))

    return run


@pytest.fixture
def write() -> Write:
    """Writes files of the current folder: `write("models/x.yaml", "kind: model")`."""

    def put(path: str, text: str) -> None:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return put


def told(outcome: Outcome, folder: Path, files: list[str]) -> str:
    parts = [f"exit {outcome.code}"]
    parts += [f"--- {name}\n{text}" for name, text in (("stdout", outcome.out), ("stderr", outcome.err)) if text]
    parts += ["\n".join(["--- files", *files])] if files else []
    return scrub("\n".join(parts), folder)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
