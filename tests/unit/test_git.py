"""Which commit a file stands on, asked without running anything of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcli.git import Commit, commit, root
from tests.support.repository import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "prompts").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "prompts" / "a.yaml").write_bytes(b"kind: request\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_committed_file_is_clean(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    assert commit(repository / "prompts" / "a.yaml") == Commit(sha, dirty=False)


def test_other_line_ends_are_no_change(repository: Path) -> None:
    file = repository / "prompts" / "a.yaml"
    file.write_bytes(b"kind: request\r\n")
    found = commit(file)
    assert found is not None
    assert not found.dirty


def test_a_changed_or_untracked_file_is_dirty(repository: Path) -> None:
    file = repository / "prompts" / "a.yaml"
    file.write_bytes(b"kind: tool\n")
    untracked = repository / "a b:c.yaml"
    untracked.write_bytes(b"kind: request\n")
    for path in (file, untracked):
        found = commit(path)
        assert found is not None
        assert found.dirty


def test_a_staged_change_is_dirty(repository: Path) -> None:
    file = repository / "prompts" / "a.yaml"
    file.write_bytes(b"kind: tool\n")
    git(repository, "add", ".")
    found = commit(file)
    assert found is not None
    assert found.dirty


def test_a_link_stands_where_it_leads(repository: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(repository / "prompts" / "a.yaml")
    found = commit(link)
    assert found is not None
    assert not found.dirty


def test_no_commit_outside_a_repository_or_before_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"x")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert commit(file) is None
    git(tmp_path, "init", "-q")
    assert commit(file) is None
    assert commit(tmp_path / "missing.yaml") is None
    assert commit(tmp_path) is None


def test_a_broken_repository_is_none_and_its_parent_is_not_asked(repository: Path) -> None:
    inner = repository / "prompts"
    (inner / ".git").write_text("gitdir: /nowhere", encoding="utf-8")
    assert root(inner) == inner
    assert commit(inner / "a.yaml") is None


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(repository / "prompts" / "a.yaml") is None


def test_variables_of_git_point_nowhere_else(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert commit(repository / "prompts" / "a.yaml") is not None
    assert not (tmp_path / "trace").exists()


def test_the_configuration_of_a_repository_runs_nothing(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", encoding="utf-8")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "diff.x.textconv",
        "core.pager",
        "core.sshCommand",
    ):
        git(repository, "config", key, str(script))
    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(script.read_bytes())
    hook.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    (repository / "prompts" / "a.yaml").write_bytes(b"kind: tool\n")
    assert commit(repository / "prompts" / "a.yaml") is not None
    assert not ran.exists()


def test_the_root_is_found_upwards(repository: Path, tmp_path: Path) -> None:
    assert root(repository / "prompts" / "a.yaml") == repository
    assert root(repository) == repository
    assert root(repository / "prompts" / "missing" / "deep") == repository
    assert root(tmp_path) != repository
