"""What is an address, and what only looks like one."""

from __future__ import annotations

import pytest

from plcli.address import parse, trusted_host


@pytest.mark.parametrize(
    ("url", "origin", "canonical"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com:443", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com:443", "https://api.openai.com/v1"),
        ("http://localhost:8000", "http://localhost:8000", "http://localhost:8000"),
        ("https://host:0443", "https://host:443", "https://host"),
        ("http://[0:0:0:0:0:0:0:1]:80/v1", "http://[::1]:80", "http://[::1]/v1"),
        ("http://my_service:9/a/b", "http://my_service:9", "http://my_service:9/a/b"),
    ],
)
def test_an_address_has_one_spelling(url: str, origin: str, canonical: str) -> None:
    address = parse(url)
    assert (address.origin, address.url) == (origin, canonical)
    assert parse(canonical) == address


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://api.openai.com@evil.com/v1", "credentials"),
        ("https://user:pass@api.openai.com/v1", "credentials"),
        ("https://api.openai.com\\@evil.com", "credentials"),
        ("https://evil.com\\.api.openai.com", "backslash"),
        ("https://api.openai.com\t/v1", "space"),
        (" https://api.openai.com", "space"),
        ("https://api.openai.com\n", "space"),
        ("https://api.openai.com\x00.evil.com", "space"),
        ("https://api。openai.com", "ASCII"),
        ("https://аpi.openai.com", "ASCII"),
        ("https://ａpi.openai.com", "ASCII"),
        ("httpſ://api.openai.com", "ASCII"),
        ("https://evil.com#@api.openai.com", "credentials"),
        ("https://evil.com#.api.openai.com", "query or a fragment"),
        ("https://evil.com?x=.api.openai.com", "query or a fragment"),
        ("file:///etc/passwd", "https://"),
        ("ftp://host", "https://"),
        ("unix:///run/socket", "https://"),
        ("//api.openai.com", "https://"),
        ("api.openai.com", "https://"),
        ("", "https://"),
        ("https://", "form"),
        ("https:///v1", "form"),
        ("https://:443/v1", "form"),
        ("https:api.openai.com", "https://"),
        ("https://host:port", "form"),
        ("https://host:", "form"),
        ("https://[::1", "form"),
        ("https://[fe80::1%25eth0]", "form"),
        ("https://%61pi.openai.com", "form"),
        ("https://xn--pi-6kc.openai.com", "international"),
        ("https://host:0", "port"),
        ("https://host:65536", "port"),
        ("https://api.openai.com./v1", "host"),
        ("https://api..openai.com", "host"),
        ("https://.api.openai.com", "host"),
        ("https://-host", "host"),
        ("https://" + "a" * 64, "host"),
        ("https://" + "a." * 127 + "com", "host"),
        ("https://[::g]", "form"),
        ("https://[1:2]", "IPv6"),
        ("http://127.1:8000", "IPv4"),
        ("http://2130706433", "IPv4"),
        ("http://0x7f.1", "IPv4"),
        ("http://0x7f000001", "IPv4"),
        ("http://0177.0.0.1", "IPv4"),
        ("http://127.0.0.256", "IPv4"),
        ("http://evil.com.1", "IPv4"),
    ],
)
def test_what_clients_may_read_differently_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(url)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "[0::1]"])
def test_loopback_is_this_machine(host: str) -> None:
    assert parse(f"http://{host}:8000").loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost.evil.com",
        "evil.localhost",
        "127.0.0.1.evil.com",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "127x0x0x1",
    ],
)
def test_what_looks_like_loopback_is_not(host: str) -> None:
    assert not parse(f"http://{host}").loopback


@pytest.mark.parametrize(
    ("entry", "url", "listed"),
    [
        ("api.example.com", "https://api.example.com/v1", True),
        ("API.example.com", "https://api.example.com:443", True),
        ("api.example.com:443", "https://api.example.com", True),
        ("api.example.com", "https://api.example.com:8443", False),
        ("api.example.com", "http://api.example.com", False),
        ("api.example.com", "http://api.example.com:443", False),
        ("api.example.com:80", "http://api.example.com", True),
        ("api.example.com", "https://sub.api.example.com", False),
        ("api.example.com", "https://evilapi.example.com", False),
        ("[2001:db8::1]:8000", "http://[2001:DB8:0::1]:8000", True),
        ("gpu:8000", "http://gpu:8000/v1", True),
    ],
)
def test_an_entry_trusts_one_host_at_one_port(entry: str, url: str, listed: bool) -> None:
    assert parse(url).listed({trusted_host(entry)}) is listed


@pytest.mark.parametrize(
    "entry", ["", "*", "*.example.com", "https://api.example.com", "host/path", "a@b", "host:", "::1", "127.1", "host."]
)
def test_an_entry_is_a_host_and_nothing_more(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is neither|names"):
        trusted_host(entry)


def test_the_entry_that_a_refusal_names_trusts_the_address() -> None:
    for url in ("https://a.example", "https://a.example:444", "http://a.example", "http://[2001:db8::1]"):
        address = parse(url)
        assert address.listed({trusted_host(address.entry)})
