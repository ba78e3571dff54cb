"""Objects put into lists of files: where they land, and that the rest stays byte for byte."""

from __future__ import annotations

import json

import pytest

from plcli.documents import Document, Format, parse
from plcli.errors import SpecError
from plcli.insertion import insert

ITEM = {"name": "new", "words": "two\nlines"}

BLOCK = """\
# head
kind: stubs   # which
stubs: # here
  # the first
  - {a: 1}  # tail
  - b: |
      text

    # inside
    c: [1,
        2]

  # the last
  - d:
# end
"""


def put(text: str, index: int, format: Format = "yaml") -> str:
    document = parse(text, file="x", format=format)
    return insert(document, "stubs", index, ITEM).text.decode()


NEW = """\
  - name: new
    words: |-
      two
      lines
"""


@pytest.mark.parametrize(
    ("index", "after"),
    [(0, "stubs: # here\n"), (1, "# tail\n"), (2, "        2]\n"), (3, "  - d:\n")],
)
def test_an_item_of_yaml_stands_below_the_one_before_it(index: int, after: str) -> None:
    head, _, rest = BLOCK.partition(after)
    assert put(BLOCK, index) == head + after + NEW + rest


@pytest.mark.parametrize(
    ("text", "index", "result"),
    [
        ("stubs:\n- a: 1", 1, "stubs:\n- a: 1\n- name: new\n  words: |-\n    two\n    lines\n"),
        ("stubs:\r\n- a: 1\r\n", 0, "stubs:\r\n- name: new\r\n  words: |-\r\n    two\r\n    lines\r\n- a: 1\r\n"),
        ("stubs:\n      - a: 'x\n\n        y'\n", 1, "stubs:\n      - a: 'x\n\n        y'\n      - name: new\n"),
        ("stubs:\n  - &a {b: 1}\n  - *a\nmore: 1\n", 2, "stubs:\n  - &a {b: 1}\n  - *a\n  - name: new\n"),
        ("stubs: []\n", 0, 'stubs: [{ "name": "new", "words": "two\\nlines" }]\n'),
        ("stubs: [{a: 1}, {b: 2},]", 0, 'stubs: [{ "name": "new", "words": "two\\nlines" }, {a: 1}, {b: 2},]'),
        ("stubs: [{a: 1}, {b: 2},]", 2, 'stubs: [{a: 1}, {b: 2}, { "name": "new", "words": "two\\nlines" },]'),
        ("{stubs: [{a: 1}], b: 2}", 1, '{stubs: [{a: 1}, { "name": "new", "words": "two\\nlines" }], b: 2}'),
        ("more: {stubs: [1]}\nstubs: [\n  {a: 1}  # one\n]", 1, 'more: {stubs: [1]}\nstubs: [\n  {a: 1}, { "name":'),
        ("\ufeffstubs: []", 0, '\ufeffstubs: [{ "name"'),
    ],
)
def test_yaml_of_any_layout_takes_an_item(text: str, index: int, result: str) -> None:
    assert put(text, index).startswith(result)


TOML = """\
# head
kind = "stubs"

# the first
# of them
[[stubs]]
a = '''
[[stubs]]
'''

[stubs.b]
c = 1

[[ "stubs" ]] # the last
d = 1"""

NEW_TOML = '[[stubs]]\nname = "new"\nwords = """\ntwo\nlines"""\n'


@pytest.mark.parametrize(
    ("text", "index", "result"),
    [
        (TOML, 0, TOML.replace("# the first", f"{NEW_TOML}\n# the first")),
        (TOML.replace("\n[[stubs]]\n'", "\n'"), 1, "c = 1\n\n" + NEW_TOML + '\n[[ "stubs" ]]'),
        (TOML.replace("\n[[stubs]]\n'", "\n'"), 2, "d = 1\n\n" + NEW_TOML),
    ],
)
def test_a_table_of_toml_stands_above_the_next_and_the_comments_of_that(text: str, index: int, result: str) -> None:
    assert result in put(text, index, "toml")


def test_json_is_laid_out_anew() -> None:
    assert json.loads(put('{"kind": "stubs", "stubs": [{"a": 1}]}', 1, "json")) == {
        "kind": "stubs",
        "stubs": [{"a": 1}, ITEM],
    }
    assert put('{"stubs": []}', 0, "json").startswith('{\n  "stubs": [\n    {\n      "name": "new",')


@pytest.mark.parametrize(
    ("text", "index", "format"),
    [
        ("list: &a [{b: 1}]\nstubs: *a\n", 1, "yaml"),
        ("stubs: &a\n  - b: 1\nmore: *a\n", 1, "yaml"),
        ("stubs = [{a = 1}]\n", 1, "toml"),
        (TOML, 1, "toml"),
    ],
)
def test_where_no_place_is_found_nothing_is_changed(text: str, index: int, format: Format) -> None:
    with pytest.raises(SpecError) as raised:
        put(text, index, format)
    [problem] = raised.value.problems
    assert (problem.path, problem.message) == ("stubs", "nothing can be added to `stubs` in the way it is written")


@pytest.mark.parametrize(
    ("item", "format", "said"),
    [
        ({"a": None}, "toml", "TOML has no null"),
        ({"a": "\ud800"}, "yaml", "half of a surrogate pair"),
        ({"a": float("nan")}, "yaml", "not a finite number"),
        ({"a": 10**5000}, "yaml", "a number"),
        ({"a": "x" * 9_000_000}, "json", "larger than 8 MB"),
    ],
)
def test_what_a_format_cannot_hold_is_told(item: dict[str, object], format: Format, said: str) -> None:
    text = {"toml": "[[stubs]]\na = 1\n", "yaml": "stubs: []", "json": '{"stubs": []}'}[format]
    document: Document = parse(text, file="x", format=format)
    with pytest.raises(SpecError, match=said):
        insert(document, "stubs", 0, item)
