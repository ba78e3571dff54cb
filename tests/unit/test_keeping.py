"""Keeping runs as recordings: what is copied, what stays as it is, and what two at once leave."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import LogError
from plcli.exchangerecords import ExchangeRecord
from plcli.keeping import copy_media, keep, put_in_place
from plcli.media import digest_of
from plcli.mediastore import MediaStore
from plcli.records import Note, Record, Source, line
from plcli.runlog import RunLog

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    return RunLog(tmp_path / "runs.jsonl")


@pytest.fixture
def to(tmp_path: Path) -> RunLog:
    return RunLog(tmp_path / "recordings" / "r.jsonl")


@pytest.fixture
def stores(tmp_path: Path) -> tuple[MediaStore, MediaStore]:
    """Where media go, and where they come from."""
    return MediaStore(tmp_path / "recordings" / "media"), MediaStore(tmp_path / "media")


def a_run(text: str = "x", **fields: Any) -> Record:
    return Record(id="", time="2026-11-26T10:00:00Z", command="run", plcli="0", tags=[text], **fields)


def of(media: str, text: str = "x", **fields: Any) -> Record:
    """A run whose request holds a medium."""
    request = {"image": {"$media": media, "mime": "image/png", "as": "base64"}}
    sent = ExchangeRecord(key="k", operation="o", request=request, started="t", duration_ms=1)
    return a_run(text, exchanges=[sent], **fields)


def test_runs_keep_their_ids_and_come_in_the_order_in_which_they_are_named(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    first, second, third = log.append_all([a_run("1"), a_run("2"), a_run("3")])
    assert keep([third, first], to, *stores) == [third, first]
    assert keep([first, second, second], to, *stores) == [second]
    assert keep([], to, *stores) == []
    assert to.path.read_text() == "".join(line(record) + "\n" for record in (third, first, second))
    # An id that is smaller than one before is an id all the same.
    assert list(to.records()) == [third, first, second]
    assert to.find(first.id) == first


def test_all_media_that_a_run_refers_to_come_along(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    target, store = stores
    picture, spec, copy = store.put(PNG, "image/png"), store.put(b"kind: request", "application/yaml"), b"redacted"
    kept, gone = store.put(copy, "text/plain"), "sha256:" + "0" * 64
    sources = [Source(path="a.yaml", sha256=spec), Source(path="b.txt", sha256=gone, redacted=True, kept=kept)]
    keep(log.append_all([of(picture, sources=sources)]), to, target, store)
    assert {path.name: path.read_bytes() for path in target.folder.iterdir()} == {
        path.name: path.read_bytes() for path in store.folder.iterdir()
    }
    assert len(list(target.folder.iterdir())) == 3


def test_a_medium_that_was_lost_beside_the_recordings_comes_back(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    target, store = stores
    runs = log.append_all([of(store.put(PNG, "image/png"))])
    keep(runs, to, target, store)
    for path in target.folder.iterdir():
        path.unlink()
    assert keep(runs, to, target, store) == []
    assert target.get(digest_of(PNG)) == PNG


def test_recordings_beside_the_log_share_its_media(log: RunLog, to: RunLog, tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    copy_media(log.append_all([of(store.put(PNG, "image/png"))]), MediaStore(tmp_path / "media"), store)
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.parametrize(
    "tail",
    [b"", b"\n", b"\r\n", b"\n\n", b"\n<<<<<<< HEAD\n", b"\n{torn", b'\n{"v":9,"id":"20261126T100000000-aaaaa"}\n'],
)
def test_what_stands_there_stays_and_new_runs_begin_a_line(
    tail: bytes, log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    first, second = log.append_all([a_run("1"), a_run("2")])
    to.path.parent.mkdir()
    before = line(first).encode() + tail
    to.path.write_bytes(before)
    assert keep([first, second], to, *stores) == [second]
    found = to.path.read_bytes()
    assert found == before + (b"" if before.endswith(b"\n") else b"\n") + line(second).encode() + b"\n"


def test_a_torn_line_does_not_count_as_the_run(log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]) -> None:
    (run,) = log.append_all([a_run("1", metadata={"deep": {"er": {}}})])
    to.path.parent.mkdir()
    whole = line(run).encode()
    for torn in (whole[:60], whole[: whole.index(b"}}") + 1]):
        for end in (b"", b"\n"):
            to.path.write_bytes(torn + end)
            keep([run], to, *stores)
            assert to.path.read_bytes() == torn + b"\n" + whole + b"\n"


def test_runs_that_are_kept_at_once_are_there_once(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    runs = log.append_all([of(stores[1].put(PNG, "image/png"), str(n)) for n in range(20)])
    kept: list[Record] = []
    threads = [threading.Thread(target=lambda: kept.extend(keep(runs, to, *stores))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.id for record in kept) == [record.id for record in to.records()] == [run.id for run in runs]


# In the place of others


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_every_other_byte_stays(
    end: bytes, last: bool, log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    first, second, new = log.append_all([a_run("1"), a_run("2"), a_run("new")])
    note = log.append(Note(id="", run=first.id, text="fine"))
    spaced = re.sub(r'(":)', r"\1 ", line(second)).encode()
    others = [line(note).encode(), b"  ", b"{torn", b'{"v":9,"id":"20261126T100000000-aaaaa"}', spaced[:70]]
    pieces = [line(first).encode(), *others, spaced]
    to.path.parent.mkdir()
    to.path.write_bytes(end.join(pieces) + (end if last else b""))
    assert put_in_place({second.id: new, "20261126T100000000-zzzzz": first}, to, *stores) == 1
    pieces[-1] = line(new).encode()
    assert to.path.read_bytes() == end.join(pieces) + (end if last else b"")
    put_in_place({first.id: new}, to, *stores)
    pieces[0] = line(new).encode()
    assert to.path.read_bytes() == end.join(pieces) + (end if last else b"")


def test_media_come_along_in_the_place_of_others_too(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    old, new = log.append_all([a_run("1"), of(stores[1].put(PNG, "image/png"))])
    keep([old], to, *stores)
    put_in_place({old.id: new}, to, *stores)
    assert stores[0].get(digest_of(PNG)) == PNG


def test_a_file_that_is_not_there_is_an_error(to: RunLog, stores: tuple[MediaStore, MediaStore]) -> None:
    with pytest.raises(LogError, match=r"r\.jsonl"):
        put_in_place({"x": a_run()}, to, *stores)


def test_runs_that_are_replaced_while_others_are_kept_are_all_there(
    log: RunLog, to: RunLog, stores: tuple[MediaStore, MediaStore]
) -> None:
    runs = log.append_all([a_run(str(n)) for n in range(40)])
    keep(runs[:10], to, *stores)
    works: list[Callable[[], object]] = [
        partial(put_in_place, {runs[n].id: runs[n + 10]}, to, *stores) for n in range(10)
    ]
    works += [partial(keep, [runs[n]], to, *stores) for n in range(20, 40)]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record.id for record in to.records()) == [run.id for run in runs[10:]]
