"""Validation: every problem of spec files, and of the specs and files that they name, at once."""

from __future__ import annotations

import fnmatch
import functools
import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from plcli.conversation import Reading
from plcli.documents import FORMATS, MAX_BYTES, Document, parse
from plcli.errors import Problem, SpecError, UsageError
from plcli.fence import BadReference, read_regular, walk
from plcli.handler_rules import handler_problems
from plcli.media import Json
from plcli.model_rules import model_problems
from plcli.modelrefs import model_of
from plcli.request_rules import request_findings
from plcli.resolve import not_carried
from plcli.schemas import load_any, load_spec
from plcli.spec_rules import tool_problems, workspace_problems
from plcli.specs import KINDS, Closed, ModelSpec, RequestSpec, StubsSpec, ToolSpec, WorkspaceSpec
from plcli.specs.tool import Stub
from plcli.stub_rules import stub_problems
from plcli.toolbox import lonely_stubs, placing_problems, stubs_file
from plcli.workspace import FILE, MEDIA, Workspace

STDIN = "-"
"""The path that stands for standard input."""

MOST = 1000
"""Problems of one file that are worth a reader's time."""

_KIND = re.compile(rb"""(?:^|[{,])\s*["']?kind["']?\s*[:=]\s*["']?(?:%s)\b""" % "|".join(KINDS).encode(), re.MULTILINE)


