"""Laws of reading documents, over generated values and over noise."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.documents import Document, parse
from plcli.errors import Problem, SpecError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)
FAST = settings(deadline=None)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    found = [(path, value)]
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in children:
        found += leaves(item, (*path, step))
    return found


@FAST
@given(OBJECTS, st.sampled_from([None, 2]), st.booleans())
def test_any_json_object_reads_as_itself(value: dict[str, object], indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    assert parse(text, file="x", format="json").value == value


def worded(value: object) -> object:
    """The value with every text beginning like a word: a writer of YAML 1.1 leaves `0E0` and `0o1` unquoted."""
    if isinstance(value, dict):
        return {f"x{key}": worded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [worded(item) for item in value]
    return f"x{value}" if isinstance(value, str) else value


@FAST
@given(OBJECTS.map(worded), st.booleans())
def test_what_a_yaml_library_writes_reads_as_itself(value: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(json.loads(json.dumps(value)), default_flow_style=flow, sort_keys=False)
    assert parse(text, file="x", format="yaml").value == value


@FAST
@given(OBJECTS)
def test_json_of_plain_characters_is_yaml_too(value: dict[str, object]) -> None:
    text = json.dumps(value, indent=1)
    if "\\ud" not in text and all(len(line) < 900 for line in text.splitlines()):
        assert parse(text, file="x", format="yaml").value == value


@FAST
@given(OBJECTS, st.sampled_from([None, 1]))
def test_in_json_each_position_is_where_its_value_starts(value: dict[str, object], indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    document = parse(text, file="x", format="json")
    decoder = json.JSONDecoder()
    for path, item in leaves(value):
        line, column = document.position(path)
        assert line is not None
        assert column is not None
        rest = text.split("\n", line - 1)[-1][column - 1 :]
        assert decoder.raw_decode(rest)[0] == item


@FAST
@given(OBJECTS)
def test_positions_exist_for_every_path_and_fall_back_to_parents(value: dict[str, object]) -> None:
    document = parse(json.dumps(value), file="x", format="yaml") if "\\ud" not in json.dumps(value) else None
    for path, item in leaves(value) if document else ():
        assert isinstance(document, Document)
        assert None not in document.position(path)
        assert document.position((*path, "\ue000missing")) == document.position(path), item


@settings(deadline=None)
@given(
    st.text(st.sampled_from("ab1 \n\t:-[]{},&*!|>'\"#%@?.~<\\/0xen=\r\ufeff\x85\u2028é😀"), max_size=60)
    | st.binary(max_size=40),
    st.sampled_from(["yaml", "json", "toml"]),
)
def test_noise_is_a_document_or_problems(text: str | bytes, format: str) -> None:
    try:
        document = parse(text, file="x", format=format)  # type: ignore[arg-type]
        found: tuple[Problem, ...] = ()
        json.dumps(document.value, allow_nan=False, ensure_ascii=False).encode()
    except SpecError as error:
        found = error.problems
    assert all(problem.message and (problem.line is None or problem.line >= 1) for problem in found)


@pytest.mark.parametrize("value", [{"a": "b: c", "k": "x\ny\n"}, {"": {"": []}}])
def test_awkward_values_read_as_themselves(value: dict[str, object]) -> None:
    for text in (json.dumps(value), yaml.safe_dump(value)):
        assert parse(text, file="x", format="yaml").value == value
