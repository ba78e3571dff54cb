"""What a request must keep beyond its format: each name and file leads somewhere, each text can be filled.

Looks at everything without values for the variables; what only a run can tell is left to `resolve`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from plcli import paths, picture_rules, templates
from plcli.conversation import Reading, messages
from plcli.documents import Document
from plcli.errors import Problem, SetupError, SpecError
from plcli.expectation_rules import expectation_problems, strings, unlisted
from plcli.fence import TEXT_LIMIT, BadReference, Opened
from plcli.media import Json
from plcli.modelrefs import ModelRef, model_reference
from plcli.paths import Parts
from plcli.places import Position
from plcli.spec_rules import format_problems, schema_problems
from plcli.specs import RequestSpec
from plcli.specs import request as written
from plcli.specs.tool import InlineTool
from plcli.spelling import did_you_mean
from plcli.toolbox import load_tool
from plcli.variables import problem_with
from plcli.workspace import Workspace

_STAND_IN = "data:audio/wav;base64,UklGRg=="
"""Takes the place of a source whose path is known only when variables are."""

_PICTURES = ("mask", "markup")

_SPLIT = "split the file"

SECONDS = 10.0
"""Longest time that the texts, files and variables of one request are looked at."""


class Findings(NamedTuple):
    """What a request breaks, and the spec files that it names."""

    problems: list[Problem]
    named: list[Path]


def request_findings(
    workspace: Workspace, document: Document, file: Path, spec: RequestSpec, today: date | None = None
) -> Findings:
    """Hold a request against the rules; the document has its format already.

    Where a named spec cannot be used, its problems are among the findings. Without `today` the end of models
    that draw is not told.
    """
    inspection = _Inspection(workspace, document, file, spec)
    inspection.look_at_model(today)
    inspection.look_at_tools()
    inspection.look_at_output()
    inspection.look_at_messages()
    inspection.look_at_expectations()
    inspection.look_at_variables()
    return Findings(inspection.problems, inspection.named)


class _Inspection(Reading):
    """One request while it is looked at; variables last, since every text counts what it uses.

    `used` are the variables that texts use; `all_read` turns False where something could not be read.
    """

    def __init__(self, workspace: Workspace, document: Document, file: Path, spec: RequestSpec) -> None:
        super().__init__(workspace, document, file, self.trace)
        self.spec = spec
        self.named: list[Path] = []
        self.used: set[str] = set()
        self.all_read = True
        self.end = time.monotonic() + SECONDS

    def note_at(self, place: Parts, message: str, hint: str | None = None, **how: Any) -> None:
        self.problems.append(self.document.problem(place, message, hint, **how))

    def is_late(self, place: Parts) -> bool:
        """Whether the time is over; the first place that it concerns is told."""
        if time.monotonic() < self.end:
            return False
        if self.end:
            self.note_at(place, f"looking took longer than {SECONDS:g} s; from here on nothing was checked", _SPLIT)
        self.end, self.all_read = 0.0, False
        return True

    def open(self, source: str, place: Parts, limit: int = TEXT_LIMIT) -> Opened | None:
        opened = None if self.is_late(place) else super().open(source, place, limit)
        self.all_read = self.all_read and opened is not None
        return opened

    def look_at_model(self, today: date | None) -> None:
        asked = self.spec.model or self.workspace.spec.model
        if asked is None:
            hint = "add model: openai/MODEL-ID, or run it with --model; echo/any answers without a key"
            self.note_at((), "no model is named, here or in plcli.toml", hint, severity="warning")
            return
        place: Parts = ("model",)
        try:
            path = self.workspace.lookup("model", asked)
            self.named += [path] if path else []
            model = model_reference(self.workspace, asked)
            place = ("api",)
            self.look_at_pictures(model, model.api(self.spec.api), today)
        except (BadReference, SetupError) as error:
            self.note_at(place, error.message, error.hint)
        except SpecError as error:
            self.problems += error.problems

    def look_at_pictures(self, model: ModelRef, api: str, today: date | None) -> None:
        if not picture_rules.hold_for(model.spec):
            return
        parts = (part for item in self.spec.messages if isinstance(item, written.Message) for part in item.content)
        for advice in picture_rules.warnings(
            model.provider.name,
            api,
            model.model,
            self.spec.image,
            tools=[tool.model_dump() if isinstance(tool, written.BuiltinTool) else None for tool in self.spec.tools],
            edit=any(isinstance(part, written.ImagePart) for part in parts),
            streamed=True,
            today=today,
        ):
            self.note_at(advice.place, advice.message, advice.hint, severity="warning")

    def look_at_tools(self) -> None:
        seen: set[str] = set()
        for n, item in enumerate(self.spec.tools):
            place: Parts = ("tools", n)
            if isinstance(item, written.BuiltinTool):
                continue
            if isinstance(item, InlineTool):
                self.problems += schema_problems(self.document, (*place, "parameters"), item.parameters)
                self.problems += format_problems(self.document, (*place, "format"), item.format)
            else:
                self.look_up_tool(item, place)
            name = item.name if isinstance(item, InlineTool) else item
            if name in seen:
                self.note_at(place, f"two tools are named {name!r}", "remove or rename one of them")
            seen.add(name)
        known = self.tool_names()
        choice = self.spec.tool_choice
        if isinstance(choice, written.ForcedTool):
            self.problems += unlisted(self.document, ("tool_choice", "tool"), choice.tool, known, lambda _: True)
        elif isinstance(choice, written.AllowedTools):
            for n, name in enumerate(choice.tools):
                self.problems += unlisted(self.document, ("tool_choice", "tools", n), name, known, lambda _: True)
        elif choice == "required" and known is not None and not known:
            self.note_at(("tool_choice",), "a tool is required, and there is none", "add one under `tools`")

    def look_up_tool(self, name: str, place: Parts) -> None:
        try:
            self.named.append(load_tool(self.workspace, name).path)
        except BadReference as error:
            self.note_at(place, error.message, error.hint)
        except SpecError as error:
            self.problems += error.problems
            path = self.workspace.lookup("tool", name)
            self.named += [path] if path else []

    def tool_names(self) -> Collection[str] | None:
        """What the model can call; None where `body` or `image` add tools of their own."""
        if "tools" in self.spec.body or self.spec.image is not None:
            return None
        names = (
            item if isinstance(item, str) else item.name if isinstance(item, InlineTool) else item.type
            for item in self.spec.tools
        )
        return list(dict.fromkeys(names))

    def look_at_output(self) -> None:
        output = self.spec.output
        if output is None:
            return
        place: Parts = ("output", "schema")
        if not isinstance(output.schema_, str):
            self.problems += schema_problems(self.document, place, output.schema_)
            return
        opened = self.open(output.schema_, place)
        if opened is None:
            return
        try:
            document = self.workspace.parsed(opened)
        except SpecError as error:
            self.problems += error.problems
        else:
            self.problems += schema_problems(document, (), document.value)

    def look_at_messages(self) -> None:
        turns: dict[str, Json] = {}
        for n, item in enumerate(self.spec.messages):
            if isinstance(item, written.History):
                self.look_at_history(item.history, ("messages", n, "history"))
                default = self.spec.variables.get(item.history, {}).get("default")
                turns[item.history] = default if isinstance(default, list) else []
        messages(self, self.spec, turns)
        if not turns:
            self.look_at_results()
        for name in _PICTURES:
            source = (self.spec.image or {}).get(name)
            if isinstance(source, str):
                place: Parts = ("image", name)
                self.medium(self.fill(source, place), place, "data-url")

    def look_at_history(self, name: str, place: Parts) -> None:
        self.used.add(name)
        declared = self.spec.variables.get(name)
        if declared is None:
            meant = did_you_mean(name, self.spec.variables)
            hint = f"did you mean {meant!r}?" if meant else f"declare it: {name}: {{type: array, default: []}}"
            self.note_at(place, f"the variable {name!r} is not declared", hint)
        elif declared.get("type") != "array":
            hint = f"write {name}: {{type: array, default: []}}"
            self.note_at(place, f"the variable {name!r} is not declared as a list of messages", hint)

    def look_at_results(self) -> None:
        """A result answers a call of an earlier turn."""
        calls: set[str] = set()
        for n, item in enumerate(self.spec.messages):
            content = item.content if isinstance(item, written.Message) else ()
            for m, part in enumerate(content if isinstance(content, tuple) else ()):
                if isinstance(part, written.ToolCallPart):
                    calls.add(part.id)
                elif isinstance(part, written.ToolResultPart) and part.id not in calls:
                    place = ("messages", n, "content", m, "id")
                    self.note_at(place, f"no tool call before this has the id {part.id!r}", severity="warning")

    def look_at_expectations(self) -> None:
        self.problems += expectation_problems(self.document, self.tool_names(), self.is_fixed)
        for text, place in strings(self.document.value.get("expect"), ("expect",)):
            self.fill(text, place)

    def look_at_variables(self) -> None:
        for name, declared in self.spec.variables.items():
            place: Parts = ("variables", name)
            if self.is_late(place):
                return
            if wrong := problem_with(name, declared):
                self.note_at(place, wrong)
            if self.all_read and name not in self.used:
                self.note_at(place, f"the variable {name!r} is never used", "remove it", of="key", severity="warning")

    def is_fixed(self, text: str) -> bool:
        """Whether a text says the same whatever the variables are."""
        return not templates.names(text, self.spec.template)

    def trace(self, text: str, where: Document | str, place: Parts) -> str:
        """Stands for filling: sees which variables a text uses, and whether it can be filled at all."""
        if self.is_late(place):
            return text
        kind = self.spec.template
        file = where if isinstance(where, str) else where.file

        def locate(line: int) -> Position:
            return (line, None) if isinstance(where, str) else where.position(place, line=line)

        if faults := templates.check(text, kind):
            self.all_read = False
            raise SpecError(templates.problems(faults, file=file, path=paths.show(place), locate=locate))
        used = templates.names(text, kind)
        self.used |= used
        for name in sorted(templates.needed(text, kind) - self.spec.variables.keys()):
            meant = did_you_mean(name, self.spec.variables)
            hint = f"did you mean {meant!r}?" if meant else f"declare it: variables: {{{name}: {{type: string}}}}"
            message = f"the variable {name!r} is not declared"
            self.problems.append(Problem(file, message, paths.show(place), *locate(_line_of(name, text)), hint))
        return _STAND_IN if used and place and place[-1] in ("source", *_PICTURES) else text


def _line_of(name: str, text: str) -> int:
    """The line, from 1, of the first placeholder that uses a variable."""
    found = re.search(rf"\{{[^{{}}]*\b{re.escape(name)}\b", text)
    return text.count("\n", 0, found.end()) + 1 if found else 1
