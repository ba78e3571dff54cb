"""Whose a wire is: provider, api and operation, told by the address that it went to, else by its shape."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from plcli.exchange import Target
from plcli.media import Json
from plcli.providers.reading import rows, table
from plcli.providers.registry import PROVIDERS, adapter


class Asked(NamedTuple):
    """A provider and one of its apis."""

    provider: str
    api: str


RESPONSES, CHAT, IMAGES = Asked("openai", "responses"), Asked("openai", "chat"), Asked("openai", "images")
GEMINI, ECHO = Asked("gemini", "generate_content"), Asked("echo", "echo")

OPERATIONS = {
    "responses.create": RESPONSES,
    "chat.completions.create": CHAT,
    "images.generate": IMAGES,
    "images.edit": IMAGES,
    "generateContent": GEMINI,
    "echo": ECHO,
}
"""Whose each operation is."""

PATHS = {
    "/responses": "responses.create",
    "/chat/completions": "chat.completions.create",
    "/images/generations": "images.generate",
    "/images/edits": "images.edit",
    ":generateContent": "generateContent",
    ":streamGenerateContent": "generateContent",
}
"""How the addresses of operations end, on whatever server."""

_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/[a-z/]+\Z")
_SERVED = re.compile(r"(?:\A|/)(?:models/([^/:]+)|((?:tunedModels|projects/[^/]+/locations/[^/]+/endpoints)/[^/:]+)):")

_SWITCHES = ("stream", "stream_options")

_ECHO = frozenset({"params", "script", "output", "chain"})
_ANTHROPIC = frozenset({"system", "stop_sequences", "anthropic_version"})
_CONTINUED = frozenset({"previous_response_id", "conversation"})
_NO_ANSWER = frozenset({"voice", "encoding_format", "dimensions", "input_type", "agent", "generation_config"})
"""What a body with an `input` has that wants speech or vectors, or goes to an api that is no one of ours."""

_OTHER_MODELS = ("text-embedding-", "text-moderation-", "omni-moderation-", "tts-")
_OF_PICTURES = frozenset({"size", "quality", "background", "output_format", "images", "image", "mask"})


class Guess(NamedTuple):
    """Who a wire is for; `model` is None where neither the wire nor its address names one."""

    provider: str
    api: str
    operation: str
    model: str | None


def guess(wire: Json, url: str | None = None) -> Guess | None:
    """Whose a wire is; None for what no api of plcli is asked by.

    An address decides alone, without one the shape does: `input`, `messages`, `contents`, or the `prompt` of a
    picture. Both may hold anything.
    """
    if not isinstance(wire, dict):
        return None
    stated = wire.get("model")
    model = stated if isinstance(stated, str) and stated else None
    if url is not None:
        return _by_address(url, model)
    asked = _asked(wire)
    if asked is None:
        return None
    if asked == GEMINI and model is not None:
        model = model.removeprefix("models/")
    operation = adapter(PROVIDERS[asked.provider], asked.api).target_of(wire, model or "").operation
    return Guess(*asked, operation, model)


def of_target(target: Target) -> Guess | None:
    """Whose a wire is that goes there; None for an operation that is not known."""
    known = OPERATIONS.get(target.operation)
    return Guess(*known, target.operation, target.model or None) if known else None


def without_switches(provider: str, wire: dict[str, Json]) -> dict[str, Json]:
    """The wire without what only says how its answer travels, which is no part of a request."""
    return {name: item for name, item in wire.items() if name not in _SWITCHES} if provider == "openai" else wire


def _by_address(url: str, model: str | None) -> Guess | None:
    try:
        path = unquote(urlsplit(url).path).rstrip("/")
    except ValueError:
        return None
    operation = next((operation for end, operation in PATHS.items() if path.endswith(end)), None)
    if operation is None:
        return None
    asked = OPERATIONS[operation]
    if asked == GEMINI:
        served = _SERVED.search(path)
        if served is None:
            return None
        model = served[1] or served[2]
    elif model is None and (deployment := _DEPLOYMENT.search(path)):
        model = deployment[1]
    return Guess(*asked, operation, model)


def _asked(wire: dict[str, Json]) -> Asked | None:
    name = wire.get("model")
    model = name if isinstance(name, str) else ""
    if isinstance(wire.get("contents"), (list, dict, str)):
        return GEMINI
    if isinstance(wire.get("messages"), list):
        if wire.keys() & _ECHO:
            return ECHO
        theirs = wire.keys() & _ANTHROPIC or any("input_schema" in table(tool) for tool in rows(wire.get("tools")))
        return None if theirs else CHAT
    if isinstance(wire.get("input"), (list, str)):
        return None if wire.keys() & _NO_ANSWER or model.startswith(_OTHER_MODELS) else RESPONSES
    if isinstance(wire.get("prompt"), str):
        drawing = PROVIDERS["openai"].default_api(model) == "images" or wire.keys() & _OF_PICTURES
        return IMAGES if drawing and "seconds" not in wire else None
    return RESPONSES if isinstance(wire.get("prompt"), dict) or wire.keys() & _CONTINUED else None
