"""Whether models can be used: their endpoints are asked, and what is known of their end is added.

An endpoint that cannot tell of a model may be asked for a short answer instead, which costs a little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Literal

from plcli import retirements
from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.documents import parse
from plcli.engine import ask
from plcli.errors import Exit, PlcliError
from plcli.failures import CallFailed, failed
from plcli.modelrefs import ModelRef
from plcli.overrides import Overrides
from plcli.providers.registry import Listing, Tap, look_up
from plcli.resolve import resolve
from plcli.retirements import Retirement
from plcli.workspace import Workspace

HOSTS = 16
"""Hosts that are asked at once."""

LONGEST_ANSWER = 16
"""Tokens of the short answer; no api takes fewer."""

State = Literal["ok", "unknown", "failed"]

_HINT_OF_KIND = {
    "rate_limit": "wait a moment, and check again",
    "server": "the trouble is on the provider's side: check again later",
    "timeout": "check again, or raise --timeout",
}
"""Where a run would be told of options that checking has not."""


@dataclass(frozen=True, slots=True)
class Question:
    """A model to check: its name on the command line, and how it is reached or why it is not.

    `home` says that its maker serves it, so that the table of retirements holds.
    """

    name: str
    ref: ModelRef
    home: bool
    connection: Connection | PlcliError


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a question. `served_by` is the model that answers where that is another id."""

    question: Question
    state: State
    detail: str | None = None
    served_by: str | None = None
    retirement: Retirement | None = None
    error: PlcliError | None = None

    def ends_within(self, days: int) -> bool:
        """Whether the model is gone, or will be in so many days."""
        return self.retirement is not None and self.retirement.days <= days

    def exit(self, within: int) -> Exit:
        """The exit code that this asks for."""
        if self.error is not None:
            return self.error.exit
        return Exit.FINDING if self.ends_within(within) else Exit.DONE


Trial = Callable[[Question, Connection, Cancel], None]
"""Asks a model for a short answer. Raises `PlcliError` where none comes."""


def check_models(
    questions: Sequence[Question], today: date, seconds: float, trial: Trial | None = None
) -> list[Checked]:
    """Ask about every model, in order; hosts at once, the models of one host one after the other.

    `seconds` is the longest time for one call. `trial` is made of models that their endpoint cannot tell of.
    """
    cancel = Cancel()
    hosts: dict[object, list[Question]] = {}
    for question in questions:
        hosts.setdefault(_host(question), []).append(question)

    def check_host(asked: list[Question]) -> list[Checked]:
        return [_Asking(question, today, seconds, trial, cancel).checked() for question in asked]

    with ThreadPoolExecutor(HOSTS) as pool:
        futures = [pool.submit(check_host, asked) for asked in hosts.values()]
        try:
            found = {id(checked.question): checked for future in futures for checked in future.result()}
        except BaseException:
            cancel.ask()
            raise
    return [found[id(question)] for question in questions]


def short_answer(workspace: Workspace, question: Question, connection: Connection, cancel: Cancel) -> None:
    """Ask a model for a word, as a run does, and leave no record. Raises `PlcliError` where none comes."""
    spec = {
        "kind": "request",
        "model": "echo/any",
        "template": "none",
        "prompt": "Say OK.",
        "params": {"max_output_tokens": LONGEST_ANSWER},
    }
    # Moved there from another model: what its api cannot carry is left out instead of refused.
    document = parse(json.dumps(spec), file=question.name, format="json")
    plan = resolve(workspace, document, None, given={}, overrides=Overrides(question.name))
    turn = ask(
        connection,
        plan.compiled.target,
        plan.compiled.wire,
        stream=False,
        read_media=_no_media,
        watch=lambda event: None,
        watch_wait=lambda failure, seconds: None,
        cancel=cancel,
    )
    if turn.failure is not None:
        raise CallFailed(turn.failure)


def _host(question: Question) -> object:
    connection = question.connection
    return connection.base_url if isinstance(connection, Connection) else None


@dataclass(frozen=True, slots=True)
class _Asking:
    """One question while it is asked."""

    question: Question
    today: date
    seconds: float
    trial: Trial | None
    cancel: Cancel

    def checked(self) -> Checked:
        """What came of it; errors are told, not raised."""
        connection = self.question.connection
        if isinstance(connection, PlcliError):
            return self._failed(connection)
        if connection.provider.local:
            return Checked(self.question, "ok", "answers inside this process")
        try:
            listing = self._listing(connection)
            # A model that only draws gives no short answer.
            if listing.known is None and self.trial is not None and not connection.adapter.wanted({}):
                self.trial(self.question, connection, self.cancel)
                listing = Listing(True, listing.served_by, listing.shutdown, "it answered")
        except PlcliError as error:
            return self._failed(error)
        return Checked(
            self.question,
            "unknown" if listing.known is None else "ok",
            listing.detail,
            listing.served_by,
            self._retirement(listing.shutdown),
        )

    def _listing(self, connection: Connection) -> Listing:
        """What the endpoint says. Raises `CallFailed` also for a model that it does not know."""
        deadline = time.monotonic() + self.seconds
        call = connection.call(_no_media, Tap(), stream=False, deadline=deadline, cancel=self.cancel)
        listing = look_up(connection.provider, self.question.ref.model, call)
        if listing.known is False:
            said = f"; {listing.detail}" if listing.detail else ""
            raise failed("not_found", f"{connection.base_url} does not know {self.question.ref.model}{said}")
        return listing

    def _failed(self, error: PlcliError) -> Checked:
        ref, retirement = self.question.ref, self._retirement(None)
        if isinstance(error, CallFailed) and error.failure.kind == "not_found":
            gone = retirement.sentence if retirement and retirement.gone else None
            place = f"`model` in {ref.document.file}" if ref.document else "the id"
            error.hint = gone or error.hint or f"check {place}"
        elif isinstance(error, CallFailed):
            error.hint = _HINT_OF_KIND.get(error.failure.kind, error.hint)
        return Checked(self.question, "failed", retirement=retirement, error=error)

    def _retirement(self, shutdown: str | None) -> Retirement | None:
        """The end that the endpoint tells, else the table."""
        provider, model = self.question.ref.provider.name, self.question.ref.model
        try:
            told = date.fromisoformat((shutdown or "")[:10])
        except ValueError:
            return retirements.of(provider, model, self.today) if self.question.home else None
        return retirements.announced(provider, model, told, self.today)


def _no_media(digest: str) -> bytes:
    """Questions about models hold no media."""
    raise KeyError(digest)
