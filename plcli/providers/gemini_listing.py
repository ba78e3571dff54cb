"""What Gemini's endpoints, or gateways to them, say of a model without being asked to answer."""

from __future__ import annotations

from plcli.errorbodies import bounded
from plcli.failures import CallFailed
from plcli.providers import gemini_client
from plcli.providers.registry import Call, Listing

_CANNOT_TELL = (404, 405, 501)


def look_up(model: str, call: Call) -> Listing:
    """Whether the endpoint knows the model, and as which.

    Raises `CallFailed` where it refuses or does not answer, and `SetupError` as `gemini_client.get`.
    """
    try:
        found = gemini_client.get(model, call)
    except CallFailed as error:
        if error.failure.status not in _CANNOT_TELL:
            raise
        # Gateways answer 404 too where they serve no such address; only Google's own words tell of the model.
        known = False if error.failure.type == "NOT_FOUND" else None
        return Listing(known, detail=error.message)
    name = found.get("name") if isinstance(found, dict) else None
    listed = bounded(name.rpartition("/")[2]) if isinstance(name, str) else ""
    if not listed:
        # Servers of other apis answer so to anything.
        return Listing(None, detail="the server names no model, or base_url is wrong")
    return Listing(True, served_by=listed if listed != model.rpartition("/")[2] else None)
