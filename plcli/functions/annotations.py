"""Annotations of Python as JSON Schema, as far as the file that they stand in explains them; nothing is run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence

from plcli.brevity import cut
from plcli.media import Json

ABSENT = object()
"""What `literal` gives for a value that JSON has not."""

MOST = 2000
"""Annotations inside annotations that are read of one function; aliases could stand for any number."""

_PLAIN: Mapping[str, dict[str, Json]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "Any": {},
    "object": {},
}
_LISTS = frozenset(("list", "List", "Sequence", "Iterable", "Collection", "MutableSequence", "set", "Set", "frozenset"))
_OBJECTS = frozenset(("dict", "Dict", "Mapping", "MutableMapping"))
_ENUMS = frozenset(("Enum", "StrEnum", "IntEnum"))
_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class Annotations:
    """The annotations of a module as JSON Schema; `unknown` gathers those that it does not explain."""

    def __init__(self, tree: ast.Module) -> None:
        self.unknown: list[str] = []
        self._classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._aliases = dict(_aliases(tree))
        self._open: list[str] = []
        """The names that are being looked up, which therefore cannot explain themselves."""
        self._parameter = "what is returned"
        self._left = MOST

    def parameter(self, node: ast.arg, default: ast.expr | None, described: str | None) -> dict[str, Json]:
        """The schema of a parameter, with its description and default."""
        self._parameter = node.arg
        value = literal(default) if default else ABSENT
        if node.annotation is not None:
            made = self.schema(node.annotation)
        else:
            made = {"type": _TYPES[type(value)]} if type(value) in _TYPES and value is not None else {}
        self._parameter = "what is returned"
        if described and "description" not in made:
            made["description"] = described
        return made if value is ABSENT or value is None else {**made, "default": value}

    def schema(self, node: ast.expr) -> dict[str, Json]:
        """What values an annotation allows."""
        self._left -= 1
        if self._left < 0:
            return self._unknown(node)
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self.schema(ast.parse(text.strip(), mode="eval").body)
                except (SyntaxError, ValueError, MemoryError):
                    return self._unknown(node)
            case ast.Constant(value=None):
                return dict(_PLAIN["None"])
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return _union([self.schema(left), self.schema(right)])
            case ast.Subscript(value=value, slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                return self._generic(node, _last_name(value), parts)
            case ast.Name() | ast.Attribute():
                return self._named(node, _last_name(node))
        return self._unknown(node)

    def _named(self, node: ast.expr, name: str) -> dict[str, Json]:
        if name in self._open:
            return self._unknown(node)
        self._open.append(name)
        try:
            if isinstance(node, ast.Name) and name in self._aliases:
                return self.schema(self._aliases[name])
            if isinstance(node, ast.Name) and name in self._classes:
                return self._class(node, self._classes[name])
        finally:
            self._open.pop()
        if name in _PLAIN:
            return dict(_PLAIN[name])
        if name in _LISTS or name in ("tuple", "Tuple"):
            return {"type": "array"}
        return {"type": "object"} if name in _OBJECTS else self._unknown(node)

    def _generic(self, node: ast.expr, name: str, parts: Sequence[ast.expr]) -> dict[str, Json]:
        if name == "Literal":
            values = [literal(part) for part in parts]
            known = all(type(value) in _TYPES for value in values)
            return _choice(values) if known else self._unknown(node)
        if name == "Optional":
            return _union([self.schema(parts[0]), dict(_PLAIN["None"])])
        if name == "Union":
            return _union([self.schema(part) for part in parts])
        if name in ("Required", "NotRequired", "ReadOnly", "Final"):
            return self.schema(parts[0])
        if name == "Annotated":
            made, words = self.schema(parts[0]), next(filter(None, map(_description, parts[1:])), None)
            return {**made, "description": words} if words else made
        if name in _LISTS and len(parts) == 1:
            return _with({"type": "array"}, "items", self.schema(parts[0]))
        if name in ("tuple", "Tuple"):
            return self._tuple(parts)
        if name in _OBJECTS and len(parts) == 2:
            return _with({"type": "object"}, "additionalProperties", self.schema(parts[1]))
        return self._unknown(node)

    def _tuple(self, parts: Sequence[ast.expr]) -> dict[str, Json]:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
            return _with({"type": "array"}, "items", self.schema(parts[0]))
        items: list[Json] = [self.schema(part) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _class(self, node: ast.expr, written: ast.ClassDef) -> dict[str, Json]:
        bases = {_last_name(base) for base in written.bases}
        if bases & _ENUMS:
            values = [literal(line.value) for line in written.body if isinstance(line, ast.Assign)]
            known = bool(values) and all(type(value) in _TYPES for value in values)
            return _choice(values) if known else self._unknown(node)
        return self._typed_dict(written) if "TypedDict" in bases else self._unknown(node)

    def _typed_dict(self, written: ast.ClassDef) -> dict[str, Json]:
        fields = [
            line for line in written.body if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        ]
        total = not any(word.arg == "total" and literal(word.value) is False for word in written.keywords)
        properties: dict[str, Json] = {ast.unparse(line.target): self.schema(line.annotation) for line in fields}
        needed: list[Json] = [ast.unparse(line.target) for line in fields if _is_needed(line.annotation, total)]
        made: dict[str, Json] = {"type": "object", "properties": properties}
        return {**made, **({"required": needed} if needed else {}), "additionalProperties": False}

    def _unknown(self, node: ast.expr) -> dict[str, Json]:
        shown = cut(ast.unparse(node), 60)
        self.unknown.append(
            f"{self._parameter}: the annotation {shown} is not explained in this file; any value is taken"
        )
        return {}


def _aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The names at the top level that stand for something else: `City = str`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _is_needed(annotation: ast.expr, total: bool) -> bool:
    named = _last_name(annotation.value) if isinstance(annotation, ast.Subscript) else ""
    return named == "Required" or (total and named != "NotRequired")


def _last_name(node: ast.expr) -> str:
    """`List` of `typing.List`; empty for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _description(meta: ast.expr) -> str | None:
    """The words of `Annotated[…, "words"]`, `Field(description="words")` and `Doc("words")`."""
    if isinstance(meta, ast.Call):
        named = [word.value for word in meta.keywords if word.arg == "description"]
        first = meta.args[:1] if _last_name(meta.func) == "Doc" else []
        meta = next(iter([*named, *first]), meta)
    return meta.value if isinstance(meta, ast.Constant) and isinstance(meta.value, str) else None


