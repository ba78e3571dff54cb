"""Addresses: where a base URL leads, read so strictly that no HTTP client can read it differently.

Decides nothing about trust; `trust` does.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

# Text, which is compiled when an address is read: most commands never do.
_AUTHORITY = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?"
_URL = r"([Hh][Tt][Tt][Pp][Ss]?)://" + _AUTHORITY + r"((?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_TRAPS = (
    (r"//[^/]*@", "holds credentials"),
    (r"[^!-~]|\\", "holds a space, a backslash, or a character outside ASCII"),
    (r"[?#]", "holds a query or a fragment"),
    (r"\A(?![Hh][Tt][Tt][Pp][Ss]?://)", "does not start with https:// or http://"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL in parts: lower-case scheme and host (IPv6 in brackets), port, and path without a last slash."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def origin(self) -> str:
        """`scheme://host:port`, the port always shown."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL to call, written in one way only; a default port is left out."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def encrypted(self) -> bool:
        """Whether it is https at its own port, as every provider's own host is."""
        return self.scheme == "https" and self.port == 443

    @property
    def loopback(self) -> bool:
        """Whether it stays on this machine: `localhost`, `127.x.x.x` or `[::1]`, and no other spelling."""
        return self.host in ("localhost", "[::1]") or bool(re.fullmatch(r"127(?:\.[0-9]+){3}", self.host))

    @property
    def entry(self) -> str:
        """How a list of trusted hosts names it: the host alone for https at 443, else `host:port`."""
        return self.host if self.encrypted else f"{self.host}:{self.port}"

    def listed(self, entries: Container[str]) -> bool:
        """Whether the entries, as `trusted_host` gives them, name this address."""
        return self.entry in entries or f"{self.host}:{self.port}" in entries


def parse(url: str) -> Address:
    """The address of a base URL.

    Raises `ValueError` whose text completes a sentence about it ("holds credentials"), for everything
    that clients read in more than one way: credentials, queries, backslashes, control characters,
    names outside ASCII, empty labels, last dots, and IPv4 addresses that are not four decimal numbers.
    """
    for trap, complaint in _TRAPS:
        if re.search(trap, url):
            raise ValueError(complaint)
    match = re.fullmatch(_URL, url)
    if match is None:
        raise ValueError("is not of the form https://host[:port]/path")
    scheme = match[1].lower()
    return Address(scheme, _host(match[2]), _port(match[3]) or _DEFAULT_PORTS[scheme], match[4].rstrip("/"))


def trusted_host(entry: str) -> str:
    """An entry of a list of trusted hosts in its one spelling.

    `host` means https at port 443; `host:port` means that port, encrypted or not. There are no
    wildcards. Raises `ValueError` whose text completes a sentence about the entry.
    """
    match = re.fullmatch(_AUTHORITY, entry)
    if match is None:
        raise ValueError("is neither host nor host:port")
    port = _port(match[2])
    return _host(match[1]) if port is None else f"{_host(match[1])}:{port}"


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return f"[{IPv6Address(text[1:-1])}]"
        except ValueError:
            raise ValueError("names no IPv6 address between its brackets") from None
    host = text.lower()
    labels = host.split(".")
    if re.fullmatch(_NUMBER, labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise ValueError("names an IPv4 address that is not four decimal numbers (127.0.0.1)") from None
    if "xn--" in host:
        # Clients decode these, by rules that differ, and some fail on them.
        raise ValueError("names an international host, which two readers may take for two hosts")
    if len(host) > 253 or not all(re.fullmatch(_LABEL, label) for label in labels):
        raise ValueError("names no valid host")
    return host


def _port(digits: str | None) -> int | None:
    if digits is None:
        return None
    port = int(digits)
    if not 0 < port < 65536:
        raise ValueError("names no valid port")
    return port
