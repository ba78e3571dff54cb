"""What a revision stands for, and which text names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plcli import revisions
from plcli.errors import UsageError
from plcli.inputs import at_revision
from plcli.revisions import Committed
from plcli.workspace import find
from tests.support.repository import commit, git, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    commit(folder, {"a.yaml": "one", "b c/größe.txt": "two\n", "empty": ""})
    commit(folder, {"a.yaml": "three"})
    return folder


def test_a_revision_is_named_in_many_ways(home: Path) -> None:
    git(home, "tag", "-a", "v1", "-m", "first", "HEAD~1")
    first, last = git(home, "rev-parse", "HEAD~1"), git(home, "rev-parse", "HEAD")
    found = {rev: revisions.commit_of(home, rev) for rev in ("v1", "HEAD^", "main~1", first, first[:7], "HEAD@{1}")}
    assert set(found.values()) == {first}
    assert revisions.commit_of(home, "@") == revisions.commit_of(home, "HEAD^{/change}") == last


@pytest.mark.parametrize(
    ("rev", "message"),
    [
        ("nothing", "the revision 'nothing' is none of this repository"),
        ("HEAD:a.yaml", "the revision 'HEAD:a.yaml' is none of this repository"),
        ("-p", "'-p' is no revision"),
        ("HEAD\nHEAD", r"'HEAD\nHEAD' is no revision"),
        ("\ud800", r"'\ud800' is no revision"),
        ("x" * 100, f"the revision '{'x' * 79}…' is none of this repository"),
    ],
)
def test_what_is_no_revision_is_told(home: Path, rev: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        revisions.commit_of(home, rev)
    assert caught.value.message == message


def test_without_git_there_is_none(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git does not answer"):
        revisions.commit_of(home, "HEAD")
    with pytest.raises(UsageError, match="git cannot list"):
        list(revisions.files(home, "HEAD", ""))
    assert revisions.contents(home, ["0" * 40]) == revisions.sizes(home, ["0" * 40]) == {}


def test_files_have_their_bytes_as_they_were_committed(home: Path) -> None:
    (home / "link").symlink_to("b c")
    commit(home, {"a.yaml": "one\r\n"})
    found = list(revisions.files(home, "HEAD", ""))
    assert {file.path: file.link for file in found} == {
        "a.yaml": False, "b c/größe.txt": False, "empty": False, "link": True,
    }  # fmt: skip
    blobs = [file.blob for file in found]
    given = revisions.contents(home, [*blobs, "0" * 40, blobs[0]])
    assert [given[blob] for blob in blobs] == [b"one\r\n", b"two\n", b"", b"b c"]
    assert [revisions.sizes(home, blobs)[blob] for blob in blobs] == [5, 4, 0, 3]
    assert revisions.contents(home, []) == {}


def test_files_below_a_folder_are_named_from_the_root(home: Path) -> None:
    blob = git(home, "rev-parse", "HEAD:b c/größe.txt")
    assert list(revisions.files(home, "HEAD", "b c")) == [Committed("b c/größe.txt", blob, link=False)]
    assert list(revisions.files(home, "HEAD", "*")) == []
    commit(home, {":(top)/x.yaml": ""})
    assert [file.path for file in revisions.files(home, "HEAD", ":(top)")] == [":(top)/x.yaml"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x.yaml@HEAD~3", ("x.yaml", "HEAD~3")),
        ("prompts/x.yaml@main", ("prompts/x.yaml", "main")),
        ("../x.toml@v1.0", ("../x.toml", "v1.0")),
        ("/abs/x.json@a/b.yaml", ("/abs/x.json", "a/b.yaml")),
        ("name@HEAD@{1}", ("name", "HEAD@{1}")),
        ("x.yaml@@{upstream}", ("x.yaml", "@{upstream}")),
        ("a@b.yaml@v1", ("a@b.yaml", "v1")),
        ("name@", ("name", "")),
        ("name", None),
        ("@HEAD", None),
        ("./x.yaml@HEAD", None),
        ("gone@v1.yaml", None),
        ("there@v1.yaml", None),
        ("there@v1", None),
        ("there@v1@v2", ("there", "v1@v2")),
        ("there@v1.yaml@v2", ("there@v1.yaml", "v2")),
    ],
)
def test_a_text_may_name_a_revision(tmp_path: Path, text: str, parts: tuple[str, str] | None) -> None:
    write(tmp_path, {"there@v1.yaml": "", "prompts/there@v1.yaml": ""})
    assert at_revision(find(tmp_path, tmp_path), text) == parts
