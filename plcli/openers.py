"""Open a picture with the viewer of the system, without waiting for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from plcli.errors import SetupError
from plcli.extensions import extension
from plcli.pixels import look


class NoViewer(SetupError):
    """Nothing here shows pictures, whichever they are."""


def open_file(path: Path) -> None:
    """Show a picture file to the person at this machine; the viewer goes on when plcli has ended.

    Raises `SetupError` for a file that is no whole picture under the name of one, as what a model makes may run in a
    browser; and `NoViewer`.
    """
    try:
        seen = look(path.read_bytes())
    except OSError as error:
        raise _refusal(path, (error.strerror or str(error)).lower()) from None
    # By its ending the system chooses what opens a file.
    ending = {".jpeg": ".jpg"}.get(path.suffix.lower(), path.suffix.lower())
    if not seen.drawable or ending != f".{extension(seen.mime)}":
        faults = "; ".join(seen.faults) or f"it holds {seen.mime}"
        raise _refusal(path, f"it is no whole picture, or not the one that its name says ({faults})")
    if sys.platform == "win32":
        os.startfile(path.absolute())
        return
    viewer = _viewer()
    if viewer is None:
        raise _refusal(path, "no viewer is here", NoViewer)
    try:
        process = subprocess.Popen(
            [*viewer, str(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        reason = f"{viewer[0]} does not start: {(error.strerror or str(error)).lower()}"
        raise _refusal(path, reason, NoViewer) from None
    # Somebody must hear of its end, or it stays in the table of processes.
    Thread(target=process.wait, daemon=True).start()


def _refusal(path: Path, reason: str, kind: type[SetupError] = SetupError) -> SetupError:
    return kind(f"{path} is not opened: {reason}", hint="open the file yourself")


def _viewer() -> Sequence[str] | None:
    """The command that opens a file as a click on it does."""
    if sys.platform == "darwin":
        return ("/usr/bin/open",)
    commands: list[Sequence[str]] = []
    if os.environ.get("WSL_DISTRO_NAME"):
        commands.append(("wslview",))
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        commands += [("xdg-open",), ("gio", "open")]
    return next((command for command in commands if shutil.which(command[0])), None)
