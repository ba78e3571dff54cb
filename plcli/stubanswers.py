"""Answers of tools that their stubs give in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from plcli.documents import Document
from plcli.errors import ToolError
from plcli.exchangerecords import ToolResultRecord
from plcli.matchers import shown
from plcli.response import ToolCallPart
from plcli.stubs import NoStub, StubAnswer, Stubs
from plcli.toolbox import Tool


@dataclass(slots=True)
class StubAnswers:
    """The stubs of all tools of a run, by name; those that answer in turn are counted here."""

    tools: Mapping[str, Tool]
    _stubs: dict[str, Stubs] = field(default_factory=dict)

    def answer(self, call: ToolCallPart) -> StubAnswer:
        """What the stub of a call says. Raises `ToolError` where there is none; it shows the nearest one."""
        tool = self.tools.get(call.name)
        if tool is None:
            raise ToolError(
                f"{call.name} has no file, so it has no stubs",
                hint=f"write it as tools/{call.name}.yaml with `stubs`, or --tools {call.name}=stop",
            )
        try:
            return self._of(tool).answer(call.arguments)
        except NoStub as error:
            told = shown(call.arguments)
            condition = f"when: {told}" if isinstance(call.arguments, dict) else f"when_schema: {{const: {told}}}"
            hint = f"add {{{condition}, return: …}} to `stubs` of {written(tool).file}"
            raise ToolError(f"{call.name}: {error}", hint=hint) from None

    def remember(self, logged: Sequence[ToolResultRecord]) -> None:
        """Count what stubs have answered in the runs before, so that those that answer in turn go on."""
        for each in logged:
            tool = self.tools.get(each.name)
            if tool is not None and each.source == "stub":
                with suppress(NoStub):
                    self._of(tool).answer(each.arguments)

    def _of(self, tool: Tool) -> Stubs:
        return self._stubs.setdefault(tool.spec.name, Stubs(tool.stubs, partial(_place, written(tool))))


def written(tool: Tool) -> Document:
    """Where the stubs of a tool are written."""
    return tool.stubs_document or tool.document


def _place(document: Document, index: int) -> str:
    line, _ = document.position(("stubs", index))
    return f"{document.file}:{line}" if line is not None else document.file
