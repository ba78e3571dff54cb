"""The run log: appending, reading past damage, and finding the run that a person means."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plcli import disk, runids
from plcli.errors import Exit, LogError, UsageError
from plcli.lines import BLOCK
from plcli.records import Note, Record, SpecRef
from plcli.runlog import Damage, RunLog


def a_record(command: str = "run", spec: str | None = None, variables: dict[str, object] | None = None) -> Record:
    return Record(
        id="",
        time="2026-11-23T16:55:39Z",
        command=command,
        plcli="0.1.0",
        spec=SpecRef(path=spec, sha256="0" * 64) if spec else None,
        variables=variables,
    )


@pytest.fixture
def damages() -> list[Damage]:
    return []


@pytest.fixture
def log(tmp_path: Path, damages: list[Damage]) -> RunLog:
    return RunLog(tmp_path / "runs.jsonl", damages.append)


def commands(log: RunLog, reverse: bool = False) -> list[str]:
    return [record.command for record in log.records(reverse)]


# appending


def test_an_appended_record_comes_back_with_its_id(log: RunLog) -> None:
    kept = log.append(a_record())
    assert re.fullmatch(r"\d{8}T\d{9}-[0-9a-hjkmnp-tv-z]{5}", kept.id)
    assert list(log.records()) == [kept]


def test_the_line_is_compact_json_in_utf_8_and_ends_the_file(log: RunLog) -> None:
    kept = log.append(a_record(variables={"city": "Málaga\u2028", "none": None}))
    assert log.path.read_text(encoding="utf-8") == (
        f'{{"v":1,"id":"{kept.id}","time":"2026-11-23T16:55:39Z","command":"run","plcli":"0.1.0",'
        '"variables":{"city":"Málaga\u2028","none":null},"exchanges":[]}\n'
    )


def test_a_log_and_its_folder_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "a" / "b" / "runs.jsonl")
    log.append(a_record())
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_ids_rise_past_a_last_id_that_is_ahead_of_the_clock(log: RunLog) -> None:
    log.path.write_text('{"v":1,"id":"29991231T235959999-zzzzz","time":"t","command":"run","plcli":"0"}\n')
    assert [log.append(a_record()).id[:18] for _ in range(2)] == ["30000101T000000000", "30000101T000000001"]


@pytest.mark.parametrize("tail", ["{\n", '{"v":1,"id":"2026', "\n\n", "<<<<<<< HEAD\n", "x" * (BLOCK + 7)])
def test_ids_rise_past_a_tail_that_holds_none(log: RunLog, tail: str) -> None:
    log.path.write_text('{"v":1,"id":"29991231T235959999-zzzzz","time":"t","command":"run","plcli":"0"}\n' + tail)
    assert log.append(a_record()).id.startswith("30000101T000000000-")


def test_ids_rise_past_an_id_in_a_torn_line_and_in_one_of_other_key_order(log: RunLog) -> None:
    log.path.write_text('{"v":1,"id":"29991231T235959999-zzzzz","ti')
    assert log.append(a_record()).id.startswith("30000101T000000000-")
    log.path.write_text('{"command":"run","id":"29991231T235959999-zzzzz","plcli":"0","time":"t","v":1}\n')
    assert log.append(a_record()).id.startswith("30000101T000000000-")


def test_after_the_last_possible_id_nothing_is_written(log: RunLog) -> None:
    log.path.write_text('{"v":1,"id":"99991231T235959999-zzzzz","time":"t","command":"run","plcli":"0"}\n')
    before = log.path.read_bytes()
    with pytest.raises(LogError, match="year 9999"):
        log.append(a_record())
    assert log.path.read_bytes() == before


def test_an_impossible_date_in_an_id_counts_as_no_id(log: RunLog) -> None:
    log.path.write_text('{"v":1,"id":"99999999T999999999-zzzzz","time":"t","command":"run","plcli":"0"}\n')
    assert log.append(a_record()).id < "99999999"


def test_a_torn_tail_stays_a_line_of_its_own(log: RunLog, damages: list[Damage]) -> None:
    log.append(a_record("first"))
    size = log.path.stat().st_size
    with log.path.open("ab") as file:
        file.write(b'{"v":1,"id":"torn')
    log.append(a_record("second"))
    assert commands(log) == ["first", "second"]
    assert [damage.offset for damage in damages] == [size]
    assert b'{"v":1,"id":"torn\n' in log.path.read_bytes()


def test_a_record_that_json_cannot_hold_leaves_the_log_as_it_was(log: RunLog) -> None:
    log.append(a_record())
    before = log.path.read_bytes()
    with pytest.raises(LogError, match="cannot be written down") as caught:
        log.append(a_record(variables={"x": float("inf")}))
    assert caught.value.exit is Exit.LOG
    assert log.path.read_bytes() == before


def test_threads_that_append_at_once_lose_nothing_and_their_ids_rise(log: RunLog) -> None:
    def work(name: str) -> None:
        for n in range(20):
            log.append(a_record(f"{name}-{n}"))

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [record.id for record in log.records()]
    assert sorted(commands(log)) == sorted(f"{name}-{n}" for name in range(8) for n in range(20))
    assert ids == sorted(set(ids))


def test_notes_are_appended_like_records(log: RunLog) -> None:
    run = log.append(a_record())
    note = log.append(Note(id="", run=run.id, score=0.5, text="good"))
    assert list(log.entries()) == [run, note]
    assert list(log.records()) == [run]
    assert note.id > run.id


# places where no log can be


def _as_a_folder(path: Path) -> None:
    path.mkdir()


def _as_a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _as_a_link(path: Path) -> None:
    target = path.with_name("bashrc")
    target.write_text("export PATH\n")
    path.symlink_to(target)


def _as_a_circle(path: Path) -> None:
    path.symlink_to(path)


def _as_a_device(path: Path) -> None:
    path.symlink_to("/dev/full")


@pytest.mark.parametrize("place", [_as_a_folder, _as_a_pipe, _as_a_link, _as_a_circle, _as_a_device])
def test_nothing_is_appended_to_what_is_no_plain_file(log: RunLog, place: Callable[[Path], None]) -> None:
    place(log.path)
    with pytest.raises(LogError, match=r"runs\.jsonl") as caught:
        log.append(a_record())
    assert caught.value.exit is Exit.LOG
    assert caught.value.hint is not None
    assert "--log" in caught.value.hint


def test_the_target_of_a_link_is_left_alone(log: RunLog) -> None:
    _as_a_link(log.path)
    with pytest.raises(LogError, match="symbolic link"):
        log.append(a_record())
    assert log.path.read_text() == "export PATH\n"


@pytest.mark.parametrize("place", [_as_a_folder, _as_a_pipe, _as_a_link, _as_a_circle, _as_a_device])
def test_what_is_no_plain_file_is_known_before_a_run(log: RunLog, place: Callable[[Path], None]) -> None:
    place(log.path)
    with pytest.raises(LogError):
        log.ready()


def test_a_log_that_is_made_ready_holds_no_run(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "new" / "runs.jsonl")
    log.ready()
    assert list(log.records()) == []
    with pytest.raises(UsageError, match="no run"):
        log.find("last")


@pytest.mark.parametrize("place", [_as_a_folder, _as_a_pipe, _as_a_circle, _as_a_device])
def test_nothing_is_read_from_what_is_no_plain_file(log: RunLog, place: Callable[[Path], None]) -> None:
    place(log.path)
    with pytest.raises(LogError):
        list(log.records())


def test_a_file_among_the_folders_of_the_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="file"):
        RunLog(tmp_path / "file" / "runs.jsonl").append(a_record())


def test_a_path_with_a_nul_is_an_error_of_the_log(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "a\0b")
    with pytest.raises(LogError, match="no path"):
        log.append(a_record())
    with pytest.raises(LogError, match="no path"):
        list(log.records())


def test_a_lock_that_others_keep_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    with path.open("ab") as mine, path.open("ab") as theirs, disk.locked(theirs.fileno()):
        with pytest.raises(TimeoutError) as caught, disk.locked(mine.fileno(), wait=0):
            pass
        assert "--log" in (disk.refusal(path, caught.value).hint or "")


def test_a_file_system_without_locks_is_said_to_have_none() -> None:
    error = disk.refusal(Path("runs.jsonl"), OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)))
    assert (error.exit, error.hint) == (
        Exit.LOG,
        "this file system knows no locks: name a file on a local disk with --log",
    )


def test_a_log_that_is_renamed_while_a_writer_waits_is_not_written(log: RunLog) -> None:
    log.append(a_record("old"))
    moved = log.path.with_name("moved.jsonl")
    with log.path.open("rb") as file, disk.locked(file.fileno()):
        writer = threading.Thread(target=lambda: log.append(a_record("new")))
        writer.start()
        log.path.rename(moved)
    writer.join()
    assert (commands(RunLog(moved)), commands(log)) == (["old"], ["new"])


# reading


def test_an_absent_log_reads_as_empty(log: RunLog) -> None:
    assert list(log.records()) == []
    assert list(log.scan(reverse=True)) == []
    assert not log.path.exists()


DAMAGED = {
    b"no json": "no JSON",
    b"[1]": "no record",
    b"{}": "no record",
    b'{"v":1,"id":"x"}': "no record (time: field required)",
    b'{"v":1,"id":"x","time":"t","command":"c","plcli":"0","exchanges":[{}]}': "exchanges.0.key",
    b'{"v":1,"id":NaN}': "NaN is no number",
    b"\xff\xfe": "UTF-8",
    b'{"v":1,"\0\0': "NUL",
    b"<<<<<<< HEAD": "merge conflict",
    b"=======": "merge conflict",
    b"[" * 100_000: "nested too deeply",
    b"9" * 5000: "digits",
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: repr(line[:20]))
def test_a_damaged_line_is_reported_once_and_hides_no_other(
    log: RunLog, damages: list[Damage], line: bytes, reverse: bool
) -> None:
    log.append(a_record("before"))
    size = log.path.stat().st_size
    with log.path.open("ab") as file:
        file.write(line + b"\n")
    log.append(a_record("after"))
    assert sorted(commands(log, reverse)) == ["after", "before"]
    assert sorted(commands(log, reverse)) == ["after", "before"]
    assert [damage.offset for damage in damages] == [size]
    assert DAMAGED[line] in damages[0].reason


@pytest.mark.parametrize("reverse", [False, True])
def test_a_torn_tail_is_reported_as_broken_off(log: RunLog, damages: list[Damage], reverse: bool) -> None:
    log.append(a_record("first"))
    log.append(a_record("second"))
    size = log.path.stat().st_size
    os.truncate(log.path, size - 5)
    assert commands(log, reverse) == ["first"]
    assert [damage.reason for damage in damages] == ["it breaks off: whoever wrote it was stopped"]


@pytest.mark.parametrize("reverse", [False, True])
def test_cut_at_any_byte_of_its_last_record_a_log_keeps_the_others_and_reports_one_damage(
    log: RunLog, reverse: bool
) -> None:
    log.append(a_record("first"))
    start = log.path.stat().st_size
    log.append(a_record("second"))
    for end in range(log.path.stat().st_size - 2, start, -1):
        os.truncate(log.path, end)
        damages: list[Damage] = []
        assert commands(RunLog(log.path, damages.append), reverse) == ["first"]
        assert [damage.offset for damage in damages] == [start]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_last_line_that_lacks_only_its_end_is_a_record(log: RunLog, damages: list[Damage], reverse: bool) -> None:
    log.append(a_record("only"))
    os.truncate(log.path, log.path.stat().st_size - 1)
    assert commands(log, reverse) == ["only"]
    log.append(a_record("next"))
    assert commands(log) == ["only", "next"]
    assert damages == []


def test_blank_lines_windows_line_ends_and_a_byte_order_mark_do_no_harm(log: RunLog, damages: list[Damage]) -> None:
    for name in ("a", "b"):
        log.append(a_record(name))
    log.path.write_bytes(b"\xef\xbb\xbf" + log.path.read_bytes().replace(b"\n", b"\r\n\r\n \n\n"))
    assert commands(log) == ["a", "b"]
    assert commands(log, reverse=True) == ["b", "a"]
    assert damages == []


def test_an_unknown_version_is_named_with_its_place(log: RunLog) -> None:
    log.append(a_record())
    size = log.path.stat().st_size
    with log.path.open("a") as file:
        file.write('{"v":2,"id":"20260101T000000000-aaaaa"}\n')
    with pytest.raises(LogError, match="version 2") as caught:
        list(log.records())
    assert f"offset {size}" in (caught.value.where or "")
    with pytest.raises(LogError, match="version 2"):
        log.find("20260101T000000000-aaaaa")


def test_unknown_fields_are_ignored(log: RunLog) -> None:
    log.path.write_text('{"v":1,"id":"x","time":"t","command":"run","plcli":"9","new":{"a":1}}\n')
    assert commands(log) == ["run"]


def test_lines_are_the_same_in_both_directions_across_blocks(log: RunLog) -> None:
    sizes = (0, 1, BLOCK - 80, BLOCK, 3 * BLOCK + 5, 10)
    for size in sizes:
        log.append(a_record(variables={"x": "y" * size}))
    forwards = list(log.scan())
    assert list(log.scan(reverse=True)) == forwards[::-1]
    assert len(forwards) == len(sizes)
    assert [line.offset for line in forwards] == [
        sum(len(line.raw) for line in forwards[:n]) for n in range(len(forwards))
    ]


def test_newest_first_reads_only_the_end(log: RunLog) -> None:
    log.append(a_record("newest"))
    newest = log.path.read_bytes()
    with log.path.open("wb") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + newest)
    assert next(iter(log.records(reverse=True))).command == "newest"


def test_a_reader_does_not_see_what_is_appended_after_it_began(log: RunLog) -> None:
    log.append(a_record("a"))
    reader = log.records()
    assert next(reader).command == "a"
    log.append(a_record("b"))
    assert list(reader) == []


# finding


def test_a_run_is_found_by_id_prefix_tail_and_last(log: RunLog) -> None:
    runs = [log.append(a_record(str(n))) for n in range(3)]
    middle = runs[1]
    assert log.find(middle.id) == middle
    assert log.find(middle.id[:18]) == middle
    assert log.find(middle.id[-5:]) == middle
    assert [log.find(ref) for ref in ("last", "last~0", "last~1", "last~2")] == [runs[2], runs[2], runs[1], runs[0]]


def test_a_run_whose_line_has_other_key_order_is_found(log: RunLog) -> None:
    log.path.write_text('{"command":"run","id":"20260101T000000000-abcde","plcli":"0","time":"t","v":1}\r\n')
    assert log.find("abcde").id == "20260101T000000000-abcde"


def test_an_ambiguous_reference_lists_at_most_five_runs(log: RunLog) -> None:
    runs = [log.append(a_record(spec=f"prompts/{n}.yaml")) for n in range(7)]
    with pytest.raises(UsageError, match="may be any of") as caught:
        log.find(runs[0].id[:2])
    message = caught.value.message
    assert caught.value.exit is Exit.USAGE
    assert [run.id in message for run in runs] == [False, False, True, True, True, True, True]
    assert "prompts/6.yaml, 2026-11-23T16:55:39Z" in message
    assert message.endswith("…")


def test_two_lines_with_one_id_are_one_run_and_the_newest_counts(log: RunLog) -> None:
    for command in ("old", "new"):
        with log.path.open("a") as file:
            file.write(f'{{"v":1,"id":"20260101T000000000-abcde","time":"t","command":"{command}","plcli":"0"}}\n')
    assert [log.find(ref).command for ref in ("abcde", "2026", "20260101T000000000-abcde")] == ["new"] * 3


@pytest.mark.parametrize("ref", ["last~2", "nope", "", "last~", "last~-1", "last~99999999999999", "\0", "(", "é"])
def test_a_reference_that_fits_no_run_is_a_mistake_with_a_hint(log: RunLog, ref: str) -> None:
    log.append(a_record())
    log.append(a_record())
    with pytest.raises(UsageError, match="no run") as caught:
        log.find(ref)
    assert caught.value.hint == "plcli log list"


@pytest.mark.parametrize("ref", ["last", "abcde"])
def test_to_find_in_an_absent_log_says_that_it_is_absent(log: RunLog, ref: str) -> None:
    with pytest.raises(UsageError, match="no log"):
        log.find(ref)


def test_a_note_is_no_run(log: RunLog) -> None:
    run = log.append(a_record())
    note = log.append(Note(id="", run=run.id, text="x"))
    assert log.find("last") == run
    with pytest.raises(UsageError):
        log.find(note.id)


@pytest.mark.parametrize("ref", ["last", "{tail}"])
def test_finding_a_run_reports_a_torn_tail(log: RunLog, damages: list[Damage], ref: str) -> None:
    run = log.append(a_record())
    log.append(a_record())
    os.truncate(log.path, log.path.stat().st_size - 3)
    assert log.find(ref.format(tail=run.id[-5:])) == run
    assert len(damages) == 1


def test_an_id_tells_its_time() -> None:
    moment = runids.moment_of("20261123T165539123-k7m2q")
    assert moment is not None
    assert moment.isoformat() == "2026-11-23T16:55:39.123000+00:00"
    assert runids.moment_of("20261123T165539123-k7m2l") is None
