"""From a request spec to a request: variables, model, tools, files and defaults put together.

Knows files and names, but no network; every problem of a spec is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from plcli import conversation, ingredients, paths, templates
from plcli.conversation import Fill, Place, Reading, SourceFile
from plcli.documents import Document
from plcli.errors import Problem, SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.media import Json, Media
from plcli.modelrefs import ModelRef, model_reference
from plcli.providers.registry import Compiled, adapter
from plcli.request import Loss, Request
from plcli.schemas import load_spec
from plcli.specs import Expectation, RequestSpec
from plcli.variables import Given
from plcli.variables import resolve as resolve_variables
from plcli.workspace import Workspace


class Overrides(NamedTuple):
    """What the command line changes: another model, and values at paths of the spec (`--set`)."""

    model: str | None = None
    set: tuple[tuple[str, Json], ...] = ()

    def record(self) -> dict[str, Json] | None:
        """How a record names them; None where nothing was changed."""
        shown: dict[str, Json] = {}
        if self.model is not None:
            shown["model"] = self.model
        if self.set:
            shown["set"] = dict(self.set)
        return shown or None


class Resolved(NamedTuple):
    """A request with everything it was made of, and what is checked of its answer.

    `losses` are header fields that the api cannot carry; they stop a plain run (see `resolve`), and are
    told where the request moved to another api. `file` is None for a prompt of the command line.
    """

    request: Request
    compiled: Compiled
    model: ModelRef
    spec: RequestSpec
    document: Document
    file: Path | None
    variables: dict[str, Json]
    expectations: tuple[Expectation, ...]
    sources: tuple[SourceFile, ...]
    media: Media
    overrides: Overrides = Overrides()
    losses: tuple[Loss, ...] = ()

    @property
    def name(self) -> str | None:
        """How a person knows the request; None for a prompt of the command line."""
        return self.document.file if self.file is not None else None

    @property
    def model_name(self) -> str:
        """How a person knows the model."""
        return self.model.name or f"{self.request.provider}/{self.request.model}"


def resolve(
    workspace: Workspace,
    document: Document,
    file: Path | None,
    *,
    given: Mapping[str, Given],
    overrides: Overrides | None = None,
) -> Resolved:
    """Make the request of a spec, compiled for its api.

    `file` is where the spec stands (None: nowhere; paths in it are relative to the current folder).
    Raises `SpecError` with every problem of the files, `UsageError` for variables and overrides.
    """
    overrides = overrides or Overrides()
    document = _overridden(document, overrides)
    written = load_spec(document, RequestSpec)
    variables = resolve_variables(written.variables, given)

    def fill(text: str, where: Document | str, place: Place) -> str:
        if isinstance(where, str):
            return templates.fill(text, variables, kind=written.template, file=where, locate=lambda line: (line, None))
        return templates.fill(
            text,
            variables,
            kind=written.template,
            file=where.file,
            path=paths.show(place),
            locate=lambda line: where.position(place, line=line),
        )

    reading = _reading(workspace, document, file, fill)
    reading.note_spec()
    built = _build(reading, written, variables, overrides)
    expectations = ingredients.expectations(reading, written)
    if built is not None and not built.moved:
        reading.problems += _as_problems(document, built.losses)
    if reading.problems or built is None:
        raise SpecError(reading.problems)
    return Resolved(
        request=built.request,
        compiled=built.compiled,
        model=built.model,
        spec=written,
        document=document,
        file=file,
        variables=variables,
        expectations=expectations,
        sources=tuple(reading.sources.values()),
        media=reading.media,
        overrides=overrides,
        losses=built.losses,
    )


def not_carried(workspace: Workspace, document: Document, file: Path | None) -> list[Problem]:
    """What the api of a request spec cannot carry, whatever its variables; for validation.

    Raises `SpecError` for a document that is no request spec.
    """
    written = load_spec(document, RequestSpec)
    reading = _reading(workspace, document, file, lambda text, where, place: text)
    defaults = {name: declared.get("default") for name, declared in written.variables.items()}
    built = _build(reading, written, defaults, Overrides())
    return _as_problems(document, built.losses) if built else []


def _reading(workspace: Workspace, document: Document, file: Path | None, fill: Fill) -> Reading:
    return Reading(workspace, document, file or workspace.start / "-", fill)


class _Built(NamedTuple):
    """A request, compiled; `moved` says that an override took it to another api."""

    request: Request
    compiled: Compiled
    model: ModelRef
    losses: tuple[Loss, ...]
    moved: bool


def _build(reading: Reading, written: RequestSpec, variables: dict[str, Json], overrides: Overrides) -> _Built | None:
    """Put a request together as far as its problems allow; None where even its model is not known."""
    model, api, moved = _model(reading, written, overrides)
    turns = conversation.messages(reading, written, variables)
    tools = ingredients.tools(reading, written)
    output = ingredients.output(reading, written)
    image = ingredients.image(reading, written)
    if model is None:
        return None
    losses: list[Loss] = []
    native = written.body
    if moved and native:
        losses.append(Loss("body", f"is native to the api it was written for; {api} does not get it"))
        native = {}
    own = model.spec
    made = adapter(model.provider, api)
    request = made.defaults(
        Request(
            provider=model.provider.name,
            api=api,
            model=model.model,
            messages=turns,
            tools=tools,
            tool_choice=ingredients.tool_choice(written),
            parallel_tool_calls=written.parallel_tool_calls,
            chain=written.chain,
            output=output,
            params=ingredients.params(own.params if own else None, written.params),
            image=image,
            omit=(*written.omit, *(own.omit if own else ())),
            body=reading.lifted(paths.merge(own.body if own else {}, native)),
            script=ingredients.script(reading, model),
        ),
        own,
    )
    compiled = made.compile(request)
    return _Built(request, compiled, model, (*losses, *compiled.losses), moved)


def _overridden(document: Document, overrides: Overrides) -> Document:
    """The document with `--set` applied, before anything of it is judged."""
    value: Json = document.value
    for path, item in overrides.set:
        try:
            value = paths.place(value, path, item)
        except ValueError as error:
            raise UsageError(f"--set {path}: {error}", hint="write --set params.temperature=0.2") from None
    return replace(document, value=value)


def _model(reading: Reading, written: RequestSpec, overrides: Overrides) -> tuple[ModelRef | None, str, bool]:
    """The model, its api, and whether an override moved the request to another api."""
    place: Place = ("model",)
    asked = overrides.model or written.model or reading.workspace.spec.model
    if asked is None:
        hint = "add model: openai/MODEL-ID, or give --model; echo/any answers without a key"
        reading.problem(place, "no model is named, here or in plcli.toml", hint)
        return None, "", False
    try:
        model = model_reference(reading.workspace, asked)
        wanted = written.api
        moved = False
        if overrides.model is not None and written.model is not None:
            before = model_reference(reading.workspace, written.model)
            if model.name is not None or model.provider != before.provider:
                wanted = None
            moved = (model.provider, model.api(wanted)) != (before.provider, before.api(written.api))
        api = model.api(wanted)
    except SpecError as error:
        reading.problems.extend(error.problems)
        return None, "", False
    except (BadReference, SetupError) as error:
        if overrides.model is not None:
            raise UsageError(f"--model {overrides.model}: {error.message}", hint=error.hint) from None
        reading.problem(place, error.message, error.hint)
        return None, "", False
    if model.path is not None and model.document is not None:
        reading.note(model.path, model.document.text)
    return model, api, moved


def _as_problems(document: Document, losses: Iterable[Loss]) -> list[Problem]:
    problems = []
    for loss in losses:
        try:
            place = paths.parse(loss.path)
        except ValueError:
            place = ()
        problems.append(document.problem(place, loss.message, loss.hint))
    return problems
