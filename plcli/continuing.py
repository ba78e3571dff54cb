"""Going on from a logged run: the request that follows its last one.

The log is data. What was sent and answered is taken from it as it stands; where the next request goes, which
tools there are and what they may do is decided anew, by the workspace and the user's side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plcli import ingredients
from plcli.answering import Answering, logged_answer
from plcli.conversation import Reading
from plcli.documents import FORMATS, parse
from plcli.errors import NotReplayable, SetupError, SpecError, UsageError
from plcli.exchange import Target
from plcli.fence import BadReference
from plcli.media import Json, MediaMissing, Redacted, decode, lift, references
from plcli.mediastore import MediaStore
from plcli.modelrefs import ModelRef, model_reference
from plcli.moving import move
from plcli.providers.reading import table
from plcli.providers.registry import Adapter, Compiled, adapter
from plcli.providers.roundtrip import same
from plcli.records import Record
from plcli.request import BuiltinTool, Message, Request, ToolResult
from plcli.resolve import Overrides, Resolved, with_model
from plcli.response import ToolCallPart
from plcli.rounds import BEFORE, Answered
from plcli.toolanswers import ToolAnswer
from plcli.toolbox import Tool, load_tool
from plcli.traffic import wire_requests
from plcli.workspace import Workspace

Chain = Literal["echo", "server"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A logged run that may go on: its last wire request, and what was answered to it (None: nothing whole).

    `calls` are those of the last answer, each with the answer it has had already, if any.
    """

    record: Record
    model: ModelRef
    api: str
    adapter: Adapter
    target: Target
    wire: Json
    answer: Json
    calls: tuple[tuple[ToolCallPart, ToolAnswer | None], ...]
    tools: Mapping[str, Tool]
    chain: Chain

    @property
    def waiting(self) -> tuple[ToolCallPart, ...]:
        """The calls that have no answer yet."""
        return tuple(call for call, answer in self.calls if answer is None)

    def resolved(self) -> Resolved:
        """The last request of the run as it was sent, as one to be sent now."""
        return self._resolved(Compiled(self.wire, self.target))

    def follow(self, results: Sequence[ToolResult], messages: Sequence[Message]) -> Resolved:
        """The request that follows, with the results of all calls, and what is said after them."""
        turns = [*([Message("tool", tuple(results))] if results else []), *messages]
        if not turns:
            return self.resolved()
        # Without an answer there is none to chain to.
        wire = self.adapter.next_turn(self.wire, self.answer, turns, "echo" if self.answer is None else self.chain)
        return self._resolved(Compiled(wire, self.target))

    def _resolved(self, compiled: Compiled) -> Resolved:
        return Resolved(
            request=self.adapter.uncompile(compiled.wire, self.target)._replace(chain=self.chain),
            compiled=compiled,
            model=self.model,
            spec=None,
            document=None,
            file=None,
            variables=self.record.variables or {},
            expectations=(),
            sources=(),
            media={},
            tools=self.tools,
            parent=self.record,
        )


def reopen(workspace: Workspace, record: Record, store: MediaStore) -> Conversation:
    """The conversation of a logged run.

    Raises `NotReplayable` where something of it is gone, `SetupError` and `SpecError` where its model is.
    """
    try:
        wires = wire_requests(record.exchanges)
        answer = decode(record.exchanges[-1].response) if record.exchanges else None
        results = {
            (each.call_id, each.name, n): logged_answer(each, store.get)
            for n, each in enumerate(record.tool_results or ())
            if each.exchange == len(wires) - 1
        }
    except ValueError as error:
        raise NotReplayable(f"run {record.id} cannot go on: it is damaged: {error}") from None
    except MediaMissing as error:
        raise NotReplayable(f"run {record.id} cannot go on: {error}") from None
    if not wires:
        raise NotReplayable(f"run {record.id} cannot go on: nothing was sent", hint="run its spec again")
    model, api = _model(workspace, record)
    made = adapter(model.provider, api)
    target = Target(record.exchanges[-1].operation, record.model or "")
    whole = record.exchanges[-1].response is not None and _answered(record)
    calls: list[tuple[ToolCallPart, ToolAnswer | None]] = []
    if whole:
        known = list(results.items())
        for call in made.read(lift(answer, made.MEDIA, elsewhere=False)[0]).tool_calls:
            found = next((item for item in known if item[0][:2] == (call.id, call.name)), None)
            if found is not None:
                known.remove(found)
            calls.append((call, found[1] if found else None))
    _whole(record, [wires[-1], answer if whole else None, *(each.result for each in results.values())], store)
    request = made.uncompile(wires[-1], target)
    tools = _tools(workspace, (tool.name for tool in request.tools if not isinstance(tool, BuiltinTool)))
    chain: Chain = "server" if "server" in (request.chain, _stated_chain(record, store)) else "echo"
    return Conversation(
        record, model, api, made, target, wires[-1], answer if whole else None, tuple(calls), tools, chain
    )


def _stated_chain(record: Record, store: MediaStore) -> Json:
    """What the spec of a run says of `chain`: the first request of a conversation does not show it."""
    stated = ((record.overrides or {}).get("set") or {}).get("chain")
    if stated is not None or record.spec is None:
        return stated
    path = Path(record.spec.path)
    try:
        data = store.get(record.spec.sha256)
        form = FORMATS.get(path.suffix.lower(), "yaml")
        return table(parse(data, file=str(path), format=form).value).get("chain")
    except (MediaMissing, SpecError):
        return None


