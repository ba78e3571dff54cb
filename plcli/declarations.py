"""Tools as other clients declare them: lists in the JSON of OpenAI, Gemini and MCP, read entry by entry.

What is found are the fields of a tool spec. Tools that the provider itself runs are none of ours, and are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from plcli.media import Json
from plcli.providers.gemini_spellings import json_schema

LONGEST_NAME = 64
"""Characters of the longest name of a tool."""

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")

_HOLDERS = ("tools", "functions", "body", "config", "result")
"""Keys under which a list of tools stands, or what holds one."""

_PARAMETERS = ("parameters", "parametersJsonSchema", "parameters_json_schema", "inputSchema", "input_schema")
_RETURNS = ("outputSchema", "output_schema")
_READ = frozenset((
    "type", "name", "description", "strict", "format", "syntax", "definition", "explicit_text", *_PARAMETERS, *_RETURNS,
))  # fmt: skip
_OF_THE_PROVIDER = "the provider runs it, and a request names it by its type"


class Declared(NamedTuple):
    """A tool: its name as it stands there, the fields of its spec, and what was changed or left out."""

    name: str
    fields: dict[str, Json]
    changes: tuple[str, ...] = ()


class Skipped(NamedTuple):
    """What is not taken over, by its name or type, and why."""

    what: str
    reason: str


NOTHING = Skipped("an entry", "nothing in it is a tool")
"""What stands for JSON of which nothing is known."""


def declarations(value: Json) -> Iterator[Declared | Skipped]:
    """Every tool of a list of tools, of a single one, or of a request body that has tools."""
    for _ in _HOLDERS:
        if not isinstance(value, dict) or "type" in value or "name" in value:
            break
        value = next((value[key] for key in _HOLDERS if isinstance(value.get(key), list | dict)), [value])
    for entry in value if isinstance(value, list) else [value]:
        yield from _entry(entry)


def neutral_name(text: str) -> str:
    """A name that every provider accepts, as near as can be to this one; empty where nothing of it is left."""
    if _NAME.fullmatch(text):
        return text
    made = _FOREIGN.sub("_", text).lstrip("_-")[:LONGEST_NAME]
    return made if not made or _NAME.fullmatch(made) else f"_{made}"[:LONGEST_NAME]


def _entry(entry: Json) -> Iterator[Declared | Skipped]:
    match entry:
        case {"functionDeclarations": list(stated), **others} | {"function_declarations": list(stated), **others}:
            yield from (_function(one, is_gemini=True) for one in stated)
            yield from (Skipped(str(kind), _OF_THE_PROVIDER) for kind in others)
        case {"type": "namespace", "name": str(name), "tools": list(tools)}:
            for found in (found for tool in tools for found in _entry(tool)):
                told = f"it stood in the namespace {name}, and tool specs have none"
                yield found._replace(changes=(*found.changes, told)) if isinstance(found, Declared) else found
        case {"type": "function", "function": stated} | {"function": dict(stated)}:
            yield _function(stated)
        case {"type": "custom", "custom": stated}:
            yield _free_form(stated)
        case {"type": "custom"}:
            yield _free_form(entry)
        case {"type": str(kind)} if kind != "function":
            yield Skipped(kind, _OF_THE_PROVIDER)
        case {"name": _}:
            yield _function(entry)
        case dict() if len(entry) == 1 and isinstance(next(iter(entry.values())), dict):
            yield Skipped(next(iter(entry)), _OF_THE_PROVIDER)
        case _:
            yield NOTHING


def _function(stated: Json, *, is_gemini: bool = False) -> Declared | Skipped:
    """A function; OpenAI, Gemini and MCP write it alike but for the keys of its schemas."""
    described = _described(stated)
    if isinstance(described, Skipped):
        return described
    changes = list(described.changes)
    key = next((key for key in _PARAMETERS if stated.get(key) is not None), "parameters")
    parameters = stated.get(key)
    if key == "parameters" and (is_gemini or _is_openapi(parameters)):
        made = json_schema(parameters)
        if made != parameters:
            changes.append("parameters: OpenAPI's words became those of JSON Schema")
        parameters = made
    fields = {
        **described.fields,
        "parameters": parameters,
        "strict": stated.get("strict"),
        "returns": next((stated[key] for key in _RETURNS if stated.get(key) is not None), None),
    }
    if not all(isinstance(fields[key], dict | None) for key in ("parameters", "returns")):
        return Skipped(described.name, "its parameters, or what it returns, is no object")
    if not isinstance(fields["strict"], bool | None):
        return Skipped(described.name, "strict is neither true nor false")
    return Declared(described.name, {key: value for key, value in fields.items() if value is not None}, tuple(changes))


def _free_form(stated: Json) -> Declared | Skipped:
    """A tool that takes text."""
    described = _described(stated)
    if isinstance(described, Skipped):
        return described
    # Echo keeps the grammar beside the name.
    match stated.get("format", stated if "syntax" in stated else None):
        case None | {"type": "text"}:
            written: Json = {"type": "text"}
        case {"grammar": {"syntax": "regex" | "lark" as syntax, "definition": str(definition)}}:
            written = {"type": syntax, "definition": definition}
        case {"syntax": "regex" | "lark" as syntax, "definition": str(definition)}:
            written = {"type": syntax, "definition": definition}
        case _:
            return Skipped(described.name, "its format is none of text, regex and lark")
    return described._replace(fields={**described.fields, "format": written})


def _described(stated: Json) -> Declared | Skipped:
    """The name and the description, and which keys a tool spec has no place for."""
    if not isinstance(stated, Mapping) or not isinstance(stated.get("name"), str):
        return Skipped("an entry", "it is no tool: it has no name")
    description = stated.get("description")
    if not isinstance(description, str | None):
        return Skipped(stated["name"], "its description is no text")
    others = _named(key for key, value in stated.items() if key not in _READ and value is not None)
    return Declared(
        stated["name"],
        {} if description is None else {"description": description},
        (f"left out: {others}",) if others else (),
    )


def _is_openapi(parameters: Json) -> bool:
    """Whether a schema is written in OpenAPI's words: JSON Schema has no type in capitals."""
    kind = parameters.get("type") if isinstance(parameters, dict) else None
    return isinstance(kind, str) and kind.isupper()


def _named(keys: Iterable[str]) -> str:
    names = list(keys)
    return ", ".join([*names[:10], *(["…"] if len(names) > 10 else [])])
