"""Matchers and expectations: what a spec says about an answer, one grammar for both and for stubs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Field, GetJsonSchemaHandler, JsonValue, Tag
from pydantic_core import CoreSchema

from plcli.specs.closed import Closed, Count, Items, JsonObject


class Matcher(Closed):
    """A condition on one value; several keys must all hold."""

    equals: JsonValue = None
    """The value is this, as JSON."""
    contains: JsonValue = None
    """A text contains this text; a list this item; an object these members."""
    matches: str | None = None
    """A text matches this regular expression somewhere."""
    schema_: JsonObject | None = Field(default=None, alias="schema")
    """The value is valid under this JSON Schema."""
    min: float | None = None
    """A number is at least this."""
    max: float | None = None
    """A number is at most this."""
    count: Count | None = None
    """A list, object or text has exactly this many items or characters."""


MATCHERS = frozenset(field.alias or name for name, field in Matcher.model_fields.items())


def is_matcher(value: object) -> bool:
    """Whether a value of a file is a matcher: an object, not empty, whose keys are all matchers."""
    return isinstance(value, Matcher) or (isinstance(value, dict) and bool(value) and value.keys() <= MATCHERS)


class _MatcherOrPlain:
    """Schema of `Expected`: an object of matcher keys is held against `Matcher`, all else is plain."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        matcher = handler(core_schema["choices"]["matcher"])
        return {
            "if": {"type": "object", "minProperties": 1, "propertyNames": {"enum": sorted(MATCHERS)}},
            "then": matcher,
        }


Expected = Annotated[
    Annotated[Matcher, Tag("matcher")] | Annotated[JsonValue, Tag("plain")],
    Discriminator(lambda value: "matcher" if is_matcher(value) else "plain"),
    _MatcherOrPlain,
]
"""A matcher, or a plain value that means `equals`."""


class OutputExpectation(Matcher):
    """The structured output, or the part of it at `path`, held against a matcher."""

    path: str | None = None
    """Dotted path into the output, with `[n]`."""


class CallExpectation(Closed):
    """A call of a tool that the model must make."""

    name: str
    """The tool."""
    arguments: dict[str, Expected] | None = None
    """Some arguments, each a plain value or a matcher; others are free."""
    count: Count | None = None
    """Exactly so many calls that fit; at least one when absent."""


class Expectation(Closed):
    """One check on the answer; exactly one key."""

    text: Expected = None
    """The words of the answer."""
    output: OutputExpectation | None = None
    """The structured output."""
    tool_called: str | CallExpectation | None = None
    """A tool that the model calls."""
    tool_not_called: str | None = None
    """A tool that the model does not call."""
    state: Expected = None
    """The state of the answer; decides the exit code instead of the state itself."""
    images: Expected = None
    """The number of pictures, or a matcher for it."""
    cost: Expected = None
    """The cost in US dollars."""
    latency_ms: Expected = None
    """The time until the answer was complete, in milliseconds."""
    tokens: Expected = None
    """The tokens of input and output together."""
    any: Items[Expectation] | None = None
    """At least one of these holds."""
    not_: Expectation | None = Field(default=None, alias="not")
    """This does not hold."""

    alone: ClassVar[tuple[str, ...]] = (
        "text",
        "output",
        "tool_called",
        "tool_not_called",
        "state",
        "images",
        "cost",
        "latency_ms",
        "tokens",
        "any",
        "not",
    )
    needed: ClassVar[bool] = True
