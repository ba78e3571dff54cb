from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Literal

import pytest

from plcli.documents import MAX_BYTES, load, parse
from plcli.errors import Problem, SpecError
from plcli.yaml12 import MAX_PROBLEMS


def yaml_value(text: str) -> object:
    return parse(text, file="x.yaml", format="yaml").value


def problems(text: bytes | str, format: str = "yaml") -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        parse(text, file="x", format=format)  # type: ignore[arg-type]
    return caught.value.problems


@pytest.mark.parametrize(
    "text",
    ["on", "yes", "off", "010", "1:30", "1_000", "2026-11-23", "0b1", "0o9", "+", ".", "=", "tRUE", "1e", "12:30:45"],
)
def test_what_only_yaml_1_1_converts_stays_text(text: str) -> None:
    assert yaml_value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-12", -12),
        ("0o17", 15),
        ("0xfF", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  1\n", "1\n"),
    ],
)
def test_the_core_schema_of_yaml_1_2_decides_types(text: str, value: object) -> None:
    found = yaml_value(f"a: {text}")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_a_repeated_key_is_a_problem_with_both_places() -> None:
    (problem,) = problems("a:\n  b: 1\n  b: 2\n")
    assert (problem.line, problem.column, problem.path) == (3, 3, "a.b")
    assert "line 2, column 3" in problem.message


def test_every_repeated_key_is_reported_at_once_in_yaml_and_json() -> None:
    assert [p.path for p in problems("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n")] == ["a", "b.c", "a"]
    found = problems('{"a": 1, "a": 2,\n "b": [{"c": 1, "c": 2}]}', "json")
    assert [(p.path, p.line, p.column) for p in found] == [("a", 1, 10), ("b[0].c", 2, 17)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys"),
        ("a: .inf", "not a finite number"),
        ("a: -.INF", "not a finite number"),
        ("a: .nan", "not a finite number"),
        ("a: 1e999", "too large"),
        ("a: " + "9" * 5000, "5000 digits"),
        ("1: a", "a key must be a string, not a number"),
        ("true: a", "a key must be a string, not a boolean"),
        ("~: a", "a key must be a string, not null"),
        ("[a]: b", "a key must be a string, not a list"),
        ("? {a: b}\n: c", "a key must be a string, not an object"),
        ("a: !!python/object/apply:os.system [ls]", "`!!python/object/apply:os.system` is not allowed"),
        ("a: !custom b", "`!custom` is not allowed"),
        ("a: !!str 1", "`!!str` is not allowed"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: &x [*x]", "inside the value that it repeats"),
        ("a: *nothing", "`*nothing` repeats nothing"),
        ("a: " + "[" * 100_000, "nested deeper than 64"),
        ("a:\n\t- b", "a tab stands in the indentation"),
        ("a: b: c", "a `:` where no key can be"),
        ("a: @b", "a value cannot start with `@`"),
        ("a: [1", "not YAML"),
        ("a: 'b", "not YAML"),
        ("a: b\x00c", "control character U+0000"),
        ("a: b\x1bc", "control character U+001B"),
        ("a: \ud800", "half of a surrogate pair"),
        ('a: "\\ud800"', "not YAML"),
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("null", "the file is empty"),
        ("- a", "must be an object of keys and values, not a list"),
        ("words", "not a string"),
        (b"a: \xff", "not UTF-8 at byte 3"),
        (b"\xef\xbb\xbfa: \xff", "not UTF-8 at byte 6"),
        ("a: b".encode("utf-16"), "the file is UTF-16"),
        (b"#" * (MAX_BYTES + 1), "larger than 8 MB"),
    ],
)
def test_what_yaml_must_not_hold_is_a_problem(text: bytes | str, message: str) -> None:
    assert message in problems(text)[0].message


def test_all_kinds_of_problems_are_found_in_one_pass() -> None:
    found = problems("a: 1\na: .inf\n2: x\nb: !t y\n<<: z\nc: [1")
    assert [p.line for p in found] == [2, 2, 3, 4, 5, 7]


