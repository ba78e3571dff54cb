"""`plcli convert` on the command line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.documents import load
from tests.support.cli import Cli, Said, Write

TOML = 'kind = "tool"\nname = "look_up"\ndescription = """\nLooks up.\n"""\n'


@pytest.mark.parametrize(
    "args",
    ["weather", "weather --to json", "greeting", "greeting -q", "models/echo-weather.yaml", "plcli.toml",
     "prompts/extract.yaml --to yaml", "tools/get_weather.yaml --to toml"],
)  # fmt: skip
def test_a_spec_is_printed_in_another_format(
    args: str, workspace: Path, said: Said, snapshot: SnapshotAssertion
) -> None:
    assert said("convert", *args.split()) == snapshot


def test_a_spec_comes_from_standard_input(said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("convert", "-", stdin=b'{"kind": "request", "prompt": "on"}') == snapshot
    assert said("convert", "-", stdin=b"kind: request # no\nprompt: |\n  a\n  b\n") == snapshot


def test_what_is_converted_need_not_be_right(said: Said, write: Write, snapshot: SnapshotAssertion) -> None:
    write("x.yaml", "kind: request\nprmopt: hello\n")
    assert said("convert", "x.yaml") == snapshot


def test_what_cannot_be_converted_is_told_with_every_place(
    said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("x.yaml", "kind: request\nbody:\n  user: null\n  list: [1, ~]\n")
    assert said("convert", "x.yaml", "-o", "x.toml") == snapshot
    assert said("convert", "x.yaml", "--to", "json") == snapshot
    write("y.yaml", "kind: request\na: 1\na: 2\n")
    assert said("convert", "y.yaml") == snapshot


def test_a_new_file_is_written_beside_the_spec(
    workspace: Path, said: Said, cli: Cli, snapshot: SnapshotAssertion
) -> None:
    assert said("convert", "weather", "-o", "prompts/forecast.toml") == snapshot
    assert said("convert", "weather", "-o", "prompts/weather.json") == snapshot
    assert said("convert", "weather", "-o", "prompts/forecast.toml") == snapshot
    before = cli("run", "prompts/weather.yaml", "--dry-run").out
    assert cli("run", "forecast", "--dry-run").out == before
    assert cli("run", "prompts/weather.json", "--dry-run").out == before


def test_force_writes_over_a_file_as_a_whole_and_keeps_its_rights(write: Write, cli: Cli) -> None:
    write("a.toml", TOML)
    write("b.yaml", "kind: tool\n")
    os.chmod("b.yaml", 0o640)
    assert cli("convert", "a.toml", "-o", "b.yaml", "--force", "-q").err == ""
    assert load(Path("b.yaml"), shown="b").value["description"] == "Looks up.\n"
    assert stat.S_IMODE(os.stat("b.yaml").st_mode) == 0o640
    assert cli("convert", "a.toml", "-o", "c.yaml", "--force").code == 0
    assert sorted(os.listdir()) == ["a.toml", "b.yaml", "c.yaml"]


@pytest.mark.parametrize(
    "args",
    ["missing", "gone.yaml", "a.toml --to xml", "a.toml -o a.txt", "a.toml --to json -o b.yaml", "a.toml -o a.toml",
     "a.toml -o other/b.yaml", "a.toml -o link.yaml", "a.toml -o none/b.yaml", "a.toml -o folder.yaml --force"],
)  # fmt: skip
def test_what_is_asked_for_wrongly_is_explained(
    args: str, said: Said, write: Write, snapshot: SnapshotAssertion
) -> None:
    write("a.toml", TOML)
    os.mkdir("other")
    os.mkdir("folder.yaml")
    os.symlink("elsewhere", "link.yaml")
    assert said("convert", *args.split()) == snapshot


LONG = "a" * 300


@pytest.mark.parametrize(
    "args",
    [(LONG,), (f"{LONG}.yaml",), ("link.yaml",), ("pipe.yaml",), ("folder.yaml",), ("\udcff.yaml",),
     ("-", "-o", f"{LONG}.yaml"), ("-", "-o", "link.yaml"), ("-", "-o", "pipe.yaml"), ("-", "-o", "\udcff")],
    ids=lambda args: " ".join(args).replace(LONG, "LONG").encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_no_path_is_a_bug_of_plcli(args: tuple[str, ...], cli: Cli) -> None:
    os.symlink("link.yaml", "link.yaml")
    os.mkfifo("pipe.yaml")
    os.mkdir("folder.yaml")
    outcome = cli("convert", *args, stdin=b"kind: request\n")
    assert outcome.code in (2, 3)
    assert "Traceback" not in outcome.err


TWINS = sorted((Path(__file__).parents[2] / "examples" / "twins").iterdir())


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_twin_among_the_examples_is_what_convert_makes_of_its_spec(twin: Path, workspace: Path, cli: Cli) -> None:
    assert cli("convert", twin.stem, "--to", twin.suffix[1:]).out == twin.read_text(encoding="utf-8")
    spec = load(next(workspace.glob(f"prompts/{twin.stem}.*")), shown="spec")
    assert load(twin, shown="twin").value == spec.value
    assert cli("run", f"twins/{twin.name}", "--dry-run").out == cli("run", twin.stem, "--dry-run").out


def test_a_secret_in_a_spec_is_not_lost(write: Write, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-0123456789abcdefghij")
    write("a.yaml", "kind: request\nprompt: sk-proj-0123456789abcdefghij\n")
    assert 'prompt = "sk-proj-0123456789abcdefghij"' in cli("convert", "a.yaml").out
