"""Child processes: a program that is given bytes and asked for bytes, within limits.

No shell is ever asked, a child sees little of the environment and no terminal, and it ends together with all that
it started.
"""

from __future__ import annotations

import errno
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from plcli.cancel import Cancel
from plcli.interrupts import held_back

ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT")
"""Variables that every child sees, where they are set; none of them holds a secret or changes what a program loads."""

OUTPUT_LIMIT = 1024 * 1024
"""Bytes that a child may answer."""

LINE_LIMIT = 2_000
"""Bytes of a line of stderr that are told."""

TOLD_LIMIT = 64 * 1024
"""Bytes of stderr that are told in all."""

LAST_LINES = 5
"""Lines of stderr that stand in the message of a failure."""

GRACE = 1.0
"""Seconds that a child has to end politely."""

_TICK = 0.05
"""Seconds between two looks at what no pipe tells: a cancel, and the end of a child whose own children write on."""

_MOMENT = 0.1
"""Seconds that those have to end politely whom a child left behind."""

_PIECE = 64 * 1024
_REASONS = {
    errno.ENOENT: "does not exist, or what its first line names does not",
    errno.EACCES: "is not executable; chmod +x makes it so",
    errno.ENOEXEC: "is no program; its first line should name what runs it, like #!/bin/sh",
}


class ChildFailed(Exception):
    """A child could not be started, was ended, or ended with a failure; the text says why.

    `output` is what it had answered until then.
    """

    def __init__(self, message: str, output: bytes = b"") -> None:
        super().__init__(message)
        self.output = output


def environment(variables: Mapping[str, str], granted: Iterable[str]) -> dict[str, str]:
    """What a child sees of the process environment: `ENVIRONMENT`, and the variables that it is granted.

    Raises `ChildFailed` where a granted one is not set.
    """
    names = tuple(granted)
    for name in names:
        if name not in variables:
            raise ChildFailed(f"its `env` names {name}, which is not set: export {name}=…")
    return {name: variables[name] for name in (*ENVIRONMENT, *names) if name in variables}


def command_line(command: Sequence[str], root: Path, path: str | None) -> list[str]:
    """The program and arguments to start for a `command` of a spec, the program as an absolute path.

    A bare name is looked up in the folders of `path` (a value of PATH; relative folders of it do not count,
    because a repository could fill them). Any other is a path from `root`, which it must not leave, or absolute.
    Raises `ChildFailed`.
    """
    if not command:
        raise ChildFailed("its command is empty")
    name = command[0]
    if os.path.dirname(name):
        program = os.path.normpath(root / name)
        if not os.path.isabs(name) and not Path(program).is_relative_to(root):
            raise ChildFailed(f"{name} leads out of the workspace; write its whole path, or its name alone")
        return [program, *command[1:]]
    folders = [folder for folder in (path or os.defpath).split(os.pathsep) if os.path.isabs(folder)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        beside = f"; write ./{name} for the one in the workspace" if os.path.isfile(root / name) else ""
        raise ChildFailed(f"there is no program {name!r} on PATH{beside}")
    return [found, *command[1:]]


def run_child(
    argv: Sequence[str],
    *,
    stdin: bytes,
    env: Mapping[str, str],
    cwd: Path,
    seconds: float,
    cancel: Cancel,
    tell: Callable[[str], None],
) -> bytes:
    """What a program writes to its stdout, `OUTPUT_LIMIT` bytes at most; `argv[0]` is an absolute path.

    Each line of its stderr is told as it comes, in bounds. When this returns or raises, the child and what it
    started have ended. Raises `ChildFailed` for a program that cannot be started, that ends with a failure or
    takes longer than `seconds`, and when the work is cancelled.
    """
    until = time.monotonic() + seconds
    lines = Lines(tell)

    def check() -> None:
        if cancel.asked:
            raise ChildFailed("it was cancelled")
        if time.monotonic() >= until:
            raise ChildFailed(f"it took longer than {round(seconds, 2):g} s, and was ended")

    check()
    try:
        with child_process(argv, env, cwd) as child:
            output = _exchanged(child, stdin, lines, check)
            while _running(child):
                check()
    finally:
        lines.end()
    if child.returncode:
        raise ChildFailed(ending(child.returncode, lines.last), output)
    return output


def _exchanged(child: subprocess.Popen[bytes], stdin: bytes, lines: Lines, check: Callable[[], None]) -> bytes:
    """Give the child its input and take what it writes, all at once, until it closes its ends or is gone."""
    unsent, output = memoryview(stdin), bytearray()
    given, answered, told = pipes(child)
    with selectors.DefaultSelector() as selector:
        for pipe in (given, answered, told):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_WRITE if pipe is given else selectors.EVENT_READ)
        while selector.get_map():
            # In this order: what a child wrote is there before it is gone.
            gone = child.poll() is not None
            ready = [key.fileobj for key, _ in selector.select(_TICK)]
            if gone and not ready:
                break  # what it left behind holds the pipes
            for pipe in (pipe for pipe in (given, answered, told) if pipe in ready):
                if pipe is given:
                    unsent = _sent(pipe, unsent)
                    over = not unsent
                else:
                    piece = os.read(pipe.fileno(), _PIECE)
                    over = not piece
                    if pipe is told:
                        lines.feed(piece)
                    else:
                        output += piece
                if over:
                    selector.unregister(pipe)
                    pipe.close()
            if len(output) > OUTPUT_LIMIT:
                raise ChildFailed(f"it wrote more than {OUTPUT_LIMIT // 1024 // 1024} MB, and was ended")
            check()
    return bytes(output)


