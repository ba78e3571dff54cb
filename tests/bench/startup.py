"""Measures what plcli costs before and around a request, beside what nobody can avoid.

    python tests/bench/startup.py [ROUNDS]

Each round runs every command once, so that a busy machine slows all of them alike; the table shows
medians. Bars are ratios of medians within this one run: they say what plcli aims at, and nothing
fails where one does not hold.
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
from typing import Any

ROUNDS = 15

LIBRARIES = "import typer, pydantic, yaml, jsonschema"

BARE = """\
import json
from openai import OpenAI
text = ""
for event in OpenAI().responses.create(model="m", input="hi", stream=True):
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
        text += event.delta
with open("bare.jsonl", "a") as log:
    log.write(json.dumps({"text": text}) + "\\n")
"""

BARE_GEMINI = """\
import json
from google.genai import Client
text = ""
client = Client()
for chunk in client.models.generate_content_stream(model="m", contents="hi"):
    print(chunk.text, end="", flush=True)
    text += chunk.text
with open("bare.jsonl", "a") as log:
    log.write(json.dumps({"text": text}) + "\\n")
"""

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "import typer": ("-c", "import typer"),
    LIBRARIES: ("-c", LIBRARIES),
    "plcli --version": ("-m", "plcli", "--version"),
    "plcli --help": ("-m", "plcli", "--help"),
    "plcli validate, one request": ("-m", "plcli", "validate", "hello.yaml"),
    "plcli run, echo": ("-m", "plcli", "run", "hello.yaml"),
    "plcli run, zero-latency server": ("-m", "plcli", "run", "hello.yaml", "--model", "openai/m"),
    "bare SDK script, the same server": ("bare.py",),
    "plcli run, gemini, zero-latency server": ("-m", "plcli", "run", "hello.yaml", "--model", "gemini/m"),
    "bare google-genai script, the same server": ("bare_gemini.py",),
}

BARS = {
    "plcli --version": ("import typer", 1.35),
    "plcli --help": ("import typer", 1.35),
    "plcli validate, one request": (LIBRARIES, 1.3),
    "plcli run, zero-latency server": ("bare SDK script, the same server", 1.0),
    "plcli run, gemini, zero-latency server": ("bare google-genai script, the same server", 1.0),
}

SPEC = "kind: request\nmodel: echo/any\nprompt: hi\n"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "hello.yaml").write_text(SPEC, encoding="utf-8")
        Path(folder, "bare.py").write_text(BARE, encoding="utf-8")
        Path(folder, "bare_gemini.py").write_text(BARE_GEMINI, encoding="utf-8")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        times = measure(rounds, folder, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    show({name: statistics.median(seconds) for name, seconds in times.items()}, rounds)


def measure(rounds: int, folder: str, url: str) -> dict[str, list[float]]:
    """Seconds of each command, a number for each round; one round before them warms up."""
    own = {"OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": f"{url}/v1"}
    own |= {"GEMINI_API_KEY": "not-a-key", "GOOGLE_GEMINI_BASE_URL": url}
    environ = {**os.environ, **own}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling our modules each time is nobody's start
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, args in COMMANDS.items():
            started = time.perf_counter()
            done = subprocess.run([sys.executable, *args], cwd=folder, env=environ, capture_output=True, check=False)
            took = time.perf_counter() - started
            if done.returncode:
                sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
            if number:
                times[name].append(took)
    return times


def show(medians: dict[str, float], rounds: int) -> None:
    unit = medians["python -c pass"]
    print(f"medians of {rounds} rounds; × python is a multiple of `python -c pass`\n")
    print(f"{'':42} {'ms':>7} {'× python':>9}   bar")
    for name, seconds in medians.items():
        print(f"{name:42} {seconds * 1000:7.0f} {seconds / unit:9.1f}   {bar(name, medians)}".rstrip())


def bar(name: str, medians: dict[str, float]) -> str:
    if name not in BARS:
        return ""
    beside, most = BARS[name]
    ratio = medians[name] / medians[beside]
    return f"{ratio:.2f} × {beside}: {'holds' if ratio <= most else 'does not hold'} (at most {most:.2f})"


class Answer(BaseHTTPRequestHandler):
    """Streams one short answer of the api that is asked, at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        stream = RESPONSES if "responses" in self.path else GEMINI
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(stream)))
        self.end_headers()
        self.wfile.write(stream)

    def log_message(self, *_: object) -> None:
        pass


def responses() -> list[dict[str, Any]]:
    words = {"type": "output_text", "text": "Hello there", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [words]}
    response = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [message], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3,
        },
    }  # fmt: skip
    begun = {**message, "status": "in_progress", "content": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    return [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        *({"type": "response.output_text.delta", "delta": piece, **place} for piece in ("Hel", "lo ", "there")),
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": response},
    ]


def chunk(text: str, **end: str) -> dict[str, Any]:
    """A piece of an answer of generateContent."""
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **end}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r1"}


RESPONSES = "".join(
    f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
    for number, event in enumerate(responses())
).encode()

GEMINI = "".join(
    f"data: {json.dumps(event)}\r\n\r\n" for event in (chunk("Hel"), chunk("lo "), chunk("there", finishReason="STOP"))
).encode()

if __name__ == "__main__":
    main()
