"""The docstrings below the attributes of a class, read from the source when somebody asks.

Pydantic would read them as each class is made, which is half of the time that our models take to import.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys


def attribute_docs(cls: type) -> dict[str, str]:
    """What the source says of each attribute that a class declares itself; nothing where there is no source."""
    return _of_module(cls.__module__).get(cls.__name__, {})


@functools.cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """The documented attributes of a module's classes."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except OSError:
        return {}
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for statement, below in zip(node.body, node.body[1:], strict=False):
        match statement, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = inspect.cleandoc(text)
    return docs
