"""From a request spec to a request: variables, model, tools, files and defaults put together.

Knows files and names, but no network; every problem of a spec is reported at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from plcli import conversation, ingredients, paths, templates
from plcli.conversation import Fill, Reading, SourceFile
from plcli.crossing import Origin, traced
from plcli.documents import Document
from plcli.drawing import drawn
from plcli.errors import Problem, SpecError
from plcli.media import Json, Media
from plcli.modelchoice import choose
from plcli.modelrefs import ModelRef
from plcli.moving import Moved, move
from plcli.overrides import Overrides, overridden
from plcli.paths import Parts
from plcli.providers.reading import rows
from plcli.providers.registry import Compiled, adapter
from plcli.request import Loss, Request
from plcli.schemas import load_spec
from plcli.specs import Expectation, RequestSpec
from plcli.specs.request import History
from plcli.toolbox import Tool
from plcli.variables import Given
from plcli.variables import resolve as resolve_variables
from plcli.workspace import Workspace

if TYPE_CHECKING:
    from plcli.records import Record  # heavy, and only a run that goes on has one


class Resolved(NamedTuple):
    """A request with everything it was made of, and what is checked of its answer.

    `losses` are header fields that the api cannot carry; they stop a plain run (see `resolve`), and are
    told where the request moved to another api. `file` is None for a prompt of the command line.
    """

    request: Request
    compiled: Compiled
    model: ModelRef
    spec: RequestSpec | None
    document: Document | None
    file: Path | None
    variables: dict[str, Json]
    expectations: tuple[Expectation, ...]
    sources: tuple[SourceFile, ...]
    media: Media
    overrides: Overrides = Overrides()
    losses: tuple[Loss, ...] = ()
    tools: Mapping[str, Tool] = MappingProxyType({})
    """The tools that have files, by name."""
    parent: Record | None = None
    """The run that this one continues; then the request is made of its wire, and of no spec."""
    of: Record | None = None
    """The run that this one repeats, exactly or made anew."""
    workspace: Workspace | None = None
    """The workspace of the spec, which may be an older state of it; None where it was made of none."""

    @property
    def name(self) -> str | None:
        """How a person knows the request; None for a prompt of the command line."""
        if self.parent is not None:
            return f"run {self.parent.tail}, continued"
        spec = self.document.file if self.document is not None and self.file is not None else None
        if self.of is None:
            return spec
        spec = spec or (self.of.spec.path if self.of.spec is not None else None)
        tail = f"run {self.of.tail}"
        return f"{spec} ({tail})" if spec else tail

    @property
    def before(self) -> Record | None:
        """The run that this one was made of; None where it was made of a spec."""
        return None if self.document is not None else self.parent or self.of

    @property
    def tags(self) -> Sequence[str]:
        """The words to find the run by that its spec, or the run before it, has."""
        return self.spec.tags if self.spec is not None else (self.before and self.before.tags) or ()

    @property
    def metadata(self) -> Mapping[str, Json]:
        """What the spec, or the run before, keeps with the run."""
        return self.spec.metadata if self.spec is not None else (self.before and self.before.metadata) or {}

    @property
    def model_name(self) -> str:
        """How a person knows the model."""
        return self.model.name or f"{self.request.provider}/{self.request.model}"

    @property
    def route(self) -> tuple[str, str, str | None]:
        """What requests of one connection have in common: the model, the api, and what the model's spec says."""
        return self.model_name, self.request.api, self.model.document.sha256 if self.model.document else None


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
    document = overridden(document, overrides)
    written = load_spec(document, RequestSpec)
    variables = resolve_variables(written.variables, given)
    reading = _reading(workspace, document, file, filler(written, variables))
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
        tools=built.tools,
        workspace=workspace,
    )


def filler(written: RequestSpec, variables: Mapping[str, Json]) -> Fill:
    """What fills the texts of a spec with these variables."""

    def fill(text: str, where: Document | str, place: Parts) -> str:
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

    return fill


def not_carried(workspace: Workspace, document: Document, file: Path | None) -> list[Problem]:
    """What the api of a request spec cannot carry, whatever its variables; for validation.

    Raises `SpecError` for a document that is no request spec.
    """
    written = load_spec(document, RequestSpec)
    reading = _reading(workspace, document, file, lambda text, where, place: text)
    defaults = {name: declared.get("default") for name, declared in written.variables.items()}
    built = _build(reading, written, defaults, Overrides())
    return _as_problems(document, built.losses) if built else []


