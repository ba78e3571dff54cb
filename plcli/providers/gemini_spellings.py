"""Gemini's requests as other clients spell them: snake case, schemas in OpenAPI's words, and what says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plcli.media import Json
from plcli.providers.reading import table

_CONFIG, _DECLARATIONS = "generationConfig", "functionDeclarations"

_SAYS_NOTHING: Mapping[str, Json] = {"candidateCount": 1, "responseModalities": ["TEXT"]}
"""Settings that are so without being written."""

_INSIDE = ("functionCall", "functionResponse", "inlineData", "fileData")
"""Fields of a part whose own fields are the api's too; arguments and answers are not."""

_ROLES = ("user", "system", "model")
_OF_A_FUNCTION = {"name", "description", "parametersJsonSchema"}

_NUMBER = re.compile(r"[0-9]{1,19}")
_ONE = ("items", "additionalProperties", "not")
_SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "$defs", "defs")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")


def respell(wire: Json) -> Json:
    """The wire with its settings, instruction and tools as `compile` writes them, as far as they say the same.

    Contents stay as they are: `loosen` reads them.
    """
    body = _camel(wire)
    if isinstance(body.get("systemInstruction"), dict):
        # Whose words these are is clear from where they stand.
        stated = {
            key: value for key, value in body["systemInstruction"].items() if key != "role" or value not in _ROLES
        }
        if isinstance(stated.get("parts"), dict):
            stated["parts"] = [stated["parts"]]
        body["systemInstruction"] = stated
    if isinstance(body.get(_CONFIG), dict):
        body[_CONFIG] = _config(body[_CONFIG])
    if isinstance(body.get("toolConfig"), dict):
        body["toolConfig"] = {key: _full(_camel(value)) for key, value in _camel(body["toolConfig"]).items()}
    if isinstance(body.get("tools"), list | dict):
        body["tools"] = _tools(body["tools"] if isinstance(body["tools"], list) else [body["tools"]])
    return _full(body)


def respell_part(part: Json) -> Json:
    """A part of a content in the api's own spelling."""
    if not isinstance(part, dict):
        return part
    return {key: _camel(value) if key in _INSIDE else value for key, value in _camel(part).items()}


def json_schema(schema: Json) -> Json:
    """A schema in OpenAPI's words, as JSON Schema; one that is JSON Schema already stays what it is."""
    if not isinstance(schema, dict):
        return schema
    made = {key: _under(key, value) for key, value in _camel(schema).items() if key != "propertyOrdering"}
    if isinstance(made.get("nullable"), bool) and made.pop("nullable"):
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        if isinstance(made.get("anyOf"), list):
            made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    return made


def _under(key: str, value: Json) -> Json:
    if key == "type" and isinstance(value, str):
        return value.lower()
    if key in _ONE:
        return json_schema(value)
    if key in _SEVERAL:
        return [json_schema(item) for item in value] if isinstance(value, list) else value
    if key in _NAMED:
        return {name: json_schema(item) for name, item in value.items()} if isinstance(value, dict) else value
    # Protobuf writes numbers of 64 bits as text.
    return int(value) if key in _COUNTS and isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _config(config: Mapping[str, Json]) -> Json:
    made = {key: _camel(value) for key, value in _camel(config).items() if _SAYS_NOTHING.get(key) != value}
    if "responseSchema" in made and "responseJsonSchema" not in made:
        made["responseJsonSchema"] = json_schema(made.pop("responseSchema"))
    # An empty schema is one: any JSON will do.
    anything: Json = {"responseJsonSchema": {}} if made.get("responseJsonSchema") == {} else {}
    return {**_full(made), **anything}


def _tools(entries: list[Json]) -> list[Json]:
    """The tools with all functions of our kind in one entry, as `write_tools` has them; each other one by itself."""
    made: list[Json] = []
    functions: list[Json] = []
    for entry in map(_camel, entries):
        if not isinstance(entry, dict) or not isinstance(entry.get(_DECLARATIONS, []), list):
            made.append(entry)
            continue
        for stated in map(_declaration, entry.pop(_DECLARATIONS, [])):
            if not table(stated) or stated.keys() - _OF_A_FUNCTION:
                made.append({_DECLARATIONS: [stated]})
                continue
            if not functions:
                made.append({_DECLARATIONS: functions})
            functions.append(stated)
        made += ({kind: fields} for kind, fields in entry.items())
    return made


def _declaration(stated: Json) -> Json:
    made = _camel(stated)
    if isinstance(made, dict) and "parametersJsonSchema" not in made and "parameters" in made:
        made["parametersJsonSchema"] = json_schema(made.pop("parameters"))
    return made


def _camel(value: Json) -> Any:
    """An object with its own keys in camel case; those inside stay."""
    return dict(_renamed(value)) if isinstance(value, dict) else value


def _renamed(fields: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, value in fields.items():
        camel = re.sub(r"(?<=[a-z0-9])_([a-z])", lambda match: match[1].upper(), key)
        yield (key if camel in fields else camel), value


def _full(fields: Json) -> Any:
    """An object without the fields that hold nothing."""
    if not isinstance(fields, dict):
        return fields
    return {key: value for key, value in fields.items() if value not in (None, {})}
