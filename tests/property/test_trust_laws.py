"""Laws of trust: an address that is judged is the address that every client calls."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.address import parse
from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.providers.registry import PROVIDERS
from plcli.trust import decide

PIECES = [
    *"/:@.?#[]\\%-_ \t",
    "https://",
    "http://",
    "api.openai.com",
    "evil.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "2130706433",
    "0x7f",
    ":443",
    ":0443",
    ":8000",
    "/v1",
    "。",
    "xn--",
    "%2e",
    "\x00",
]
urls = st.builds(
    lambda start, rest: start + "".join(rest),
    st.sampled_from(["https://", "http://", "https://api.openai.com", ""]),
    st.lists(st.sampled_from(PIECES), max_size=6),
)


@given(urls | st.text(max_size=20))
@settings(deadline=None)
def test_every_client_reads_an_accepted_address_as_it_was_judged(url: str) -> None:
    try:
        address = parse(url)
    except ValueError:
        return
    for text in (url, address.url):
        read, split = httpx2.URL(text), urlsplit(text)
        port = read.port or {"https": 443, "http": 80}[read.scheme]
        assert (read.scheme, read.host, port) == (address.scheme, address.host.strip("[]"), address.port)
        assert (split.scheme, split.hostname) == (address.scheme, address.host.strip("[]"))
        assert (read.userinfo, read.query, read.fragment) == (b"", b"", "")


@given(urls, st.sampled_from([None, "OPENAI_API_KEY"]))
@settings(deadline=None)
def test_the_own_key_reaches_no_host_but_the_own(url: str, variable: str | None) -> None:
    user = UserSide({"OPENAI_API_KEY": "sk-own"}, Path("config.toml"), frozenset({"evil.example", "localhost:8000"}))
    try:
        access = decide(PROVIDERS["openai"], url, variable, user)
    except SetupError:
        return
    read = httpx2.URL(access.base_url)
    assert access.key is None or (read.scheme, read.host, read.port) == ("https", "api.openai.com", None)
