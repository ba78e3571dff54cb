"""Guards that no test can forget, and the ways into plcli: in this process, in one of its own, on a terminal."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from plcli.runlog import RunLog
from tests.support.cli import Cli, Process

ROOT = Path(__file__).parents[1]

settings.register_profile("fast", max_examples=25, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("deep", max_examples=200, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("storm", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

_FOREIGN = re.compile(
    r".*_API_KEY|.*_PROXY|(PLCLI|OPENAI|AZURE|GEMINI|GOOGLE|XDG|GIT)_.*|(NO|FORCE|CLI)_?COLOR.*|COLUMNS|LINES"
    r"|(COLOR|LC_)?TERM(INAL|_.*)?|(KITTY|KONSOLE|WEZTERM)_.*|TMUX.*|STY|ZELLIJ.*",
    re.IGNORECASE,
)
"""Variables of the machine that could change what a test sees, or be spent by it."""

_KEPT = {"PLCLI_AIMOCK", "PLCLI_REQUIRE_AIMOCK"}


@pytest.fixture(autouse=True, scope="session")
def _control_c() -> None:
    """Tests in the background (`.ci/run &`) can be interrupted too: a shell has such processes ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's side: no keys, an empty home, and a current folder that nobody else uses."""
    for name in os.environ:
        if _FOREIGN.fullmatch(name) and name not in _KEPT:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("TZ", "UTC")
    # Processes that tests start take plcli from the tree, wherever they run.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection leaves the machine. The test fails at its end, too, where the code took it for a failure."""
    tried: list[Any] = []

    def refuse(place: Any) -> None:
        tried.append(place)
        raise ConnectionRefusedError(f"a test may only connect to loopback, not to {place}")

    def guarded(connect: Any) -> Any:
        def connect_near(self: socket.socket, address: Any) -> Any:
            if self.family != getattr(socket, "AF_UNIX", None) and not _near(address[0]):
                refuse(address)
            return connect(self, address)

        return connect_near

    resolve = socket.getaddrinfo

    def resolve_near(host: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name.endswith(".invalid"):  # exists nowhere, by RFC 6761
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name is not None and not _near(name):
            refuse(host)
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", resolve_near)
    yield
    assert not tried


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is written into a log of the tree."""
    append_all = RunLog.append_all

    def append_elsewhere(self: RunLog, entries: Any) -> Any:
        assert ROOT not in self.path.absolute().parents, f"a test must not write to {self.path}"
        return append_all(self, entries)

    monkeypatch.setattr(RunLog, "append_all", append_elsewhere)


def _near(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `examples/`, which is the current folder."""
    folder = tmp_path / "workspace"
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("runs.jsonl*"))
    shutil.rmtree(folder / "media", ignore_errors=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli() -> Cli:
    """Runs a command line in this process: fast, and without a terminal."""
    return Cli()


@pytest.fixture
def plcli_process() -> Process:
    """Runs a command line in a process of its own."""
    return Process()
