"""Every example, and every field of a request, in all apis: it compiles, and what does not arrive is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.media import MediaRef
from plcli.overrides import Overrides
from plcli.providers.registry import PROVIDERS, adapter
from plcli.request import (
    Audio,
    BuiltinTool,
    CustomTool,
    File,
    FunctionTool,
    Image,
    Loss,
    Message,
    Output,
    Part,
    Request,
    Role,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from plcli.resolve import Resolved, resolve
from plcli.specs.request import History
from plcli.workspace import find
from tests.support.accounts import unaccounted

ROOT = Path(__file__).parents[2] / "examples"
EXAMPLES = [path.name for path in sorted((ROOT / "prompts").iterdir()) if path.suffix in (".yaml", ".toml")]
MODELS = {
    f"{provider.name}-{api}": {"kind": "model", "provider": provider.name, "api": api, "model": "m"}
    for provider in PROVIDERS.values()
    for api in provider.apis
}
"""A model of every api, by a name that no example has."""


def plan(here: Path, example: str, model: str | None = None) -> Resolved:
    """The request of an example with its default variables, for its own model or for another one."""
    if not (here / "prompts").exists():
        shutil.copytree(ROOT, here, dirs_exist_ok=True)
        for name, spec in MODELS.items():
            (here / "models" / f"to-{name}.json").write_text(json.dumps(spec))
    workspace = find(here, here)
    file = here / "prompts" / example
    overrides = Overrides(model=f"to-{model}") if model else None
    return resolve(workspace, workspace.document(file), file, given={}, overrides=overrides)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_moves_to_every_api(example: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    home = plan(tmp_path, example)
    written = home.request._replace(body=home.spec.body, params=home.spec.params.given() if home.spec.params else {})
    report = {}
    for name in MODELS:
        moved = plan(tmp_path, example, name)
        assert f"{moved.request.provider}-{moved.request.api}" == name
        assert unaccounted(written, moved.compiled.wire, as_resolved(moved)) == []
        report[name] = told(moved.losses)
    assert report == snapshot


def as_resolved(plan: Resolved) -> list[Loss]:
    """The losses under the paths of the request, where the turns of a history are messages like any others."""
    assert plan.spec is not None
    places = []
    for at, item in enumerate(plan.spec.messages):
        turns = len(plan.variables[item.history]) if isinstance(item, History) else 0
        places += [f"messages[{at}].history[{turn}]" for turn in range(turns)] or [f"messages[{at}]"]
    now = {place: f"messages[{at}]" for at, place in enumerate(places)}
    there = ((loss, next((place for place in places if loss.path.startswith(place)), "")) for loss in plan.losses)
    return [loss._replace(path=now.get(place, "") + loss.path.removeprefix(place)) for loss, place in there]


def told(losses: tuple[Loss, ...]) -> list[str]:
    return [f"{loss.path}: {loss.kind}: {loss.message}" for loss in losses]


def turn(*parts: Part, role: Role = "user") -> dict[str, Any]:
    return {"messages": (Message(role, parts),)}


def answered(*told: Part) -> dict[str, Any]:
    call, result = ToolCall("a", "f", {}), ToolResult("a", told)
    return {"messages": (Message("assistant", (call,)), Message("tool", (result,)))}


PICTURE, SHEET, SOUND = (
    MediaRef(f"sha256:{n:064}", mime) for n, mime in enumerate(("image/png", "application/pdf", "audio/wav"))
)
F = FunctionTool("f", "says f", {"type": "object"})
FIELDS: dict[str, dict[str, Any]] = {
    "a phase": turn(Text("t", "commentary"), role="assistant"),
    "a phase of the user": turn(Text("t", "commentary")),
    "the detail of a picture": turn(Image(PICTURE, "low")),
    "a remote picture": turn(Image("https://x/y.png")),
    "a picture of the assistant": turn(Image(PICTURE), role="assistant"),
    "a picture of the system": turn(Image(PICTURE), role="system"),
    "a picture in a result": answered(Text("t"), Image(PICTURE)),
    "a file": turn(File(SHEET, "a.pdf")),
    "a remote file": turn(File("https://x/y.pdf")),
    "a sound": turn(Audio(SOUND, "wav")),
    "a sound in a result": answered(Audio(SOUND, "wav")),
    "a developer": turn(Text("d"), role="developer"),
    "a late system message": {"messages": (Message("user", (Text("u"),)), Message("system", (Text("s"),)))},
    "arguments that are text": turn(ToolCall("a", "f", "{"), role="assistant"),
    "a call without an id": turn(ToolCall(None, "f", {}), role="assistant"),
    "a result that names no tool": turn(ToolResult("a", "r"), role="tool"),
    "a strict tool": {"tools": (F._replace(strict=True),)},
    "a free-form tool": {"tools": (CustomTool("q", "says q"),)},
    "a grammar": {"tools": (CustomTool("q", None, "lark", "start: x"),)},
    "a built-in tool of OpenAI": {"tools": (BuiltinTool({"type": "mcp", "server_url": "https://x"}),)},
    "a forced tool": {"tools": (F,), "tool_choice": ToolChoice("required", ("f",), forced=True)},
    "a choice of tools": {"tools": (F,), "tool_choice": ToolChoice("auto", ("f",))},
    "a forced built-in tool": {
        "tools": (BuiltinTool({"type": "web_search"}),),
        "tool_choice": ToolChoice("required", ("web_search",), forced=True),
    },
    "one call at a time": {"tools": (F,), "parallel_tool_calls": False},
    "a conversation that is kept": {"chain": "server"},
    "a structure": {"output": Output("answer", {"type": "object"}, True, "says what")},
    "a picture to make": {"image": {"size": "1x1", "mask": PICTURE}},
    "all params": {
        "params": {
            "temperature": 0.5,
            "top_p": 0.5,
            "top_k": 5,
            "max_output_tokens": 5,
            "stop": ["stop here"],
            "seed": 5,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.5,
            "reasoning_effort": "low",
            "verbosity": "high",
            "service_tier": "flex",
        }
    },
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_arrives_or_is_told_to_be_lost(field: str, snapshot: SnapshotAssertion) -> None:
    report = {}
    for provider in PROVIDERS.values():
        for api in provider.apis:
            request = Request(provider.name, api, "m", **FIELDS[field])
            compiled = adapter(provider, api).compile(request)
            assert unaccounted(request, compiled.wire, compiled.losses) == []
            report[f"{provider.name}-{api}"] = told(compiled.losses)
    assert report == snapshot
