"""Send one wire request until it is answered, fails for good, or is interrupted.

Retries, the total deadline, folding and lifting are here; what is sent and what the answer means is
the adapter's business.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import tenacity

from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.exchange import Attempt, Exchange, Folded, Target, WireEvent, key_of
from plcli.failures import CallFailed, failed
from plcli.media import Json, Media, MediaReader, lift
from plcli.providers.reading import read_or_failed
from plcli.providers.registry import Tap
from plcli.recall import recalled
from plcli.response import Event, Failure, Response
from plcli.waits import LONGEST_WAIT

KEPT_HEADERS = (
    "content-type",
    "openai-processing-ms",
    "openai-version",
    "retry-after",
    "retry-after-ms",
    "server",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)
"""Response headers that are worth keeping; none of them holds a secret."""


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds and `Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange, what it means, and the media of the answer.

    `failure` is set where there is no answer, or not all of it; then `response` holds what came.
    """

    exchange: Exchange
    response: Response
    media: Media
    failure: Failure | None = None


Watch = Callable[[Event], None]
"""Is told each piece of a streaming answer as it comes."""

WaitWatch = Callable[[Failure, float], None]
"""Is told of a failure that will be retried, and how many seconds the pause is."""


def ask(
    connection: Connection,
    target: Target,
    wire: Json,
    *,
    stream: bool,
    read_media: MediaReader,
    watch: Watch,
    watch_wait: WaitWatch,
    cancel: Cancel | None = None,
    until: float | None = None,
) -> Turn:
    """Send a wire request and give the turn; failures and Ctrl-C end in a turn too, not in an exception.

    Where the connection has recorded answers, one of these is the turn; see `recall`.

    `cancel` ends it from another thread, as Ctrl-C does in this one; `until` is the moment (of
    `time.monotonic`) at which it ends, retries included, where other requests have used up time before.
    """
    if connection.answers is not None:
        exchange, response, missing = recalled(
            connection.provider.name, connection.api, connection.adapter, target, wire, connection.answers, read_media
        )
        return Turn(exchange, response, {}, missing)
    deadline = time.monotonic() + connection.deadline if until is None else until
    sending = _Sending(connection, target, wire, stream, read_media, watch, watch_wait, cancel or Cancel(), deadline)
    failure: Failure | None = None
    try:
        sending.run()
    except CallFailed as error:
        failure = error.failure
    except KeyboardInterrupt:
        failure = Failure(kind="interrupted", message="interrupted")
        sending.close_attempt(failure)
    return sending.turn(failure)


@dataclass(slots=True)
class _Sending:
    """The state of one request while it is sent; lives as long as `ask`."""

    connection: Connection
    target: Target
    wire: Json
    stream: bool
    read_media: MediaReader
    watch: Watch
    watch_wait: WaitWatch
    cancel: Cancel
    deadline: float
    """The moment at which the whole run ends, retries included."""
    began: float = field(default_factory=time.monotonic)
    started: str = field(default_factory=now)
    client_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempts: list[Attempt] = field(default_factory=list)
    events: list[WireEvent] = field(default_factory=list)
    waited: float = 0.0
    tap: Tap | None = None
    tap_started: str = ""
    last: Tap = field(default_factory=Tap)

    def run(self) -> None:
        """Try until an answer has come; raises the `CallFailed` of the last try."""
        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.connection.retries + 1),
            retry=tenacity.retry_if_exception(self.may_pass),
            wait=self.pause,
            before_sleep=self.announce,
            sleep=self.sleep,
            reraise=True,
        )(self.attempt)

    def attempt(self) -> None:
        """One HTTP call, read to its end."""
        self.tap_started = now()
        self.tap = tap = Tap(attempt=len(self.attempts) + 1)
        connection = self.connection
        call = connection.call(
            self.read_media,
            tap,
            stream=self.stream,
            deadline=self.deadline,
            client_request_id=self.client_request_id,
            cancel=self.cancel,
        )
        try:
            for event in connection.adapter.send(connection.fill(self.wire), self.target, call):
                self.events.append(event)
                shown = None if event.whole else connection.adapter.progress(event)
                if shown is not None:
                    self.watch(shown)
        except CallFailed as error:
            self.close_attempt(error.failure)
            raise
        self.close_attempt(None)

    def close_attempt(self, failure: Failure | None) -> None:
        """Write down how the running HTTP call went; does nothing between calls."""
        tap, self.tap = self.tap, None
        if tap is None:
            return
        self.last = tap
        self.attempts.append(
            Attempt(
                started=self.tap_started,
                duration_ms=_ms(time.monotonic() - tap.started),
                status=tap.status,
                request_id=_request_id(tap),
                waited_ms=_ms(self.waited) if self.waited else None,
                failure=failure,
            )
        )

    def may_pass(self, error: BaseException) -> bool:
        """Whether to try again: never once a part of the answer has been shown."""
        if not isinstance(error, CallFailed) or not error.retryable or self.events:
            return False
        wait = error.failure.retry_after or 0.0
        return wait <= min(LONGEST_WAIT, self.deadline - time.monotonic())

    def pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next try: what the provider asks, else growing with some jitter."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.failure.retry_after if isinstance(error, CallFailed) else None
        return asked if asked is not None else _BACKOFF(state)

    def announce(self, state: tenacity.RetryCallState) -> None:
        """Tell of the failure that is about to be retried."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallFailed):
            self.watch_wait(error.failure, state.upcoming_sleep)

    def sleep(self, seconds: float) -> None:
        """Wait, and remember how long. Raises `CallFailed` where the run is cancelled meanwhile."""
        self.waited = seconds
        if self.cancel.wait(seconds):
            raise failed("interrupted", "interrupted")

    def turn(self, failure: Failure | None) -> Turn:
        """What came of it."""
        adapter = self.connection.adapter
        folded = adapter.fold(iter(self.events)) if self.events else Folded(None, complete=False)
        # What the model writes stays words where it is read, and is no less lifted where it is logged.
        answer, pictures = lift(folded.body, adapter.MEDIA, elsewhere=False)
        body, others = lift(answer)
        if failure is None and not folded.complete:
            failure = Failure(
                kind="protocol",
                message="the answer ended before it was complete",
                hint="run it again; what came is in the log: plcli log show RUN",
            )
        response, failure = read_or_failed(adapter.read, answer, failure)
        if failure is not None and self.attempts and self.attempts[-1].failure is None:
            self.attempts[-1] = self.attempts[-1]._replace(failure=failure)
        exchange = Exchange(
            key=key_of(self.connection.provider.name, self.connection.api, self.target, self.wire),
            target=self.target,
            request=self.wire,
            response=body,
            streamed=any(not event.whole for event in self.events),
            attempts=tuple(self.attempts),
            started=self.started,
            duration_ms=_ms(time.monotonic() - self.began),
            status=self.last.status,
            request_id=_request_id(self.last),
            first_event_ms=_ms(self.last.first_byte - self.began) if self.last.first_byte is not None else None,
            headers={name: self.last.headers[name] for name in KEPT_HEADERS if name in self.last.headers},
        )
        return Turn(exchange, response, pictures | others, failure or response.failure)


_BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=8) + tenacity.wait_random(0, 0.5)


def _request_id(tap: Tap) -> str | None:
    return tap.headers.get("x-request-id") or tap.headers.get("apim-request-id")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
