"""A new workspace: files that run at once, and what git should know about logs and recordings.

Nothing that is there is ever changed, but for lines added to the two files that steer git.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from plcli import disk, published
from plcli.documents import FORMATS
from plcli.errors import UsageError
from plcli.fence import BadReference, read_regular
from plcli.schemas import file_name
from plcli.workspace import FILE, MEDIA, Workspace

STARTER = Path(__file__).with_name("starter")
"""The folder of the files that a new workspace begins with."""

SCHEMAS = "schemas"
"""The folder of the schemas that editors complete and explain specs by."""


class Step(NamedTuple):
    """What was done to a file, named relative to the workspace; `lines` counts those that were added."""

    path: str
    action: Literal["created", "kept", "added"]
    lines: int = 0


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; nothing happens where it stands. Raises `UsageError`."""
    try:
        disk.make_folder(folder)
    except FileExistsError as error:
        raise _no_folder(Path(error.filename)) from None
    except (OSError, ValueError) as error:
        raise _refusal(folder, error) from None


def scaffold(workspace: Workspace) -> Iterator[Step]:
    """Make the folder a workspace; gives what was done as it is done. `plcli.toml` comes last.

    Where it is there already, the specs of a beginner are left out. Raises `UsageError` for what stands in the
    way, before anything is written, and for what cannot be written.
    """
    root = workspace.root
    steering = _git_lines(workspace)
    files = {f"{SCHEMAS}/{file_name(name)}": published.text(name).encode() for name in published.COMMITTED}
    if workspace.file is None:
        specs = {path.relative_to(STARTER): path.read_bytes() for path in sorted(STARTER.rglob("*.yaml"))}
        files |= {_there(root, place) or place.as_posix(): data for place, data in specs.items()}
    files[FILE] = (STARTER / FILE).read_bytes()
    for name in (*steering, *files):
        _look_for_obstacles(root, name)
    for name, lines in steering.items():
        yield _add_lines(root, name, lines)
    for name, data in files.items():
        yield _create(root, name, data)


def _git_lines(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The lines of `.gitignore` and `.gitattributes`: runs stay here, recordings and their media are committed."""
    log, media, recordings = (workspace.shown(path) for path in (workspace.log, workspace.media, workspace.recordings))
    return {
        ".gitignore": (f"/{log}", f"/{media}/", ".env"),
        ".gitattributes": (
            # Two branches that record add lines to one file; reviewers unfold them when they want to.
            f"/{recordings}/**/*.jsonl text eol=lf merge=union linguist-generated",
            f"/{recordings}/{MEDIA}/** binary",
        ),
    }


def _there(root: Path, place: Path) -> str | None:
    """The spec of a name that is there already, in any format."""
    names = (place.with_suffix(suffix).as_posix() for suffix in FORMATS)
    return next((name for name in names if os.path.lexists(root / name)), None)


def _look_for_obstacles(root: Path, name: str) -> None:
    """Raise `UsageError` where something on the way to a file is no folder, or a link that leads out of the root.

    So does a folder where the file itself is wanted.
    """
    if os.path.isdir(root / name):
        raise UsageError(f"{root / name} is a folder", hint=f"make {name} a plain file")
    for folder in (root / name).parents:
        if folder == root:
            return
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise _no_folder(folder)
        if not Path(os.path.realpath(folder)).is_relative_to(root):
            raise UsageError(f"{folder} leads out of {root}", hint="put a folder in the place of the link")


def _create(root: Path, name: str, data: bytes) -> Step:
    """Write a file where nothing is yet."""
    path = root / name
    make_folder(path.parent)
    try:
        disk.create(path, data)
    except FileExistsError:
        return Step(name, "kept")
    except OSError as error:
        raise _refusal(path, error) from None
    return Step(name, "created")


def _add_lines(root: Path, name: str, lines: tuple[str, ...]) -> Step:
    """Add the lines that a file has not to its end, with its own line ends; make it where it is not there."""
    path = root / name
    if not os.path.lexists(path):
        return _create(root, name, "".join(f"{line}\n" for line in lines).encode())
    if path.is_symlink():
        raise UsageError(f"{path} is a link, which git does not follow", hint="put a plain file in its place")
    try:
        old = read_regular(path, str(path))
    except BadReference as error:
        raise UsageError(error.message, hint=f"make {name} a plain file") from None
    there = {line.strip() for line in old.decode("utf-8", "replace").splitlines()}
    missing = [line for line in lines if line not in there]
    if not missing:
        return Step(name, "kept")
    end = "\r\n" if b"\r\n" in old else "\n"
    start = "" if not old or old.endswith(b"\n") else end
    try:
        disk.replace(path, old + (start + "".join(f"{line}{end}" for line in missing)).encode())
    except OSError as error:
        raise _refusal(path, error) from None
    return Step(name, "added", len(missing))


def _no_folder(path: Path) -> UsageError:
    return UsageError(f"{path} is no folder, and one is wanted there", hint="move it away, or name another folder")


def _refusal(path: Path, error: OSError | ValueError) -> UsageError:
    reason = ((error.strerror if isinstance(error, OSError) else None) or "no file can have this name").lower()
    return UsageError(f"{path} cannot be written: {reason}", hint="name a folder that you may write to")
