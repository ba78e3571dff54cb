"""Permission: what the digests hold, so that a change of what runs takes the permission away."""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import pytest

from plcli.environment import UserSide
from plcli.errors import Exit
from plcli.handling.permission import UNLISTED, Named, digests, missing, refusal
from plcli.media import digest_of
from plcli.toolbox import Tool, read_tool
from plcli.workspace import find


class Box:
    """A workspace with one tool, and a user's side that lists digests."""

    def __init__(self, root: Path) -> None:
        (root / "plcli.toml").touch()
        self.root = root
        self.workspace = find(root)
        self.user = UserSide({}, config=Path("/home/me/config.toml"))

    def put(self, path: str, text: str = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def tool(self, **handler: Any) -> Tool:
        return read_tool(self.workspace, self.put("tools/t.json", json.dumps({"kind": "tool", "name": "t", **handler})))

    def files(self, **handler: Any) -> list[str]:
        """What stands behind a handler besides the tool file."""
        first, *rest = digests(self.workspace, self.tool(**handler), self.user)
        assert first == Named("tools/t.json", digest_of((self.root / "tools/t.json").read_bytes()))
        return [named.label for named in rest]

    def allow(self, tool: Tool) -> None:
        """The user's side lists all that stands behind a tool now."""
        self.user = replace(
            self.user, trusted_tools=frozenset(named.digest for named in digests(self.workspace, tool, self.user))
        )

    def missing(self, tool: Tool) -> list[str]:
        return [named.label for named in missing(self.workspace, tool, self.user)]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = Box(tmp_path)
    for name in ("run.sh", "scripts/a.py", "scripts/b.py", "scripts/inner/__init__.py", "notes.txt", "sh"):
        box.put(name, f"# {name}\n")
    box.put("scripts/my-tool.py", "import a, json")
    return box


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["./run.sh"], ["run.sh"]),
        (["sh", "run.sh"], ["run.sh"]),
        (["sh", "sh"], ["sh"]),
        (["/bin/sh", "run.sh", "notes.txt", "absent", "run.sh", "-x"], ["run.sh", "notes.txt"]),
        (["sh", "scripts/../run.sh"], ["run.sh"]),
        (["sh", "{root}/run.sh"], ["run.sh"]),
        (["sh", "/etc/hosts", "../x", "~", "$(absent)", "a\0b", "x" * 9999, ""], []),
        (["prog", "--file=notes.txt", "=", "--empty="], ["notes.txt"]),
        (["python3", "-m", "scripts.a"], ["scripts/a.py"]),
        (["python3", "-m", "scripts.inner"], ["scripts/inner/__init__.py"]),
        (["python3", "-mscripts.a"], ["scripts/a.py"]),
        (["python3", "-m"], []),
        (["python3", "-c", "import sys, scripts.a as a; a.f()"], ["scripts/a.py"]),
        (["sh", "-c", "cat 'notes.txt'|./run.sh; python3 -m scripts.b"], ["notes.txt", "run.sh", "scripts/b.py"]),
        (["uvicorn", "scripts.a:app"], ["scripts/a.py"]),
        (["python3", "scripts"], ["scripts"]),
        (["python3", "scripts/my-tool.py"], ["scripts/my-tool.py", "scripts/a.py"]),
        (["awk", "-fnotes.txt"], ["notes.txt"]),
        (["tar", "-xvfscripts/../notes.txt"], ["notes.txt"]),
        (["curl", "-d@notes.txt", "@run.sh"], ["notes.txt", "run.sh"]),
        (["python3", "-Bmscripts.a"], ["scripts/a.py"]),
    ],
    ids=lambda value: "",
)
def test_behind_a_command_stand_the_files_that_it_names(box: Box, command: list[str], files: list[str]) -> None:
    command = [item.replace("{root}", str(box.root)) for item in command]
    assert box.files(command=command) == files
    assert box.files(mcp={"command": command, "tool": "x"}) == files


def test_behind_a_server_at_an_address_and_behind_no_handler_stands_the_tool_file_alone(box: Box) -> None:
    assert box.files(mcp={"url": "https://example.com/run.sh", "tool": "x"}) == []
    assert box.files() == []


