"""JSON Schemas that say in one object what `allOf` and references say in several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from plcli.media import Json
from plcli.paths import Parts
from plcli.strictness.keywords import DEFINITIONS, Note, target

WORDS_ONLY = ("title", "description")
"""Keywords that are words for the model."""

SILENT = frozenset((
    "default", "examples", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType",
    "contentSchema", "$schema", "$id", "$comment", "$anchor", "$dynamicAnchor", "$vocabulary",
))  # fmt: skip
"""Other keywords that say nothing of which values fit."""

_OTHERS = ("additionalProperties", "unevaluatedProperties")


class Flat(NamedTuple):
    """A schema without `allOf`, in which a `$ref` stands only if it leads to the root or a definition of it.

    `written` are the places of what was written out, `left` what cannot be; from the schema on.
    """

    schema: dict[str, Json]
    written: tuple[Parts, ...] = ()
    left: tuple[Note, ...] = ()


def flat(root: Json, part: dict[str, Json], *, at_root: bool = False) -> Flat:
    """The schema with `allOf`, and each `$ref` that cannot stand in it, written out; those inside it stay.

    At the root no `$ref` stands, and a single form (`anyOf`, `oneOf`) is written out too.
    """
    inside: set[Parts] = set()
    written: list[Parts] = []
    while True:
        word = next((word for word in ("allOf", "anyOf", "oneOf") if _is_one(part, word, at_root)), None)
        if word is not None:
            # What it allows besides is seen by all of its parts, so it goes with the whole.
            beside = {key: part[key] for key in ("unevaluatedProperties",) if key in part}
            parts = [without(part, word, *beside), *part[word]]
            if sum(bool(_says(each)) for each in parts) > 1:
                parts = [_expanded(root, each, inside) for each in parts]
            together = _merged(parts)
            merged = together and {**together, **beside}
        elif "$ref" in part and (at_root or _says(part) != {"$ref"} or not _stays(root, part["$ref"])):
            word = "$ref"
            merged = _expanded(root, part, inside)
            if "$ref" in merged:
                message = "cannot be written out here; let it stand alone, and lead to a definition"
                return Flat(without(part, word), tuple(written), (Note((word,), message),))
        else:
            return Flat(part, tuple(written))
        if merged is None:
            message = "cannot be one with what stands beside it; write both as one object"
            return Flat(without(part, word), tuple(written), (Note((word,), message),))
        written.append((word,))
        part = merged


def without(part: Mapping[str, Json], *words: Any) -> dict[str, Json]:
    """The schema without some of its keywords."""
    return {word: value for word, value in part.items() if word not in words}


def _is_one(part: Mapping[str, Json], word: str, at_root: bool) -> bool:
    """Whether a list of schemas is to become one with what stands beside it."""
    listed = part.get(word)
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        return False
    return word == "allOf" or (at_root and len(listed) == 1)


def _says(part: Mapping[str, Json]) -> set[str]:
    """The keywords of a schema that say something of the value, and are more than words about it."""
    return {word for word in part if word not in SILENT and word not in WORDS_ONLY and word not in DEFINITIONS}


def _stays(root: Json, reference: Json) -> bool:
    """Whether a reference leads to the root or to a definition of it, by a name that needs no escapes of URLs."""
    led = target(root, reference)
    if led is None:
        return False
    place = led[0]
    return not place or (len(place) == 2 and place[0] in DEFINITIONS and not {"%", "#"} & set(str(place[1])))


def _expanded(root: Json, part: dict[str, Json], inside: set[Parts]) -> dict[str, Json]:
    """The schema with its own `$ref` replaced by what it leads to, unless that is one of `inside`, which grows."""
    while "$ref" in part:
        place, led = target(root, part["$ref"]) or (None, None)
        if place is None or place in inside or not isinstance(led, dict):
            return part
        both = _merged([without(part, "$ref"), led if place else without(led, *DEFINITIONS)])
        if both is None:
            return part
        inside.add(place)
        part = both
    return part


def _merged(parts: Iterable[Mapping[str, Json]]) -> dict[str, Json] | None:
    """One schema that holds values to all of the parts; None where that takes more than putting them together."""
    whole: dict[str, Any] = {}
    for part in parts:
        names = [each.get("properties", {}).keys() for each in (whole, part)]
        closed = [any(each.get(word, True) is not True for word in _OTHERS) for each in (whole, part)]
        if (closed[0] and names[1] - names[0]) or (closed[1] and names[0] - names[1]):
            return None
        for word, value in part.items():
            if word not in whole or whole[word] == value:
                whole[word] = value
            elif word == "required":
                whole[word] = list(dict.fromkeys((*whole[word], *value)))
            elif word == "allOf":
                whole[word] = [*whole[word], *(item for item in value if item not in whole[word])]
            elif word == "properties":
                if any(whole[word][name] != value[name] for name in whole[word].keys() & value.keys()):
                    return None
                whole[word] = {**whole[word], **value}
            elif word not in SILENT and word not in WORDS_ONLY:
                return None
    return whole
