"""The files of a folder that importing a Python module may load: found by reading, never by importing.

What a module loads by a name that it makes up while it runs, nobody can read; its import statements are followed.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

SOURCE_LIMIT = 1024 * 1024
"""Bytes of the longest source whose imports are looked for."""

_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
"""Of this Python and of others, which a program may be run by."""

_TRIED = "org.python.core"
"""What Python's own library tries to import, in case it is Jython's."""

_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]", re.MULTILINE)
"""What a source has that is named otherwise, and imports anything."""

# Python's parser takes the square of its length; a search takes its length.
_ENDLESS_NAME = re.compile(rb"(?<!\w)(?:\w++[\s\\]*+\.[\s\\]*+){100}")

Listing = Callable[[Path], Mapping[str, list[Path]]]
"""Gives the files of a folder that Python may load, by the name of the module that they are."""


def module_files(root: Path, module: str) -> tuple[Path, ...]:
    """The files below `root` that importing a module (`a.b`) from there may load, those that it imports with it."""
    found: dict[Path, None] = {}
    _follow(root, [module], cache(_loadable), found)
    return tuple(found)


def module_file(root: Path, module: str) -> Path | None:
    """The file below `root` that a module (`a.b`) is in itself, or None."""
    *above, last = module.split(".")
    folder = root.joinpath(*above)
    return next(iter((*_loadable(folder / last).get("__init__", ()), *_loadable(folder).get(last, ()))), None)


def modules_among(words: Iterable[str], root: Path) -> list[str]:
    """Those words that are names of modules below `root`."""
    listing = cache(_loadable)
    return [word for word in words if _is_name(word) and any(_files(root, word, listing))]


def script_files(script: Path) -> tuple[Path, ...]:
    """The files that a program may load from the folder where it stands, if it is one of Python."""
    imported = list(_imported(script, ""))
    return program_files(script.parent, imported) if imported or script.suffix == ".py" else ()


def program_files(folder: Path, imported: Sequence[str]) -> tuple[Path, ...]:
    """The files below `folder` that a program may load which imports some modules, and looks for them there first.

    They are those of the modules, as `module_files` says; all that have the name of a module of Python's own, for
    its library would take them too; and where something else is imported, which may import anything, all modules
    that stand there.
    """
    listing, found = cache(_loadable), dict[Path, None]()
    packages = {path.name for path in _entries(folder) if "__init__" in listing(path)}
    here = listing(folder).keys() | packages
    names = [*imported, *sorted(here & sys.stdlib_module_names), _TRIED]
    names = [*imported, *_follow(folder, names, listing, found)]
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {""}
    if any(top not in here and not os.path.isdir(folder / top) for top in tops):
        _follow(folder, sorted(here), listing, found)
    return tuple(found)


def _follow(root: Path, names: list[str], listing: Listing, found: dict[Path, None]) -> list[str]:
    """Add the files of these modules and of all that they import; gives the names that are imported on the way."""
    seen, imported = set[str](), list[str]()
    while names:
        name = names.pop()
        if name in seen or not _is_name(name):
            continue
        seen.add(name)
        for path, package in _files(root, name, listing):
            if path not in found:
                found[path] = None
                below = list(_imported(path, package))
                names += below
                imported += below
    return imported


def _is_name(name: str) -> bool:
    return os.path.basename(name) == name and all(name.split("."))


def _files(root: Path, module: str, listing: Listing) -> Iterator[tuple[Path, str]]:
    """What may be a module, or one of the packages that it is in; each with the package that it is read in."""
    folder, package = root, ""
    for name in module.split("."):
        inner = f"{package}.{name}".lstrip(".")
        yield from ((path, package) for path in listing(folder).get(name, ()))
        folder = folder / name
        yield from ((path, inner) for path in listing(folder).get("__init__", ()))
        package = inner
        if not os.path.isdir(folder):
            return


def _loadable(folder: Path) -> Mapping[str, list[Path]]:
    """A `Listing` of a folder: sources, what is compiled in their place, and what is compiled and never compared."""
    found: dict[str, list[Path]] = {}
    for path in _entries(folder):
        if path.name.endswith(_SUFFIXES) and os.path.isfile(path):
            found.setdefault(path.name.partition(".")[0], []).append(path)
    for path in _entries(folder / "__pycache__"):
        if path.name.endswith(".pyc") and _unchecked(path):
            found.setdefault(path.name.partition(".")[0], []).append(path)
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder))]
    except (OSError, ValueError):
        return []


def _unchecked(compiled: Path) -> bool:
    """Whether Python takes a compiled file for its source without comparing them; so its header says."""
    try:
        with compiled.open("rb") as file:
            return file.read(8)[4:] == b"\1\0\0\0"
    except OSError:
        return True


def _imported(path: Path, package: str) -> Iterator[str]:
    """The modules that a source names in its imports; what is taken from one may be a module too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            name = ".".join(filter(None, (*above, node.module)))
            yield name
            yield from (".".join(filter(None, (name, alias.name))) for alias in node.names)


def parsed(path: Path) -> ast.Module:
    """The source of a module; an empty one for what Python could not read either, and for what has no source."""
    nothing = ast.Module([], [])
    try:
        with path.open("rb") as file:
            source = file.read(SOURCE_LIMIT + 1)
        foreign = path.suffix != ".py" and (b"\0" in source or not _IMPORT.search(source))
        if foreign or len(source) > SOURCE_LIMIT or _ENDLESS_NAME.search(source):
            return nothing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return nothing