def test_the_tool_file_counts_as_it_was_read(box: Box) -> None:
    tool = box.tool(command=["sh", "run.sh"])
    box.allow(tool)
    box.put("tools/t.json", "{}")
    assert box.missing(tool) == []
    assert box.missing(box.tool(command=["sh", "run.sh", "-x"])) == ["tools/t.json"]


def test_a_program_on_path_counts_where_it_is_found_in_the_workspace(box: Box) -> None:
    box.put("bin/prog", "#!/bin/sh").chmod(0o755)
    box.user = replace(box.user, variables={"PATH": f"/usr/bin:{box.root / 'bin'}"})
    assert box.files(command=["prog", "notes.txt"]) == ["bin/prog", "notes.txt"]
    assert box.files(command=["sh"]) == []


class TestPython:
    def test_behind_a_function_stands_its_module_with_the_packages_that_it_is_in(self, box: Box) -> None:
        assert box.files(python="scripts.a:f") == ["scripts/a.py"]
        assert box.files(python="scripts.inner:f") == ["scripts/inner/__init__.py"]
        box.put("scripts/__init__.py")
        assert box.files(python="scripts.a:f") == ["scripts/__init__.py", "scripts/a.py"]

    def test_a_module_that_is_installed_has_no_file_here(self, box: Box) -> None:
        assert box.files(python="json.decoder:f") == []

    def test_imports_are_followed(self, box: Box) -> None:
        box.put("scripts/a.py", "import json, one.two\nfrom . import b\ndef f():\n    from .inner.deep import x as y")
        box.put("one/two.py", "from three import *")
        box.put("three.py", "from one.two import a\nimport scripts.a\nif 1:\n    import four")
        box.put("four/__init__.py", "from ..above import x\nfrom .five import six")
        box.put("four/five.py", "'\\d'")
        box.put("five.py")
        box.put("scripts/inner/deep.py", "from .. import c")
        box.put("scripts/c.py", "def broken(:")
        found = box.files(python="scripts.a:f")
        assert sorted(found) == [
            "four/__init__.py", "four/five.py", "one/two.py", "scripts/a.py", "scripts/b.py", "scripts/c.py",
            "scripts/inner/__init__.py", "scripts/inner/deep.py", "three.py",
        ]  # fmt: skip

    def test_whatever_python_would_take_for_the_module_stands_behind_it(self, box: Box) -> None:
        names = {"m.py", "m.pyc", "m.so", "m.abi3.so", "m/__init__.py", "m/__init__.pyc"}
        for name in names:
            box.put(name)
        assert set(box.files(python="m:f")) == names

    @pytest.mark.parametrize("target", ["", ":", "../run.sh", "/etc/hosts:f", "a\0b:f", "..:f", "*:f", "x" * 9999])
    def test_what_is_no_module_has_no_file(self, box: Box, target: str) -> None:
        assert box.files(python=target) == []

    @pytest.mark.parametrize(
        "source", ["\0", "(" * 100_000, "import " + "x." * 50_000 + "x", "#" * 2_000_000, "\ud800"]
    )
    def test_hostile_sources_are_digested_and_no_more(self, box: Box, source: str) -> None:
        (box.root / "m.py").write_bytes(source.encode("utf-8", "surrogatepass"))
        assert box.files(python="m:f") == ["m.py"]

    @pytest.mark.parametrize("command", [["./scripts/go"], ["python3", "scripts/go"]], ids=" ".join)
    def test_imports_are_followed_of_a_program_of_any_name(self, box: Box, command: list[str]) -> None:
        box.put("scripts/go", "#!/usr/bin/env python3\nimport a\n")
        assert box.files(command=command) == ["scripts/go", "scripts/a.py"]

    @pytest.mark.parametrize("name", ["bisect.py", "bisect/__init__.py", "bisect.pyd", "org/python/core.py"])
    @pytest.mark.parametrize("command", [["scripts/a.py"], ["-m", "a"], ["-c", "pass"]], ids=" ".join)
    def test_what_would_stand_in_for_a_library_of_python_stands_behind_a_program(
        self, box: Box, command: list[str], name: str
    ) -> None:
        box.put("a.py")
        folder = "scripts/" if "scripts/a.py" in command else ""
        box.put(folder + name)
        assert folder + name in box.files(command=["python3", *command])

    def test_all_that_an_installed_library_could_import_stands_behind_a_program_that_imports_it(self, box: Box) -> None:
        box.put("scripts/a.py", "import json, b")
        assert box.files(command=["python3", "scripts/a.py"]) == ["scripts/a.py", "scripts/b.py"]
        box.put("scripts/b.py", "from requests.models import Response")
        box.put("scripts/chardet/__init__.py")
        assert set(box.files(command=["python3", "scripts/a.py"])) == {
            "scripts/a.py", "scripts/b.py", "scripts/chardet/__init__.py", "scripts/inner/__init__.py",
            "scripts/my-tool.py",
        }  # fmt: skip

    def test_what_is_compiled_counts_where_python_does_not_compare_it_with_its_source(self, box: Box) -> None:
        for mode in ("TIMESTAMP", "CHECKED_HASH", "UNCHECKED_HASH"):
            compiled = str(box.root / f"scripts/__pycache__/b.{mode}.pyc")
            py_compile.compile(str(box.root / "scripts/b.py"), compiled, invalidation_mode=PycInvalidationMode[mode])
        box.put("scripts/a.py", "import b")
        files = ["scripts/a.py", "scripts/b.py", "scripts/__pycache__/b.UNCHECKED_HASH.pyc"]
        assert box.files(command=["python3", "scripts/a.py"]) == files

    def test_a_module_that_was_compiled_for_another_python_counts(self, box: Box) -> None:
        box.put("scripts/a.cpython-399-other.so")
        assert box.files(python="scripts.a:f") == ["scripts/a.cpython-399-other.so", "scripts/a.py"]

    def test_nothing_is_imported_to_find_out(self, box: Box) -> None:
        box.put("m.py", "raise SystemExit('imported')")
        assert box.files(python="m:f") == ["m.py"]

    def test_what_a_handler_really_imports_from_the_workspace_was_found(self, box: Box) -> None:
        box.put("pack/__init__.py", "from .util import one")
        box.put("pack/util.py", "import near\none = 1")
        box.put("pack/m.py", "def f():\n    from pack import late\n    return late")
        box.put("pack/late.py")
        box.put("near.py")
        seen = "import sys, pack.m; pack.m.f(); print(*[getattr(m, '__file__', '') for m in sys.modules.values()])"
        out = subprocess.run([sys.executable, "-c", seen], cwd=box.root, capture_output=True, text=True, check=True)
        loaded = {os.path.relpath(file, box.root) for file in out.stdout.split() if file.startswith(str(box.root))}
        assert len(loaded) == 5
        assert loaded == set(box.files(python="pack.m:f"))


