"""How documents are written: the layout, what goes with it, and what a format cannot hold."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from plcli.comments import comments
from plcli.documents import Format, load, parse
from plcli.errors import SpecError
from plcli.writing import rewrite, write

ROOT = Path(__file__).parents[2]

VALUE = {
    "kind": "request",
    "prompt": "Two lines,\nthe second with a blank at its end. \n",
    "variables": {"city": {"type": "string", "default": "Paris"}},
    "messages": [
        {"role": "user", "content": "Why?"},
        {"history": "chat"},
        {
            "role": "system",
            "content": "A text that is so long that it does not fit on a line with the braces around it.",
        },
    ],
    "tools": ["get_weather", "on", "./map.png", "a, b", 'say "hi"'],
    "params": {"temperature": 1.0, "stop": []},
    "words": [["a", 1], {"deep": {"list": [1, -0.0, True]}}],
    "metadata": {},
}

YAML = """\
kind: request
prompt: |
  Two lines,
  the second with a blank at its end.\x20
variables:
  city: {type: string, default: Paris}
messages:
  - {role: user, content: "Why?"}
  - history: chat
  - role: system
    content: A text that is so long that it does not fit on a line with the braces around it.
tools: [get_weather, "on", ./map.png, "a, b", say "hi"]
params: {temperature: 1.0, stop: []}
words:
  - [a, 1]
  - deep:
      list: [1, -0.0, true]
metadata: {}
"""

TOML = '''\
kind = "request"
prompt = """
Two lines,
the second with a blank at its end.\x20
"""
tools = ["get_weather", "on", "./map.png", "a, b", 'say "hi"']
params = { temperature = 1.0, stop = [] }
words = [
  ["a", 1],
  { deep = { list = [1, -0.0, true] } },
]
metadata = {}

[variables]
city = { type = "string", default = "Paris" }

[[messages]]
role = "user"
content = "Why?"

[[messages]]
history = "chat"

[[messages]]
role = "system"
content = "A text that is so long that it does not fit on a line with the braces around it."
'''


@pytest.mark.parametrize(
    ("format", "text"), [("yaml", YAML), ("toml", TOML), ("json", json.dumps(VALUE, indent=2) + "\n")]
)
def test_a_document_is_written_as_a_person_would_write_it(format: Format, text: str) -> None:
    assert write(json.loads(json.dumps(VALUE)), format) == text


def test_an_item_of_a_list_that_holds_only_a_table_is_one_block() -> None:
    long = "x" * 90
    value = {"expect": [{"called": {"name": long, "arguments": {}}}, {"any": [{"text": {"min": 1}}]}]}
    assert write(value, "toml") == dedent(f"""\
        [[expect]]
        [expect.called]
        name = "{long}"
        arguments = {{}}

        [[expect]]
        [[expect.any]]
        text = {{ min = 1 }}
        """)  # type: ignore[arg-type]


EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*")) if path.suffix in (".yaml", ".toml")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_every_format(path: Path) -> None:
    document = load(path, shown=path.name)
    formats: list[Format] = ["json", "toml", "yaml", "toml", "json"]
    again = document
    for format in formats:
        again = parse(rewrite(again, format).text, file=path.name, format=format)
    assert again.value == document.value


ALIASES = f"kind: request\na: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]\n"


@pytest.mark.parametrize(
    ("text", "source", "target", "problems"),
    [
        (
            'kind: request\nbody: {a: null, b: [1, ~]}\n"c.d":\n', "yaml", "toml",
            ["x:2:11: TOML has no null (body.a)", "x:2:24: TOML has no null (body.b[1])",
             'x:3:7: TOML has no null (["c.d"])'],
        ),
        ('{"a": {"b": null}}', "json", "toml", ["x:1:13: TOML has no null (a.b)"]),
        (ALIASES, "yaml", "json", ["x:1:1: larger than 8 MB where nothing is an alias ()"]),
        (f"kind: {'9' * 3900}", "yaml", "json", ["x:1:7: as JSON: a number with too many digits (kind)"]),
        ("{}", "json", "toml", ["x:1:1: as TOML: the file is empty ()"]),
    ],
    ids=["null", "null in json", "aliases", "digits", "nothing"],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_told_with_its_place(
    text: str, source: Format, target: Format, problems: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        rewrite(parse(text, file="x", format=source), target)
    assert [f"{p.where}: {p.message} ({p.path})" for p in caught.value.problems] == problems


YAML_COMMENTS = """\
# yaml-language-server: $schema=../request.schema.json
kind: request # what it is
a: "# no" # one
b: '# no' # two
c: no#comment # three
d: |  # four
  # no
  text
  # no
# five
e: >-
    # no

# six
f: [x, # seven
  {"#": "#"}] #eight
"no # key": "\\" # no"
#"""

TOML_COMMENTS = """\
#:schema ../request.schema.json
kind = "request" # what it is
a = "# no \\" # no" # one
b = '# no \\' # two
c = \"\"\"
# no \\\"\"\" # no
"# no" ""\"\"\" # three
d = '''
'' # no
'# no''''# four
"# key" = [ # five
  "#",
] # six
#"""


@pytest.mark.parametrize(
    ("text", "format", "count"), [(YAML_COMMENTS, "yaml", 11), (TOML_COMMENTS, "toml", 9), ('{"a": "# no"}', "json", 0)]
)
def test_comments_are_told_from_texts(text: str, format: Format, count: int) -> None:
    found = comments(parse(text, file="x", format=format))
    assert len(found) == count
    assert not any("no" in comment for comment in found)


@pytest.mark.parametrize(
    ("source", "target", "line", "lost"),
    [
        ("yaml", "toml", "#:schema ../request.schema.json", 10),
        ("toml", "yaml", "# yaml-language-server: $schema=../request.schema.json", 8),
        ("yaml", "yaml", "# yaml-language-server: $schema=../request.schema.json", 10),
        ("yaml", "json", "{", 11),
    ],
)
def test_the_line_that_names_the_schema_goes_along(source: Format, target: Format, line: str, lost: int) -> None:
    texts = {"yaml": YAML_COMMENTS, "toml": TOML_COMMENTS}
    made = rewrite(parse(texts[source], file="x", format=source), target)
    assert made.text.splitlines()[0] == line
    assert len(made.lost) == lost
    assert "#:" not in made.text.partition("\n")[2]


def test_a_comment_smuggles_nothing_into_another_format() -> None:
    text = '#:schema x.json\u2028prompt: smuggled\nkind = "request"\n'
    made = rewrite(parse(text, file="x", format="toml"), "yaml")
    assert made == ("kind: request\n", ("#:schema x.json\u2028prompt: smuggled",))


@pytest.mark.parametrize("number", ["9" * 4000, "0x" + "F" * 3198, "0o" + "7" * 3198], ids=lambda number: number[:2])
def test_every_number_that_is_read_can_be_written(number: str) -> None:
    document = parse(f"n: {number}", file="x", format="yaml")
    assert parse(write(document.value, "yaml"), file="x", format="yaml").value == document.value
    with pytest.raises(SpecError, match="digits"):
        parse(f"n: {number}{number[-1] * 4000}", file="x", format="yaml")
    with pytest.raises(SpecError, match="digits"):
        parse(f"n: {number[:2]}{number[-1] * 3999}", file="x", format="yaml")
