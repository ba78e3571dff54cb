"""The public internet and nothing else: where addresses that strangers name may lead.

What is behind an address is judged when it is connected to, so that no later answer of a name server changes it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from plcli.brevity import cut
from plcli.failures import CallFailed, failed
from plcli.providers.network import CALL, Network, Stream, until_deadline

# Text, which is compiled when something is fetched: most commands never do.
_NAME = r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}"
_LOCAL_NAME = r"(?:.+\.)?(?:localhost|localdomain|local|internal|lan|home\.arpa)"
_NUMBER = r"(?:.+\.)?(?:[0-9]+|0x[0-9a-f]*)"

_PROTOCOLS = IPv4Network("192.0.0.0/24")
_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: how networks without IPv4 reach it."""

_MOST = 4
"""Addresses of one name that are tried."""

_HOME: ContextVar[tuple[str, int] | None] = ContextVar("home", default=None)


@contextmanager
def except_home(place: tuple[str, int] | None) -> Iterator[None]:
    """Meanwhile, in this thread, this host and port may be anywhere."""
    token = _HOME.set(place)
    try:
        yield
    finally:
        _HOME.reset(token)


def refuse(host: str, address: str | None = None) -> CallFailed:
    """The failure of a call to a host that is no public one; `address` is what its name stands for."""
    named = cut(host, 100) + (f" ({address})" if address is not None else "")
    return failed("invalid", f"{named} is no place on the public internet")


def is_public(host: str) -> bool:
    """Whether a host (a lower-case name or an IP address, without brackets) can be on the public internet.

    Of a name nothing but its form is known: it is one that a name server of the internet may hold.
    """
    try:
        address = ip_address(host)
    except ValueError:
        name = host.rstrip(".")
        # Clients read odd numbers (0x7f.1, 2130706433) as IP addresses.
        form = len(name) < 254 and re.fullmatch(_NAME, name)
        return bool(form) and not re.fullmatch(_NUMBER, name) and not re.fullmatch(_LOCAL_NAME, name)
    return _is_global(address)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        # Python's own lists differ by release in what they say of the last of these.
        return address.is_global and not address.is_multicast and address not in _PROTOCOLS
    inner = address.ipv4_mapped or (IPv4Address(address.packed[-4:]) if address in _TRANSLATED else None)
    if inner is not None:
        return _is_global(inner)
    tunnelled = address.sixtofour is not None or address.teredo is not None
    return address.is_global and address in _UNICAST and not tunnelled


class Outside(Network):
    """A network that connects to public addresses alone, and to what `except_home` names."""

    def connect_tcp(self, host: str, port: int, timeout: float, **options: Any) -> Stream:
        """A connection to one of the addresses that were judged. Raises `CallFailed`, and what httpcore raises."""
        if (host, port) == _HOME.get():
            return super().connect_tcp(host, port, timeout, **options)
        # Name servers of strangers may take their time, and nothing bounds that.
        until_deadline(CALL.get(), timeout)
        *others, last = _resolved(host, port)
        for address in (*others, last):
            if not is_public(address):
                raise refuse(host, address)
        for address in others:
            # An address may be out of reach from here (IPv6 often is); the last one says why.
            with suppress(Exception):
                return super().connect_tcp(address, port, timeout, **options)
        return super().connect_tcp(last, port, timeout, **options)


def _resolved(host: str, port: int) -> list[str]:
    """The addresses that a name stands for, the first few of them. Raises `CallFailed`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise failed("connection", f"unknown host {host}") from error
    return [str(place[0]) for *_, place in found][:_MOST]
