"""From a spec to a request: what is filled, read, merged, looked up, and what is a problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import SpecError, UsageError
from plcli.media import MediaRef, digest_of
from plcli.overrides import Overrides
from plcli.request import (
    Audio,
    BuiltinTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from plcli.resolve import Resolved, refusal, resolve
from plcli.variables import Raw
from plcli.workspace import find

PNG = b"\x89PNG\r\n\x1a\nrest"


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def resolved(here: Path, spec: dict[str, Any], *, overrides: Overrides | None = None, **given: Any) -> Resolved:
    file = here / "prompts" / "r.json"
    write(file, {"kind": "request", "model": "echo/m", **spec})
    workspace = find(here, here)
    return resolve(workspace, workspace.document(file), file, given=given, overrides=overrides)


def problems(here: Path, spec: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        resolved(here, spec, **options)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def content(here: Path, *parts: dict[str, Any], **given: Any) -> tuple[Any, ...]:
    messages = [{"role": "user", "content": list(parts)}]
    return resolved(here, {"messages": messages, "variables": {"x": {}}}, x="X", **given).request.messages[0].parts


def test_texts_are_filled_and_nothing_else_is(tmp_path: Path) -> None:
    request = resolved(
        tmp_path,
        {
            "messages": [
                {"role": "system", "content": "{{ x }}"},
                {"role": "user", "content": [{"type": "text", "text": "a{{ x }}"}]},
            ],
            "tools": [{"name": "f", "description": "{{ x }}", "parameters": {}}],
            "body": {"k": "{{ x }}"},
            "expect": [{"text": {"contains": "{{ x }}"}}],
        },
        x=Raw("{{ y }}"),
    )
    assert request.request.messages == (Message("system", (Text("{{ y }}"),)), Message("user", (Text("a{{ y }}"),)))
    assert request.request.tools == (FunctionTool("f", "{{ x }}", {}),)
    assert request.request.body == {"k": "{{ x }}"}
    assert request.expectations[0].given() == {"text": {"contains": "{{ y }}"}}


def test_a_prompt_is_one_user_message(tmp_path: Path) -> None:
    assert resolved(tmp_path, {"prompt": "hi"}).request.messages == (Message("user", (Text("hi"),)),)


def test_text_from_a_file_is_filled_and_is_a_source(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "s.md", b"Be {{ x }}.\n")
    made = resolved(tmp_path, {"messages": [{"role": "system", "content": {"file": "./s.md"}}]}, x="terse")
    assert made.request.messages == (Message("system", (Text("Be terse.\n"),)),)
    assert [source.path for source in made.sources] == ["prompts/r.json", "prompts/s.md"]


def test_all_parts_are_carried(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "a.png", PNG)
    write(tmp_path / "prompts" / "a.wav", b"RIFF0000WAVE")
    write(tmp_path / "prompts" / "a.pdf", b"%PDF-1")
    parts = content(
        tmp_path,
        {"type": "image", "source": "a.png", "detail": "low"},
        {"type": "image", "source": "https://example.com/{{ x }}.png"},
        {"type": "file", "source": "a.pdf"},
        {"type": "audio", "source": "a.wav"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_result", "id": "c", "content": [{"type": "text", "text": "r{{ x }}"}]},
        {"type": "native", "item": {"type": "item_reference", "id": "{{ x }}"}},
    )
    assert parts == (
        Image(MediaRef(digest_of(PNG), "image/png", "data-url"), "low"),
        Image("https://example.com/X.png"),
        File(MediaRef(digest_of(b"%PDF-1"), "application/pdf", "data-url"), "a.pdf"),
        Audio(MediaRef(digest_of(b"RIFF0000WAVE"), "audio/wav", "base64"), "wav"),
        ToolCall("c", "f", {"a": 1}),
        ToolResult("c", (Text("rX"),)),
        Native({"type": "item_reference", "id": "{{ x }}"}),
    )


def test_the_same_file_is_one_medium(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "a.png", PNG)
    parts = [{"type": "image", "source": "a.png"}, {"type": "image", "source": "./a.png"}]
    assert list(resolved(tmp_path, {"messages": [{"role": "user", "content": parts}]}).media) == [digest_of(PNG)]


def test_a_history_is_put_in_and_never_filled(tmp_path: Path) -> None:
    spec = {
        "variables": {"chat": {"type": "array"}},
        "messages": [{"history": "chat"}, {"role": "user", "content": "{{ x }}"}],
    }
    chat = [{"role": "user", "content": "{{ x }}"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}]
    assert resolved(tmp_path, spec, chat=chat, x="X").request.messages == (
        Message("user", (Text("{{ x }}"),)),
        Message("assistant", (Text("b"),)),
        Message("user", (Text("X"),)),
    )


@pytest.mark.parametrize("chat", [[{"role": "nobody", "content": "x"}], ["x"], [{"role": "user"}]])
def test_a_history_must_hold_messages(chat: Any, tmp_path: Path) -> None:
    spec = {"variables": {"chat": {"type": "array"}}, "messages": [{"history": "chat"}]}
    ((path, message),) = problems(tmp_path, spec, chat=chat)
    assert path == "messages[0].history"
    assert "chat" in message


def test_a_history_cannot_read_files(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "s.md", b"secret")
    spec = {"variables": {"chat": {"type": "array"}}, "messages": [{"history": "chat"}]}
    assert problems(tmp_path, spec, chat=[{"role": "user", "content": {"file": "s.md"}}])


def test_model_params_stand_under_those_of_the_request_and_body_merges_in_order(tmp_path: Path) -> None:
    write(
        tmp_path / "models" / "mine.json",
        {
            "kind": "model",
            "provider": "openai",
            "model": "m",
            "params": {"temperature": 0.1, "seed": 3},
            "omit": ["seed"],
            "body": {"a": {"b": 1, "c": 1}, "store": True},
        },
    )
    spec = {"model": "mine", "api": "chat", "prompt": "x", "params": {"temperature": 0.2}, "body": {"a": {"c": 2}}}
    wire = resolved(tmp_path, spec).compiled.wire
    assert wire == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.2,
        "a": {"b": 1, "c": 2},
        "store": True,
    }


def test_storing_at_the_provider_is_off_unless_asked_for(tmp_path: Path) -> None:
    plain = resolved(tmp_path, {"model": "openai/m", "prompt": "x"}).compiled.wire
    asked = resolved(tmp_path, {"model": "openai/m", "prompt": "x", "body": {"store": True}}).compiled.wire
    server = resolved(tmp_path, {"model": "openai/m", "prompt": "x", "chain": "server"}).compiled.wire
    assert (plain["store"], plain["include"]) == (False, ["reasoning.encrypted_content"])
    assert asked["store"] is True
    assert "store" not in server


def test_tools_come_by_name_inline_and_built_in(tmp_path: Path) -> None:
    write(tmp_path / "tools" / "sub" / "f.json", {"kind": "tool", "name": "f", "parameters": {"type": "object"}})
    made = resolved(
        tmp_path,
        {
            "prompt": "x",
            "tools": [
                "f",
                {"name": "g", "parameters": {"type": "object"}, "strict": False},
                {"type": "web_search", "q": {"$ref": 1}},
            ],
            "tool_choice": {"tools": ["f"], "mode": "required"},
        },
    )
    first, second, third = made.request.tools
    assert (first, second) == (
        FunctionTool("f", None, {"type": "object"}),
        FunctionTool("g", None, {"type": "object"}, False),
    )
    assert third == BuiltinTool({"type": "web_search", "q": {"$ref": 1}})
    assert made.request.tool_choice == ToolChoice("required", ("f",))
    assert "tools/sub/f.json" in [source.path for source in made.sources]


def test_every_problem_of_a_spec_is_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        {
            "model": "openia/m",
            "messages": [{"role": "user", "content": "{{ a }}{{ b }}"}, {"role": "user", "content": {"file": "no.md"}}],
            "tools": ["nope"],
            "output": {"schema": "no.json"},
        },
    )
    assert [path for path, _ in found] == [
        "model",
        "messages[0].content",
        "messages[0].content",
        "messages[1].content.file",
        "tools[0]",
        "output.schema",
    ]


def test_the_name_of_an_output_comes_from_its_file(tmp_path: Path) -> None:
    write(tmp_path / "prompts" / "my answer.schema.json", {"type": "object"})
    output = resolved(tmp_path, {"prompt": "x", "output": {"schema": "my answer.schema.json"}}).request.output
    assert output is not None
    assert (output.name, output.schema) == ("my_answer", {"type": "object"})


def test_what_an_api_cannot_carry_is_a_problem_on_a_plain_run(tmp_path: Path) -> None:
    ((path, _),) = problems(tmp_path, {"model": "openai/m", "prompt": "x", "params": {"seed": 1}})
    assert path == "params.seed"


def test_what_an_api_cannot_carry_is_a_loss_when_a_request_moves(tmp_path: Path) -> None:
    spec = {"prompt": "x", "params": {"seed": 1}, "body": {"own": 1}}
    made = resolved(tmp_path, spec, overrides=Overrides(model="openai/m"))
    assert sorted(loss.path for loss in made.losses) == ["body.own", "params.seed"]
    assert "own" not in made.compiled.wire


def test_a_model_of_the_same_api_moves_nothing(tmp_path: Path) -> None:
    made = resolved(tmp_path, {"prompt": "x", "body": {"own": 1}}, overrides=Overrides(model="echo/other"))
    assert made.losses == ()
    assert made.compiled.wire["own"] == 1
    assert made.request.model == "other"


def test_settings_change_the_spec_before_it_is_judged(tmp_path: Path) -> None:
    made = resolved(tmp_path, {"prompt": "x"}, overrides=Overrides(set=(("params.top_k", 3), ("tags[0]", "t"))))
    assert (made.request.params, made.spec.tags) == ({"top_k": 3}, ("t",))
    assert problems(tmp_path, {"prompt": "x"}, overrides=Overrides(set=(("parms.top_k", 3),)))
    with pytest.raises(UsageError):
        resolved(tmp_path, {"prompt": "x"}, overrides=Overrides(set=(("prompt.x", 3),)))


def test_a_spec_without_a_model_takes_that_of_the_workspace_or_says_so(tmp_path: Path) -> None:
    ((path, _),) = problems(tmp_path, {"prompt": "x", "model": None})
    assert path == "model"
    write(tmp_path / "plcli.toml", b'model = "echo/workspace"')
    assert resolved(tmp_path, {"prompt": "x", "model": None}).request.model == "workspace"


def test_a_scripted_picture_is_read_beside_the_model_spec(tmp_path: Path) -> None:
    write(tmp_path / "models" / "pics" / "a.png", PNG)
    script = [{"text": "look"}, {"image": {"source": "a.png"}}]
    write(
        tmp_path / "models" / "pics" / "p.json", {"kind": "model", "provider": "echo", "model": "p", "script": script}
    )
    made = resolved(tmp_path, {"prompt": "x", "model": "p"})
    assert made.compiled.wire["script"][1]["image"]["source"] == MediaRef(digest_of(PNG), "image/png", "base64")
    assert made.media == {digest_of(PNG): PNG}


def test_a_wrong_picture_of_a_script_is_a_problem_of_the_model_spec(tmp_path: Path) -> None:
    script = [{"image": {"source": "gone.png"}}]
    write(tmp_path / "models" / "p.json", {"kind": "model", "provider": "echo", "model": "p", "script": script})
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, {"prompt": "x", "model": "p"})
    assert Path(caught.value.problems[0].file).name == "p.json"


def test_a_move_leaves_the_old_model_spec_behind_and_takes_the_new_one(tmp_path: Path) -> None:
    own = {"params": {"temperature": 0.1, "top_p": 0.5}, "body": {"user": "old"}, "omit": ["messages"]}
    new = {"params": {"temperature": 0.9, "seed": 3}, "body": {"logprobs": True}, "omit": ["tools"]}
    write(tmp_path / "models" / "old.json", {"kind": "model", "provider": "openai", "model": "o", **own})
    write(tmp_path / "models" / "new.json", {"kind": "model", "provider": "openai", "api": "chat", "model": "n", **new})
    spec = {"model": "old", "prompt": "x", "body": {"reasoning": {"effort": "low"}}, "params": {"seed": None}}
    made = resolved(tmp_path, spec, overrides=Overrides(model="new"))
    assert made.losses == ()
    assert made.compiled.wire == {
        "model": "n",
        "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.9,
        "reasoning_effort": "low",
        "logprobs": True,
    }


def test_losses_are_told_in_the_order_of_a_spec_and_under_its_paths(tmp_path: Path) -> None:
    phased = {"type": "text", "text": "t", "phase": "commentary"}
    said = {"role": "assistant", "content": [phased]}
    spec = {
        "model": "openai/m",
        "variables": {"chat": {"type": "array"}},
        "body": {"store": True},
        "image": {"size": "1x1"},
        "messages": [{"history": "chat"}, *({"role": "user", "content": "u"} for _ in range(9)), said],
    }
    model = {"kind": "model", "provider": "openai", "api": "chat", "model": "c"}
    write(tmp_path / "models" / "c.json", model)
    made = resolved(tmp_path, spec, overrides=Overrides(model="c"), chat=[said, said])
    assert [loss.path for loss in made.losses] == [
        "messages[0].history[0].content[0].phase",
        "messages[0].history[1].content[0].phase",
        "messages[10].content[0].phase",
        "image",
        "body.store",
    ]


def test_a_refusal_tells_where_in_the_file_the_losses_are(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("kind: request\nmodel: openai/m\nprompt: x\nbody:\n  reasoning:\n    summary: auto\n")
    workspace = find(tmp_path, tmp_path)
    plan = resolve(workspace, workspace.document(file), file, given={}, overrides=Overrides(model="echo/m"))
    (problem,) = refusal(plan).problems
    assert (problem.where, problem.path) == ("r.yaml:6:14", "body.reasoning.summary")
    assert problem.message == "dropped: only the responses api has this"


def test_a_spec_without_a_model_of_its_own_is_at_home_anywhere(tmp_path: Path) -> None:
    write(tmp_path / "plcli.toml", b'model = "gone"')
    spec = {"model": None, "prompt": "x", "body": {"own": 1}}
    made = resolved(tmp_path, spec, overrides=Overrides(model="openai/m"))
    assert made.compiled.wire["own"] == 1
    with pytest.raises(SpecError):
        resolved(tmp_path, {**spec, "params": {"seed": 1}}, overrides=Overrides(model="openai/m"))


def test_a_model_that_is_moved_from_must_be_known(tmp_path: Path) -> None:
    ((path, message),) = problems(tmp_path, {"model": "gone", "prompt": "x"}, overrides=Overrides(model="echo/m"))
    assert path == "model"
    assert "gone" in message
    with pytest.raises(UsageError):
        resolved(tmp_path, {"prompt": "x"}, overrides=Overrides(model="gone"))
