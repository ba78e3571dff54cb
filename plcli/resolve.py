"""From a request spec to a request: variables, model, tools, files and defaults put together.

Knows files and names, but no network; every problem of a spec is reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from plcli import conversation, paths, templates
from plcli.conversation import Place, Reading, SourceFile
from plcli.documents import Document
from plcli.errors import Problem, SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.media import Json, Media, lift
from plcli.modelrefs import ModelRef, model_reference
from plcli.providers.registry import Compiled, adapter
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Loss, Output, Request, Tool, ToolChoice
from plcli.schemas import load_spec
from plcli.specs import Expectation, RequestSpec
from plcli.specs import request as spec
from plcli.specs.tool import Format, InlineTool
from plcli.toolbox import load_tool
from plcli.variables import Given
from plcli.variables import resolve as resolve_variables
from plcli.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Overrides:
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


@dataclass(frozen=True, slots=True)
class Resolved:
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
    media: Media = field(repr=False)
    overrides: Overrides = field(default_factory=Overrides)
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

    reading = Reading(workspace, document, file or workspace.start / "-", fill)
    reading.note_spec()
    model, api, moved = _model(reading, written, overrides)
    turns = conversation.messages(reading, written, variables)
    tools = _tools(reading, written)
    output = _output(reading, written)
    expectations = _expectations(reading, written)
    image = _image(reading, written)
    if any(problem.severity == "error" for problem in reading.problems) or model is None:
        raise SpecError(reading.problems)
    native = _native_body(reading, written)
    losses: list[Loss] = []
    if moved and native:
        losses.append(Loss("body", f"is native to the api it was written for; {api} does not get it"))
        native = {}
    in_model = model.spec
    request = Request(
        provider=model.provider.name,
        api=api,
        model=model.model,
        messages=turns,
        tools=tools,
        tool_choice=_tool_choice(written),
        parallel_tool_calls=written.parallel_tool_calls,
        chain=written.chain,
        output=output,
        params={
            **(in_model.params.given() if in_model and in_model.params else {}),
            **(written.params.given() if written.params else {}),
        },
        image=image,
        omit=(*(in_model.omit if in_model else ()), *written.omit),
        body=paths.merge(in_model.body if in_model else {}, native),
        script=_script(reading, model),
    )
    made = adapter(model.provider, api)
    compiled = made.compile(made.defaults(request))
    losses.extend(compiled.losses)
    if losses and not moved:
        reading.problems += [_as_problem(document, loss) for loss in losses]
    if reading.problems:
        raise SpecError(reading.problems)
    return Resolved(
        request=request,
        compiled=compiled,
        model=model,
        spec=written,
        document=document,
        file=file,
        variables=variables,
        expectations=expectations,
        sources=tuple(reading.sources.values()),
        media=reading.media,
        overrides=overrides,
        losses=tuple(losses),
    )


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


def _tools(reading: Reading, written: RequestSpec) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for n, item in enumerate(written.tools):
        place: Place = ("tools", n)
        if isinstance(item, spec.BuiltinTool):
            native, media = lift(item.given())
            reading.media.update(media)
            tools.append(BuiltinTool(native))
        elif isinstance(item, InlineTool):
            tools.append(_tool(item.name, item.description, item.parameters, item.strict, item.format))
        else:
            try:
                found, document, path = load_tool(reading.workspace, item)
            except SpecError as error:
                reading.problems.extend(error.problems)
            except BadReference as error:
                reading.problem(place, error.message, error.hint)
            else:
                reading.note(path, document.text)
                tools.append(_tool(found.name, found.description, found.parameters, found.strict, found.format))
    names = [tool.name for tool in tools if not isinstance(tool, BuiltinTool)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reading.problem(("tools",), f"two tools are named {name!r}", "rename one of them")
    return tuple(tools)


def _tool(
    name: str, description: str | None, parameters: Json, strict: bool | None, free: Format | None
) -> FunctionTool | CustomTool:
    if free is None:
        return FunctionTool(name, description, parameters, strict)
    if free.type == "text":
        return CustomTool(name, description)
    return CustomTool(name, description, free.type, free.definition)


def _tool_choice(written: RequestSpec) -> ToolChoice | None:
    choice = written.tool_choice
    if isinstance(choice, spec.ForcedTool):
        return ToolChoice("required", (choice.tool,), forced=True)
    if isinstance(choice, spec.AllowedTools):
        return ToolChoice(choice.mode, choice.tools)
    return ToolChoice(choice) if choice is not None else None


def _output(reading: Reading, written: RequestSpec) -> Output | None:
    output = written.output
    if output is None:
        return None
    schema: Json = output.schema_
    name = output.name or "answer"
    if isinstance(output.schema_, str):
        place: Place = ("output", "schema")
        opened = reading.open(output.schema_, place)
        if opened is None:
            return None
        try:
            schema = reading.workspace.parsed(opened).value
        except SpecError as error:
            reading.problems.extend(error.problems)
            return None
        name = output.name or re.sub(r"[^A-Za-z0-9_-]", "_", opened.path.name.split(".")[0])[:64]
    return Output(name, schema, output.strict, output.description)


def _expectations(reading: Reading, written: RequestSpec) -> tuple[Expectation, ...]:
    """The expectations with every string in them filled."""
    filled = [_filled(reading, item.given(), ("expect", n)) for n, item in enumerate(written.expect)]
    return tuple(Expectation.model_validate(item) for item in filled)


def _filled(reading: Reading, value: Json, place: Place) -> Json:
    if isinstance(value, str):
        return reading.fill(value, place)
    if isinstance(value, dict):
        return {key: _filled(reading, item, (*place, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(reading, item, (*place, n)) for n, item in enumerate(value)]
    return value


def _image(reading: Reading, written: RequestSpec) -> Mapping[str, Json] | None:
    """The picture parameters; `mask` and `markup` are sources."""
    if written.image is None:
        return None
    image: dict[str, Json] = dict(written.image)
    for name in ("mask", "markup"):
        if isinstance(image.get(name), str):
            source = reading.fill(image[name], ("image", name))
            image[name] = reading.medium(source, ("image", name), "data-url")
    return image


def _native_body(reading: Reading, written: RequestSpec) -> dict[str, Json]:
    body, media = lift(dict(written.body))
    reading.media.update(media)
    return dict(body)


def _script(reading: Reading, model: ModelRef) -> Json:
    """The script of an echo model as plain JSON, its pictures by reference."""
    if model.spec is None or model.spec.script is None or model.path is None or model.document is None:
        return None
    own = Reading(reading.workspace, model.document, model.path, reading.fill)

    def step(written: dict[str, Json], place: Place) -> dict[str, Json]:
        picture = written.get("image")
        if not picture:
            return written
        return {**written, "image": {**picture, "source": own.medium(picture["source"], (*place, "image"), "base64")}}

    written: Json = model.spec.given()["script"]
    script = [
        [step(item, ("script", n, m)) for m, item in enumerate(entry)]
        if isinstance(entry, list)
        else step(entry, ("script", n))
        for n, entry in enumerate(written)
    ]
    reading.gather(own)
    return script


def _as_problem(document: Document, loss: Loss) -> Problem:
    try:
        place = paths.parse(loss.path)
    except ValueError:
        place = ()
    return document.problem(place, loss.message, loss.hint)
