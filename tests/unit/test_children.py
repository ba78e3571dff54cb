"""Child processes: what they are given, what they may do, and that they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from plcli.cancel import Cancel
from plcli.handling import children
from plcli.handling.children import (
    LINE_LIMIT,
    OUTPUT_LIMIT,
    TOLD_LIMIT,
    ChildFailed,
    command_line,
    ending,
    environment,
    run_child,
)
from plcli.interrupts import SIGNALS, listen

LONG = 60.0
"""Seconds that nothing here takes: whoever waits so long hangs."""


def offspring() -> set[str]:
    """The processes that this one has started, ended ones that nobody has buried included."""
    with subprocess.Popen(["ps", "-A", "-o", "ppid=,pid="], stdout=subprocess.PIPE, text=True) as listing:
        assert listing.stdout is not None
        pairs = [line.split() for line in listing.stdout]
    return {pid for parent, pid in pairs if int(parent) == os.getpid() and int(pid) != listing.pid}


class Child:
    """Runs programs in the current folder, and keeps what they said on stderr."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.cancel = Cancel()

    def __call__(
        self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, seconds: float = LONG
    ) -> bytes:
        return run_child(
            argv, stdin=stdin, env=env or {"PATH": os.environ["PATH"]}, cwd=self.folder, seconds=seconds,
            cancel=self.cancel, tell=self.told.append,
        )  # fmt: skip

    def sh(self, script: str, *, stdin: bytes = b"", seconds: float = LONG) -> bytes:
        return self("/bin/sh", "-c", script, stdin=stdin, seconds=seconds)

    def python(self, script: str, *, stdin: bytes = b"", seconds: float = LONG) -> bytes:
        return self(sys.executable, "-I", "-S", "-c", script, stdin=stdin, seconds=seconds)

    def failure(self, script: str, *, seconds: float = LONG) -> ChildFailed:
        with pytest.raises(ChildFailed) as caught:
            self.sh(script, seconds=seconds)
        return caught.value

    @contextmanager
    def when_ready(self, act: Callable[[], None]) -> Iterator[None]:
        """Another thread acts as soon as a child has written the file `pid`."""

        def wait() -> None:
            written(self.folder / "pid")
            act()

        other = threading.Thread(target=wait)
        other.start()
        yield
        other.join()

    def cancelled_when_ready(self) -> AbstractContextManager[None]:
        return self.when_ready(self.cancel.ask)


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


def soon(true: Callable[[], bool]) -> bool:
    """Whether something comes true before everybody loses patience."""
    until = time.monotonic() + LONG
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def ended(pid: int) -> bool:
    """Whether a process ends; it need not be buried, since in some containers nobody does that."""
    return soon(lambda: state(pid) in "Z")


