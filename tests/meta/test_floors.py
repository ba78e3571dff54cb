"""The floor plan in the docstring of `plcli` is the law: every import of every module is held against it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import plcli
from tests.support.parsing import parsed

ROOT = Path(plcli.__file__).parent

FLOOR = re.compile(r" {4}(\w)  [A-Z]+ +(\S.*)")
PACKAGE = re.compile(r" {4}([a-z]+) {3,}(\S.*)")
MORE = re.compile(r" {16,}(\S.*)")


class Rooms(NamedTuple):
    """Rooms that stand together: the floor of each (0 is the lowest), and what each may use on its own floor."""

    floors: dict[str, int]
    below: dict[str, set[str]]

    def may_use(self, room: str, other: str) -> bool:
        return self.floors[other] < self.floors[room] or other in self.below[room]


def read_plan(text: str) -> tuple[Rooms, dict[str, Rooms]]:
    """The house, and the rooms of each package."""
    floors: list[list[str]] = []
    packages: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if found := FLOOR.fullmatch(line):
            lines = [found[2]]
            floors.insert(0, lines)
        elif found := PACKAGE.fullmatch(line):
            lines = packages[found[1]] = [found[2]]
        elif found := MORE.fullmatch(line):
            lines.append(found[1])
    return read_rooms(floors), {name: read_rooms([lines]) for name, lines in packages.items()}


def read_rooms(floors: list[list[str]]) -> Rooms:
    rooms = Rooms({}, {})
    for height, lines in enumerate(floors):
        for chain in "; ".join(lines).split("; "):
            links = [link.split(", ") for link in chain.split(" < ")]
            for room in (room for link in links for room in link):
                assert rooms.floors.setdefault(room, height) == height, f"{room} stands on two floors"
                rooms.below.setdefault(room, set())
            for lower, upper in pairwise(links):
                for room in upper:
                    rooms.below[room].update(lower)
    for _ in rooms.below:
        for below in rooms.below.values():
            below.update(*[rooms.below[room] for room in below])
    return rooms


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Every module by its dotted name inside `plcli`, parsed."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, parsed(path)


def imports(tree: ast.Module, known: set[str]) -> Iterator[tuple[int, str]]:
    """The line and the dotted name inside `plcli` of every module that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports name the package"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in named:
            package, _, rest = name.partition(".")
            if package == "plcli":
                yield node.lineno, rest if rest in known else rest.rpartition(".")[0]


def violations(root: Path, text: str) -> list[str]:
    """Every import that the plan does not allow, and every module that it does not name."""
    house, packages = read_plan(text)
    trees = dict(modules(root))
    found = []
    for name, tree in trees.items():
        room, _, inner = name.partition(".")
        if name and room not in house.floors:
            found.append(f"{name} stands on no floor")
            continue
        if inner and (room not in packages or inner not in packages[room].floors):
            found.append(f"{name} stands nowhere in {room}")
            continue
        for line, other in imports(tree, set(trees)):
            other_room, _, other_inner = other.partition(".")
            if not other:
                continue  # `plcli` itself holds the version and imports nothing
            if not name:
                allowed = False
            elif other_room != room:
                allowed = other_room in house.floors and house.may_use(room, other_room)
            else:
                # A package gathers its own rooms; they do not look back at it.
                allowed = not inner or (
                    other_inner in packages[room].floors and packages[room].may_use(inner, other_inner)
                )
            if not allowed:
                found.append(f"{name or 'plcli'}:{line} may not import {other}")
    return found


def test_every_import_goes_down_the_floors() -> None:
    found = violations(ROOT, plcli.__doc__ or "")
    assert not found, "\n".join(found)


def test_the_plan_names_only_rooms_that_exist() -> None:
    house, packages = read_plan(plcli.__doc__ or "")
    names = {name for name, _ in modules(ROOT)}
    planned = set(house.floors) | {f"{package}.{room}" for package, rooms in packages.items() for room in rooms.floors}
    assert planned - names == set()


PLAN = """
    1  TOP         cellar < kitchen < bar; zoo
    0  GROUND      earth
                   stone

    zoo            ape < man
"""


@pytest.mark.parametrize(
    ("room", "line", "allowed"),
    [
        ("bar", "from plcli.earth import worm", True),
        ("bar", "from plcli import stone", True),
        ("bar", "import plcli.cellar", True),
        ("bar", "from plcli.zoo import man", False),
        ("cellar", "from plcli.kitchen import knife", False),
        ("earth", "def dig():\n    from plcli import cellar", False),
        ("zoo/man", "from plcli.zoo.ape import hand", True),
        ("zoo/man", "from plcli.earth import clay", True),
        ("zoo/ape", "from plcli.zoo import man", False),
        ("zoo/ape", "from plcli.zoo import CAGES", False),
        ("zoo/__init__", "from plcli.zoo.man import name", True),
        ("attic", "", False),
        ("zoo/lion", "", False),
    ],
)  # fmt: skip
def test_the_plan_is_read_as_it_is_written(tmp_path: Path, room: str, line: str, allowed: bool) -> None:
    (tmp_path / "zoo").mkdir()
    for name in ("__init__", "earth", "stone", "cellar", "kitchen", "bar", "zoo/__init__", "zoo/ape", "zoo/man"):
        (tmp_path / f"{name}.py").touch()
    (tmp_path / f"{room}.py").write_text(line, encoding="utf-8")
    assert (violations(tmp_path, PLAN) == []) == allowed
