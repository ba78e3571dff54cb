"""Which models a workspace uses: its model specs, what its requests name, and what its recordings asked.

A spec that is wrong is told and hides no other. Nothing is sent.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from io import FileIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

from plcli import disk, lines, retirements, trust
from plcli.documents import Document
from plcli.environment import UserSide
from plcli.errors import PlcliError, Problem, SetupError, SpecError
from plcli.fence import BadReference, walk
from plcli.modelrefs import ModelRef, model_of, model_reference
from plcli.paths import Parts, show
from plcli.providers.registry import PROVIDERS, Provider
from plcli.records import Record
from plcli.runlog import Damage, RunLog
from plcli.schemas import load_spec
from plcli.specs import ModelSpec, RequestSpec
from plcli.specs.request import BuiltinTool
from plcli.workspace import Kind, Workspace


class Use(NamedTuple):
    """A place that names a model; `home` says that the provider itself serves it there, not a cloud or another server.

    `line` and `column` count from 1; `run` is the run of a recording, whose line it is.
    """

    provider: str
    model: str
    home: bool
    file: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    run: str | None = None

    @property
    def where(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class UsedModel(NamedTuple):
    """A model spec, or a model that requests name directly, and the requests that use it."""

    ref: ModelRef
    use: Use
    requests: tuple[Use, ...] = ()

    @property
    def name(self) -> str:
        """How the command line knows the model."""
        return self.ref.name or f"{self.ref.provider.name}/{self.ref.model}"


class Survey(NamedTuple):
    """The models of a workspace in order of their names, all places that name an id, and what is wrong with specs."""

    models: tuple[UsedModel, ...]
    uses: tuple[Use, ...]
    problems: tuple[Problem, ...]


def survey(workspace: Workspace, user: UserSide) -> Survey:
    """Read every model spec and every request of a workspace."""
    surveying = _Surveying(workspace, user)
    surveying.read_models()
    surveying.read_default()
    surveying.read_requests()
    models = [used._replace(requests=tuple(surveying.requests[key])) for key, used in surveying.models.items()]
    models.sort(key=lambda used: (used.ref.name is None, used.name))
    return Survey(tuple(models), tuple(surveying.uses), tuple(dict.fromkeys(surveying.problems)))


def recorded(workspace: Workspace, user: UserSide, report: Callable[[Problem], object]) -> Iterator[Use]:
    """The models that recordings asked, by file and line; a line that is no record is reported.

    Raises `LogError` for a file that cannot be read, and for a line of an unknown version.
    """
    for path in sorted(_recordings(workspace)):
        yield from _recorded(path, workspace.label(path), user, report)


def used_model(found: Survey, ref: ModelRef, user: UserSide) -> UsedModel:
    """A model as the workspace uses it, or as it would."""
    known = next((used for used in found.models if _key(used.ref) == _key(ref)), None)
    return known or UsedModel(ref, Use(ref.provider.name, ref.model, _home(ref, user), ""))


def retiring(uses: Iterable[Use], today: date, within: int) -> list[Problem]:
    """An error for each place that uses a model that is gone, a warning where it will be in so many days."""
    found = []
    for use in uses:
        known = retirements.of(use.provider, use.model, today) if use.home else None
        if known is not None and known.days <= within:
            message = f"run {use.run}: {known.end}" if use.run else known.end
            severity: Literal["error", "warning"] = "error" if known.gone else "warning"
            found.append(Problem(use.file, message, use.path, use.line, use.column, known.way_out, severity))
    return found


class _Surveying:
    """A workspace as it is read."""

    def __init__(self, workspace: Workspace, user: UserSide) -> None:
        self.workspace = workspace
        self.user = user
        self.models: dict[str, UsedModel] = {}
        self.requests: defaultdict[str, list[Use]] = defaultdict(list)
        self.uses: list[Use] = []
        self.problems: list[Problem] = []
        self.reference = functools.cache(self._reference)

    def read_models(self) -> None:
        """The model specs."""
        for paths in self._named("model"):
            for path in paths:
                with self._telling():
                    document = self.workspace.document(path)
                    ref = model_of(document, load_spec(document, ModelSpec), path)
                    self._add(ref, self._use(ref, ref.model, document, ("model",)))

    def read_default(self) -> None:
        """The model of requests that name none."""
        file, name = self.workspace.file, self.workspace.spec.model
        if file is not None and name is not None:
            with self._telling():
                document = self.workspace.document(file)
                self._name(name, document)

    def read_requests(self) -> None:
        """The requests: the model of each, and those that draw for it."""
        for path in (path for paths in self._named("request") for path in paths):
            with self._telling():
                document = self.workspace.document(path)
                if document.value.get("kind") == "request":
                    self._read_request(document, load_spec(document, RequestSpec))

    def _read_request(self, document: Document, spec: RequestSpec) -> None:
        name = spec.model or self.workspace.spec.model
        ref = self._name(name, document, spelled=spec.model is not None) if name else None
        if ref is None:
            return
        self.requests[_key(ref)].append(self._use(ref, ref.model, document, ("model",)))
        for place, model in _drawing(spec):
            self.uses.append(self._use(ref, model, document, place))

    def _name(self, name: str, document: Document, spelled: bool = True) -> ModelRef | None:
        """The model that a document names under `model`; the problem is told where there is none such."""
        found = self.reference(name)
        if isinstance(found, PlcliError):
            # What is wrong with a model spec is told of the spec, and a missing default of plcli.toml.
            if spelled and not isinstance(found, SpecError):
                self.problems.append(document.problem(("model",), found.message, found.hint))
            return None
        if spelled and found.name is None:
            self._add(found, self._use(found, found.model, document, ("model",)))
        return found

    def _reference(self, name: str) -> ModelRef | PlcliError:
        try:
            return model_reference(self.workspace, name)
        except (BadReference, SetupError, SpecError) as error:
            return error

    def _add(self, ref: ModelRef, use: Use) -> None:
        self.models.setdefault(_key(ref), UsedModel(ref, use))
        self.uses.append(use)

    def _use(self, ref: ModelRef, model: str, document: Document, path: Parts) -> Use:
        line, column = document.position(path)
        return Use(ref.provider.name, model, _home(ref, self.user), document.file, show(path), line, column)

    def _named(self, kind: Kind) -> Iterable[tuple[Path, ...]]:
        try:
            return self.workspace.names(kind).values()
        except BadReference as error:
            self.problems.append(
                Problem(self.workspace.label(self.workspace.folder(kind)), error.message, hint=error.hint)
            )
            return ()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except SpecError as error:
            self.problems += error.problems


def _home(ref: ModelRef, user: UserSide) -> bool:
    """Whether the maker of a model serves it."""
    if ref.spec and (ref.spec.azure or ref.spec.vertex):
        return False
    return _leads_home(ref.provider, ref.spec.base_url if ref.spec else None, user)


def _leads_home(provider: Provider, base_url: str | None, user: UserSide) -> bool:
    """Whether a base URL leads to the provider itself, or to the user's own gateway to it; none does."""
    if base_url is None:
        return True
    try:
        return trust.at_home(provider, trust.Access(base_url, base_url), user)
    except (ValueError, SetupError):
        return False


