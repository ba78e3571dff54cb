"""The syntax of jinja2 that a template can use, rewritten so that every expression is a primitive.

What is not named here does not exist: no macros, no includes, no attribute of Python. Parsing and
running are for `jinja`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from plcli.media import Json
from plcli.primitives import LOOP_METHODS, METHODS
from plcli.spelling import did_you_mean

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_DEPTH = 64
"""Levels of statements and expressions that may stand in each other."""

FREE_FILTERS = ("count", "d", "default", "first", "last", "length")
METERED_FILTERS = (
    *("abs", "capitalize", "dictsort", "e", "escape", "float", "groupby", "int", "items", "list", "lower", "map"),
    *("max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "title", "trim", "truncate"),
    *("unique", "upper", "urlencode", "wordcount"),
)
OWN_FILTERS = ("indent", "join", "replace", "round", "string", "sum", "tojson")
FILTERS = (*FREE_FILTERS, *METERED_FILTERS, *OWN_FILTERS)
"""The filters that a template can use."""

FREE_TESTS = ("boolean", "defined", "false", "none", "true", "undefined")
METERED_TESTS = (
    *("!=", "<", "<=", "==", ">", ">=", "divisibleby", "eq", "equalto", "even", "float", "ge", "greaterthan", "gt"),
    *("in", "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "number", "odd", "sequence"),
    *("string", "upper"),
)

_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
_KNOWN = {
    *("Template", "Output", "If", "For", "Assign", "AssignBlock", "With", "FilterBlock", "NSRef"),
    *("Name", "Const", "TemplateData", "Tuple", "List", "Dict", "Pair", "Keyword", "CondExpr", "Filter", "Test"),
    *("Call", "Getitem", "Getattr", "Slice", "Concat", "Compare", "Operand", "And", "Or", "Not", "Neg", "Pos"),
    *_ARITHMETIC,
}
_WRITE_OUT = "write the text out"
_UNKNOWN = {
    "Include": ("include", "use `content: {file: …}` of the message"),
    "Import": ("import", _WRITE_OUT),
    "FromImport": ("from … import", _WRITE_OUT),
    "Extends": ("extends", _WRITE_OUT),
    "Block": ("block", _WRITE_OUT),
    "Macro": ("macro", "use a loop, or a variable"),
    "CallBlock": ("call", "use a loop, or a variable"),
    "Scope": ("autoescape", "nothing is escaped in a prompt"),
    "For": ("for … recursive", "use a loop in a loop"),
}
"""Syntax of jinja2 that a template cannot use, as people write it, and what to do instead."""


class Fault(NamedTuple):
    """Something wrong with a template; `line` counts from 1 within its text."""

    line: int
    message: str
    hint: str | None = None


class TemplateFaults(Exception):
    """A template that cannot be filled, with everything that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


def missing_variable(name: str, line: int, variables: Collection[str]) -> Fault:
    """The fault of a text that uses a name which has no value."""
    meant = did_you_mean(name, variables)
    hint = f"did you mean `{meant}`?" if meant else f"declare it under `variables`, or pass --var {name}=…"
    return Fault(line, f"the variable `{name}` has no value", hint)


def check_depth(tree: nodes.Template) -> None:
    """Refuse deep trees before anything recurses over them. Raises `TemplateFaults`."""
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise TemplateFaults((Fault(level[0].lineno, f"nested deeper than {MAX_DEPTH} levels"),))


