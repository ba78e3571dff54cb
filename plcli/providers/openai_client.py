"""The OpenAI SDK: its client, or that for Azure, and one call that sends exactly our bytes.

The SDK builds URL and authorisation; the wire and the answer stay untouched by its types.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from plcli.errors import SetupError
from plcli.exchange import WireEvent
from plcli.media import Json
from plcli.providers import incoming, transport
from plcli.providers.outgoing import check_headers, encode
from plcli.providers.registry import PROVIDERS, Call


class FormFile(NamedTuple):
    """A file of a form: the name of its field, that of the file, the bytes and their mime type."""

    field: str
    name: str
    data: bytes
    mime: str


def post(path: str, body: Json, call: Call) -> Iterator[WireEvent]:
    """Send a body to a path below the base URL; the answer's events, or its body as one whole event.

    Closing the iterator closes the connection. Raises `CallFailed`, and `SetupError` for a key, a
    header or a base URL that cannot be used.
    """
    yield from _post(path, call, _headers(call), content=encode(body))


def post_form(path: str, fields: Mapping[str, Json], files: Iterable[FormFile], call: Call) -> Iterator[WireEvent]:
    """Send a form with files, as the SDK writes it (`svg[model]`; null is left out). Gives and raises as `post`."""
    parts = [(file.field, (file.name, file.data, file.mime)) for file in files]
    headers = {name: value for name, value in _headers(call).items() if name.lower() != "content-type"}
    yield from _post(path, call, {**headers, "Content-Type": "multipart/form-data"}, body=dict(fields), files=parts)


def _post(path: str, call: Call, headers: Mapping[str, Any], **sent: Any) -> Iterator[WireEvent]:
    import httpx2

    with transport.calling(call):
        response = _client(call).post(path, cast_to=httpx2.Response, stream=True, options={"headers": headers}, **sent)
    yield from incoming.events(response, call)


def get(path: str, call: Call) -> Json:
    """What a path below the base URL holds: a JSON object, or None for a stream of nothing. Raises as `post` does."""
    import httpx2

    with transport.calling(call):
        response = _client(call).get(path, cast_to=httpx2.Response, stream=True, options={"headers": _headers(call)})
    return incoming.document(response, call)


def _client(call: Call) -> Any:
    """The SDK's client for one call: everything is given, so nothing is taken from the environment."""
    given: dict[str, Any] = {
        "admin_api_key": "",
        "organization": "",
        "project": "",
        "timeout": call.timeout,
        "max_retries": 0,
        "http_client": transport.client(),
    }
    # Never sent without a key, but the SDK wants one.
    key = call.key if call.key is not None else "none"
    if call.azure is None:
        return _made("OpenAI", api_key=key, base_url=call.base_url or PROVIDERS["openai"].base_url, **given)
    credential = "azure_ad_token" if call.azure.auth == "token" else "api_key"
    return _made(
        "AzureOpenAI",
        azure_endpoint=call.base_url or call.azure.endpoint,
        # The SDK would look for the deployment in JSON, and gets bytes.
        azure_deployment=quote(call.azure.deployment or "", safe="", errors="replace"),
        api_version=call.api_version or "",
        **{credential: key},
        **given,
    )


@lru_cache(maxsize=64)
def _made(kind: str, **given: Any) -> Any:
    """A client, which knows nothing of the calls that it is for: many runs share one."""
    return _sdk(kind)(**given)


@cache
def _sdk(name: str = "OpenAI") -> Any:
    """A client class of the SDK, deaf to OPENAI_LOG (read on import) and OPENAI_CUSTOM_HEADERS."""
    level = os.environ.pop("OPENAI_LOG", None)
    try:
        import openai
    finally:
        if level is not None:
            os.environ["OPENAI_LOG"] = level
    return type(name, (getattr(openai, name),), {"default_headers": property(_own_headers)})


def _own_headers(client: Any) -> dict[str, str]:
    own = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": client.user_agent}
    return {**own, **client.platform_headers()}


def _headers(call: Call) -> dict[str, Any]:
    """The headers of a call, each fit for HTTP. Raises `SetupError`; a secret value is never shown."""
    import openai

    check_headers(call)
    for name in call.headers:
        if "stainless" in name.lower():
            raise SetupError(f"{name!r} is a header of the SDK's own", hint="check `headers` of the model spec")
    headers: dict[str, Any] = {}
    if call.key is None:
        headers["Authorization"] = headers["api-key"] = openai.omit
    if call.client_request_id is not None:
        headers["X-Client-Request-Id"] = call.client_request_id
    return {**headers, **call.headers}
