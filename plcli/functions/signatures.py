"""Python functions as tools: signatures and docstrings, read from the source and never run.

Annotations become JSON Schema as far as the file itself explains them; one that it does not is told, and any
value is taken there.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from plcli.functions import paramdocs
from plcli.functions.annotations import Annotations
from plcli.media import Json
from plcli.spelling import did_you_mean

LONGEST_SOURCE = 1024 * 1024
"""Characters of the longest file that is read."""


class NoFunction(ValueError):
    """There is no function that could be a tool; says why, and what may be typed instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Function(NamedTuple):
    """A function as a tool: `parameters` and `returns` are JSON Schemas (None: nothing is known).

    `unknown` tells what of the signature could not be read.
    """

    name: str
    description: str | None
    parameters: dict[str, Json]
    returns: dict[str, Json] | None
    unknown: tuple[str, ...] = ()


def read_function(source: str, name: str) -> Function:
    """The function of a name at the top level of a Python source. Raises `NoFunction`."""
    try:
        tree = _parsed(source)
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if name not in functions:
            public = [known for known in functions if not known.startswith("_")]
            meant = did_you_mean(name, public)
            hint = f"did you mean {meant!r}?" if meant else f"its functions are: {', '.join(public[:50]) or 'none'}"
            raise NoFunction(f"there is no function {name!r} at the top level", hint)
        return _function(functions[name], Annotations(tree))
    except RecursionError:
        raise NoFunction("the source is nested too deeply", "write simpler annotations") from None


def _parsed(source: str) -> ast.Module:
    if len(source) > LONGEST_SOURCE:
        raise NoFunction(f"the source is longer than {LONGEST_SOURCE:,} characters", "put the function in a file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about its code are for whoever runs it
            return ast.parse(source)
    except SyntaxError as error:
        raise NoFunction(f"it is no Python (line {error.lineno}): {error.msg}", "repair the file") from None
    except (ValueError, MemoryError) as error:
        raise NoFunction(f"it is no Python: {error or 'too deep'}", "repair the file") from None


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, annotations: Annotations) -> Function:
    if node.args.posonlyargs:
        hint = "take the / out of its signature: a tool gets its arguments by name"
        raise NoFunction(f"{node.name} has parameters without names", hint)
    told = paramdocs.read(ast.get_docstring(node) or "")
    properties: dict[str, Json] = {}
    required: list[Json] = []
    for parameter, default in _parameters(node.args):
        described = told.parameters.get(parameter.arg)
        properties[parameter.arg] = annotations.parameter(parameter, default, described)
        if default is None:
            required.append(parameter.arg)
    if node.args.vararg:
        annotations.unknown.append(f"*{node.args.vararg.arg} is left out: a tool gets its arguments by name")
    parameters: dict[str, Json] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    if node.args.kwarg is None:
        parameters["additionalProperties"] = False
    unknown = tuple(annotations.unknown)
    returns = annotations.schema(node.returns) if node.returns else None
    if not returns or len(annotations.unknown) > len(unknown):
        returns = None
    return Function(node.name, told.summary or None, parameters, returns, unknown)


def _parameters(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """The parameters that have names, each with its default."""
    bare = len(arguments.args) - len(arguments.defaults)
    yield from zip(arguments.args, [*[None] * bare, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