@dataclass(slots=True)
class Rewriter:
    """Turns a tree into calls of primitives; notes what it does not know, and the names that are used.

    `uses` holds each name with the line of its first use; `guarded` the names that the template asks
    about (`is defined`, `default`) before it relies on them.
    """

    faults: list[Fault] = field(default_factory=list)
    uses: dict[str, int] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)

    def rewrite(self, node: Any) -> Any:
        """The node that takes this one's place."""
        kind = type(node).__name__
        if kind not in _KNOWN or getattr(node, "recursive", False):
            word, hint = _UNKNOWN.get(kind, (kind.lower(), _WRITE_OUT))
            self._fault(node, f"`{word}` is not available in a template", hint)
            return node
        weight = sum(1 for _ in _all_nodes(node)) if kind == "For" else 0
        if kind == "Call":
            return self._call(node)
        if kind == "Name" and node.ctx == "load":
            self.uses.setdefault(node.name, node.lineno)
        if kind == "Const" and node.value in (float("inf"), -float("inf")):
            self._fault(node, "this number is too large")
        if kind in ("Filter", "Test"):
            self._check_name(node, kind)
            if type(node.node).__name__ == "Name" and node.name in ("d", "default", "defined", "undefined"):
                self.guarded.add(node.node.name)
        if kind == "Getitem" and type(node.arg).__name__ == "Slice":
            parts = [part or _const(None, node) for part in (node.arg.start, node.arg.stop, node.arg.step)]
            return _primitive("slice", self.rewrite(node.node), *map(self.rewrite, parts))
        for name, value in list(node.iter_fields()):
            if isinstance(value, list):
                setattr(node, name, [self.rewrite(item) if _is_node(item) else item for item in value])
            elif _is_node(value):
                setattr(node, name, self.rewrite(value))
        return self._replaced(node, kind, weight)

    def _replaced(self, node: Any, kind: str, weight: int) -> Any:
        """The primitive for a node whose parts are rewritten already."""
        if kind in ("Output", "Concat"):
            node.nodes = [_primitive("text", part) for part in node.nodes]
        elif kind == "For":
            node.iter = _primitive("loop", node.iter, _const(weight, node))
        elif kind == "CondExpr":
            node.expr2 = node.expr2 or _const("", node)
        elif kind in ("Compare", "Operand"):
            node.expr = _primitive("read", node.expr)
        elif kind in ("List", "Dict") or (kind == "Tuple" and node.ctx == "load"):
            return _primitive("built", node)
        elif kind == "Getattr":
            return _primitive("attribute", node.node, _const(node.attr, node))
        elif kind == "Getitem":
            return _primitive("item", node.node, node.arg)
        elif kind in _ARITHMETIC:
            return _primitive(kind, node.left, node.right)
        return node

    def _call(self, node: Any) -> Any:
        """Calls are of `range`, of `namespace`, or of a method that is known."""
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fault(node, "`*` and `**` are not available in a call")
            return node
        callee = type(node.node).__name__
        name = getattr(node.node, "name" if callee == "Name" else "attr", "this")
        if callee == "Name" and name == "range" and node.args:
            target, before = "range", []
        elif callee == "Name" and name == "namespace":
            target, before = "namespace", [_const(None, node)]
        elif callee == "Getattr" and (name in LOOP_METHODS or any(name in names for names in METHODS.values())):
            target, before = "method", [self.rewrite(node.node.node), _const(name, node)]
        else:
            hint = "write a ~ b to put texts together" if name == "format" else None
            if callee == "Name" and name in FILTERS:
                hint = f"write it as a filter: {{{{ value | {name} }}}}"
            self._fault(node, f"`{name}` cannot be called in a template", hint)
            return node
        call = _primitive(target, *before, *map(self.rewrite, node.args))
        call.kwargs = [self.rewrite(item) for item in node.kwargs]
        return call

    def _check_name(self, node: Any, kind: str) -> None:
        known = FILTERS if kind == "Filter" else (*FREE_TESTS, *METERED_TESTS)
        if node.name not in known:
            meant = did_you_mean(node.name, known)
            hint = f"did you mean `{meant}`?" if meant else "there are: " + ", ".join(sorted(known))
            self._fault(node, f"there is no {kind.lower()} `{node.name}`", hint)
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._fault(node, f"`*` and `**` are not available in a {kind.lower()}")

    def _fault(self, node: Any, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(node.lineno or 1, message, hint))


def _primitive(name: str, operand: Any, *args: Any) -> Any:
    """The node that calls one of the `primitives`; jinja2 calls it a filter."""
    from jinja2 import nodes

    return nodes.Filter(operand, f"({name})", list(args), [], None, None, lineno=operand.lineno)


def _const(value: Json, at: Any) -> Any:
    from jinja2 import nodes

    return nodes.Const(value, lineno=at.lineno)


def _is_node(value: Any) -> bool:
    return hasattr(value, "iter_child_nodes")


def _all_nodes(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(item.iter_child_nodes())
