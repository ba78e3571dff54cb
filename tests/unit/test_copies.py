"""Copies for a person: new files alone, whole, under names that lead nowhere else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plcli import disk
from plcli.copies import write
from plcli.errors import Exit, UsageError
from tests.support.pictures import png

PNG = png()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_is_a_file_of_its_persons_own_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "b", "logo", PNG, "image/png")
    assert path == tmp_path / "a" / "b" / "logo.png"
    assert path.read_bytes() == PNG
    assert names(path.parent) == ["logo.png"]
    (tmp_path / "mine").touch()
    assert path.stat().st_mode == (tmp_path / "mine").stat().st_mode


def test_a_folder_may_be_relative_and_stand_behind_a_link(tmp_path: Path) -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    assert write(Path("link"), "logo", PNG, "image/png") == Path("link/logo.png")
    assert names(tmp_path / "real") == ["logo.png"]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    made = [write(tmp_path, "logo", bytes([number]), "image/png") for number in range(3)]
    assert [path.name for path in made] == ["logo.png", "logo-2.png", "logo-3.png"]
    assert [path.read_bytes() for path in made] == [b"\0", b"\1", b"\2"]
    assert write(tmp_path, "logo", PNG, "image/jpeg").name == "logo.jpg"


@pytest.mark.parametrize("links", [True, False], ids=["linked", "without second names"])
def test_whatever_stands_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    (tmp_path / "logo.png").mkdir()
    (tmp_path / "logo-2.png").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "logo-3.png").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "logo-4.png")
    assert write(tmp_path, "logo", PNG, "image/png").name == "logo-5.png"
    assert names(tmp_path) == ["logo-2.png", "logo-3.png", "logo-4.png", "logo-5.png", "logo.png"]
    assert (tmp_path / "logo-5.png").read_bytes() == PNG


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("logo-k3x9p", "logo-k3x9p"),
        ("v1.2_final", "v1.2_final"),
        ("../../etc/passwd", "etc-passwd"),
        ("/absolute", "absolute"),
        ("..", "picture"),
        ("", "picture"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("a\0b\nc", "a-b-c"),
        ("C:\\con", "C-con"),
        ("été 東京", "été-東京"),
        ("e\u0301te\u0301 \u0915\u093f", "e\u0301te\u0301-\u0915\u093f"),
        ("\ud800x\u202e", "x"),
        ("x" * 300, "x" * 100),
        ("界" * 300, "界" * 66),
    ],
)
def test_a_stem_becomes_a_plain_name(tmp_path: Path, stem: str, name: str) -> None:
    path = write(tmp_path / "out", stem, PNG, "image/png")
    assert (path.parent, path.stem) == (tmp_path / "out", name)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("mime", "suffix"), [("image/webp", ".webp"), ("image/svg+xml", ".svg"), ("../../x", ".bin"), ("", ".bin")]
)
def test_the_extension_follows_the_mime_type(tmp_path: Path, mime: str, suffix: str) -> None:
    assert write(tmp_path, "logo", PNG, mime).suffix == suffix


def failing(number: int) -> Any:
    def fail(*_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "make room on the disk"), (errno.EROFS, "name another folder"), (errno.EACCES, "the right to it")],
)
def test_a_disk_that_takes_nothing_is_told_and_left_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    monkeypatch.setattr(disk, "write_all", failing(number))
    with pytest.raises(UsageError, match=os.strerror(number).lower()) as caught:
        write(tmp_path, "logo", PNG, "image/png")
    assert (caught.value.exit, caught.value.where) == (Exit.USAGE, str(tmp_path))
    assert hint in str(caught.value.hint)
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_without_second_names_is_left_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []

    def write_once(fd: int, data: bytes) -> None:
        os.write(fd, data[:9])
        taken.append(data)
        if len(taken) > 1:
            failing(errno.ENOSPC)()

    monkeypatch.setattr(os, "link", failing(errno.ENOTSUP))
    monkeypatch.setattr(disk, "write_all", write_once)
    with pytest.raises(UsageError, match="no space left"):
        write(tmp_path, "logo", PNG, "image/png")
    assert (len(taken), names(tmp_path)) == (2, [])


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("a\0b")):
        with pytest.raises(UsageError, match="no file can be written") as caught:
            write(folder, "logo", PNG, "image/png")
        assert "--out" in str(caught.value.hint)


WRITER = """
import sys
from pathlib import Path
from plcli.copies import write
for number in range(30):
    write(Path(sys.argv[1]), "logo", f"{sys.argv[2]} {number}".encode(), "image/png")
"""


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert {path.read_text() for path in folder.iterdir()} == {f"{w} {n}" for w in "ab" for n in range(30)}
    assert set(names(folder)) == {"logo.png", *(f"logo-{number}.png" for number in range(2, 61))}
