"""The OpenAI SDK: its client, and one call that sends exactly our bytes.

The SDK builds URL and authorisation; the wire and the answer stay untouched by its types.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from plcli.errors import SetupError
from plcli.exchange import WireEvent
from plcli.media import Json
from plcli.providers import answer, transport
from plcli.providers.registry import PROVIDERS, Call

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~\t]*[!-~])?|")


def post(path: str, body: Json, call: Call) -> Iterator[WireEvent]:
    """Send a body to a path below the base URL; the answer's events, or its body as one whole event.

    Closing the iterator closes the connection. Raises `CallFailed`, and `SetupError` for a key, a
    header or a base URL that cannot be used.
    """
    import httpx2

    content = encode(body)
    with transport.calling(call):
        response = _client(call).post(
            path, content=content, cast_to=httpx2.Response, stream=True, options={"headers": _headers(call)}
        )
    try:
        yield from answer.read(transport.body(response, call), response.headers.get("content-type", ""))
    finally:
        response.close()


def encode(body: Json) -> bytes:
    """Compact JSON in UTF-8; with ASCII escapes where a lone surrogate has no UTF-8."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")


def _client(call: Call) -> Any:
    """The SDK's client for one call: everything is given, so nothing is taken from the environment."""
    return _sdk()(
        # Never sent without a key, but the SDK wants one.
        api_key=call.key if call.key is not None else "none",
        admin_api_key="",
        organization="",
        project="",
        base_url=call.base_url or PROVIDERS["openai"].base_url,
        timeout=call.timeout,
        max_retries=0,
        http_client=transport.client(),
    )


@cache
def _sdk() -> Any:
    """The SDK's client class, deaf to OPENAI_LOG (read on import) and OPENAI_CUSTOM_HEADERS."""
    level = os.environ.pop("OPENAI_LOG", None)
    try:
        import openai
    finally:
        if level is not None:
            os.environ["OPENAI_LOG"] = level

    class OpenAI(openai.OpenAI):
        @property
        def default_headers(self) -> dict[str, str | openai.Omit]:
            own = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": self.user_agent}
            return {**own, **self.platform_headers()}

    return OpenAI


def _headers(call: Call) -> dict[str, Any]:
    """The headers of a call, each fit for HTTP. Raises `SetupError`; a secret value is never shown."""
    import openai

    if call.key is not None and not _VALUE.fullmatch(call.key):
        raise SetupError(
            "the key holds a character that no HTTP header may carry",
            hint="check the variable for quotes, spaces at the ends, line ends and letters outside ASCII",
        )
    for name, value in call.headers.items():
        if not _TOKEN.fullmatch(name) or "stainless" in name.lower():
            raise SetupError(f"{name!r} cannot be the name of a header", hint="check `headers` of the model spec")
        if not _VALUE.fullmatch(value):
            raise SetupError(
                f"header {name!r} holds a character that HTTP does not carry", hint="check `headers` of the model spec"
            )
    headers: dict[str, Any] = {}
    if call.key is None:
        headers["Authorization"] = openai.omit
    if call.client_request_id is not None:
        headers["X-Client-Request-Id"] = call.client_request_id
    return {**headers, **call.headers}
