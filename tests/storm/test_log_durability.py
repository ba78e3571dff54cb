"""The run log under processes that append at once, are killed, or find the disk full."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plcli.errors import Exit, LogError
from plcli.records import Record
from plcli.runlog import Damage, RunLog

pytestmark = pytest.mark.storm

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys
from pathlib import Path
from plcli.records import Record
from plcli.runlog import RunLog
log, name, count, size = RunLog(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for n in range(count):
    log.append(Record(id="", time="t", command=name, plcli="0", variables={"n": n, "x": "y" * (n % 7 * size)}))
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


def a_writer(log: Path, name: str, count: int, size: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", WRITER, str(log), name, str(count), str(size)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    writers = [a_writer(path, str(name), 200, 50) for name in range(16)]
    for writer in writers:
        assert writer.communicate()[1] == b""
    damages: list[Damage] = []
    records = list(RunLog(path, damages.append).records())
    assert damages == []
    assert [record.id for record in records] == sorted({record.id for record in records})
    for name in range(16):
        seen = [(record.variables or {})["n"] for record in records if record.command == str(name)]
        assert seen == list(range(200))


def test_killed_at_any_moment_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    dice = random.Random(7)
    acknowledged: dict[str, int] = {}

    def reader(writer: subprocess.Popen[bytes], name: str, limit: int) -> None:
        assert writer.stdout is not None
        for count, _ in enumerate(writer.stdout, 1):
            acknowledged[name] = count
            if count == limit:
                writer.send_signal(signal.SIGKILL)

    for generation in range(6):
        threads, writers = [], []
        for n in range(4):
            name = f"{generation}-{n}"
            writers.append(a_writer(path, name, 10_000, 40_000))
            threads.append(threading.Thread(target=reader, args=(writers[-1], name, dice.randint(1, 60))))
            threads[-1].start()
        for thread, writer in zip(threads, writers, strict=True):
            thread.join()
            writer.communicate()
    damages: list[Damage] = []
    records = list(RunLog(path, damages.append).records())
    assert len(damages) <= len(acknowledged)
    assert [record.id for record in records] == sorted({record.id for record in records})
    for name, count in acknowledged.items():
        seen = [(record.variables or {})["n"] for record in records if record.command == name]
        assert seen == list(range(len(seen)))
        assert len(seen) >= count


def test_a_disk_that_fills_up_leaves_no_torn_line(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "runs.jsonl")
    small = Record(id="", time="t", command="run", plcli="0")
    log.append(small)
    before = log.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(LogError, match=r"runs\.jsonl") as caught:
            log.append(small)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit is Exit.LOG
    assert caught.value.hint
    assert log.path.read_bytes() == before
    log.append(small)
    assert len(list(log.records())) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LogError, match="permission") as caught:
            RunLog(tmp_path / "runs.jsonl").append(Record(id="", time="t", command="run", plcli="0"))
    finally:
        tmp_path.chmod(0o700)
    assert "--log" in (caught.value.hint or "")


LONG_LINE = """
import resource, sys
from pathlib import Path
from plcli.records import Record
from plcli.runlog import RunLog
log = RunLog(Path(sys.argv[1]))
if sys.argv[2] == "write":
    log.append(Record(id="", time="t", command="run", plcli="0", variables={"x": "y" * 100_000_000}))
assert sys.argv[2] == "write" or len(log.find("last").variables["x"]) == 100_000_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.parametrize("reading", [False, True])
def test_a_line_of_a_hundred_megabytes_takes_less_than_five_times_its_size(tmp_path: Path, reading: bool) -> None:
    for what in ("write", "read") if reading else ("write",):
        argv = [sys.executable, "-c", LONG_LINE, str(tmp_path / "runs.jsonl"), what]
        peak = int(subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert peak < 500_000_000
