"""What apis make of tools, and strict versions of tool files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import SpecError
from plcli.paths import show
from plcli.providers.registry import PROVIDERS
from plcli.strictness.keywords import RULES, schemas
from plcli.toolcheck import MOST, CheckedTool, FixedTool, check_tool, fix_tool, sound_tool
from plcli.workspace import find

CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace without tools, which is the current folder."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "plcli.toml").touch()
    return tmp_path


def written(folder: Path, text: str | dict[str, Any], name: str = "x.yaml") -> Path:
    path = folder / "tools" / name
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def checked(folder: Path, **fields: Any) -> CheckedTool:
    path = written(folder, {"kind": "tool", "name": "x", "description": "d", **fields})
    return check_tool(sound_tool(find(folder), path))


def fixed(folder: Path, text: str | dict[str, Any], name: str = "x.yaml") -> FixedTool:
    workspace = find(folder)
    return fix_tool(workspace, sound_tool(workspace, written(folder, text, name)))


def told(notes: Any) -> list[str]:
    return [f"{show(note.path)}: {note.message}" for note in notes]


def test_every_api_that_is_called_and_takes_tools_is_told_of_and_has_rules(folder: Path) -> None:
    apis = [api for provider in PROVIDERS.values() if not provider.local for api in provider.apis]
    apis.remove("images")
    assert list(checked(folder, parameters=CLOSED).apis) == apis
    assert set(RULES) == set(apis)


@pytest.mark.parametrize(
    ("strict", "refused"), [(None, []), (False, []), (True, ["parameters.default: unknown in strict mode"])]
)
def test_openai_refuses_keywords_only_where_a_tool_asks_for_strict_mode(
    folder: Path, strict: bool | None, refused: list[str]
) -> None:
    one = checked(folder, parameters={**CLOSED, "default": {}}, strict=strict)
    for api in ("responses", "chat"):
        fitness = one.apis[api]
        assert fitness.strict is False
        assert told(fitness.obstacles) == ["parameters.default: this keyword is not supported"]
        assert told(fitness.refused) == refused
        assert fitness.ignored == ()
    severities = [problem.severity for problem in one.problems]
    assert severities == (["error"] if strict else [])
    assert len(one.obstacles) == 1


@pytest.mark.parametrize(
    ("parameters", "ignored", "refused"),
    [
        (
            {"type": "object", "properties": {"default": {"type": "string", "default": "a", "pattern": "b"}}},
            ["parameters.properties.default.default: ignored", "parameters.properties.default.pattern: ignored"],
            [],
        ),
        (
            {"type": "object", "oneOf": [{"const": 1}]},
            ["parameters.oneOf: read as anyOf", "parameters.oneOf[0].const: ignored"],
            [],
        ),
        (
            {"type": "object", "properties": {"x": {"$ref": "#/$defs/d", "description": "e"}}, "$defs": {"d": {}}},
            [],
            ["parameters.properties.x.$ref: must stand alone"],
        ),
        ({"type": "object", "properties": {"x": {"$ref": "#"}}}, [], []),
        (
            {"type": "object", "properties": {"x": {"type": "array", "items": {"$ref": "#"}}}, "required": ["x"]},
            [],
            ["parameters.properties.x.items.$ref: a schema may contain itself only in a property that is not required"],
        ),
    ],
)  # fmt: skip
def test_gemini_reads_past_some_keywords_and_refuses_some_references(
    folder: Path, parameters: Any, ignored: list[str], refused: list[str]
) -> None:
    one = checked(folder, parameters=parameters)
    fitness = one.apis["generate_content"]
    assert fitness.strict is True
    assert told(fitness.ignored) == ignored
    assert told(fitness.refused) == refused
    assert [problem.severity for problem in one.problems] == ["warning"] * len(refused)


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ({"type": "text"}, None),
        ({"type": "regex", "definition": r"a\(?!b"}, None),
        ({"type": "regex", "definition": "a(?!b)"}, "a grammar cannot look ahead or behind"),
        ({"type": "lark", "definition": "start: A\n%import common.A\n"}, None),
        ({"type": "lark", "definition": "start: A\n %import python.A\n"}, "a grammar can import from `common` only"),
        ({"type": "lark", "definition": "start: A\n%declare A\n"}, "a grammar cannot declare terminals"),
    ],
)
def test_free_form_tools_stand_on_openai_and_are_approximated_on_gemini(
    folder: Path, format: Any, message: str | None
) -> None:
    one = checked(folder, format=format)
    for api in ("responses", "chat"):
        assert one.apis[api].strict is None
        assert [note.message for note in one.apis[api].refused] == ([message] if message else [])
    assert [loss.kind for loss in one.apis["generate_content"].losses] == ["approximated"]
    assert one.apis["generate_content"].refused == ()
    assert len(one.problems) == bool(message)


def test_a_tool_without_a_description_is_warned_of(folder: Path) -> None:
    (problem,) = checked(folder, description=None, parameters=CLOSED).problems
    assert (problem.severity, problem.path) == ("warning", "name")


def test_findings_stand_where_the_schema_is_wrong_and_say_what_to_type(folder: Path) -> None:
    text = "kind: tool\nname: x\ndescription: d\nstrict: true\nparameters:\n  type: object\n  default: 1\n"
    tool = sound_tool(find(folder), written(folder, text))
    problems = check_tool(tool).problems
    assert [(problem.line, problem.column) for problem in problems] == [(6, 3), (7, 12)]
    assert {problem.hint for problem in problems} == {"plcli tools check x --fix"}
    written(folder, f"{text}  not: {{}}\n")
    problems = check_tool(sound_tool(find(folder), tool.path)).problems
    assert {problem.hint for problem in problems} == {"change it by hand, or leave out strict: true"}


def test_a_schema_with_thousands_of_faults_is_told_of_in_a_hundred(folder: Path) -> None:
    properties = {f"p{n}": {"default": 1, "type": "string"} for n in range(300)}
    one = checked(folder, strict=True, parameters={**CLOSED, "properties": properties})
    assert len(one.problems) == MOST + 1
    assert sum(problem.message.endswith(": 201 more, which are not shown") for problem in one.problems) == 1
    assert len(one.apis["chat"].obstacles) == 301


def test_schemas_inside_a_schema_are_not_confused_with_what_they_hold() -> None:
    schema = {
        "properties": {"items": {"enum": [{"not": {}}]}},
        "allOf": [True, {"if": {"$defs": {"a": {}}}}],
        "default": {"properties": {}},
    }
    assert [show(path) for path, _ in schemas(schema)] == [
        "", "properties.items", "allOf[1]", "allOf[1].if", "allOf[1].if.$defs.a",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x.yaml", "x.toml", "x.json"])
def test_a_strict_version_keeps_the_format_of_the_file(folder: Path, name: str) -> None:
    text = {
        "x.yaml": "kind: tool\nname: x\nparameters: {type: object}\nstubs: [{return: 1}]\n",
        "x.toml": 'kind = "tool"\nname = "x"\nparameters = {type = "object"}\nstubs = [{return = 1}]\n',
        "x.json": '{"kind": "tool", "name": "x", "parameters": {"type": "object"}, "stubs": [{"return": 1}]}',
    }[name]
    made = fixed(folder, text, name)
    assert made.text is not None
    written(folder, made.text, name)
    tool = sound_tool(find(folder), folder / "tools" / name)
    assert tool.spec.parameters == CLOSED
    assert tool.spec.strict is True
    assert tool.spec.stubs[0].return_ == 1
    assert fixed(folder, made.text, name).text is None


def test_what_only_the_strict_version_meets_is_warned_of(folder: Path) -> None:
    itself = {"type": "object", "properties": {"x": {"$ref": "#"}}}
    made = fixed(folder, {"kind": "tool", "name": "x", "parameters": itself})
    assert made.text is not None
    (problem,) = made.warnings
    assert (problem.severity, problem.path) == ("warning", "parameters.properties.x.anyOf[0].$ref")
    assert problem.message.startswith("requests with it are refused by generate_content: a schema may contain itself")


@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": CLOSED},
        {"parameters": {"type": "object"}, "strict": False},
        {"format": {"type": "text"}},
    ],
)
def test_a_tool_that_needs_no_strict_version_stays_as_it_is(folder: Path, fields: Any) -> None:
    made = fixed(folder, {"kind": "tool", "name": "x", **fields})
    assert (made.text, made.changes, made.left) == (None, (), ())


def test_a_tool_with_a_part_that_has_no_strict_form_stays_as_it_is(folder: Path) -> None:
    made = fixed(folder, {"kind": "tool", "name": "x", "parameters": {"type": "object", "not": {}}})
    assert made.text is None
    assert [problem.path for problem in made.left] == ["parameters.not"]


@pytest.mark.parametrize(
    "text",
    [
        "kind: tool\nname: y\nparameters: {type: object}\n",
        "kind: tool\nname: x\nparameters: {type: objct}\n",
        "kind: tool\nname: x\nreturns: {type: objct}\n",
        "kind: request\nprompt: x\n",
        "kind: tool\nname: x\nstubs: [{return: a}]\nreturns: {type: integer}\n",
        "a: [",
    ],
)
def test_a_tool_that_is_wrong_is_not_touched(folder: Path, text: str) -> None:
    with pytest.raises(SpecError):
        fixed(folder, text)
