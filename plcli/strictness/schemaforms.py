"""What the forms of a JSON Schema are: its types, whether null fits it, and whether two exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from plcli.media import Json
from plcli.strictness.flatschemas import WORDS_ONLY, without


def types(part: Mapping[str, Json]) -> tuple[Json, ...]:
    """The types that a schema states; none where it states none."""
    stated = part.get("type")
    return tuple(stated) if isinstance(stated, list) else () if stated is None else (stated,)


def are_objects(part: Mapping[str, Json], forms: Json) -> bool:
    """Whether a schema of several forms says for all of them that they are objects."""
    alike = (
        isinstance(form, Mapping) and form.get("type", "object") == "object" and "$ref" not in form for form in forms
    )
    return part.get("type") == "object" and all(alike)


def nullable(part: dict[str, Json]) -> dict[str, Json]:
    """The schema that takes null too."""
    if takes_null(part):
        return part
    if "type" in part and not part.keys() & {"enum", "const", "anyOf"}:
        return {**part, "type": [*types(part), "null"]}
    words = {word: part[word] for word in part if word in WORDS_ONLY}
    rest = without(part, *words)
    forms = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**words, "anyOf": [*forms, {"type": "null"}]}


def takes_null(part: Json) -> bool:
    """Whether null surely fits a schema that is written strictly."""
    if not isinstance(part, Mapping) or "$ref" in part:
        return False
    return (
        ("type" not in part or "null" in types(part))
        and ("enum" not in part or None in part["enum"])
        and ("const" not in part or part["const"] is None)
        and ("anyOf" not in part or any(map(takes_null, part["anyOf"])))
    )


def exclude_each_other(forms: Iterable[Json]) -> bool:
    """Whether no value can fit two of the schemas: they have no type in common, or a property tells them apart."""
    parts = [part for part in forms if isinstance(part, Mapping)]
    kinds = [set(types(part)) for part in parts]
    kinds = [kind | {"integer"} if "number" in kind else kind for kind in kinds]
    if all(kinds) and sum(map(len, kinds)) == len(set().union(*kinds)):
        return True
    tags = [dict(_tags(part)) for part in parts]
    return any(
        all(name in each for each in tags) and len({each[name] for each in tags}) == len(tags)
        for name in (tags[0] if tags else ())
    )


def _tags(part: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The required properties of an object that can have one value only, a text."""
    for name, value in part.get("properties", {}).items():
        wanted = value.get("enum", [value["const"]] if "const" in value else []) if isinstance(value, Mapping) else []
        certain = types(part) == ("object",) and name in part.get("required", ())
        if certain and len(wanted) == 1 and isinstance(wanted[0], str):
            yield name, wanted[0]
