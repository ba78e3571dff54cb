"""Back from what was sent to a spec: of a logged run, or of a bare wire, proved by compiling it.

Where the spec of a run and its files are kept, it is that spec with all that the run was made of; else the wire is
told in the words of a spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from plcli import paths
from plcli.documents import Document, Format, parse
from plcli.errors import NotReplayable, SetupError, SpecError, UsageError
from plcli.exchange import Target
from plcli.fence import BadReference
from plcli.loggedwires import logged_spec
from plcli.media import Json, MediaMissing, MediaReader, references
from plcli.mediastore import MediaStore
from plcli.modelrefs import ModelRef, model_reference
from plcli.providers.reading import table
from plcli.providers.registry import adapter, provider
from plcli.records import Record
from plcli.redact import MARK, marked
from plcli.reopening.aswritten import as_written
from plcli.reopening.loggedsources import LoggedSources
from plcli.reopening.mediafiles import MediaFiles
from plcli.reopening.mending import mended
from plcli.reopening.proving import Proof, Wanted, prove
from plcli.resolve import Resolved, resolve
from plcli.respec import respec
from plcli.spectexts import headed, text_of
from plcli.traffic import wire_requests
from plcli.workspace import Workspace

SAME = "it compiles to the same wire"


class Stand(NamedTuple):
    """Where a spec will stand (`file` None: nowhere, its paths are relative to the current folder), and its format."""

    workspace: Workspace
    file: Path | None
    format: Format


class Reopened(NamedTuple):
    """A spec with its text, what it compiles to, and whether that is what was sent.

    `told` are words for a person: what stands in it otherwise than in the spec of the run. `heading` is the comment
    that says what it is of; empty in a format that has none. `files` are its media: files that were written are to
    be taken away again where the text is not.
    """

    text: str
    document: Document
    resolved: Resolved
    proof: Proof
    told: tuple[str, ...]
    heading: str
    rendered: bool
    """Whether it is the wire in the words of a spec, and not the spec of the run."""
    files: MediaFiles

    @property
    def redacted(self) -> tuple[str, ...]:
        """The places of the spec where a mark stands for a secret."""
        if not self.proof.secrets:
            return ()
        found = paths.leaves(self.document.value)
        return tuple(paths.show(place) for place, leaf in found if isinstance(leaf, str) and MARK in leaf)


class _Draft(NamedTuple):
    """The value of a spec, and the document whose layout it keeps; `moved` says that it stands elsewhere now."""

    value: dict[str, Json]
    document: Document | None = None
    moved: bool = False
    told: tuple[str, ...] = ()


def of_run(stand: Stand, record: Record, at: int, store: MediaStore) -> Reopened:
    """The spec of a logged run, or of one of its later exchanges (`at`, from 0) with the conversation so far.

    Raises `NotReplayable` where something of it is gone, and `UsageError` for an exchange that it has not.
    """
    wanted = _sent(record, at)
    sources = LoggedSources(stand.workspace, record, store)
    files = MediaFiles(stand.workspace, stand.file, sources.standing(), store.get)
    name = f"exchange {at} of run {record.id}" if at else f"run {record.id}"
    opening = _Opening(stand, wanted, files, store.get, name, f"{name} of {record.time}")
    if not at and record.parent is None:
        opening.as_written(record, store, sources.home)
    if wanted is not None and not opening.done:
        said = _unsent(record, store)
        for model in _models(stand.workspace, record):
            opening.in_words(wanted, model, said)
    best = opening.best()
    return best._replace(told=(*best.told, *_elsewhere(record, best.resolved.model)))


def of_wire(stand: Stand, wanted: Wanted, model: ModelRef, read: MediaReader, name: str) -> Reopened:
    """The spec of a bare wire. Raises `NotReplayable` where no spec can say it."""
    opening = _Opening(stand, wanted, MediaFiles(stand.workspace, stand.file, {}, read), read, name, name)
    opening.in_words(wanted, model, {})
    return opening.best()


def _elsewhere(record: Record, model: ModelRef) -> Iterator[str]:
    """That a spec without the model spec of the run asks another host; a key is of no host."""
    if record.model_spec is not None and model.name is None and not model.provider.local:
        asked = record.endpoint.base_url if record.endpoint else None
        yield (
            f"the model spec {record.model_spec} is gone, which sent it to {asked or 'a host of its own'}: "
            f"{model.provider.name}/{model.model} goes to {model.provider.name} itself"
        )


def _sent(record: Record, at: int) -> Wanted | None:
    """What was sent; None where nothing was."""
    count = len(record.exchanges)
    if not count and not at:
        return None
    if not 0 <= at < count:
        raise UsageError(f"run {record.id} has no exchange {at}", hint=f"it has {count}, counted from 0")
    try:
        wire = wire_requests(record.exchanges)[at]
    except ValueError as error:
        raise NotReplayable(f"run {record.id} cannot be opened: it is damaged: {error}") from None
    exchange = record.exchanges[at]
    target = Target(exchange.operation, record.model or "")
    return Wanted(record.provider or "", record.api or "", wire, target, exchange.key)


def _unsent(record: Record, store: MediaStore) -> dict[str, Json]:
    """What the spec of a run says that no wire shows."""
    document = logged_spec(record, store)
    written = document.value if document is not None else {}
    chain = {**written, **table(table(record.overrides).get("set"))}.get("chain")
    said: dict[str, Json] = {
        "description": written.get("description"),
        "chain": "server" if chain == "server" else None,
        "tags": record.tags,
        "metadata": record.metadata,
    }
    return {name: item for name, item in said.items() if item}


def _models(workspace: Workspace, record: Record) -> Iterator[ModelRef]:
    """The model that a run asked: by its spec, where that names the same one today, and by its id."""
    try:
        if record.model_spec is not None:
            model = model_reference(workspace, record.model_spec)
            if (model.provider.name, model.model) == (record.provider, record.model):
                yield model
    except (BadReference, SetupError, SpecError):
        pass
    yield ModelRef(provider(record.provider or ""), record.model or "")


class _Opening:
    """The ways from a request that was sent to a spec, tried one after the other."""

    def __init__(
        self, stand: Stand, wanted: Wanted | None, files: MediaFiles, read: MediaReader, name: str, origin: str
    ) -> None:
        self._stand = stand
        self._wanted = wanted
        self._files = files
        self._read = read
        self._name = name
        self._origin = origin
        self._written: _Draft | None = None
        self._as_written_failed: str | None = None
        self._reasons: list[str] = []
        self._found: list[Reopened] = []

    @property
    def done(self) -> bool:
        """Whether nothing better can be found."""
        return any(not one.proof.differences for one in self._found)

    def as_written(self, record: Record, store: MediaStore, home: Path) -> None:
        """Try the spec of a run as it was written."""
        with self._trying():
            written = as_written(self._stand.workspace, record, store, self._files)
            if written is not None:
                moved = self._files.folder != home
                self._written = _Draft(written.value, written.document, moved, written.told)
                self._take(self._written)
        self._as_written_failed = next(iter(self._reasons), None)

    def in_words(self, wanted: Wanted, model: ModelRef, said: Mapping[str, Json]) -> None:
        """Try the wire in the words of a spec, with what a spec `said` besides, unless something better is found."""
        if self.done:
            return
        with self._trying():
            stand, read, source_of = self._stand, self._read, self._files.source_of
            request = adapter(model.provider, wanted.api).uncompile(marked(wanted.wire), wanted.target)
            if "chain" in said:
                request = request._replace(chain="server")
            spec = respec(stand.workspace, request, model, read=read, source_of=source_of, file=stand.file, exact=True)
            first = {name: said[name] for name in ("description",) if name in said}
            last = {name: said[name] for name in ("tags", "metadata") if name in said}
            told = self._take(_Draft({"kind": spec.pop("kind"), **first, **spec, **last}))
            if self._written is not None and self._written.document is not None:
                self._mend(self._written, self._written.document, told)

    def best(self) -> Reopened:
        """The spec of the run, unless only its wire in other words is proved. Raises `NotReplayable` for nothing."""
        best = min(self._found, key=lambda one: (bool(one.proof.differences), one.rendered), default=None)
        self._files.tidy(best.text if best is not None else "")
        if best is None:
            why = self._reasons[-1] if self._reasons else "nothing was sent, and its spec is not kept"
            beside = self._files.file is None and self._wanted is not None and any(references(self._wanted.wire))
            hint = "add --out FILE: its media stand beside it then" if beside else "plcli log show RUN --wire shows it"
            raise NotReplayable(f"{self._name} cannot be told as a spec: {why}", hint=hint)
        if best.rendered and self._as_written_failed:
            told = f"its wire in the words of a spec, without variables: {self._as_written_failed}"
            best = best._replace(told=(told, *best.told))
        return best

    def _mend(self, written: _Draft, document: Document, words: Reopened) -> None:
        """Try the spec as it was written with fields as they were sent."""
        stand = self._stand

        def made(value: dict[str, Json]) -> Resolved:
            return resolve(stand.workspace, replace(document, value=value), stand.file, given={})

        put_right = mended(written.value, document.file, words.document.value, words.resolved.request, made)
        if put_right is not None and put_right.changed:
            told = f"as it was sent, because the spec would say something else now: {', '.join(put_right.changed)}"
            self._take(written._replace(value=put_right.value, told=(*written.told, told)))

    def _take(self, draft: _Draft) -> Reopened:
        """A draft as text, and its proof. Raises `SpecError` and `UsageError` where it does not resolve."""
        stand, wanted, rendered = self._stand, self._wanted, draft.document is None
        made = text_of(stand.workspace, stand.file, stand.format, draft.value, draft.document, moved=draft.moved)
        shown = stand.workspace.label(stand.file) if stand.file is not None else "-"
        document = parse(made.text, file=shown, format=stand.format)
        resolved = resolve(stand.workspace, document, stand.file, given={})
        proof = prove(resolved, wanted, self._read) if wanted is not None else Proof("nothing was sent")
        heading = headed(made.text, f"{self._origin}; {(proof.reason or SAME).removeprefix('it ')}", stand.format)
        document = parse(heading.text, file=shown, format=stand.format)
        told = (*draft.told, *(f"left out: {comment}" for comment in made.lost))
        found = Reopened(
            heading.text,
            document,
            resolved._replace(document=document),
            proof,
            told,
            heading.line,
            rendered,
            self._files,
        )
        self._found.append(found)
        if proof.differences:
            self._reasons.append(f"{proof.reason}")
        return found

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """Remember why a way leads nowhere."""
        try:
            yield
        except SpecError as error:
            first = error.problems[0]
            self._reasons.append(f"{first.message} (at {first.path})" if first.path else first.message)
        except MediaMissing as error:
            self._reasons.append(f"{error} is gone")
        except RecursionError:
            self._reasons.append("it is nested too deeply")
        except (UsageError, ValueError) as error:
            self._reasons.append(str(error))