def state(pid: int) -> str:
    """The state of a process as `ps` shows it; empty where there is none."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1]


def written(path: Path) -> int:
    """The number that a child writes into a file."""
    assert soon(lambda: os.path.isfile(path) and path.read_text().endswith("\n"))
    return int(path.read_text())


class TestWhatGoesInAndOut:
    def test_it_gets_bytes_and_gives_bytes(self, child: Child) -> None:
        assert child("/bin/cat", stdin=b'{"a": "\xc3\xa4"}\x00') == b'{"a": "\xc3\xa4"}\x00'

    def test_arguments_are_no_shell_s(self, child: Child) -> None:
        hostile = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "| touch pwned", "-n\n", "*", "../..", "'\""]
        script = "import json, sys; json.dump(sys.argv[1:], sys.stdout)"
        out = child(sys.executable, "-I", "-S", "-c", script, *hostile)
        assert json.loads(out) == hostile
        assert list(child.folder.iterdir()) == []

    def test_megabytes_of_input_do_not_block_whatever_the_child_does_with_them(self, child: Child) -> None:
        much = b"x" * 8_000_000
        assert child.sh("echo done", stdin=much) == b"done\n"
        assert child.sh("exec <&-; echo done", stdin=much) == b"done\n"
        assert child.sh("head -c 3", stdin=much) == b"xxx"
        assert child.sh("wc -c", stdin=much).strip() == b"8000000"

    def test_input_and_output_go_on_at_once(self, child: Child) -> None:
        much = b"y" * (OUTPUT_LIMIT - 1)
        assert child("/bin/cat", stdin=much) == much

    def test_lines_of_stderr_are_told_as_they_come(self, child: Child) -> None:
        assert child.sh("echo one >&2; echo out; printf 'two\\r\\n\\377three' >&2") == b"out\n"
        assert child.told == ["one", "two", "\ufffdthree"]

    def test_it_has_no_terminal_and_no_open_file_of_ours(self, child: Child) -> None:
        with (child.folder / "secret").open("w") as secret:
            os.set_inheritable(secret.fileno(), True)
            assert child.sh("tty < /dev/tty || ls /dev/fd | wc -l").strip() in {b"3", b"4"}

    def test_it_sees_the_environment_that_it_is_given_and_no_more(self, child: Child) -> None:
        out = child("/usr/bin/env", env={"A": "1 $PATH", "B": ""})
        assert sorted(out.decode().splitlines()) == ["A=1 $PATH", "B="]

    def test_nothing_is_left_open_or_unburied(self, child: Child) -> None:
        child.sh("true")
        before, others = len(os.listdir("/dev/fd")), offspring()
        for _ in range(5):
            child.sh("cat", stdin=b"x" * 100_000)
            child.failure("exit 1")
            child.failure("sleep 60", seconds=0.01)
            with pytest.raises(ChildFailed):
                child("/nonexistent")
        assert len(os.listdir("/dev/fd")) == before
        assert offspring() == others

    def test_many_may_run_at_once(self, child: Child) -> None:
        answers: list[bytes] = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(child("/bin/cat", stdin=b"%d" % n))) for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(int, answers)) == list(range(12))


class TestFailure:
    @pytest.mark.parametrize(
        ("script", "message"),
        [
            ("exit 3", "exit 3"),
            ("echo why >&2; echo >&2; echo out; exit 1", "exit 1: why"),
            ("for n in 1 2 3 4 5 6 7; do echo $n >&2; done; exit 9", "exit 9: 3\n4\n5\n6\n7"),
            ("printf half >&2; exit 255", "exit 255: half"),
            ("kill -SEGV $$", "ended by SIGSEGV"),
        ],
    )
    def test_it_says_how_the_child_ended_with_its_last_words(self, child: Child, script: str, message: str) -> None:
        assert str(child.failure(script)) == message

    def test_a_signal_without_a_name_has_its_number(self) -> None:
        assert ending(-99, ["why"]) == "ended by signal 99: why"

    def test_what_was_answered_before_is_kept(self, child: Child) -> None:
        assert child.failure("echo so far; exit 1").output == b"so far\n"

    def test_what_cannot_be_started_says_so(self, child: Child) -> None:
        (child.folder / "text").write_text("hello")
        (child.folder / "program").write_bytes(b"\x00\x01")
        (child.folder / "program").chmod(0o755)
        (child.folder / "script").write_text("#!/nonexistent/interpreter\n")
        (child.folder / "script").chmod(0o755)
        for name, reason in {
            "absent": "does not exist",
            "text": "is not executable; chmod",
            "program": "is no program",
            "script": "what its first line names does not",
            "": "is not executable",
            "a\0b": "holds a character",
            "\ud800": "holds a character",
            "a" * 5000: "cannot be started: file name too long",
        }.items():
            with pytest.raises(ChildFailed, match=reason):
                child(os.path.join(child.folder, name))


class TestLimits:
    def test_time(self, child: Child) -> None:
        began = time.monotonic()
        assert str(child.failure("sleep 60", seconds=0.0512)) == "it took longer than 0.05 s, and was ended"
        assert time.monotonic() - began < LONG / 2

    def test_time_also_where_the_child_has_closed_its_ends(self, child: Child) -> None:
        assert "longer than" in str(child.failure("exec <&- >&- 2>&-; sleep 60", seconds=0.05))

    def test_a_question_without_a_line_end_is_told(self, child: Child) -> None:
        with child.cancelled_when_ready():
            child.failure("printf 'Password: ' >&2; echo $$ > pid; sleep 60")
        assert child.told == ["Password: "]

    def test_output(self, child: Child) -> None:
        assert len(child.sh(f"head -c {OUTPUT_LIMIT} /dev/zero")) == OUTPUT_LIMIT
        assert str(child.failure("cat /dev/zero")) == "it wrote more than 1 MB, and was ended"

    def test_a_flood_of_stderr_is_cut_and_does_not_block(self, child: Child) -> None:
        assert child.sh("yes | head -c 3000000 >&2; head -c 3000000 /dev/zero >&2; echo done") == b"done\n"
        assert sum(map(len, child.told)) <= TOLD_LIMIT
        assert child.told[-1] == "… (no more of it is shown)"

    def test_a_long_line_is_cut(self, child: Child) -> None:
        child.sh("many() { head -c $1 /dev/zero | tr '\\0' x >&2; echo >&2; }; many 1000000; many 2000")
        assert child.told == ["x" * LINE_LIMIT + "…", "x" * LINE_LIMIT]


class TestTheEnd:
    def test_grandchildren_that_hold_the_pipes_do_not_hold_the_answer(self, child: Child) -> None:
        assert child.sh("echo answer; sleep 60 & echo $! > pid") == b"answer\n"
        assert ended(written(child.folder / "pid"))

    def test_grandchildren_that_let_go_of_the_pipes_end_too(self, child: Child) -> None:
        assert child.sh("sleep 60 <&- >&- 2>&- & echo $! > pid") == b""
        assert ended(written(child.folder / "pid"))

    def test_a_failure_ends_grandchildren_too(self, child: Child) -> None:
        child.failure("sleep 60 & echo $! > pid; exit 1")
        assert ended(written(child.folder / "pid"))

    def test_whoever_ignores_the_polite_end_is_killed(self, child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(children, "GRACE", 0.1)
        with child.cancelled_when_ready():
            child.failure("trap '' TERM; echo $$ > pid; while :; do sleep 0.01; done")
        assert ended(written(child.folder / "pid"))

    def test_the_polite_end_leaves_time_to_tidy_up(self, child: Child) -> None:
        with child.cancelled_when_ready():
            child.failure("trap 'echo tidy > tidied; exit' TERM; echo $$ > pid; while :; do sleep 0.01; done")
        assert os.path.isfile(child.folder / "tidied")

    def test_a_cancel_from_another_thread_ends_it(self, child: Child) -> None:
        with child.cancelled_when_ready():
            assert str(child.failure("echo $$ > pid; sleep 60")) == "it was cancelled"
        assert ended(written(child.folder / "pid"))

    def test_nothing_is_started_that_is_cancelled_already_or_has_no_time(self, child: Child) -> None:
        assert "longer than 0 s" in str(child.failure("touch started", seconds=0))
        child.cancel.ask()
        assert str(child.failure("touch started")) == "it was cancelled"
        assert list(child.folder.iterdir()) == []

    def test_an_interrupt_ends_it(self, child: Child) -> None:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        listen()
        try:
            with child.when_ready(lambda: os.kill(os.getpid(), signal.SIGINT)), pytest.raises(KeyboardInterrupt):
                child.sh("sleep 60 & echo $! > pid; wait")
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert ended(written(child.folder / "pid"))


class TestEnvironment:
    def test_little_of_the_process_environment_and_what_is_granted(self) -> None:
        ours = {"PATH": "/bin", "HOME": "/h", "OPENAI_API_KEY": "sk", "LD_PRELOAD": "x", "PYTHONPATH": "y", "DB": ""}
        assert environment(ours, ()) == {"PATH": "/bin", "HOME": "/h"}
        assert environment(ours, ["DB", "LD_PRELOAD"]) == {"PATH": "/bin", "HOME": "/h", "DB": "", "LD_PRELOAD": "x"}

    def test_a_granted_variable_that_is_not_set_is_named(self) -> None:
        with pytest.raises(ChildFailed, match="names DB, which is not set: export DB=…"):
            environment({"PATH": "/bin"}, ["DB"])


class TestCommandLine:
    def test_a_bare_name_is_a_program_on_path(self, tmp_path: Path) -> None:
        assert command_line(["sh", "-c", ""], tmp_path, "/nowhere:/bin") == ["/bin/sh", "-c", ""]

    @pytest.mark.parametrize("path", [".", "", ":.:bin:", None])
    def test_a_program_of_the_repository_is_never_taken_for_one_on_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
    ) -> None:
        for folder in (tmp_path, tmp_path / "bin"):
            folder.mkdir(exist_ok=True)
            (folder / "fetch-weather").write_text("#!/bin/sh\n")
            (folder / "fetch-weather").chmod(0o755)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ChildFailed, match=r"'fetch-weather' on PATH; write ./fetch-weather for the one in the"):
            command_line(["fetch-weather"], tmp_path, path)
        assert command_line(["./fetch-weather"], tmp_path, path) == [str(tmp_path / "fetch-weather")]

    @pytest.mark.parametrize("name", ["../x", "a/../../x", "./../x/y"])
    def test_a_relative_path_stays_in_the_workspace(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ChildFailed, match="leads out of the workspace"):
            command_line([name], tmp_path, "/bin")

    def test_a_whole_path_is_taken_as_it_is(self, tmp_path: Path) -> None:
        assert command_line(["/usr/bin/env", "../x"], tmp_path, None) == ["/usr/bin/env", "../x"]

    @pytest.mark.parametrize("name", ["", "no-such-program", "a\0b", "\ud800", "x" * 5000, "."])
    def test_what_is_no_program_is_said(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ChildFailed, match="there is no program"):
            command_line([name], tmp_path, "/bin")

    def test_an_empty_command_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(ChildFailed, match="empty"):
            command_line([], tmp_path, "/bin")
