"""Where the requests of a connection go: the addresses that the SDKs build."""

from __future__ import annotations

from urllib.parse import quote

from plcli.connect import Connection
from plcli.errors import SetupError
from plcli.exports.losses import LeftOut
from plcli.providers.registry import check_path
from plcli.wireshapes import OPERATIONS, PATHS

_PATHS = {operation: path for path, operation in PATHS.items() if OPERATIONS[operation].provider == "openai"}


def path_of(operation: str) -> str:
    """The path of an operation of OpenAI, below the base URL. Raises `LeftOut` for one of others."""
    if operation not in _PATHS:
        raise LeftOut(f"{operation[:60]!r} is no operation of OpenAI")
    return _PATHS[operation]


def url_of(connection: Connection, operation: str, model: str) -> str:
    """The address that an unstreamed request is sent to. Raises `LeftOut`."""
    if connection.provider.name == "gemini":
        if operation != "generateContent":
            raise LeftOut(f"{operation[:60]!r} is no operation of Gemini")
        return _gemini(connection, model)
    return _openai(connection, path_of(operation))


def _openai(connection: Connection, path: str) -> str:
    base_url, azure = connection.base_url or "", connection.azure
    if azure is None:
        return base_url + path
    # Responses have no deployment in their address.
    at = "" if path == "/responses" else f"/deployments/{_quoted(azure.deployment)}"
    return f"{base_url}/openai{at}{path}?api-version={_quoted(connection.api_version)}"


def _quoted(text: str | None) -> str:
    return quote(text or "", safe="", errors="replace")


def _gemini(connection: Connection, model: str) -> str:
    vertex, version = connection.vertex, connection.api_version or ""
    steps = [connection.base_url or "", version]
    try:
        check_path("model", model)
        if version:
            check_path("api_version", version)
        if vertex is not None and vertex.project is not None:
            check_path("vertex.project", vertex.project)
            if not model.startswith("projects/"):
                steps.append(f"projects/{vertex.project}/locations/{vertex.location or 'global'}")
    except SetupError as error:
        raise LeftOut(error.message) from None
    named = _on_vertex(model) if vertex is not None else _on_the_developer_api(model)
    return "/".join([*filter(None, steps), f"{named}:generateContent"])


def _on_the_developer_api(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def _on_vertex(model: str) -> str:
    if model.startswith(("projects/", "models/", "publishers/")):
        return model
    publisher, slash, name = model.partition("/")
    return f"publishers/{publisher}/models/{name}" if slash else f"publishers/google/models/{model}"
