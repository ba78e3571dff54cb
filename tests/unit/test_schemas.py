"""The schemas of the formats, and rejections explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli import published, schemas
from plcli.documents import Document, parse
from plcli.errors import SpecError
from plcli.jsonschemas import faults
from plcli.specs import KINDS, ModelSpec, RequestSpec, WorkspaceSpec


def yaml(text: str, file: str = "a.yaml") -> Document:
    return parse(text, file=file, format="yaml")


def told(text: str, kind: str = "request") -> list[tuple[str, str, str | None]]:
    head = "" if text.startswith("kind:") or kind in ("stubs", "workspace") else f"kind: {kind}\n"
    return [(problem.path, problem.message, problem.hint) for problem in schemas.explain(yaml(head + text), kind)]


def properties(schema: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if isinstance(schema, dict):
        found += list(schema["properties"].items()) if isinstance(schema.get("properties"), dict) else []
        for item in schema.values():
            found += properties(item)
    elif isinstance(schema, list):
        for item in schema:
            found += properties(item)
    return found


class TestGeneration:
    @pytest.mark.parametrize("name", published.NAMES)
    def test_every_property_has_a_description(self, name: str) -> None:
        assert [key for key, schema in properties(published.published(name)) if not schema.get("description")] == []

    @pytest.mark.parametrize("name", published.NAMES)
    def test_every_schema_is_sound_and_says_what_it_is(self, name: str) -> None:
        schema = published.published(name)
        assert faults(schema) == []
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"{name}.schema.json"
        assert schema["description"]

    @pytest.mark.parametrize("name", published.NAMES)
    def test_there_is_no_noise(self, name: str) -> None:
        text = published.text(name)
        for noise in ('"title": "', '"default": null', '"discriminator"'):
            assert noise not in text

    def test_every_kind_has_a_schema_and_five_are_committed(self) -> None:
        assert KINDS.keys() | {"record"} == set(published.NAMES)
        assert list(published.COMMITTED) == ["request", "tool", "model", "workspace", "record"]

    def test_the_text_is_the_same_each_time(self) -> None:
        before = published.text("request")
        schemas.schema.cache_clear()
        assert published.text("request") == before

    def test_what_is_written_is_fresh_and_what_is_changed_is_stale(self, tmp_path: Path) -> None:
        folder = tmp_path / "schemas"
        assert published.stale(folder) == list(published.COMMITTED)
        assert published.write(folder) == list(published.COMMITTED)
        assert published.stale(folder) == []
        (folder / "tool.schema.json").write_text("{}", encoding="utf-8")
        (folder / "model.schema.json").write_bytes(b"\xff")
        assert published.stale(folder) == ["tool", "model"]
        assert published.write(folder) == ["tool", "model"]
        assert json.loads((folder / "tool.schema.json").read_text(encoding="utf-8")) == schemas.schema("tool")


class TestRejections:
    def test_an_unknown_key_is_guessed_at_every_depth(self) -> None:
        assert told("promt: hi") == [("promt", "unknown key 'promt'", "did you mean 'prompt'?")]
        assert told("messages: [{role: user, content: [{type: image, source: a, detial: low}]}]") == [
            ("messages[0].content[0].detial", "unknown key 'detial'", "did you mean 'detail'?")
        ]
        assert told("expect: [{any: [{not: {output: {contians: a}}}]}]") == [
            ("expect[0].any[0].not.output.contians", "unknown key 'contians'", "did you mean 'contains'?")
        ]

    def test_an_unknown_key_that_resembles_nothing_gets_the_known_ones(self) -> None:
        [(_, _, hint)] = told("output: {schema: a, zzz: 1}")
        assert hint == "known here: schema, strict, name, description"

    def test_a_misspelt_key_is_not_missing_as_well(self) -> None:
        assert told("messages: [{rol: user, content: a}]") == [
            ("messages[0].rol", "unknown key 'rol'", "did you mean 'role'?")
        ]
        assert told("tools: [{name: x, parametrs: {}}]") == [
            ("tools[0].parametrs", "unknown key 'parametrs'", "did you mean 'parameters'?")
        ]

    def test_a_missing_key_is_explained(self) -> None:
        assert told("provider: echo", "model") == [("", "missing key 'model'", "model: The provider's id of the model")]

    def test_kinds_of_values_are_named_in_plain_words(self) -> None:
        assert told("prompt: [a]") == [("prompt", "must be a string, not a list", None)]
        assert told("messages: [{role: user, content: 5}]") == [
            ("messages[0].content", "must be a string, an object or a list, not 5", None)
        ]
        assert told("parallel_tool_calls: yes") == [
            ("parallel_tool_calls", 'must be true or false, not the string "yes"', None)
        ]

    def test_choices_are_listed_and_guessed(self) -> None:
        assert told("chain: serve") == [
            ("chain", 'must be one of echo, server, not the string "serve"', "did you mean 'server'?")
        ]
        [(path, message, hint)] = told("tool_choice: auot")
        assert (path, hint) == ("tool_choice", "did you mean 'auto'?")
        assert message == 'must be one of auto, none, required, not the string "auot"'

    def test_the_type_of_a_part_chooses_what_is_told(self) -> None:
        [(path, message, hint)] = told("messages: [{role: user, content: [{type: txet, text: a}]}]")
        assert (path, hint) == ("messages[0].content[0].type", "did you mean 'text'?")
        assert "text, image, file, audio, tool_call, tool_result, native" in message
        assert told("messages: [{role: user, content: [{text: a}]}]") == [
            ("messages[0].content[0]", "missing key 'type'", "write type: text")
        ]

    def test_bounds_are_told(self) -> None:
        assert told("params: {max_output_tokens: 0}") == [
            ("params.max_output_tokens", "must be at least 1, not 0", None)
        ]
        assert told("provider: echo\nmodel: x\ntimeout: 0", "model") == [
            ("timeout", "must be more than 0, not 0", None)
        ]

    def test_keys_that_exclude_each_other_are_told_at_the_second(self) -> None:
        assert told("prompt: a\nmessages: []") == [
            ("prompt", "'messages' and 'prompt' exclude each other", "keep one of them")
        ]
        assert told("expect: [{state: ok, text: a}]") == [
            ("expect[0].state", "'text' and 'state' exclude each other", "keep one of them")
        ]
        assert told("stubs: [{when: {a: 1}}]", "stubs") == [
            ("stubs[0]", "one of return, return_in_turn, error is needed", None)
        ]

    def test_names_that_fit_no_pattern_are_told(self) -> None:
        assert told("variables: {a b: {}}") == [
            ("variables.a b", "the name 'a b' does not fit the pattern ^[A-Za-z_][A-Za-z0-9_]*$", None)
        ]

    def test_everything_is_told_at_once_in_order_of_place(self) -> None:
        document = yaml("kind: request\nmodell: x\nparams: {temperature: hot}\ntools: [5]\n")
        assert [(p.where, p.path) for p in schemas.explain(document, "request")] == [
            ("a.yaml:2:1", "modell"),
            ("a.yaml:3:23", "params.temperature"),
            ("a.yaml:4:9", "tools[0]"),
        ]

    def test_the_number_of_reasons_is_bounded(self) -> None:
        document = yaml("kind: request\n" + "".join(f"x{n}: 1\n" for n in range(5000)))
        assert len(schemas.explain(document, "request")) <= 100
        document = yaml("kind: request\ntags: [" + "1, " * 5000 + "]\n")
        assert len(schemas.explain(document, "request")) <= 100

    def test_long_values_are_cut(self) -> None:
        [(_, message, _)] = told(f"chain: {'x' * 5000}")
        assert len(message) < 150


class TestLoading:
    def test_a_spec_is_loaded_by_its_model_or_its_kind(self) -> None:
        document = yaml("kind: request\nprompt: hi\n")
        assert schemas.load_spec(document, RequestSpec).prompt == "hi"
        assert isinstance(schemas.load_any(document), RequestSpec)

    def test_toml_without_positions_is_explained_too(self) -> None:
        document = parse('lgo = "x"', file="plcli.toml", format="toml")
        with pytest.raises(SpecError) as caught:
            schemas.load_spec(document, WorkspaceSpec)
        assert [(p.where, p.message) for p in caught.value.problems] == [("plcli.toml", "unknown key 'lgo'")]

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("prompt: hi", "missing key 'kind'", "say what the file is: request, tool, stubs, model, workspace"),
            ("kind: reqest", 'unknown kind "reqest"', "did you mean 'request'?"),
            ("kind: [a]", 'unknown kind ["a"]', "write one of request, tool, stubs, model, workspace"),
        ],
    )
    def test_a_missing_or_unknown_kind_is_told(self, text: str, message: str, hint: str) -> None:
        with pytest.raises(SpecError) as caught:
            schemas.load_any(yaml(text))
        assert [(p.message, p.hint) for p in caught.value.problems] == [(message, hint)]

    def test_another_kind_than_wanted_is_told(self) -> None:
        with pytest.raises(SpecError) as caught:
            schemas.load_spec(yaml("kind: tool\nprovider: echo\nmodel: x\n"), ModelSpec)
        assert [p.message for p in caught.value.problems] == ["this is a tool, and a model is wanted here"]


class TestFaultsOfWrittenSchemas:
    def test_sound_schemas_have_none(self) -> None:
        sound = {"$defs": {"a/b": {"$anchor": "x"}}, "properties": {"p": {"$ref": "#/$defs/a~1b"}, "q": {"$ref": "#x"}}}
        for schema in (True, {}, sound, {"$ref": "#"}, {"items": {"$ref": "#"}}):
            assert faults(schema) == []

    @pytest.mark.parametrize(
        ("schema", "path", "message"),
        [
            ({"properties": {"a": {"type": "strnig"}}}, ("properties", "a", "type"), "unknown type 'strnig'"),
            ({"$ref": "https://example.org/x"}, ("$ref",), "leads out of the schema"),
            ({"$dynamicRef": "other.json#/a"}, ("$dynamicRef",), "leads out of the schema"),
            ({"$ref": "#/$defs/a"}, ("$ref",), "leads nowhere"),
            ({"pattern": "("}, ("pattern",), "no regular expression"),
            ({"patternProperties": {"[": {}}}, ("patternProperties", "["), "no regular expression"),
            ({"required": ["a", "a"]}, ("required",), "non-unique"),
            ({"minLength": -1}, ("minLength",), "minimum"),
            ([], (), "a JSON Schema is an object"),
        ],
    )
    def test_each_fault_has_its_place(self, schema: Any, path: tuple[str, ...], message: str) -> None:
        [fault] = faults(schema)
        assert fault.path == path
        assert message in fault.message

    @pytest.mark.parametrize(
        "schema",
        [
            {"required": [{} for _ in range(100_000)]},
            {"enum": [[n] for n in range(100_000)]},
            {"pattern": "(" * 100_000},
        ],
    )
    def test_hostile_schemas_are_refused_unread(self, schema: Any) -> None:
        assert faults(schema)

    def test_nesting_is_no_crash(self) -> None:
        schema: Any = {}
        for _ in range(400):
            schema = {"not": schema}
        assert [fault.message for fault in faults(schema)] == ["nested too deeply"]
