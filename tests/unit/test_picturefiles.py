"""Pictures as files of a person: what a copy stands for, and which pictures are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcli import picturefiles
from plcli.errors import SetupError
from plcli.media import MediaMissing, digest_of
from plcli.mediastore import MediaStore
from plcli.openers import NoViewer
from plcli.picturefiles import VIEWED, CopiedMedia, PictureFiles
from tests.support.pictures import jpeg, png


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_a_copy_stands_for_the_bytes_that_the_store_has_not(store: MediaStore, tmp_path: Path) -> None:
    kept, copied, lost = store.put(png(), "image/png"), digest_of(jpeg()), digest_of(b"lost")
    places = {kept: tmp_path / "kept.png", copied: tmp_path / "copied.jpg", lost: tmp_path / "removed.png"}
    places[kept].write_bytes(b"altered")
    places[copied].write_bytes(jpeg())
    media = CopiedMedia(store, places)
    assert (media.get(kept), media.get(copied)) == (png(), jpeg())
    assert (media.path(kept), media.path(copied)) == (places[kept], places[copied])
    for digest in (lost, digest_of(b"never copied")):
        with pytest.raises(MediaMissing):
            media.get(digest)
    assert CopiedMedia(store, {}).path(kept) == store.path(kept)


def viewing(store: MediaStore, number: int) -> PictureFiles:
    return PictureFiles(store, None, viewed=[Path(f"{n}.png") for n in range(number)])


@pytest.mark.parametrize(
    ("number", "opened", "told"),
    [
        (VIEWED, VIEWED, []),
        (VIEWED + 2, VIEWED, [f"--open shows {VIEWED} pictures; 2 more were made"]),
    ],
)
def test_no_more_than_a_few_pictures_are_opened(
    store: MediaStore, number: int, opened: int, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Path] = []
    said: list[str] = []
    monkeypatch.setattr(picturefiles, "open_file", shown.append)
    viewing(store, number).view(said.append)
    assert (len(shown), said) == (opened, told)


@pytest.mark.parametrize(
    ("kind", "told"),
    [(NoViewer, ["0.png is not opened"]), (SetupError, ["0.png is not opened", "1.png is not opened"])],
)
def test_what_holds_for_one_picture_alone_does_not_keep_the_others_shut(
    store: MediaStore, kind: type[SetupError], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise kind(f"{path} is not opened")

    said: list[str] = []
    monkeypatch.setattr(picturefiles, "open_file", refuse)
    viewing(store, 2).view(said.append)
    assert said == told
