"""What the command line says, as values: specs to run, variables, rows, and overrides."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plcli import yaml12
from plcli.documents import FORMATS, MAX_BYTES, Document, parse
from plcli.drawing import Picture
from plcli.errors import SpecError, UsageError
from plcli.fence import MEDIA_LIMIT, BadReference, Opened, read_regular
from plcli.media import Json, MediaRef
from plcli.overrides import Overrides
from plcli.providers import answer
from plcli.rows import Rows
from plcli.rows import read as read_rows
from plcli.snapshots import STDIN, Snapshot, Snapshots, stdin_format
from plcli.sources import in_file, stated
from plcli.variables import Given, Raw
from plcli.workspace import Workspace

_FROM_HERE = "name a file by its path from the current folder"


@dataclass(frozen=True, slots=True)
class Input:
    """A spec to run with the variables of one row. `file` is None where it stands in no file.

    `workspace` is the older state of the workspace that the spec is of; None for today's.
    """

    document: Document
    file: Path | None
    given: Mapping[str, Given]
    row: int | None = None
    workspace: Workspace | None = None


def read_inputs(
    workspace: Workspace,
    specs: Sequence[str],
    prompt: str | None,
    var: Sequence[str],
    rows: Path | None,
    snapshots: Snapshots | None = None,
) -> list[Input]:
    """Every spec with every row; see `read_spec`. Raises `SpecError` and `UsageError`."""
    if [*specs, *(text.partition("=")[2] for text in var)].count("-") > 1:
        raise UsageError("standard input is named more than once", hint="put one of them in a file: --var name=@file")
    given = read_variables(workspace, var)
    table = _table(workspace, rows) if rows else None
    if prompt is not None:
        sources = [Snapshot(workspace, _prompt(prompt, filled=bool(given) or table is not None), None)]
    else:
        sources = [read_spec(workspace, name, snapshots) for name in specs]
    return [
        Input(
            source.document,
            source.file,
            {**row, **given},
            n if table is not None else None,
            source.workspace if source.workspace is not workspace else None,
        )
        for source in sources
        for n, row in enumerate(table if table is not None else [{}])
    ]


def read_variables(workspace: Workspace, texts: Sequence[str]) -> dict[str, Given]:
    """`--var NAME=VALUE`, `NAME=@FILE` and `NAME=-`; the last one of each counts. Raises `UsageError`."""
    return dict(_variable(workspace, text) for text in texts)


def read_overrides(models: Sequence[str], settings: Sequence[str]) -> list[Overrides]:
    """`--set PATH=YAML` with each `--model`, or without one. Raises `UsageError`."""
    pairs: list[tuple[str, Json]] = []
    for text in settings:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise UsageError(f"--set {text!r} has no path and value", hint="write --set params.temperature=0.2")
        try:
            pairs.append((path, yaml12.read(value, f"--set {path}")[0]))
        except SpecError as error:
            raise UsageError(f"--set {path}: {error.message}", hint=error.hint or "the value is YAML") from None
    named: Sequence[str | None] = models or [None]
    return [Overrides(model, tuple(pairs)) for model in named]


def read_spec(workspace: Workspace, name: str, snapshots: Snapshots | None = None) -> Snapshot:
    """The spec of a path, of a name in the workspace, or of standard input (`-`).

    With `snapshots` also that of a revision: `prompts/x.yaml@HEAD~3`, `name@main`. Raises `SpecError` and `UsageError`.
    """
    if name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
        return Snapshot(workspace, parse(data, file=STDIN, format=stdin_format(data)), None)
    if snapshots is not None and (parts := at_revision(workspace, name)) is not None:
        spec, rev = parts
        return snapshots.at(Path(spec), rev) if _is_path(workspace, spec) else snapshots.named(spec, rev)
    path = workspace.start / name
    if name.startswith("./") and not os.path.lexists(path) and (parts := at_revision(workspace, name[2:])) is not None:
        hint = f"without ./ it is the revision {parts[1]} of {parts[0]}"
        raise UsageError(f"there is no file {name}", hint=hint)
    if _is_path(workspace, name):
        return Snapshot(workspace, workspace.document(path), Path(os.path.realpath(path)))
    try:
        found = workspace.lookup("request", name)
    except BadReference as error:
        raise UsageError(error.message, hint=error.hint) from None
    if found is None:
        meant = workspace.suggestion("request", name)
        folder = workspace.label(workspace.folder("request"))
        hint = f"did you mean {meant!r}?" if meant else f"name a file, or a request of {folder}/"
        raise UsageError(f"there is no request {name!r}", hint=hint)
    return Snapshot(workspace, workspace.document(found), found)


def at_revision(workspace: Workspace, text: str) -> tuple[str, str] | None:
    """The spec and the revision that `spec@REV` names, or None for one of today.

    A file that exists wins, and so does a name; `./` in front says that it is a path. A revision may hold an `@` too.
    """
    if "@" not in text or text.startswith("./") or os.path.isfile(workspace.start / text):
        return None
    cuts = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == "@" and at]
    files = [parts for parts in cuts if Path(parts[0]).suffix.lower() in FORMATS]
    named = Path(text).suffix.lower() in FORMATS or text in workspace.names("request")
    return next(iter(files if files or named else cuts), None)


def _is_path(workspace: Workspace, spec: str) -> bool:
    """Whether a spec is named by its path."""
    path = workspace.start / spec
    return os.path.isfile(path) or path.suffix.lower() in FORMATS or "/" in spec


def _prompt(prompt: str, *, filled: bool) -> Document:
    """The spec of a prompt on the command line; it is a template only where variables are given."""
    template = "jinja2" if filled else "none"
    spec = {"kind": "request", "template": template, "prompt": prompt}
    return parse(json.dumps(spec), file="--prompt", format="json")


def _variable(workspace: Workspace, text: str) -> tuple[str, Given]:
    """`name=value`, `name=@file`, or `name=-` for standard input."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--var {text!r} has no name and value", hint="write --var city=Paris")
    return name, Raw(read_text(workspace, value, f"--var {name}"))


