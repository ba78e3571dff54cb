"""What OpenAI, and servers that are compatible with it, say of a model without being asked to answer.

Compatible servers often know only the list of their models, and name these in their own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from plcli.errorbodies import bounded
from plcli.failures import CallFailed
from plcli.media import Json
from plcli.providers import openai_client
from plcli.providers.registry import Call, Listing

_NO_SUCH_PATH = frozenset([404, 405, 501])
_AZURE = (".azure.com", ".azure.us", ".azure.cn")
_SHOWN = 5


def look_up(model: str, call: Call) -> Listing:
    """What the endpoint of a call says of a model. Raises `CallFailed` and `SetupError`."""
    if call.azure is not None:
        return Listing(None, detail="a resource of Azure does not list what it deploys")
    if (urlsplit(call.base_url or "").hostname or "").endswith(_AZURE):
        _answer("/models", call)  # whether key and address work: what is listed are models that could be deployed
        return Listing(None, detail="key and address work; a resource of Azure does not list what it deploys")
    found = _retrieved(model, call)
    if found is not None:
        return _listing(model, found)
    listed = _listed(call)
    if listed is None:
        return Listing(None, detail="the server does not list its models, or base_url is wrong")
    found = next((item for item in listed if item["id"] == model), None)
    found = found or next((item for item in listed if model in _other_names(item)), None)
    if found is not None:
        return _listing(model, found)
    return _absent(listed)


def _retrieved(model: str, call: Call) -> dict[str, Json] | None:
    """The model by its own address; None where the server has no such address, or not this model."""
    if not model.strip("."):
        return None  # as a step of a path it would lead elsewhere
    answer = _answer(f"/models/{quote(model, safe=':@', errors='replace')}", call)
    return answer if _is_model(answer) else None


def _listed(call: Call) -> list[dict[str, Json]] | None:
    """The models that the server lists; None where it lists none at all."""
    answer = _answer("/models", call)
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        return None
    # llama.cpp names its aliases in a list of its own.
    more = answer.get("models")
    named = {str(item.get("name")): item for item in (more if isinstance(more, list) else []) if isinstance(item, dict)}
    return [{**named.get(item["id"], {}), **item} for item in items if _is_model(item)]


def _answer(path: str, call: Call) -> Any:
    """What stands at a path; None where the server has nothing there, or a page for people."""
    try:
        return openai_client.get(path, call)
    except CallFailed as error:
        page = error.failure.kind == "protocol" and error.failure.status is None
        if page or error.failure.status in _NO_SUCH_PATH:
            return None
        raise


def _is_model(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)


def _other_names(item: dict[str, Any]) -> Iterator[str]:
    """What else a listed model answers to: Gemini's `models/X`, Ollama's `X:latest`, aliases."""
    yield item["id"].removeprefix("models/")
    yield item["id"].removesuffix(":latest")
    aliases = item.get("aliases")
    yield from (alias for alias in (aliases if isinstance(aliases, list) else []) if isinstance(alias, str))


def _listing(model: str, item: dict[str, Any]) -> Listing:
    shutdown = item.get("shutdown_date")
    return Listing(
        True,
        served_by=bounded(item["id"]) if item["id"] != model else None,
        shutdown=shutdown if isinstance(shutdown, str) else None,
    )


def _absent(listed: list[dict[str, Json]]) -> Listing:
    """What a list says of a model that it does not name."""
    names = [str(item["id"]) for item in listed]
    if len(names) == 1 and listed[0].get("owned_by") == "llamacpp":
        # It has one model and answers to any name.
        return Listing(True, served_by=bounded(names[0]))
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return Listing(False, detail=f"the server lists {shown or 'no models'}")