class TestChange:
    """A pull request after the permission."""

    @pytest.fixture
    def allowed(self, box: Box) -> Tool:
        tool = box.tool(command=["python3", "scripts/a.py", "config.json"])
        box.allow(tool)
        assert box.missing(tool) == []
        return tool

    def test_a_changed_file_is_missing(self, box: Box, allowed: Tool) -> None:
        box.put("scripts/a.py", "evil")
        assert box.missing(allowed) == ["scripts/a.py"]

    def test_a_link_in_its_place_is_missing(self, box: Box, allowed: Tool) -> None:
        outside = box.root.parent / "outside.py"
        outside.write_text("evil")
        (box.root / "scripts/a.py").unlink()
        (box.root / "scripts/a.py").symlink_to(outside)
        assert box.missing(allowed) == ["scripts/a.py"]

    def test_a_folder_in_its_place_is_missing_and_cannot_be_listed(self, box: Box, allowed: Tool) -> None:
        (box.root / "scripts/a.py").unlink()
        box.put("scripts/a.py/__main__.py", "evil")
        assert missing(box.workspace, allowed, box.user) == (Named("scripts/a.py", UNLISTED),)

    def test_a_file_where_none_was_is_missing(self, box: Box, allowed: Tool) -> None:
        box.put("config.json", "{}")
        assert box.missing(allowed) == ["config.json"]

    def test_a_linked_folder_on_the_way_is_seen_through(self, box: Box) -> None:
        elsewhere = box.root.parent / "elsewhere"
        (elsewhere / "deep").mkdir(parents=True)
        (elsewhere / "x").write_text("evil")
        (box.root / "link").symlink_to(elsewhere / "deep")
        box.put("x", "good")
        tool = box.tool(command=["sh", "link/../x"])
        one, other = digests(box.workspace, tool, box.user)[1:]
        assert (one.label, other.label) == ("x", "x")
        assert one.digest != other.digest

    def test_a_file_that_is_allowed_elsewhere_is_missing(self, box: Box, allowed: Tool) -> None:
        trusted = box.user.trusted_tools
        box.allow(box.tool(command=["python3", "scripts/b.py"]))
        box.user = replace(box.user, trusted_tools=trusted | box.user.trusted_tools)
        box.put("scripts/a.py", (box.root / "scripts/b.py").read_text())
        assert box.missing(allowed) == ["scripts/a.py"]

    def test_another_module_of_its_name_is_missing(self, box: Box) -> None:
        tool = box.tool(python="scripts.a:f")
        box.allow(tool)
        box.put("scripts/__init__.py", "evil")
        assert box.missing(tool) == ["scripts/__init__.py"]


