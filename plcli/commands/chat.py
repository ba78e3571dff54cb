"""`plcli chat`: the run loop with a prompt line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import typer

from plcli import completion, interrupts, options
from plcli.connect import Limits
from plcli.continued import continued
from plcli.documents import parse
from plcli.errors import Exit, PlcliError, UsageError
from plcli.inputs import Input, read_inputs, read_overrides
from plcli.lineeditor import Entries
from plcli.policies import SECONDS, Policies, ToolTerms
from plcli.render.answer import show_header
from plcli.render.errors import error_json, error_text
from plcli.render.screen import Screen
from plcli.request import BuiltinTool
from plcli.resolve import resolve
from plcli.response import ToolCallPart
from plcli.running import Running
from plcli.saving import save
from plcli.session import open_session
from plcli.spelling import did_you_mean
from plcli.standing import Standing
from plcli.talk import Talk
from plcli.toolterms import check_tools, read_policies, tool_terms, typed_answer
from plcli.workspace import Workspace

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_WAY = "/answer CALL=JSON, /tools POLICY, or /undo"
_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)
_CALL = re.compile(r"([\w.-]+)=(.*)", re.DOTALL)


@app.command()
def chat(
    ctx: typer.Context,
    spec: completion.Spec = None,
    model: completion.Model = None,
    var: options.Var = None,
    set_: options.Set = None,
    tools: options.Tools = None,
    strict_tools: options.StrictTools = False,
    record_stubs: options.RecordStubs = False,
    max_rounds: options.MaxRounds = 10,
    max_calls: options.MaxCalls = 100,
    tool_timeout: options.ToolTimeout = SECONDS,
    no_stream: options.NoStream = False,
    timeout: options.Timeout = None,
    deadline: options.Deadline = None,
    retries: options.Retries = None,
    continue_: completion.Continued = None,
    tag: options.Tag = None,
    no_log: options.NoLog = False,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    trust_host: options.TrustHost = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Talk with a model, line by line; each turn is a run in the log.

    A spec is how the conversation begins: one that ends with a user's message is answered first. /help tells what
    else can be typed. From a pipe, each line is a turn.

    Examples:

      plcli chat --model echo/any

      plcli chat weather --tools stub

      echo "Say hello" | plcli chat hello --model echo/any

      plcli chat --continue last
    """
    screen = options.screen_of(ctx)
    session = open_session(screen, workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path)
    terms = ToolTerms(read_policies(tools or []), max_rounds, max_calls, tool_timeout, strict_tools, record_stubs)
    running = Running(
        session,
        "chat",
        Limits(timeout, deadline, retries),
        stream=not no_stream,
        keep=not no_log,
        tags=tuple(tag or ()),
        terms=tool_terms(session, terms),
    )
    if continue_ is not None:
        if spec is not None or var or set_:
            hint = f"plcli chat --continue {continue_}"
            raise UsageError("--continue goes on with a run, not with a spec", hint=hint)
        talk = continued(running, continue_, _WAY)
        if model is not None:
            talk.move(model)
    else:
        begun = _beginning(session.workspace, spec, var or [])
        overrides = read_overrides([model] if model else [], set_ or [])[0]
        resolved = resolve(session.workspace, begun.document, begun.file, given=begun.given, overrides=overrides)
        check_tools(running.terms, [resolved])
        talk = Talk(running, [Standing(resolved)], _WAY)
    with talk, interrupts.noted() as noted:
        begin = talk.standing_request()
        for loss in begin.losses:
            screen.warn(loss.told)
        talk.connect()
        show_header(begin.name, begin.model_name, screen)
        return _Chat(screen, talk, Entries(screen, keep=not no_log), noted).go()


def _beginning(workspace: Workspace, spec: str | None, var: list[str]) -> Input:
    """The spec that a conversation begins with; without one it begins with nothing. Raises `UsageError`."""
    if "-" in (spec, *(text.partition("=")[2] for text in var)):
        raise UsageError("standard input is what is said in a chat", hint="name a file instead of -")
    if spec is not None:
        return read_inputs(workspace, [spec], None, var, None)[0]
    if var:
        raise UsageError("--var goes with SPEC", hint="plcli chat SPEC --var name=value")
    return Input(parse(json.dumps({"kind": "request"}), file="chat", format="json"), None, {})


class _Command(NamedTuple):
    """What a line can begin with: how it is written, what it does, and what does it."""

    usage: str
    help: str
    do: Callable[[_Chat, str], None]