class Report(NamedTuple):
    """What was looked at, named as messages name it, and every problem, by file and position."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are no warnings."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check(workspace: Workspace, paths: Sequence[str], stdin: BinaryIO, *, today: date | None = None) -> Report:
    """Validate files, folders (every spec below), patterns (`prompts/*.yaml`) and `-` (standard input).

    Models that draw and are gone `today`, or soon will be, are warned about; without it none is.
    Raises `UsageError` for a pattern that fits no file, and for a folder without any spec.
    """
    validation = _Validation(workspace, today)
    for path in paths:
        if path == STDIN:
            validation.check_text(stdin.read(MAX_BYTES + 1))
            continue
        for file in _files(workspace, path):
            validation.check_file(file)
    return validation.report()


def problems_of(workspace: Workspace, document: Document, path: Path | None) -> list[Problem]:
    """Every problem of a document and of what it names; `path` is None where it stands in no file."""
    validation = _Validation(workspace)
    validation.check_document(document, path)
    return list(validation.report().problems)


class _Validation:
    """Files as they are looked at, each once, and what was found in them."""

    def __init__(self, workspace: Workspace, today: date | None = None) -> None:
        self.workspace = workspace
        self.today = today
        self.files: dict[str, None] = {}
        self.problems: dict[Problem, None] = {}

    def report(self) -> Report:
        def place(problem: Problem) -> tuple[str, int, int, str]:
            return problem.file, problem.line or 0, problem.column or 0, problem.path

        shown: list[Problem] = []
        counts: dict[str, int] = {}
        for problem in sorted(self.problems, key=place):
            count = counts[problem.file] = counts.get(problem.file, 0) + 1
            if count <= MOST:
                shown.append(problem)
            elif count == MOST + 1:
                shown.append(Problem(problem.file, f"more than {MOST:,} problems; the others are not shown"))
        return Report(tuple(self.files), tuple(shown))

    def add(self, problems: Iterable[Problem]) -> None:
        self.problems.update(dict.fromkeys(problems))

    def check_text(self, text: bytes) -> None:
        """A spec from standard input: JSON where it starts like it, else YAML."""
        self.files[STDIN] = None
        try:
            document = parse(text, file=STDIN, format="json" if text.lstrip().startswith(b"{") else "yaml")
        except SpecError as error:
            self.add(error.problems)
        else:
            self.check_document(document, None)

    def check_file(self, path: Path) -> None:
        """A spec file, unless it was looked at before."""
        label = self.workspace.label(path)
        if label in self.files:
            return
        self.files[label] = None
        try:
            document = self.workspace.document(path)
        except SpecError as error:
            self.add(error.problems)
        else:
            self.check_document(document, path)

    def check_document(self, document: Document, path: Path | None) -> None:
        """A document of any kind; `path` is None where it stands in no file."""
        try:
            spec = _load(document, path)
        except SpecError as error:
            self.add(error.problems)
            return
        match spec:
            case RequestSpec():
                self._check_request(document, spec, path)
            case ToolSpec():
                self._check_tool(document, spec, path)
            case StubsSpec():
                self.add(lonely_stubs(document, path))
                self._check_stubs(document, spec.stubs, path)
            case ModelSpec():
                self._check_model(document, spec, path)
            case WorkspaceSpec():
                self.add(workspace_problems(document, spec, self.workspace))

    def _check_request(self, document: Document, spec: RequestSpec, path: Path | None) -> None:
        place = path or self.workspace.start / STDIN
        findings = request_findings(self.workspace, document, place, spec, self.today)
        self.add(findings.problems)
        for named in findings.named:
            self.check_file(named)
        self.add(not_carried(self.workspace, document, path))

    def _check_tool(self, document: Document, spec: ToolSpec, path: Path | None) -> None:
        self.add(tool_problems(document, spec))
        if path is None or self.workspace.inner(path) is None:
            self.add(handler_problems(self.workspace, document, spec))
        self._check_stubs(document, spec.stubs, path, spec)
        if path is None:
            return
        self.add(placing_problems(self.workspace, document, spec, path))
        beside = stubs_file(path)
        if beside is None:
            return
        self.files[self.workspace.label(beside)] = None
        try:
            stubs = self.workspace.document(beside)
            self._check_stubs(stubs, load_spec(stubs, StubsSpec).stubs, path, spec)
        except SpecError as error:
            self.add(error.problems)

    def _check_stubs(
        self, document: Document, stubs: Sequence[Stub], path: Path | None, tool: ToolSpec | None = None
    ) -> None:
        base = path.parent if path else self.workspace.start
        self.add(stub_problems(self.workspace, document, stubs, base, tool))

    def _check_model(self, document: Document, spec: ModelSpec, path: Path | None) -> None:
        self.add(model_problems(document, spec))
        try:
            model_of(document, spec, path)
        except SpecError as error:
            self.add(error.problems)
        reading = Reading(self.workspace, document, path or self.workspace.start / STDIN, lambda text, *_: text)
        for place, step in _steps(document.value.get("script")):
            if isinstance(picture := step.get("image"), dict):
                reading.medium(picture["source"], (*place, "image", "source"), "base64")
        self.add(reading.problems)


def _load(document: Document, path: Path | None) -> Closed:
    """A document as the spec that its name or else its `kind` says. Raises `SpecError`."""
    if path is not None and path.name == FILE:
        return load_spec(document, WorkspaceSpec)
    if path is not None and path.stem.endswith(".stubs"):
        return load_spec(document, StubsSpec)
    return load_any(document)


def _steps(script: Any) -> Iterator[tuple[tuple[str | int, ...], dict[str, Json]]]:
    """The steps of a script, or of all its answers, each with its place."""
    for n, item in enumerate(script or ()):
        if isinstance(item, list):
            yield from ((("script", n, m), step) for m, step in enumerate(item))
        else:
            yield ("script", n), item


def _files(workspace: Workspace, path: str) -> list[Path]:
    """The spec files that a path of the command line stands for."""
    place = Path(os.path.abspath(workspace.start / path))
    exact = os.path.lexists(place)
    if not exact and glob.has_magic(path):
        found = _fitting(workspace, place)
        if not found:
            raise UsageError(f"no file fits {path}", hint="quote the pattern, and check the folder it starts in")
        return found
    if os.path.isdir(place):
        found = [file for file in _below(place) if _is_spec(workspace, file)]
        if not found:
            raise UsageError(f"no spec below {path}", hint="name a file, or a folder with files that have a `kind`")
        return found
    if not exact and place.suffix.lower() not in FORMATS:
        raise UsageError(f"there is no file or folder {path}", hint="name a spec file, a folder, or a pattern")
    return [place]


def _fitting(workspace: Workspace, pattern: Path) -> list[Path]:
    """The files that fit a pattern, and the specs below the folders that do.

    `glob` follows every link and never gives up, and a repository may hold links that lead in circles.
    """
    plain = tuple(itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    parts = pattern.parts[len(plain) :]
    found = []
    for file in _below(Path(*plain)):
        steps = file.parts[len(plain) :]
        inside = any(_fits(steps[:length], parts) for length in range(len(steps)))
        if (parts[-1] != "**" and _fits(steps, parts)) or (inside and _is_spec(workspace, file)):
            found.append(file)
    return found


@functools.lru_cache(maxsize=10_000)
def _fits(steps: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether the steps of a path fit a pattern's parts; `**` stands for any number of them."""
    if not parts or not steps:
        return not steps and all(part == "**" for part in parts)
    if parts[0] == "**":
        return _fits(steps, parts[1:]) or _fits(steps[1:], parts)
    hidden = steps[0].startswith(".") and not parts[0].startswith(".")
    return not hidden and fnmatch.fnmatchcase(steps[0], parts[0]) and _fits(steps[1:], parts[1:])


def _below(folder: Path) -> Iterator[Path]:
    try:
        yield from walk(folder)
    except BadReference as error:
        raise UsageError(error.message, hint=error.hint) from None


def _is_spec(workspace: Workspace, path: Path) -> bool:
    """Whether a file below a folder counts as a spec: by its place, or by the `kind` that it says."""
    if path.name == FILE:
        return True
    if path.suffix.lower() not in FORMATS or path.stem.endswith(".schema"):
        return False
    if path.is_relative_to(workspace.recordings / MEDIA):
        return False  # copies of what runs were made of
    folders = (workspace.folder("request"), workspace.folder("tool"), workspace.folder("model"))
    if path.stem.endswith(".stubs") or any(path.is_relative_to(folder) for folder in folders):
        return True
    try:
        if not _KIND.search(read_regular(workspace.fence.place(path.name, beside=path), path.name)):
            return False
        kind = workspace.document(path).value.get("kind")
    except BadReference:
        return False
    except SpecError:
        return True
    return isinstance(kind, str) and kind in KINDS