def refusal(plan: Resolved) -> SpecError:
    """What the request of a plan cannot carry to its model, as the problems that stop it."""
    losses = [loss._replace(message=f"{loss.kind}: {loss.message}") for loss in plan.losses]
    if plan.document is None:
        return SpecError([Problem(plan.name or "the run", loss.message, loss.path, hint=loss.hint) for loss in losses])
    return SpecError(_as_problems(plan.document, losses))


def _reading(workspace: Workspace, document: Document, file: Path | None, fill: Fill) -> Reading:
    return Reading(workspace, document, file or workspace.start / "-", fill)


class _Built(NamedTuple):
    """A request, compiled; `moved` says that an override took it to another api."""

    request: Request
    compiled: Compiled
    model: ModelRef
    losses: tuple[Loss, ...]
    moved: bool
    tools: Mapping[str, Tool]


def _build(reading: Reading, written: RequestSpec, variables: dict[str, Json], overrides: Overrides) -> _Built | None:
    """Put a request together as far as its problems allow; None where even its model is not known."""
    choice = choose(reading, written, overrides.model)
    messages = conversation.messages(reading, written, variables)
    tools = ingredients.tools(reading, written)
    request = Request(
        provider="",
        api="",
        model="",
        messages=messages,
        tools=tools.offered,
        tool_choice=ingredients.tool_choice(written),
        parallel_tool_calls=written.parallel_tool_calls,
        chain=written.chain,
        output=ingredients.output(reading, written),
        params=ingredients.params(None, written.params),
        image=ingredients.image(reading, written),
        omit=written.omit,
        body=reading.lifted(written.body),
    )
    if overrides.drawing is not None:
        request = drawn(reading, request, overrides.drawing)
    if choice is None:
        return None
    model, api, home = choice
    moved: Moved | None = None
    if home is None:
        request = request._replace(provider=model.provider.name, api=api, model=model.model)
    else:
        request = request._replace(provider=home.model.provider.name, api=home.api)
        moved = move(request, model.provider, api, model.model)
        request = moved.request
    made = adapter(model.provider, api)
    stated = written.params.given() if written.params else {}
    request = made.defaults(with_model(reading, request, model, stated=stated), model.spec)
    compiled = made.compile(request)
    compiled = compiled._replace(wire=reading.lifted_at(made.MEDIA, compiled.wire))
    losses = moved.report(compiled.losses) if moved else compiled.losses
    return _Built(request, compiled, model, _in_spec_order(written, variables, losses), moved is not None, tools.files)


def with_model(reading: Reading, request: Request, model: ModelRef, *, stated: Collection[str]) -> Request:
    """The request with what its model spec says: params and body under its own, more paths to omit, the script.

    `stated` are the params of which the request says something, if only that they are none.
    """
    own = model.spec
    if own is None:
        return request
    params = {name: value for name, value in ingredients.params(own.params, None).items() if name not in stated}
    return request._replace(
        params={**params, **request.params},
        omit=(*request.omit, *own.omit),
        body=paths.merge(reading.lifted(own.body), request.body),
        script=ingredients.script(reading, model),
    )


def _in_spec_order(written: RequestSpec, variables: Mapping[str, Json], losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """The losses under the paths of the spec, in the order of its fields.

    A prompt, and the turns of a history, stand elsewhere there.
    """
    places: list[Origin] = []
    for at, item in enumerate(written.messages):
        if isinstance(item, History):
            turns = rows(variables.get(item.history))
            places += (Origin(("messages", at, "history", n)) for n in range(len(turns)))
        else:
            places.append(Origin(("messages", at)))
    if written.prompt is not None:
        places = [Origin(("prompt",), exact=False)]
    origins: dict[paths.Parts, Origin] = {("messages", n): place for n, place in enumerate(places)}
    fields = list(RequestSpec.model_fields)

    def order(loss: Loss) -> tuple[int, ...]:
        steps = paths.parse(loss.path)
        known = [fields.index(str(step)) for step in steps[:1] if step in fields] or [len(fields)]
        return *known, *(step for step in steps if isinstance(step, int))

    return tuple(sorted(traced(losses, [origins]), key=order))


def _as_problems(document: Document, losses: Iterable[Loss]) -> list[Problem]:
    problems = []
    for loss in losses:
        try:
            place = paths.parse(loss.path)
        except ValueError:
            place = ()
        problems.append(document.problem(place, loss.message, loss.hint))
    return problems
