"""What is said of replays: what counts as another request, and what could not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcli.judging import Judge
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.redact import Redactor
from plcli.resolve import Resolved, resolve
from plcli.workspace import Workspace, find
from tests.support.logged import logged
from tests.support.tool_loop import write_json

PATH = "prompts/hi.json"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "plcli.toml").touch()
    spec = {"kind": "request", "model": "openai/m", "api": "chat", "messages": [{"role": "user", "content": "Hi"}]}
    write_json(tmp_path / PATH, spec)
    return find(tmp_path)


@pytest.fixture
def resolved(workspace: Workspace) -> Resolved:
    file = workspace.root / PATH
    return resolve(workspace, workspace.document(file), file, given={})


@pytest.fixture
def then(workspace: Workspace, resolved: Resolved) -> Record:
    return logged(workspace, resolved)


@pytest.fixture
def judge(workspace: Workspace) -> Judge:
    return Judge(workspace, MediaStore(workspace.media), Redactor())


def test_the_same_request_that_had_no_answer_is_no_drift(judge: Judge, then: Record, resolved: Resolved) -> None:
    outcome = judge.another(then, then, resolved)
    assert outcome.verdict == "not-replayable"
    assert "was not answered, so that it cannot answer" in str(outcome.reason)


def test_a_run_that_asks_once_more_than_it_did_has_drifted(judge: Judge, then: Record, resolved: Resolved) -> None:
    longer = then.model_copy(update={"exchanges": then.exchanges * 2})
    outcome = judge.another(then, longer, resolved)
    assert outcome.verdict == "drifted"
    assert outcome.reason == "request 2 of the run is not the one that was recorded"
    assert outcome.now.replay is not None
    assert outcome.now.replay.differences is None
