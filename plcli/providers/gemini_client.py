"""The Gemini SDK: its client, on the Developer API or on Vertex, and calls that send exactly our bytes.

The SDK builds URL and authorisation; the wire and the answer stay untouched by its types.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from plcli.errorbodies import bounded
from plcli.errors import SetupError
from plcli.exchange import WireEvent
from plcli.media import Json
from plcli.providers import incoming, transport
from plcli.providers.google_credentials import Token, ambient
from plcli.providers.outgoing import check_headers, encode
from plcli.providers.registry import PROVIDERS, Call, check_path, vertex_site
from plcli.specs import Vertex

if TYPE_CHECKING:
    import httpx2

_OWN_TO_EACH = frozenset({"host", "content-length", "transfer-encoding"})
_CREDENTIALS = ("authorization", "x-goog-api-key")
_KEPT_HEADS = 256
_BUILDING = Lock()


def post(model: str, body: Json, call: Call) -> Iterator[WireEvent]:
    """Ask a model for content with a body; the answer's events, or its body as one whole event.

    Closing the iterator closes the connection. Raises `CallFailed`, and `SetupError` for a key, a
    header, a model id or a base URL that cannot be used, and for credentials that are not there.
    """
    method = "generate_content_stream" if call.stream else "generate_content"
    yield from incoming.events(_response(method, model, call, encode(body)), call)


def get(model: str, call: Call) -> Json:
    """What the endpoint says of a model: a JSON object, or None for a stream of nothing. Raises as `post` does."""
    return incoming.document(_response("get", model, call), call)


def _response(method: str, model: str, call: Call, content: bytes | None = None) -> httpx2.Response:
    """The response to what a method of the SDK's `models` would send, with `content` as its body."""
    import httpx2

    check_headers(call)
    with transport.calling(call):
        token = _token(call)
        site = vertex_site(call.vertex) if call.vertex else PROVIDERS["gemini"]
        base_url = call.base_url or str(site.base_url)
        version = str(site.api_version) if call.api_version is None else call.api_version
        # Building takes longer than sending, so that many threads would wait for each other in vain.
        with _BUILDING:
            head = _head(_Asked(method, model, base_url, version, call.vertex, token))
        headers = httpx2.Headers(head.headers)
        if token is None:
            for name in _CREDENTIALS:
                headers.pop(name, None)
        headers.update(call.headers)
        request = httpx2.Request(head.method, head.url, headers=headers, content=content)
        return transport.client().send(request, stream=True)


class _Asked(NamedTuple):
    """All that the SDK builds the head of a request from; `method` is one of its `models`."""

    method: str
    model: str
    base_url: str
    version: str
    vertex: Vertex | None
    token: Token | None


class _Head(NamedTuple):
    """A request without its body."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]


class _Built(BaseException):
    """Carries a request out of the SDK, which so gets no answer to parse, to judge, or to ask again about.

    No `Exception`, since the SDK catches those to resume streams.
    """

    def __init__(self, request: httpx2.Request) -> None:
        super().__init__()
        self.request = request


class _Door:
    """A transport of httpx2 that lets nothing through: it ends the SDK's call where that would send.

    The SDK's own ways to send a body of ours change it (`extra_body` is merged key by key into what the
    SDK made itself, and written its own way) or are private (`_api_client`).
    """

    def handle_request(self, request: httpx2.Request) -> NoReturn:
        """Raise `_Built` with the request."""
        raise _Built(request)

    def close(self) -> None:
        """Nothing is open here."""


@lru_cache(_KEPT_HEADS)
def _head(asked: _Asked) -> _Head:
    """The head of the request that the SDK builds. Raises `SetupError`."""
    import httpx2

    check_path("model", asked.model)
    if asked.version:
        check_path("api_version", asked.version)
    # Only the head is taken: these contents, and what else the SDK writes, are never sent.
    content = {} if asked.method == "get" else {"contents": "-"}
    try:
        answer = getattr(_client(asked).models, asked.method)(model=asked.model, **content)
        # The method that streams begins only when it is asked for its first event.
        next(iter(answer), None)
    except _Built as built:
        request = built.request
    except ValueError as error:
        hint = "check model, base_url, api_version and the key"
        raise SetupError(bounded(f"the SDK refuses this call: {error}"), hint=hint) from error
    else:
        raise SetupError("this release of google-genai sends by other ways", hint="pip install 'google-genai>=3.4,<4'")
    # The host is the one that was judged: the SDK's may be another, where the environment asks for mTLS.
    url = httpx2.URL(asked.base_url).copy_with(raw_path=request.url.raw_path)
    headers = tuple(pair for pair in request.headers.multi_items() if pair[0] not in _OWN_TO_EACH)
    return _Head(request.method, str(url), headers)


def _client(asked: _Asked) -> Any:
    """The SDK's client: everything is given, so that nothing is taken from the environment."""
    import httpx2

    door: Any = _Door()
    options = {
        "base_url": asked.base_url,
        "api_version": asked.version,
        "httpx_client": httpx2.Client(transport=door, trust_env=False),
        # Never used, but the SDK would load certificates for each of these.
        "httpx_async_client": httpx2.AsyncClient(transport=door, trust_env=False),
        "async_client_args": {"ssl": True},
    }
    # It asks for another library under clients of the SDK's own, and fails where that is not installed.
    os.environ.pop("GOOGLE_GENAI_HTTP_CLIENT", None)
    sdk = _sdk()
    mode = sdk.client.DebugConfig(client_mode=None)
    return sdk.Client(http_options=options, debug_config=mode, **_access(asked.vertex, asked.token))


def _access(vertex: Vertex | None, token: Token | None) -> Mapping[str, Any]:
    """Through which cloud, and with what. Raises `SetupError` for a project that is none."""
    # Never sent without a token, but the SDK wants one.
    token = token or Token("none")
    if vertex is None or vertex.project is None:
        return {"vertexai": vertex is not None, "api_key": token.text}
    from google.oauth2.credentials import Credentials

    check_path("vertex.project", vertex.project)
    make: Any = Credentials
    return {
        "vertexai": True,
        "project": vertex.project,
        "location": vertex.location or "global",
        "credentials": make(token=token.text, quota_project_id=token.quota_project),
    }


def _token(call: Call) -> Token | None:
    """What the call is authorised with, if anything. Raises as `ambient` does."""
    if call.key is not None:
        return Token(call.key)
    if not call.ambient:
        return None
    if call.vertex is None or call.vertex.project is None:
        raise SetupError(
            "vertex.project is missing, and there is no key",
            hint="write vertex: {project: …}, or name the variable of an API key in api_key_env",
        )
    return ambient(call)


@cache
def _sdk() -> Any:
    """The SDK, whose log lines go nowhere unless someone asks for them."""
    import google.genai

    # Without a handler Python prints warnings, such as that two keys are set.
    logging.getLogger("google_genai").addHandler(logging.NullHandler())
    return google.genai
