"""Files changed in place: what stays, what is written anew, and when the whole file is."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.documents import parse
from plcli.errors import SpecError
from plcli.inplace import amend

TEXT = """\
# about the file
kind: tool   # what it is
name: x

# about parameters
parameters:
  type: object
  properties:
    a: {type: string, default: b}   # short
    # above b
    b:
      type: string
      description: |
        One.

        # no comment
  list:
    - one: 1   # first
      two: 2
    - three
# the end
"""


def value() -> dict[str, Any]:
    return parse(TEXT, file="x", format="yaml").value


def amended(new: dict[str, Any], text: str = TEXT, format: Any = "yaml") -> str:
    document = parse(text, file="x", format=format)
    made = amend(document, new)
    assert parse(made.text, file="x", format=format).value == new
    return made.text


def test_only_the_lines_of_what_changes_are_written() -> None:
    new = value()
    new["parameters"]["properties"]["b"]["type"] = ["string", "null"]
    assert amended(new) == TEXT.replace("      type: string\n", '      type: [string, "null"]\n')


def test_a_new_key_comes_after_the_one_that_it_follows() -> None:
    new = value()
    new["parameters"]["properties"] |= {"c": {"type": "null"}}
    new = {**{key: new[key] for key in ("kind", "name")}, "strict": True, "parameters": new["parameters"]}
    text = TEXT.replace("name: x\n", "name: x\nstrict: true\n")
    text = text.replace("        # no comment\n", '        # no comment\n    c: {type: "null"}\n')
    assert amended(new) == text


def test_a_key_that_is_gone_takes_its_lines_along() -> None:
    new = value()
    del new["parameters"]["properties"]["b"]["type"]
    assert amended(new) == TEXT.replace("      type: string\n", "")


def test_an_item_of_a_list_is_changed_where_it_stands() -> None:
    new = value()
    new["parameters"]["list"][0]["one"] = 11
    assert amended(new) == TEXT.replace("- one: 1 ", "- one: 11 ")


def test_the_first_key_of_an_item_cannot_go_alone() -> None:
    new = value()
    del new["parameters"]["list"][0]["one"]
    assert amended(new) == TEXT.replace("    - one: 1   # first\n      two: 2\n", "    - two: 2\n")


def test_what_is_not_in_block_style_is_written_anew_before_its_comment() -> None:
    new = value()
    del new["parameters"]["properties"]["a"]["default"]
    assert amended(new) == TEXT.replace("a: {type: string, default: b}", "a: {type: string}")


def test_a_comment_is_lost_where_its_line_becomes_several() -> None:
    new = value()
    new["parameters"]["properties"]["a"] = {"enum": [["x"]]}
    made = amend(parse(TEXT, file="x", format="yaml"), new)
    assert made.text == TEXT.replace("a: {type: string, default: b}   # short", "a:\n      enum:\n        - [x]")
    assert made.lost == ("# short",)


def test_line_ends_stay_as_they_are() -> None:
    new = value() | {"name": "y"}
    text = TEXT.replace("\n", "\r\n")
    assert amended(new, text) == text.replace("name: x", "name: y")


@pytest.mark.parametrize(
    ("text", "new", "written"),
    [
        ("{kind: tool, a: 1}\n", {"kind": "tool", "a": 2}, "kind: tool\na: 2\n"),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 2}, "c": {"b": 1}}, None),
        ("a: 1\n", {"b": 1}, "b: 1\n"),
        ("b: 1\n", {"a": 1, "b": 1}, "a: 1\nb: 1\n"),
        ("a: 1\r\nb: 1\n", {"a": 2, "b": 1}, "a: 2\nb: 1\n"),
        ('a: "x\\\n  y"\nb: |\n  # x\n', {"a": "z", "b": "y"}, "a: z\nb: y\n"),
        ("a:\n  - 1\n  - 2\n", {"a": [1]}, "a: [1]\n"),
        ("? a\n: 1\n", {"a": 2}, "a: 2\n"),
        # What looks like a comment at the end of a value belongs to it.
        ("a: >\n  x\n\n  # y\nb: 1\n", {"b": 1}, "b: 1\n"),
        ("a: |2\n    x\n  # y\nb: 1\n", {"a": "  x\n# y\n", "c": 1, "b": 1}, "a: |2\n    x\n  # y\nc: 1\nb: 1\n"),
    ],
)
def test_other_ways_to_write_yaml_lead_to_the_value_that_is_meant(text: str, new: Any, written: str | None) -> None:
    assert amended(new, text) == written or written is None


def test_other_formats_are_written_anew() -> None:
    assert amended({"a": 2}, '{"a":1}', "json") == '{\n  "a": 2\n}\n'
    assert amended({"a": 2}, "# gone\na = 1\n", "toml") == "a = 2\n"
    with pytest.raises(SpecError):
        amended({"a": None}, "a = 1\n", "toml")