def literal(node: ast.expr) -> Json:
    """A value that stands in the source and that JSON has too; `ABSENT` for anything else."""
    try:
        # Half of a surrogate pair does not survive this.
        return json.loads(json.dumps(ast.literal_eval(node), allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, TypeError, SyntaxError, MemoryError):
        return ABSENT


def _choice(values: list[Json]) -> dict[str, Json]:
    kinds = list(dict.fromkeys(_TYPES[type(value)] for value in values))
    return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": values}


def _union(options: list[dict[str, Json]]) -> dict[str, Json]:
    """What fits one of the options: a list of types where that says as much, else `anyOf`."""
    if {} in options:
        return {}
    flat = [inner for option in options for inner in (option["anyOf"] if option.keys() == {"anyOf"} else [option])]
    made = [option for n, option in enumerate(flat) if option not in flat[:n]]
    bare = [kind for option in made if option.keys() == {"type"} for kind in _kinds(option)]
    rich = [option for option in made if option.keys() != {"type"}]
    if rich and (len(rich) > 1 or "type" not in rich[0] or set(bare) - {"null"}):
        return made[0] if len(made) == 1 else {"anyOf": made}
    kinds = list(dict.fromkeys(kind for option in [*rich, *made] for kind in _kinds(option)))
    merged: dict[str, Json] = {"type": None}
    for option in rich:
        merged |= option
    merged["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "null" in kinds and "enum" in merged and None not in merged["enum"]:
        merged["enum"] = [*merged["enum"], None]
    return merged


def _kinds(option: Mapping[str, Json]) -> list[Json]:
    kinds = option.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _with(schema: dict[str, Json], key: str, inner: dict[str, Json]) -> dict[str, Json]:
    """A schema with one for what is inside, where that says anything."""
    return {**schema, key: inner} if inner else schema
