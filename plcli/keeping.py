"""Runs kept as recordings: copied with their media to a file that is committed, or put in the place of others there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path

from plcli import disk, lines
from plcli.extensions import EXTENSIONS
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.records import Record, line
from plcli.runlog import RunLog
from plcli.signatures import sniff

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def keep(records: Sequence[Record], log: RunLog, media: MediaStore, source: MediaStore) -> list[Record]:
    """Write runs at the end of a file of recordings, with the ids that they have; those that are there are left out.

    `media` gets what they refer to from `source`, before they are written. Gives the runs that were not there yet.
    Raises `LogError` where that cannot be done.
    """
    copy_media(records, media, source)
    return log.copy_in(records)


def put_in_place(records: Mapping[str, Record], log: RunLog, media: MediaStore, source: MediaStore) -> int:
    """Put runs in the places of those with these ids, where their lines stand; every other byte stays.

    Gives how many of those were there. Raises `LogError` where that cannot be done; then the file is as it was.
    """
    copy_media(records.values(), media, source)
    try:
        return _rewrite(log.path, {id: line(record).encode() for id, record in records.items()})
    except (OSError, ValueError) as error:
        raise disk.refusal(log.path, error) from None


def copy_media(records: Iterable[Record], media: MediaStore, source: MediaStore) -> None:
    """Copy the bytes that runs refer to, as far as they are there: what is gone was gone before."""
    for digest in dict.fromkeys(digest for record in records for digest in _DIGEST.findall(line(record))):
        if media.path(digest) is not None:
            continue
        try:
            data = source.get(digest)
        except MediaMissing:
            continue
        media.put(data, _mime_of(source, digest) or sniff(data))


def _mime_of(source: MediaStore, digest: str) -> str | None:
    """The type that the name of a kept file says."""
    path = source.path(digest)
    ending = path.suffix.removeprefix(".") if path is not None else ""
    return next((mime for mime, known in EXTENSIONS.items() if known == ending), None)


def _rewrite(path: Path, texts: Mapping[str, bytes]) -> int:
    while True:
        placed: set[str] = set()
        fd = disk.open_plain(path, os.O_RDWR | disk.NOFOLLOW)
        with FileIO(fd) as file, disk.locked(fd):
            if disk.is_at(fd, path):  # else somebody has put another file there
                disk.replace(path, _pieces(file, texts, placed))
                break
    disk.sync_folder(path.parent)
    return len(placed)


def _pieces(file: FileIO, texts: Mapping[str, bytes], placed: set[str]) -> Iterator[bytes]:
    for found in lines.forward(file, file.seek(0, os.SEEK_END)):
        id = found.whole_id if found.minted_id in texts else None
        if id is None or id not in texts:
            yield found.raw
            continue
        placed.add(id)
        yield texts[id] + found.raw[len(found.raw.rstrip(b"\r\n")) :]
