"""Specs of then: made of what the log keeps, or of what git has."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import NotReplayable, PlcliError, SetupError, SpecError, UsageError
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.records import Record
from plcli.remaking import overridden_then
from plcli.resolve import Resolved, resolve
from plcli.runlog import RunLog
from plcli.snapshots import Snapshot, Snapshots
from plcli.snapshots.mirror import KEPT
from plcli.unfinished import what
from plcli.workspace import find
from tests.support.cli import Cli
from tests.support.repository import commit, git, write

PNG = b"\x89PNG\r\n\x1a\nrest"

FILES: dict[str, str | bytes] = {
    "plcli.toml": 'kind = "workspace"\nmodel = "m"\n',
    "prompts/x.yaml": """\
kind: request
variables: {city: {type: string, default: Paris}, picture: {type: string, default: ../pictures/a.png}}
messages:
  - {role: system, content: {file: ./x.md}}
  - {role: user, content: [{type: text, text: "{{ city }}?"}, {type: image, source: "{{ picture }}"}]}
tools: [weather]
output: {schema: ../schemas/answer.json}
""",
    "prompts/x.md": "Old words for {{ city }}.\n",
    "pictures/a.png": PNG,
    "pictures/b.png": PNG + b"b",
    "schemas/answer.json": '{"type": "object", "properties": {}}',
    "tools/weather.yaml": "kind: tool\nname: weather\ndescription: old\nparameters: {type: object}\n",
    "tools/weather.stubs.yaml": "kind: stubs\nstubs: [{return: 1}]\n",
    "models/m.yaml": "kind: model\nprovider: echo\nmodel: any\nparams: {seed: 1}\n",
}

NEW: dict[str, str | bytes] = {
    "plcli.toml": 'kind = "workspace"\nmodel = "other"\n',
    "prompts/x.md": "New words.\n",
    "pictures/a.png": PNG + b"new",
    "schemas/answer.json": '{"type": "object"}',
    "tools/weather.yaml": "kind: tool\nname: weather\ndescription: new\nparameters: {type: object}\n",
    "tools/weather.stubs.yaml": "kind: stubs\nstubs: [{return: 2}]\n",
    "models/m.yaml": "kind: model\nprovider: echo\nmodel: any\nparams: {seed: 2}\n",
    "models/other.yaml": "kind: model\nprovider: echo\nmodel: other\n",
    "prompts/x.yaml": "kind: request\nprompt: Something else.\n",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, which is the current folder; temporary folders go to a folder beside it."""
    folder, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    write(folder, FILES)
    monkeypatch.chdir(folder)
    return folder


def opened(home: Path, **options: Any) -> Snapshots:
    workspace = find(home, home)
    return Snapshots(workspace, MediaStore(workspace.media), **options)


@pytest.fixture
def snapshots(home: Path) -> Iterator[Snapshots]:
    with opened(home) as snapshots:
        yield snapshots
    assert list((home.parent / "temporary").iterdir()) == []


def logged(home: Path) -> Record:
    """The newest run."""
    return RunLog(home / "runs.jsonl").find("last")


def made(snapshot: Snapshot, overrides: Overrides | None = None, **given: Any) -> Resolved:
    return resolve(snapshot.workspace, snapshot.document, snapshot.file, given=given, overrides=overrides)


def changed(record: Record, **fields: Any) -> Record:
    return record.model_copy(update=fields)


def sources(record: Record, **paths: str) -> list[Any]:
    """The sources of a run, some under other paths."""
    return [one.model_copy(update={"path": paths.get(Path(one.path).stem, one.path)}) for one in record.sources or ()]


