"""The one HTTP client under the SDKs: deadlines, no redirects, no memory between calls, errors as `CallFailed`.

SDKs build and authorise requests; what comes back passes here first, so that no SDK judges it. What
the bytes of an answer mean is left to `answer`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from plcli.errors import SetupError
from plcli.failures import CHECK_BASE_URL, CallFailed, classify, failed
from plcli.providers.answer import events, parse
from plcli.providers.network import CALL, lay, past_deadline, until_deadline
from plcli.providers.registry import Call

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a server."""

CONNECTIONS = 1000
"""Connections at once; more calls than this wait for a free one."""

ERROR_BODY_LIMIT = 1024 * 1024
"""Bytes of an error's body that are read."""

_CHECK_ENVIRONMENT = "check SSL_CERT_FILE and SSL_CERT_DIR, and HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY"

_ENDLESS = ("br", "zstd")
"""Packings of which a few bytes can become gigabytes at once; by gzip and deflate none becomes more than a thousand."""

_MAKING = Lock()


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """Whatever the client sends meanwhile, in this thread, belongs to `call`.

    Its tap is filled and its times hold. Raises `CallFailed` for errors of the connection, and
    `SetupError` for a URL that is none.
    """
    token = CALL.set(call)
    try:
        with _translating(call):
            yield
    finally:
        CALL.reset(token)


@contextmanager
def _translating(call: Call) -> Iterator[None]:
    import httpx2

    try:
        yield
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise SetupError(f"{call.base_url!r} is no URL that can be called: {error}", hint=CHECK_BASE_URL) from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise translate(error, call) from error


def client() -> httpx2.Client:
    """The client of this process; threads may share it, and calls share its connections.

    It sends only inside `calling`. A `send` answers with 2xx or raises `CallFailed`: a status is
    classified from the raw body, a redirect is not followed. Proxies and certificates come from the
    environment. Raises `SetupError` where these cannot be used.
    """
    with making():
        return _client()


@contextmanager
def making() -> Iterator[None]:
    """Meanwhile one thread makes a client. Raises `SetupError` where the environment stands against it."""
    import httpx2

    # Many calls may start at once, and certificates take long to load.
    with _MAKING:
        try:
            yield
        except (httpx2.InvalidURL, OSError, ImportError, ValueError) as error:
            raise SetupError(f"no connection can be made from here: {error}", hint=_CHECK_ENVIRONMENT) from error


@cache
def _client() -> httpx2.Client:
    import httpx2

    class Client(httpx2.Client):
        # Cookies of one call must not travel with the next.
        cookies = property(lambda self: httpx2.Cookies())

        def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
            call = CALL.get()
            request.extensions = {**request.extensions, "timeout": _timeouts(call)}
            # SDKs ask to follow redirects, which would carry the key to wherever a server points.
            options["follow_redirects"] = False
            # Translated already here, before an SDK wraps what happened in an error of its own.
            with _translating(call):
                response = super().send(request, stream=True, **options)
            call.tap.status = response.status_code
            call.tap.headers = dict(response.headers)
            if not response.is_success:
                raise classify(response.status_code, _error_body(response), response.headers)
            check_packing(response)
            if not stream:
                response.read()
            return response

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    made = Client(limits=limits, headers={"Accept-Encoding": "gzip, deflate"})
    lay(made)
    return made


def check_packing(response: httpx2.Response) -> None:
    """Close a response, and raise `CallFailed`, where unpacking it could fill the memory before anything is counted."""
    packings = [name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")]
    if len(packings) == 1 and packings[0] not in _ENDLESS:
        return
    response.close()
    how = "more than once" if len(packings) > 1 else f"as {packings[0]}, which was not asked for"
    raise failed("protocol", f"{response.url.raw_host.decode('ascii')} sent bytes that are packed {how}")


def translate(error: Exception, call: Call) -> CallFailed:
    """The failure behind an exception of httpx2; of a call that was cancelled, that it was.

    Retryable are reads that take too long and connections that break before the answer begins; not a
    refused port, an unknown host or a certificate, which a moment does not change.
    """
    import httpx2

    if call.cancel.asked:
        return failed("interrupted", "interrupted")
    if isinstance(error, httpx2.TimeoutException):
        return _out_of_time(error, call)
    where = _where(error)
    if isinstance(error, httpx2.LocalProtocolError):
        return failed("invalid", f"the request cannot be sent: {error}", "check the headers of the model spec")
    if isinstance(error, httpx2.DecodingError):
        return failed("protocol", f"the answer of {where} is wrongly compressed: {error}", CHECK_BASE_URL)
    if isinstance(error, httpx2.ProxyError):
        return failed("connection", f"the proxy refuses: {error}", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY")
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return failed("connection", f"connection refused by {where}", "is the server running? check base_url")
    if any(_is(cause, "gaierror") for cause in causes):
        return failed("connection", f"unknown host {where}", "is the network up? check base_url")
    if any(_is(cause, "SSLError") for cause in causes):
        hint = "check base_url; SSL_CERT_FILE names further certificates to trust"
        return failed("connection", f"no safe connection to {where}: {causes[-1]}", hint)
    if call.tap.status is not None:
        broke = f"the connection to {where} broke in the middle of the answer: {error}"
        return failed("connection", broke, "run it again")
    reset = not isinstance(error, httpx2.ConnectError) or any(isinstance(c, ConnectionResetError) for c in causes)
    hint = "try again, or allow more --retries" if reset else "is the network up? check base_url"
    return failed("connection", f"no answer from {where}: {error}", hint, retryable=reset)


def _out_of_time(error: httpx2.TimeoutException, call: Call) -> CallFailed:
    import httpx2

    # The last read is cut to end at the deadline, and a timer may fire a little early.
    if call.deadline is not None and time.monotonic() > call.deadline - 0.05:
        return past_deadline(call)
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        waited = f"no connection to {_where(error)} in {CONNECT_TIMEOUT:g} s"
        return failed("timeout", waited, "is the host right, and the network up? check base_url")
    return failed("timeout", f"no data for {call.timeout:g} s", "raise --timeout, or try again", retryable=True)


def _timeouts(call: Call) -> Mapping[str, float]:
    longest = until_deadline(call, call.timeout)
    return {
        "connect": min(CONNECT_TIMEOUT, longest),
        "read": longest,
        "write": longest,
        "pool": longest,
    }


def _error_body(response: httpx2.Response) -> Any:
    """The start of an error's body as JSON, or as text where it is none.

    Gateways that were asked to stream may send the error as an event.
    """
    import httpx2

    data = bytearray()
    try:
        # What came before the connection broke or the time was over still tells more than that does.
        with suppress(httpx2.HTTPError, httpx2.StreamError, CallFailed):
            check_packing(response)
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > ERROR_BODY_LIMIT:
                    break
    finally:
        response.close()
    text = data.decode("utf-8-sig", "replace")
    with suppress(ValueError):
        return parse(text)
    with suppress(CallFailed):
        return next((event.data for event in events((bytes(data),))), text)
    return text


def _where(error: Exception) -> str:
    """`host:port` of the request that failed."""
    request = getattr(error, "_request", None)
    if request is None:
        return "the server"
    port = request.url.port or {"https": 443, "http": 80}.get(request.url.scheme, "")
    return f"{request.url.host}:{port}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _is(error: BaseException, name: str) -> bool:
    """By name, since `socket` and `ssl` would cost start-up time before anything is sent."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
