"""Laws of the formats: the schema of a kind accepts what its model accepts, and explains what it rejects."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from plcli import schemas
from plcli.documents import parse
from plcli.specs import KINDS
from plcli.validate import problems_of
from plcli.workspace import find

SPECS = Path(__file__).parents[1] / "specs"

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "request": [
        {"kind": "request", "model": "echo/any", "prompt": "hi"},
        {
            "kind": "request",
            "description": "all of it",
            "model": "openai/x",
            "api": "responses",
            "template": "f-string",
            "variables": {"city": {"type": "string", "default": "Paris"}, "chat": {"type": "array"}},
            "messages": [
                {"role": "system", "content": {"file": "./system.md"}},
                {"history": "chat"},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a", "phase": "commentary"},
                        {"type": "text", "text": {"file": "b.md"}},
                        {"type": "image", "source": "a.png", "detail": "low"},
                        {"type": "file", "source": "a.pdf", "filename": "b.pdf"},
                        {"type": "audio", "source": "a.wav", "format": "wav"},
                        {"type": "tool_call", "id": "1", "name": "x", "arguments": {"a": 1}},
                        {"type": "tool_result", "id": "1", "content": [{"type": "text", "text": "c"}], "name": "x"},
                        {"type": "native", "item": {"type": "reasoning"}},
                    ],
                },
            ],
            "tools": [
                "get_weather",
                {"name": "add", "parameters": {"type": "object"}, "strict": True},
                {"name": "free", "format": {"type": "regex", "definition": "a+"}},
                {"type": "web_search", "size": {"a": 1}},
            ],
            "tool_choice": {"tools": ["add"], "mode": "required"},
            "parallel_tool_calls": True,
            "chain": "server",
            "output": {"schema": {"type": "object"}, "strict": None, "name": "answer", "description": "d"},
            "params": {"temperature": 1, "top_p": 0.5, "top_k": 3.0, "max_output_tokens": 9, "stop": ["a"], "seed": -1},
            "image": {"size": "1x1"},
            "omit": ["a.b"],
            "body": {"a": None, "b": [1.5]},
            "expect": [
                {"text": {"contains": "a", "matches": "b"}},
                {"output": {"path": "a", "equals": None}},
                {"tool_called": {"name": "x", "arguments": {"a": {"min": 1, "max": 2.5}, "b": [1]}, "count": 1}},
                {"tool_called": "x"},
                {"tool_not_called": "y"},
                {"state": "ok"},
                {"images": {"count": 2}},
                {"any": [{"not": {"cost": {"max": 1}}}, {"tokens": {"schema": {"type": "integer"}}}]},
            ],
            "tags": ["smoke"],
            "metadata": {"owner": None},
        },
        {"kind": "request", "messages": [{"role": "user", "content": "a"}], "tool_choice": {"tool": "x"}},
        {
            "kind": "request",
            "messages": [{"role": "tool", "content": [{"type": "tool_result", "id": "1", "content": "x"}]}],
            "tool_choice": "auto",
            "output": {"schema": "./a.json"},
            "params": {"stop": "x"},
        },
    ],
    "tool": [
        {"kind": "tool", "name": "x", "command": ["a", "b"], "env": ["A"], "returns": {"type": "string"}},
        {"kind": "tool", "name": "x", "parameters": {"type": "object"}, "python": "a:b", "strict": False},
        {"kind": "tool", "name": "x", "format": {"type": "text"}, "mcp": {"command": ["a"], "tool": "t"}},
        {
            "kind": "tool",
            "name": "x",
            "mcp": {"url": "https://x", "tool": "t"},
            "stubs": [
                {"when": {"city": "Paris", "n": {"min": 1}}, "return": None},
                {"when_schema": {"type": "object"}, "return_in_turn": [1, {"a": 2}], "delay_ms": 5},
                {"error": "no"},
            ],
        },
    ],
    "stubs": [{"kind": "stubs", "stubs": [{"return": 1}]}, {"stubs": []}],
    "model": [
        {"kind": "model", "provider": "openai", "model": "x"},
        {
            "kind": "model",
            "description": "d",
            "provider": "openai",
            "api": "chat",
            "model": "x",
            "base_url": "http://localhost:1/v1",
            "api_key_env": "K",
            "headers": {"a": "b"},
            "params": {"verbosity": "low"},
            "body": {"a": 1},
            "omit": ["a"],
            "api_version": "1",
            "azure": {"endpoint": "https://x", "deployment": "d"},
            "vertex": {"project": "p", "location": "l"},
            "edits": "multipart",
            "stream": {"usage": False},
            "timeout": 1,
            "deadline": 2.5,
            "retries": 0,
            "limits": {"concurrency": 1, "rpm": 2, "tpm": 3.0},
            "pricing": {"input": 0, "output": 1.5, "per_image": 2},
        },
        {
            "kind": "model",
            "provider": "echo",
            "model": "x",
            "script": [
                {"text": "a", "delay_ms": 1},
                {"tool_call": {"name": "x", "arguments": {"a": 1}, "id": "1"}},
                {"image": {"source": "a.png", "revised_prompt": "p"}},
                {"error": {"status": 500, "retry_after": 1, "times": 1}},
                {"usage": {"input_tokens": 1}},
                {"cut": True},
                {"finish": "stop"},
            ],
        },
        {"kind": "model", "provider": "echo", "model": "x", "script": [[{"text": "a"}], [{"refusal": "b"}, {}]]},
    ],
    "workspace": [
        {},
        {"kind": "workspace", "log": "a.jsonl", "model": "x", "folders": {"prompts": "p"}, "redact": ["a+"]},
    ],
}


def _subtrees(value: Any) -> list[Any]:
    below = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(tree for item in below for tree in _subtrees(item))]


def _objects_and_lists(value: Any) -> list[Any]:
    return [tree for tree in _subtrees(value) if isinstance(tree, dict | list)]


_EVERYTHING = [tree for documents in EXAMPLES.values() for document in documents for tree in _subtrees(document)]
_KEYS = sorted({key for tree in _EVERYTHING if isinstance(tree, dict) for key in tree} | {"x y", "", "n\n", "schema_"})
_ODD = [None, True, False, 0, 1, -1, 1.0, 0.5, 1e300, 10**30, "", "x", "a b", "x\n", "auto", [], {}, [None], {"x": 1}]
_ITEMS = [*_EVERYTHING, *_ODD]


@st.composite
def near(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A document near the format of a kind: a valid one with some places changed."""
    document = copy.deepcopy(draw(st.sampled_from(EXAMPLES[kind])))
    for _ in range(draw(st.integers(0, 3))):
        target = draw(st.sampled_from(_objects_and_lists(document)))
        item = copy.deepcopy(draw(st.sampled_from(_ITEMS)))
        if isinstance(target, list):
            if target and draw(st.booleans()):
                target[draw(st.integers(0, len(target) - 1))] = item
            else:
                target.append(item)
        elif target and draw(st.booleans()):
            key = draw(st.sampled_from(sorted(target)))
            if draw(st.booleans()):
                del target[key]
            else:
                target[key] = item
        else:
            target[draw(st.sampled_from(_KEYS))] = item
    return document


