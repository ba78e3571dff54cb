"""The providers and their apis, the contract of an adapter, and what a call needs to be sent.

Adapters are loaded when they are asked for, so that no SDK is imported before it is used.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, cast

from plcli.cancel import Cancel
from plcli.errors import SetupError
from plcli.exchange import Folded, Target, WireEvent
from plcli.media import Json, MediaReader
from plcli.request import Loss, Message, Part, Request
from plcli.response import Event, Response
from plcli.specs import Azure, ModelSpec, Vertex


class Compiled(NamedTuple):
    """A request in a provider's own JSON, and what that JSON could not carry."""

    wire: Json
    target: Target
    losses: tuple[Loss, ...] = ()


class Loosened(NamedTuple):
    """Turns without the provider's own items, and what was lost with these.

    The paths of the losses begin at the turn: `content[0]`, `content[0].thoughtSignature`.
    """

    messages: tuple[Message, ...]
    losses: tuple[Loss, ...] = ()


class Listing(NamedTuple):
    """What an endpoint says of a model without being asked to answer.

    `known` is None where it cannot tell; `served_by` names what it lists the model as, where that is
    another id; `shutdown` is the date (ISO 8601) on which it says the model ends.
    """

    known: bool | None
    served_by: str | None = None
    shutdown: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class Tap:
    """What is seen of one HTTP call while it runs; filled by `transport`, read by the engine.

    `attempt` counts the calls of one exchange from 1.
    """

    attempt: int = 1
    started: float = field(default_factory=time.monotonic)
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    first_byte: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What sending needs beside wire and target. Holds the secrets of a call and is never logged.

    `timeout` is the longest wait for one read, in seconds; `deadline` the moment (of
    `time.monotonic`) at which the whole run ends. `stream_usage` False leaves `stream_options` out,
    for servers that refuse it; `edits` is how edits of pictures travel. `azure` and `vertex` say that
    the provider is reached through a cloud; `ambient` that the cloud's own credentials on the user's
    side may be used where there is no key.
    """

    read_media: MediaReader
    tap: Tap
    stream: bool = True
    stream_usage: bool = True
    edits: Literal["json", "multipart"] = "json"
    base_url: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 600.0
    deadline: float | None = None
    client_request_id: str | None = None
    api_version: str | None = None
    azure: Azure | None = None
    vertex: Vertex | None = None
    ambient: bool = False
    cancel: Cancel = field(default_factory=Cancel)


class Adapter(Protocol):
    """The functions of an adapter module. All are pure but `send`."""

    MEDIA: tuple[tuple[str | None, ...], ...]
    """Places of a wire, as sent or received, that hold base64, however short; see `media.lift`."""

    BUILTINS: Mapping[str, Mapping[str, Json]]
    """The api's own tools that others have too: a common word (`web_search`), and the tool as a spec writes it
    for this api with the least that it needs. Empty where an api has no tools of its own."""

    def defaults(self, request: Request, model: ModelSpec | None) -> Request:
        """The request with the provider's defaults made explicit (`store`, `strict`), as the model is served."""

    def compile(self, request: Request) -> Compiled:
        """Neutral to native; adds nothing that the request does not say."""

    def uncompile(self, wire: Json, target: Target) -> Request:
        """Native to neutral; what is not understood stays in `body` or in native parts."""

    def target_of(self, wire: Json, model: str) -> Target:
        """Where a wire goes: its operation may depend on what it holds."""

    def wanted(self, wire: Json) -> int:
        """How many pictures a wire asks for; 0 where it asks for none, or leaves that to the model."""

    def respell(self, wire: Json) -> Json:
        """A wire, or a `body`, with what others spell otherwise written as `compile` writes it; for another api."""

    def loosen(self, message: Message) -> Loosened:
        """A turn with the provider's own items in neutral words, as far as these go; for another api."""

    def send(self, wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
        """Send the wire; raises `CallFailed`. Transport switches are added here."""

    def progress(self, event: WireEvent) -> Event | None:
        """What a person sees while it streams."""

    def fold(self, events: Iterable[WireEvent]) -> Folded:
        """The body that the same call would have returned unstreamed."""

    def read(self, wire_response: Json) -> Response:
        """Native answer to neutral answer."""

    def cannot_return(self, part: Part) -> str | None:
        """Why a part cannot stand in the result of a tool, or None."""

    def next_turn(self, wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
        """The wire of the next turn: tool results and messages after the provider's own items.

        Where results are among the turns, the model is not forced to call again.
        """


class Provider(NamedTuple):
    """Who serves: its apis (module by name, the default first), its key, and its own hosts.

    `hosts` are the only places its own key may go (a leading dot allows subdomains);
    `base_url_env` names a gateway on the user's side; `sdk` is the package that sends; `listing` the
    module whose `look_up(model, call)` asks an endpoint what it says of a model; `api_version` the one
    that is called unless a model spec names another. `apis_of` are the apis of models that are not reached
    through the default one, by the start of their ids.
    `shared` are the fields of a body that an api understands as the provider's other apis do.
    """

    name: str
    apis: Mapping[str, str]
    key_env: tuple[str, ...] = ()
    base_url: str | None = None
    base_url_env: str | None = None
    hosts: tuple[str, ...] = ()
    sdk: str | None = None
    listing: str | None = None
    api_version: str | None = None
    apis_of: Mapping[str, str] = MappingProxyType({})
    shared: Mapping[str, frozenset[str]] = MappingProxyType({})

    def default_api(self, model: str) -> str:
        """The api that is used for a model when a spec names none."""
        own = (api for start, api in self.apis_of.items() if model.startswith(start))
        return next(own, next(iter(self.apis)))

    @property
    def local(self) -> bool:
        """Whether the provider answers inside this process, without a connection."""
        return self.base_url is None


_SHARED = frozenset(
    {
        "metadata",
        "moderation",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
    }
)

PROVIDERS: dict[str, Provider] = {
    "openai": Provider(
        name="openai",
        apis={
            "responses": "plcli.providers.openai_responses",
            "chat": "plcli.providers.openai_chat",
            "images": "plcli.providers.openai_images",
        },
        key_env=("OPENAI_API_KEY",),
        base_url="https://api.openai.com/v1",
        base_url_env="OPENAI_BASE_URL",
        hosts=("api.openai.com", "us.api.openai.com", "eu.api.openai.com"),
        sdk="openai",
        listing="plcli.providers.openai_listing",
        apis_of={"gpt-image-": "images", "chatgpt-image-": "images", "dall-e-": "images"},
        shared={"responses": _SHARED, "chat": _SHARED, "images": frozenset({"safety_identifier", "user"})},
    ),
    "gemini": Provider(
        name="gemini",
        apis={"generate_content": "plcli.providers.gemini"},
        key_env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        base_url="https://generativelanguage.googleapis.com",
        base_url_env="GOOGLE_GEMINI_BASE_URL",
        hosts=("generativelanguage.googleapis.com",),
        sdk="google.genai",
        listing="plcli.providers.gemini_listing",
        api_version="v1beta",
    ),
    "echo": Provider(name="echo", apis={"echo": "plcli.providers.echo"}),
}

_LOCATION = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_STEP = r"[A-Za-z0-9_~@+-]+(?:[.:][A-Za-z0-9_~@+-]+)*"
_PATH = rf"{_STEP}(?:/{_STEP})*"

ENTRY_POINTS = "plcli.providers"
"""Entry-point group in which other packages offer a `Provider`."""


def provider(name: str) -> Provider:
    """The provider of that name, built in or from an entry point. Raises `SetupError`."""
    known = PROVIDERS.get(name)
    if known is not None:
        return known
    # Not imported at the top: it costs half of the start-up of `--help`, and only unknown names need it.
    metadata = import_module("importlib.metadata")
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return cast(Provider, entry.load())
    raise SetupError(f"unknown provider {name!r}", hint=f"the providers are: {', '.join(sorted(PROVIDERS))}")


def look_up(of: Provider, model: str, call: Call) -> Listing:
    """What the endpoint of a call says of a model. Raises `CallFailed` and `SetupError`."""
    if of.listing is None:
        return Listing(None)
    module: Any = import_module(of.listing)
    return cast(Listing, module.look_up(model, call))


def vertex_site(vertex: Vertex) -> Provider:
    """Gemini as Google Cloud serves it: hosts of its own, and no key of its own.

    Raises `SetupError` for a location that is no name of a region.
    """
    location = vertex.location or "global"
    if not re.fullmatch(_LOCATION, location):
        raise SetupError(f"vertex.location {location!r} is no region", hint="write global, us, eu, or europe-west4")
    host = {
        "global": "aiplatform.googleapis.com",
        "us": "aiplatform.us.rep.googleapis.com",
        "eu": "aiplatform.eu.rep.googleapis.com",
    }.get(location, f"{location}-aiplatform.googleapis.com")
    return PROVIDERS["gemini"]._replace(
        key_env=(),
        base_url=f"https://{host}",
        base_url_env="GOOGLE_VERTEX_BASE_URL",
        hosts=(host,),
        api_version="v1beta1",
    )


def check_path(what: str, text: str) -> None:
    """Raise `SetupError` unless this stands in the address of a call as it is, and cannot lead to another."""
    if not re.fullmatch(_PATH, text):
        hint = "write letters, digits and ._~@:+- with single slashes between, like gemini-3.8-flash or tunedModels/x"
        raise SetupError(f"{what} {text[:200]!r} cannot stand in the address of a call", hint=hint)


def adapter(of: Provider, api: str) -> Adapter:
    """The adapter module of a provider's api. Raises `SetupError` for an api that it has not."""
    module = of.apis.get(api)
    if module is None:
        raise SetupError(f"provider {of.name!r} has no api {api!r}", hint=f"its apis are: {', '.join(of.apis)}")
    return cast(Adapter, import_module(module))
