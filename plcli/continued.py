"""Go on from a logged run: its calls answered, something said, the next request sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from plcli.continuing import answer_all, reopen, turned
from plcli.errors import UsageError
from plcli.fence import BadReference
from plcli.media import Json
from plcli.modelrefs import model_reference
from plcli.records import Record, ToolResultRecord
from plcli.request import Message, Text
from plcli.resolve import Resolved
from plcli.rounds import result_of
from plcli.running import Plan, Running
from plcli.toolterms import check_tools

LONGEST = 1000
"""Runs that one conversation may have had before, as far as stubs that answer in turn count them."""


def plan_of(
    running: Running, record: Record, *, message: str | None, answers: Sequence[tuple[str, Json]], model: str | None
) -> Plan:
    """The plan that goes on from a run. Answers its calls first, which may run handlers.

    Raises `UsageError` where there is nothing to go on with, or a call is left without an answer.
    """
    session = running.session
    conversation = reopen(session.workspace, record, session.store)
    base = conversation.resolved()
    check_tools(running.terms, [base])
    if message is None and not conversation.calls and conversation.answer is not None:
        tail = record.id.rpartition("-")[2]
        raise UsageError(f"run {tail} has its answer", hint=f'plcli run --continue {tail} --message "…"')
    answering = running.answering(base)
    answering.remember(list(_results(running, record)))
    connection = running.connections([_for(running, base, model) if model else base])[0]
    already = answer_all(conversation, answering, answers, connection.deadline)
    fresh = iter(already)
    told = [
        result_of(call, answer if answer is not None else next(fresh).answer, connection)
        for call, answer in conversation.calls
    ]
    said = [Message("user", (Text(message),))] if message is not None else []
    following = conversation.follow(told, said)
    if model is not None:
        following = _for(running, following, model)
    return Plan(following, connection, answering=answering, already=already)


def _for(running: Running, resolved: Resolved, model: str) -> Resolved:
    """The request for another model, which the command line names."""
    workspace = running.session.workspace
    try:
        found = model_reference(workspace, model)
        return turned(resolved, workspace, found, found.api(None))
    except BadReference as error:
        raise UsageError(f"--model {model}: {error.message}", hint=error.hint) from None


def _results(running: Running, record: Record) -> Iterator[ToolResultRecord]:
    """The answers of tools in the conversation up to this run, the oldest first."""
    chain = list(islice(_back(running, record), LONGEST))
    for one in reversed(chain):
        yield from one.tool_results or ()


def _back(running: Running, record: Record) -> Iterator[Record]:
    yield record
    seen = {record.id}
    while record.parent is not None and record.parent not in seen:
        try:
            record = running.session.log.find(record.parent)
        except UsageError:
            return
        seen.add(record.id)
        yield record
