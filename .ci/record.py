"""Records the examples: their runs, answered by a server that plays the providers, become recordings.

Without an option this writes `examples/recordings`: a recording that is as it would be made today stays to the
byte, another one is replaced. With `--check` it only says which are stale.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from shutil import copyfile, copytree
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from providers import Providers, providers
from takes import TAKES, Take

from tests.support.cli import Cli

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
RECORDINGS = EXAMPLES / "recordings"
LOCAL = {"recordings", "runs.jsonl", "runs.jsonl.lock", "media", ".env", "__pycache__"}
"""What a copy of the examples leaves out: what this makes, and what belongs to whoever works here."""

DIGEST = re.compile(r"sha256:([0-9a-f]{64})")

VOLATILE = {
    "id", "time", "plcli", "cost", "sources", "sdk", "sha256", "commit", "dirty", "started", "first_event_ms",
    "duration_ms", "waited_ms",
}  # fmt: skip
"""Fields of a record that differ from run to run, or may, while the recording answers the same request alike."""


def main() -> int:
    """Write the recordings, or check them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "examples"
        copytree(EXAMPLES, place, ignore=lambda _, names: LOCAL & set(names))
        made = recorded(place)
        stale, files = merged(made)
        for path in stale:
            sys.stderr.write(f"{path} is stale; record it again with: python .ci/record.py\n")
        if "--check" in sys.argv[1:]:
            return 1 if stale else 0
        if stale:
            write(files, place / "recordings" / "media")
    return 0


def recorded(place: Path) -> dict[str, list[str]]:
    """Make all takes in a copy of the examples; gives the lines of the recordings, by file."""
    with providers() as played, tempfile.TemporaryDirectory() as folder:
        home = {"HOME": folder, "XDG_CONFIG_HOME": folder, "PATH": os.environ["PATH"], "TZ": "UTC"}
        environment = played.environment(Path(folder)) | home
        with mock.patch.dict(os.environ, environment, clear=True), chdir(place):
            for take in TAKES:
                act(take, played)
            said = Cli()("log", "keep", "--all")
            assert said.code == 0, said.err
    files = sorted((place / "recordings").glob("*.jsonl"))
    return {path.name: path.read_text("utf-8").splitlines(keepends=True) for path in files}


def act(take: Take, played: Providers) -> None:
    """Make one take."""
    played.answers = list(take.answers)
    said = Cli()(*take.line.split())
    if said.code != 0 or played.answers:
        raise SystemExit(f"{take.line}: exit {said.code}, {len(played.answers)} answers left\n{said.out}{said.err}")


def merged(made: dict[str, list[str]]) -> tuple[list[str], dict[str, str]]:
    """The files that are stale, and the text that every file should have."""
    texts = {}
    for name, lines in made.items():
        kept = {essence(line): line for line in old_lines(RECORDINGS / name)}
        texts[name] = "".join(kept.get(essence(line), line) for line in lines)
    names = texts.keys() | {path.name for path in RECORDINGS.glob("*.jsonl")}
    stale = [name for name in sorted(names) if "".join(old_lines(RECORDINGS / name)) != texts.get(name, "")]
    return stale, texts


def old_lines(path: Path) -> list[str]:
    """The lines of a file of recordings; none where it is not there."""
    return path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []


def essence(line: str) -> str:
    """A record without what differs from run to run."""
    return json.dumps(lasting(json.loads(line)))


def lasting(value: Any, *, body: bool = False) -> Any:
    """A value of a record without what differs from run to run; what was sent and answered (`body`) stays whole."""
    if isinstance(value, dict):
        return {
            name: lasting(item, body=body or name in ("request", "response", "variables", "overrides"))
            for name, item in value.items()
            if body or name not in VOLATILE
        }
    return [lasting(item, body=body) for item in value] if isinstance(value, list) else value


def write(files: dict[str, str], media: Path) -> None:
    """Put the recordings in place with the media that they name, and take away what is not theirs any more."""
    (RECORDINGS / "media").mkdir(parents=True, exist_ok=True)
    for path in RECORDINGS.glob("*.jsonl"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (RECORDINGS / name).write_text(text, "utf-8", newline="\n")
    named = {digest for text in files.values() for digest in DIGEST.findall(text)}
    for path in media.iterdir():
        if path.stem in named and not (RECORDINGS / "media" / path.name).exists():
            copyfile(path, RECORDINGS / "media" / path.name)
    for path in (RECORDINGS / "media").iterdir():
        if path.stem not in named:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
