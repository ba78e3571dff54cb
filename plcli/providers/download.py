"""Fetching what an answer only gives the address of: bytes from a host that a stranger names.

Nothing of a call goes there: no credential, no cookie, no header. Bounded are time, size and redirects, and
the address itself: https, on the public internet (see `outside`). A proxy of the environment looks names up
itself; behind one a name is judged by its form alone.
"""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from plcli import __version__
from plcli.brevity import cut
from plcli.cancel import Cancel
from plcli.failures import CallFailed, classify, failed
from plcli.media import MediaMissing
from plcli.providers import transport
from plcli.providers.network import lay
from plcli.providers.outside import Outside, except_home, is_loopback, is_public, refuse
from plcli.providers.registry import Call, Tap

if TYPE_CHECKING:
    import httpx2

MOST_BYTES = 64 * 1024 * 1024
"""Bytes that are fetched, as they are when unpacked."""

LONGEST = 60.0
"""Seconds for all of it, a second try included."""

QUIET = 15.0
"""Seconds without any data after which a server is given up."""

REDIRECTS = 3
"""Redirects that are followed."""

PAUSE = 0.2
"""Seconds before the second try."""

_HEADERS = {
    "User-Agent": f"plcli/{__version__}",
    "Accept": "image/*, */*;q=0.5",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_TRANSIENT = ("connection", "server")


class Fetched(NamedTuple):
    """The bytes behind an address, and the mime type that the server says they have."""

    data: bytes
    mime: str | None
    status: int


class _Place(NamedTuple):
    """An address that was judged; `home` is at the endpoint that gave it."""

    url: httpx2.URL
    host: str
    port: int
    home: bool


def fetch(url: str, *, near: str | None, deadline: float, cancel: Cancel) -> Fetched:
    """The bytes behind an address that an answer names, within `LONGEST` and until `deadline` (`time.monotonic`).

    `near` is the base URL of the endpoint that gave the address. What is on the same host and port may be
    anywhere, and without encryption where the endpoint is; what redirects lead to may not. Broken connections and
    errors of a server are tried once more. Raises `CallFailed` that names the host, and never the rest of the
    address, which may be a signed one; and `SetupError` where the environment allows no connection at all.
    """
    until = min(deadline, time.monotonic() + LONGEST)
    call = Call(_no_media, Tap(), timeout=QUIET, deadline=until, cancel=cancel)
    try:
        try:
            return _followed(url, near, call)
        except CallFailed as error:
            if error.failure.kind not in _TRANSIENT or cancel.wait(PAUSE):
                raise
        return _followed(url, near, call)
    except CallFailed as error:
        if error.failure.kind == "interrupted":
            raise
        again = "run it again" if error.failure.kind in (*_TRANSIENT, "timeout") else None
        raise CallFailed(error.failure.model_copy(update={"hint": again})) from error


def _followed(url: str, near: str | None, call: Call) -> Fetched:
    """The bytes, wherever redirects lead."""
    place = _judged(url, near)
    for _ in range(REDIRECTS + 1):
        found = _visited(place, call)
        if isinstance(found, Fetched):
            return found
        place = _judged(found, None, before=place.url)
    raise failed("protocol", f"more than {REDIRECTS} redirects lead to {place.host}")


def _judged(address: str, near: str | None, before: httpx2.URL | None = None) -> _Place:
    """The place behind an address; a path alone is one on the endpoint. Raises `CallFailed`."""
    import httpx2

    try:
        endpoint = None if near is None else httpx2.URL(near)
        begun = endpoint if before is None and re.match(r"/[^/\\]", address) else before
        url = httpx2.URL(address) if begun is None else begun.join(address)
    except (httpx2.InvalidURL, ValueError):
        raise failed("invalid", "the address is none that can be called") from None
    host, port = url.raw_host.decode("ascii"), _port(url)
    home = endpoint is not None and port == _port(endpoint) and _same_host(host, endpoint.raw_host.decode("ascii"))
    schemes = {"https", endpoint.scheme} if home and endpoint else {"https"}
    if url.scheme not in schemes or not host or not 0 < port < 65536:
        raise failed("invalid", f"the address on {cut(host, 100) or 'no host'} is no https address that can be called")
    if url.userinfo:
        raise failed("invalid", f"the address on {cut(host, 100)} holds credentials")
    if not home and not is_public(host):
        raise refuse(host)
    return _Place(url, host, port, home)


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else {"https": 443, "http": 80}.get(url.scheme, 0)


def _same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same, or both this machine however it is spelt."""
    return one == other or (is_loopback(one) and is_loopback(other))


def _visited(place: _Place, call: Call) -> Fetched | str:
    """The bytes at one place, or where it redirects to. Raises `CallFailed`."""
    import httpx2

    if call.cancel.asked:
        raise failed("interrupted", "interrupted")
    call.tap.status = None
    with transport.making():
        client = _client()
    try:
        with transport.calling(call), except_home((place.host, place.port) if place.home else None):
            # Not built by the client, which would add cookies and credentials of the environment.
            request = httpx2.Request("GET", place.url, headers=_HEADERS)
            response = client.send(request, stream=True, follow_redirects=False)
            try:
                call.tap.status = response.status_code
                if response.has_redirect_location:
                    return str(response.headers["location"])
                if not response.is_success:
                    raise classify(response.status_code, "", {})
                return Fetched(_body(response, place.host), _mime(response), response.status_code)
            finally:
                response.close()
    except CallFailed as error:
        raise _named(error, place.host, call) from error


def _body(response: httpx2.Response, host: str) -> bytes:
    """The body, unpacked. Raises `CallFailed` where it is empty or too large."""
    transport.check_packing(response)
    too_large = failed("protocol", f"{host} sends more than {MOST_BYTES // 1024 // 1024} MB")
    told = response.headers.get("content-length", "")
    if re.fullmatch(r"[0-9]{1,18}", told) and int(told) > MOST_BYTES:
        raise too_large
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > MOST_BYTES:
            raise too_large
    if not data:
        raise failed("protocol", f"{host} answered with no bytes")
    return bytes(data)


def _mime(response: httpx2.Response) -> str | None:
    match = re.match(r"[\w.+-]{1,100}/[\w.+-]{1,100}", response.headers.get("content-type", ""), re.ASCII)
    return match[0].lower() if match else None


def _named(error: CallFailed, host: str, call: Call) -> CallFailed:
    """The failure in words that name the host, and are not those of a call."""
    failure = error.failure
    if failure.status is not None:
        message = f"{host} answered {failure.status}"
    elif failure.kind != "timeout":
        return error
    elif call.deadline is not None and time.monotonic() > call.deadline - 0.05:
        message = f"{host} had not sent all of it after {time.monotonic() - call.tap.started:.0f} s"
    else:
        message = f"{host} took too long: {failure.message}"
    return CallFailed(failure.model_copy(update={"message": message}))


@cache
def _client() -> httpx2.Client:
    """A client of its own, which keeps no connection: the next address on the same host is judged anew."""
    import httpx2

    limits = httpx2.Limits(max_connections=transport.CONNECTIONS, max_keepalive_connections=0)
    made = httpx2.Client(limits=limits, timeout=httpx2.Timeout(QUIET, connect=transport.CONNECT_TIMEOUT))
    lay(made, direct=Outside)
    return made


def _no_media(digest: str) -> bytes:
    """What is fetched is asked for without media."""
    raise MediaMissing(digest)
