"""Python functions as tools: what annotations, defaults and docstrings say; nothing is run."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.functions.paramdocs import read
from plcli.functions.signatures import NoFunction, read_function

MODULE = """
import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict, Union

raise SystemExit("run")

City = str
Loop = "list[Loop]"

class Unit(StrEnum):
    C = "celsius"
    F = "fahrenheit"

class Odd(StrEnum):
    A = auto()

class Place(TypedDict):
    lat: float
    lon: NotRequired[float]

class Model:
    x: int
"""


def parameter(text: str) -> tuple[Any, bool, tuple[str, ...]]:
    """The schema of a parameter, whether it must be given, and what is not known of it."""
    made = read_function(f"{MODULE}\ndef f({text}): ...", "f")
    (name,) = made.parameters["properties"]
    return made.parameters["properties"][name], name in made.parameters.get("required", []), made.unknown


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("None", {"type": "null"}),
        ("Any", {}),
        ("'str'", {"type": "string"}),
        ("City", {"type": "string"}),
        ("list", {"type": "array"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("typing.Sequence[str]", {"type": "array", "items": {"type": "string"}}),
        ("set[Any]", {"type": "array"}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        (
            "tuple[int, str]",
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        ("dict", {"type": "object"}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("str | None", {"type": ["string", "null"]}),
        ("Optional[int]", {"type": ["integer", "null"]}),
        ("Union[int, str, None]", {"type": ["integer", "string", "null"]}),
        ("int | int", {"type": "integer"}),
        ("Any | None", {}),
        ("list[int] | None", {"type": ["array", "null"], "items": {"type": "integer"}}),
        ("list[int] | str", {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}]}),
        (
            "list[int] | str | None",
            {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}, {"type": "null"}]},
        ),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[-1, True, 'x']", {"type": ["integer", "boolean", "string"], "enum": [-1, True, "x"]}),
        ("Literal['a'] | None", {"type": ["string", "null"], "enum": ["a", None]}),
        ("Literal['a', None]", {"type": ["string", "null"], "enum": ["a", None]}),
        ("Unit", {"type": "string", "enum": ["celsius", "fahrenheit"]}),
        ("Annotated[int, 'How many.']", {"type": "integer", "description": "How many."}),
        ("Annotated[int, Field(ge=1, description='How many.')]", {"type": "integer", "description": "How many."}),
        ("Annotated[int, 5, Doc('How many.')] | None", {"type": ["integer", "null"], "description": "How many."}),
        (
            "Place",
            {
                "type": "object",
                "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
                "required": ["lat"],
                "additionalProperties": False,
            },
        ),
    ],
)
def test_an_annotation_becomes_a_schema(annotation: str, schema: Any) -> None:
    assert parameter(f"x: {annotation}") == (schema, True, ())


@pytest.mark.parametrize(
    "annotation",
    ["dt.date", "Model", "Odd", "Loop", "1 + 1", "'no annotation'", "Literal[Unit.C]", "Callable[[int], str]", "bytes"],
)
def test_what_the_file_does_not_explain_is_told_and_takes_any_value(annotation: str) -> None:
    schema, needed, unknown = parameter(f"x: {annotation}")
    assert schema in ({}, {"type": "array"}, {"type": "array", "items": {}})
    assert needed
    assert len(unknown) == 1
    assert unknown[0].startswith("x: the annotation ")


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("x: int = 3", {"type": "integer", "default": 3}),
        ("x: int | None = None", {"type": ["integer", "null"]}),
        ("x=3", {"type": "integer", "default": 3}),
        ("x=-1.5", {"type": "number", "default": -1.5}),
        ("x=None", {}),
        ("x: list[str] = ()", {"type": "array", "items": {"type": "string"}, "default": []}),
        ("x: Unit = Unit.C", {"type": "string", "enum": ["celsius", "fahrenheit"]}),
        ("x: str = '\\ud800'", {"type": "string"}),
        ("x: float = 1e999", {"type": "number"}),
        ("*, x: bool = True", {"type": "boolean", "default": True}),
    ],
)
def test_a_default_makes_a_parameter_optional(text: str, schema: Any) -> None:
    assert parameter(text) == (schema, False, ())


def test_a_whole_function_is_read_and_not_run() -> None:
    made = read_function(
        f'{MODULE}\nasync def f(city: City, *rest, days: int = 1, **more) -> dict[str, float]:\n    """Says.\n\n'
        '    Args:\n        city: Where.\n    """',
        "f",
    )
    assert made.description == "Says."
    assert made.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "integer", "default": 1},
        },
        "required": ["city"],
    }
    assert made.returns == {"type": "object", "additionalProperties": {"type": "number"}}
    assert made.unknown == ("*rest is left out: a tool gets its arguments by name",)


def test_a_function_without_parameters_and_words_takes_nothing() -> None:
    made = read_function("def f(): ...", "f")
    assert made == ("f", None, {"type": "object", "properties": {}, "additionalProperties": False}, None, ())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def g(): ...\ndef _h(): ...", "there is no function 'f'"),
        ("class f: ...", "there is no function 'f'"),
        ("def f(x, /): ...", "parameters without names"),
        ("def f(", "no Python (line 1)"),
        ("\0", "no Python"),
        ("(" * 5000, "no Python"),
        ("def f(x: " + " | ".join(["int"] * 20_000) + "): ...", "nested too deeply"),
        ("#" * (1024 * 1024 + 1), "longer than"),
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_a_tool_is_told(source: str, said: str) -> None:
    with pytest.raises(NoFunction) as caught:
        read_function(source, "f")
    assert said in caught.value.message
    assert caught.value.hint


def test_aliases_that_stand_for_ever_more_come_to_an_end() -> None:
    aliases = "\n".join(f"A{n} = tuple[A{n + 1}, A{n + 1}]" for n in range(60))
    made = read_function(f"{aliases}\ndef f(x: A0): ...", "f")
    assert made.unknown


GOOGLE = """Finds notes.

    In all of them.

    Args:
        words (list[str], optional): What stands
            in them.
        count: How
          many.
        **more: Anything.

    Returns:
        A list.
"""

NUMPY = """Finds notes.

    In all of them.

    Parameters
    ----------
    words : list of str, optional
        What stands
        in them.
    count, limit : int
        How many.

    Returns
    -------
    list
        A list.
"""

REST = """Finds notes.

    In all of them.

    :param list[str] words: What stands
        in them.
    :param count: How many.
    :type count: int
    :return: A list.
"""


@pytest.mark.parametrize(
    ("text", "described"),
    [
        (GOOGLE, {"words": "What stands in them.", "count": "How many.", "more": "Anything."}),
        (NUMPY, {"words": "What stands in them.", "count": "How many.", "limit": "How many."}),
        (REST, {"words": "What stands in them.", "count": "How many."}),
        ("Finds notes.\n\nIn all of them.", {}),
    ],
    ids=["google", "numpy", "rest", "plain"],
)
def test_a_docstring_is_read_in_every_style(text: str, described: dict[str, str]) -> None:
    assert read(text) == ("Finds notes.\n\nIn all of them.", described)


def test_a_docstring_that_breaks_off_breaks_nothing() -> None:
    for text in (
        "",
        "Args:",
        "Args:\nx",
        "Args:\n    x:",
        "Parameters\n---",
        "Parameters\n---\n    words",
        ":param :",
        ":",
    ):
        assert read(text).parameters == {}
