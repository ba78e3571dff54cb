"""A logged run that goes on, as a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from plcli.continuing import reopen
from plcli.errors import UsageError
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
