"""Keeps the generated parts of the README true: help texts, tables, and what commands print.

A generated part stands between `<!-- begin: WHAT -->` and `<!-- end -->`. Without an option this
script fails when one is stale; with `--write` it writes them again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree

from plcli import schemas
from plcli.errors import EXIT_MEANINGS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PART = re.compile(r"(<!-- begin: (?P<what>[^\n]+) -->\n).*?(<!-- end -->)", re.DOTALL)
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "COLUMNS": "100", "HOME": "/nonexistent"}


def main() -> int:
    """Check the README, or write it."""
    old = README.read_text(encoding="utf-8")
    new = PART.sub(lambda part: part[1] + made(part["what"]) + part[3], old)
    if new == old:
        return 0
    if "--write" in sys.argv:
        README.write_text(new, encoding="utf-8")
        return 0
    sys.stderr.write("README.md is stale; write it again with: python .ci/readme.py --write\n")
    return 1


def made(what: str) -> str:
    """The text of a generated part."""
    kind, _, rest = what.partition(" ")
    return {"help": help_text, "console": console, "exit-codes": exit_codes, "fields": fields}[kind](rest)


def help_text(command: str) -> str:
    """What `plcli COMMAND --help` prints."""
    return f"```text\n{plcli([*command.split(), '--help'], ROOT)}```\n"


def console(command: str) -> str:
    """What a command prints in a copy of the examples; what differs from run to run is fixed."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "examples"
        copytree(ROOT / "examples", place, ignore=lambda _, names: {"runs.jsonl", "media"} & set(names))
        shown = plcli(command.split(), place)
    shown = re.sub(r"\brun [0-9a-z]{5}\b", "run k3x9p", shown)
    shown = re.sub(r"\d+\.\d s\b", "0.3 s", shown)
    return f"```console\n$ plcli {command}\n{shown}```\n"


def exit_codes(_: str) -> str:
    """The table of exit codes."""
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()]
    return "\n".join(["| exit | meaning |", "|---|---|", *rows, ""])


def fields(kind: str) -> str:
    """The keys of a format, with the descriptions that an editor shows too."""
    schema = schemas.generate()[kind]
    if "anyOf" in schema:
        schema = schema["$defs"][schema["anyOf"][0]["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    rows = [
        f"| `{name}`{' (needed)' if name in required else ''} | {field['description']} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| key | what it is |", "|---|---|", *rows, ""]).replace("\\|", "|")


def plcli(arguments: list[str], folder: Path) -> str:
    """Both streams of a command, as a person sees them."""
    done = subprocess.run(
        [sys.executable, "-m", "plcli", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