def read_text(workspace: Workspace, value: str, what: str) -> str:
    """A value of the command line: the text itself, `@file`, or `-` for standard input. Raises `UsageError`."""
    if value == "-":
        return _decoded(sys.stdin.buffer.read(MAX_BYTES + 1), what)
    if not value.startswith("@"):
        return value
    path = workspace.start / value[1:]
    try:
        return _decoded(read_regular(Path(os.path.realpath(path)), value[1:]), what)
    except BadReference as error:
        raise UsageError(f"{what}: {error.message}", hint=error.hint or _FROM_HERE) from None


def read_picture(workspace: Workspace, source: str, what: str) -> Picture:
    """A picture that the command line names: a file, an https or data URL, or `-`. Raises `UsageError`."""
    try:
        picture = _picture(workspace, source)
    except BadReference as error:
        raise UsageError(f"{what} {source[:200]}: {error.message}", hint=error.hint or _FROM_HERE) from None
    found = picture.medium.source
    if isinstance(found, MediaRef) and not found.mime.startswith("image/"):
        raise UsageError(f"{what} {source[:200]} is no picture", hint="name a PNG, JPEG, WebP or GIF file")
    return picture


def _picture(workspace: Workspace, source: str) -> Picture:
    """Raises `BadReference`."""
    if source == "-":
        data = sys.stdin.buffer.read(MEDIA_LIMIT + 1)
        if len(data) > MEDIA_LIMIT:
            raise BadReference(f"it is larger than {MEDIA_LIMIT // 1024 // 1024} MB")
        return Picture(in_file(Opened(Path(source), data), "data-url"))
    if medium := stated(source):
        return Picture(medium)
    path = Path(os.path.realpath(workspace.start / source))
    return Picture(in_file(Opened(path, read_regular(path, source, MEDIA_LIMIT)), "data-url"), path)


def read_answers(workspace: Workspace, texts: Sequence[str]) -> list[tuple[str, Json]]:
    """`--answer CALL=JSON` and `CALL=@file`: the calls, by id or name, and their answers. Raises `UsageError`."""
    answers = []
    for text in texts:
        call, equals, value = text.partition("=")
        if not equals or not call:
            hint = "write --answer call_1='{\"temperature\": 21}'"
            raise UsageError(f"--answer {text!r} has no call and answer", hint=hint)
        written = read_text(workspace, value, f"--answer {call}")
        try:
            answers.append((call, answer.parse(written)))
        except ValueError as error:
            hint = f"words are written as JSON too: --answer {call}='\"…\"'"
            raise UsageError(f"--answer {call}: the answer is no JSON: {error}", hint=hint) from None
    return answers


def _decoded(data: bytes, what: str, limit: int = MAX_BYTES) -> str:
    if len(data) > limit:
        raise UsageError(f"{what} is larger than {limit // 1024 // 1024} MB", hint="name a smaller file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from None


def _table(workspace: Workspace, path: Path) -> Rows:
    try:
        data = read_regular(Path(os.path.realpath(workspace.start / path)), str(path), MEDIA_LIMIT)
    except BadReference as error:
        raise UsageError(f"--vars: {error.message}", hint=error.hint or _FROM_HERE) from None
    return read_rows(_decoded(data, f"--vars {path}", MEDIA_LIMIT), str(path))
