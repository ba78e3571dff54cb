"""Who a request may be sent to, and with what: trust decided, headers filled, limits set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from plcli import trust
from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.media import Json, MediaReader
from plcli.providers.registry import Adapter, Call, Provider, Tap, adapter, vertex_site
from plcli.recall import Answers
from plcli.specs import Azure, ModelSpec, Vertex

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
    api_version: str | None = None
    azure: Azure | None = None
    vertex: Vertex | None = None
    ambient: bool = False
    """Whether the cloud's own credentials on the user's side may be used; see `Call`."""
    edits: Literal["json", "multipart"] = "json"
    answers: Answers | None = field(default=None, repr=False)
    """Recorded answers, from which alone it answers."""

    def call(self, read_media: MediaReader, tap: Tap, **more: Any) -> Call:
        """What one HTTP call needs to know of the connection; `more` are further fields of the call."""
        return Call(
            read_media=read_media,
            tap=tap,
            stream_usage=self.stream_usage,
            edits=self.edits,
            base_url=self.base_url,
            key=self.key,
            headers=self.headers,
            timeout=self.timeout,
            api_version=self.api_version,
            azure=self.azure,
            vertex=self.vertex,
            ambient=self.ambient,
            **more,
        )


def disconnected(provider: Provider, api: str, model: ModelSpec | None, answers: Answers) -> Connection:
    """What answers from recordings alone. Raises `SetupError` for an api or a cloud that the provider has not."""
    site, base_url = site_of(provider, model)
    own = base_url is None or base_url == site.base_url
    made = adapter(provider, api)
    return Connection(provider, api, made, TIMEOUT, DEADLINE, 0, own_host=own, answers=answers)


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
    trust.allow_connection(user)
    site, base_url = site_of(provider, model)
    access = trust.decide(site, base_url, model.api_key_env if model else None, user)
    headers = trust.fill_headers(model.headers if model else {}, site, access, user)
    return Connection(
        provider=provider,
        api=api,
        adapter=adapter(provider, api),
        timeout=timeout,
        deadline=deadline,
        retries=retries,
        stream_usage=stream,
        edits=model.edits if model else "json",
        base_url=access.base_url,
        key=access.key,
        headers=headers,
        fill=lambda wire: trust.fill_body(wire, site, access, user),
        secrets=user.secrets([access.variable] if access.variable else []),
        own_host=trust.own_host(site, access),
        api_version=model.api_version if model and model.api_version is not None else site.api_version,
        azure=_deployed(model) if model else None,
        vertex=model.vertex if model else None,
        ambient=bool(model and model.vertex) and access.key is None and trust.at_home(site, access, user),
    )


def site_of(provider: Provider, model: ModelSpec | None) -> tuple[Provider, str | None]:
    """The provider as the model spec reaches it, with its hosts there, and the base URL that the spec names.

    Raises `SetupError` for a cloud that the provider is not in.
    """
    base_url = model.base_url if model else None
    if model and model.vertex:
        if provider.name != "gemini":
            raise SetupError(f"provider {provider.name!r} is not on Vertex", hint="write provider: gemini")
        return vertex_site(model.vertex), base_url
    if model and model.azure:
        if provider.name != "openai":
            raise SetupError(f"provider {provider.name!r} is not on Azure", hint="write provider: openai")
        return provider, base_url or model.azure.endpoint
    return provider, base_url


def _deployed(model: ModelSpec) -> Azure | None:
    """The Azure resource of a model spec; what it deploys is by default named like the model."""
    azure = model.azure
    return azure and azure.model_copy(update={"deployment": azure.deployment or model.model})


def _first(*choices: float | None) -> float:
    return next(choice for choice in choices if choice is not None)