def test_the_list_of_problems_is_bounded() -> None:
    assert len(problems("a: 1\n" * 5000)) == MAX_PROBLEMS
    assert len(problems("a: \x01\n" * 5000)) == MAX_PROBLEMS


def test_aliases_repeat_values_without_growing_beyond_bounds() -> None:
    assert yaml_value("a: &x {b: [1]}\nc: *x\n&k d: *k\n") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": "d"}
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "more than 100,000 values" in problems(bomb)[0].message
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 80))
    assert "nested deeper than 64 levels through" in problems(chain)[0].message


@pytest.mark.parametrize(
    "unit", ["[", "{a: ", "- ", "? ", "&a ", "a:", "'", '"\\\n', "!a ", "%", ",", "a: 1\n", "*a ", "|\n", "\n ", "{"]
)
def test_a_megabyte_of_anything_ends(unit: str) -> None:
    for format in ("yaml", "json", "toml"):
        for text in (unit, "a = " + unit, '{"a": ' + unit):
            with contextlib.suppress(SpecError):
                parse(text * (1_000_000 // len(text)), file="x", format=format)


def test_a_value_a_key_and_a_missing_value_have_positions() -> None:
    text = "kind: request\nmessages:\n  - role: user\n    content: hello\n"
    document = parse(text, file="x.yaml", format="yaml")
    assert document.position(("messages", 0, "content")) == (4, 14)
    assert document.position(("messages", 0, "content"), of="key") == (4, 5)
    assert document.position(("messages", 0)) == (3, 5)
    assert document.position(("messages", 0, "name")) == (3, 5)
    assert document.position(("messages", 7, "name"), of="key") == (3, 3)
    assert document.position(()) == (1, 1)


def test_json_positions_are_those_of_the_json_text() -> None:
    text = '{\n\t"a\\n\\ud83d\\ude00": [1, {"b": "x,]}"}],\n  "c": null}'
    document = parse(text, file="x.json", format="json")
    assert document.position(("a\n😀", 1, "b")) == (2, 31)
    assert document.position(("a\n😀", 1, "b"), of="key") == (2, 26)
    assert document.position(("c",)) == (3, 8)
    assert document.position(("c",), of="key") == (3, 3)


def test_each_line_of_a_literal_block_has_its_own_place() -> None:
    text = "a: |\n  one\n  two\nb: one\nc:\n  |-\n\n  three\n"
    document = parse(text, file="x.yaml", format="yaml")
    assert document.position(("a",), line=2) == (3, None)
    assert document.position(("a",), line=1) == (1, 4)
    assert document.position(("b",), line=2) == (4, 4)
    assert document.position(("c",), line=2) == (8, None)


def test_a_problem_of_a_document_knows_file_place_and_path() -> None:
    document = parse("a:\n  - b: 1\n", file="x.yaml", format="yaml")
    problem = document.problem(("a", 0, "b"), "wrong", "right", of="key")
    assert (problem.where, problem.path, problem.hint) == ("x.yaml:2:5", "a[0].b", "right")


def test_toml_is_an_equal_citizen_whose_dates_are_text() -> None:
    text = "a = 1979-05-27T07:32:00Z\nb = [1979-05-27, 07:32:00]\n[c]\nd = 1979-05-27T07:32:00.5-07:00\n"
    document = parse(text, file="x.toml", format="toml")
    assert document.value == {
        "a": "1979-05-27T07:32:00Z",
        "b": ["1979-05-27", "07:32:00"],
        "c": {"d": "1979-05-27T07:32:00.500000-07:00"},
    }
    assert document.position(("c", "d")) == (None, None)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a = 1\nb = ?", "not TOML: invalid value", 2),
        ("a = 1\na = 2", "not TOML: cannot overwrite a value", 2),
        ("a = 'x", "not TOML", 1),
        ("a = nan", "not a finite number", None),
        ("a = [1, {b = inf}]", "not a finite number", None),
        ("a = " + "9" * 5000, "cannot be read", None),
        ("a = 0x" + "f" * 5000, "too many digits", None),
        ("a = " + "[" * 5000, "nested too deeply", None),
        ("a = " + "[" * 70 + "]" * 70, "nested deeper than 64", None),
        ("x = 1\n" + "a." * 100_000 + "a = 1", "more than 64 parts", 2),
        ("[" + "'a'." * 100_000 + "a]", "more than 64 parts", 1),
    ],
)
def test_what_toml_must_not_hold_is_a_problem(text: str, message: str, line: int | None) -> None:
    (problem,) = problems(text, "toml")
    assert message in problem.message
    assert problem.line == line


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ('{"a": 1 "b": 2}', "not JSON", (1, 9)),
        ("{'a': 1}", "not JSON", (1, 2)),
        ('{"a": 1} x', "not JSON", (1, 10)),
        ('{"a":\n NaN}', "not a finite number", (2, 2)),
        ('{"a": [-Infinity]}', "not a finite number", (1, 8)),
        ('{"a": 1e999}', "not a finite number", (1, 7)),
        ('{"a": "\\ud800"}', "half of a surrogate pair", (1, 7)),
        ('{"\\ud800": 1}', "half of a surrogate pair", (1, 12)),
        ('{"a": ' + "9" * 5000 + "}", "more digits than can be read", (None, None)),
        ('{"a": ' + "[" * 100_000, "nested too deeply", (None, None)),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "nested deeper than 64", (1, 70)),
        ("[1]", "not a list", (1, 1)),
    ],
)
def test_json_is_strict(text: str, message: str, place: tuple[int | None, int | None]) -> None:
    (problem,) = problems(text, "json")
    assert message in problem.message
    assert (problem.line, problem.column) == place