def _answered(record: Record) -> bool:
    """Whether the last exchange has a whole answer: what failed after it failed elsewhere."""
    last = record.exchanges[-1]
    failed = bool(last.attempts) and last.attempts[-1].error is not None
    return last.status is None or (200 <= last.status < 300 and not failed)


def _model(workspace: Workspace, record: Record) -> tuple[ModelRef, str]:
    name = record.model_spec or f"{record.provider}/{record.model}"
    try:
        model = model_reference(workspace, name)
        return model, model.api(record.api)
    except BadReference as error:
        message = f"run {record.id} asked {name}: {error.message}"
        raise SetupError(message, hint="add the model spec again, or name another with --model") from None


def _whole(record: Record, wires: Iterable[Json], store: MediaStore) -> None:
    """Raise `NotReplayable` where a secret was taken out of what would be sent, or a medium is gone."""
    for wire in wires:
        if _redacted(wire):
            raise NotReplayable(
                f"run {record.id} cannot go on: secrets were taken out of what was sent or answered",
                hint="run its spec again",
            )
        for ref in references(wire):
            if store.path(ref.digest) is None:
                raise NotReplayable(f"run {record.id} cannot go on: {ref.digest} is not in {store.folder}")


def _redacted(wire: Json) -> bool:
    waiting = [wire]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Redacted):
            return True
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return False


def _tools(workspace: Workspace, names: Iterable[str]) -> dict[str, Tool]:
    """Those of these tools that have files. Raises `SpecError` for a file that is wrong."""
    found = {}
    for name in names:
        try:
            found[name] = load_tool(workspace, name)
        except BadReference:
            continue
    return found


def answer_all(
    conversation: Conversation, answering: Answering, given: Sequence[tuple[str, Json]], seconds: float
) -> tuple[Answered, ...]:
    """The answers that the waiting calls get now: those given by name, the others by their policies.

    Raises `UsageError` for an answer to no call, and for a call that is left without one; `ToolError`.
    """
    waiting = conversation.waiting
    chosen: dict[int, Json] = {}
    for name, result in given:
        chosen[_place(name, waiting, chosen)] = result
    answered = []
    for place, call in enumerate(waiting):
        answer = answering.given(call, chosen[place]) if place in chosen else answering.answer(call, seconds)
        if answer is None:
            raise UsageError(f"{_named(call)} waits for an answer", hint=_ways(call))
        answered.append(Answered(BEFORE, answering.understood(call), answer))
    return tuple(answered)


def _place(name: str, waiting: Sequence[ToolCallPart], taken: Collection[int]) -> int:
    """Which of the waiting calls is meant: that of an id, else the next one of a tool. Raises `UsageError`."""
    for names in ([call.id for call in waiting], [call.name for call in waiting]):
        found = [place for place, known in enumerate(names) if known == name]
        if left := [place for place in found if place not in taken]:
            return left[0]
        if found:
            raise UsageError(f"--answer {name}: that call has an answer already", hint="give each call one answer")
    others = ", ".join(call.id or call.name for call in waiting)
    hint = f"the calls that wait: {others}" if others else "no call of that run waits for an answer"
    raise UsageError(f"--answer {name}: there is no such call", hint=hint)


def _named(call: ToolCallPart) -> str:
    return f"{call.name} ({call.id})" if call.id else call.name


def _ways(call: ToolCallPart) -> str:
    return f"add --answer {call.id or call.name}=JSON, or --tools stub or run"


def turned(resolved: Resolved, workspace: Workspace, model: ModelRef, api: str) -> Resolved:
    """The same request for another model, with what it cannot carry there as its losses.

    Raises `SpecError` where the model spec is wrong.
    """
    request = _without_model(resolved.request, resolved.model)
    if (model.provider.name, api) == (request.provider, request.api):
        moved, report = request._replace(model=model.model), None
    else:
        away = move(request, model.provider, api, model.model)
        moved, report = away.request, away.report
    made = adapter(model.provider, api)
    media = dict(resolved.media)
    if model.document is not None and model.path is not None:
        reading = Reading(workspace, model.document, model.path, lambda text, where, place: text)
        moved = with_model(reading, moved, model, stated=moved.params)
        if reading.problems:
            raise SpecError(reading.problems)
        media |= reading.media
    compiled = made.compile(made.defaults(moved, model.spec))
    losses = report(compiled.losses) if report else compiled.losses
    overrides = Overrides(model.name or f"{model.provider.name}/{model.model}")
    return resolved._replace(
        request=moved, compiled=compiled, model=model, media=media, losses=losses, overrides=overrides
    )


def _without_model(request: Request, model: ModelRef) -> Request:
    """The request without what its model spec says, as far as nobody has said otherwise."""
    own = model.spec
    if own is None:
        return request
    params, body = ingredients.params(own.params, None), own.body
    return request._replace(
        params={name: value for name, value in request.params.items() if not _says(params, name, value)},
        body={name: value for name, value in request.body.items() if not _says(body, name, value)},
        script=None,
    )


def _says(fields: Mapping[str, Json], name: str, value: Json) -> bool:
    return name in fields and same(fields[name], value)
