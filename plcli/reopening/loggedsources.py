"""The files that a logged run was made of: what they held then, and whether they hold it still."""

from __future__ import annotations

import os
from pathlib import Path

from plcli.fence import MEDIA_LIMIT, BadReference
from plcli.media import digest_of
from plcli.mediastore import MediaStore
from plcli.records import Record, Source
from plcli.workspace import Workspace


class LoggedSources:
    """The source files of a run. `home` is the folder that paths in its spec are relative to."""

    def __init__(self, workspace: Workspace, record: Record, store: MediaStore) -> None:
        self._workspace = workspace
        self._store = store
        self._sources = {source.path: source for source in record.sources or ()}
        spec = record.spec.path if record.spec is not None else "-"
        self.home = workspace.start if spec == "-" else (workspace.root / spec).parent

    def at(self, path: str) -> Source | None:
        """The file that a path of the spec led to."""
        return self._sources.get(self._workspace.shown(Path(os.path.realpath(self.home / path))))

    def holding(self, digest: str) -> Source | None:
        """A file that held the bytes of a digest."""
        return next((source for source in self._sources.values() if source.sha256 == digest), None)

    def today(self, source: Source) -> bytes | None:
        """What a spec reads there today, where that is what stood there then."""
        if source.path == "-":
            return None
        path = self._workspace.root / source.path
        try:
            data = self._workspace.read(str(path), path, MEDIA_LIMIT).data
        except BadReference:
            return None
        return data if digest_of(data) == source.sha256 else None

    def standing(self) -> dict[str, Path]:
        """The files that hold the same bytes today, by the digests of these."""
        root = self._workspace.root
        return {each.sha256: root / each.path for each in self._sources.values() if self.today(each) is not None}

    def data(self, source: Source) -> bytes:
        """What the file held, without the secrets that were in it. Raises `MediaMissing` where it was not kept."""
        return self._store.get(source.kept or source.sha256)
