"""Copies for a person: bytes as named files in a folder of theirs, where nothing is ever overwritten."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from unicodedata import category

from plcli import disk
from plcli.errors import UsageError
from plcli.extensions import extension

_ELSEWHERE = "name another folder with --out"
_HINTS = {
    errno.ENOSPC: f"make room on the disk, or {_ELSEWHERE}",
    errno.EDQUOT: f"make room in your quota, or {_ELSEWHERE}",
    errno.EEXIST: f"a file stands in its place: {_ELSEWHERE}",
    errno.ENOTDIR: f"a file stands in its way: {_ELSEWHERE}",
    errno.EACCES: f"give yourself the right to it, or {_ELSEWHERE}",
    errno.EPERM: f"give yourself the right to it, or {_ELSEWHERE}",
}
_LONGEST = 100


def ready(folder: Path) -> None:
    """Make the folder where it is missing, and find out whether files can be made in it. Raises `UsageError`."""
    try:
        disk.make_folder(folder)
        draft = _draft(folder)
        disk.create(draft, b"")
        draft.unlink()
    except (OSError, ValueError) as error:
        raise _refusal(folder, error) from None


def write(folder: Path, stem: str, data: bytes, mime: str) -> Path:
    """Write a new file, durably and as a whole, and return its path: `stem.png`, else `stem-2.png`, and so on.

    The folder is made where it is missing. Of the stem stay letters, digits and `._-`, and at most `_LONGEST`
    characters. Raises `UsageError` where the folder cannot be written.
    """
    try:
        disk.make_folder(folder)
        draft = _draft(folder)
        disk.create(draft, data)
        try:
            path = next(path for path in _names(folder, _plain(stem), extension(mime)) if _placed(draft, path, data))
        finally:
            draft.unlink(missing_ok=True)
        disk.sync_folder(folder)
    except (OSError, ValueError) as error:
        raise _refusal(folder, error) from None
    return path


def _draft(folder: Path) -> Path:
    return folder / f".plcli-{os.urandom(8).hex()}"


def _plain(stem: str) -> str:
    """The stem as a name that is no path, is not hidden, and fits into every file system."""
    # Accents and vowel signs may be characters of their own.
    kept = (sign if sign in "._-" or category(sign)[0] in "LMN" else " " for sign in stem[:_LONGEST])
    name = "-".join("".join(kept).split()).strip(".-")
    return name.encode("utf-8")[: 2 * _LONGEST].decode("utf-8", "ignore") or "picture"


def _names(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    yield folder / f"{stem}.{ending}"
    for number in count(2):
        yield folder / f"{stem}-{number}.{ending}"


def _placed(draft: Path, path: Path, data: bytes) -> bool:
    """Give the draft a name, as a whole and unless something is there already; gives whether it has it."""
    try:
        try:
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:
            # Some file systems have no second names; what stands against the first one is said now.
            disk.create(path, data)
    except FileExistsError:
        return False
    return True


def _refusal(folder: Path, error: OSError | ValueError) -> UsageError:
    if isinstance(error, OSError):
        reason, hint = (error.strerror or str(error)).lower(), _HINTS.get(error.errno or 0, _ELSEWHERE)
    else:
        reason, hint = str(error), _ELSEWHERE
    return UsageError(f"no file can be written to {folder}: {reason}", where=str(folder), hint=hint)
