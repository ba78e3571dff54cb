"""The files of a folder that importing a Python module may load: found by reading, never by importing.

What a module loads by a name that it makes up while it runs, nobody can read; its import statements are followed.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator
from importlib.machinery import all_suffixes
from pathlib import Path

SOURCE_LIMIT = 1024 * 1024
"""Bytes of the longest source whose imports are looked for."""

# Python's parser takes the square of its length; a search takes its length.
_ENDLESS_NAME = re.compile(rb"(?<!\w)(?:\w++[\s\\]*+\.[\s\\]*+){100}")


def module_files(root: Path, module: str) -> tuple[Path, ...]:
    """The files below `root` that importing a module (`a.b`) from there may load, those that it imports with it."""
    found: dict[Path, None] = {}
    names, seen = [module], set[str]()
    while names:
        name = names.pop()
        if name in seen or os.path.basename(name) != name or not all(name.split(".")):
            continue
        seen.add(name)
        for path, package in _files(root, name):
            if path not in found:
                found[path] = None
                names.extend(_imported(path, package))
    return tuple(found)


def _files(root: Path, module: str) -> Iterator[tuple[Path, str]]:
    """What may be a module, or one of the packages that it is in; each with the package that it is read in."""
    folder, package = root, ""
    for name in module.split("."):
        inner = f"{package}.{name}".lstrip(".")
        for stem, within in ((name, package), (os.path.join(name, "__init__"), inner)):
            for suffix in all_suffixes():
                path = folder / f"{stem}{suffix}"
                if os.path.isfile(path):
                    yield path, within
        folder, package = folder / name, inner
        if not os.path.isdir(folder):
            return


def _imported(path: Path, package: str) -> Iterator[str]:
    """The modules that a source names in its imports; what is taken from one may be a module too."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            name = ".".join(filter(None, (*above, node.module)))
            yield name
            yield from (".".join(filter(None, (name, alias.name))) for alias in node.names)


def _parsed(path: Path) -> ast.Module:
    """The source of a module; an empty one for what Python could not read either."""
    nothing = ast.Module([], [])
    try:
        with path.open("rb") as file:
            source = file.read(SOURCE_LIMIT + 1)
        if path.suffix != ".py" or len(source) > SOURCE_LIMIT or _ENDLESS_NAME.search(source):
            return nothing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return nothing
