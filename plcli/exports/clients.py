"""The clients of the SDKs, as source text, for the connections of logged runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from plcli.connect import Connection
from plcli.exports.connections import PLACEHOLDER
from plcli.exports.literals import STEP, call, laid_out, word
from plcli.providers.registry import PROVIDERS, vertex_site


class Client(NamedTuple):
    """The statement that makes a client, and the imports that it needs beside those of Python itself."""

    imports: frozenset[str]
    code: str


def openai_client(connection: Connection) -> Client:
    """The client for OpenAI, a compatible server, or a resource of Azure in the legacy form."""
    azure, key = connection.azure, connection.key
    given: dict[str, str] = {}
    # Without a key of its own the SDK makes no client.
    secret = _text(key) if key is not None else word("none")
    if azure is not None:
        given["azure_endpoint"] = word(connection.base_url or azure.endpoint)
        given["azure_deployment"] = word(azure.deployment or "")
        given["api_version"] = word(connection.api_version or "")
        given["azure_ad_token" if azure.auth == "token" else "api_key"] = secret
    elif connection.base_url != PROVIDERS["openai"].base_url:
        given |= {"base_url": word(connection.base_url or ""), "api_key": secret}
    elif key != "${OPENAI_API_KEY}":
        given["api_key"] = secret
    if connection.headers:
        given["default_headers"] = _mapping(connection.headers)
    name = "AzureOpenAI" if azure is not None else "OpenAI"
    return Client(frozenset({f"from openai import {name}"}), f"client = {call(name, given)}")


def gemini_client(connection: Connection) -> Client:
    """The client for Gemini, on the Developer API or on Vertex, which sends `body` in the place of its own."""
    vertex, key = connection.vertex, connection.key
    site = vertex_site(vertex) if vertex is not None else PROVIDERS["gemini"]
    imports, given = {"from google import genai"}, dict[str, str]()
    secret = _text(key) if key is not None else word("none")
    if vertex is not None:
        given["vertexai"] = "True"
    if vertex is not None and vertex.project is not None:
        given |= {"project": word(vertex.project), "location": word(vertex.location or "global")}
        if not connection.ambient:
            imports.add("from google.oauth2.credentials import Credentials")
            given["credentials"] = f"Credentials({secret})"
    elif key not in [f"${{{name}}}" for name in site.key_env]:
        given["api_key"] = secret
    options = {"api_version": word(connection.api_version or "")}
    if connection.base_url != site.base_url:
        options["base_url"] = word(connection.base_url or "")
    if connection.headers:
        options["headers"] = _mapping(connection.headers)
    options["extra_body"] = "body"
    given["http_options"] = laid_out("{}", [f"{word(name)}: {text}" for name, text in options.items()], STEP)
    return Client(frozenset(imports), f"client = {call('genai.Client', given)}")


def _text(text: str) -> str:
    """The expression for a text in which `${NAME}` stands for a variable of the environment."""
    pieces = PLACEHOLDER.split(text)
    told = [f"os.environ[{word(piece)}]" if at % 2 else word(piece) for at, piece in enumerate(pieces) if piece]
    return " + ".join(told) or word("")


def _mapping(texts: Mapping[str, str]) -> str:
    return laid_out("{}", [f"{word(name)}: {_text(text)}" for name, text in texts.items()], STEP)