class TestOfRuns:
    def test_a_run_is_made_of_the_files_of_then(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x", "--var", "city=Rome")
        then = logged(home)
        write(home, NEW)
        again = made(snapshots.of_run(then), **(then.variables or {}))
        assert what(again).key == then.exchanges[0].key
        assert {source.path for source in again.sources} == {source.path for source in then.sources or ()}
        assert str(again.tools["weather"].stubs[0].given()) == "{'return': 1}"

    def test_it_is_made_of_them_too_where_they_are_gone(self, home: Path, cli: Cli) -> None:
        cli("run", "x", "--set", "params.seed=7")
        then = logged(home)
        for name in FILES:
            (home / name).unlink()
        with opened(home) as snapshots:
            again = made(snapshots.of_run(then), overridden_then(then, MediaStore(home / "media")))
        assert what(again).key == then.exchanges[0].key

    def test_variables_may_be_others_and_name_files_of_today(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        then = snapshots.of_run(logged(home))
        write(home, NEW)
        again = made(then, city="Oslo", picture="../pictures/b.png")
        assert [source.path for source in again.sources].count("pictures/b.png") == 1
        assert PNG + b"b" in again.media.values()
        assert again.compiled.wire["messages"][0]["content"] == "Old words for Oslo.\n"

    def test_a_model_and_a_tool_that_it_did_not_have_are_of_today(
        self, home: Path, cli: Cli, snapshots: Snapshots
    ) -> None:
        cli("run", "x")
        then = snapshots.of_run(logged(home))
        write(home, {**NEW, "tools/new.yaml": "kind: tool\nname: new\nparameters: {type: object}\n"})
        again = made(then, Overrides("other", (("tools", ["weather", "new"]),)))
        assert again.request.model == "other"
        assert [source.path for source in again.sources if source.path.startswith(("tools", "models"))] == [
            "models/other.yaml", "tools/weather.yaml", "tools/weather.stubs.yaml", "tools/new.yaml",
        ]  # fmt: skip
        assert again.tools["weather"].spec.description == "old"

    def test_folders_may_have_other_names_today(self, home: Path, cli: Cli) -> None:
        cli("run", "x")
        then = logged(home)
        write(home, {"plcli.toml": 'kind = "workspace"\nfolders = {tools = "a", models = "b"}\n'})
        with opened(home) as snapshots:
            assert what(made(snapshots.of_run(then))).key == then.exchanges[0].key

    def test_a_spec_of_standard_input_is_one_of_then_too(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        assert cli("run", "-", stdin=b"kind: request\nmodel: m\nprompt: Hi\n").code == 0
        write(home, NEW)
        snapshot = snapshots.of_run(logged(home))
        assert snapshot.file is None
        assert what(made(snapshot)).key == logged(home).exchanges[0].key

    def test_files_outside_of_the_workspace_are_files_of_then(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        beside = home.parent / "beside"
        spec = f"""\
kind: request
model: m
messages:
  - {{role: system, content: {{file: ./words.md}}}}
  - {{role: user, content: [{{type: image, source: {beside}/a.png}}, {{type: text, text: Hi}}]}}
"""
        write(beside, {"x.yaml": spec, "words.md": "old", "a.png": PNG})
        assert cli("run", "../beside/x.yaml", "--allow-path", "../beside").code == 0
        then = logged(home)
        assert then.spec is not None
        assert then.spec.path == f"{beside}/x.yaml"
        write(beside, {"x.yaml": "kind: request\nprompt: new\n", "words.md": "new", "a.png": PNG + b"new"})
        again = made(snapshots.of_run(then))
        assert what(again).key == then.exchanges[0].key
        assert [source.path for source in again.sources] == [source.path for source in then.sources or ()]

    def test_messages_name_files_by_their_places(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        snapshot = snapshots.of_run(logged(home))
        with pytest.raises(SpecError) as caught:
            made(snapshot, picture="nowhere.png")
        assert [problem.where for problem in caught.value.problems] == ["prompts/x.yaml:5:85"]
        assert made(snapshot).name == "prompts/x.yaml"

    def test_what_is_gone_is_told(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        then = logged(home)
        tool = next(source for source in then.sources or () if source.path == "tools/weather.yaml")
        kept = MediaStore(home / "media").path(tool.sha256)
        assert kept is not None
        kept.write_bytes(b"damaged")
        with pytest.raises(NotReplayable, match=r"tools/weather.yaml of then: .* does not hold the bytes"):
            snapshots.of_run(then)
        kept.unlink()
        with pytest.raises(NotReplayable, match=f"tools/weather.yaml of then is gone .{tool.sha256}.") as caught:
            snapshots.of_run(then)
        assert caught.value.hint == "take the spec of today: --with SPEC"

    def test_a_file_without_its_secrets_is_not_what_it_was(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        write(home, {"prompts/x.md": "The key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF."})
        cli("run", "x")
        with pytest.raises(NotReplayable, match=r"secrets were taken out of prompts/x\.md"):
            snapshots.of_run(logged(home))

    @pytest.mark.parametrize(
        ("args", "reason"),
        [
            (("--prompt", "Hi", "-m", "echo/any"), "was made of no spec"),
            (("--continue", "last", "--message", "?"), "goes on from another run"),
        ],
    )
    def test_a_run_of_no_spec_has_none(
        self, home: Path, cli: Cli, snapshots: Snapshots, args: tuple[str, ...], reason: str
    ) -> None:
        cli("run", "-", stdin=b"kind: request\nmodel: m\nprompt: Hi\n")
        assert cli("run", *args).code == 0
        with pytest.raises(NotReplayable, match=reason):
            snapshots.of_run(logged(home))

    def test_runs_of_the_same_files_share_a_snapshot(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x", "--var", "city=Rome")
        first = logged(home)
        cli("run", "x", "--var", "city=Oslo")
        assert snapshots.of_run(first).workspace is snapshots.of_run(logged(home)).workspace
        write(home, {"prompts/x.md": "Other words."})
        cli("run", "x")
        assert snapshots.of_run(first).workspace is not snapshots.of_run(logged(home)).workspace

    def test_folders_go_when_nobody_uses_them_any_more(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        then = logged(home)
        used = snapshots.of_run(changed(then, model_spec="one"))
        for number in range(KEPT + 5):
            snapshots.of_run(changed(then, model_spec=f"m{number}"))
        (folder,) = (home.parent / "temporary").iterdir()
        assert len(list(folder.iterdir())) == KEPT + 1
        assert os.path.isfile(used.file or "")

    def test_a_full_disk_is_told(
        self, home: Path, cli: Cli, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli("run", "x")
        monkeypatch.setattr("tempfile.tempdir", str(home / "nowhere"))
        with pytest.raises(SetupError, match="temporary files cannot be written: no such file or directory"):
            snapshots.of_run(logged(home))

    def test_nobody_else_reads_them(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        snapshots.of_run(logged(home))
        (folder,) = (home.parent / "temporary").iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_the_record_of_a_run_made_anew_names_the_commit_of_then(self, home: Path, cli: Cli) -> None:
        sha = commit(home, {})
        cli("run", "x")
        then = logged(home)
        commit(home, NEW)
        with opened(home) as snapshots:
            snapshot = snapshots.of_run(then)
            assert snapshot.file is not None
            assert snapshot.workspace.commit(snapshot.file) == (sha, False)
            assert snapshot.workspace.shown(snapshot.file) == "prompts/x.yaml"


class TestHostileLogs:
    @pytest.mark.parametrize(
        "path",
        [
            "../out.yaml", "prompts/../../out.yaml", "/../../out.yaml", "a\0b.yaml", ".git/config", "sub/.GIT/config",
            "", ".", "x" * 300 + ".yaml", "\udcff\ud800.yaml", "prompts/x.yaml/y.yaml", "prompts",
        ],
    )  # fmt: skip
    def test_a_path_that_leads_elsewhere_is_refused(
        self, home: Path, cli: Cli, snapshots: Snapshots, path: str
    ) -> None:
        cli("run", "x")
        then = logged(home)
        with pytest.raises(NotReplayable, match="cannot be laid out"):
            snapshots.of_run(changed(then, sources=[*sources(then), *sources(then, x=path)[:1]]))

    def test_a_link_of_today_leads_nowhere(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        outside = home.parent / "outside"
        outside.mkdir()
        (home / "pictures").rename(home / "kept")
        (home / "pictures").symlink_to(outside)
        snapshots.of_run(logged(home))
        assert list(outside.iterdir()) == []

    def test_two_contents_of_one_file_are_none(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        then = logged(home)
        with pytest.raises(NotReplayable, match=r"its sources name prompts/x\.yaml twice"):
            snapshots.of_run(changed(then, sources=sources(then, weather="prompts/x.yaml")))
        with pytest.raises(NotReplayable, match="cannot be laid out"):
            snapshots.of_run(changed(then, sources=sources(then, weather=f"{home}/prompts/x.yaml")))

    def test_thousands_of_files_are_no_spec(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        then = logged(home)
        many = [one.model_copy(update={"path": f"{n}"}) for one in sources(then)[:1] for n in range(5_001)]
        with pytest.raises(NotReplayable, match="more than 5,000 sources"):
            snapshots.of_run(changed(then, sources=[*sources(then), *many]))

    def test_its_size_is_bounded(
        self, home: Path, cli: Cli, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli("run", "x")
        monkeypatch.setattr("plcli.snapshots.LAID_LIMIT", 100)
        with pytest.raises(NotReplayable, match="larger than"):
            snapshots.of_run(logged(home))

    def test_a_spec_that_is_not_among_its_sources_is_gone(self, home: Path, cli: Cli, snapshots: Snapshots) -> None:
        cli("run", "x")
        with pytest.raises(NotReplayable, match=r"its spec prompts/x\.yaml is not among its sources"):
            snapshots.of_run(changed(logged(home), sources=None))


class TestOfRevisions:
    @pytest.fixture
    def home(self, home: Path) -> Path:
        commit(home, {})
        git(home, "tag", "v1")
        commit(home, NEW)
        return home

    def test_it_is_what_it_referred_to_then(self, home: Path, snapshots: Snapshots) -> None:
        then = made(snapshots.at(Path("prompts/x.yaml"), "v1"), city="Oslo")
        assert then.compiled.wire["messages"][0]["content"] == "Old words for Oslo.\n"
        assert then.compiled.wire["params"] == {"seed": 1}
        assert then.request.output is not None
        assert then.request.output.schema == {"type": "object", "properties": {}}
        assert str(then.tools["weather"].stubs[0].given()) == "{'return': 1}"
        assert PNG in then.media.values()
        assert then.name == "prompts/x.yaml@v1"

    def test_a_name_stands_for_a_file_of_then(self, home: Path, snapshots: Snapshots) -> None:
        git(home, "rm", "-q", "--cached", "prompts/x.yaml")
        assert made(snapshots.named("x", "HEAD~1")).name == "prompts/x.yaml@HEAD~1"

    def test_changes_that_are_not_committed_are_none(self, home: Path, snapshots: Snapshots) -> None:
        write(home, FILES)
        assert (
            made(snapshots.at(Path("prompts/x.yaml"), "HEAD")).compiled.wire["messages"][0]["content"]
            == "Something else."
        )

    def test_records_name_its_commit(self, home: Path, snapshots: Snapshots) -> None:
        snapshot = snapshots.at(Path("prompts/x.yaml"), "v1")
        assert snapshot.file is not None
        assert snapshot.workspace.shown(snapshot.file) == "prompts/x.yaml"
        assert snapshot.workspace.commit(snapshot.file) == (git(home, "rev-parse", "v1"), False)

    def test_a_model_of_the_command_line_may_be_of_today(self, home: Path, snapshots: Snapshots) -> None:
        assert made(snapshots.at(Path("prompts/x.yaml"), "v1"), Overrides("other")).request.model == "other"

    def test_a_file_that_git_did_not_have_is_missing(self, home: Path, snapshots: Snapshots) -> None:
        write(home, {"pictures/untracked.png": PNG})
        with pytest.raises(SpecError) as caught:
            made(snapshots.at(Path("prompts/x.yaml"), "v1"), picture="../pictures/untracked.png")
        assert [problem.where for problem in caught.value.problems] == ["prompts/x.yaml@v1:5:85"]

    def test_a_folder_below_the_current_one_is_shown_from_there(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(home / "prompts")
        with Snapshots(find(home / "prompts"), MediaStore(home / "media")) as snapshots:
            assert made(snapshots.at(Path("x.yaml"), "v1")).name == "x.yaml@v1"

    def test_a_workspace_may_be_a_part_of_its_repository(self, home: Path) -> None:
        commit(home, {"deep/plcli.toml": 'kind = "workspace"\n', "deep/prompts/y.yaml": "kind: request\nprompt: y\n"})
        with opened(home / "deep") as snapshots:
            snapshot = snapshots.named("y", "HEAD")
            assert snapshot.workspace.shown(snapshot.file or Path()) == "prompts/y.yaml"

    @pytest.mark.parametrize(
        ("path", "rev", "message", "hint"),
        [
            ("prompts/x.yaml", "v2x", "the revision 'v2x' is none of this repository", "see git log --oneline"),
            ("prompts/x.yaml", "mian", "the revision 'mian' is none of this repository", "did you mean main?"),
            ("prompts/x.yaml", "", "'' is no revision", "name a commit, a branch or a tag: HEAD~1"),
            ("prompts/x.yaml", "--all", "'--all' is no revision", "name a commit, a branch or a tag: HEAD~1"),
            ("prompts/x.yaml", "v1\nv1", "'v1\\nv1' is no revision", "name a commit, a branch or a tag: HEAD~1"),
            ("prompts/x.yaml", "HEAD:prompts", "the revision 'HEAD:prompts' is none", "see git log --oneline"),
            ("prompts/xx.yaml", "v1", "prompts/xx.yaml does not exist at v1", "did you mean prompts/x.yaml@v1?"),
            ("models/other.yaml", "v1", "models/other.yaml does not exist at v1", "see which commits have it: git log"),
            ("prompts", "v1", "prompts does not exist at v1", "see which commits have it: git log"),
        ],
    )
    def test_what_is_not_there_is_told(
        self, home: Path, snapshots: Snapshots, path: str, rev: str, message: str, hint: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            snapshots.at(Path(path), rev)
        assert caught.value.message.startswith(message)
        assert (caught.value.hint or "").startswith(hint)

    def test_a_name_that_is_not_there_is_told(self, home: Path, snapshots: Snapshots) -> None:
        with pytest.raises(UsageError, match="there is no request 'xyz' at v1"):
            snapshots.named("xyz", "v1")

    def test_outside_of_a_repository_there_is_no_revision(self, tmp_path: Path) -> None:
        bare = tmp_path / "bare"
        write(bare, FILES)
        with opened(bare) as snapshots, pytest.raises(UsageError, match="is in no git repository"):
            snapshots.at(bare / "prompts/x.yaml", "HEAD")

    def test_a_file_of_another_repository_is_told(self, home: Path, snapshots: Snapshots) -> None:
        commit(home / "inner", {"x.yaml": "kind: request\nprompt: x\n"})
        with pytest.raises(UsageError, match="of another repository"):
            snapshots.at(Path("inner/x.yaml"), "HEAD")

    def test_a_shallow_clone_says_how_to_get_the_rest(self, home: Path, tmp_path: Path) -> None:
        git(tmp_path, "clone", "-q", "--depth", "1", f"file://{home}", "shallow")
        with opened(tmp_path / "shallow") as snapshots, pytest.raises(UsageError) as caught:
            snapshots.at(tmp_path / "shallow/prompts/x.yaml", "HEAD~1")
        assert caught.value.hint == "this clone has not all commits: git fetch --unshallow"

    def test_a_partial_clone_fetches_nothing(self, home: Path, tmp_path: Path) -> None:
        git(home, "config", "uploadpack.allowFilter", "true")
        git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{home}", "partial")
        with opened(tmp_path / "partial") as snapshots, pytest.raises(UsageError) as caught:
            made(snapshots.at(tmp_path / "partial/prompts/x.yaml", "HEAD~1"))
        assert "git does not have the bytes of" in caught.value.message
        assert (caught.value.hint or "").startswith("let git fetch it: git show ")

    def test_nothing_of_a_repository_runs(self, home: Path, tmp_path: Path) -> None:
        ran, script = tmp_path / "ran", tmp_path / "script"
        script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", encoding="utf-8")
        script.chmod(0o755)
        commit(home, {".gitattributes": "* filter=x diff=x text eol=crlf\n"})
        for key in ("core.fsmonitor", "filter.x.smudge", "filter.x.process", "diff.x.textconv", "core.pager"):
            git(home, "config", key, str(script))
        for name in ("post-checkout", "reference-transaction"):
            hook = home / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_bytes(script.read_bytes())
            hook.chmod(0o755)
        with opened(home, whole=True) as snapshots:
            assert snapshots.at(Path("prompts/x.yaml"), "v1").document.text == str(FILES["prompts/x.yaml"]).encode()
        assert not ran.exists()

    def test_links_are_there_as_far_as_they_stay_inside(self, home: Path, tmp_path: Path) -> None:
        write(tmp_path, {"secret.md": "secret"})
        words = {"words/far.md": "far", "prompts/y.yaml": _includes("a.md", "near/far.md")}
        links = {
            "prompts/a.md": "../words/far.md", "prompts/near": "../words", "prompts/up": "../..",
            "prompts/out.md": str(tmp_path / "secret.md"), "prompts/env.md": "../.env",
        }  # fmt: skip
        write(home, {**words, ".env": "KEY=secret"})
        for name, target in links.items():
            (home / name).symlink_to(target)
        commit(home, {})
        with opened(home) as snapshots:
            snapshot = snapshots.at(Path("prompts/y.yaml"), "HEAD")
            assert snapshot.file is not None
            assert [one.parts[0].text for one in made(snapshot).request.messages] == ["far", "far"]  # type: ignore[union-attr]
            laid = {path.name for path in snapshot.file.parent.iterdir()}
            assert laid & {"a.md", "near", "out.md", "up"} == {"a.md", "near"}
            for source in ("out.md", "up/secret.md", "env.md"):
                with pytest.raises(PlcliError):
                    snapshot.workspace.read(source, snapshot.file)

    def test_all_of_it_is_there_for_handlers(self, home: Path, tmp_path: Path) -> None:
        commit(home, {"lib/run.py": "print(1)\n", "runs.jsonl": "{}\n", "media/x.txt": "x", ".env": "A=b"})
        with opened(home, whole=True) as snapshots:
            root = snapshots.at(Path("prompts/x.yaml"), "HEAD").workspace.root
            laid = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        assert laid == {*FILES, *NEW, "lib/run.py"}

    def test_its_size_is_bounded(self, home: Path, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("plcli.snapshots.committed.LAID_LIMIT", 100)
        with pytest.raises(UsageError, match="there is more than 0 MB in 20,000 files"):
            snapshots.at(Path("prompts/x.yaml"), "v1")
        monkeypatch.setattr("plcli.snapshots.committed.MEDIA_LIMIT", 10)
        with pytest.raises(UsageError, match=r"plcli\.toml at .* is larger than 0 MB"):
            snapshots.at(Path("prompts/x.yaml"), "HEAD")

    def test_pictures_of_git_lfs_are_themselves(self, home: Path, snapshots: Snapshots) -> None:
        digest = hashlib.sha256(PNG).hexdigest()
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(PNG)}\n"
        commit(home, {**FILES, "pictures/a.png": pointer})
        with pytest.raises(UsageError, match=r"git lfs does not have the bytes of pictures/a\.png") as caught:
            made(snapshots.at(Path("prompts/x.yaml"), "HEAD"))
        assert (caught.value.hint or "").startswith("git lfs fetch origin ")
        write(home / ".git/lfs/objects", {f"{digest[:2]}/{digest[2:4]}/{digest}": PNG})
        assert PNG in made(snapshots.at(Path("prompts/x.yaml"), "HEAD")).media.values()

    def test_a_crafted_commit_writes_nothing_outside(self, home: Path) -> None:
        blob = git(home, "hash-object", "-w", "--stdin", stdin=b"kind: request\nprompt: x\n")
        link = git(home, "hash-object", "-w", "--stdin", stdin=str(home.parent).encode())
        deep = _tree(home, [("120000", "link", link)])
        inner = _tree(home, [("100644", "x.yaml", blob), ("100644", "..", blob), ("40000", "deep", deep)])
        tree = _tree(
            home, [("40000", "..", inner), ("120000", "a", link), ("40000", "a", inner), ("40000", "b", inner)]
        )
        sha = git(home, "commit-tree", tree, "-m", "crafted")
        before = sorted(home.parent.rglob("*"))
        with opened(home, whole=True) as snapshots:
            assert made(snapshots.at(Path("b/x.yaml"), sha), Overrides("echo/any")).name == f"b/x.yaml@{sha}"
        assert sorted(path for path in home.parent.rglob("*") if "temporary" not in path.parts) == [
            path for path in before if "temporary" not in path.parts
        ]


def _includes(*files: str) -> str:
    messages = "".join(f"  - {{role: user, content: {{file: ./{file}}}}}\n" for file in files)
    return f"kind: request\nmodel: echo/any\nmessages:\n{messages}"


def _tree(home: Path, entries: list[tuple[str, str, str]]) -> str:
    """A tree that git itself would not make."""
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in entries)
    return git(home, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=data)
