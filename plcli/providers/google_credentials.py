"""Google's application default credentials: what the user's side has set up for Google Cloud.

A service account's file, a login of `gcloud`, or the metadata server of a machine in the cloud: google-auth
finds and refreshes them, and only a token leaves this room.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from threading import Lock
from typing import Any, NamedTuple

from plcli.errorbodies import bounded
from plcli.errors import SetupError
from plcli.failures import failed
from plcli.headers import is_value
from plcli.providers.registry import Call

REFRESH_TIMEOUT = 30.0
"""Seconds that the server of tokens may be silent."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_HINT = "run `gcloud auth application-default login`, or name the variable of an access token in api_key_env"
_REASON = re.compile(r"[a-z]+(?:_[a-z]+)+")
_REFRESHING = Lock()

_BROKEN = (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What google-auth raises, beside errors of its own, for files and answers that are not what they should be."""


class Token(NamedTuple):
    """A token that holds now, and the project that pays for what is asked with it, where that is another."""

    text: str
    quota_project: str | None = None


def ambient(call: Call) -> Token:
    """A token of the user's credentials, which are kept for the calls after this one.

    Raises `SetupError` where there are none or Google refuses them, `CallFailed` where Google cannot be
    asked. What Google answers is not shown but for its code, since it may repeat a secret.
    """
    # One refresh for all threads; google-auth's own credentials are not made to be shared.
    with _REFRESHING, _translating(), warnings.catch_warnings():
        # google-auth warns of logins without a quota project, which many have on purpose.
        warnings.simplefilter("ignore")
        found = _found()
        if isinstance(found, Exception):
            raise found
        if not found.valid:
            found.refresh(_request(call))
        if not isinstance(found.token, str) or not is_value(found.token):
            raise ValueError("the token is none")
        return Token(found.token, found.quota_project_id)


@cache
def _found() -> Any:
    """The credentials, or the error that there are none: where the network is silent, looking takes many seconds."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    default: Any = google.auth.default
    try:
        return default(scopes=[_SCOPE])[0]
    except DefaultCredentialsError as error:
        return error


def _request(call: Call) -> Any:
    from google.auth.transport.requests import Request

    left = call.deadline - time.monotonic() if call.deadline is not None else REFRESH_TIMEOUT
    make: Any = Request
    return partial(make(), timeout=max(0.001, min(left, REFRESH_TIMEOUT)))


@contextmanager
def _translating() -> Iterator[None]:
    from google.auth import exceptions

    try:
        yield
    except exceptions.TransportError as error:
        raise failed("connection", "Google's server of tokens gives no answer", "is the network up?") from error
    except exceptions.RefreshError as error:
        reason = _REASON.match(str(error.args[0])) if error.args else None
        said = f": {reason[0]}" if reason else ""
        if error.retryable:
            raise failed("server", f"Google gives no token now{said}", "try again", retryable=True) from error
        raise SetupError(f"Google refuses its application default credentials{said}", hint=_HINT) from error
    except exceptions.DefaultCredentialsError as error:
        raise SetupError(
            bounded(f"no Google credentials: {error.args[0] if error.args else ''}"), hint=_HINT
        ) from error
    except (exceptions.GoogleAuthError, *_BROKEN) as error:
        raise SetupError(
            f"the Google credentials cannot be used: {type(error).__name__}",
            hint="check the file that GOOGLE_APPLICATION_CREDENTIALS names",
        ) from error
