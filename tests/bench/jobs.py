"""Measures many runs at once against a server that takes a fixed time to answer.

    python tests/bench/jobs.py [ROUNDS]

The bare script asks with the same SDK from as many threads, and keeps nothing. Ideal is a single run and
the latency of the waves after the first, as if nothing took any work. The bar says what plcli aims at,
and nothing fails where it does not hold.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUNDS = 5
LATENCY = 0.2
AT_ONCE = 64
WAVES = 4
BAR = 1.2

SPEC = """\
kind: request
model: openai/m
variables: {n: {type: integer}}
prompt: Number {{ n }}
"""

BARE = f"""\
from concurrent.futures import ThreadPoolExecutor
from openai import OpenAI
client = OpenAI()
def ask(n):
    return client.responses.create(model="m", input=f"Number {{n}}").output_text
with ThreadPoolExecutor({AT_ONCE}) as pool:
    print("\\n".join(pool.map(ask, range({AT_ONCE * WAVES}))))
"""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    count = AT_ONCE * WAVES
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "count.yaml").write_text(SPEC, encoding="utf-8")
        Path(folder, "bare.py").write_text(BARE, encoding="utf-8")
        Path(folder, "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(count)), encoding="utf-8")
        server = Server(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        run = ("-m", "plcli", "run", "count.yaml", "--no-stream")
        rows = (*run, "--vars", "rows.jsonl", "--jobs", str(AT_ONCE))
        commands = {"plcli run, one": (*run, "--var", "n=1"), "plcli run --jobs": rows, "bare SDK script": ("bare.py",)}
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, args in commands.items():
                times[name].append(took(args, folder, url))
        server.shutdown()
    show({name: statistics.median(seconds) for name, seconds in times.items()}, rounds, count)


def took(args: tuple[str, ...], folder: str, url: str) -> float:
    """Seconds of one command."""
    environ = {**os.environ, "OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": url}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling our modules each time is nobody's start
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *args], cwd=folder, env=environ, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{args} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return time.perf_counter() - started


def show(medians: dict[str, float], rounds: int, count: int) -> None:
    ideal = medians["plcli run, one"] + (WAVES - 1) * LATENCY
    print(f"{count} runs, {AT_ONCE} at once, {LATENCY:g} s each; medians of {rounds} rounds\n")
    for name, seconds in {**medians, "ideal": ideal}.items():
        print(f"{name:20} {seconds * 1000:7.0f} ms")
    batch = medians["plcli run --jobs"]
    ratio = batch / medians["bare SDK script"]
    verdict = "holds" if ratio <= BAR else "does not hold"
    print(f"\nplcli run --jobs is {ratio:.2f} × the bare SDK script: {verdict} (at most {BAR})")
    print(
        f"plcli run --jobs is {batch / ideal:.2f} × ideal, the bare script {medians['bare SDK script'] / ideal:.2f} ×"
    )


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class Answer(BaseHTTPRequestHandler):
    """One short answer of the Responses api, after a while."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


BODY = json.dumps(
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

if __name__ == "__main__":
    main()
