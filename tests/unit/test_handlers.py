"""Handlers: programs and Python functions that answer calls of tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.handling.handlers import ERROR_LIMIT, HandlerFailed, Handlers
from plcli.toolbox import Tool, read_tool
from plcli.workspace import find

LONG = 60.0
"""Seconds that nothing here takes."""


class Box:
    """A workspace with tools, and the handlers of one run."""

    def __init__(self, root: Path) -> None:
        (root / "plcli.toml").touch()
        self.root = root
        self.told: list[tuple[str, str]] = []
        self.variables = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "TOKEN": "t0ken", "LD_PRELOAD": ""}
        self.workspace = find(root)
        user = UserSide(self.variables, config=root / "config.toml")
        self.handlers = Handlers(
            self.workspace, user, tell=lambda tool, line: self.told.append((tool, line)), cancel=Cancel()
        )

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return file

    def tool(self, **handler: Any) -> Tool:
        spec = {"kind": "tool", "name": "t", "description": "…", **handler}
        return read_tool(self.workspace, self.put("tools/t.json", json.dumps(spec)))

    def call(self, arguments: Any = None, seconds: float = LONG, **handler: Any) -> Any:
        return self.handlers.call(self.tool(**handler), {} if arguments is None else arguments, seconds)

    def failure(self, arguments: Any = None, seconds: float = LONG, **handler: Any) -> str:
        with pytest.raises(HandlerFailed) as caught:
            self.call(arguments, seconds, **handler)
        return str(caught.value)

    def sh(self, script: str) -> Any:
        return self.call(command=["/bin/sh", "-c", script])

    def python(self, source: str, arguments: Any = None) -> Any:
        self.put("m.py", source)
        return self.call(arguments, python="m:f")

    def python_failure(self, source: str, arguments: Any = None) -> str:
        self.put("m.py", source)
        return self.failure(arguments, python="m:f")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    with closing(box.handlers):
        yield box


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "given"),
        [
            ({"city": "Köln", "n": [1, None, 0.5]}, '{"city":"Köln","n":[1,null,0.5]}'),
            ("free-form; $(text)\n", r'"free-form; $(text)\n"'),
            ({"a": "\0", "b": "\ud800"}, r'{"a":"\u0000","b":"\ud800"}'),
            ({}, "{}"),
        ],
    )
    def test_arguments_are_compact_json_on_its_stdin(self, box: Box, arguments: Any, given: str) -> None:
        assert box.call(arguments, command=["/bin/sh", "-c", "cat > given; echo ok"]) == "ok"
        assert (box.root / "given").read_text(encoding="utf-8") == given

    @pytest.mark.parametrize(
        ("output", "result"),
        [
            ('{"temperature": 21}\n', {"temperature": 21}),
            ("[1, 2]", [1, 2]),
            ("null\n", None),
            ('"text"', "text"),
            ("sunny, 21°\n", "sunny, 21°"),
            ("two\n\n", "two\n"),
            ("windows\r\n", "windows"),
            ("", None),
            ("\n", ""),
            ("NaN\n", "NaN"),
            ("1e999", "1e999"),
            ("9" * 5000, "9" * 5000),
            ('{"a": 1} {"b": 2}\n', '{"a": 1} {"b": 2}'),
            ("[" * 100_000, "[" * 100_000),
            ("[" * 300 + "]" * 300 + "\n", "[" * 300 + "]" * 300),
        ],
    )
    def test_its_output_is_json_or_else_text(self, box: Box, output: str, result: Any) -> None:
        box.put("output", output)
        assert box.call(command=["cat", "output"]) == result

    def test_it_runs_in_the_workspace_wherever_the_user_is(self, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
        box.put("bin/here", "#!/bin/sh\npwd", 0o755)
        monkeypatch.chdir("/")
        assert box.call(command=["bin/here"]) == str(box.root)

    def test_it_sees_little_of_the_environment(self, box: Box) -> None:
        seen = box.call(command=["env"])
        assert seen.splitlines() == [f"{name}={box.variables[name]}" for name in ("PATH", "HOME")]
        assert "TOKEN=t0ken" in box.call(command=["env"], env=["TOKEN", "LD_PRELOAD"]).splitlines()

    def test_a_granted_variable_of_the_env_file_or_of_nowhere_is_not_set(self, box: Box) -> None:
        box.put(".env", "SECRET=1")
        assert (
            box.failure(command=["env"], env=["SECRET"]) == "its `env` names SECRET, which is not set: export SECRET=…"
        )

    def test_stderr_is_told_with_the_name_of_the_tool(self, box: Box) -> None:
        box.sh("echo working >&2")
        assert box.told == [("t", "working")]

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (["sh", "-c", "echo no such city >&2; exit 3"], "exit 3: no such city"),
            (["printf", "\\377"], "its output is no UTF-8 text (byte 0)"),
            (["no-such-program"], "there is no program 'no-such-program' on PATH"),
            (["../x"], "../x leads out of the workspace; write its whole path, or its name alone"),
            (["a\0/b"], "holds a character that no command line can"),
            (["sh", "-c", "head -c 9000 /dev/zero | tr '\\0' x >&2; exit 1"], "exit 1: xxx"),
        ],
    )
    def test_failures_say_why(self, box: Box, command: list[str], reason: str) -> None:
        failure = box.failure(command=command)
        assert reason in failure
        assert len(failure) <= ERROR_LIMIT

    def test_it_has_the_seconds_that_it_is_given(self, box: Box) -> None:
        assert box.failure(seconds=0.05, command=["sleep", "60"]) == "it took longer than 0.05 s, and was ended"

    @pytest.mark.parametrize("arguments", [{"n": float("nan")}, {"n": float("inf")}], ids=str)
    def test_arguments_that_no_json_can_hold_are_a_failure(self, box: Box, arguments: Any) -> None:
        assert "cannot be written as JSON" in box.failure(arguments, command=["cat"])

    def test_arguments_too_deep_for_any_writer_are_a_failure(self, box: Box) -> None:
        deep: Any = {}
        for _ in range(200_000):
            deep = {"a": deep}
        assert "cannot be written as JSON" in box.failure(deep, command=["cat"])

    def test_a_tool_without_a_handler_says_so(self, box: Box) -> None:
        assert box.failure() == "it has no handler"


class TestPython:
    def test_arguments_are_its_own_and_its_value_is_the_result(self, box: Box) -> None:
        source = "def f(city, unit='C', **rest): return {'city': city, 'rest': rest, 'unit': unit, 'n': (1, None)}"
        result = box.python(source, {"city": "Köln\ud800", "a-b": 1})
        assert result == {"city": "Köln\ud800", "rest": {"a-b": 1}, "unit": "C", "n": [1, None]}

    def test_a_free_form_tool_gives_its_text(self, box: Box) -> None:
        assert box.python("def f(text): return text[::-1]", "abc") == "cba"

    def test_an_async_function_is_run_to_its_end(self, box: Box) -> None:
        source = "import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n + 1"
        assert box.python(source, {"n": 1}) == 2

    def test_what_is_printed_on_any_way_is_told_and_no_result(self, box: Box) -> None:
        source = (
            "import os, subprocess, sys\n"
            "def f():\n"
            "    print('one'); os.write(1, b'two\\n'); sys.__stdout__.write('three\\n'); sys.__stdout__.flush()\n"
            "    subprocess.run(['echo', 'four']); return 5\n"
        )
        assert box.python(source) == 5
        assert box.told == [("t", word) for word in ("one", "two", "three", "four")]

    def test_an_exception_is_the_failure_and_its_traceback_is_told(self, box: Box) -> None:
        assert box.python_failure("def f(): raise LookupError('no such city')") == "LookupError: no such city"
        assert ("t", "LookupError: no such city") in box.told
        assert any("m.py" in line for _, line in box.told)

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("def f(): return {1, 2}", "TypeError: Object of type set is not JSON serializable"),
            ("def f(): return float('nan')", "ValueError: Out of range float values are not JSON compliant"),
            ("def f():\n    a = []\n    a.append(a)\n    return a", "ValueError: Circular reference detected"),
            (
                "def f():\n    a = []\n    for _ in range(500): a = [a]\n    return a",
                "cannot be read: too deeply nested",
            ),
            ("def f(a): pass", "TypeError: f() missing 1 required positional argument: 'a'"),
            ("def f(): import os; os._exit(0)", "m:f ended the process before it had returned"),
            ("def f(): import os; os._exit(4)", "exit 4"),
            ("def f(): import sys; sys.exit(0)", "SystemExit: 0"),
            ("def f(): return 'x' * 2_000_000", "it wrote more than 1 MB, and was ended"),
            ("def f(): raise ValueError('x' * 9000)", "ValueError: xxx"),
            ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
            ("def g(): pass", "m has no function f"),
            ("f = 5", "m has no function f"),
            ("def f(:", "SyntaxError: "),
        ],
    )
    def test_failures_say_why(self, box: Box, source: str, reason: str) -> None:
        failure = box.python_failure(source)
        assert reason in failure
        assert len(failure) <= ERROR_LIMIT

    @pytest.mark.parametrize("target", ["m", "m:", ":f", "m:f()", "m:f:g", "../m:f", "m.:f", "/tmp/m:f", "m;x:f", ""])
    def test_what_names_no_function_says_so(self, box: Box, target: str) -> None:
        assert box.failure(python=target) == f"{target!r} names no function; write module:function"

    @pytest.mark.parametrize("module", ["absent", "tools.absent", "json.absent", "absent.inner"])
    def test_a_module_that_is_nowhere_says_so(self, box: Box, module: str) -> None:
        assert f"there is no module {module}, neither in the workspace nor in" in box.failure(python=f"{module}:f")
        assert box.told == []

    def test_modules_of_the_workspace_come_first_whatever_has_their_name(self, box: Box) -> None:
        box.put("json/inner/m.py", "def f(): return 'a folder'")
        box.put("calendar.py", "def f(): return 'a module'")
        box.put("email/__init__.py", "")
        box.put("email/m.py", "from email import other\ndef f(): return other.g()")
        box.put("email/other.py", "def g(): return 'a package'")
        assert box.call(python="json.inner.m:f") == "a folder"
        assert box.call(python="calendar:f") == "a module"
        assert box.call(python="email.m:f") == "a package"

    def test_a_folder_of_the_workspace_is_no_module_where_it_holds_none(self, box: Box) -> None:
        box.put("json/data.txt", "")
        assert box.call({"obj": [1]}, python="json:dumps") == "[1]"

    def test_no_file_of_the_workspace_stands_in_for_a_library(self, box: Box) -> None:
        for name in ("decimal", "yaml", "encodings", "sitecustomize", "plcli"):
            box.put(f"{name}.py", "raise SystemExit('pwned')")
        source = "import decimal, yaml\nfrom neighbour import here\ndef f(): return [here, yaml.__name__]"
        box.put("neighbour.py", "here = True")
        assert box.python(source) == [True, "yaml"]

    def test_no_file_of_the_workspace_is_taken_for_a_module_that_a_library_tries(self, box: Box) -> None:
        for name in ("msvcrt", "org/python/core", "absent_anywhere"):
            box.put(f"{name}.py", "raise SystemExit('pwned')")
        box.put("venv/library.py", "try:\n    import absent_anywhere\nexcept ImportError:\n    found = 'nothing'")
        source = "import sys\nsys.path.append('{}')\nimport subprocess, pickle, library, near\n"
        box.put("near.py", "import importlib\nnear = importlib.import_module('nearer')")
        box.put("nearer.py", "")
        assert box.python(source.format(box.root / "venv") + "def f(): return library.found") == "nothing"

    def test_a_function_may_share_its_work_with_other_processes(self, box: Box) -> None:
        box.put("near.py", "def twice(x): return 2 * x")
        box.put("pack/m.py", """\
