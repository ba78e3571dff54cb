"""Failures of calls: one kind for each thing that can go wrong, whoever noticed it.

`classify` reads an HTTP error of any provider's habit. Redaction of what a server echoes is left to
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from plcli.errorbodies import Said, bounded, listen
from plcli.errors import Exit, LogError, OfflineError, PlcliError, SetupError, SpecError, ToolError
from plcli.media import Json
from plcli.refusals import hint_of_refused, refused_parameter
from plcli.response import Failure
from plcli.safety import is_safety, tells_of_safety
from plcli.waits import LONGEST_WAIT, asked_wait

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
    **{error.kind: error.exit for error in (LogError, OfflineError, SetupError, SpecError, ToolError)},
}

CHECK_BASE_URL = "check base_url: it must be the root of the api (OpenAI's often ends in /v1, Gemini's in no version)"

_KIND_OF_STATUS = {
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "server",
    429: "rate_limit",
}

_KIND_OF_WORD = {
    "billing_hard_limit_reached": "quota",
    "billing_disabled": "quota",
    "billing_not_active": "quota",
    "insufficient_quota": "quota",
    "api_key_invalid": "auth",
    "invalid_api_key": "auth",
    "model_not_found": "not_found",
}

_HINT_OF_KIND = {
    "permission": "the key is known but may not do this: check its project, its permissions and the region",
    "not_found": "check the model id, the api and base_url (of OpenAI's apis it often ends in /v1)",
    "safety": "the provider's safety filter stopped it: change the words or the pictures of the request",
    "rate_limit": "wait a moment, or allow more --retries",
    "quota": "no retry helps: add credit or raise the limit in the provider's billing settings",
    "timeout": "try again, or allow more --retries",
    "server": "the trouble is on the provider's side: try again, or allow more --retries",
}

_HINT_OF_WORD = {
    "deploymentnotfound": "check `azure.deployment`, or `model`, of the model spec; new ones take some minutes",
}


_HINT_OF_GEMINI = {
    "reported as leaked": "make a new key and put it in GEMINI_API_KEY",
    "thought signature": "send the model's turns back as they came; only the model that signed them can read them",
    "publisher model": "check the model id, and `vertex.location` of the model spec: not every region has every model",
    "cache content metadata": "the cache is gone: drop body.cachedContent, or make a new one",
    "cachedcontent not found": "the cache is gone: drop body.cachedContent, or make a new one",
    "location is not supported": "the Developer API does not serve this country; Vertex may: `vertex` in a model spec",
    "not_found": "check the model id, and `api_version` of the model spec: not every version has every model",
    "service_disabled": "switch the api on for the project of the key or of `vertex`",
    "access_token_expired": "get a new access token: gcloud auth print-access-token",
}
"""By a piece of the message, or by a word of the error."""


class CallFailed(PlcliError):
    """A call that gave no answer. `retryable` says whether the same call may succeed in a moment."""

    kind = "call"

    def __init__(self, failure: Failure, *, retryable: bool = False) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure
        self.retryable = retryable
        self.exit = EXIT_OF_KIND.get(failure.kind, Exit.BUG)


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception makes of a run."""
    if isinstance(error, CallFailed):
        return error.failure
    if isinstance(error, PlcliError):
        return Failure(kind=error.kind, message=error.message, hint=error.hint)
    if isinstance(error, KeyboardInterrupt):
        return Failure(kind="interrupted", message="interrupted")
    return Failure(kind=PlcliError.kind, message=f"{type(error).__name__}: {error}")


def failed(kind: str, message: str, hint: str | None = None, *, retryable: bool = False) -> CallFailed:
    """A failure that no HTTP status tells: of the connection, of time, of the format."""
    return CallFailed(Failure(kind=kind, message=bounded(message), hint=hint), retryable=retryable)


def classify(status: int, body: Json | str, headers: Mapping[str, str]) -> CallFailed:
    """The failure that an HTTP answer outside 2xx tells.

    `body` is the parsed JSON, or the text of a body that is no JSON; `headers` are the answer's, in
    any case. Retryable are 408, 409, 429 (not quota) and 5xx; `x-should-retry` overrules.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    said = listen(body)
    kind = _kind(status, said)
    wait = asked_wait(lower, said.message, said.delay)
    long = kind == "rate_limit" and wait is not None and wait > LONGEST_WAIT
    failure = Failure(
        kind=kind,
        message=_redirection(lower) if 300 <= status < 400 else said.message or f"the server answered {status}",
        status=status,
        # Compatible servers repeat the status there, which tells nothing.
        code=None if said.code == str(status) else said.code,
        type=said.type,
        param=said.param,
        request_id=lower.get("x-request-id") or lower.get("apim-request-id"),
        retry_after=wait,
        hint=f"wait {wait:.0f} s, as the provider asks" if long else _hint(status, kind, said),
    )
    told = lower.get("x-should-retry")
    retryable = told == "true" if told in ("true", "false") else kind in ("timeout", "rate_limit", "server")
    return CallFailed(failure, retryable=retryable)


def _kind(status: int, said: Said) -> str:
    if status < 400:
        return "protocol"
    if status < 500:
        if any(map(is_safety, said.words)) or (status in (400, 403, 422) and tells_of_safety(said.message)):
            return "safety"
        for word, kind in _KIND_OF_WORD.items():
            if word in said.words:
                return kind
        if said.message.lower().startswith("incorrect api key"):
            return "auth"
    return _KIND_OF_STATUS.get(status, "invalid" if status < 500 else "server")


def _hint(status: int, kind: str, said: Said) -> str | None:
    # LM Studio says so with status 200.
    if status < 400 or said.page or said.message.lower().startswith("unexpected endpoint"):
        return CHECK_BASE_URL
    if said.gemini:
        message = said.message.lower().replace("_", " ")
        for sign, hint in _HINT_OF_GEMINI.items():
            if sign in message or sign in said.words:
                return hint
    if kind == "auth":
        if "subscription key" in said.message:
            return "name the variable with the key of the resource in `api_key_env`, and check the endpoint"
        variable = "GEMINI_API_KEY" if said.gemini else "OPENAI_API_KEY"
        cloud = "; on Vertex: gcloud auth application-default login" if said.gemini else ""
        return f"check the key in {variable}, or in the variable that `api_key_env` of the model spec names{cloud}"
    refused = refused_parameter(said.message, said.code, said.param) if kind in ("invalid", "server") else None
    if refused is not None:
        return hint_of_refused(refused)
    if kind == "invalid":
        if "/v1/responses" in said.message:
            return "write `api: responses` in the spec"
        if "encrypted content" in said.message.lower():
            return "this model does not reason: write `omit: [include]`, in the spec or its model spec"
        if "api version" in said.message.lower():
            return "check `api_version` of the model spec"
        if status == 405:
            return CHECK_BASE_URL
    for word in said.words & _HINT_OF_WORD.keys():
        return _HINT_OF_WORD[word]
    return _HINT_OF_KIND.get(kind)


def _redirection(headers: Mapping[str, str]) -> str:
    """Names the other host only: the rest of a Location may hold a token."""
    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    return bounded(f"the server redirects to {host or 'another path'}; plcli does not follow redirects")
