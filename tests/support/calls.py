"""A `Call` for tests, and sending with it."""

from __future__ import annotations

from typing import Any, Protocol

from plcli.exchange import WireEvent
from plcli.providers import gemini_client, openai_client
from plcli.providers.registry import Call, Tap


class Server(Protocol):
    """Anything that has an OpenAI root."""

    @property
    def base_url(self) -> str: ...


def call(at: Server | str | None = None, **settings: Any) -> Call:
    """A call to a server or a base URL, with a tap of its own and no media; `settings` overrule."""
    base_url = at if at is None or isinstance(at, str) else at.base_url
    return Call(**{"read_media": lambda digest: b"", "tap": Tap(), "base_url": base_url, "key": "sk-test", **settings})


def send(at: Server | str, body: Any, path: str = "/chat/completions", **settings: Any) -> list[WireEvent]:
    """All events of one call."""
    return list(openai_client.post(path, body, call(at, **settings)))


class Root(Protocol):
    """Anything that has a root without a version."""

    @property
    def url(self) -> str: ...


def ask(at: Root | str, body: Any, model: str = "gemini-3.8-flash", **settings: Any) -> list[WireEvent]:
    """All events of one call of Gemini."""
    url = at if isinstance(at, str) else at.url
    return list(gemini_client.post(model, body, call(url, **settings)))
