"""Measures what plcli costs around a picture, beside a script that calls the SDK and writes a file.

    python tests/bench/pictures.py [ROUNDS]

The server answers at once with a picture of 4 MB. Each round runs every command once, so that a busy machine slows
all of them alike; the table shows medians. Bars are ratios of medians within this one run: they say what plcli aims
at, and nothing fails where one does not hold.
"""

from __future__ import annotations

import base64
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUNDS = 7

SIDE = 1180
"""Pixels of the square; noise does not compress, so the file has three bytes for each."""

BARE = """\
import base64, hashlib, json
from openai import OpenAI
answer = OpenAI().images.generate(model="gpt-image-2.6-flare", prompt="a fox", size="1024x1024")
data = base64.b64decode(answer.data[0].b64_json)
name = hashlib.sha256(data).hexdigest() + ".png"
open(name, "wb").write(data)
with open("bare.jsonl", "a") as log:
    log.write(json.dumps({"picture": name}) + "\\n")
print(name)
"""

BARE_EDIT = """\
import base64, hashlib, json
from openai import OpenAI
with open("fox.png", "rb") as picture:
    answer = OpenAI().images.edit(model="gpt-image-2.6-flare", prompt="a hat", image=picture)
data = base64.b64decode(answer.data[0].b64_json)
name = hashlib.sha256(data).hexdigest() + ".png"
open(name, "wb").write(data)
with open("bare.jsonl", "a") as log:
    log.write(json.dumps({"picture": name}) + "\\n")
print(name)
"""

MODEL = ("--model", "openai/gpt-image-2.6-flare")

COMMANDS = {
    "plcli image": ("-m", "plcli", "image", "--prompt", "a fox", *MODEL, "--set", "image.size=1024x1024"),
    "bare SDK script": ("bare.py",),
    "plcli image --input, 4 MB": ("-m", "plcli", "image", "--prompt", "a hat", *MODEL, "--input", "fox.png"),
    "bare SDK script, edit of 4 MB": ("bare_edit.py",),
}

BARS = {
    "plcli image": ("bare SDK script", 1.0),
    "plcli image --input, 4 MB": ("bare SDK script, edit of 4 MB", 1.0),
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(BARE, encoding="utf-8")
        Path(folder, "bare_edit.py").write_text(BARE_EDIT, encoding="utf-8")
        Path(folder, "fox.png").write_bytes(PICTURE)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        times = measure(rounds, folder, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    show({name: statistics.median(seconds) for name, seconds in times.items()}, rounds)


def measure(rounds: int, folder: str, url: str) -> dict[str, list[float]]:
    """Seconds of each command, a number for each round; one round before them warms up."""
    environ = {**os.environ, "OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": f"{url}/v1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling our modules each time is nobody's start
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, args in COMMANDS.items():
            # Each picture is new, as those of models are.
            Answer.body = answer(number)
            started = time.perf_counter()
            done = subprocess.run([sys.executable, *args], cwd=folder, env=environ, capture_output=True, check=False)
            took = time.perf_counter() - started
            if done.returncode:
                sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
            if number:
                times[name].append(took)
    return times


def show(medians: dict[str, float], rounds: int) -> None:
    print(f"medians of {rounds} rounds\n")
    print(f"{'':34} {'ms':>7}   bar")
    for name, seconds in medians.items():
        print(f"{name:34} {seconds * 1000:7.0f}   {bar(name, medians)}".rstrip())


def bar(name: str, medians: dict[str, float]) -> str:
    if name not in BARS:
        return ""
    beside, most = BARS[name]
    ratio = medians[name] / medians[beside]
    return f"{ratio:.2f} × {beside}: {'holds' if ratio <= most else 'does not hold'} (at most {most:.2f})"


def picture(seed: int) -> bytes:
    """A PNG of noise."""
    noise = random.Random(seed).randbytes(3 * SIDE * SIDE)
    rows = b"".join(b"\0" + noise[at : at + 3 * SIDE] for at in range(0, len(noise), 3 * SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def answer(seed: int) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 1056, "total_tokens": 1066}
    made = {"created": 1, "data": [{"b64_json": base64.b64encode(picture(seed)).decode()}], "usage": usage}
    return json.dumps({**made, "size": "1024x1024", "quality": "high", "output_format": "png"}).encode()


class Answer(BaseHTTPRequestHandler):
    """Sends the picture, whatever is asked."""

    protocol_version = "HTTP/1.1"
    body = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


PICTURE = picture(-1)

if __name__ == "__main__":
    main()
