"""Snapshots: specs of then, each in a workspace with the files that it referred to.

Those of a logged run come from the media store, those of a revision from git. They lie in temporary folders.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from plcli import git, revisions
from plcli import workspace as workspaces
from plcli.brevity import cut
from plcli.documents import Document, Format, parse
from plcli.errors import LogError, NotReplayable, UsageError
from plcli.fence import BadReference
from plcli.git import Commit
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.records import Record, Source
from plcli.snapshots.committed import LAID_LIMIT, CommittedFiles
from plcli.snapshots.mirror import Mirror, Mirrors
from plcli.snapshots.states import CommittedState, LoggedState
from plcli.spelling import did_you_mean
from plcli.workspace import FILE, Workspace

STDIN = "-"
"""How records name a spec of standard input."""

SOURCES = 5_000
"""Files that one run may be made of."""

_CHANGED = "take the spec of today: --with SPEC"
_ELSEWHERE = "name the workspace that it belongs to: --workspace DIR"


class Snapshot(NamedTuple):
    """A spec of then, and the workspace in which it is resolved. `file` is None for one of standard input."""

    workspace: Workspace
    document: Document
    file: Path | None


class Snapshots:
    """Makes snapshots of older states of a workspace; its context ends them all.

    Runs of the same files share one. With `whole`, those of revisions hold everything that stood in the workspace,
    which handlers of tools may use.
    """

    def __init__(self, workspace: Workspace, store: MediaStore, *, whole: bool = False) -> None:
        self._now = workspace
        self._store = store
        self._whole = whole
        self._mirrors = Mirrors()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._mirrors.close()

    def of_run(self, record: Record) -> Snapshot:
        """The spec of a logged run, with the files that it was made of over those of today.

        Commits and the model of a spec that names none are as the log says. Raises `NotReplayable`, also where a
        secret was taken out of a file, and `SpecError` for what is no spec.
        """
        spec = record.spec
        if record.parent is not None or spec is None:
            what = "goes on from another run" if record.parent is not None else "was made of no spec"
            hint = f"make a spec of it: plcli open {record.tail}"
            raise NotReplayable(f"run {record.id} {what}, so its request cannot be made anew", hint=hint)
        sources = _sources(record)
        if spec.path not in sources:
            raise _gone(record, f"its spec {cut(spec.path, 200)} is not among its sources")
        digests = tuple((path, source.kept or source.sha256) for path, source in sorted(sources.items()))
        model = self._now.spec.model if "model" in (record.overrides or {}) else _model_of(record)
        key = (digests, spec.commit, spec.dirty, model)
        state = self._mirrors.once(key, lambda mirror: self._logged(mirror, record, sources, model))
        if spec.path == STDIN:
            return Snapshot(state, state.once(STDIN, lambda: _of_stdin(self._kept(record, sources[STDIN]))), None)
        file = state.mirror.place(self._now.root / spec.path)
        return Snapshot(state, state.once(file, lambda: state.document(file)), file)

    def at(self, path: Path, rev: str) -> Snapshot:
        """The spec of a path (from the current folder) at a revision. Raises `UsageError` and `SpecError`."""
        then = self._stood(path)
        label = self._now.label(then)
        if git.root(then.parent) != self._repository(rev):
            raise UsageError(f"{label} is of another repository than the workspace", hint=_ELSEWHERE)
        state = self._committed(rev, () if then.is_relative_to(self._now.root) else (then,))
        file = state.mirror.place(then)
        state.files.bring(file, Path(os.path.realpath(file)))
        if not os.path.isfile(file):
            specs = (state.now.label(found) for found in state.specs())
            meant = None if os.path.isfile(then) else did_you_mean(label, specs)
            history = f"see which commits have it: git log --oneline --all -- {shlex.quote(label)}"
            raise UsageError(
                f"{label} does not exist at {rev}", hint=f"did you mean {meant}@{rev}?" if meant else history
            )
        return self._snapshot(state, file)

    def named(self, name: str, rev: str) -> Snapshot:
        """The request of that name at a revision. Raises `UsageError` and `SpecError`."""
        state = self._committed(rev, ())
        try:
            file = state.lookup("request", name)
        except BadReference as error:
            raise UsageError(error.message, hint=error.hint) from None
        if file is None:
            meant = state.suggestion("request", name)
            folder = state.shown(state.folder("request"))
            other = f"it has no such file in {folder}/; name a file: FILE@{rev}"
            hint = f"did you mean {meant}@{rev}?" if meant else other
            raise UsageError(f"there is no request {name!r} at {rev}", hint=hint)
        return self._snapshot(state, file)

    def _stood(self, path: Path) -> Path:
        """Where a file stood, which may be a link of then. Raises `UsageError`."""
        named = self._now.start / path
        try:
            os.path.realpath(named)  # what is no path at all is told by this
            return Path(os.path.normpath(Path(os.path.realpath(named.parent), named.name)))
        except (OSError, ValueError):
            raise UsageError(f"{str(path)!r} is no path", hint="name a file of the workspace: FILE@REV") from None

    def _snapshot(self, state: CommittedState, file: Path) -> Snapshot:
        return Snapshot(state, state.document(file), Path(os.path.realpath(file)))

    def _repository(self, rev: str) -> Path:
        """The folder of the repository that the workspace is in. Raises `UsageError`."""
        found = git.root(self._now.root)
        if found is None:
            what = f"{self._now.label(self._now.root)} is in no git repository"
            raise UsageError(
                f"{what}, so nothing of it has a revision {rev!r}",
                hint="name a file of which an @ is part by a path that begins with ./",
            )
        return found

    def _committed(self, rev: str, beside: tuple[Path, ...]) -> CommittedState:
        """The workspace at a revision, with places of its repository `beside` it."""
        repository = self._repository(rev)
        commit = revisions.commit_of(repository, rev)
        key = (commit, rev, beside)
        return self._mirrors.once(key, lambda mirror: self._checked_out(mirror, repository, commit, rev, beside))

    def _checked_out(
        self, mirror: Mirror, repository: Path, commit: str, rev: str, beside: tuple[Path, ...]
    ) -> CommittedState:
        now, root = self._now, mirror.place(self._now.root)
        os.makedirs(root, exist_ok=True)
        opened = [path for path in now.allowed if path.is_relative_to(repository)]
        files = CommittedFiles(mirror, repository, commit, now.root, (*beside, *opened))
        state = CommittedState(
            root=root,
            start=_mirrored(mirror, now, now.start, root),
            log=_mirrored(mirror, now, now.log, now.log),
            allowed=(*map(mirror.place, opened), *now.allowed),
            now=now,
            mirror=mirror,
            rev=rev,
            of=Commit(commit, dirty=False),
            files=files,
        )
        files.bring(root / FILE)
        if os.path.isfile(root / FILE):
            state = replace(state, spec=workspaces.settings(state, root / FILE), file=root / FILE)
        if self._whole:
            files.bring(*state.readable(), whole=True)
        return state

    def _logged(self, mirror: Mirror, record: Record, sources: Mapping[str, Source], model: str | None) -> LoggedState:
        now, root, spec = self._now, mirror.place(self._now.root), record.spec
        os.makedirs(root, exist_ok=True)
        laid, size = [], 0
        for path, source in sources.items():
            if path == STDIN:
                continue
            data = self._kept(record, source)
            size += len(data)
            if size > LAID_LIMIT:
                raise _gone(record, f"its files are larger than {LAID_LIMIT // 1024 // 1024} MB together")
            then = now.root / path
            try:
                mirror.write(then, data)
            except (OSError, ValueError) as error:
                reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
                raise _gone(record, f"{cut(path, 200)} of then cannot be laid out: {reason.lower()}") from None
            laid.append(mirror.place(then))
        return LoggedState(
            root=root,
            start=_mirrored(mirror, now, now.start, root),
            log=_mirrored(mirror, now, now.log, now.log),
            spec=now.spec.model_copy(update={"model": model}),
            allowed=(mirror.folder,),
            now=now,
            mirror=mirror,
            laid=tuple(laid),
            of=Commit(spec.commit, bool(spec.dirty)) if spec is not None and spec.commit is not None else None,
        )

    def _kept(self, record: Record, source: Source) -> bytes:
        """The bytes of a source. Raises `NotReplayable`."""
        try:
            return self._store.get(source.kept or source.sha256)
        except MediaMissing as error:
            raise _gone(record, f"{cut(source.path, 200)} of then is gone ({error.digest})") from None
        except LogError as error:
            raise NotReplayable(
                f"run {record.id}: {cut(source.path, 200)} of then: {error.message}", hint=error.hint
            ) from None


def stdin_format(data: bytes) -> Format:
    """What a spec of standard input is written in."""
    return "json" if data.lstrip()[:1] == b"{" else "yaml"


def _of_stdin(data: bytes) -> Document:
    return parse(data, file=STDIN, format=stdin_format(data))


def _mirrored(mirror: Mirror, now: Workspace, path: Path, otherwise: Path) -> Path:
    """Where a place of the workspace is in a mirror of it; `otherwise` for one outside."""
    return mirror.place(path) if path.is_relative_to(now.root) else otherwise


def _sources(record: Record) -> dict[str, Source]:
    """The sources of a run by their paths. Raises `NotReplayable`."""
    found: dict[str, Source] = {}
    for source in record.sources or ():
        path = cut(source.path, 200)
        if source.redacted:
            raise NotReplayable(f"run {record.id}: secrets were taken out of {path}", hint=_CHANGED)
        if found.setdefault(source.path, source) != source:
            raise _gone(record, f"its sources name {path} twice")
    if len(found) > SOURCES:
        raise _gone(record, f"it names more than {SOURCES:,} sources")
    return found


def _model_of(record: Record) -> str | None:
    """The model that a run asked, as a spec names it."""
    return record.model_name if record.model_spec or record.model else None


def _gone(record: Record, what: str) -> NotReplayable:
    return NotReplayable(f"run {record.id}: {what}", hint=_CHANGED)
