"""Measures selecting runs of a long log, beside grep and a bare loop over its JSON.

    python tests/bench/log.py [MEGABYTES] [ROUNDS]

All of them read the same log, from the cache of the system, and find the same few runs. Each round runs every command
once; the table shows medians and the ratio to grep. The bars say what plcli aims at, and nothing fails where
one does not hold.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plcli.records import Record, ResponseRecord, line
from plcli.response import Usage

MEGABYTES = 200
ROUNDS = 3
BARS = {"plcli, a text": 1.0, "plcli, a number": 2.5}

RARE = 1000
"""One run of so many is looked for."""

LOOP = """\
import json, sys
found = 0
for line in open(sys.argv[1], "rb"):
    record = json.loads(line)
    found += record["usage"]["output_tokens"] > 500
print(found)
"""


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "runs.jsonl")
        runs = write(log, size * 1_000_000)
        listed = (sys.executable, "-m", "plcli", "log", "list", "--format", "jsonl", "--all")
        commands: dict[str, tuple[str, ...]] = {
            "grep -c": ("grep", "-c", "-F", "a needle", str(log)),
            "bare loop, json": (sys.executable, "-c", LOOP, str(log)),
            "plcli, a text": (*listed, "--where", "response.text ~ needle"),
            "plcli, a tag": (*listed, "--tag", "rare"),
            "plcli, a number": (*listed, "--where", "usage.output_tokens > 500"),
            "plcli, a pattern": (*listed, "--where", "response.text ~ needle[.]"),
            "plcli, the last week": (*listed, "--since", "7d"),
            "plcli, nothing": (sys.executable, "-m", "plcli", "log", "list", "-n", "1"),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, args in commands.items():
                times[name].append(took(args, folder))
        show({name: statistics.median(seconds) for name, seconds in times.items()}, runs, size, rounds)


def write(path: Path, size: int) -> int:
    """Write a log of so many bytes, a run each minute until 2026; gives the number of its runs."""
    runs = written = 0
    with path.open("w", encoding="utf-8") as log:
        while written < size:
            written += log.write(line(a_run(runs)) + "\n")
            runs += 1
    return runs


def a_run(n: int) -> Record:
    """One run; of `RARE` runs one holds what is looked for."""
    rare = n % RARE == 0
    stamp = time.gmtime(1_700_000_000 + 60 * n)
    words = f"It was sunny on day {n}, as it had been before. " * 20
    answer = {"id": f"resp_{n}", "output": [{"type": "message", "content": [{"type": "output_text", "text": words}]}]}
    return Record.model_validate(
        {
            "id": f"{time.strftime('%Y%m%dT%H%M%S', stamp)}000-{n % 32**5:05x}",
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", stamp),
            "command": "run",
            "plcli": "0.1.0",
            "provider": "openai",
            "api": "responses",
            "model": "gpt-6.2-sol",
            "metadata": {"wire": answer},
            "response": ResponseRecord(state="ok", text=f"{words}{'Then a needle.' if rare else ''}"),
            "usage": Usage(input_tokens=20, output_tokens=900 if rare else 200),
            "tags": ["rare"] if rare else ["usual"],
        }
    )


def took(args: tuple[str, ...], folder: str) -> float:
    """Seconds of one command."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    done = subprocess.run(args, cwd=folder, env=environ, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{args} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return time.perf_counter() - started


def show(medians: dict[str, float], runs: int, size: int, rounds: int) -> None:
    print(f"{size} MB, {runs} runs; medians of {rounds} rounds\n")
    for name, seconds in medians.items():
        print(f"{name:24} {seconds * 1000:7.0f} ms   {seconds / medians['grep -c']:6.2f} × grep")
    print()
    for name, bar in BARS.items():
        ratio = medians[name] / medians["bare loop, json"]
        print(f"{name} is {ratio:.2f} × the bare loop: {'holds' if ratio <= bar else 'does not hold'} (at most {bar})")


if __name__ == "__main__":
    main()
