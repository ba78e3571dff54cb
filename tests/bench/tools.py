"""Measures runs of many rounds: tools answered from files, by a program, and by a bare script.

    python tests/bench/tools.py [ROUNDS]

Both ask a server that answers at once, until it has called a tool so often; the bare script uses the same SDK,
checks nothing and keeps nothing. Each round runs every command once; the table shows medians. The bar says what
plcli aims at, and nothing fails where it does not hold.
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

ROUNDS = 7
CALLS = 20
BAR = 1.0

PARAMETERS = {
    "type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"], "additionalProperties": False,
}  # fmt: skip

FILES = {
    "ask.yaml": "kind: request\nmodel: openai/m\nprompt: Look it up.\ntools: [look_up]\n",
    "tools/look_up.yaml": (
        f"kind: tool\nname: look_up\nparameters: {json.dumps(PARAMETERS)}\nreturns: {{type: object}}\n"
        "command: [./look_up]\nstubs: [{when: {word: sun}, return: {meaning: a star}}]\n"
    ),
    "look_up": '#!/bin/sh\ncat >/dev/null\necho \'{"meaning": "a star"}\'\n',
}

LOOP = """\
import json, subprocess
from openai import OpenAI
client = OpenAI()
tools = [{"type": "function", "name": "look_up", "strict": True, "parameters": %s}]
items = [{"role": "user", "content": "Look it up."}]
while True:
    answer = client.responses.create(model="m", input=items, tools=tools)
    items += answer.output
    calls = [item for item in answer.output if item.type == "function_call"]
    if not calls:
        break
    for call in calls:
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": answered(call.arguments)})
print(answer.output_text)
"""

STUBBED = 'def answered(arguments):\n    return \'{"meaning":"a star"}\'\n'
PROGRAM = (
    "def answered(arguments):\n"
    "    return subprocess.run(['./look_up'], input=arguments, capture_output=True, text=True, check=True).stdout\n"
)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    loop = LOOP % repr(PARAMETERS)
    files = {**FILES, "stubbed.py": STUBBED + loop, "program.py": PROGRAM + loop}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        Path(folder, "look_up").chmod(0o755)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        run = ("-m", "plcli", "run", "ask.yaml", "--no-stream", "--max-rounds", str(CALLS), "--tools")
        commands = {
            "plcli run --tools stub": (*run, "stub"),
            "bare loop, a constant": ("stubbed.py",),
            "plcli run --tools run": (*run, "run"),
            "bare loop, a program": ("program.py",),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, args in commands.items():
                times[name].append(took(args, folder, url))
        server.shutdown()
    show({name: statistics.median(seconds) for name, seconds in times.items()}, rounds)


def took(args: tuple[str, ...], folder: str, url: str) -> float:
    """Seconds of one command."""
    environ = {**os.environ, "OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": url}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling our modules each time is nobody's start
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *args], cwd=folder, env=environ, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{args} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return time.perf_counter() - started


def show(medians: dict[str, float], rounds: int) -> None:
    print(f"{CALLS} calls in {CALLS + 1} requests, answered at once; medians of {rounds} rounds\n")
    for name, seconds in medians.items():
        print(f"{name:24} {seconds * 1000:7.0f} ms")
    print()
    for ours, bare in (
        ("plcli run --tools stub", "bare loop, a constant"),
        ("plcli run --tools run", "bare loop, a program"),
    ):
        ratio = medians[ours] / medians[bare]
        print(f"{ours} is {ratio:.2f} × the {bare}: {'holds' if ratio <= BAR else 'does not hold'} (at most {BAR})")


class Answer(BaseHTTPRequestHandler):
    """Calls the tool until it has had so many answers, then says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        had = sum(item.get("type") == "function_call_output" for item in asked["input"] if isinstance(item, dict))
        body = json.dumps(response(had)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def response(had: int) -> dict[str, Any]:
    """The next call, or the last words."""
    item: dict[str, Any] = {
        "type": "function_call", "id": f"fc_{had}", "call_id": f"call_{had}", "name": "look_up",
        "arguments": '{"word":"sun"}', "status": "completed",
    }  # fmt: skip
    if had >= CALLS:
        content = [{"type": "output_text", "text": "The sun is a star.", "annotations": []}]
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    return {
        "id": f"resp_{had}", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3,
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
