"""Files that outlive the process: opened without traps, locked, and synced to the disk.

What stands in them is the business of the run log and the media store.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from plcli.errors import LogError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_WAIT = 30.0
"""Seconds that a writer waits for the others before it gives up; one append takes milliseconds."""

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""The open flag that refuses a symbolic link in the last step of a path."""

_QUIET = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FAR = 1 << 62

_ELSEWHERE = "name another file with --log"
_HINTS = {
    errno.EACCES: f"give yourself the right to it, or {_ELSEWHERE}",
    errno.EPERM: f"give yourself the right to it, or {_ELSEWHERE}",
    errno.EROFS: "name a file on a disk that can be written with --log",
    errno.ENOSPC: "make room on the disk and run it again",
    errno.EDQUOT: "make room in your quota and run it again",
    errno.EFBIG: "name a new log with --log, or raise the limit on file sizes (ulimit -f)",
    errno.EISDIR: "name a file with --log",
    errno.ENOTDIR: f"a step of the path is no folder: {_ELSEWHERE}",
    errno.ENOLCK: "this file system knows no locks: name a file on a local disk with --log",
    errno.ENOTSUP: "this file system knows no locks: name a file on a local disk with --log",
    errno.ETIMEDOUT: f"another process holds its lock: end that process, or {_ELSEWHERE}",
}


class NotAPlainFile(OSError):
    """The path is a device, a pipe or a socket; or a link, where links are refused."""


def refusal(path: Path, error: OSError | ValueError) -> LogError:
    """The error that a person sees where the operating system refuses a file of the log or the media."""
    if isinstance(error, NotAPlainFile):
        return LogError(f"{path} {error}", where=str(path), hint="name a plain file with --log (of a link: its target)")
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0, _ELSEWHERE)
        return LogError(f"{path} cannot be used: {reason}", where=str(path), hint=hint)
    return LogError(f"{str(path)!r} is no path: {error}", where=str(path), hint=_ELSEWHERE)


def open_plain(path: Path, flags: int) -> int:
    """Open a plain file, made with mode 0600 where `flags` say so; returns its descriptor.

    Nothing else is opened, and nothing waits: a pipe without a writer, a device, a folder are
    `OSError`; so is a link under `NOFOLLOW`.
    """
    try:
        fd = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | _QUIET, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            reason = "is a symbolic link, which may lead anywhere" if flags & NOFOLLOW else "leads in a circle"
            raise NotAPlainFile(reason) from None
        if error.errno == errno.ENXIO:
            raise NotAPlainFile("is no plain file") from None
        raise
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise NotAPlainFile("is no plain file")


def is_at(fd: int, path: Path) -> bool:
    """Whether the open file is the one at the path still, not one that was renamed away."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def locked(fd: int, *, shared: bool = False, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Hold the lock of an open file against other processes and other opens of this one.

    The lock falls with the process. Raises `OSError`: `ETIMEDOUT` after `wait` seconds, `ENOLCK` or
    `ENOTSUP` where the file system has no locks.
    """
    deadline = time.monotonic() + wait
    pause = 0.0005
    while not _lock(fd, shared):
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, f"locked for {wait:g} seconds")
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    try:
        yield
    finally:
        _unlock(fd)


if sys.platform == "win32":

    def _lock(fd: int, shared: bool) -> bool:
        # Windows locks forbid reading too, so the locked byte is one that no log reaches.
        os.lseek(fd, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:

    def _lock(fd: int, shared: bool) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


def write_all(fd: int, data: bytes) -> None:
    """Write all of the data, by one call unless the operating system takes less."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync(fd: int) -> None:
    """Return when the data of the file are on the disk."""
    if sys.platform == "linux":
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Return when the names in the folder are on the disk; Windows has no such call."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, durably; nothing happens where it stands."""
    if os.path.isdir(folder) or folder == folder.parent:
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def create(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Make a file that is a person's own, durably, where nothing is yet; of the data as a whole or piece by piece.

    Raises `OSError`: `FileExistsError` for whatever is there, a link that leads nowhere included.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _QUIET, 0o666)
    try:
        with open(fd, "wb", buffering=0):
            for piece in (data,) if isinstance(data, bytes) else data:
                write_all(fd, piece)
            sync(fd)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Put a new file in the place of the one that may be there, as a whole or not at all; its rights stay."""
    draft = path.with_name(f".{path.name[:64]}.{os.urandom(6).hex()}")
    create(draft, data)
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
