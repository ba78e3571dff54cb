"""The program that runs a `python:` handler, in a process of its own: `python_handler.py ROOT MODULE:FUNCTION`.

Takes the arguments as JSON on stdin and writes `{"result": …}` or `{"error": "…"}`. It is started by its path and
imports nothing else of plcli.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from typing import Any


class Unusable(Exception):
    """A handler that is not there, or not of a kind that can be called; the text says it all."""


def main(root: str, target: str) -> None:
    """Call the function with what comes on stdin, and answer."""
    # What the function prints, on whatever way, is no answer.
    answer = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    with answer:
        try:
            arguments = json.load(sys.stdin.buffer)
            result = _called(_function(root, *target.split(":")), arguments)
            told = json.dumps({"result": result}, allow_nan=False)
        except Unusable as error:
            told = json.dumps({"error": str(error)})
        except BaseException as error:
            answer.write(json.dumps({"error": f"{type(error).__name__}: {error}"}))
            raise
        answer.write(told)


def _function(root: str, module: str, name: str) -> Any:
    _open(root, module)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise Unusable(f"there is no module {module}, neither in the workspace nor in {sys.executable}") from None
    function = getattr(found, name, None)
    if not callable(function):
        raise Unusable(f"{module} has no function {name}")
    return function


def _open(root: str, module: str) -> None:
    """Let files of the workspace be imported: the handler's own before all others, and the rest behind them."""
    # Behind: a file of the workspace must not stand in for a library that the handler imports.
    sys.meta_path.append(_Own(root))
    _pin(root, *module.split(".")[:2])


class _Own:
    """Finds modules of the workspace, for its own files: a library that tries one it can do without gets none."""

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, "")

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Where a module stands that a file of the workspace imports; those of packages are found by Python."""
        asking = sys._getframe(1)
        while asking.f_back and asking.f_globals.get("__name__", "").partition(".")[0] == "importlib":
            asking = asking.f_back
        own = path is None and self._holds(asking.f_code.co_filename)
        return PathFinder.find_spec(name, [self._folder]) if own else None

    def _holds(self, file: str) -> bool:
        """Whether a file is of the workspace, and of no library that is installed in it."""
        libraries = (os.path.join(folder, "") for folder in sys.path)
        return file.startswith(self._folder) and not any(
            folder.startswith(self._folder) and file.startswith(folder) for folder in libraries
        )


def _pin(root: str, package: str, inner: str | None = None) -> None:
    """Take the handler's own package from the workspace where it is there, whatever else has its name."""
    spec = PathFinder.find_spec(package, [root])
    if spec is None:
        return
    folder = os.path.join(root, package)
    plain = spec.loader is None  # a folder without __init__.py, which may hold no modules at all
    if plain and not (inner and PathFinder.find_spec(f"{package}.{inner}", [folder])):
        return
    module = sys.modules[package] = module_from_spec(spec)
    if plain:
        module.__path__ = [folder]
    elif spec.loader is not None:
        spec.loader.exec_module(module)


def _called(function: Any, arguments: Any) -> Any:
    result = function(**arguments) if isinstance(arguments, dict) else function(arguments)
    # Imported by name, because most handlers do without.
    return importlib.import_module("asyncio").run(result) if isinstance(result, Coroutine) else result


if __name__ == "__main__":
    main(*sys.argv[1:])
elif __name__ == "__mp_main__":  # a process that the handler shares its work with
    _open(sys.argv[1], sys.argv[2].partition(":")[0])