def _key(ref: ModelRef) -> str:
    return str(ref.path) if ref.path else f"{ref.provider.name}/{ref.model}"


def _drawing(spec: RequestSpec) -> Iterator[tuple[Parts, str]]:
    """The models that make pictures for a request, each with its place."""
    items: list[tuple[Parts, Any]] = [(("image", "model"), (spec.image or {}).get("model"))]
    for n, tool in enumerate(spec.tools):
        if isinstance(tool, BuiltinTool):
            items.append((("tools", n, "model"), (tool.model_extra or {}).get("model")))
    return ((path, model) for path, model in items if isinstance(model, str))


def _recordings(workspace: Workspace) -> Iterator[Path]:
    if os.path.isdir(workspace.recordings):
        yield from (path for path in walk(workspace.recordings) if path.suffix == ".jsonl")


def _recorded(path: Path, name: str, user: UserSide, report: Callable[[Problem], object]) -> Iterator[Use]:
    damages: list[Damage] = []
    log = RunLog(path, damages.append)
    try:
        with FileIO(disk.open_plain(path, os.O_RDONLY)) as file:
            for number, found in enumerate(lines.forward(file, lines.settled_end(file)), start=1):
                entry = None if found.raw.isspace() else log.read(found)
                for damage in damages:
                    message = f"the line is no record: {damage.reason}"
                    report(
                        Problem(
                            name, message, line=number, hint="take it out, or restore it from git", severity="warning"
                        )
                    )
                damages.clear()
                if isinstance(entry, Record):
                    yield from _asked(entry, name, number, user)
    except (OSError, ValueError) as error:
        raise disk.refusal(path, error) from None


def _asked(record: Record, file: str, line: int, user: UserSide) -> Iterator[Use]:
    """The models that a recorded run asked, those that drew for it included."""
    provider = PROVIDERS.get(record.provider or "")
    if provider is None:
        return
    home = _leads_home(provider, record.endpoint.base_url if record.endpoint else None, user)
    for model in dict.fromkeys([record.model, *_drew(record)]):
        if model is not None:
            yield Use(provider.name, model, home, file, "model", line, 1, record.id)


def _drew(record: Record) -> Iterator[str]:
    for exchange in record.exchanges:
        tools = exchange.request.get("tools") if isinstance(exchange.request, Mapping) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, Mapping) and isinstance(tool.get("model"), str):
                yield tool["model"]
