"""Who a request may be sent to, and with what: trust decided, headers filled, limits set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plcli import trust
from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.media import Json
from plcli.providers.registry import Adapter, Provider, adapter
from plcli.specs import ModelSpec

TIMEOUT = 600.0
"""Seconds that one read may take, unless a model spec or the command line says otherwise."""

DEADLINE = 3600.0
"""Seconds that a run may take, retries included."""

RETRIES = 2
"""How often a failure that may pass is tried again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the command line says about time and tries; None leaves it to the model spec.

    `timeout` and `deadline` are seconds.
    """

    timeout: float | None = None
    deadline: float | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider's api that may be called. Holds the key; never logged."""

    provider: Provider
    api: str
    adapter: Adapter
    timeout: float
    deadline: float
    retries: int
    stream_usage: bool = True
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    fill: Callable[[Json], Json] = field(default=lambda wire: wire, repr=False)
    """Puts the secrets of built-in tools into a wire as it is sent."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Values that must reach neither log nor screen."""
    own_host: bool = True
    """Whether the provider itself answers, so that its prices hold."""


def connect(provider: Provider, api: str, model: ModelSpec | None, user: UserSide, limits: Limits) -> Connection:
    """Decide the connection of a request. Opens nothing.

    Raises `SetupError` where key, host or header is not to be had, `OfflineError` where the user's
    side forbids connections.
    """
    stream = model.stream.usage if model else True
    own = Limits(model.timeout, model.deadline, model.retries) if model else Limits()
    timeout = _first(limits.timeout, own.timeout, TIMEOUT)
    deadline = _first(limits.deadline, own.deadline, DEADLINE)
    retries = int(_first(limits.retries, own.retries, RETRIES))
    if provider.local:
        return Connection(provider, api, adapter(provider, api), timeout, deadline, retries, stream)
    if model and (model.azure or model.vertex):
        raise SetupError(
            "legacy Azure addresses and Vertex are not spoken yet",
            hint="use Azure's v1 address: base_url: https://RESOURCE.openai.azure.com/openai/v1",
        )
    trust.allow_connection(user)
    access = trust.decide(provider, model.base_url if model else None, model.api_key_env if model else None, user)
    headers = trust.fill_headers(model.headers if model else {}, provider, access, user)
    return Connection(
        provider=provider,
        api=api,
        adapter=adapter(provider, api),
        timeout=timeout,
        deadline=deadline,
        retries=retries,
        stream_usage=stream,
        base_url=access.base_url,
        key=access.key,
        headers=headers,
        fill=lambda wire: trust.fill_body(wire, provider, access, user),
        secrets=user.secrets([access.variable] if access.variable else []),
        own_host=trust.own_host(provider, access),
    )


def _first(*choices: float | None) -> float:
    return next(choice for choice in choices if choice is not None)