class TestRefusal:
    def test_it_names_files_and_digests_and_the_line_to_type(self, box: Box) -> None:
        tool = box.tool(command=["sh", "run.sh"])
        other = "sha256:" + "0" * 64
        box.user = replace(box.user, trusted_tools=frozenset({other}))
        spec, script = digests(box.workspace, tool, box.user)
        error = refusal(tool, missing(box.workspace, tool, box.user), box.user)
        assert error.exit == Exit.SETUP
        assert error.message == (
            "the handler of t is not allowed to run: your side does not list "
            f"tools/t.json ({spec.digest}); run.sh ({script.digest})"
        )
        assert error.hint == (
            "read it, then --tools t=run; to allow it for good: "
            f'trust_tools = ["{other}", "{spec.digest}", "{script.digest}"] in /home/me/config.toml'
        )

    def test_its_line_is_accepted(self, box: Box) -> None:
        from plcli.environment import user_side

        tool = box.tool(command=["sh", "run.sh"])
        hint = refusal(tool, missing(box.workspace, tool, box.user), box.user).hint or ""
        config = box.put("config.toml", hint.partition("for good: ")[2].partition(" in ")[0])
        assert missing(box.workspace, tool, user_side({}, config=config)) == ()

    def test_what_cannot_be_listed_is_only_allowed_by_the_command_line(self, box: Box) -> None:
        tool = box.tool(command=["python3", "scripts"])
        error = refusal(tool, missing(box.workspace, tool, box.user), box.user)
        assert "scripts (cannot be listed)" in error.message
        assert error.hint == "read it, then --tools t=run"

    def test_a_command_of_endless_words_is_only_allowed_by_the_command_line(self, box: Box) -> None:
        tool = box.tool(command=["sh", "-c", " ".join(map(str, range(9999)))])
        assert digests(box.workspace, tool, box.user)[-1].digest == UNLISTED

    def test_many_files_are_counted(self, box: Box) -> None:
        tool = box.tool(command=["sh", *[str(box.put(f"f{n}", str(n))) for n in range(9)]])
        message = refusal(tool, missing(box.workspace, tool, box.user), box.user).message
        assert message.endswith("; and 5 more")

    def test_a_file_that_cannot_be_read_cannot_be_listed(self, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
        def closed(*_: Any, **__: Any) -> None:
            raise PermissionError(13, "Permission denied")

        tool = box.tool(command=["sh", "run.sh"])
        monkeypatch.setattr(Path, "open", closed)
        assert box.missing(tool) == ["tools/t.json", "run.sh"]
        assert digests(box.workspace, tool, box.user)[1].digest == UNLISTED
