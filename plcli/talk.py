"""A conversation that goes on: what is said next, the calls that wait, another model, one turn back.

Each turn is a run of its own. What the next request is made of stays in memory, as it was sent and answered: the
log, where it is kept, has no secrets and may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from types import TracebackType
from typing import Self

from plcli import interrupts
from plcli.answering import Answering
from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.continuing import turned
from plcli.drawing import Picture
from plcli.errors import LogError, UsageError
from plcli.failures import failure_of
from plcli.fence import BadReference
from plcli.media import Json, MediaReader
from plcli.modelrefs import model_reference
from plcli.providers.registry import adapter
from plcli.request import Image, Loss, Message, Part, Request, Text, ToolCall
from plcli.resolve import Resolved
from plcli.response import ToolCallPart
from plcli.rounds import BEFORE, Answered, Rounds, result_of, stopped_at
from plcli.running import Plan, Running
from plcli.runs import Run, reader
from plcli.standing import Standing, standing_after
from plcli.toolanswers import Policy, ToolAnswer
from plcli.toolterms import check_tools


@dataclass(slots=True)
class Talk:
    """A conversation in a session. `standings` has where it began, and where each turn left it.

    What runs for its tools ends with it, at the end of the `with`; answers that no run has taken further are logged.
    """

    running: Running
    standings: list[Standing]
    way: str
    """What to type to answer a call that waits; for hints."""
    model: str | None = None
    """The model that goes on from here, where it is another than before."""
    _answering: Answering | None = None
    _unlogged: tuple[Answered, ...] = ()
    """Answers to calls that no record holds."""
    _connections: dict[tuple[str, str], Connection] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.forget_tools()
        # What stubs and the command line answer, they answer again.
        done = any(each.answer.source in ("run", "ask") for each in self._unlogged)
        if done and self.running.keep and not isinstance(error, LogError):
            with interrupts.held_back():
                self._log_answers(error)

    def _log_answers(self, error: BaseException | None) -> None:
        """Write down what was answered, for whoever goes on: what a handler has done is not done again."""
        resolved = self.standing.resolved
        rounds = Rounds((), self._unlogged, failure_of(error) if error is not None else None)
        plan = Plan(resolved, self._connection(resolved))
        (record,), unlogged = self.running.log([(plan, Run(resolved, plan.connection, rounds, None))])
        if unlogged is not None:
            raise unlogged
        tail, screen = record.tail, self.running.session.screen
        if isinstance(error, KeyboardInterrupt):
            screen.after_interrupt()
        screen.say(("what was answered is kept: ", "dim"), f"plcli run --continue {tail}")

    @property
    def standing(self) -> Standing:
        """Where the conversation stands."""
        return self.standings[-1]

    @property
    def unanswered(self) -> bool:
        """Whether the conversation began with words that nobody has answered yet."""
        messages = self.standing.resolved.request.messages
        begun = len(self.standings) == 1 and self.standing.answer is None
        return begun and bool(messages) and messages[-1].role in ("user", "tool")

    def connect(self) -> None:
        """Find out where the next request goes. Raises what stands against it."""
        self._connection(self.standing.resolved)

    @property
    def read(self) -> MediaReader:
        """Gives the bytes of all media of the conversation."""
        return reader(self.standing.resolved.media, self.running.session.store)

    def standing_request(self) -> Resolved:
        """All that was said and answered, as a request of the model that goes on."""
        return self._for_model(self.standing.following())

    def say(self, text: str | None, pictures: Sequence[Picture] = (), *, alone: bool = False) -> Run:
        """Answer the calls that wait, say something (None: nothing), and get the answer; it is shown and logged.

        `alone` says that nothing else will be said. Raises `UsageError` where a call waits for an answer, and
        `LogError` after the answer was shown.
        """
        run, record, unlogged = self.running.live(self._plan(text, pictures), alone=alone)
        if unlogged is None:
            self._unlogged = ()
        after = standing_after(run, record)
        if after is not None:
            self.standings.append(after)
            self.model = None
        if run.failure is not None:
            self.forget_tools()
        if unlogged is not None:
            raise unlogged
        return run

    def _plan(self, text: str | None, pictures: Sequence[Picture]) -> Plan:
        """The run that goes on so; see `following`."""
        resolved = self.following(text, pictures)
        answering, given = self._answers(resolved), self.standing.given
        return Plan(resolved, self._connection(resolved), answering=answering, already=given)

    def following(self, text: str | None, pictures: Sequence[Picture] = ()) -> Resolved:
        """The request with the calls that wait answered, and something said (None: nothing) or shown.

        Raises `UsageError` where a call waits for an answer.
        """
        self._answer_calls()
        said: list[Part] = [Text(text)] if text is not None else []
        said += [Image(picture.medium.source) for picture in pictures]
        words = [Message("user", tuple(said))] if said else []
        here, there = self.standing, self.standing_request()
        if _api(there) == _api(here.resolved):
            following = self._for_model(here.following([*_results(here.calls, there), *words]))
        else:
            # What a result can hold is for the api to say that will get it, which may know the call by another id.
            following = Standing(there).following([*_results(_renamed(here.calls, there.request), there), *words])
        media = following.media.copy()
        for picture in pictures:
            media |= picture.medium.media
        return following._replace(media=media)

    def give(self, name: str | None, result: Json) -> None:
        """Answer a call that waits: that of an id, else the next one of a tool (None: the only one).

        Raises `UsageError` where there is no such call, and for what its tool does not return.
        """
        waiting = self.standing.waiting
        named = [call for call in waiting if call.id == name] or [call for call in waiting if call.name == name]
        found = named if name is not None else waiting
        if not found or (name is None and len(found) > 1):
            names = ", ".join(call.id or call.name for call in waiting)
            which = "several calls wait" if found else f"no call {name} waits" if name else "no call waits"
            raise UsageError(f"{which} for an answer" + (f"; those that do: {names}" if names else ""), hint=self.way)
        self._note(found[0], self._answers(self.standing.resolved).given(found[0], result))

    def move(self, name: str) -> Sequence[Loss]:
        """Go on with another model; tells what it cannot carry of what was said. Raises what stands against it."""
        before, self.model = self.model, name
        try:
            moved = self.standing_request()
            self._connection(moved)
        except BaseException:
            self.model = before
            raise
        self.forget_tools()
        return moved.losses

    def undo(self) -> bool:
        """Take back the last turn; whether there was one. The model stays."""
        if len(self.standings) == 1:
            return False
        gone = self.standings.pop().resolved
        self.model = self.model or gone.model_name
        self.forget_tools()
        return True

    def policy(self, tool: str) -> Policy:
        """How calls of a tool are answered."""
        return self._answers(self.standing.resolved).policy(ToolCallPart(name=tool, arguments={}))

    def follow(self, running: Running) -> None:
        """Go on under other terms for tools. Raises `UsageError` where they do not fit the tools of the request."""
        check_tools(running.terms, [self.standing.resolved])
        self.running = running
        self.forget_tools()

    def forget_tools(self) -> None:
        """End what runs for the tools; it starts anew with the next call."""
        if self._answering is not None:
            self._answering.close()
            self._answering = None

    def _answer_calls(self) -> None:
        """Answer the calls that wait, by their policies. Raises `ToolError` where they are more than may be."""
        waiting = self.standing.waiting
        answering = self._answers(self.standing.resolved) if waiting else None
        if len(waiting) > self.running.terms.calls:
            raise stopped_at("--max-calls", self.running.terms.calls)
        for call in waiting:
            answer = answering.answer(call, answering.terms.seconds) if answering else None
            if answer is None:
                told = f"{call.name} ({call.id})" if call.id else call.name
                raise UsageError(f"{told} waits for an answer", hint=self.way)
            self._note(call, answer)

    def _note(self, call: ToolCallPart, answer: ToolAnswer) -> None:
        standing = self.standing
        calls = tuple((one, answer if one is call else known) for one, known in standing.calls)
        given = Answered(BEFORE, self._answers(standing.resolved).understood(call), answer)
        self.standings[-1] = replace(standing, calls=calls, given=(*standing.given, given))
        self._unlogged += (given,)

    def _for_model(self, resolved: Resolved) -> Resolved:
        """The request for the model that goes on."""
        if self.model is None or self.model == resolved.model_name:
            return resolved
        workspace = self.running.session.workspace
        try:
            found = model_reference(workspace, self.model)
            beside = found.name is None and found.provider == resolved.model.provider
            return turned(resolved, workspace, found, found.api(resolved.request.api if beside else None))
        except BadReference as error:
            raise UsageError(error.message, hint=error.hint) from None

    def _connection(self, resolved: Resolved) -> Connection:
        place = (resolved.model_name, resolved.request.api)
        if place not in self._connections:
            self._connections[place] = self.running.connections([resolved])[0]
        return self._connections[place]

    def _answers(self, resolved: Resolved) -> Answering:
        """Who answers the calls; the same for all turns, so that what runs for the tools goes on running."""
        if self._answering is None:
            self._answering = self.running.answering(resolved, Cancel())
            self._answering.remember(list(chain.from_iterable(each.results for each in self.standings)))
        return self._answering


Calls = Sequence[tuple[ToolCallPart, ToolAnswer | None]]
"""Calls, each with the answer that it has got, if any."""


def _api(resolved: Resolved) -> tuple[str, str]:
    return resolved.request.provider, resolved.request.api


def _results(calls: Calls, resolved: Resolved) -> list[Message]:
    """The answers to calls, as one turn of a request."""
    made = adapter(resolved.model.provider, resolved.request.api)
    results = tuple(result_of(call, answer, made) for call, answer in calls if answer is not None)
    return [Message("tool", results)] if results else []


def _renamed(calls: Calls, moved: Request) -> Calls:
    """The calls as they stand in a request that has moved to another api; what did not come along has no answer."""
    last = takewhile(lambda message: message.role == "assistant", reversed(moved.messages))
    left = [part for message in reversed(list(last)) for part in message.parts if isinstance(part, ToolCall)]
    renamed = []
    for call, answer in calls:
        found = next((part for part in left if part.name == call.name and call.id in (None, part.id)), None)
        if found is not None:
            left.remove(found)
            renamed.append((call.model_copy(update={"id": found.id}), answer))
    return renamed
