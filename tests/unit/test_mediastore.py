"""The media store: bytes kept once, found by digests that nobody need trust."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from plcli.errors import Exit, LogError
from plcli.media import MediaMissing, lift, lower
from plcli.mediastore import MediaStore

DATA = b"\x89PNG\r\n\x1a\n..."
STEM = hashlib.sha256(DATA).hexdigest()
DIGEST = f"sha256:{STEM}"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def names(store: MediaStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def test_bytes_come_back_by_their_digest(store: MediaStore) -> None:
    assert store.put(DATA, "image/png") == DIGEST
    assert store.get(DIGEST) == DATA
    assert store.path(DIGEST) == store.folder / f"{STEM}.png"


def test_media_are_kept_beside_the_log_for_the_owner_alone(store: MediaStore, tmp_path: Path) -> None:
    store.put(DATA, "image/png")
    assert names(store) == [f"{STEM}.png"]
    assert store.folder == tmp_path / "media"
    assert stat.S_IMODE((store.folder / f"{STEM}.png").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("mime", "extension"),
    [
        ("image/jpeg", "jpg"),
        ("image/avif", "avif"),
        ("text/html", "bin"),
        ("application/yaml", "yaml"),
        ("../../x", "bin"),
        ("", "bin"),
    ],
)
def test_the_extension_follows_the_mime_type_and_is_bin_otherwise(store: MediaStore, mime: str, extension: str) -> None:
    store.put(DATA, mime)
    assert names(store) == [f"{STEM}.{extension}"]


def test_the_same_bytes_are_kept_once_and_written_once(store: MediaStore) -> None:
    store.put(DATA, "image/png")
    before = (store.folder / f"{STEM}.png").stat()
    store.put(DATA, "image/jpeg")
    after = (store.folder / f"{STEM}.png").stat()
    assert names(store) == [f"{STEM}.png"]
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_file_with_an_extension_of_another_version_is_found(store: MediaStore) -> None:
    store.folder.mkdir()
    (store.folder / f"{STEM}.jxl").write_bytes(DATA)
    assert store.get(DIGEST) == DATA


def test_bytes_that_are_not_there_are_missing(store: MediaStore) -> None:
    with pytest.raises(MediaMissing) as caught:
        store.get(DIGEST)
    assert caught.value.digest == DIGEST
    assert store.path(DIGEST) is None
    assert not store.folder.exists()


def test_altered_bytes_are_an_error_until_they_are_put_again(store: MediaStore) -> None:
    store.put(DATA, "image/png")
    (store.folder / f"{STEM}.png").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(LogError, match="does not hold the bytes") as caught:
        store.get(DIGEST)
    assert caught.value.exit is Exit.LOG
    store.put(DATA, "image/png")
    assert store.get(DIGEST) == DATA


@pytest.mark.parametrize(
    "digest",
    [
        "",
        STEM,
        f"sha256:{STEM.upper()}",
        f"sha256:{STEM}\n",
        "sha256:../../etc/passwd",
        f"sha256:{'*' * 64}",
        "sha256:",
    ],
)
def test_what_is_no_digest_names_nothing(store: MediaStore, digest: str) -> None:
    store.put(DATA, "image/png")
    assert store.path(digest) is None
    with pytest.raises(MediaMissing):
        store.get(digest)


def test_a_link_among_the_media_is_not_followed_nor_written_through(store: MediaStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(DATA)
    store.folder.mkdir()
    (store.folder / f"{STEM}.png").symlink_to(outside)
    with pytest.raises(LogError):
        store.get(DIGEST)
    store.put(DATA, "image/png")
    assert store.get(DIGEST) == DATA
    assert not (store.folder / f"{STEM}.png").is_symlink()
    assert outside.read_bytes() == DATA


def test_a_media_folder_that_is_a_link_is_not_written(store: MediaStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    store.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LogError, match="symbolic link"):
        store.put(DATA, "image/png")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_pipe_among_the_media_is_an_error_at_once(store: MediaStore) -> None:
    store.folder.mkdir()
    os.mkfifo(store.folder / f"{STEM}.png")
    with pytest.raises(LogError):
        store.get(DIGEST)


def test_a_folder_among_the_media_is_an_error_and_leaves_no_draft(store: MediaStore) -> None:
    (store.folder / f"{STEM}.png").mkdir(parents=True)
    with pytest.raises(LogError):
        store.get(DIGEST)
    with pytest.raises(LogError):
        store.put(DATA, "image/png")
    assert names(store) == [f"{STEM}.png"]


def test_a_file_in_place_of_the_folder_is_an_error_of_the_log(store: MediaStore) -> None:
    store.folder.touch()
    with pytest.raises(LogError, match="media"):
        store.put(DATA, "image/png")
    assert store.path(DIGEST) is None


def test_the_store_reads_for_a_wire(store: MediaStore) -> None:
    wire = {"url": "data:image/png;base64,iVBORw0KGgouLi4="}
    lifted, found = lift(wire)
    for digest, data in found.items():
        assert store.put(data, "image/png") == digest
    assert lower(lifted, store.get) == wire
