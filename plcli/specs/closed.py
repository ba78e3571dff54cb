"""The ground that all spec models stand on: closed, frozen, strict, described by their docstrings.

What a model accepts and what its JSON Schema accepts is the same set of documents, so rules between
keys are stated once, as `alone` and `needed`, and act in both.
"""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    Strict,
    model_validator,
)
from pydantic_core import CoreSchema

Item = TypeVar("Item")

Items = Annotated[tuple[Item, ...], Strict(False)]
"""A list in the file, a tuple in the model."""


class Closed(BaseModel):
    """A part of a spec file in which an unknown key is a problem."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
        regex_engine="python-re",
    )

    alone: ClassVar[tuple[str, ...]] = ()
    """Keys of which at most one may be present."""

    needed: ClassVar[bool] = False
    """Whether one of `alone` must be present."""

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        fields = type(self).model_fields
        names = {fields[name].alias or name for name in self.model_fields_set if name in fields}
        present = [name for name in self.alone if name in names]
        if len(present) > 1:
            raise ValueError(f"{present[0]!r} and {present[1]!r} exclude each other")
        if self.needed and not present:
            raise ValueError(f"one of {', '.join(self.alone)} is needed")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        body = handler.resolve_ref_schema(schema)
        if cls.alone and cls.needed:
            body["oneOf"] = [{"required": [name]} for name in cls.alone]
        elif cls.alone:
            pairs = [{"required": list(pair)} for pair in combinations(cls.alone, 2)]
            body["not"] = pairs[0] if len(pairs) == 1 else {"anyOf": pairs}
        return schema

    def given(self) -> dict[str, JsonValue]:
        """The keys that the file holds, by their names there."""
        return self.model_dump(mode="json", exclude_unset=True)


def _integral(value: object) -> object:
    """JSON Schema counts 1.0 as an integer, so the models do too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_integral)]
# The bounds stand before the conversion: after it, they would be lost in the schema.
Count = Annotated[int, Field(ge=0), BeforeValidator(_integral)]
Positive = Annotated[int, Field(ge=1), BeforeValidator(_integral)]
Seconds = Annotated[float, Field(gt=0)]
JsonObject = dict[str, JsonValue]

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$(?!\n)")]
"""What every provider accepts as the name of a tool."""
