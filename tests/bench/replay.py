"""Measures replays: live ones against a server that takes a fixed time to answer, and recorded ones.

    python tests/bench/replay.py [ROUNDS]

Ideal is one replay and the latency of the waves after the first, as if nothing took any work. CPU is what a process
uses beyond a single request; the bare script asks with the typed SDK from as many threads, and keeps nothing. The
bars say what plcli aims at, and nothing fails where they do not hold.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

ROUNDS = 3
LATENCY = 0.2
AT_ONCE = 64
LIVE = 2_000
FEW, MANY = 200, 20_000
ROWS, FILES = 5_000, 2_000

OPENAI = "openai/m"
GEMINI = "gemini/m"

SPEC = """\
kind: request
model: {model}
variables: {{n: {{type: integer, default: 0}}}}
messages:
  - {{role: system, content: You count things.}}
  - {{role: user, content: "Number {{{{ n }}}}{more}"}}
params: {{max_output_tokens: 100}}
"""

BARE_OPENAI = """\
import sys
from concurrent.futures import ThreadPoolExecutor
from openai import OpenAI
client = OpenAI(max_retries=0)
def ask(n):
    return client.responses.create(
        model="m", instructions="You count things.", input=f"Number {n}", max_output_tokens=100
    ).output_text
with ThreadPoolExecutor(64) as pool:
    for answer in pool.map(ask, range(int(sys.argv[1]))):
        pass
"""

BARE_GEMINI = """\
import sys
from concurrent.futures import ThreadPoolExecutor
from google import genai
client = genai.Client()
def ask(n):
    return client.models.generate_content(model="m", contents=f"Number {n}").text
with ThreadPoolExecutor(64) as pool:
    for answer in pool.map(ask, range(int(sys.argv[1]))):
        pass
