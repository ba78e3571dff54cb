"""The laws of recordings: what was kept answers what is asked again, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.cli import Cli

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

Spec = dict[str, Any]

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
plain = st.none() | st.booleans() | st.integers(-3, 3) | words
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2))
marks = st.sampled_from(["$media", "$literal", "$same", "$redacted"])
bodies = st.dictionaries(
    st.sampled_from(["new", "other"]) | marks, values | st.builds(lambda k, v: {k: v}, marks, values)
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": words | st.just("{{ v }}")}
)
specs = st.fixed_dictionaries(
    {
        "kind": st.just("request"),
        "model": st.just("echo/m"),
        "variables": st.just({"v": {"type": "string", "default": "it"}}),
        "template": st.just("f-string"),
        "messages": st.lists(messages, min_size=1, max_size=3),
    },
    optional={
        "params": st.fixed_dictionaries(
            {}, optional={"temperature": st.sampled_from([0, 0.0, 1.0, 1]), "seed": st.integers(0, 2)}
        ),
        "body": bodies,
        "output": st.just({"schema": {"type": "object", "additionalProperties": True}}),
        "tags": st.lists(words, max_size=2),
        "metadata": st.dictionaries(words, plain, max_size=1),
        "expect": st.just([{"tokens": {"min": 0}}]),
    },
)
changes: st.SearchStrategy[Callable[[Spec], Spec]] = st.sampled_from(
    [
        lambda spec: {**spec, "messages": [*spec["messages"], {"role": "user", "content": "more"}]},
        lambda spec: {**spec, "messages": spec["messages"][::-1]},
        lambda spec: {**spec, "messages": spec["messages"][1:] or spec["messages"]},
        lambda spec: {**spec, "params": {**spec.get("params", {}), "seed": 1}},
        lambda spec: {**spec, "params": {"temperature": 1}},
        lambda spec: {**spec, "body": {"new": 1}},
        lambda spec: {**spec, "body": {"new": {"$literal": {"$media": 1}}}},
        lambda spec: {name: item for name, item in spec.items() if name != "body"},
        lambda spec: {**spec, "tools": [{"name": "f", "description": "F.", "parameters": {"type": "object"}}]},
        lambda spec: {**spec, "output": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
        lambda spec: {**spec, "model": "echo/other"},
        lambda spec: {**spec, "variables": {"v": {"type": "string", "default": "that"}}},
        lambda spec: {**spec, "tags": ["another"], "metadata": {"a": 1}, "description": "Another."},
        lambda spec: {**spec, "messages": [{**one, "content": one["content"] + "!"} for one in spec["messages"]]},
    ]
)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "plcli.toml").touch()
    (tmp_path / "prompts").mkdir()
    return tmp_path


def write(here: Path, spec: Spec) -> None:
    """The only spec of a workspace in which nothing has happened."""
    for name in ("media", "recordings"):
        shutil.rmtree(here / name, ignore_errors=True)
    if (here / "runs.jsonl").exists():
        os.unlink(here / "runs.jsonl")
    (here / "prompts" / "x.json").write_text(json.dumps(spec))


def record(line: str) -> Any:
    """The record that a command line has printed."""
    return json.loads(line)


@laws
@given(specs, changes, st.none() | words)
def test_what_was_kept_answers_until_something_else_is_asked(
    here: Path, cli: Cli, spec: Spec, change: Callable[[Spec], Spec], value: str | None
) -> None:
    write(here, spec)
    args = ("x", "--format", "jsonl", *(["--var", f"v={value}"] if value is not None and value[0] not in "@-" else []))
    ran = cli("run", *args)
    assume(ran.code != 3)
    assert ran.code in (0, 1, 4), ran.err
    then = record(ran.out)
    assert cli("log", "keep", "last").code == 0
    os.unlink(here / "runs.jsonl")
    same = cli("replay", "--recorded", "--format", "jsonl")
    assert same.code == ran.code if ran.code == 1 else same.code == 0
    assert record(same.out)["replay"]["verdict"] == ("drifted" if ran.code == 1 else "identical")
    again = cli("run", "--recorded", *args)
    assert again.code == ran.code
    assert record(again.out)["response"] == then["response"]
    assert not (here / "runs.jsonl").exists()

    (here / "prompts" / "x.json").write_text(json.dumps(change(spec)))
    now = cli("run", "--no-log", *args)
    assume(now.code != 3)
    other = record(now.out)["exchanges"][0]["key"] != then["exchanges"][0]["key"]
    replayed = cli("replay", "--recorded", "--format", "jsonl")
    found = record(replayed.out)["replay"]
    if other:
        assert (replayed.code, found["verdict"]) == (1, "drifted")
        assert found["differences"]
        assert cli("run", "--recorded", *args).code == 9
    else:
        assert "differences" not in found
        assert cli("run", "--recorded", *args).code != 9