import multiprocessing, near
def g(x): return near.twice(x)
def f():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(g, [1, 2])
""")  # fmt: skip
        assert box.call(python="pack.m:f") == [2, 4]

    def test_a_compiled_file_beside_it_does_not_replace_its_source(self, box: Box) -> None:
        bad = box.put("m.py", "def f(): return 'pwned'")
        mode = "py_compile.PycInvalidationMode.UNCHECKED_HASH"
        compiled = f"import py_compile; py_compile.compile('m.py', invalidation_mode={mode})"
        subprocess.run([sys.executable, "-c", compiled], check=True, cwd=box.root)
        assert list(bad.parent.glob("__pycache__/m.*.pyc"))
        assert box.python("def f(): return 'read'") == "read"

    def test_it_leaves_no_compiled_file(self, box: Box) -> None:
        box.python("def f(): return 1")
        assert not os.path.lexists(box.root / "__pycache__")

    def test_the_names_of_our_own_rooms_are_no_modules_to_it(self, box: Box) -> None:
        assert "ModuleNotFoundError" in box.python_failure("import toolbox")

    def test_it_sees_little_of_the_environment(self, box: Box) -> None:
        names = box.python("import os\ndef f(): return sorted(set(os.environ) - {'LC_CTYPE'})")
        assert names == ["HOME", "PATH"]


def test_handlers_can_be_closed_twice_and_used_again(box: Box) -> None:
    box.handlers.close()
    assert box.sh("echo 1") == 1
    box.handlers.close()
