"""Failures of calls: one kind for each thing that can go wrong, whoever noticed it."""

from __future__ import annotations

from plcli.errors import Exit, PlcliError
from plcli.response import Failure

EXIT_OF_KIND: dict[str, Exit] = {
    "auth": Exit.REFUSED,
    "permission": Exit.REFUSED,
    "not_found": Exit.REFUSED,
    "invalid": Exit.REFUSED,
    "safety": Exit.REFUSED,
    "quota": Exit.REFUSED,
    "rate_limit": Exit.UNAVAILABLE,
    "timeout": Exit.UNAVAILABLE,
    "connection": Exit.UNAVAILABLE,
    "server": Exit.UNAVAILABLE,
    "protocol": Exit.UNAVAILABLE,
    "interrupted": Exit.INTERRUPTED,
}


class CallFailed(PlcliError):
    """A call that gave no answer. `retryable` says whether the same call may succeed in a moment."""

    kind = "call"

    def __init__(self, failure: Failure, *, retryable: bool = False) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure
        self.retryable = retryable
        self.exit = EXIT_OF_KIND.get(failure.kind, Exit.BUG)