_VALIDATORS = {kind: Draft202012Validator(schemas.schema(kind)) for kind in KINDS}
_DOCUMENTS = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), near(kind)))


def _model_accepts(kind: str, document: Any) -> bool:
    try:
        KINDS[kind].model_validate(document)
    except ValidationError:
        return False
    return True


def test_the_examples_of_this_file_are_accepted() -> None:
    for kind, documents in EXAMPLES.items():
        for document in documents:
            KINDS[kind].model_validate(document)


@given(_DOCUMENTS)
@settings(deadline=None)
@example(("request", {"kind": "request", "variables": {"a b": {}}}))
@example(("request", {"kind": "request", "params": {"max_output_tokens": 0}}))
@example(("tool", {"kind": "tool", "name": "x\n"}))
def test_the_schema_accepts_what_the_model_accepts(pair: tuple[str, dict[str, Any]]) -> None:
    kind, document = pair
    assert _VALIDATORS[kind].is_valid(document) == _model_accepts(kind, document)


@given(_DOCUMENTS)
@settings(deadline=None)
def test_every_rejection_is_explained_with_a_place_and_every_acceptance_is_silent(
    pair: tuple[str, dict[str, Any]],
) -> None:
    kind, value = pair
    document = parse(json.dumps(value, indent=1), file="x.json", format="json")
    problems = schemas.explain(document, kind)
    assert bool(problems) != _model_accepts(kind, value)
    assert all(problem.line is not None and problem.message for problem in problems)
    assert len({(problem.path, problem.message) for problem in problems}) == len(problems)


@given(_DOCUMENTS)
@settings(max_examples=60, deadline=None)
def test_validation_ends_in_problems_and_in_nothing_else(pair: tuple[str, dict[str, Any]]) -> None:
    kind, value = pair
    document = parse(json.dumps({"kind": kind, **value}), file="x.json", format="json")
    for problem in problems_of(find(SPECS), document, SPECS / "ok" / "x.json"):
        assert problem.message
        assert len(problem.message) < 1000
