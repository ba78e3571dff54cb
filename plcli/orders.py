"""What a command line asks to be run: requests with their places in a batch, shown beforehand or carried out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from plcli import picture_rules
from plcli.errors import Exit, SpecError, UsageError
from plcli.inputs import Input, read_inputs
from plcli.media import encode, lower
from plcli.overrides import Overrides
from plcli.pacing import lowest
from plcli.records import Batch
from plcli.resolve import Resolved, refusal, resolve
from plcli.running import Plan, Running
from plcli.runs import reader
from plcli.session import Session
from plcli.several import Terms, run_several
from plcli.snapshots import Snapshots
from plcli.toolterms import check_tools
from plcli.unfinished import left
from plcli.workspace import Workspace


class Order(NamedTuple):
    """A run that is asked for: its request, and its row and repetition where there are several."""

    resolved: Resolved
    row: int | None
    repeat: int | None


class Together(NamedTuple):
    """How several runs go: see `several.Terms`; `resume` names a batch of which only the rest is run.

    `max_cost` are US dollars, beside the user's own limit. `strict` refuses what a model cannot carry; a `dry_run`
    sends nothing, and shows bytes if they are `inline`.
    """

    jobs: int | None = None
    max_fail: int | None = None
    resume: str | None = None
    compared: int = 1
    strict: bool = False
    dry_run: bool = False
    inline: bool = False
    max_cost: float | None = None


def read(
    running: Running,
    specs: Sequence[str] | None,
    prompt: str | None,
    var: Sequence[str] | None,
    rows: Path | None,
    snapshots: Snapshots,
    *,
    example: str,
) -> list[Input]:
    """What a command line names to be run: specs, or a prompt, with every row; those of revisions as `snapshots`.

    Raises `SpecError` and `UsageError`.
    """
    if bool(specs) == (prompt is not None):
        what = "either SPEC or --prompt, not both" if specs else "one SPEC at least, or --prompt, is needed"
        raise UsageError(what, hint=f'plcli {running.command} {example}, or plcli {running.command} --prompt "…"')
    session = running.session
    inputs = read_inputs(session.workspace, specs or [], prompt, var or [], rows, snapshots)
    session.tell_of_other_workspaces(item.file for item in inputs if item.file is not None)
    return inputs


def ordered(inputs: Sequence[Input], requests: Callable[[Input], Sequence[Resolved]], repeat: int) -> Iterator[Order]:
    """Every input so often, each time as all of its `requests`."""
    for item in inputs:
        made = requests(item)
        for number in range(repeat):
            yield from (Order(one, item.row, number if repeat > 1 else None) for one in made)


def resolved(workspace: Workspace, item: Input, overrides: Overrides) -> Resolved:
    """The request of an input; what is wrong with a row is told with its number."""
    try:
        return resolve(item.workspace or workspace, item.document, item.file, given=item.given, overrides=overrides)
    except UsageError as error:
        if item.row is None:
            raise
        raise UsageError(f"row {item.row + 1}: {error.message}", hint="--vars: change the row, or the spec") from None


def carry_out(running: Running, orders: Sequence[Order], how: Together) -> int:
    """Run them after a last look: one while somebody watches, several as a batch. Gives the exit code."""
    requests = [each.resolved for each in orders]
    if how.strict:
        refuse_losses(requests)
    check_tools(running.terms, requests)
    _warn_of_pictures(running, requests)
    if how.dry_run:
        return dry_run(running.session, requests, inline=how.inline)
    if len(orders) == 1 and how.resume is None:
        request = orders[0].resolved
        return running.one(Plan(request, running.connections([request])[0])).exit
    compared = how.compared if how.resume is None else 1
    terms = Terms(how.jobs or compared, how.max_fail, lowest(how.max_cost, running.session.user.max_cost), compared)
    return _batch(running, orders, terms, how.resume)


def _batch(running: Running, orders: Sequence[Order], terms: Terms, resume: str | None) -> int:
    """Run several, or what a batch has left."""
    session, requests = running.session, [each.resolved for each in orders]
    places = left(resume, requests, session.log) if resume is not None else list(range(len(orders)))
    connections = running.connections(requests)
    if not places:
        session.screen.say(f"nothing is left of batch {resume}: all {len(orders)} runs have their answers")
        return Exit.DONE
    batch_id = resume or uuid.uuid4().hex[:12]
    plans = [
        Plan(
            requests[place],
            connections[place],
            Batch(id=batch_id, n=len(orders), row=orders[place].row, repeat=orders[place].repeat),
        )
        for place in places
    ]
    return run_several(running, plans, terms, batch_id)


def _warn_of_pictures(running: Running, requests: Sequence[Resolved]) -> None:
    """Tell what the makers' services do not take, or will not take for long, of the pictures that are asked for."""
    today = datetime.now(UTC).date()
    for told in dict.fromkeys(
        advice.told
        for each in requests
        if picture_rules.hold_for(each.model.spec)
        for advice in picture_rules.of_request(each.request, streamed=running.stream, today=today)
    ):
        running.session.screen.warn(told)


def refuse_losses(requests: Sequence[Resolved]) -> None:
    """Raise `SpecError` where a model cannot carry everything of its request."""
    refused = [refusal(each) for each in requests if each.losses]
    if refused:
        raise SpecError(dict.fromkeys(problem for refusal in refused for problem in refusal.problems))


def dry_run(session: Session, requests: Sequence[Resolved], *, inline: bool) -> int:
    """Print what would be sent."""
    for told in dict.fromkeys(loss.told for each in requests for loss in each.losses):
        session.screen.warn(told)
    for each in requests:
        shown = _dry(each, session, inline=inline, pretty=len(requests) == 1)
        session.screen.write(session.screen.out, shown + "\n")
    return Exit.DONE


def _dry(resolved: Resolved, session: Session, *, inline: bool, pretty: bool) -> str:
    """What would be sent; secrets of headers are not part of it."""
    wire, target = resolved.compiled.wire, resolved.compiled.target
    shown = lower(wire, reader(resolved.media, session.store)) if inline else encode(wire)
    value = {"wire": shown, "target": {"operation": target.operation, "model": target.model}}
    return json.dumps(value, ensure_ascii=True, indent=2 if pretty else None)
