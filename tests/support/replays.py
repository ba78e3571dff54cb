"""A workspace whose one request a loopback server answers, and what replaying its runs leaves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plcli.records import Record, parse
from plcli.replayrecords import Replay
from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback
from tests.support.tool_loop import Json, completion, write_json


def sent(server: Loopback) -> list[tuple[str, bytes]]:
    """Path and body of what arrived since the last time; then the server knows nothing any more."""
    found = [(request.path, request.body) for request in server.received]
    server.forget()
    return found


def says(text: str) -> Json:
    """An answer of Chat Completions."""
    return completion({"content": text}, "stop")


def records(log: Path) -> list[Record]:
    """The runs of a log."""
    lines = log.read_bytes().splitlines() if log.exists() else []
    return [record for record in map(parse, lines) if isinstance(record, Record)]


OFFLINE = """
import sys
def deny(event, args):
    if event.startswith("socket."):
        sys.stderr.write(f"opened {event} {args}\\n")
        sys.exit(99)
sys.addaudithook(deny)
from plcli.app import main
code = main(sys.argv[1:])
loaded = {"openai", "google.genai", "google.auth", "httpx2", "ssl", "asyncio"} & set(sys.modules)
assert not loaded, loaded
sys.exit(code)
"""
"""Runs a command line; it ends with 99 where that opens a socket, and with 1 where it loads what does."""


def offline(*args: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", OFFLINE, *args]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def without_log(folder: Path) -> None:
    """Recordings are all that is left."""
    (folder / "runs.jsonl").unlink()
    shutil.rmtree(folder / "media", ignore_errors=True)


@dataclass(frozen=True)
class Bench:
    """The folder of the workspace, the server that its model `local` asks, and a way to run command lines.

    Its request `hi` says `Number {{ n }}`; the server answers Hello, until it is told otherwise.
    """

    folder: Path
    server: Loopback
    cli: Cli

    def __call__(self, *args: str) -> Outcome:
        """Run a command line."""
        return self.cli(*args)

    def prepare(self) -> None:
        """Write the files, and tell the server what to say."""
        (self.folder / "plcli.toml").touch()
        self.model()
        self.spec()
        self.server.answer(json=says("Hello"))

    def model(self, name: str = "local", **more: Any) -> None:
        """Write a model spec."""
        base = {"kind": "model", "provider": "openai", "api": "chat", "model": "m-1", "retries": 0}
        said = {"base_url": self.server.base_url, **base, **more}
        write_json(
            self.folder / "models" / f"{name}.json", {key: value for key, value in said.items() if value is not None}
        )

    def spec(self, name: str = "hi", **more: Any) -> None:
        """Write a request."""
        base = {
            "kind": "request",
            "model": "local",
            "variables": {"n": {"type": "integer", "default": 0}},
            "messages": [{"role": "user", "content": "Number {{ n }}"}],
        }
        write_json(self.folder / "prompts" / f"{name}.json", {**base, **more})

    def rows(self, count: int, *args: str) -> None:
        """Run the request so many times, with another number each; the server has seen none of it."""
        path = self.folder / "rows.jsonl"
        path.write_text("".join(f'{{"n": {n}}}\n' for n in range(count)))
        assert self("run", "hi", "--vars", "rows.jsonl", "--no-stream", "--jobs", "4", *args).code == 0
        self.server.received.clear()

    def answers(self, *bodies: Json) -> None:
        """From now on the server answers these, words or bodies, the last one for ever; it has seen nothing yet."""
        self.server.forget()
        for body in bodies:
            self.server.answer(json=says(body) if isinstance(body, str) else body)

    @property
    def records(self) -> list[Record]:
        """The runs of the log."""
        return records(self.folder / "runs.jsonl")

    @property
    def replays(self) -> list[Replay]:
        """What its replays found."""
        return [record.replay for record in self.records if record.replay]

    @property
    def verdicts(self) -> list[str]:
        """Their verdicts."""
        return [replay.verdict for replay in self.replays]

    @property
    def asked(self) -> list[str]:
        """The last words of each request that arrived, in order of the alphabet."""
        return sorted(request.json["messages"][-1]["content"] for request in self.server.received)