"""


class Used(NamedTuple):
    """What a command used: seconds of time and of CPU, and the most memory, in bytes."""

    seconds: float
    cpu: float
    memory: int


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    ready, port = multiprocessing.Event(), multiprocessing.Value("i", 0)
    server = multiprocessing.Process(target=serve, args=(ready, port), daemon=True)
    server.start()
    ready.wait()
    environ = {
        **os.environ,
        "OPENAI_API_KEY": "not-a-key",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port.value}/v1",
        "GOOGLE_API_KEY": "not-a-key",
        "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{port.value}",
        "PLCLI_LOG": "",
    }
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling our modules each time is nobody's start
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), environ, rounds)
        bench.live("openai", OPENAI, BARE_OPENAI, 1.10)
        bench.live("google-genai", GEMINI, BARE_GEMINI, 1.25)
        bench.memory()
        bench.recorded_rows()
        bench.recorded_files()
    server.terminate()


class Bench:
    """Runs the measurements in one folder, and prints what they say."""

    def __init__(self, folder: Path, environ: dict[str, str], rounds: int) -> None:
        self.folder = folder
        self.environ = environ
        self.rounds = rounds

    def live(self, name: str, model: str, bare: str, bar: float) -> None:
        """Replays of many runs, and the bare script with as many requests."""
        log = self.log(name, model, LIVE)
        (self.folder / "bare.py").write_text(bare, encoding="utf-8")
        replay = ("-m", "plcli", "replay", "-q", "--from", str(log), "--log", "new.jsonl", "--jobs", str(AT_ONCE))
        one, many = self.medians((*replay, "-n", "1"), (*replay, "-n", str(LIVE)))
        bare_one, bare_many = self.medians(("bare.py", "1"), ("bare.py", str(LIVE)))
        ideal = one.seconds + (LIVE / AT_ONCE - 1) * LATENCY
        print(f"\n{LIVE} replays, {AT_ONCE} at once, {LATENCY:g} s each, {name}; medians of {self.rounds}")
        for label, used in {"one replay": one, "all": many, "bare, one": bare_one, "bare, all": bare_many}.items():
            print(f"  {label:12} {used.seconds:6.2f} s, CPU {used.cpu:6.2f} s")
        told("  time", many.seconds / ideal, "ideal", bar)
        print(f"  the bare script takes {bare_many.seconds / (bare_one.seconds + ideal - one.seconds):.2f} × its ideal")
        told("  CPU per request", (many.cpu - one.cpu) / (bare_many.cpu - bare_one.cpu), "the bare script's", 1.0)

    def memory(self) -> None:
        """The most memory that replays of few and of many runs take; echo answers."""
        log = self.log("memory", "echo/m", MANY)
        replay = ("-m", "plcli", "replay", "-q", "--from", str(log), "--log", "new.jsonl", "--jobs", str(AT_ONCE))
        few, many = (self.used((*replay, "-n", str(count))) for count in (FEW, MANY))
        print(f"\nmemory: {few.memory / 2**20:.0f} MB for {FEW} replays, {many.memory / 2**20:.0f} MB for {MANY}")
        told("  memory", many.memory / few.memory, f"that for {FEW}", 1.3)
        print(f"  {MANY / many.seconds:.0f} replays a second")

    def recorded_rows(self) -> None:
        """Recorded replays of many rows of few specs."""
        log = self.log("rows", OPENAI, ROWS)
        self.per_second("rows of one spec", log, ROWS, 1_000)

    def recorded_files(self) -> None:
        """Recorded replays of as many specs."""
        log = self.log("files", OPENAI, FILES, distinct=True)
        self.per_second("distinct files", log, FILES, 500)

    def per_second(self, what: str, log: Path, count: int, bar: int) -> None:
        """How many recorded replays a second, beyond the start."""
        replay = ("-m", "plcli", "replay", "-q", "--recorded", "--from", str(log))
        one, many = self.medians((*replay, "-n", "1"), (*replay, "-n", str(count)))
        rate = (count - 1) / (many.cpu - one.cpu)
        verdict = "holds" if rate >= bar else "does not hold"
        print(f"\nrecorded, {count} {what}: {rate:.0f} a second of CPU: {verdict} (at least {bar})")

    def medians(self, *commands: tuple[str, ...]) -> list[Used]:
        """What commands use, taken in turns."""
        all_used: list[list[Used]] = [[] for _ in commands]
        for _ in range(self.rounds):
            for command, used in zip(commands, all_used, strict=True):
                used.append(self.used(command))
        return [Used(*(statistics.median(values) for values in zip(*used, strict=True))) for used in all_used]

    def used(self, args: tuple[str, ...]) -> Used:
        """What one command uses."""
        (self.folder / "new.jsonl").unlink(missing_ok=True)
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *args],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{args} ended with {status}: {told.decode(errors='replace')[-2000:]}")
        memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Used(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, memory)

    def log(self, name: str, model: str, count: int, *, distinct: bool = False) -> Path:
        """A log of so many runs of one spec with different variables, or of as many specs."""
        prompts = self.folder / name
        prompts.mkdir()
        path = self.folder / f"{name}.jsonl"
        more = [f" of file {n}" if distinct else "" for n in range(count if distinct else 1)]
        specs = [f"{name}/s{n}.yaml" for n in range(len(more))]
        for spec, words in zip(specs, more, strict=True):
            (self.folder / spec).write_text(SPEC.format(model=model, more=words), encoding="utf-8")
        run = ("-m", "plcli", "run", "-q", "--no-stream", "--log", str(path), "--jobs", str(AT_ONCE))
        if distinct:
            for start in range(0, count, 500):
                self.used((*run, *specs[start : start + 500]))
        else:
            rows = self.folder / f"{name}-rows.jsonl"
            rows.write_text("".join(f'{{"n": {n}}}\n' for n in range(count)), encoding="utf-8")
            self.used((*run, specs[0], "--vars", str(rows)))
        return path


def told(what: str, ratio: float, baseline: str, bar: float) -> None:
    """A ratio, and whether its bar holds."""
    print(f"{what} is {ratio:.2f} × {baseline}: {'holds' if ratio <= bar else 'does not hold'} (at most {bar})")


def serve(ready: Event, port: object) -> None:
    """Answer both apis after a while, until the process is ended."""
    asyncio.run(_serve(ready, port))


async def _serve(ready: Event, port: object) -> None:
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0, backlog=512)
    port.value = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    ready.set()
    await server.serve_forever()


_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Answer(asyncio.Protocol):
    """One connection: each request gets its answer after the latency."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self.data, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.data) < whole:
                return
            body = GEMINI_BODY if b"generateContent" in self.data[:200] else OPENAI_BODY
            self.data = self.data[whole:]
            asyncio.get_running_loop().call_later(LATENCY, self.answer, body)

    def answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)  # type: ignore[attr-defined]


OPENAI_BODY = json.dumps(
    {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [{
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hello there", "annotations": []}],
        }],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3,
        },
    }
).encode()  # fmt: skip

GEMINI_BODY = json.dumps(
    {
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": "Hello there"}]}, "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
        "modelVersion": "m", "responseId": "r1",
    }
).encode()  # fmt: skip

if __name__ == "__main__":
    main()
