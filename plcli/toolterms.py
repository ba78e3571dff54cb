"""What the command line says of calls of tools, as terms; and asking a person where it says so."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from plcli.errors import Problem, SpecError, UsageError
from plcli.media import Json
from plcli.policies import Asked, Policies, ToolTerms
from plcli.providers import answer, openai_responses_waiting
from plcli.render.calls import call_line
from plcli.render.screen import Screen
from plcli.request import BuiltinTool
from plcli.resolve import Resolved
from plcli.response import ToolCallPart
from plcli.session import Session
from plcli.spelling import did_you_mean
from plcli.toolanswers import POLICIES, Policy
from plcli.toolbox import Tool


def read_policies(texts: Sequence[str]) -> Policies:
    """`--tools POLICY` and `--tools NAME=POLICY`; the last one of each counts. Raises `UsageError`."""
    default: Policy | None = None
    named: dict[str, Policy] = {}
    for text in texts:
        name, equals, policy = text.rpartition("=")
        if equals and not name:
            raise UsageError(f"--tools {text!r} names no tool", hint="write --tools get_weather=stub")
        found = next((known for known in POLICIES if known == policy), None)
        if found is None:
            meant = did_you_mean(policy, POLICIES)
            hint = f"did you mean {meant!r}?" if meant else f"the policies are: {', '.join(POLICIES)}"
            raise UsageError(f"--tools {text!r}: there is no policy {policy!r}", hint=hint)
        if equals:
            named[name] = found
        else:
            default = found
    return Policies(default, named)


def tool_terms(session: Session, terms: ToolTerms, *, continued: bool = False) -> ToolTerms:
    """The terms with what a session adds: who is asked, what is secret, where a handler's stderr goes.

    `continued` says that a logged run goes on, whose answers may be used. Raises `UsageError` for policies
    that cannot be followed here.
    """
    asked = terms.policies.all
    if "history" in asked and not continued:
        hint = "--tools history goes with --continue RUN; --tools stub answers from files"
        raise UsageError("there is no logged run whose answers could be used", hint=hint)
    if "ask" in asked and not sys.stdin.isatty():
        raise UsageError("--tools ask: nobody can be asked without a terminal", hint="--tools stub, run, or stop")
    screen = session.screen

    def tell(tool: str, text: str) -> None:
        screen.say((f"{tool}: {text}", "dim"))

    ask = Asker(screen) if "ask" in asked else None
    # The redactor is the session's of that moment: it learns of keys when connections are made.
    return replace(terms, ask=ask, protect=lambda value: session.redactor.json(value), tell=tell, warn=screen.warn)


def check_tools(terms: ToolTerms, requests: Iterable[Resolved]) -> None:
    """Whether the terms fit the tools of the requests.

    Raises `UsageError` for the policy of a tool that none of them has and for asking while several run, and
    `SpecError` where a stub could not be recorded.
    """
    requests = list(requests)
    if "ask" in terms.policies.all and len(requests) > 1:
        raise UsageError("--tools ask: nobody can be asked in several runs", hint="--tools stub, run, or stop")
    offered = {tool.name for one in requests for tool in one.request.tools if not isinstance(tool, BuiltinTool)}
    if all("tools" not in one.request.body for one in requests):
        for name in sorted(terms.policies.named.keys() - offered - openai_responses_waiting.TOOLS):
            meant = did_you_mean(name, offered)
            others = f"the tools are: {', '.join(sorted(offered))}"
            none = f"it has none; to give it this one: --set {shlex.quote(f'tools=[{name}]')}"
            hint = f"did you mean {meant!r}?" if meant else others if offered else none
            raise UsageError(f"--tools {name}=…: the request has no such tool", hint=hint)
    if terms.record_stubs:
        problems: list[Problem] = []
        for tool in {tool.path: tool for one in requests for tool in one.tools.values()}.values():
            if tool.spec.stubs and tool.handled:
                beside = f"{tool.path.stem}.stubs.yaml"
                message = f"--record-stubs writes {beside}, and stubs stand here"
                problems.append(tool.document.problem(("stubs",), message, f"move them to {beside}", of="key"))
        if problems:
            raise SpecError(problems)


def typed_answer(text: str) -> Json:
    """The answer to a call that a person types: JSON, or plain words. Raises `UsageError` for JSON that is broken."""
    try:
        return answer.parse(text)
    except ValueError as error:
        if text[:1] in '{["':
            raise UsageError(f"this is no JSON: {error}", hint='plain words begin with none of { [ "') from None
        return text


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks the person at the terminal how to answer a call."""

    screen: Screen

    def __call__(self, call: ToolCallPart, tool: Tool | None, fault: str | None) -> Asked:
        """What the person decided; the end of input leaves the call to whoever continues the run."""
        screen = self.screen
        if fault is not None:
            screen.warn(fault)
        ways = {
            "r": "run" if tool and tool.handled and call.native is None else "",
            "s": "stub" if tool and tool.stubs and call.native is None else "",
            "a": "answer",
            "l": "leave it",
        }
        offered = ", ".join(f"[{key}]{way[1:]}" for key, way in ways.items() if way)
        screen.write(screen.err, screen.clean(call_line(call), screen.err) + "\n")
        while True:
            word = self._line(f"{offered}: ")
            key = word.strip().lower()[:1] if word else "l"
            if key == "r" and ways["r"]:
                return Asked("run")
            if key == "s" and ways["s"]:
                return Asked("stub")
            if key == "l":
                return Asked("stop")
            if key == "a" and (given := self._answer()) is not None:
                return given

    def _answer(self) -> Asked | None:
        """The answer that the person types; None where it was none."""
        line = self._line("the answer, as JSON or plain words: ")
        if not line:
            return Asked("stop")
        try:
            return Asked(None, typed_answer(line.rstrip("\n")))
        except UsageError as error:
            self.screen.warn(error.message)
            return None

    def _line(self, prompt: str) -> str:
        line = ""
        try:
            self.screen.write(self.screen.err, prompt)
            line = sys.stdin.readline()
        finally:
            if not line.endswith("\n"):  # nobody pressed Enter, so that the cursor still stands behind the prompt
                self.screen.write(self.screen.err, "\n")
        return line