@dataclass(slots=True)
class _Chat:
    """A chat while it goes on. `impatient`: Ctrl-C came, and nothing was typed since."""

    screen: Screen
    talk: Talk
    entries: Entries
    noted: interrupts.Noted
    code: int = Exit.DONE
    ended: bool = False
    impatient: bool = False

    def go(self) -> int:
        """Entry after entry, to the end."""
        if self.entries.person:
            self.screen.say(("/help tells what can be typed; Ctrl-D leaves", "dim"))
        if self.talk.unanswered:
            self.survive(partial(self.say, None))
        while not self.ended and (entry := self.next()) is not None:
            if entry.strip():
                self.survive(partial(self.take, entry))
        return Exit.DONE if self.entries.person else self.code

    def next(self) -> str | None:
        """The next entry; None where the person leaves."""
        while True:
            try:
                with self.noted.stoppable():
                    if self.noted.leaving:
                        raise KeyboardInterrupt
                    return self.entries.next()
            except KeyboardInterrupt:
                self.leave_where_nobody_stays()
                if self.impatient:
                    return None
                self.impatient = True
                self.screen.say(("Ctrl-C again, or Ctrl-D, leaves", "dim"))

    def survive(self, work: Callable[[], None]) -> None:
        """Do something that an error or Ctrl-C ends, and not the chat."""
        self.noted.came = False
        try:
            with self.noted.stoppable():
                work()
        except PlcliError as error:
            self.code = error.exit
            told = (error_json if self.screen.machine else error_text)(error, self.screen.redact)
            self.screen.write(self.screen.err, told + "\n")
        except KeyboardInterrupt:
            self.screen.say(("\nstopped", "dim"))
        self.impatient = self.noted.came
        if self.noted.came:
            self.leave_where_nobody_stays()

    def leave_where_nobody_stays(self) -> None:
        """After an interrupt: raise it again, unless a person pressed Ctrl-C who goes on."""
        if self.noted.leaving or not self.entries.person:
            raise KeyboardInterrupt

    def take(self, entry: str) -> None:
        """A command, or what is said; `//` begins words that begin with a slash."""
        found = _COMMAND.fullmatch(entry.strip())
        if entry.startswith("//") or found is None:
            self.say(entry[1:] if entry.startswith("//") else entry)
            return
        name, rest = found[1], (found[2] or "").strip()
        if name not in _COMMANDS:
            meant = did_you_mean(name, _COMMANDS)
            hint = f"did you mean /{meant}?" if meant else "/help tells the commands; // begins words that are said"
            raise UsageError(f"there is no command /{name}", hint=hint)
        _COMMANDS[name].do(self, rest)

    def say(self, text: str | None) -> None:
        """Say something, or go on without a word."""
        turns = len(self.talk.standings)
        run = self.talk.say(text)
        if run.exit:
            self.code = run.exit
        if len(self.talk.standings) == turns and text is not None:
            self.screen.say(("this turn is not part of the conversation", "dim"))
        if waiting := self.talk.standing.waiting:
            ways = ", ".join(("/answer JSON", *(f"/tools {policy}" for policy in run.policies), "or /undo"))
            self.screen.say((f"{_names(waiting)} waits for an answer: ", "dim"), ways)

    def model(self, name: str) -> None:
        """Go on with another model."""
        if not name:
            self.screen.say(self.talk.standing_request().model_name)
            return
        for loss in self.talk.move(name):
            self.screen.warn(loss.told)
        show_header(None, self.talk.standing_request().model_name, self.screen)

    def tools(self, texts: str) -> None:
        """Show who answers which tool, or change it; calls that wait are answered then."""
        running = self.talk.running
        if texts:
            asked, before = read_policies(texts.split()), running.terms.policies
            policies = Policies(asked.default or before.default, {**before.named, **asked.named})
            terms = tool_terms(running.session, replace(running.terms, policies=policies))
            self.talk.follow(replace(running, terms=terms))
            if any(self.talk.policy(call.name) != "stop" for call in self.talk.standing.waiting):
                self.say(None)
                return
        for tool in self.talk.standing.resolved.request.tools:
            if not isinstance(tool, BuiltinTool):
                self.screen.say(f"{tool.name}={self.talk.policy(tool.name)}")

    def answer(self, text: str) -> None:
        """Answer a call that waits; when all are answered, the conversation goes on."""
        if not text:
            raise UsageError("/answer needs an answer", hint='/answer {"temperature": 21}, or /answer plain words')
        named = _CALL.fullmatch(text)
        known = {name for call in self.talk.standing.waiting for name in (call.id, call.name)}
        name, written = (named[1], named[2]) if named and named[1] in known else (None, text)
        self.talk.give(name, typed_answer(written))
        if waiting := self.talk.standing.waiting:
            self.screen.say((f"{_names(waiting)} waits for an answer", "dim"))
        else:
            self.say(None)

    def undo(self, _: str) -> None:
        """Take the last turn back."""
        self.screen.say("the last turn is taken back" if self.talk.undo() else "there is no turn to take back")

    def save(self, path: str) -> None:
        """Write the conversation as a request spec."""
        self.screen.say(f"written: {save(self.talk, path)}")

    def help(self, _: str) -> None:
        """What can be typed."""
        width = max(len(command.usage) for command in _COMMANDS.values())
        for command in _COMMANDS.values():
            self.screen.say(f"{command.usage:{width}}  {command.help}")
        self.screen.say("A backslash at the end of a line, or Alt+Enter, goes on in the next; // says a slash.")

    def quit(self, _: str) -> None:
        """Leave."""
        self.ended = True


def _names(calls: Iterable[ToolCallPart]) -> str:
    return ", ".join(dict.fromkeys(call.name for call in calls))


_COMMANDS: dict[str, _Command] = {
    "model": _Command("/model [NAME]", "Go on with another model, or show which it is.", _Chat.model),
    "tools": _Command("/tools [POLICY|NAME=POLICY]", "Say who answers calls of tools, or show it.", _Chat.tools),
    "answer": _Command("/answer [CALL=]JSON", "Answer a call that waits; words may stand as they are.", _Chat.answer),
    "undo": _Command("/undo", "Take the last turn back.", _Chat.undo),
    "save": _Command("/save [NAME|PATH]", "Write the conversation as a request spec, to a new file.", _Chat.save),
    "help": _Command("/help", "Show this.", _Chat.help),
    "quit": _Command("/quit", "Leave, as Ctrl-D does.", _Chat.quit),
}
