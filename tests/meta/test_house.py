"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import plcli
from tests.support.parsing import parsed

ROOT = Path(plcli.__file__).parents[1]
HOUSE = sorted((ROOT / "plcli").rglob("*.py"))

NAMELESS = {"utils", "util", "helpers", "helper", "base", "manager", "common", "misc", "core", "lib"}
"""Names that say nothing of what is inside."""


def test_modules_have_names_that_say_what_is_inside() -> None:
    assert [path.name for path in HOUSE if set(path.stem.split("_")) & NAMELESS] == []


def test_every_module_says_what_it_does_in_few_sentences() -> None:
    for path in HOUSE:
        doc = ast.get_docstring(parsed(path))
        assert doc, f"{path} has no docstring"
        if path.parent.name != "plcli" or path.name != "__init__.py":
            assert len(doc) < 700, f"{path} has a docstring that is too long to be read"


def test_every_module_has_the_annotations_of_the_future() -> None:
    for path in HOUSE:
        tree = parsed(path)
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
            assert "from __future__ import annotations\n" in path.read_text(encoding="utf-8"), path


def test_no_module_is_longer_than_its_noun() -> None:
    long = {path.name: lines for path in HOUSE if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350}
    assert long == {}


def calls(path: Path) -> Iterator[str]:
    """The dotted names that a module calls."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_only_the_edge_ends_the_process_or_writes_to_its_streams() -> None:
    effects = {"print", "sys.exit", "os._exit", "exit", "sys.stdout.write", "sys.stderr.write", "typer.echo"}
    for path in HOUSE:
        found = effects & set(calls(path))
        assert not found or path.name in ("app.py", "__main__.py"), f"{path}: {found}"


def test_asking_what_a_path_is_never_fails() -> None:
    """`Path.is_file()` raises where a name is too long or a folder is closed; `os.path.isfile` says no."""
    for path in HOUSE:
        asked = {name.rpartition(".")[2] for name in calls(path) if not name.startswith("os.path.")}
        assert not {"is_dir", "is_file", "exists"} & asked or path.name == "fence.py", path


def test_the_shell_is_never_asked() -> None:
    for path in HOUSE:
        assert not {"os.system", "os.popen", "eval", "exec", "pickle.loads"} & set(calls(path)), path
        assert "shell=True" not in path.read_text(encoding="utf-8"), path


def tracked() -> list[Path]:
    """The files of the repository, those that are not added yet included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_is_large() -> None:
    assert [path for path in tracked() if path.stat().st_size > 1_000_000] == []


def test_nothing_names_the_machine_that_it_was_made_on() -> None:
    places = re.compile(rb"/roo[t]/|/hom[e]/(?!me\b)|/User[s]/|pyp[i]\.org|npmj[s]\.(com|org)")
    for path in tracked():
        assert places.findall(path.read_bytes()) == [], path


def test_the_top_level_is_as_planned() -> None:
    planned = {"plcli", "examples", "schemas", "tests", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for path in tracked() if not (name := path.relative_to(ROOT).parts[0]).startswith(".")} <= planned
