"""Starts aimock, a mock of the providers' apis that others maintain, as a second opinion beside our own server.

It is found in the folder that `PLCLI_AIMOCK` names (`…/node_modules/@copilotkit/aimock`), or installed
once with npm into the user's cache. Tests are skipped where neither works, unless
`PLCLI_REQUIRE_AIMOCK=1`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import platformdirs
import pytest

VERSION = "1.43.0"

FIXTURES = Path(__file__).parents[1] / "contract" / "aimock.json"

# Read on import: tests may put HOME elsewhere.
_CACHE = Path(platformdirs.user_cache_dir("plcli-tests")) / f"aimock-{VERSION}"

_START_TIMEOUT = 30.0


@dataclass(frozen=True)
class Aimock:
    """A running server; `base_url` is its OpenAI root."""

    url: str

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def received(self) -> list[dict[str, Any]]:
        """What arrived, oldest first: `method`, `path`, `headers`, `body` and more."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal", timeout=10) as answer:
            return list(json.load(answer))


@contextmanager
def running(fixtures: Path = FIXTURES) -> Iterator[Aimock]:
    """The server with these fixtures, on a free port; skips or fails the test where it cannot run."""
    node = shutil.which("node")
    if node is None:
        _without("node is not installed")
    command = [
        node,
        str(_package() / "dist" / "cli.js"),
        "-p",
        "0",
        "-h",
        "127.0.0.1",
        "-f",
        str(fixtures),
        "--validate-on-load",
        "--strict",
    ]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield Aimock(_url(process, output))
        finally:
            process.terminate()
            process.wait()


def _url(process: subprocess.Popen[bytes], output: Any) -> str:
    """Where it listens, once its health says that it does."""
    until = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        output.seek(0)
        for line in output:
            if "listening on " in line:
                url = line.split("listening on ")[1].strip()
                with urllib.request.urlopen(f"{url}/health", timeout=10):
                    return str(url)
        time.sleep(0.02)
    output.seek(0)
    pytest.fail(f"aimock did not start: {output.read()}")


def _package() -> Path:
    """The folder of the package, installed if need be."""
    named = os.environ.get("PLCLI_AIMOCK")
    if named:
        return Path(named)
    package = _CACHE / "node_modules" / "@copilotkit" / "aimock"
    if not package.is_dir():
        _install()
    return package


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        _without("npm is not installed")
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE.parent) as folder:
        # Moved into place in one step, since other workers may install at the same time.
        made = Path(folder) / "made"
        made.mkdir()
        command = [npm, "install", "--prefix", str(made), "--no-save", f"@copilotkit/aimock@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            _without(f"npm could not install aimock: {done.stderr.strip()[-300:]}")
        if not _CACHE.is_dir():
            made.rename(_CACHE)


def _without(reason: str) -> NoReturn:
    if os.environ.get("PLCLI_REQUIRE_AIMOCK") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
