"""A logged run that goes on, as a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from plcli.continuing import reopen
from plcli.errors import UsageError
from plcli.records import Record, ToolResultRecord
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
    record = session.log.find(run)
    standing = reopen(session.workspace, record, session.store, _results(session.log, record))
    check_tools(running.terms, [standing.resolved])
    return Talk(running, [standing], way)


def _results(log: RunLog, record: Record) -> Iterator[ToolResultRecord]:
    """The answers of tools in the conversation up to this run, the oldest first."""
    for one in reversed(list(islice(_back(log, record), LONGEST))):
        yield from one.tool_results or ()


def _back(log: RunLog, record: Record) -> Iterator[Record]:
    yield record
    seen = {record.id}
    while record.parent is not None and record.parent not in seen:
        try:
            record = log.find(record.parent)
        except UsageError:
            return
        seen.add(record.id)
        yield record
