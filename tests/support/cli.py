"""Ways to run a command line: in this process, in a process of its own, and on a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from plcli.app import main
from plcli.interrupts import SIGNALS

Said = Callable[..., str]
"""Runs a command line and tells all that came of it; a fixture of `tests/cli`."""

Write = Callable[[str, str], None]
"""Writes a file of the current folder, from its path and text; a fixture of `tests/cli`."""

PATIENCE = 60.0
"""Seconds after which a process that should have said or ended something counts as hanging."""


@dataclass(frozen=True)
class Outcome:
    """What a command line left: its exit code and its two streams."""

    code: int
    out: str
    err: str


class Cli:
    """`cli("run", "hello")` runs a command line in this process."""

    def __call__(self, *args: str, stdin: bytes = b"") -> Outcome:
        streams = {"stdin": _stream(stdin), "stdout": _stream(), "stderr": _stream()}
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            with mock.patch.multiple(sys, **streams):
                code = main(list(args))
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Outcome(code, _text(streams["stdout"]), _text(streams["stderr"]))


class Process:
    """`plcli_process("run", "hello")` runs a command line in a process of its own."""

    def __call__(self, *args: str, stdin: bytes = b"", **variables: str) -> Outcome:
        done = subprocess.run(
            self.command(*args),
            input=stdin,
            capture_output=True,
            env=self.environ(variables),
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def start(self, *args: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """A running process whose two streams are pipes."""
        process = subprocess.Popen(
            self.command(*args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ(variables),
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def terminal(self, *args: str, columns: int = 80, **variables: str) -> Iterator[Terminal]:
        """A running process whose streams are one terminal."""
        own, its = pty.openpty()
        name = os.ttyname(its)
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            self.command(*args),
            stdin=its,
            stdout=its,
            stderr=its,
            env=self.environ({"TERM": "xterm-256color", **variables}),
            start_new_session=True,
        )
        os.close(its)
        with process:
            try:
                yield Terminal(process, own, name)
            finally:
                process.kill()
                os.close(own)

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "plcli", *args]

    def environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, **variables}


class Terminal:
    """What a process shows on its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int, name: str) -> None:
        self.process = process
        self._fd = fd
        self._name = name
        self._shown = b""

    @property
    def text(self) -> str:
        """All that was shown so far, with `\\n` as line end."""
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    @property
    def plain(self) -> str:
        """The same without styles."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.text)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read until these words are shown, so many times."""
        while self.text.count(words) < times:
            assert self._read(), f"ended without {words!r}: {self.text}"

    def type(self, line: str) -> None:
        """Type a line, and wait until the process has read it."""
        os.write(self._fd, f"{line}\n".encode())
        self.wait_for(line)  # the terminal's own echo: from now on the line is there to be read
        until = time.monotonic() + PATIENCE
        fd = os.open(self._name, os.O_RDONLY | os.O_NOCTTY)
        try:
            while struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4)) != (0,):
                assert time.monotonic() < until, "what was typed is not read"
                time.sleep(0.01)
        finally:
            os.close(fd)

    def press(self, keys: str) -> None:
        """Press keys, by the characters that they send."""
        os.write(self._fd, keys.encode())

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], PATIENCE)
        assert ready, f"silent for too long: {self.text}"
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the other side has been closed
            return False
        self._shown += data
        return bool(data)


def _stream(data: bytes = b"") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="" if data else "\n")


def _text(stream: Any) -> str:
    stream.flush()
    return bytes(stream.buffer.getvalue()).decode()