def _sent(pipe: IO[bytes], unsent: memoryview) -> memoryview:
    """What is left after writing as much as the pipe takes; nothing where the child wants no more."""
    try:
        return unsent[os.write(pipe.fileno(), unsent[:_PIECE]) :]
    except BrokenPipeError:
        return unsent[:0]


@contextmanager
def child_process(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, without a terminal; it ends here, whatever happens, and its group with it."""
    started: list[subprocess.Popen[bytes]] = []
    main = threading.current_thread() is threading.main_thread()
    try:
        # An interrupt that came while it starts would leave it to itself.
        with held_back() if main else nullcontext():
            started.append(_started(argv, env, cwd))
        yield started[0]
    finally:
        for child in started:
            _end(child)
            for pipe in pipes(child):
                pipe.close()


def _started(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            argv, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env, start_new_session=True
        )
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or f"cannot be started: {(error.strerror or 'why is unknown').lower()}"
    except ValueError:  # a NUL, or half of a character
        reason = "cannot be started: its command holds a character that no command line can"
    raise ChildFailed(f"{argv[0]} {reason}")


def pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """The stdin, stdout and stderr of a child."""
    given, answered, told = filter(None, (child.stdin, child.stdout, child.stderr))
    return given, answered, told


def _running(child: subprocess.Popen[bytes], seconds: float = _TICK) -> bool:
    """Whether a child still runs after waiting for it so long."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what runs in the process group of a child: politely, then surely."""
    if _signalled(child, signal.SIGTERM):
        _wait(lambda: _running(child), GRACE)
        # Ended processes that nobody has buried look like living ones, and on some machines nobody ever does.
        _wait(lambda: _signalled(child, 0), _MOMENT)
        _signalled(child, signal.SIGKILL)
    _wait(lambda: _running(child), GRACE)


def _wait(still: Callable[[], bool], seconds: float) -> None:
    """Wait until something is over, so many seconds at most."""
    until = time.monotonic() + seconds
    while still() and time.monotonic() < until:
        time.sleep(0.002)


def _signalled(child: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the group of a child; whether anything was there to get it."""
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):  # the latter where nothing but ended processes is left
        return False
    return True


def ending(code: int, last: Iterable[str]) -> str:
    """How a child ended, and its last words."""
    if code >= 0:
        how = f"exit {code}"
    else:
        names = {number.value: number.name for number in signal.Signals}
        how = f"ended by {names.get(-code, f'signal {-code}')}"
    return ": ".join(filter(None, (how, "\n".join(last))))


class Lines:
    """What comes on stderr: told line by line, in bounds; the last lines are kept."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._open = b""
        self._left = TOLD_LIMIT
        self.last: deque[str] = deque(maxlen=LAST_LINES)

    def feed(self, piece: bytes) -> None:
        """Take what came; the end of it may be a line's middle."""
        *whole, self._open = (self._open + piece).split(b"\n")
        for line in whole:
            self._line(line)
        # A byte more than is told shows that the line was longer.
        self._open = self._open[: LINE_LIMIT + 1]

    def end(self) -> None:
        """Nothing more comes."""
        if self._open:
            self._line(self._open)
        self._open = b""

    def _line(self, line: bytes) -> None:
        cut = "…" if len(line) > LINE_LIMIT else ""
        text = line[:LINE_LIMIT].decode("utf-8", "replace").rstrip("\r") + cut
        if text:
            self.last.append(text)
        if self._left > 0:
            self._left -= len(line[:LINE_LIMIT]) + 1
            self._tell(text if self._left > 0 else "… (no more of it is shown)")
