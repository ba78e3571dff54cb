"""The formats of spec files: their JSON Schemas, and documents held against them.

The pydantic models decide; why they reject a file is told by `rejections`.
"""

from __future__ import annotations

import functools
import json
from itertools import takewhile
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from plcli.docstrings import attribute_docs
from plcli.documents import Document
from plcli.errors import Problem, SpecError
from plcli.media import Json
from plcli.paths import Parts, find
from plcli.rejections import MOST, reasons
from plcli.specs import KINDS, Closed
from plcli.spelling import did_you_mean

Spec = TypeVar("Spec", bound=Closed)

MOST_EXPLAINED = 20_000
"""Values of the largest document whose mistakes are explained in full; larger ones get plainer words."""

_ABSENT = object()
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with the docstrings of fields and without the titles that it makes from names."""

    def model_schema(self, schema: ModelSchema) -> dict[str, Any]:
        body = super().model_schema(schema)
        model = schema["cls"]
        for owner in takewhile(lambda ancestor: ancestor is not BaseModel, model.__mro__):
            for name, text in attribute_docs(owner).items():
                if name in model.model_fields:
                    key = model.model_fields[name].alias or name
                    body["properties"][key].setdefault("description", text)
        return body

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(described: Any, file: str) -> dict[str, Json]:
    """A type as JSON Schema 2020-12, named by the file that will hold it."""
    body = _tidy(TypeAdapter(described).json_schema(schema_generator=_Generator))
    return {"$schema": _DIALECT, "$id": file, **body}


@functools.cache
def schema(kind: str) -> dict[str, Json]:
    """The format of a kind of spec. Shared: not to be changed."""
    return schema_of(KINDS[kind], file_name(kind))


def file_name(name: str) -> str:
    """The file that holds a schema."""
    return f"{name}.schema.json"


def load_spec(document: Document, model: type[Spec]) -> Spec:
    """A document as the spec that it must be. Raises `SpecError` with every problem."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        raise SpecError(_problems(document, kind_of(model), error)) from None


def load_any(document: Document) -> Closed:
    """A document as the spec that its `kind` says. Raises `SpecError` with every problem."""
    kind = document.value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return load_spec(document, KINDS[kind])
    known = ", ".join(KINDS)
    if "kind" not in document.value:
        raise SpecError([document.problem((), "missing key 'kind'", f"say what the file is: {known}")])
    meant = did_you_mean(kind, KINDS) if isinstance(kind, str) else None
    hint = f"did you mean {meant!r}?" if meant else f"write one of {known}"
    raise SpecError([document.problem(("kind",), f"unknown kind {json.dumps(kind)[:60]}", hint)])


def explain(document: Document, kind: str) -> list[Problem]:
    """Why a document is no spec of a kind: every problem with its place; nothing when it is one."""
    try:
        KINDS[kind].model_validate(document.value)
    except ValidationError as error:
        return _problems(document, kind, error)
    return []


def kind_of(model: type[Closed]) -> str:
    """The `kind` of the files that a model describes."""
    return next(kind for kind, known in KINDS.items() if known is model)


def _problems(document: Document, kind: str, error: ValidationError) -> list[Problem]:
    said = document.value.get("kind")
    if isinstance(said, str) and said != kind and said in KINDS:
        return [document.problem(("kind",), f"this is a {said}, and a {kind} is wanted here")]
    found = reasons(schema(kind), document) if _is_small(document.value) else []
    if found:
        return found
    # The schema accepts exactly what the model accepts, so only large documents should get here. A bug
    # in the schema would too, and hides no rejection.
    told = error.errors(include_url=False, include_context=False, include_input=False)[:MOST]
    return [document.problem(_existing(document.value, item["loc"]), item["msg"].lower()) for item in told]


def _is_small(value: Json) -> bool:
    """Whether a document has so few values that explaining it takes no long time."""
    waiting, left = [value], MOST_EXPLAINED
    while waiting and left > 0:
        item = waiting.pop()
        below = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        left -= 1 + len(below)
        waiting.extend(below)
    return left > 0


def _existing(value: Json, path: Parts) -> Parts:
    """The steps of a pydantic location that lead somewhere in the document (others name branches of unions)."""
    steps: Parts = ()
    for step in path:
        if find(value, (*steps, step), _ABSENT) is not _ABSENT:
            steps = (*steps, step)
    return steps


def _tidy(value: Json, named: bool = False) -> Json:
    """A generated schema without noise; `named` says that the keys are names, not keywords."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    if named:
        return {name: _tidy(item) for name, item in value.items()}
    tidy = {
        key: _tidy(item, named=key in ("properties", "$defs", "patternProperties"))
        for key, item in value.items()
        if not (key == "title" or key == "discriminator" or (key == "default" and item is None))
    }
    # Pydantic forgets to say that keys which fit no pattern are refused.
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy
