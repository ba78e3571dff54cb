"""Whether the handler of a tool is there, as far as reading tells: a script, a module, a function of the workspace.

What is on PATH or installed, other machines may have; nothing is said of it.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from itertools import takewhile
from pathlib import Path

from plcli.documents import Document
from plcli.errors import Problem
from plcli.handling.modulefiles import module_file, parsed
from plcli.places import Step
from plcli.specs import ToolSpec
from plcli.spelling import did_you_mean
from plcli.workspace import Workspace

_INTERPRETER = re.compile(r"(python|pypy)[\d.]*|node|deno|ruby|perl|sh|bash|dash|zsh")
_NO_SCRIPT = re.compile(r"-[A-Za-z]*[cme]|--eval|--print")
"""The options with which an interpreter takes no script."""

_SCRIPTS = (".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".sh", ".bash", ".zsh")

_MADE_UP = frozenset({"__getattr__", "globals", "vars", "locals", "exec", "eval", "setattr", "modules", "*"})
"""Names in a source that may give it others while it runs."""


def handler_problems(workspace: Workspace, document: Document, spec: ToolSpec) -> list[Problem]:
    """Warnings of what a handler names and the workspace has not; a handler is started at the workspace's root."""
    found = list(_command_problems(workspace.root, document, ("command",), spec.command or ()))
    if spec.mcp is not None:
        found += _command_problems(workspace.root, document, ("mcp", "command"), spec.mcp.command or ())
    module, _, function = (spec.python or "").partition(":")
    if all(name.isidentifier() for name in (*module.split("."), function)):
        found += _function_problems(workspace, document, module, function)
    return found


def _command_problems(
    root: Path, document: Document, place: tuple[Step, ...], command: Sequence[str]
) -> Iterator[Problem]:
    for at in _named_files(command):
        name = command[at]
        path = Path(os.path.normpath(root / name))
        if "\0" in name or not _inside(path, root) or os.path.lexists(path):
            continue
        meant = did_you_mean(path.name, _listed(path.parent))
        near = os.path.join(os.path.dirname(name), meant) if meant else None
        hint = f"did you mean {near!r}?" if near else "paths of a command are from the folder of the workspace"
        yield document.problem((*place, at), f"there is no file {name}", hint, severity="warning")


def _named_files(command: Sequence[str]) -> Iterator[int]:
    """The places in a command of a program that is a path, and of the script that an interpreter runs."""
    if command and os.path.dirname(command[0]):
        yield 0
    if command and _INTERPRETER.fullmatch(os.path.basename(command[0])):
        options = list(takewhile(lambda item: item.startswith("-"), command[1:]))
        at = 1 + len(options)
        if at < len(command) and command[at].endswith(_SCRIPTS) and not any(map(_NO_SCRIPT.fullmatch, options)):
            yield at


def _function_problems(workspace: Workspace, document: Document, module: str, function: str) -> Iterator[Problem]:
    top, *inner = module.split(".")
    root = workspace.root
    file = module_file(root, module)
    if file is None:
        folder = root.joinpath(top, *inner[:-1])
        if inner and os.path.isdir(root / top) and _inside(folder, root) and not _installed(top, root):
            meant = did_you_mean(inner[-1], [name[:-3] for name in _listed(folder) if name.endswith(".py")])
            near = ".".join((top, *inner[:-1], f"{meant}:{function}"))
            hint = f"did you mean {near!r}?" if meant else f"write {'/'.join((top, *inner))}.py"
            yield document.problem(("python",), f"there is no module {module}", hint, severity="warning")
        return
    bound = _bound(parsed(file)) if _inside(file, root) else set()
    if bound and function not in bound and bound.isdisjoint(_MADE_UP):
        meant = did_you_mean(function, bound)
        hint = f"did you mean '{module}:{meant}'?" if meant else f"write def {function}(…) in it"
        message = f"{workspace.label(file)} has no function {function}"
        yield document.problem(("python",), message, hint, severity="warning")


def _installed(name: str, root: Path) -> bool:
    """Whether Python has such a module without the workspace."""
    elsewhere = [path for path in sys.path if Path(os.path.realpath(path)) != root]
    spec = PathFinder.find_spec(name, elsewhere)
    return name in sys.stdlib_module_names or (spec is not None and spec.loader is not None)


def _bound(source: ast.Module) -> set[str]:
    """The names that a module has when it was imported, and those that tell that it may have more."""
    bound = {node.id for node in ast.walk(source) if isinstance(node, ast.Name)} & _MADE_UP
    bound |= {node.attr for node in ast.walk(source) if isinstance(node, ast.Attribute)} & _MADE_UP
    waiting: list[ast.AST] = list(source.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
            bound |= {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        else:
            waiting += ast.iter_child_nodes(node)
    return bound


def _inside(path: Path, root: Path) -> bool:
    """Whether a path is of the workspace, as it is written and where its links lead: names elsewhere are not told."""
    return path.is_relative_to(root) and Path(os.path.realpath(path)).is_relative_to(root)


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []
