"""What a request consists of besides its model and its messages: tools, output, expectations, pictures, body.

Each function takes one field of a spec and gives its resolved form; problems are collected in the reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from plcli.conversation import Reading
from plcli.errors import SpecError
from plcli.fence import BadReference
from plcli.media import Json
from plcli.modelrefs import ModelRef
from plcli.paths import Parts
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Output, Tool, ToolChoice
from plcli.specs import Expectation, RequestSpec
from plcli.specs import request as spec
from plcli.specs.request import Params
from plcli.specs.tool import InlineTool, ToolSpec
from plcli.toolbox import Tool as ToolFile
from plcli.toolbox import load_tool


class Tools(NamedTuple):
    """The tools of a request, and those of them that have files, by name."""

    offered: tuple[Tool, ...]
    files: dict[str, ToolFile]


def tools(reading: Reading, written: RequestSpec) -> Tools:
    """The tools: built-in ones untouched, the others from where they are written."""
    made: list[Tool] = []
    files: dict[str, ToolFile] = {}
    for n, item in enumerate(written.tools):
        place: Parts = ("tools", n)
        if isinstance(item, spec.BuiltinTool):
            made.append(BuiltinTool(reading.lifted(item.given())))
        elif isinstance(item, InlineTool):
            made.append(offered_tool(item))
        else:
            try:
                found = load_tool(reading.workspace, item)
            except SpecError as error:
                reading.problems.extend(error.problems)
            except BadReference as error:
                reading.problem(place, error.message, error.hint)
            else:
                for file, document in found.files:
                    reading.note(file, document.text)
                files[item] = found
                made.append(offered_tool(found.spec))
    names = [tool.name for tool in made if not isinstance(tool, BuiltinTool)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reading.problem(("tools",), f"two tools are named {name!r}", "rename one of them")
    return Tools(tuple(made), files)


def offered_tool(tool: InlineTool | ToolSpec) -> FunctionTool | CustomTool:
    """What the model sees of a tool."""
    free = tool.format
    if free is None:
        return FunctionTool(tool.name, tool.description, tool.parameters, tool.strict)
    if free.type == "text":
        return CustomTool(tool.name, tool.description)
    return CustomTool(tool.name, tool.description, free.type, free.definition)


def tool_choice(written: RequestSpec) -> ToolChoice | None:
    """Whether and which tools the model must call."""
    choice = written.tool_choice
    if isinstance(choice, spec.ForcedTool):
        return ToolChoice("required", (choice.tool,), forced=True)
    if isinstance(choice, spec.AllowedTools):
        return ToolChoice(choice.mode, choice.tools)
    return ToolChoice(choice) if choice is not None else None


def output(reading: Reading, written: RequestSpec) -> Output | None:
    """The structure of the answer; its schema is read where it stands in a file."""
    asked = written.output
    if asked is None:
        return None
    schema: Json = asked.schema_
    name = asked.name or "answer"
    if isinstance(asked.schema_, str):
        place: Parts = ("output", "schema")
        opened = reading.open(asked.schema_, place)
        if opened is None:
            return None
        try:
            schema = reading.workspace.parsed(opened).value
        except SpecError as error:
            reading.problems.extend(error.problems)
            return None
        name = asked.name or re.sub(r"[^A-Za-z0-9_-]", "_", opened.path.name.split(".")[0])[:64]
    return Output(name, schema, asked.strict, asked.description)


def expectations(reading: Reading, written: RequestSpec) -> tuple[Expectation, ...]:
    """The expectations with every string in them filled."""
    filled = [_filled(reading, item.given(), ("expect", n)) for n, item in enumerate(written.expect)]
    return tuple(Expectation.model_validate(item) for item in filled)


def _filled(reading: Reading, value: Json, place: Parts) -> Json:
    if isinstance(value, str):
        return reading.fill(value, place)
    if isinstance(value, dict):
        return {key: _filled(reading, item, (*place, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(reading, item, (*place, n)) for n, item in enumerate(value)]
    return value


def image(reading: Reading, written: RequestSpec) -> Mapping[str, Json] | None:
    """The picture parameters; `mask` and `markup` are sources."""
    if written.image is None:
        return None
    made: dict[str, Json] = reading.lifted(written.image)
    for name in ("mask", "markup"):
        if isinstance(made.get(name), str):
            source = reading.fill(made[name], ("image", name))
            made[name] = reading.medium(source, ("image", name), "data-url")
    return made


def params(own: Params | None, written: Params | None) -> dict[str, Json]:
    """The parameters of the model spec under those of the request, where null takes one away."""
    merged = {name: value for level in (own, written) if level for name, value in level.given().items()}
    return {name: value for name, value in merged.items() if value is not None}


def script(reading: Reading, model: ModelRef) -> Json:
    """The script of an echo model as plain JSON, its pictures by reference."""
    if model.spec is None or model.spec.script is None or model.path is None or model.document is None:
        return None
    own = reading.of(model.document, model.path)

    def step(written: dict[str, Json], place: Parts) -> dict[str, Json]:
        picture = written.get("image")
        if not picture:
            return written
        return {**written, "image": {**picture, "source": own.medium(picture["source"], (*place, "image"), "base64")}}

    written: Json = model.spec.given()["script"]
    made = [
        [step(item, ("script", n, m)) for m, item in enumerate(entry)]
        if isinstance(entry, list)
        else step(entry, ("script", n))
        for n, entry in enumerate(written)
    ]
    reading.gather(own)
    return made
