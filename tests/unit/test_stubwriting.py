"""Stubs recorded from what tools answered: where they are written, and what they answer from then on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plcli.errors import SpecError, UsageError
from plcli.fence import BadReference
from plcli.stubs import StubAnswer, Stubs
from plcli.stubwriting import record_stub
from plcli.toolbox import Tool, load_tool
from plcli.workspace import Workspace, find

Json = object

TOOL = "kind: tool\nname: look_up\nparameters:\n  type: object\n  properties: {city: {type: string}, unit: {}}\n"
CLOSED = TOOL + "  additionalProperties: false\n"
FREE = "kind: tool\nname: look_up\nformat: {type: text}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "tools").mkdir()
    (tmp_path / "plcli.toml").touch()
    (tmp_path / "tools" / "look_up.yaml").write_text(TOOL)
    return find(tmp_path)


def put(workspace: Workspace, name: str, text: str) -> None:
    (workspace.root / "tools" / name).write_text(text)


def tool(workspace: Workspace) -> Tool:
    return load_tool(find(workspace.root), "look_up")


def record(workspace: Workspace, arguments: Json, result: Json) -> str | None:
    """What stands in the file that was written; None where none was."""
    path = record_stub(workspace, tool(workspace), arguments, result)
    return None if path is None else path.read_text(encoding="utf-8")


def answer(workspace: Workspace, arguments: Json) -> StubAnswer:
    return Stubs(tool(workspace).stubs, str).answer(arguments)


def test_the_file_is_made_beside_the_tool(workspace: Workspace) -> None:
    path = record_stub(workspace, tool(workspace), {"city": "Paris"}, {"high": 18})
    assert path == workspace.root / "tools" / "look_up.stubs.yaml"
    assert path.read_text() == (
        "kind: stubs\nstubs:\n  - when: {city: Paris}\n    when_schema: {maxProperties: 1}\n    return: {high: 18}\n"
    )
    assert answer(workspace, {"city": "Paris"}) == StubAnswer({"high": 18})


@pytest.mark.parametrize(
    ("text", "arguments", "condition"),
    [
        (CLOSED, {"city": "Paris", "unit": "C"}, "when: {city: Paris, unit: C}\n    return"),
        (CLOSED, {"city": "Paris"}, "when: {city: Paris}\n    when_schema: {maxProperties: 1}\n    return"),
        (CLOSED, {}, "when: {}\n    when_schema: {maxProperties: 0}\n    return"),
        (TOOL, {"city": {"min": 1}, "unit": {"a": {"min": 1}}}, "city:\n        equals: {min: 1}\n      unit:"),
        (FREE, "SELECT 1", "when_schema: {const: SELECT 1}\n    return"),
    ],
)
def test_the_condition_holds_for_these_arguments_and_no_others_of_the_tool(
    workspace: Workspace, text: str, arguments: Json, condition: str
) -> None:
    put(workspace, "look_up.yaml", text)
    assert condition in (record(workspace, arguments, 1) or "")
    assert answer(workspace, arguments) == StubAnswer(1)
    more = {**arguments, "unit": 5} if isinstance(arguments, dict) else f"{arguments};"
    with pytest.raises(ValueError, match="no stub answers"):
        answer(workspace, more)


def test_what_stands_there_already_is_not_written_again(workspace: Workspace) -> None:
    put(
        workspace, "look_up.stubs.yaml", "stubs:\n  - {when: {city: {matches: ^P}}, return: 18.0}\n  - {error: no}\n"
    )  # fmt: skip
    assert record(workspace, {"city": "Paris"}, 18) is None
    assert record(workspace, {"city": "Rome"}, True) is not None
    assert record(workspace, {"city": "Rome"}, True) is None


def test_what_answers_otherwise_stays_below(workspace: Workspace) -> None:
    old = (
        "# mine\nstubs:\n  # dear\n  - {when: {city: Paris}, return: 1}  # one\n\n  # the rest\n  - return: 0\n# end\n"
    )
    put(workspace, "look_up.stubs.yaml", old)
    new = "  - when: {city: Rome}\n    when_schema: {maxProperties: 1}\n    return: 2\n"
    assert record(workspace, {"city": "Rome"}, 2) == old.replace("# one\n", f"# one\n{new}")
    assert record(workspace, {"city": "Paris"}, 2) == old.replace("# one\n", f"# one\n{new}").replace(
        "stubs:\n", "stubs:\n" + new.replace("Rome", "Paris")
    )
    assert [answer(workspace, {"city": city}).result for city in ("Paris", "Rome", "Oslo")] == [2, 2, 0]


def test_a_condition_that_cannot_be_decided_stays_below(workspace: Workspace) -> None:
    put(workspace, "look_up.stubs.yaml", "stubs:\n  - {when: {city: {matches: (}}, return: 1}\n")
    assert record(workspace, {"city": "Rome"}, 2) is not None
    assert answer(workspace, {"city": "Rome"}) == StubAnswer(2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("look_up.stubs.toml", '# mine\nkind = "stubs"\n\n[[stubs]]\nwhen = {city = "Paris"}\nreturn = 1\n'),
        ("look_up.stubs.json", '{"kind": "stubs", "stubs": [{"when": {"city": "Paris"}, "return": 1}]}'),
        ("look_up.stubs.yml", "stubs: [{when: {city: Paris}, return: 1}]"),
    ],
)
def test_the_file_that_is_there_is_used_whatever_its_format(workspace: Workspace, name: str, text: str) -> None:
    put(workspace, name, text)
    written = record(workspace, {"city": "Rome"}, {"high": [20, {"at": "noon"}]})
    assert written is not None
    assert name.endswith(".json") or written.startswith(text.rstrip("]"))
    assert sorted(os.listdir(workspace.root / "tools")) == [name, "look_up.yaml"]
    assert answer(workspace, {"city": "Rome"}) == StubAnswer({"high": [20, {"at": "noon"}]})
    assert answer(workspace, {"city": "Paris"}) == StubAnswer(1)


def test_stubs_in_the_file_of_the_tool_are_left_alone(workspace: Workspace) -> None:
    put(workspace, "look_up.yaml", TOOL + "stubs:\n  - {return: 1}\n")
    with pytest.raises(SpecError) as raised:
        record(workspace, {}, 2)
    assert raised.value.where == "tools/look_up.yaml:6:1"
    assert raised.value.hint == "move them to look_up.stubs.yaml (kind: stubs)"


@pytest.mark.parametrize("result", ["\ud800", {"a": float("nan")}, {"a": [10**5000]}, "x" * 9_000_000])
def test_a_result_that_no_file_can_hold_is_told_and_nothing_is_written(workspace: Workspace, result: Json) -> None:
    with pytest.raises(SpecError):
        record(workspace, {}, result)
    assert os.listdir(workspace.root / "tools") == ["look_up.yaml"]


def test_a_file_that_is_wrong_is_told_and_kept(workspace: Workspace) -> None:
    current = tool(workspace)
    put(workspace, "look_up.stubs.yaml", "stubs:\n  - {when: {}}\n")
    with pytest.raises(SpecError):
        record_stub(workspace, current, {}, 1)
    assert (workspace.root / "tools" / "look_up.stubs.yaml").read_text() == "stubs:\n  - {when: {}}\n"


def test_a_link_that_leads_nowhere_makes_no_file(workspace: Workspace) -> None:
    (workspace.root / "tools" / "look_up.stubs.yaml").symlink_to("../run.sh")
    with pytest.raises(BadReference, match="is there, and is no file"):
        record(workspace, {}, 1)
    assert not (workspace.root / "run.sh").exists()


def test_a_link_is_followed_inside_the_workspace_and_no_further(workspace: Workspace, tmp_path: Path) -> None:
    beside = workspace.root / "tools" / "look_up.stubs.yaml"
    kept = workspace.root / "kept.yaml"
    kept.write_text("stubs: []\n")
    beside.symlink_to(kept)
    assert record(workspace, {}, 1) == kept.read_text()
    assert beside.is_symlink()
    beside.unlink()
    outside = tmp_path.parent / f"{tmp_path.name}.outside.yaml"
    outside.write_text("stubs: []\n")
    current = tool(workspace)
    beside.symlink_to(outside)
    with pytest.raises((SpecError, BadReference), match="leads out of the workspace"):
        record_stub(workspace, current, {}, 1)
    assert outside.read_text() == "stubs: []\n"


def test_a_folder_that_cannot_be_written_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("plcli.disk.replace", full)
    with pytest.raises(UsageError, match="the stubs of look_up cannot be written: no space left on device"):
        record(workspace, {}, 1)


def test_several_writers_lose_nothing(workspace: Workspace) -> None:
    current = tool(workspace)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: record_stub(workspace, current, {"city": str(n % 20)}, n % 20), range(40)))
    assert [answer(workspace, {"city": str(n)}).result for n in range(20)] == list(range(20))
    assert len(tool(workspace).stubs) == 20
