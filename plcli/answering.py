"""Answering the calls of a run: who answers which tool, and that nothing runs which nobody allowed.

Whatever a spec, a log, an answer of a model or a recording says, a handler runs only where the command line
says so for the tool (or a person does, asked for this very call), or where the user's side allows the digests of
its files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plcli.cancel import Cancel
from plcli.environment import UserSide
from plcli.errors import SpecError, ToolError, UsageError
from plcli.exchangerecords import ToolResultRecord
from plcli.fence import BadReference
from plcli.handling import permission
from plcli.handling.handlers import HandlerFailed, Handlers
from plcli.ingredients import offered_tool
from plcli.loggedanswers import LoggedAnswers
from plcli.media import Json, lower
from plcli.policies import ToolTerms
from plcli.request import CustomTool, FunctionTool
from plcli.response import ToolCallPart
from plcli.spelling import did_you_mean
from plcli.stubanswers import StubAnswers, written
from plcli.stubwriting import record_stub
from plcli.toolanswers import AnsweredBy, Policy, ToolAnswer
from plcli.toolbox import Tool
from plcli.toolfit import argument_fault, result_fault
from plcli.toolresults import BadResult, taken
from plcli.workspace import Workspace

_DAY = 86_400.0
"""Seconds that a stub may delay its answer, where the command line allows more."""

Calling = Callable[[ToolCallPart, bool], None]
"""Is told a call before its handler answers it, or a person, who is shown it and asked (True)."""


def _unheard(call: ToolCallPart, asked: bool) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Answering:
    """Answers the calls of one run (or of one conversation: stubs that answer in turn go on counting).

    `offered` gives the tools that the model was told of. Close it at the end: servers of tools may run.
    """

    workspace: Workspace
    user: UserSide
    terms: ToolTerms
    tools: Mapping[str, Tool]
    offered: Callable[[], Mapping[str, FunctionTool | CustomTool]]
    history: LoggedAnswers = field(default_factory=lambda: LoggedAnswers((), lambda digest: b""))
    cancel: Cancel = field(default_factory=Cancel)
    wrong: int = 0
    """Rounds in a row in which calls were wrong."""
    _stubs: StubAnswers = field(init=False)
    _handlers: Handlers | None = None

    def __post_init__(self) -> None:
        self._stubs = StubAnswers(self.tools)

    def policy(self, call: ToolCallPart) -> Policy:
        """What holds for a call: what the command line says, else `run` where the user's side allows it, else `stop`.

        What a provider's own tool asks of its client has no handler and no stub: it waits for a person.
        """
        policy = self._policy(call)
        return "stop" if policy in ("run", "ask") and not self.terms.handlers else policy

    def _policy(self, call: ToolCallPart) -> Policy:
        stated = self.terms.policies.of(call.name)
        if call.native is not None:
            return stated if stated in ("ask", "history") else "stop"
        if stated is not None:
            return stated
        tool = self.tools.get(call.name)
        # What was allowed once is not allowed for good: of an older state nothing runs unless the command line says so.
        today = self.workspace.today is self.workspace
        allowed = today and tool is not None and tool.handled and self.user.trusted_tools
        return "run" if allowed and tool and not permission.missing(self.workspace, tool, self.user) else "stop"

    def answer(self, call: ToolCallPart, seconds: float, calling: Calling = _unheard) -> ToolAnswer | None:
        """The answer to a call, within so many seconds; None where it is left to whoever continues the run.

        A call that is wrong and a tool that fails are answers too, which the model is told. `calling` is told of a
        call before it takes its time. Raises `ToolError` where there is no answer: no stub, no handler, or anything
        wrong with strict terms.
        """
        policy = self.policy(call)
        if policy == "stop":
            return None
        began = time.monotonic()
        call = self.understood(call)
        answer = self._wrong(call, policy) or self._of(policy, call, min(seconds, self.terms.seconds), calling)
        if answer is None or answer.duration_ms is not None:
            return answer
        return answer._replace(duration_ms=round((time.monotonic() - began) * 1000))

    def understood(self, call: ToolCallPart) -> ToolCallPart:
        """The call with the text of a free-form tool as text, on an api that wraps it in an object."""
        match call.arguments:
            case {"input": str(text), **rest} if not rest and self._free_form(call.name):
                return call.model_copy(update={"arguments": text})
        return call

    def remember(self, logged: Sequence[ToolResultRecord]) -> None:
        """Count what stubs have answered in the runs before, so that those that answer in turn go on."""
        self._stubs.remember(logged)

    def close(self) -> None:
        """End what runs for the tools."""
        if self._handlers is not None:
            self._handlers.close()

    def _free_form(self, name: str) -> bool:
        tool = self.tools.get(name)
        if tool is not None:
            return tool.spec.format is not None
        return isinstance(self.offered().get(name), CustomTool)

    def _takers(self, offered: FunctionTool | CustomTool) -> Iterator[FunctionTool | CustomTool]:
        """The tool as the model was told of it, and as its file has it: a log or a `body` may tell of another."""
        file = self.tools.get(offered.name)
        own = offered_tool(file.spec) if file is not None else offered
        if type(own) is type(offered):
            yield offered
        if own != offered:
            yield own

    def _wrong(self, call: ToolCallPart, policy: Policy) -> ToolAnswer | None:
        """The failure that the model is told where its call is wrong."""
        if call.native is not None:
            return None
        tools = self.offered()
        offered = tools.get(call.name)
        if offered is None:
            meant = did_you_mean(call.name, tools)
            names = ", ".join(sorted(tools)) or "none"
            others = f"did you mean {meant!r}?" if meant else f"the tools are: {names}"
            fault = f"there is no tool {call.name!r}; {others}"
        else:
            found = next(filter(None, (argument_fault(one, call.arguments) for one in self._takers(offered))), None)
            fault = f"the arguments are wrong: {found}" if found else ""
        if not fault:
            return None
        if self.terms.strict:
            raise ToolError(f"{call.name}: {fault}", hint="without --strict-tools the model is told, and may try again")
        source: AnsweredBy = "answer" if policy == "stop" else policy
        return ToolAnswer(source, error=fault, duration_ms=0, wrong=True)

    def _of(self, policy: Policy, call: ToolCallPart, seconds: float, calling: Calling) -> ToolAnswer | None:
        """The answer that a policy gives; `stop` gives none."""
        if policy == "stub":
            return self._stub(call, seconds)
        if policy == "run":
            return self._run(call, seconds, calling)
        if policy == "ask":
            return self._ask(call, seconds, calling)
        return self.history.answer(call) if policy == "history" else None

    def _stub(self, call: ToolCallPart, seconds: float) -> ToolAnswer:
        stub = self._stubs.answer(call)
        longest = round(min(max(seconds, 0.0), _DAY) * 1000)
        if stub.delay_ms:
            self.cancel.wait(min(stub.delay_ms, longest) / 1000)
        if stub.delay_ms > longest:
            late = self._failed(call, "stub", f"it took longer than {round(seconds, 2):g} s, and was ended")
            return late._replace(duration_ms=longest)
        if stub.error is not None:
            return ToolAnswer("stub", error=stub.error, duration_ms=stub.delay_ms)
        answer = self._taken("stub", stub.result, call)._replace(duration_ms=stub.delay_ms)
        if answer.error is not None:
            message = f"{call.name}: its stub answers wrongly: {answer.error}"
            raise ToolError(message, hint=f"change {written(self.tools[call.name]).file}")
        return answer

    def _run(self, call: ToolCallPart, seconds: float, calling: Calling) -> ToolAnswer:
        tool = self.tools.get(call.name)
        if tool is None or not tool.handled:
            where = tool.document.file if tool else f"tools/{call.name}.yaml"
            hint = f"add `command:`, `python:` or `mcp:` to {where}, or --tools {call.name}=stub"
            raise ToolError(f"{call.name} has no handler that could run", hint=hint)
        calling(call, False)
        if self._handlers is None:
            self._handlers = Handlers(self.workspace.handling, self.user, tell=self.terms.tell, cancel=self.cancel)
        try:
            result = self._handlers.call(tool, call.arguments, seconds)
        except HandlerFailed as error:
            return self._failed(call, "run", str(error))
        answer = self._taken("run", result, call)
        if answer.error is not None:
            return self._failed(call, "run", answer.error)
        if self.terms.record_stubs:
            self._record(tool, call, answer)
        return answer

    def _failed(self, call: ToolCallPart, source: AnsweredBy, reason: str) -> ToolAnswer:
        if self.terms.strict:
            raise ToolError(f"{call.name}: {reason}", hint="without --strict-tools the model is told, and may go on")
        return ToolAnswer(source, error=reason)

    def _record(self, tool: Tool, call: ToolCallPart, answer: ToolAnswer) -> None:
        """Keep what a handler answered as a stub; nothing that holds a secret, and none beside a tool of then."""
        if self.workspace.today is not self.workspace:
            self.terms.warn(f"{call.name}: not recorded as a stub: {tool.document.file} is of an older state")
            return
        result = lower(answer.result, answer.media.__getitem__)
        if self.terms.protect([call.arguments, result]) != [call.arguments, result]:
            self.terms.warn(f"{call.name}: not recorded as a stub: it holds a secret")
            return
        try:
            record_stub(self.workspace, tool, call.arguments, result)
        except (BadReference, SpecError, UsageError) as error:
            # What was done is done: the model gets its answer all the same.
            self.terms.warn(f"{call.name}: not recorded as a stub: {error}")

    def _ask(self, call: ToolCallPart, seconds: float, calling: Calling) -> ToolAnswer | None:
        if self.terms.ask is None:
            raise ToolError(f"{call.name} waits for a person, and nobody can be asked here", hint="--tools stub")
        fault: str | None = None
        calling(call, True)
        while True:
            asked = self.terms.ask(call, self.tools.get(call.name), fault)
            if asked.policy is not None:
                return self._of(asked.policy, call, seconds, calling)
            answer = self._taken("ask", asked.answer, call)
            if answer.error is None:
                return answer
            fault = answer.error

    def given(self, call: ToolCallPart, result: Json) -> ToolAnswer:
        """The answer to a call that a person gives. Raises `UsageError` for what the tool does not return."""
        answer = self._taken("answer", result, call)
        if answer.error is not None:
            raise UsageError(f"the answer is wrong: {answer.error}", hint=f"answer as `returns` of {call.name} says")
        return answer

    def _taken(self, source: AnsweredBy, result: Json, call: ToolCallPart) -> ToolAnswer:
        """The answer with its media lifted; a result that is not as it must be is a failure."""
        tool = self.tools.get(call.name)
        home = self.workspace if source == "stub" else self.workspace.handling
        base: Path | None = home.root
        if source == "stub" and tool is not None:
            base = (tool.stubs_path or tool.path).parent
        elif source == "run" and tool is not None and tool.spec.mcp is not None:
            base = None
        try:
            kept, media = taken(home, result, base)
        except BadResult as error:
            return ToolAnswer(source, error=str(error))
        fault = result_fault(tool.spec.returns, result) if tool is not None else None
        if fault is not None:
            return ToolAnswer(source, error=f"the result of {call.name} is not as `returns` says: {fault}")
        return ToolAnswer(source, kept, media=media)
