"""Laws of tools from elsewhere: nothing foreign breaks reading it, decides a path, or changes on its way."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.declarations import Declared, Skipped, declarations, neutral_name
from plcli.documents import parse
from plcli.errors import SpecError
from plcli.fence import Opened
from plcli.functions.signatures import NoFunction, read_function
from plcli.providers.registry import PROVIDERS, adapter
from plcli.request import CustomTool, FunctionTool, Request
from plcli.schemas import load_spec
from plcli.specs import ToolSpec
from plcli.toolimport import from_list
from plcli.toolwriting import plan
from plcli.workspace import find

KEYS = st.sampled_from(
    [*("name", "type", "function", "custom", "parameters", "functionDeclarations", "tools", "format", "grammar"),
     *("syntax", "definition", "strict", "description", "inputSchema", "outputSchema", "namespace", "nullable")]
)  # fmt: skip
WORDS = st.sampled_from(["function", "custom", "namespace", "OBJECT", "string", "../x", "", "w", "regex", "text"])
LEAVES = WORDS | st.text(max_size=5) | st.none() | st.booleans() | st.integers() | st.floats()
FOREIGN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6)
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", fullmatch=True)
WORDED = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCHEMAS = st.builds(
    lambda names: {"type": "object", "properties": {name: {"type": "string"} for name in names}},
    st.lists(WORDED, max_size=3),
)
SAID = st.none() | WORDED
FUNCTIONS = st.builds(lambda *fields: FunctionTool(*fields), NAMES, SAID, st.none() | SCHEMAS)
FREE_FORM = st.builds(
    lambda name, said, grammar: CustomTool(name, said, *grammar),
    NAMES,
    SAID,
    st.just((None, None)) | st.tuples(st.sampled_from(["regex", "lark"]), WORDED),
)
APIS = [(provider, api) for provider in PROVIDERS.values() for api in provider.apis]


@given(FOREIGN)
def test_any_json_is_read_and_every_name_in_it_becomes_harmless(value: Any) -> None:
    for found in declarations(value):
        assert isinstance(found, Declared | Skipped)
        if isinstance(found, Declared):
            assert isinstance(found.name, str)


@given(st.text())
def test_a_neutral_name_is_one_that_tool_specs_take_and_stays_what_it_is(text: str) -> None:
    name = neutral_name(text)
    assert neutral_name(name) == name
    if name:
        assert ToolSpec.model_validate({"kind": "tool", "name": name}).name == name
        assert Path(name).name == name


@pytest.mark.parametrize(("provider", "api"), APIS, ids=[api for _, api in APIS])
@given(tool=FUNCTIONS | FREE_FORM)
def test_what_an_api_was_told_of_a_tool_reads_as_that_tool(
    provider: Any, api: str, tool: FunctionTool | CustomTool
) -> None:
    wire, _, losses = adapter(provider, api).compile(Request(provider.name, api, "m", tools=(tool,)))
    if losses:
        return
    (found,) = declarations({"tools": wire["tools"]})
    assert isinstance(found, Declared)
    assert (found.name, found.changes) == (tool.name, ())
    assert found.fields.get("description") == tool.description
    if isinstance(tool, FunctionTool):
        assert found.fields.get("parameters") == tool.parameters
    else:
        written = {"type": tool.syntax or "text", "definition": tool.definition}
        assert found.fields["format"] == {key: value for key, value in written.items() if value is not None}


@given(value=FOREIGN)
def test_a_planned_file_is_a_sound_tool_in_the_folder_of_tools_or_a_problem(value: Any) -> None:
    workspace = find(Path.cwd())
    text = json.dumps({"tools": [value, {"name": "always"}]})
    try:
        gathered = from_list(Opened(Path("x.json"), text.encode()), "x.json")
    except SpecError:
        return
    for planned in plan(workspace, gathered.drafts, None):
        assert planned.path.parent == workspace.folder("tool")
        if not planned.wrong:
            document = parse(planned.text, file="planned", format="yaml")
            assert load_spec(document, ToolSpec).name == planned.path.stem
        else:
            assert planned.problems


@given(st.text(st.sampled_from("def f(x: int = 3, *, y)->[]|'\"\\\n:.@#\0{}"), max_size=60))
def test_any_source_is_read_or_refused(text: str) -> None:
    for source in (text, f"def f({text}): ...", f"def f(x: {text}): ...", f"def f():\n  r'''{text}'''"):
        with suppress(NoFunction):
            assert read_function(source, "f").parameters["type"] == "object"
