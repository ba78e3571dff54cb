"""Laws of handlers: what a model or a spec says is data, and no change of what runs goes unseen."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.handling.children import (
    ENVIRONMENT,
    LAST_LINES,
    LINE_LIMIT,
    TOLD_LIMIT,
    ChildFailed,
    Lines,
    command_line,
    environment,
)
from plcli.handling.handlers import Handlers
from plcli.handling.permission import digests, missing
from plcli.specs.tool import McpHandler
from plcli.toolbox import Tool, read_tool
from plcli.workspace import find

NOBODY = UserSide({}, config=Path("nothing.toml"))
HOSTILE = [
    "$(touch pwned)", "`touch pwned`", "; touch pwned", "| touch pwned\n", "&& touch pwned", "> pwned", "--help", "-rf",
    "../../etc/passwd", "~", "*", "\0", "\n", "'", '"', "\\", "\ud800", "\u202e", "{{ x }}", "${HOME}", "%s",
    "x" * 70_000,
]  # fmt: skip
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec=None), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(texts, values, max_size=4) | texts


def written(root: Path, **handler: Any) -> Tool:
    path = root / "tools" / "t.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"kind": "tool", "name": "t", **handler}), encoding="utf-8")
    return read_tool(find(root), path)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        (root / "plcli.toml").touch()
        (root / "m.py").write_text("def f(*texts, **named): return texts[0] if texts else named")
        yield root


@pytest.fixture(scope="module")
def handlers(root: Path) -> Iterator[Handlers]:
    user = UserSide({"PATH": os.environ["PATH"]}, config=root / "config.toml")
    with closing(Handlers(find(root), user, tell=lambda tool, line: None, cancel=Cancel())) as handlers:
        yield handlers


@given(arguments)
def test_arguments_arrive_as_they_are_and_do_nothing_else(handlers: Handlers, root: Path, value: Any) -> None:
    tool = written(root, command=["cat"])
    assert same(handlers.call(tool, value, 60), value)
    assert sorted(os.listdir(root)) == ["m.py", "plcli.toml", "tools"]


@given(arguments)
@settings(max_examples=15)
def test_a_function_gets_and_gives_json_as_it_is(handlers: Handlers, root: Path, value: Any) -> None:
    assert same(handlers.call(written(root, python="m:f"), value, 60), value)


def same(one: Any, other: Any) -> bool:
    """Whether two values are one JSON: there, a surrogate pair and the character it stands for are the same."""
    return bool(json.loads(json.dumps(one)) == json.loads(json.dumps(other)))


items = st.sampled_from([*HOSTILE, "", ".", "..", "/", "a/..", "../x", "a/../../x", "./x", "x=y", "-m", "a=/etc/hosts"])
commands = st.lists(items | st.text(max_size=8), max_size=5)


@given(commands, st.sampled_from([None, "", ".", "/bin", ":/usr/bin:bin:../bin:/bin/"]))
def test_what_is_started_is_on_path_or_inside_or_named_whole(command: list[str], path: str | None) -> None:
    root = Path("/work/space")
    try:
        program, *rest = command_line(command, root, path)
    except ChildFailed:
        return
    assert rest == command[1:]
    folder, name = os.path.split(command[0])
    if not folder:
        assert os.path.dirname(program) in {folder.rstrip("/") for folder in (path or os.defpath).split(os.pathsep)}
        assert os.path.basename(program) == name
    else:
        assert os.path.isabs(command[0]) or program.startswith("/work/space")
        assert ".." not in program.split("/")


@given(commands, st.text(max_size=12) | st.sampled_from(["m:f", "m.m:f", "tools.x:f", "/m:f", "..m:f", "\0:f"]))
def test_whatever_a_tool_names_only_files_of_the_workspace_stand_behind_it(
    root: Path, command: list[str], target: str
) -> None:
    tool = written(root)
    server = McpHandler.model_construct(command=tuple(command), url=None, tool="x")
    for handler in ({"command": tuple(command)}, {"python": target}, {"mcp": server}):
        for named in digests(find(root), tool._replace(spec=tool.spec.model_copy(update=handler)), NOBODY):
            assert not os.path.isabs(named.label)
            assert not named.label.startswith("..")


FILES = ("run.sh", "lib/one.py", "lib/two.py", "lib/__init__.py")


@given(
    st.sampled_from([{"command": ["sh", "./run.sh", "-m", "lib.one"]}, {"python": "lib.one:f"}]),
    st.sampled_from(FILES),
    st.binary(max_size=20),
)
def test_every_change_of_what_runs_takes_the_permission_away(handler: dict[str, Any], name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        (root / "lib").mkdir()
        for file in FILES:
            (root / file).write_text("from . import two")
        tool, workspace = written(root, **handler), find(root)
        behind = digests(workspace, tool, NOBODY)
        user = replace(NOBODY, trusted_tools=frozenset(named.digest for named in behind))
        assert missing(workspace, tool, user) == ()
        (root / name).write_bytes(data)
        runs = name in {named.label for named in behind}
        assert [named.label for named in missing(workspace, tool, user)] == ([name] if runs else [])
        assert runs or (name == "run.sh" and "python" in handler)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"\n", b"\r\n", b"x" * 3000, b"\xff\n" * 40_000])))
def test_lines_are_the_same_however_they_are_cut_and_stay_in_bounds(pieces: list[bytes]) -> None:
    told: list[str] = []
    lines = Lines(told.append)
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    whole = b"".join(pieces).split(b"\n")
    expected = [line.decode("utf-8", "replace").rstrip("\r") for line in (whole if whole[-1] else whole[:-1])]
    assert sum(map(len, told)) <= TOLD_LIMIT
    assert all(len(line) <= LINE_LIMIT + 1 for line in told)
    assert len(lines.last) <= LAST_LINES
    for line, full in zip(told[:-1], expected, strict=False):
        assert full == line or full.startswith(line.removesuffix("…"))


@given(st.dictionaries(st.sampled_from([*ENVIRONMENT, "A", "LD_PRELOAD", "OPENAI_API_KEY"]), st.text(max_size=3)))
def test_a_child_sees_what_it_is_granted_and_no_more(variables: dict[str, str]) -> None:
    seen = environment(variables, [name for name in ("A",) if name in variables])
    assert seen == {name: value for name, value in variables.items() if name in {*ENVIRONMENT, "A"}}
