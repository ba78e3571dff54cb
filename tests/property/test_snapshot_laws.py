"""Whatever a log says its files were, they lie in a temporary folder or nowhere; and every logged run is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.errors import NotReplayable, SpecError, UsageError
from plcli.inputs import at_revision
from plcli.mediastore import MediaStore
from plcli.records import Record, Source, SpecRef
from plcli.remaking import overridden_then
from plcli.resolve import resolve
from plcli.runlog import RunLog
from plcli.snapshots import Snapshots
from plcli.unfinished import what
from plcli.workspace import Workspace, find
from tests.support.cli import Cli
from tests.support.repository import commit

steps = st.sampled_from(["..", ".", "", "a", "b.yaml", ".git", "~", "-", "C:", "a\\b", "\0", "\n", "\ud800", "x" * 300])
paths = st.one_of(
    st.builds("".join, st.lists(st.one_of(steps, st.just("/")), max_size=8)),
    st.builds("/".join, st.lists(steps, max_size=6)),
    st.text(max_size=12),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, MediaStore, Path]]:
    """A workspace in a repository, with bytes in its store; and the folder that all is in."""
    folder = tmp_path_factory.mktemp("place")
    commit(folder / "home", {"a": "kind: request\nprompt: x\n", "b.yaml": "kind: request\nprompt: x\n"})
    (folder / "temporary").mkdir()
    workspace = find(folder / "home", folder / "home")
    store = MediaStore(workspace.media)
    store.put(b"kind: request\nprompt: x\n", "application/yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder / "temporary"))
        yield workspace, store, folder


@given(st.lists(paths, max_size=6), paths)
def test_nothing_is_written_outside(place: tuple[Workspace, MediaStore, Path], named: list[str], spec: str) -> None:
    workspace, store, folder = place
    (digest,) = ("sha256:" + path.stem for path in store.folder.iterdir())
    sources = [Source(path=path, sha256=digest) for path in (*named, spec)]
    record = Record(
        id="20261126T000000000-aaaaa",
        time="2026-11-26T00:00:00.000Z",
        command="run",
        plcli="0",
        spec=SpecRef(path=spec, sha256=digest),
        sources=sources,
        exchanges=[],
    )
    before = sorted(path for path in folder.rglob("*") if "temporary" not in path.parts)
    with Snapshots(workspace, store) as snapshots:
        try:
            snapshot = snapshots.of_run(record)
        except (NotReplayable, SpecError):
            pass
        else:
            assert snapshot.document.value == {"kind": "request", "prompt": "x"}
            assert snapshot.file is None or snapshot.file.is_relative_to(folder / "temporary")
        assert sorted(path for path in folder.rglob("*") if "temporary" not in path.parts) == before
    assert list((folder / "temporary").iterdir()) == []


@given(paths, paths)
def test_a_text_is_a_spec_of_today_or_of_a_revision(
    place: tuple[Workspace, MediaStore, Path], spec: str, rev: str
) -> None:
    text = f"{spec}@{rev}"
    parts = at_revision(place[0], text)
    assert parts is None or ("@".join(parts) == text and parts[0])


def test_any_path_is_one_of_a_commit_or_told(place: tuple[Workspace, MediaStore, Path]) -> None:
    workspace, store, _ = place
    with Snapshots(workspace, store) as snapshots:

        @given(paths)
        def law(path: str) -> None:
            with suppress(UsageError, SpecError):
                assert snapshots.at(Path(path), "HEAD").document.file == "b.yaml@HEAD"

        law()


def test_what_the_examples_asked_is_made_anew_of_the_log_alone(workspace: Path, cli: Cli) -> None:
    every = sorted(path.stem for path in Path("prompts").iterdir() if ".system" not in path.name)
    for name in every:
        cli("run", name, "-m", "echo/any", "-q")
        cli("run", name, "-q", "--tools", "stub") if name in {"hello", "weather", "order"} else None
    cli("run", "hello", "--var", "name=Ada", "--set", "params.seed=3", "-m", "echo/any")
    cli("image", "logo", "-m", "echo/any", "--input", "pictures/fox.png", "-n", "2")
    runs = list(RunLog(workspace / "runs.jsonl").records())
    assert len(runs) > 10
    for folder in ("prompts", "tools", "models", "pictures", "handlers"):
        shutil.rmtree(folder)
    here = find(workspace)
    store = MediaStore(here.media)
    with Snapshots(here, store) as snapshots:
        for run in runs:
            snapshot = snapshots.of_run(run)
            overrides = overridden_then(run, store)
            again = resolve(
                snapshot.workspace, snapshot.document, snapshot.file, given=run.variables or {}, overrides=overrides
            )
            assert what(again).key == run.exchanges[0].key, run.spec
            # Pictures of the command line are known by their bytes.
            named = [one.path for one in run.sources or () if run.command == "run" or one.path != "pictures/fox.png"]
            assert [one.path for one in again.sources] == named