def test_loading_knows_the_format_by_the_suffix(tmp_path: Path) -> None:
    for name, text in {"a.yaml": "a: 1", "a.YML": "a: 1", "a.toml": "a = 1", "a.json": '{"a": 1}'}.items():
        (tmp_path / name).write_text(text)
        document = load(tmp_path / name, shown=name)
        assert (document.value, document.file, document.text) == ({"a": 1}, name, text.encode())


def test_a_document_keeps_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    document = load(tmp_path / "a.yaml", shown="a.yaml")
    assert document.value == {"a": 1}
    assert document.sha256 == "sha256:" + hashlib.sha256(document.text).hexdigest()


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "weather.yaml").write_text("a: 1")
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "wether.yaml", shown="wether.yaml")
    assert (caught.value.message, caught.value.hint) == ("there is no such file", "did you mean `weather.yaml`?")


def test_problems_can_always_be_printed() -> None:
    for text in ('{"\\ud800": 1, "\\ud800": 2}', '{"\\ud800": [NaN]}', '{"a": "\\udfff"}'):
        for problem in problems(text, "json"):
            assert (problem.message + problem.path).encode()


def test_folders_pipes_and_other_suffixes_are_no_specs(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.txt").write_text("a: 1")
    for name, message in {
        "folder.yaml": "not a file",
        "pipe.yaml": "not a file",
        "a.txt": "unknown format `.txt`",
        "a.txt/b.yaml": "cannot be read: not a directory",
        "a\x00.yaml": "cannot be read: no file can have this name",
    }.items():
        with pytest.raises(SpecError) as caught:
            load(tmp_path / name, shown=name)
        assert caught.value.message == message


@pytest.mark.parametrize("format", ["json", "toml"])
def test_a_document_of_too_many_values_is_a_problem(format: Literal["json", "toml"]) -> None:
    text = '{"a": [' + "1," * 100_000 + "1]}" if format == "json" else "a = [" + "1," * 100_000 + "1]"
    with pytest.raises(SpecError) as caught:
        parse(text, file="f", format=format)
    assert "100,000" in caught.value.message
