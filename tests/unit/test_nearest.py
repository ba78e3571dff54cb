"""The recording that comes nearest to a request: which runs may be it, and which of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plcli.diffing.nearest import Near, nearest
from plcli.mediastore import MediaStore
from plcli.recordings import Recordings
from plcli.records import Record
from plcli.resolve import Resolved, resolve
from plcli.runlog import RunLog
from plcli.workspace import Workspace, find
from tests.support.logged import logged
from tests.support.tool_loop import write_json


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "plcli.toml").touch()
    return find(tmp_path)


def asks(workspace: Workspace, words: str, spec: str = "hi", **params: Any) -> Resolved:
    file = workspace.root / "prompts" / f"{spec}.json"
    turns = [{"role": "user", "content": words}]
    said = {"kind": "request", "model": "openai/m", "api": "chat", "messages": turns, "params": params}
    write_json(file, said)
    now = find(workspace.root)
    return resolve(now, now.document(file), file, given={})


def recorded(workspace: Workspace, n: int, resolved: Resolved, *, answered: bool = True) -> Record:
    record = logged(workspace, resolved, id=f"20261126T0945000{n:02}-abcde")
    answer: dict[str, Any] = {"response": {"choices": []} if answered else None, "status": 200}
    return record.model_copy(update={"exchanges": [record.exchanges[0].model_copy(update=answer)]})


def found(workspace: Workspace, asked: Resolved, *records: Record, at: int = 0) -> Near | None:
    log = RunLog(workspace.root / "recordings" / "all.jsonl")
    log.copy_in(records)
    return nearest(Recordings([log]), asked, "prompts/hi.json", at, MediaStore(workspace.media))


def test_the_nearest_recording_has_an_answer(workspace: Workspace) -> None:
    far = recorded(workspace, 1, asks(workspace, "Hello", seed=1))
    same = recorded(workspace, 2, asks(workspace, "Hi"), answered=False)
    near = found(workspace, asks(workspace, "Hi"), far, same)
    assert near is not None
    assert near.record.id == far.id
    assert {one.path for one in near.differences} == {"messages[0].content", "params.seed"}


def test_a_recording_of_the_same_spec_is_nearer_than_others_and_the_newest_is_nearest(workspace: Workspace) -> None:
    of_another = recorded(workspace, 4, asks(workspace, "Hi", "other"))
    runs = [recorded(workspace, n, asks(workspace, "Hello")) for n in (1, 2)]
    near = found(workspace, asks(workspace, "Hi"), *runs, of_another)
    assert near is not None
    assert near.record.id == runs[1].id


def test_no_recording_is_near_a_request_that_none_came_to(workspace: Workspace) -> None:
    once = recorded(workspace, 1, asks(workspace, "Hi"))
    assert found(workspace, asks(workspace, "Hi"), once, at=1) is None
