"""What is opened by the system's viewer, and what is not."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from plcli.errors import SetupError
from plcli.openers import open_file
from tests.support import pictures

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the viewer of that system cannot be faked")

VIEWER = """#!{python}
import json, os, sys
said = {{"argv": sys.argv, "stdin": sys.stdin.read(), "leads": os.getsid(0) == os.getpid()}}
print("noise"); print("noise", file=sys.stderr)
with open("opened.part", "w") as file:
    json.dump(said, file)
os.rename("opened.part", "opened.json")
"""


@pytest.fixture(autouse=True)
def _desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DISPLAY", ":9")
    for name in ("WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)


def viewer(name: str) -> None:
    path = Path("bin", name)
    path.write_text(VIEWER.format(python=sys.executable))
    path.chmod(0o755)


def opened() -> list[str]:
    """The command line of the viewer, once it has run."""
    until = time.monotonic() + 60
    while not Path("opened.json").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    said = json.loads(Path("opened.json").read_text())
    assert (said["stdin"], said["leads"]) == ("", True)
    return [os.path.basename(said["argv"][0]), *said["argv"][1:]]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", pictures.png()),
        ("a.JPEG", pictures.jpeg()),
        ("a.jpg", pictures.jpeg()),
        ("-e; touch 'x'.webp", pictures.webp()),
        ("a.gif", pictures.gif(2)),
    ],
)
def test_a_picture_is_handed_to_the_viewer(name: str, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    viewer("xdg-open")
    Path(name).write_bytes(data)
    open_file(Path(name))
    assert opened() == ["xdg-open", str(Path(name).absolute())]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("commands", "variables", "used"),
    [
        (["gio"], {}, ["gio", "open"]),
        (["gio", "xdg-open"], {}, ["xdg-open"]),
        (["xdg-open"], {"DISPLAY": "", "WAYLAND_DISPLAY": "wayland-0"}, ["xdg-open"]),
        (["xdg-open", "wslview"], {"WSL_DISTRO_NAME": "Debian"}, ["wslview"]),
        (["wslview"], {"WSL_DISTRO_NAME": "Debian", "DISPLAY": ""}, ["wslview"]),
    ],
)
def test_the_viewer_is_the_one_of_the_desktop(
    commands: list[str], variables: dict[str, str], used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in commands:
        viewer(command)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Path("a.png").write_bytes(pictures.png())
    open_file(Path("a.png"))
    assert opened()[:-1] == used


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.svg", pictures.SVG, "svg"),
        ("a.svg", pictures.png(), "image/png"),
        ("a.html", pictures.png() + b"<script>", "image/png"),
        ("a.png", b"<html>", "no picture"),
        ("a.png", pictures.png()[:-12], "cut off"),
        ("a.png", pictures.jpeg(), "image/jpeg"),
        ("a.desktop", pictures.png(), "image/png"),
        ("a", pictures.png(), "image/png"),
        ("a.png", None, "no such file"),
    ],
)
def test_nothing_is_opened_but_pictures_under_their_own_name(name: str, data: bytes | None, reason: str) -> None:
    viewer("xdg-open")
    if data is not None:
        Path(name).write_bytes(data)
    with pytest.raises(SetupError, match=reason) as refused:
        open_file(Path(name))
    assert refused.value.message.startswith(f"{name} is not opened: ")
    assert refused.value.hint


@pytest.mark.parametrize("display", ["", ":9"])
def test_without_a_viewer_the_file_is_named(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not display:
        viewer("xdg-open")
    monkeypatch.setenv("DISPLAY", display)
    Path("a.png").write_bytes(pictures.png())
    with pytest.raises(SetupError, match=r"^a\.png is not opened: no viewer is here$"):
        open_file(Path("a.png"))


def test_a_viewer_that_does_not_start_is_told_of() -> None:
    Path("bin/xdg-open").write_text("#!/nowhere/at/all\n")
    Path("bin/xdg-open").chmod(0o755)
    Path("a.png").write_bytes(pictures.png())
    with pytest.raises(SetupError, match="xdg-open does not start: no such file or directory"):
        open_file(Path("a.png"))
