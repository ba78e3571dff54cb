"""A logged run that goes on, as a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from plcli.continuing import reopen
from plcli.drawing import Picture
from plcli.errors import UsageError
from plcli.inputs import read_text
from plcli.orders import dry_run, refuse_losses
from plcli.records import Record
from plcli.runlog import RunLog
from plcli.running import Running
from plcli.talk import Talk
from plcli.toolterms import check_tools

LONGEST = 1000
"""Runs that one conversation may have had before, as far as stubs that answer in turn count them."""


def continued(running: Running, run: str, way: str) -> Talk:
    """The conversation that a run of the log has left; `way` says how its calls are answered.

    Raises `UsageError` for a run that there is not, `NotReplayable` for one that is not whole any more.
    """
    session = running.session
    chain = list(islice(_back(session.log, session.log.find(run)), LONGEST))
    standing = reopen(session.workspace, chain, session.store)
    check_tools(running.terms, [standing.resolved])
    session.protect_granted(standing.resolved.tools.values())
    return Talk(running, [standing], way)


class Further(NamedTuple):
    """What the command line says next: words (None: none) and pictures, perhaps only to be looked at.

    `model` names another one that is to go on.
    """

    message: str | None
    model: str | None = None
    pictures: tuple[Picture, ...] = ()
    strict: bool = False
    dry_run: bool = False
    inline: bool = False


def refuse_beside(running: Running, run: str, others: Sequence[str]) -> None:
    """Raise `UsageError` for what does not go with `--continue`."""
    if others:
        raise UsageError(f"{others[0]} does not go with --continue", hint=_hint(running, run))


def go_on(talk: Talk, run: str, further: Further) -> int:
    """Say something to whoever answered `run`, and show the answer. Gives the exit code.

    Raises `UsageError` where there is nothing to say, and where a call waits for its answer.
    """
    session, said = talk.running.session, None
    if further.message is not None:
        said = read_text(session.workspace, further.message, "--message")
        if not said.strip():
            raise UsageError("--message says nothing", hint=_hint(talk.running, run))
    elif talk.standing.over and not further.pictures:
        raise UsageError(f"run {run} has its answer", hint=_hint(talk.running, run))
    if further.model is not None:
        talk.move(further.model)
    if further.strict:
        refuse_losses([talk.following(said, further.pictures)])
    if further.dry_run:
        return dry_run(session, [talk.following(said, further.pictures)], inline=further.inline)
    return talk.say(said, further.pictures, alone=True).exit


def _hint(running: Running, run: str) -> str:
    return f'plcli {running.command} --continue {run} --message "…"'


def _back(log: RunLog, record: Record) -> Iterator[Record]:
    """A run and those that it continues, the newest first."""
    yield record
    seen = {record.id}
    while record.parent is not None and record.parent not in seen:
        try:
            record = log.find(record.parent)
        except UsageError:
            return
        seen.add(record.id)
        yield record
