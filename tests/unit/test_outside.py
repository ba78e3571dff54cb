"""What counts as the public internet."""

from __future__ import annotations

import pytest

from plcli.providers.outside import is_loopback, is_public


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "pictures.example.com.",
        "cdn-1.example.co.uk",
        "xn--bcher-kva.example",
        "93.184.216.34",
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:93.184.216.34",
        "64:ff9b::5db8:d822",  # 93.184.216.34 through NAT64
    ],
)
def test_a_host_of_the_internet_is_public(host: str) -> None:
    assert is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "localhost",
        "localhost.",
        "a.localhost",
        "localhost.localdomain",
        "printer",
        "printer.local",
        "exam ple.com",
        "exam%20ple.com",
        "a..example.com",
        f"{'a' * 64}.example.com",
        "a." * 130 + "com",
        "metadata.google.internal",
        "router.home.arpa",
        "0.0.0.0",
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::5db8:d822",
        "2002:5db8:d822::1",
        "2001:0:5db8:d822::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_a_host_anywhere_else_is_not(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize(
    ("host", "there"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("localhost.evil.example", False), ("10.0.0.1", False)],
)
def test_loopback_is_this_machine_alone(host: str, there: bool) -> None:
    assert is_loopback(host) == there
